"""Translation: does the feature map of a shifted picture equal the shifted feature map?

The picture is shifted by d pixels. A layer whose neighbouring positions lie s pixels apart is expected to
shift by k = d / s positions:

* Where d is a multiple of s, k is whole, and the two maps are compared position by position. Without padding
  they would be equal: every position sees the same pixels through the same weights.
* Where it is not, no position sees the same pixels as before. The map is then expected between two
  positions, by linear interpolation; what remains as a difference is what sampling every s-th pixel loses.

Only positions are compared that exist in both maps. Among these the inner ones see nothing but pixels that
are in both pictures: no padding, nothing that came in at the border. At multiples of the stride all of the
difference comes from the border, and the inner error is rounding.

Layers without positions (behind global pooling, or fully connected) are expected to stay as they are.

Sources: Zhang, "Making convolutional networks shift-invariant again", ICML 2019; Azulay and Weiss, "Why do
deep convolutional networks generalize so poorly to small image transformations?", JMLR 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from explorer.activations import capture
from explorer.convolution.padding import PADDING_MODES, pad
from explorer.layers import Layer, LayerTable, layer_table
from explorer.lesson.locality import check_model
from explorer.lesson.matrices import LessonError

Axis = Literal["rows", "columns"]
Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]
Item = TypeVar("Item")

SHIFTS = range(33)
"""Shifts in pixels that are measured unless others are asked for."""


@dataclass(frozen=True)
class ShiftError:
    """How far one layer is from shifting along with the picture.

    Errors are relative: the norm of the difference over the root mean square of both norms, 0 for equal
    maps, the square root of 2 for unrelated ones. None where there is nothing to compare.

    Attributes:
        shift: Of the picture, in pixels.
        moved: By how many positions the layer should shift.
        error: Between the layer's map and the shifted one, over all positions that both have.
        inner_error: The same over the inner positions.
        unmoved_error: Between the layer's map and the one that was not shifted: the error of a layer that
            ignores the shift, or of one that ought to follow it and is compared without.
        cosine: Between the maps of `error`: 1 for the same direction.
    """

    shift: int
    moved: Fraction
    error: float | None
    inner_error: float | None
    unmoved_error: float | None
    cosine: float | None

    @property
    def whole(self) -> bool:
        """Whether the shift is a multiple of the layer's stride."""
        return self.moved.denominator == 1


@dataclass(frozen=True)
class LayerCurve:
    """One layer over all shifts.

    Attributes:
        name: The layer's; "" is the model's own output.
        step: Pixels between its neighbouring positions along the shift; None where it has no positions. The
            layer table's, or where that is unknown (maps that wrap around) the picture's side over the map's.
        depth: 0 at the input, 1 behind the last weights.
        points: In the order of the shifts.
    """

    name: str
    step: Fraction | None
    depth: float
    points: tuple[ShiftError, ...]


@dataclass(frozen=True)
class Equivariance:
    """The measurement.

    Attributes:
        axis: "rows" (shifted down) or "columns" (shifted to the right).
        border: What comes in where the picture moved away.
        curves: One for each layer, in network order.
        complete: Whether every shift was measured; False after a cancel.
    """

    axis: Axis
    border: str
    curves: tuple[LayerCurve, ...]
    complete: bool


def shifted(x: Tensor, pixels: int, axis: Axis = "columns", border: str = "circular") -> Tensor:
    """Shift pictures to the right or down; negative is to the left or up.

    Args:
        x: (..., H, W).
        pixels: By how much, less than the side.
        axis: "columns" shifts to the right, "rows" down.
        border: What comes in: "circular" (what left on the other side), "replicate" (the edge again),
            "reflect" or "zeros".

    Raises:
        LessonError: If that is too far, or the axis or border unknown.

    Example:
        >>> shifted(torch.tensor([[1, 2, 3, 4]]), 1, border="replicate")
        tensor([[1, 1, 2, 3]])
    """
    if axis not in get_args(Axis) or border not in PADDING_MODES:
        raise LessonError(
            f"a shift is along {' or '.join(get_args(Axis))} with a border of {', '.join(PADDING_MODES)}; "
            f"got {axis!r} and {border!r}"
        )
    dim = -2 if axis == "rows" else -1
    side = x.shape[dim]
    if abs(pixels) >= side:
        raise LessonError(f"a picture of {side} {axis} can be shifted by up to {side - 1}, got {pixels}")
    before, after = max(pixels, 0), max(-pixels, 0)
    sides = (before, after, 0, 0) if axis == "rows" else (0, 0, before, after)
    return pad(x, sides, border).narrow(dim, after, side)


def measure(
    module: nn.Module,
    x: Tensor,
    layers: Sequence[str],
    shifts: Sequence[int] = SHIFTS,
    *,
    axis: Axis = "columns",
    border: str = "circular",
    batch: int = 8,
    table: LayerTable | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Equivariance:
    """Measure how layers follow a shift of the picture.

    Args:
        module: A model in evaluation mode.
        x: A picture as the model takes it, (1, C, H, W).
        layers: Names of layers; "" is the model's own output.
        shifts: In pixels.
        axis: As in `shifted`.
        border: As in `shifted`. "circular" keeps all pixels, so that averages over the picture don't change.
        batch: Shifted pictures that run together: memory against time.
        table: `layer_table(module, x)`, if it is known already.
        progress: Is told how many of how many shifts are done.
        cancelled: Is asked before each batch whether to stop; what was measured until then is returned.

    Raises:
        LessonError: If there is not one picture, a shift is too far, or a layer mixes a batch's pictures.
        UnknownLayerError: If there is no such layer.
    """
    check_model(module, x)
    if x.shape[0] != 1 or not layers:
        raise LessonError(
            f"one picture and at least one layer are needed, got {x.shape[0]} and {len(layers)}"
        )
    table = layer_table(module, x) if table is None else table
    still = capture(module, x, layers)
    views = {name: _View(table[name] if name else None, axis, x.shape) for name in still}
    points: dict[str, list[ShiftError]] = {name: [] for name in still}
    for group in in_batches(shifts, batch, progress, cancelled):
        moved = capture(module, torch.cat([shifted(x, d, axis, border) for d in group]), layers)
        for name, view in views.items():
            _check_batch(name, still[name], moved[name], len(group))
            points[name] += [
                view.compare(d, still[name][0], after) for d, after in zip(group, moved[name], strict=True)
            ]
    done = min(map(len, points.values()))
    curves = tuple(
        LayerCurve(name, view.step, view.depth, tuple(points[name])) for name, view in views.items()
    )
    return Equivariance(axis, border, curves, done == len(shifts))


def in_batches(
    items: Sequence[Item], batch: int, progress: Progress | None, cancelled: Cancelled | None
) -> Iterator[Sequence[Item]]:
    """Groups of items, telling progress after each, until all are done or somebody cancels.

    Raises:
        LessonError: If a batch is to hold nothing.
    """
    if batch < 1:
        raise LessonError(f"a batch holds at least one picture, got {batch}")
    for start in range(0, len(items), batch):
        if cancelled is not None and cancelled():
            return
        yield items[start : start + batch]
        if progress is not None:
            progress(min(start + batch, len(items)), len(items))


def relative_error(one: Tensor, other: Tensor) -> float | None:
    """The norm of the difference over the root mean square of both norms; None for empty tensors.

    It treats both alike, and is 0 for two maps of zeros.
    """
    if not one.numel():
        return None
    one, other = one.double(), other.double()
    scale = ((one.square().sum() + other.square().sum()) / 2).sqrt()
    difference = (one - other).norm()
    return float(difference / scale) if scale > 0 else 0.0


def _cosine(one: Tensor, other: Tensor) -> float | None:
    """None where either is zero everywhere, and has no direction."""
    one, other = one.double(), other.double()
    norms = one.norm() * other.norm()
    return float((one * other).sum() / norms) if norms > 0 else None


@dataclass(frozen=True, eq=False)
class Followed:
    """A layer's map of the shifted picture, beside the one it should be.

    Attributes:
        expected: The map of the still picture, shifted: (C, h, w), NaN where it has nothing to shift there. A
            layer without positions is expected to stay as it is.
        actual: The map of the shifted picture, of the same shape.
        error: How far they are apart.
    """

    expected: Tensor
    actual: Tensor
    error: ShiftError


def follow(
    still: Tensor,
    after: Tensor,
    layer: Layer | None,
    shift: int,
    input_shape: Sequence[int],
    axis: Axis = "columns",
) -> Followed:
    """Shift a layer's map along and hold it against the map of the shifted picture.

    Args:
        still: The layer's output for the picture, (C, h, w).
        after: The same for the shifted picture.
        layer: The layer's row of the layer table; None for the model's own output.
        shift: Of the picture, in pixels.
        input_shape: Of the model's input, (N, C, H, W).
        axis: As in `shifted`.
    """
    view = _View(layer, axis, input_shape)
    error = view.compare(shift, still, after)
    if view.step is None:
        return Followed(still, after, error)
    along = -2 if axis == "rows" else -1
    expected = torch.full_like(after, torch.nan)
    columns, values = view.expect(shift, still.mT if along == -2 else still)
    expected.index_copy_(along, columns, values.mT if along == -2 else values)
    return Followed(expected, after, error)


class _View:
    """A layer looked at along the axis of the shift."""

    def __init__(self, layer: Layer | None, axis: Axis, shape: Sequence[int]) -> None:
        self.depth = 1.0 if layer is None else layer.depth
        self._axis = 0 if axis == "rows" else 1
        self._pixels = shape[2:][self._axis]
        self._field = layer.local_field if layer else None
        self.step = _step(layer, self._axis, self._pixels) if layer else None

    def expect(self, shift: int, still: Tensor) -> tuple[Tensor, Tensor]:
        """Which columns of the shifted picture's map are known from the still one's, and their values."""
        moved, size = shift / (self.step or Fraction(1)), still.shape[-1]
        low, high = floor(moved), ceil(moved)
        # Those positions q whose counterparts q − low and q − high are positions, too.
        columns = torch.arange(max(0, high), max(size + min(0, low), max(0, high)))
        part = float(moved - low)
        return columns, (1 - part) * still[..., columns - low] + part * still[..., columns - high]

    def compare(self, shift: int, still: Tensor, after: Tensor) -> ShiftError:
        """Hold the maps (C, h, w), or vectors, of the still and of the shifted picture against each other."""
        if self.step is None:
            error = relative_error(still, after)
            return ShiftError(shift, Fraction(0), error, None, error, _cosine(still, after))
        if self._axis == 0:
            still, after = still.mT, after.mT
        moved = shift / self.step
        columns, expected = self.expect(shift, still)
        actual, low, high = after[..., columns], floor(moved), ceil(moved)
        inner = torch.tensor([self._is_inner(int(q), low, high, shift) for q in columns], dtype=torch.bool)
        return ShiftError(
            shift,
            moved,
            relative_error(expected, actual),
            relative_error(expected[..., inner], actual[..., inner]),
            relative_error(still[..., columns], actual),
            _cosine(expected, actual),
        )

    def _is_inner(self, column: int, low: int, high: int, shift: int) -> bool:
        """Whether a position and its counterparts see only pixels that are in both pictures."""
        came, went = max(shift, 0), max(-shift, 0)
        first, last = came, self._pixels - went  # of the shifted picture
        return self._within(column, first, last) and all(
            self._within(column - back, first - shift, last - shift) for back in (low, high)
        )

    def _within(self, position: int, first: int, last: int) -> bool:
        if self._field is None:
            return False
        top, left, bottom, right = self._field.box(position, position)
        low, high = ((top, bottom), (left, right))[self._axis]
        return first <= low and high <= last


def _step(layer: Layer, axis: int, pixels: int) -> Fraction | None:
    """Pixels between a layer's neighbouring positions; None where it has none that could move along."""
    if layer.is_map and layer.local_field and layer.stride:
        return Fraction(layer.stride[axis]) or None
    if len(layer.output_shape) == 4 and layer.receptive_field is None and layer.output_shape[2:] != (1, 1):
        # What the layer table cannot follow, as a map that wraps around, is taken to cover the picture.
        return Fraction(pixels, layer.output_shape[2:][axis])
    return None


def _check_batch(name: str, still: Tensor, moved: Tensor, count: int) -> None:
    if still.dim() == 0 or still.shape[0] != 1 or moved.shape != (count, *still.shape[1:]):
        raise LessonError(
            f"layer {name!r} does not keep the pictures of a batch apart: one gives {tuple(still.shape)}, "
            f"{count} give {tuple(moved.shape)}"
        )
