"""Inputs and kernels to choose from in the animation."""

from __future__ import annotations

from collections.abc import Callable

from explorer.kernels import KERNELS
from explorer.lesson.walkthrough import KERNEL_SIDES, brightness, worked_example
from pages import state
from pages.widgets.stepper import Preset

SIDE = 5


def inputs() -> tuple[Preset, ...]:
    """Small pictures in which one sees what a kernel answers to."""
    return (
        Preset("vertical edge", worked_example().input),
        _drawn("horizontal edge", lambda row, _: row < 3),
        _drawn("diagonal edge", lambda row, column: row + column < SIDE),
        _drawn("a single dot", lambda row, column: row == column == SIDE // 2),
        _drawn("a line", lambda _, column: column == SIDE // 2),
        _drawn("chessboard", lambda row, column: (row + column) % 2 == 0),
        _drawn("slope", lambda _, column: column + 1),
        _drawn("all ones", lambda _row, _column: 1),
        Preset("the current picture", brightness(state.current().picture.rgb)),
    )


def kernels() -> tuple[Preset, ...]:
    """The worked example's kernel, then the catalogue's as far as they are small and have no parameters."""
    _, most = KERNEL_SIDES
    small = (kernel for kernel in KERNELS.values() if not kernel.parameters)
    named = [(kernel.title, kernel.weight()) for kernel in small]
    return (
        Preset("Vertical edge 3×3", worked_example().kernel),
        *(Preset(title, weight.tolist()) for title, weight in named if max(weight.shape) <= most),
    )


def _drawn(title: str, value: Callable[[int, int], float]) -> Preset:
    return Preset(title, [[float(value(row, column)) for column in range(SIDE)] for row in range(SIDE)])
