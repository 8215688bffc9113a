"""What of a case `F.conv2d` does not offer, and how it is asked for the same nevertheless."""

from __future__ import annotations

from explorer.convolution.geometry import same_padding
from explorer.laboratory.cases import Case


def beyond_pytorch(case: Case) -> list[str]:
    """A sentence or two, in Markdown, for each thing that `F.conv2d` has no parameter for."""
    told = [_turned(case), _tensorflow(case), _edge(case)]
    return [text for text in told if text is not None]


def _turned(case: Case) -> str | None:
    if not case.flipped:
        return None
    same = case.weight.equal(case.kernel)
    return "**True convolution**: `F.conv2d` gets the kernel turned by 180°. " + (
        "This one looks the same either way." if same else "Without the turn it is cross-correlation."
    )


def _tensorflow(case: Case) -> str | None:
    if case.padding != "same_tensorflow":
        return None
    sizes = case.sizes
    top, bottom, left, right = sizes.padding
    above, _ = same_padding(sizes.kernel_size[0], sizes.dilation[0])
    before, _ = same_padding(sizes.kernel_size[1], sizes.dilation[1])
    pads = f"**TensorFlow's SAME** pads {top} above, {bottom} below, {left} left, {right} right. "
    if (above, before) == (top, left):
        return pads + "PyTorch's windows lie in the same places here; with a stride they often do not."
    shifts = (f"{above - top} higher" * (above > top), f"{before - left} further left" * (before > left))
    return pads + (
        f"PyTorch's SAME, which knows stride 1 only, begins with {above} above and {before} left: each of "
        f"its windows lies {' and '.join(filter(None, shifts))}. That is why a network trained with one goes "
        "wrong with the other."
    )


def _edge(case: Case) -> str | None:
    if case.padding_mode == "zeros" or not any(case.sizes.padding):
        return None
    return "**Beyond the edge** `F.conv2d` knows only zeros: it gets the picture already padded."
