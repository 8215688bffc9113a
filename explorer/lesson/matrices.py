"""Small matrices of numbers: checked when they come in, written and spoken when they go out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

import torch
from torch import Tensor

Matrix: TypeAlias = tuple[tuple[float, ...], ...]
"""Rows of equal length."""

Numbers: TypeAlias = "Tensor | Sequence[Sequence[float]]"

LARGEST = 1e6
"""Largest magnitude of a number: sums of products stay exact where the numbers are whole."""

LARGEST_DENOMINATOR = 999
"""Of the fractions that are written as fractions."""


class LessonError(ValueError):
    """Something that the lesson cannot show; the message says what was given and what is possible."""


def matrix(name: str, values: Numbers, least: int, most: int) -> Matrix:
    """Check a matrix and make it immutable.

    Args:
        name: What it is, for messages.
        values: Rows of equal length, or a tensor (rows, columns).
        least: Fewest rows and columns.
        most: Most rows and columns.

    Raises:
        LessonError: If it is no matrix, too small or too large, or holds something else than usable numbers.

    Example:
        >>> matrix("kernel", [[1, 0, -1]], 1, 7)
        ((1.0, 0.0, -1.0),)
    """
    try:
        tensor = torch.as_tensor(values, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise LessonError(f"the {name} must be rows of numbers, all of the same length") from None
    if tensor.dim() != 2:
        raise LessonError(f"the {name} must be a matrix (rows, columns), got shape {tuple(tensor.shape)}")
    rows, columns = tensor.shape
    if not (least <= rows <= most and least <= columns <= most):
        raise LessonError(
            f"the {name} can have {least} to {most} rows and columns, got {rows} rows and {columns} columns"
        )
    if not bool((tensor.abs() <= LARGEST).all()):
        raise LessonError(f"the numbers of the {name} must lie between −1,000,000 and 1,000,000")
    # Adding zero turns −0 into 0, which nobody means.
    return tuple(tuple(value + 0.0 for value in row) for row in tensor.tolist())


def check_cell(row: int, column: int, size: tuple[int, int]) -> None:
    """Check that an output has a cell.

    Raises:
        LessonError: If it has not.
    """
    height, width = size
    if not (0 <= row < height and 0 <= column < width):
        raise LessonError(
            f"the output has rows 0 to {height - 1} and columns 0 to {width - 1}, "
            f"got row {row}, column {column}"
        )


def turned(values: Matrix) -> Matrix:
    """The matrix turned by 180 degrees.

    Example:
        >>> turned(((1, 2, 3), (4, 5, 6)))
        ((6, 5, 4), (3, 2, 1))
    """
    return tuple(tuple(reversed(row)) for row in reversed(values))


def written(value: float) -> str:
    """A number as it is printed: up to six digits, with the minus sign of mathematics.

    Example:
        >>> written(-1.0), written(0.1 + 0.2), written(-1e-17)
        ('−1', '0.3', '0')
    """
    # Nine decimals are beyond what six digits show, and hide what adding tenths in binary leaves over.
    return f"{round(value, 9) + 0.0:.6g}".replace("-", "−")


def typed(value: float) -> str:
    """A number as somebody would type it: a fraction where that says it exactly and shorter.

    Example:
        >>> typed(1 / 9), typed(-0.5), typed(0.0625), typed(-3.0)
        ('1/9', '-0.5', '1/16', '-3')
    """
    decimal = repr(value + 0.0).removesuffix(".0")
    share = Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
    exact = float(share) == value
    return str(share) if exact and len(str(share)) < len(decimal) else decimal


def spoken(value: float) -> str:
    """A number as a screen reader should say it: "minus" as a word, which not every voice makes of a dash.

    Example:
        >>> spoken(-2.5)
        'minus 2.5'
    """
    return written(value).replace("−", "minus ")
