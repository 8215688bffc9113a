"""Which layers, channels and classes a gallery shows: by stated rules, not the prettiest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explorer.activations import capture
from explorer.channels import strongest
from explorer.hierarchy import stages
from explorer.layers import Layer, LayerTable
from explorer.visualization.errors import VisualizationError

CHANNEL_RULE = (
    "The channels whose strongest answer to the natural pictures stands out most: the highest value over all "
    "positions of all pictures, less the mean over them, divided by their standard deviation. Channels that "
    "hardly answer at all, less than half as strongly as the middle one of the layer, come last."
)
TILES_RULE = (
    "Then those among the strongest few of a sample picture, by number: strong is what varies most over its "
    "positions."
)
CLASS_RULE = (
    "The classes that are least alike to the network: one after the other, the class whose row of weights in "
    "the last layer has the smallest largest cosine with the rows that were chosen before, beginning with "
    "the longest row."
)
MOST_SHOWN = 16
"""Channels of a picture that are remembered as its strongest."""
LAYER_RULE = (
    "The first maps and the first rectified ones, the layers that represent the stages of the hierarchy, the "
    "outermost blocks, the last maps; then the blocks that fill the widest gaps in depth."
)


@dataclass(frozen=True, eq=False)
class Responses:
    """What one layer's channels answered to natural pictures; each array has shape (C,).

    Attributes:
        highest: float64, the highest value over all positions of all pictures.
        mean: float64, over them.
        std: float64, over them.
        picture: int64, in which picture the highest value was found.
        row: int64, where in the map.
        column: int64, likewise.
        strongest: For each picture its strongest channels, the strongest first; empty for vectors.
    """

    highest: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    picture: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    strongest: tuple[tuple[int, ...], ...] = ()

    @property
    def selectivity(self) -> NDArray[np.float64]:
        """How far the highest value stands out, in standard deviations; 0 for one that never changes."""
        spread = np.where(self.std > 0, self.std, 1.0)
        return np.where(self.std > 0, (self.highest - self.mean) / spread, 0.0)

    def most_selective(self, count: int) -> tuple[int, ...]:
        """The channels by `CHANNEL_RULE`, the most selective first; all where there are fewer."""
        # Without this a channel that answered faintly, once, would stand out most of all.
        faint = self.highest < max(np.median(self.highest) / 2, 0.0)
        order = np.lexsort((np.arange(len(faint)), -self.selectivity, faint))
        return tuple(order[:count].tolist())

    def shown_first(self, count: int) -> tuple[int, ...]:
        """The channels by `TILES_RULE`: all that are among the `count` strongest of one of the pictures."""
        return tuple(sorted({channel for picture in self.strongest for channel in picture[:count]}))


def measure_responses(
    module: nn.Module, layers: Sequence[str], pictures: Iterable[Tensor]
) -> dict[str, Responses]:
    """Let a model look at natural pictures, one by one.

    Args:
        module: The model.
        layers: Names of layers with maps (N, C, H, W) or vectors (N, C).
        pictures: Its inputs, (1, 3, H, W) each.

    Raises:
        VisualizationError: If there is no picture, a layer has no channels, or its values are not finite.
        CaptureError: If there is no such layer.
    """
    sums: dict[str, _Sums] = {}
    for number, x in enumerate(pictures):
        activations = capture(module, x, layers)
        for name in layers:
            sums.setdefault(name, _Sums(name)).add(number, activations[name])
    if not sums:
        raise VisualizationError("at least one natural picture is needed to choose channels by")
    return {name: own.responses() for name, own in sums.items()}


class _Sums:
    """Running sums over pictures, so that one picture's maps are in memory at a time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0
        self._best: dict[str, Tensor] = {}
        self._strongest: list[tuple[int, ...]] = []
        self._sum = self._squares = torch.zeros(0, dtype=torch.float64)

    def add(self, number: int, values: Tensor) -> None:
        """Take the answers to one picture, (1, C, H, W) or (1, C)."""
        if values.dim() not in (2, 4):
            raise VisualizationError(
                f"layer {self._name!r} has no channels: it puts out {tuple(values.shape)}"
            )
        maps = values[0].double().reshape(values.shape[1], -1)  # (C, H W)
        if not maps.isfinite().all():
            raise VisualizationError(f"what layer {self._name!r} puts out is not finite (NaN or infinity)")
        if values.dim() == 4:
            self._strongest.append(strongest(values, MOST_SHOWN))
        width = values.shape[3] if values.dim() == 4 else 1
        highest, place = maps.max(1)
        found = {
            "highest": highest,
            "picture": torch.full_like(place, number),
            "row": place // width,
            "column": place % width,
        }
        if not self._count:
            self._best = found
            self._sum = self._squares = torch.zeros(len(maps), dtype=torch.float64)
        higher = found["highest"] > self._best["highest"]
        self._best = {name: found[name].where(higher, self._best[name]) for name in found}
        self._count += maps.shape[1]
        self._sum = self._sum + maps.sum(1)
        self._squares = self._squares + maps.square().sum(1)

    def responses(self) -> Responses:
        """What all pictures together say."""
        mean = self._sum / self._count
        # Rounding leaves a little of a constant's variance, and may make it negative.
        variance = self._squares / self._count - mean.square()
        variance = variance.where(variance > 1e-12 * self._squares / self._count, 0.0)
        best = {name: tensor.numpy() for name, tensor in self._best.items()}
        arrays = {"mean": mean.numpy(), "std": variance.sqrt().numpy(), **best}
        return Responses(**arrays, strongest=tuple(self._strongest))


def gallery_layers(table: LayerTable, count: int = 15) -> tuple[str, ...]:
    """The layers of a gallery by `LAYER_RULE`, in network order.

    Args:
        table: Of the model.
        count: How many, at least 1; fewer where the network has fewer.

    Raises:
        VisualizationError: If the network has no maps.
    """
    maps = [layer for layer in table if layer.is_map]
    if not maps:
        raise VisualizationError("the network has no layers with maps")
    rectified = [layer for layer in maps if "ReLU" in layer.kind]
    blocks = [layer for layer in maps if not layer.is_leaf]
    shown = [stage.representative for stage in stages(table)]
    first = [(rectified or maps)[0], maps[-1], maps[0]]
    chosen = _distinct([*first, *shown, *_outermost(blocks)], ())[:count]
    rest = _distinct(blocks or maps, chosen)
    while rest and len(chosen) < count:
        chosen.append(max(rest, key=lambda layer: min(abs(layer.depth - c.depth) for c in chosen)))
        rest = _distinct(rest, chosen)
    return tuple(layer.name for layer in sorted(chosen, key=lambda layer: layer.finished))


def _outermost(blocks: Sequence[Layer]) -> list[Layer]:
    """The blocks of the lowest nesting of which there are several different ones."""
    for nesting in sorted({layer.name.count(".") for layer in blocks}):
        level = [layer for layer in blocks if layer.name.count(".") == nesting]
        if len(level) > 1:
            return level
    return list(blocks)


def _distinct(layers: Iterable[Layer], chosen: Sequence[Layer]) -> list[Layer]:
    """Without those that put out the same as an earlier one: a container and its last part."""
    kept: list[Layer] = []
    for layer in layers:
        if not any(_same(layer, other) for other in (*chosen, *kept)):
            kept.append(layer)
    return kept


def _same(one: Layer, other: Layer) -> bool:
    """The same layer, or one inside the other that finishes right before it."""
    if one.name == other.name:
        return True
    outer, inner = sorted((one, other), key=lambda layer: len(layer.name))
    inside = not outer.name or inner.name.startswith(f"{outer.name}.")
    last = abs(one.finished - other.finished) <= outer.name.count(".") + inner.name.count(".")
    return inside and last and one.output_shape == other.output_shape and one.depth == other.depth


def gallery_classes(weights: Tensor, count: int = 200) -> tuple[int, ...]:
    """The classes of a gallery by `CLASS_RULE`, in their own order.

    Args:
        weights: Of the last layer, (classes, features).
        count: How many; all where there are fewer.
    """
    rows = weights.detach().double().cpu()
    unit = torch.nn.functional.normalize(rows, dim=1)
    chosen = [int(rows.norm(dim=1).argmax())]
    nearest = unit @ unit[chosen[0]]
    while len(chosen) < min(count, len(rows)):
        nearest[chosen[-1]] = torch.inf
        chosen.append(int(nearest.argmin()))
        nearest = torch.maximum(nearest, unit @ unit[chosen[-1]])
    return tuple(sorted(chosen))


def classifier_weights(module: nn.Module, classes: int) -> Tensor | None:
    """The weights of the last linear layer that makes `classes` numbers, (classes, features); else None."""
    linear = [
        part for part in module.modules() if isinstance(part, nn.Linear) and part.out_features == classes
    ]
    return linear[-1].weight.detach() if linear else None


def spread(total: int, count: int) -> tuple[int, ...]:
    """`count` of `total` numbers, evenly spaced from 0: classes where there is no linear last layer."""
    count = min(count, total)
    return tuple(number * total // count for number in range(count))


def by_selectivity(responses: Mapping[str, Responses], count: int) -> dict[str, tuple[int, ...]]:
    """The channels of each layer by `CHANNEL_RULE`."""
    return {name: found.most_selective(count) for name, found in responses.items()}
