"""Local connectivity: a position of a feature map depends on a small region, which grows layer by layer.

Source of the arithmetic: `explorer.receptive_field`, after Araujo, Norris and Sim, "Computing Receptive
Fields of Convolutional Neural Networks", Distill 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explorer.activations import capture
from explorer.layers import Layer, LayerTable, layer_table
from explorer.lesson.matrices import LessonError
from explorer.receptive_field import Box, ReceptiveField, Span, Step

ROUNDING = 1e-5
"""Differences below this share of the layer's largest value are rounding. Fast convolutions (Winograd, FFT)
compute neighbouring positions together, and leave a trace of each in the other's last digits."""


@dataclass(frozen=True, eq=False)
class Repaint:
    """What painting on a picture does to one position of a layer.

    Attributes:
        layer: The layer's name.
        position: Row and column in its map.
        box: The pixels that the position depends on, (top, left, bottom, right) within the picture.
        inside: Painted pixels in the box.
        outside: Painted pixels beside it.
        before: The position's values in all channels, (C,).
        after: The same for the painted picture.
        scale: The layer's largest magnitude in both pictures.
    """

    layer: str
    position: tuple[int, int]
    box: Box
    inside: int
    outside: int
    before: Tensor
    after: Tensor
    scale: float

    @property
    def change(self) -> float:
        """The largest difference in any channel."""
        return float((self.after - self.before).abs().max())

    @property
    def changed(self) -> bool:
        """Whether the difference is more than rounding."""
        return self.change > ROUNDING * self.scale


@dataclass(frozen=True)
class Growth:
    """How much of the picture one position of a layer depends on.

    Attributes:
        name: The layer's.
        kind: Its class.
        depth: 0 at the input, 1 behind the last weights.
        size: Height and width of the receptive field, in pixels; more than the picture's where it reaches
            into the padding.
        step: Pixels from one position to the next, (vertical, horizontal).
        share: Of the picture that the position in the map's middle sees, 0 to 1.
        gated: Whether the layer also sees the whole picture through a gate, such as squeeze-and-excite,
            which `size` leaves out.
        positions: Rows and columns of the layer's map.
    """

    name: str
    kind: str
    depth: float
    size: tuple[int, int]
    step: tuple[Step, Step]
    share: float
    gated: bool
    positions: tuple[int, int]

    def exceeds(self, height: int, width: int) -> bool:
        """Whether the field is larger than a picture of that size, in both directions."""
        return self.size[0] > height and self.size[1] > width


def repaint(
    module: nn.Module,
    x: Tensor,
    painted: Tensor,
    layer: str,
    row: int,
    column: int,
    table: LayerTable | None = None,
) -> Repaint:
    """Compare one position of a layer before and after a picture was painted on.

    Args:
        module: A model in evaluation mode.
        x: The picture as the model takes it, (1, C, H, W).
        painted: The same after painting.
        layer: A layer whose output is a map.
        row: Of the map.
        column: Of the map.
        table: `layer_table(module, x)`, if it is known already.

    Raises:
        LessonError: If the pictures differ in shape, the model is in training mode, the layer's field is not
            known, or its map has no such position.
        UnknownLayerError: If there is no such layer.
    """
    check_model(module, x)
    if x.shape[0] != 1 or painted.shape != x.shape:
        raise LessonError(
            "two pictures (1, C, H, W) of one size are needed, "
            f"got {tuple(x.shape)} and {tuple(painted.shape)}"
        )
    table = layer_table(module, x) if table is None else table
    box = _field(table[layer], row, column).seen_box(row, column)
    touched = (painted != x).any(dim=1)[0]  # (H, W)
    inside = int(touched[box[0] : box[2], box[1] : box[3]].sum())
    maps = capture(module, torch.cat([x, painted]), layer)[layer]  # (2, C, h, w)
    before, after = maps[0, :, row, column], maps[1, :, row, column]
    outside = int(touched.sum()) - inside
    return Repaint(layer, (row, column), box, inside, outside, before, after, float(maps.abs().max()))


def probe(
    module: nn.Module,
    x: Tensor,
    layer: str,
    row: int,
    column: int,
    seed: int = 0,
    table: LayerTable | None = None,
) -> tuple[Repaint, Repaint]:
    """Paint noise over everything outside a position's receptive field, and then over everything inside.

    Args:
        module: As in `repaint`.
        x: As in `repaint`.
        layer: As in `repaint`.
        row: As in `repaint`.
        column: As in `repaint`.
        seed: Of the noise, which has the picture's mean and deviation.
        table: As in `repaint`.

    Returns:
        What the noise outside did, and what the noise inside did.

    Raises:
        LessonError: As in `repaint`.
    """
    check_model(module, x)
    table = layer_table(module, x) if table is None else table
    outside, inside = noisy(x, _field(table[layer], row, column).seen_box(row, column), seed)
    return (
        repaint(module, x, outside, layer, row, column, table),
        repaint(module, x, inside, layer, row, column, table),
    )


def noisy(x: Tensor, box: Box, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Replace everything outside a box by noise, and everything inside.

    Args:
        x: A picture, (1, C, H, W).
        box: (top, left, bottom, right) within it.
        seed: Of the noise, which has the picture's mean and deviation.

    Returns:
        The picture with noise outside, and the one with noise inside.
    """
    top, left, bottom, right = box
    generator = torch.Generator(x.device).manual_seed(seed)
    noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
    noise = noise * (x.std(correction=0) + 1) + x.mean()
    within = torch.zeros(x.shape[-2:], dtype=torch.bool, device=x.device)
    within[top:bottom, left:right] = True
    return torch.where(within, x, noise), torch.where(within, noise, x)


def growth(table: LayerTable) -> tuple[Growth, ...]:
    """How the receptive field grows: one row for each layer in which its size or its step changes.

    Args:
        table: `layer_table(module, x)`.

    Returns:
        In network order, without containers; branches are listed one after the other.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3))
        >>> [(row.name, row.size, row.step) for row in growth(layer_table(net, torch.zeros(1, 1, 20, 16)))]
        [('0', (3, 3), (1, 1)), ('2', (4, 4), (2, 2)), ('3', (8, 8), (2, 2))]
    """
    rows: list[Growth] = []
    for layer in table:
        if not (layer.is_leaf and layer.is_map and layer.local_field and layer.stride):
            continue
        seen = layer.local_field
        if rows and (rows[-1].size, rows[-1].step) == (seen.size, layer.stride):
            continue
        gated = layer.receptive_field is None or (layer.receptive_field.whole and not seen.whole)
        share, shape = (
            _share(layer, seen, table.input_shape),
            (layer.output_shape[-2], layer.output_shape[-1]),
        )
        rows.append(Growth(layer.name, layer.kind, layer.depth, seen.size, layer.stride, share, gated, shape))
    return tuple(rows)


def positions(layer: Layer) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """What each position of a layer's map depends on, also where that reaches beyond the picture.

    Args:
        layer: A layer with a map whose field is known.

    Returns:
        For each row of the map the first pixel row and the one after the last; the same for columns.

    Raises:
        LessonError: If it has no such map.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1))
        >>> positions(layer_table(net, torch.zeros(1, 1, 5, 3))[0])
        (((-1, 2), (1, 4), (3, 6)), ((-1, 2), (1, 4)))
    """
    seen = layer.local_field
    if not layer.is_map or seen is None:
        raise LessonError(f"layer {layer.name!r} has no map whose receptive field is known")
    height, width = layer.output_shape[-2:]
    rows = [seen.box(row, 0) for row in range(height)]
    columns = [seen.box(0, column) for column in range(width)]
    return tuple((box[0], box[2]) for box in rows), tuple((box[1], box[3]) for box in columns)


def first_whole(table: LayerTable) -> Layer | None:
    """The first layer behind the last map, as global pooling: its every value depends on the whole picture.

    Gates within the network, such as squeeze-and-excite, see the whole picture too, but maps follow them.

    Args:
        table: From `layer_table`.

    Returns:
        The layer; None for a network that keeps positions up to its end.
    """
    last = max((layer.finished for layer in table if layer.is_map), default=-1)
    wholes = [layer for layer in table if layer.receptive_field and layer.receptive_field.whole]
    behind = [layer for layer in wholes if not layer.is_map and layer.finished > last]
    return min(behind, key=lambda layer: layer.finished, default=None)


def check_model(module: nn.Module, x: Tensor) -> None:
    """Check what all measurements on a model need.

    Raises:
        LessonError: If the model is in training mode, or `x` is no batch of pictures.
    """
    if module.training:
        raise LessonError(
            "the model must be in evaluation mode, where a picture is not mixed with others: eval()"
        )
    if x.dim() != 4 or 0 in x.shape:
        raise LessonError(f"pictures (N, C, H, W) are needed, got shape {tuple(x.shape)}")


def _field(layer: Layer, row: int, column: int) -> ReceptiveField:
    if not layer.is_map or layer.receptive_field is None:
        raise LessonError(f"layer {layer.name!r} has no map whose receptive field is known")
    height, width = layer.output_shape[-2:]
    if not (0 <= row < height and 0 <= column < width):
        raise LessonError(f"the map of {layer.name!r} is {height}×{width}, got row {row}, column {column}")
    return layer.receptive_field


def _share(layer: Layer, seen: ReceptiveField, input_shape: tuple[int, ...]) -> float:
    height, width = input_shape[-2:]
    middle = layer.output_shape[-2] // 2, layer.output_shape[-1] // 2
    top, left, bottom, right = seen.clipped_box(*middle, height, width)
    return (bottom - top) * (right - left) / (height * width)
