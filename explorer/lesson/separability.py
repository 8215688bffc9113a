"""Which kernels are a column times a row, and what that saves.

A kernel of rank 1 is an outer product: blurring the rows and then the columns of the result does the same,
with kH + kW products per pixel instead of kH · kW. Any kernel is a sum of `rank` such pairs, which the
singular value decomposition gives, the most important first.

Source: Treitel and Shanks, "The design of multistage separable planar filters", 1971.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.lesson.composition import check_kernel
from explorer.lesson.matrices import LessonError

TOLERANCE = 1e-9
"""Singular values below this share of the largest count as zero: rounding leaves about 1e-16."""

TOLERANCE_SINGLE = 1e-6
"""The same for numbers that were rounded to single precision, which leaves about 1e-8."""


@dataclass(frozen=True, eq=False)
class Separability:
    """A kernel as a sum of columns times rows.

    Attributes:
        kernel: float64 (kH, kW).
        singular_values: float64 (min(kH, kW),), the largest first.
        columns: float64 (rank, kH): the column of each pair.
        rows: float64 (rank, kW): the row of each pair.
    """

    kernel: Tensor
    singular_values: Tensor
    columns: Tensor
    rows: Tensor

    @property
    def rank(self) -> int:
        """Pairs that are needed; 0 for a kernel of zeros."""
        return len(self.columns)

    @property
    def separable(self) -> bool:
        """Whether a single column and row do."""
        return self.rank == 1

    @property
    def products(self) -> int:
        """Products per pixel with the kernel as it is."""
        return self.kernel.numel()

    @property
    def products_apart(self) -> int:
        """Products per pixel with a column and a row for each pair."""
        return self.rank * sum(self.kernel.shape)

    @property
    def saves(self) -> bool:
        """Whether taking it apart needs fewer products."""
        return self.products_apart < self.products

    @property
    def shares(self) -> Tensor:
        """How much of the kernel's sum of squares each singular value carries, float64, together 1."""
        squares: Tensor = self.singular_values**2
        total = squares.sum()
        return squares / total if total > 0 else squares

    def approximation(self, rank: int) -> Tensor:
        """The nearest kernel of a lower rank, float64 (kH, kW): the first pairs added up.

        Raises:
            LessonError: If the rank is not between 0 and the kernel's own.
        """
        if not 0 <= rank <= self.rank:
            raise LessonError(f"this kernel has rank {self.rank}; an approximation has 0 to that, got {rank}")
        return self.columns[:rank].T @ self.rows[:rank]  # (kH, rank) @ (rank, kW)


def separate(kernel: Tensor) -> Separability:
    """Take a kernel apart into columns and rows.

    Args:
        kernel: (kH, kW).

    Raises:
        LessonError: If it is no matrix of finite numbers.

    Example:
        >>> sobel = separate(torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]))
        >>> sobel.rank, sobel.products, sobel.products_apart
        (1, 9, 6)
        >>> sobel.columns, sobel.rows
        (tensor([[1., 2., 1.]], dtype=torch.float64), tensor([[-1.,  0.,  1.]], dtype=torch.float64))
    """
    values = check_kernel(kernel)
    left, singular, right = torch.linalg.svd(values, full_matrices=False)
    tolerance = TOLERANCE if kernel.dtype == torch.float64 else TOLERANCE_SINGLE
    rank = int((singular > tolerance * singular[0]).sum()) if singular[0] > 0 else 0
    columns, rows = left.T[:rank], singular[:rank, None] * right[:rank]
    scale = _scales(columns)[:, None]
    return Separability(values, singular, _tidy(columns / scale), _tidy(rows * scale))


def _scales(columns: Tensor) -> Tensor:
    """Each column's first number that is not negligible: divided by it, a column begins with 1."""
    large = columns.abs() > 1e-6 * columns.abs().amax(1, keepdim=True)
    first = large.to(torch.int8).argmax(1)
    return columns.gather(1, first[:, None])[:, 0]


def _tidy(values: Tensor) -> Tensor:
    """Rounding errors beside larger numbers as the zeros that they stand for."""
    small = values.abs() < 1e-12 * values.abs().amax(1, keepdim=True)
    rounded = values.round()
    whole = (values - rounded).abs() < 1e-12 * values.abs().amax(1, keepdim=True)
    return torch.where(small, 0.0, torch.where(whole, rounded, values)) + 0.0
