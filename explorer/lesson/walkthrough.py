"""A convolution step by step: at every position the window, the products, the partial sums and the result.

    O(r, c) = sum over i, j of  K(i, j) · I(r · stride − top + i · dilation, c · stride − left + j · dilation)

is what deep-learning libraries compute and call convolution; in mathematics it is cross-correlation. True
convolution turns the kernel by 180 degrees first (`flipped=True`), the only difference there is.

Rows and columns are counted from 0, as in the formula; those of the input are negative, or beyond its last,
in the padding.

Example:
    >>> step = walk([[1, 1, 1, 0, 0]] * 5, [[1, 0, -1]] * 3).at(0, 1)
    >>> print(step.text)
    1×1 + 1×0 + 0×(−1) = 1
    1×1 + 1×0 + 0×(−1) = 1
    1×1 + 1×0 + 0×(−1) = 1
    1 + 1 + 1 = 3
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from explorer.convolution.geometry import ConvolutionError, Geometry, Padding, Size, sizes_of
from explorer.lesson.matrices import LessonError, Matrix, Numbers, check_cell, matrix, spoken, turned, written
from explorer.lesson.painting import grid

INPUT_SIDES = (3, 12)
"""Fewest and most rows and columns of the input."""

KERNEL_SIDES = (1, 7)
"""Fewest and most rows and columns of the kernel."""

MOST_PADDING = 6
"""Most padded cells on a side: so many the largest kernel needs to meet every corner of the input alone."""

SPOKEN_TERMS = 9
"""Products that a sentence reads out one by one; of a larger kernel it reads the sums of its rows."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Term:
    """One product: a cell of the window times the weight that lies over it.

    Attributes:
        row: Of the input.
        column: Of the input.
        tap: Row and column in the kernel as it is laid over the input (turned, for true convolution).
        value: The cell's number; 0 in the padding.
        weight: The kernel's number.
        is_padding: Whether the cell lies in the padding.
    """

    row: int
    column: int
    tap: Pair
    value: float
    weight: float
    is_padding: bool

    @property
    def product(self) -> float:
        """Value times weight."""
        return self.value * self.weight + 0.0  # 0 × −1 is −0 to a computer

    @property
    def text(self) -> str:
        """The product as it is written, `0×(−1)`."""
        weight = written(self.weight)
        return f"{_bracketed(written(self.value))}×{_bracketed(weight)}"

    @property
    def spoken(self) -> str:
        """The product as it is said."""
        return f"{spoken(self.value)} times {spoken(self.weight)}"


@dataclass(frozen=True)
class KernelRow:
    """The products of one row of the kernel.

    Attributes:
        terms: From left to right.
        running: Sum of this row and all rows above it.
    """

    terms: tuple[Term, ...]
    running: float

    @property
    def sum(self) -> float:
        """Of this row's products."""
        return sum(term.product for term in self.terms)

    @property
    def text(self) -> str:
        """The row's products and their sum, `1×1 + 1×0 + 0×(−1) = 1`."""
        return f"{' + '.join(term.text for term in self.terms)} = {written(self.sum)}"


@dataclass(frozen=True)
class Position:
    """One position of the window, and how the output's cell comes about.

    Attributes:
        row: Of the output.
        column: Of the output.
        rows: The products, grouped by kernel row from top to bottom.
    """

    row: int
    column: int
    rows: tuple[KernelRow, ...]

    @property
    def terms(self) -> tuple[Term, ...]:
        """All products, in reading order."""
        return tuple(term for row in self.rows for term in row.terms)

    @property
    def result(self) -> float:
        """The output's number."""
        return self.rows[-1].running

    @property
    def input_rows(self) -> tuple[int, ...]:
        """The input's rows under the window, `dilation` apart."""
        return tuple(row.terms[0].row for row in self.rows)

    @property
    def input_columns(self) -> tuple[int, ...]:
        """The input's columns under the window."""
        return tuple(term.column for term in self.rows[0].terms)

    @property
    def padding(self) -> tuple[Pair, ...]:
        """Row and column of every cell of the window that lies in the padding."""
        return tuple((term.row, term.column) for term in self.terms if term.is_padding)

    @property
    def total(self) -> str:
        """How the rows' sums add up, `1 + 1 + 1 = 3`."""
        sums = [written(row.sum) for row in self.rows]
        terms = [sums[0], *map(_bracketed, sums[1:])]
        return f"{' + '.join(terms)} = {written(self.result)}" if len(sums) > 1 else written(self.result)

    @property
    def text(self) -> str:
        """The whole computation, a line for each kernel row and one for the total."""
        lines = [row.text for row in self.rows]
        return "\n".join(lines if len(lines) == 1 else [*lines, self.total])

    @property
    def sentence(self) -> str:
        """The computation for somebody who listens."""
        where = (
            f"Output row {self.row}, column {self.column}. The window covers input "
            f"{_listed('row', self.input_rows)} and {_listed('column', self.input_columns)}"
        )
        if self.padding:
            where += f", {len(self.padding)} of its {len(self.terms)} cells in the padding"
        long = len(self.terms) > SPOKEN_TERMS
        rows = (_spoken_row(number, row, long) for number, row in enumerate(self.rows))
        total = f"The result is {spoken(self.result)}."
        return f"{where}. {' '.join(rows)} {total}"


@dataclass(frozen=True)
class Walkthrough:
    """A convolution of one small matrix with another.

    Attributes:
        input: The numbers of the input, H rows of W.
        kernel: The kernel as it was given.
        flipped: Whether it is turned by 180 degrees before it is laid over the input: true convolution.
        sizes: Its sizes, checked; of batch 1 and one channel.
    """

    input: Matrix
    kernel: Matrix
    flipped: bool
    sizes: Geometry

    @cached_property
    def applied(self) -> Matrix:
        """The kernel as it is laid over the input."""
        return turned(self.kernel) if self.flipped else self.kernel

    @cached_property
    def output(self) -> Matrix:
        """The results, OH rows of OW, without the steps that lead to them."""
        height, width = self.sizes.output_size
        return tuple(tuple(self._result(row, column) for column in range(width)) for row in range(height))

    def __iter__(self) -> Iterator[Position]:
        height, width = self.sizes.output_size
        return (self.at(row, column) for row, column in product(range(height), range(width)))

    def at(self, row: int, column: int) -> Position:
        """The window's position for one cell of the output.

        Raises:
            LessonError: If the output has no such cell.
        """
        check_cell(row, column, self.sizes.output_size)
        return Position(row, column, tuple(self._rows(row, column)))

    def value(self, row: int, column: int) -> float:
        """A number of the padded input: 0 outside the input."""
        height, width = self.sizes.size
        return self.input[row][column] if 0 <= row < height and 0 <= column < width else 0.0

    def _corner(self, row: int, column: int) -> Pair:
        """Where the window of an output's cell begins."""
        (down, right), (top, _, left, _) = self.sizes.stride, self.sizes.padding
        return row * down - top, column * right - left

    def _result(self, row: int, column: int) -> float:
        """The same sums in the same order as those of the steps, so that not a digit differs."""
        (top, left), (between_rows, between_columns) = self._corner(row, column), self.sizes.dilation
        return sum(
            sum(
                self.value(top + i * between_rows, left + j * between_columns) * weight
                for j, weight in enumerate(weights)
            )
            for i, weights in enumerate(self.applied)
        )

    def _rows(self, row: int, column: int) -> Iterator[KernelRow]:
        (top, left), (between_rows, between_columns) = self._corner(row, column), self.sizes.dilation
        running = 0.0
        for i, weights in enumerate(self.applied):
            terms = tuple(
                self._term(top + i * between_rows, left + j * between_columns, (i, j), weight)
                for j, weight in enumerate(weights)
            )
            running += sum(term.product for term in terms)
            yield KernelRow(terms, running)

    def _term(self, row: int, column: int, tap: Pair, weight: float) -> Term:
        height, width = self.sizes.size
        outside = not (0 <= row < height and 0 <= column < width)
        return Term(row, column, tap, self.value(row, column), weight, outside)


def walk(
    input: Numbers,
    kernel: Numbers,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    *,
    flipped: bool = False,
) -> Walkthrough:
    """Prepare the walkthrough of a convolution.

    Args:
        input: Rows of numbers, `INPUT_SIDES` on a side.
        kernel: Rows of numbers, `KERNEL_SIDES` on a side.
        stride: Cells from one window to the next, an int or a pair (rows, columns).
        padding: Cells of zeros around the input: an int or a pair up to `MOST_PADDING`, "valid", "same"
            (PyTorch's, for stride 1) or "same_tensorflow".
        dilation: Distance of the kernel's taps, an int or a pair.
        flipped: True convolution instead of the cross-correlation that libraries compute.

    Raises:
        LessonError: If a matrix is too small or too large, or the numbers don't fit together.
    """
    cells = matrix("input", input, *INPUT_SIDES)
    weights = matrix("kernel", kernel, *KERNEL_SIDES)
    shapes = (1, 1, len(cells), len(cells[0])), (1, 1, len(weights), len(weights[0]))
    try:
        sizes = sizes_of(*shapes, stride, padding, dilation)
    except ConvolutionError as error:
        raise LessonError(str(error)) from error
    if not isinstance(padding, str) and max(sizes.padding) > MOST_PADDING:
        raise LessonError(f"the padding can be 0 to {MOST_PADDING} cells, got {padding}")
    return Walkthrough(cells, weights, flipped, sizes)


def worked_example() -> Walkthrough:
    """The lesson's first example: a bright half beside a dark one, under a kernel for vertical edges.

    Example:
        >>> worked_example().output
        ((0.0, 3.0, 3.0), (0.0, 3.0, 3.0), (0.0, 3.0, 3.0))
    """
    return walk([[1, 1, 1, 0, 0]] * 5, [[1, 0, -1]] * 3)


def brightness(rgb: NDArray[np.uint8], side: int = INPUT_SIDES[1]) -> Matrix:
    """A picture as a small input: the brightness of each of its parts, from 0 (black) to 9 (white).

    Args:
        rgb: The picture, uint8 (H, W, 3), of any size; it is squeezed into a square.
        side: Rows and columns of the input.

    Returns:
        `side` rows of `side` whole numbers.

    Example:
        >>> brightness(np.full((2, 5, 3), 255, np.uint8), side=3)
        ((9.0, 9.0, 9.0), (9.0, 9.0, 9.0), (9.0, 9.0, 9.0))
    """
    levels = grid(rgb, side) // 26  # 256 grey levels in ten groups
    return matrix("input", levels.tolist(), *INPUT_SIDES)


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("−") else number


def _listed(kind: str, numbers: tuple[int, ...]) -> str:
    """`rows 1 to 3` where they follow one another, `rows 0, 2 and 4` where the kernel is dilated."""
    words = [spoken(number) for number in numbers]
    if len(words) == 1:
        return f"{kind} {words[0]}"
    if numbers[1] - numbers[0] == 1:
        return f"{kind}s {words[0]} to {words[-1]}"
    return f"{kind}s {', '.join(words[:-1])} and {words[-1]}"


def _spoken_row(number: int, row: KernelRow, long: bool) -> str:
    if long:
        return f"Kernel row {number} gives {spoken(row.sum)}."
    terms = " plus ".join(term.spoken for term in row.terms)
    return f"Kernel row {number}: {terms} makes {spoken(row.sum)}."
