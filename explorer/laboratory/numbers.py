"""Small matrices as people type them and as a link carries them: `0 -1 0; -1 5 -1; 0 -1 0`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

LARGEST = 1e6
"""Largest magnitude of a typed number."""

MOST = 12
"""Most rows and columns of a typed matrix."""


class NumbersError(ValueError):
    """Numbers that cannot be used; the message says which and why."""


def parse_number(text: str) -> float:
    """One number; a fraction such as 1/9 is possible.

    Raises:
        NumbersError: If it is none, or beyond ±1,000,000.

    Example:
        >>> parse_number("1/8"), parse_number("−2")
        (0.125, -2.0)
    """
    above, slash, below = text.strip().replace("−", "-").partition("/")
    try:
        value = float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError):
        raise NumbersError(f"{text.strip()[:20]!r} is not a number") from None
    if not abs(value) <= LARGEST:
        raise NumbersError(f"numbers lie between −1,000,000 and 1,000,000, got {text.strip()[:20]}")
    return value


def parse_matrix(text: str, most: int = MOST) -> Tensor:
    """A matrix, float64 (rows, columns): rows end with `;` or a new line, numbers with a space or comma.

    Args:
        text: What was typed.
        most: Most rows and columns.

    Raises:
        NumbersError: If a number is none, rows differ in length, or there are too many or none.

    Example:
        >>> parse_matrix("1 2; 3 4")
        tensor([[1., 2.],
                [3., 4.]], dtype=torch.float64)
    """
    lines = [line.replace(",", " ").split() for line in text.replace("\n", ";").split(";")]
    return _matrix([[parse_number(word) for word in line] for line in lines if line], most)


def matrix(rows: object, most: int = MOST) -> Tensor:
    """A matrix, float64 (rows, columns), from whatever a browser sent as one.

    Raises:
        NumbersError: If it is no matrix of usable numbers.
    """
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise NumbersError("a matrix is a list of rows")
    if not all(isinstance(row, Sequence) and not isinstance(row, str) for row in rows):
        raise NumbersError("a matrix is a list of rows")
    return _matrix([[parse_number(str(value)) for value in row] for row in rows], most)


def format_matrix(values: Tensor) -> str:
    """The text that `parse_matrix` reads back.

    Example:
        >>> format_matrix(torch.tensor([[0.0, -1.5], [2.0, 1e-3]]))
        '0 -1.5; 2 0.001'
    """
    return "; ".join(" ".join(f"{value:.6g}" for value in row) for row in values.tolist())


def resized(values: Tensor, rows: int, columns: int) -> Tensor:
    """A matrix cut, or continued with zeros, to another size."""
    other = values.new_zeros(rows, columns)
    height, width = min(rows, len(values)), min(columns, values.shape[1])
    other[:height, :width] = values[:height, :width]
    return other


def _matrix(rows: list[list[float]], most: int) -> Tensor:
    widths = {len(row) for row in rows}
    if not rows or widths == {0}:
        raise NumbersError("a matrix needs at least one number")
    if len(widths) > 1:
        raise NumbersError(
            f"all rows must be equally long, got {' and '.join(map(str, sorted(widths)))} numbers"
        )
    if max(len(rows), *widths) > most:
        raise NumbersError(f"at most {most} × {most} numbers are possible, got {len(rows)} × {len(rows[0])}")
    if not all(math.isfinite(value) for row in rows for value in row):
        raise NumbersError("every number must be finite")
    return torch.tensor(rows, dtype=torch.float64)
