"""A kernel over a whole picture, and how numbers below 0 and above 255 are shown.

Pictures hold whole numbers from 0 to 255; what a kernel makes of them may be negative, larger, or fractions.
A screen can only show 0 to 255 again, so there is a choice to make (`DISPLAYS`), and each loses something.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.convolution import conv2d
from explorer.convolution.padding import pad
from explorer.laboratory.cases import colours, luminance, reduced
from explorer.lesson.composition import Composition, check_kernel, compose
from explorer.lesson.matrices import LARGEST_DENOMINATOR, LessonError, typed

WHITE = 255

LONGEST_TEXT = 7
"""Signs of a weight that is written exactly."""

MOST_EXACT = 121
"""Weights of the largest kernel in which any is written exactly."""

DISPLAYS = ("clip", "centre", "absolute")
"""How signed numbers are shown: cut off at 0 and 255; scaled around a middle grey; without their sign."""

EDGES = ("replicate", "zeros")
"""What stands beyond the picture's edge: its last pixel again, or nothing."""


@dataclass(frozen=True, eq=False)
class Display:
    """Numbers as a screen shows them.

    Attributes:
        pixels: uint8, of the numbers' shape.
        below: Share of the numbers below 0 that were cut off to 0.
        above: Share of the numbers above 255 that were cut off to 255.
        divisor: By what the numbers were divided first; 1 where they were not.
    """

    pixels: NDArray[np.uint8]
    below: float
    above: float
    divisor: float

    @property
    def clipped(self) -> float:
        """Share of the numbers that were cut off."""
        return self.below + self.above


@dataclass(frozen=True, eq=False)
class Chain:
    """Several kernels over a picture, one after the other and as the one that does the same.

    Attributes:
        composition: The kernels and their product.
        stepwise: float64 (C, H, W), one kernel after the other.
        together: float64 (C, H, W), the single kernel.
    """

    composition: Composition
    stepwise: Tensor
    together: Tensor

    @property
    def difference(self) -> float:
        """The largest difference between the two."""
        return float((self.stepwise - self.together).abs().max())


def pixels(rgb: NDArray[np.uint8], *, grey: bool) -> Tensor:
    """A picture as numbers, float32 (C, H, W) with whole numbers 0..255; at most 320 pixels on a side.

    Args:
        rgb: uint8 (H, W, 3).
        grey: One channel of brightness (ITU-R BT.601, rounded) in place of red, green and blue.

    Example:
        >>> pixels(np.full((2, 3, 3), [255, 0, 0], dtype=np.uint8), grey=True).unique()
        tensor([76.])
    """
    small = reduced(rgb)
    return ((luminance if grey else colours)(small)[0] * WHITE).round()


def laid_over(picture: Tensor, kernel: Tensor, edge: str = "replicate") -> Tensor:
    """A kernel over every channel by itself; the picture keeps its size.

    Args:
        picture: (C, H, W).
        kernel: (kH, kW). An even one has no middle: it begins half a step early, as PyTorch's "same" does.
        edge: One of `EDGES`.

    Returns:
        (C, H, W), of the picture's dtype.

    Raises:
        LessonError: If the kernel is no matrix of finite numbers, or the edge is unknown.

    Example:
        >>> laid_over(torch.tensor([[[0.0, 0, 9, 9]]]), torch.tensor([[-1.0, 0, 1]]))
        tensor([[[0., 9., 9., 0.]]])
    """
    if edge not in EDGES:
        raise LessonError(f"beyond the edge there can be {' or '.join(EDGES)}, got {edge!r}")
    weight = check_kernel(kernel).to(picture.dtype)[None, None]
    # (C, 1, H, W): the channels as a batch, so that one kernel serves them all.
    return conv2d(picture[:, None], weight, padding="same", padding_mode=edge)[:, 0]


def weight_texts(kernel: Tensor) -> list[list[str]]:
    """The weights as they are written: fractions where these are short, else to four digits of the largest.

    Example:
        >>> weight_texts(torch.tensor([[1 / 9, -0.5, 0.123456, 1e-9]], dtype=torch.float64))
        [['1/9', '-0.5', '0.1235', '0']]
    """
    most = float(kernel.abs().max())
    places = 3 - math.floor(math.log10(most)) if most > 0 else 0
    # Nobody reads a thousand fractions, and to find them takes a tenth of a second.
    write = _written if kernel.numel() <= MOST_EXACT else _rounded
    return [[write(value, places) for value in row] for row in kernel.double().tolist()]


def _written(value: float, places: int) -> str:
    near = float(Fraction(value).limit_denominator(LARGEST_DENOMINATOR))
    # What a decomposition leaves of 1/16 may differ from it in the last digit.
    text = typed(near if abs(near - value) < 1e-12 else value)
    exact = len(text) <= LONGEST_TEXT and "e" not in text
    return text if exact else _rounded(value, places)


def _rounded(value: float, places: int) -> str:
    return f"{round(value, places) + 0.0:.4g}"


def suited(kernel: Tensor) -> str:
    """The display that suits a kernel: clip for one that keeps the brightness, else centre.

    One percent off is near enough, since weights that somebody typed are rounded.
    """
    return "clip" if abs(float(kernel.double().sum()) - 1) < 0.01 else "centre"


def displayed(values: Tensor, how: str) -> Display:
    """Make numbers visible.

    "clip" shows a number as it is and cuts off what is below 0 or above 255. "centre" shows zero as middle
    grey, positive lighter and negative darker, divided so that nothing is cut off. "absolute" drops the sign
    and cuts off above 255.

    Args:
        values: Any shape.
        how: One of `DISPLAYS`.

    Raises:
        LessonError: If there is no such display.

    Example:
        >>> shown = displayed(torch.tensor([-300.0, 0, 100, 300]), "absolute")
        >>> shown.pixels, shown.above
        (array([255,   0, 100, 255], dtype=uint8), 0.5)
    """
    if how not in DISPLAYS:
        raise LessonError(f"a display is {', '.join(DISPLAYS)}, got {how!r}")
    divisor = 1.0
    if how == "absolute":
        values = values.abs()
    elif how == "centre":
        most = float(values.abs().max())
        divisor = most / (WHITE / 2) if most > 0 else 1.0
        values = values / divisor + WHITE / 2
    # Half a grey level beyond is rounded to the nearest, not lost.
    below, above = (float(beyond.double().mean()) for beyond in (values < -0.5, values > WHITE + 0.5))
    return Display(values.round().clamp(0, WHITE).to(torch.uint8).numpy(), below, above, divisor)


def chained(picture: Tensor, kernels: Sequence[Tensor], *, relu: bool = False) -> Chain:
    """Several kernels one after the other, and the single equivalent one, over the same picture.

    The picture is continued beyond its edge once, far enough for all of them; with a border added before
    each step the two would differ there.

    Args:
        picture: (C, H, W).
        kernels: At least one, (kH, kW) each, in the order in which they are applied.
        relu: Whether negative numbers become 0 between two kernels; then no single kernel does the same.

    Raises:
        LessonError: If the kernels cannot be composed.
    """
    composition = compose(kernels)
    height, width = (side - 1 for side in composition.kernel.shape)
    sides = height // 2, height - height // 2, width // 2, width - width // 2
    wide = pad(picture.double()[:, None], sides, "replicate")  # (C, 1, H + height, W + width)
    stepwise = wide
    for step, part in enumerate(composition.parts):
        stepwise = conv2d(stepwise.relu() if relu and step else stepwise, part[None, None])
    return Chain(composition, stepwise[:, 0], conv2d(wide, composition.kernel[None, None])[:, 0])
