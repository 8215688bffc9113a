"""A cat is a cat anywhere? The probability of a class against the object's position.

A patch of a picture is pasted onto a canvas at one position after the other. A network that were invariant to
translation would give the same probability everywhere; real ones don't.

Source: Azulay and Weiss, "Why do deep convolutional networks generalize so poorly to small image
transformations?", JMLR 2019, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.lesson.equivariance import Axis, Cancelled, Progress, in_batches
from explorer.lesson.locality import check_model
from explorer.lesson.matrices import LessonError
from explorer.placement import to_device_of

Pair = tuple[int, int]


@dataclass(frozen=True)
class PositionCurve:
    """Probabilities by position.

    Attributes:
        positions: Row and column of the patch's upper left corner on the canvas, as far as they were run.
        probabilities: Of the classes that were asked for, together, 0 to 1.
        single: The same for each of these classes alone, in the order in which they were asked for.
        strongest: The most probable class of all at each position.
        complete: Whether every position was run; False after a cancel.
    """

    positions: tuple[Pair, ...]
    probabilities: tuple[float, ...]
    single: tuple[tuple[float, ...], ...]
    strongest: tuple[int, ...]
    complete: bool

    @property
    def lowest(self) -> float:
        """The smallest probability; 0 if nothing was run."""
        return min(self.probabilities, default=0.0)

    @property
    def highest(self) -> float:
        """The largest probability; 0 if nothing was run."""
        return max(self.probabilities, default=0.0)

    @property
    def spacing(self) -> int:
        """Pixels from the first position to the second; 0 if there is none."""
        if len(self.positions) < 2:
            return 0
        (row, column), (next_row, next_column) = self.positions[:2]
        return abs(next_row - row) + abs(next_column - column)

    @property
    def largest_jump(self) -> float:
        """The largest change from one position to the next."""
        pairs = zip(self.probabilities, self.probabilities[1:], strict=False)
        return max((abs(after - before) for before, after in pairs), default=0.0)


def positions_along(canvas: Pair, patch: Pair, axis: Axis = "columns", step: int = 1) -> tuple[Pair, ...]:
    """Positions of a patch from one side of a canvas to the other, in the middle of the other axis.

    Args:
        canvas: Height and width.
        patch: Height and width, not more than the canvas's.
        axis: "columns" runs to the right, "rows" down.
        step: Pixels from one position to the next.

    Raises:
        LessonError: If the patch is larger than the canvas, or the step less than 1.

    Example:
        >>> positions_along((10, 10), (4, 6), step=2)
        ((3, 0), (3, 2), (3, 4))
    """
    free = canvas[0] - patch[0], canvas[1] - patch[1]
    if min(free) < 0 or step < 1:
        raise LessonError(
            f"a patch of {patch[0]}×{patch[1]} on a canvas of {canvas[0]}×{canvas[1]} in steps of {step} is "
            "not possible: it must fit, in steps of at least 1"
        )
    if axis == "rows":
        return tuple((top, free[1] // 2) for top in range(0, free[0] + 1, step))
    return tuple((free[0] // 2, left) for left in range(0, free[1] + 1, step))


def reduced(x: Tensor, side: int) -> Tensor:
    """A preprocessed picture (1, C, H, W) made smaller: (1, C, side, side), within its own range of values.

    Raises:
        LessonError: If it has fewer pixels than that.
    """
    if not 1 <= side <= min(x.shape[-2:]):
        raise LessonError(f"a picture of {x.shape[-2]}×{x.shape[-1]} cannot be reduced to {side}×{side}")
    smaller = F.interpolate(x, (side, side), mode="bicubic", antialias=True, align_corners=False)
    return smaller.clamp(float(x.min()), float(x.max()))


def paste(canvas: Tensor, patch: Tensor, top: int, left: int) -> Tensor:
    """A copy of a canvas (1, C, H, W) with a patch (1, C, h, w) on it.

    Raises:
        LessonError: If the patch does not lie within the canvas, or has other channels.
    """
    height, width = patch.shape[-2:]
    fits = 0 <= top <= canvas.shape[-2] - height and 0 <= left <= canvas.shape[-1] - width
    if not fits or canvas.shape[:-2] != patch.shape[:-2]:
        raise LessonError(
            f"a patch {tuple(patch.shape)} does not fit onto a canvas {tuple(canvas.shape)} at row {top}, "
            f"column {left}"
        )
    pasted = canvas.clone()
    pasted[..., top : top + height, left : left + width] = patch
    return pasted


def position_curve(
    module: nn.Module,
    canvas: Tensor,
    patch: Tensor,
    classes: Sequence[int],
    positions: Sequence[Pair],
    *,
    batch: int = 8,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> PositionCurve:
    """The probability of some classes with the patch at one position after the other.

    Args:
        module: A classifier in evaluation mode that returns logits (N, classes).
        canvas: The background as the model takes it, (1, C, H, W).
        patch: The object, preprocessed in the same way, (1, C, h, w).
        classes: Indices whose probabilities are added up: several, where several names are right.
        positions: Row and column of the patch's upper left corner, for instance from `positions_along`.
        batch: Pictures that run together.
        progress: Is told how many of how many positions are done.
        cancelled: Is asked before each batch whether to stop; what was run until then is returned.

    Raises:
        LessonError: If the patch does not fit, the model returns no logits, or a class does not exist.
    """
    check_model(module, canvas)
    asked: list[list[float]] = []
    strongest: list[int] = []
    for group in in_batches(positions, batch, progress, cancelled):
        pictures = torch.cat([paste(canvas, patch, *position) for position in group])
        with torch.no_grad():
            shares = _probabilities(module(to_device_of(module, pictures)), len(group), classes)
        asked += shares[:, list(classes)].tolist()
        strongest += shares.argmax(1).tolist()
    done = len(asked)
    single = tuple(tuple(row[at] for row in asked) for at in range(len(classes)))
    together = tuple(map(sum, asked))
    return PositionCurve(tuple(positions[:done]), together, single, tuple(strongest), done == len(positions))


def _probabilities(logits: object, count: int, classes: Sequence[int]) -> Tensor:
    if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != count:
        what = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise LessonError(f"the model must return logits (N, classes), got {what} for {count} pictures")
    if not classes or not all(0 <= index < logits.shape[1] for index in classes):
        raise LessonError(f"the model has the classes 0 to {logits.shape[1] - 1}, got {list(classes)}")
    return logits.cpu().double().softmax(1)  # not every device has float64
