"""Pooling and ReLU step by step, in the manner of the convolution's walkthrough.

Example:
    >>> pooled = walk_pool([[1, 5, 2], [0, 3, 4], [7, 1, 1]], size=2, stride=1)
    >>> pooled.output
    ((5.0, 5.0), (7.0, 4.0))
    >>> print(pooled.at(0, 0).text)
    max(1, 5, 0, 3) = 5
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal, get_args

from explorer.convolution.geometry import output_size
from explorer.lesson.matrices import LessonError, Matrix, Numbers, check_cell, matrix, spoken, written
from explorer.lesson.walkthrough import INPUT_SIDES

Kind = Literal["max", "average"]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Cell:
    """A cell of the input with its number."""

    row: int
    column: int
    value: float


@dataclass(frozen=True)
class PoolPosition:
    """One position of the pooling window.

    Attributes:
        row: Of the output.
        column: Of the output.
        cells: The window's cells, in reading order.
        kind: "max" or "average".
    """

    row: int
    column: int
    cells: tuple[Cell, ...]
    kind: Kind

    @property
    def winner(self) -> Cell | None:
        """The cell that max-pooling hands on, the first of equal ones as in PyTorch; None for a mean."""
        return max(self.cells, key=lambda cell: cell.value) if self.kind == "max" else None

    @property
    def result(self) -> float:
        """The output's number."""
        if winner := self.winner:
            return winner.value
        return sum(cell.value for cell in self.cells) / len(self.cells)

    @property
    def text(self) -> str:
        """The computation, `max(1, 5, 0, 3) = 5`."""
        name = "max" if self.kind == "max" else "mean"
        return f"{name}({', '.join(written(cell.value) for cell in self.cells)}) = {written(self.result)}"

    @property
    def sentence(self) -> str:
        """The computation for somebody who listens."""
        values = ", ".join(spoken(cell.value) for cell in self.cells)
        where = f"Output row {self.row}, column {self.column}. The window holds {values}."
        if winner := self.winner:
            return (
                f"{where} The largest is {spoken(winner.value)}, at row {winner.row}, column {winner.column}."
            )
        return f"{where} Their mean is {spoken(self.result)}."


@dataclass(frozen=True)
class PoolWalkthrough:
    """Pooling of one small matrix, without padding.

    Attributes:
        input: The numbers of the input.
        kind: "max" or "average".
        size: Rows and columns of the window.
        stride: Cells from one window to the next, the same both ways.
        output_size: Rows and columns of the output.
    """

    input: Matrix
    kind: Kind
    size: int
    stride: int
    output_size: Pair

    @cached_property
    def output(self) -> Matrix:
        """The results."""
        height, width = self.output_size
        return tuple(tuple(self.at(row, column).result for column in range(width)) for row in range(height))

    def __iter__(self) -> Iterator[PoolPosition]:
        height, width = self.output_size
        return (self.at(row, column) for row, column in product(range(height), range(width)))

    def at(self, row: int, column: int) -> PoolPosition:
        """The window's position for one cell of the output.

        Raises:
            LessonError: If the output has no such cell.
        """
        check_cell(row, column, self.output_size)
        top, left = row * self.stride, column * self.stride
        cells = tuple(
            Cell(y, x, self.input[y][x])
            for y, x in product(range(top, top + self.size), range(left, left + self.size))
        )
        return PoolPosition(row, column, cells, self.kind)


@dataclass(frozen=True)
class ReluPosition:
    """One cell under ReLU: max(0, value)."""

    row: int
    column: int
    value: float

    @property
    def result(self) -> float:
        """The value where it is positive, otherwise 0."""
        return max(0.0, self.value)

    @property
    def text(self) -> str:
        """The computation, `max(0, −2) = 0`."""
        return f"max(0, {written(self.value)}) = {written(self.result)}"

    @property
    def sentence(self) -> str:
        """The computation for somebody who listens."""
        where = f"Row {self.row}, column {self.column}: {spoken(self.value)}"
        if self.value > 0:
            return f"{where} is positive and stays."
        return f"{where} is not positive and becomes 0." if self.value else f"{where} stays 0."


@dataclass(frozen=True)
class ReluWalkthrough:
    """ReLU of one small matrix, cell by cell."""

    input: Matrix

    @cached_property
    def output(self) -> Matrix:
        """The results, of the input's size."""
        return tuple(tuple(max(0.0, value) for value in row) for row in self.input)

    @property
    def silenced(self) -> int:
        """Cells that were negative and became 0."""
        return sum(value < 0 for row in self.input for value in row)

    def __iter__(self) -> Iterator[ReluPosition]:
        return (ReluPosition(y, x, value) for y, row in enumerate(self.input) for x, value in enumerate(row))

    def at(self, row: int, column: int) -> ReluPosition:
        """One cell.

        Raises:
            LessonError: If there is no such cell.
        """
        check_cell(row, column, (len(self.input), len(self.input[0])))
        return ReluPosition(row, column, self.input[row][column])


def walk_pool(
    input: Numbers, size: int = 2, stride: int | None = None, kind: Kind = "max"
) -> PoolWalkthrough:
    """Prepare the walkthrough of a pooling.

    Args:
        input: Rows of numbers, 3 to 12 on a side.
        size: Rows and columns of the window, at least 1.
        stride: From one window to the next; the window's size if None, as in PyTorch.
        kind: "max" or "average".

    Raises:
        LessonError: If the matrix is too small or too large, or the window does not fit into it.
    """
    cells = matrix("input", input, *INPUT_SIDES)
    step = size if stride is None else stride
    if kind not in get_args(Kind):
        raise LessonError(f"pooling is 'max' or 'average', got {kind!r}")
    least = min(len(cells), len(cells[0]))
    if not 1 <= size <= least or step < 1:
        raise LessonError(
            f"the window of an input of {len(cells)}×{len(cells[0])} can be 1 to {least} wide with a stride "
            f"of at least 1, got {size} with stride {step}"
        )
    sides = output_size(len(cells), size, step), output_size(len(cells[0]), size, step)
    return PoolWalkthrough(cells, kind, size, step, sides)


def walk_relu(input: Numbers) -> ReluWalkthrough:
    """Prepare the walkthrough of a ReLU.

    Raises:
        LessonError: If the matrix is too small or too large (3 to 12 on a side).
    """
    return ReluWalkthrough(matrix("input", input, *INPUT_SIDES))
