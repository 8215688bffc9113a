"""Padding: what stands beyond the picture's edge.

Source: the four modes of `torch.nn.Conv2d`, in whose words they are named.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.convolution.geometry import ConvolutionError

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def pad(input: Tensor, padding: tuple[int, int, int, int], mode: str = "zeros") -> Tensor:
    """Put `padding` pixels around the last two axes.

    Along one axis, with two pixels on each side of `a b c d`:

        zeros      0 0 | a b c d | 0 0
        reflect    c b | a b c d | c b      the edge pixel is the mirror
        replicate  a a | a b c d | d d
        circular   c d | a b c d | a b

    Args:
        input: (..., H, W).
        padding: Pixels at the (top, bottom, left, right).
        mode: One of `PADDING_MODES`.

    Returns:
        (..., top + H + bottom, left + W + right); the input itself where nothing is padded.

    Raises:
        ConvolutionError: If the mode is unknown, or the picture too small for so much of it.

    Example:
        >>> pad(torch.tensor([[1.0, 2, 3]]), (0, 0, 2, 1), "reflect")
        tensor([[3., 2., 1., 2., 3., 2.]])
    """
    if mode not in PADDING_MODES:
        raise ConvolutionError(f"padding mode {mode!r} is unknown; possible are {', '.join(PADDING_MODES)}")
    top, bottom, left, right = padding
    if not any(padding):
        return input
    height, width = input.shape[-2:]
    if mode == "zeros":
        return F.pad(input, (left, right, top, bottom))
    rows = _source(height, top, bottom, mode).to(input.device)
    columns = _source(width, left, right, mode).to(input.device)
    return input.index_select(-2, rows).index_select(-1, columns)


def covered(size: int, before: int, stride: int, count: int) -> tuple[slice, slice]:
    """Which of `count` positions hold pixels, and which pixels those are, along one axis.

    Position k holds pixel k · stride - before, if 0 <= that < size, and padding otherwise.
    """
    start = min(max(-(-before // stride), 0), count)
    stop = max(min((size - 1 + before) // stride + 1, count), start)
    source = max(start * stride - before, 0)
    return slice(start, stop), slice(
        source, source + (stop - start - 1) * stride + 1 if stop > start else source, stride
    )


def _source(size: int, before: int, after: int, mode: str) -> Tensor:
    """For every padded position the index of the pixel that stands there: (before + size + after,)."""
    # Reflecting has no second mirror, and a circle is gone round once: as in PyTorch.
    most = {"reflect": size - 1, "circular": size}.get(mode, max(before, after))
    if size < 1 or max(before, after) > most:
        raise ConvolutionError(
            f"{mode} padding of {max(before, after)} pixels needs more than the {size} there are; "
            f"at most {max(most, 0)} are possible, or mode 'zeros'"
        )
    positions = torch.arange(-before, size + after)
    if mode == "circular":
        return positions % size
    if mode == "replicate":
        return positions.clamp(0, size - 1)
    reflected = positions.abs()  # mirrored at the first pixel ...
    return (size - 1) - (size - 1 - reflected).abs()  # ... and at the last
