"""Several kernels one after the other, and the single kernel that does the same.

Laying kernel a over a picture, and then b over the result, is

    sum over j of b(j) · sum over i of a(i) · I(p + i + j)  =  sum over k of (a * b)(k) · I(p + k),

where a * b is the true convolution of the two, (a * b)(k) = sum over i of a(i) · b(k − i). It does not matter
in which order they come. A stack of convolutions without anything non-linear in between is therefore one
convolution, which is why networks put a ReLU behind each.

Source: Gonzalez and Woods, Digital Image Processing, 4th edition, section 3.4 (cascaded kernels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.convolution import convolve2d
from explorer.lesson.matrices import LessonError

MOST_TAPS = 127
"""Most rows and columns of a kernel: the widest of the catalogue, four times over."""


@dataclass(frozen=True, eq=False)
class Composition:
    """Kernels in a row.

    Attributes:
        parts: The kernels in the order in which they are applied, float64 (kH, kW) each.
        kernel: The single one that does the same, float64.
    """

    parts: tuple[Tensor, ...]
    kernel: Tensor

    @property
    def products_apart(self) -> int:
        """Products per pixel with one kernel after the other."""
        return sum(part.numel() for part in self.parts)

    @property
    def products_together(self) -> int:
        """Products per pixel with the single kernel."""
        return self.kernel.numel()


def compose(kernels: Sequence[Tensor]) -> Composition:
    """The single kernel that does the same as several in a row, without padding and with stride 1.

    With padding the two differ near the border, where the first kernel's output is cut off and zeros take
    its place.

    Args:
        kernels: At least one, (kH, kW) each, in the order in which they are applied.

    Returns:
        The kernels and their product, whose sides are the sums of theirs minus one for each further kernel.

    Raises:
        LessonError: If there is none, one is no matrix of finite numbers, or the product is too large.

    Example:
        >>> pair = torch.tensor([[1.0, 1.0]])
        >>> compose([pair, pair]).kernel
        tensor([[1., 2., 1.]], dtype=torch.float64)
    """
    if not kernels:
        raise LessonError("at least one kernel is needed")
    parts = tuple(check_kernel(kernel) for kernel in kernels)
    sides = [sum(part.shape[axis] - 1 for part in parts) + 1 for axis in (0, 1)]
    if max(sides) > MOST_TAPS:
        raise LessonError(
            f"together these kernels have {sides[0]}×{sides[1]} taps, and {MOST_TAPS} on a side are possible"
        )
    whole = parts[0]
    for part in parts[1:]:
        whole = convolved(whole, part)
    return Composition(parts, whole)


def convolved(one: Tensor, other: Tensor) -> Tensor:
    """The full true convolution of two matrices, (h1 + h2 − 1, w1 + w2 − 1)."""
    reach = other.shape[0] - 1, other.shape[1] - 1
    return convolve2d(one[None, None], other[None, None], padding=reach, algorithm="shift")[0, 0]


def check_kernel(kernel: Tensor) -> Tensor:
    """A kernel as float64 on the CPU, checked.

    Raises:
        LessonError: If it is no matrix of finite numbers, empty or too large.
    """
    if kernel.dim() != 2 or not 0 < min(kernel.shape) <= max(kernel.shape) <= MOST_TAPS:
        raise LessonError(
            f"a kernel has rows and columns, up to {MOST_TAPS} of each, got shape {tuple(kernel.shape)}"
        )
    values = kernel.detach().to("cpu", torch.float64)
    if not bool(values.isfinite().all()):
        raise LessonError("the numbers of a kernel must be finite")
    return values
