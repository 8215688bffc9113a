"""What the measurements of translation show, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch

from explorer.lesson.equivariance import Equivariance, ShiftError
from explorer.rendering import number
from pages import media

EXACT = 1e-4
"""Relative differences below this are rounding: the same sums, added up in another order."""


def of_layer(name: str, error: ShiftError, step: int | Fraction | None) -> str:
    """What became of one layer."""
    if error.shift == 0 or error.error is None:
        return "Not shifted: both maps are the same. Move the slider."
    if step is None or not error.moved:
        return f"`{name}` has no positions that could move; it changes by {percent(error.error)}."
    count = f"{error.moved} position{'s' if abs(error.moved) > 1 else ''}".replace("-", "−")
    text = f"`{name}` has a position every {step} pixels: its map should move by **{count}**. "
    if error.error < EXACT:
        return text + "It does, **border and all**: what moved looks the same as what was there."
    if not error.whole:
        return text + (
            f"That lies between two positions. Held against a blend of the two, its map is off by "
            f"**{percent(error.error)}**: the layer looks only every {step} pixels, and what lies between is "
            "another sample of the picture. **Stride breaks it.**"
        )
    if error.inner_error is None:
        return text + (
            f"It is off by **{percent(error.error)}**. Every one of its positions sees the border by now, "
            "where padding and new pixels come in. **Padding breaks it.**"
        )
    return text + (
        f"Away from the border it does, **{closely(error.inner_error)}**. With the border, where padding and "
        f"new pixels come in, it is off by **{percent(error.error)}**. **Padding breaks it.**"
    )


def closely(error: float) -> str:
    """How near two maps are."""
    if error == 0:
        return "to the last digit"
    return "but for rounding" if error < EXACT else f"to within {percent(error)}"


def of_depth(layers: Sequence[str], errors: Sequence[ShiftError], last: str, whole: str) -> str:
    """What the curve over depth shows.

    Args:
        layers: Names.
        errors: One for each.
        last: The last layer with positions.
        whole: The first layer without; "" where there is none.
    """
    by_name = dict(zip(layers, errors, strict=True))
    inner = [each for each in errors if each.whole and each.moved and each.inner_error is not None]
    text = (
        ":small[Off by: the size of the difference relative to the maps themselves; 0 % is the same map, "
        "141 % two that have nothing in common.] "
    )
    if inner:
        worst = max(each.inner_error or 0 for each in inner)
        text += (
            f"In {len(inner)} of these layers the shift is a whole number of positions, and some positions "
            f"do not see the border: there the maps follow **{closely(worst)}**. "
        )
    if whole and (by_name[last].unmoved_error or 0) > EXACT:
        text += (
            f"**Pooling throws the place away**: left in place, the maps of `{last}` differ by "
            f"{percent(by_name[last].unmoved_error or 0)}, their averages behind `{whole}` by "
            f"{percent(by_name[whole].error or 0)}. "
        )
    return text


def of_answer(output: object, labels: Sequence[str]) -> str:
    """What the network says of both pictures; nothing where it does not answer with classes."""
    if not isinstance(output, torch.Tensor) or output.dim() != 2:
        return ""
    still, after = output.double().softmax(1)
    top = int(still.argmax())
    name = labels[top] if top < len(labels) else f"class {top}"
    return (
        f"The answer *{media.plain(name)}* goes from {100 * float(still[top]):.1f}\u00a0% to "
        f"{100 * float(after[top]):.1f}\u00a0%. Were it *invariant*, it would not change at all."
    )


def of_shifts(result: Equivariance) -> str:
    """The two findings, in numbers."""
    parts = []
    for curve in result.curves:
        points = [each for each in curve.points if each.moved and each.inner_error is not None]
        whole = [each.inner_error or 0 for each in points if each.whole]
        between = [each.inner_error or 0 for each in points if not each.whole]
        if whole and between:
            most = "at most " if max(whole) else ""
            parts.append(
                f"- `{curve.name}`, step {curve.step}: off by **{most}{percent(max(whole))}** at multiples "
                f"of its step, by {percent(min(between))} to {percent(max(between))} between them"
            )
    listed = "\n".join(parts)
    return (
        f"Away from the border:\n\n{listed}\n\nSo a network is equivariant only to shifts by its whole step; "
        "and at the border padding breaks even that. :small[The curve of a layer whose positions all see the "
        "border holds all positions.]\n\n"
        "[Zhang, Making convolutional networks shift-invariant again, ICML 2019]"
        "(https://arxiv.org/abs/1904.11486) :small[blurs before it takes every second value.]"
    )


def percent(share: float) -> str:
    """A relative difference."""
    return f"{number(100 * share)}\u00a0%"
