"""A network cut into early, middle and deep stages, from what its layers measure and never from their names.

The rule:

1. Every map has a level: the binary logarithm, rounded, of how many input pixels lie between its neighbouring
   positions. In the order in which layers finish, levels only rise; a decoder that becomes finer again
   belongs to the coarsest level before it.
2. A level without weighted operations of its own (a last pooling, for instance) belongs to the one before.
3. With three levels or more the cuts lie between levels, where the level is nearest to one and to two thirds
   of the way from the finest to the coarsest. With two levels the one with more weighted operations is halved
   by depth; a single level is cut into thirds by depth. A net without enough weighted operations for that has
   fewer stages.
4. A stage hands on a block: among the maps of its last level, in the second half of that level's depth, the
   last of the outermost blocks; without blocks the last layer there that has neither weights nor window;
   failing that, the last layer. For the first of several levels of the early stage the finest one counts
   instead of the last, because edges show there most clearly; the deep stage hands on its very last layer.
5. A stage is represented by the last rectifying activation up to there on the same level. Behind it a map is
   a set of answers, each "how much", while the block's own output is often a signed mixture of many
   (MobileNet's linear bottlenecks). Where activations are no modules, the block itself represents it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, groupby
from math import log2

from explorer.layers import Layer, LayerTable

_RECTIFIERS = frozenset(
    (
        "ReLU",
        "ReLU6",
        "LeakyReLU",
        "PReLU",
        "RReLU",
        "ELU",
        "CELU",
        "SELU",
        "GELU",
        "SiLU",
        "Mish",
        "Hardswish",
    )
)
"""PyTorch's activations that pass strong positive values on; sigmoids, which serve as gates, do not."""

TITLES = {1: ("early",), 2: ("early", "deep"), 3: ("early", "middle", "deep")}


@dataclass(frozen=True)
class Stage:
    """Some consecutive layers of a network.

    Attributes:
        title: "early", "middle" or "deep".
        layers: All layers with a map in this stage that contain no others, in the order in which they finish.
        representative: The layer to show. It may be a container.
    """

    title: str
    layers: tuple[Layer, ...]
    representative: Layer


@dataclass(frozen=True)
class _Level:
    """Consecutive rows of one resolution, containers included, with the depth before and at their end."""

    number: int
    rows: tuple[Layer, ...]
    begins: float
    ends: float


def stages(table: LayerTable) -> tuple[Stage, ...]:
    """Cut a network into at most three stages by resolution and depth.

    Args:
        table: From `layer_table`.

    Returns:
        "early", "middle" and "deep"; "early" and "deep", or only "early", for networks with fewer weighted
        operations; nothing for networks without maps.

    Example:
        >>> import torch
        >>> from explorer.layers import layer_table
        >>> convolutions = [torch.nn.Conv2d(3, 3, 3, stride=2) for _ in range(4)]
        >>> net = torch.nn.Sequential(*convolutions)
        >>> for stage in stages(layer_table(net, torch.zeros(1, 3, 64, 80))):
        ...     print(stage.title, [layer.name for layer in stage.layers])
        early ['0', '1']
        middle ['2']
        deep ['3']
    """
    levels = _levels(table)
    groups: list[list[_Level]]
    if len(levels) < 3:
        most = max(levels, key=lambda level: len(_depths(level)), default=None)
        wanted = {id(level): 4 - len(levels) if level is most else 1 for level in levels}
        groups = [[part] for level in levels for part in _divided(level, wanted[id(level)])]
    else:
        groups = _grouped(levels)
    titles = TITLES.get(len(groups), ())
    return tuple(_stage(title, group, table) for title, group in zip(titles, groups, strict=True))


def _levels(table: LayerTable) -> list[_Level]:
    maps = sorted((layer for layer in table if layer.is_map), key=lambda layer: layer.finished)
    coarsest = accumulate((_level_number(layer, table.input_shape) for layer in maps), max)
    levels: list[_Level] = []
    for number, pairs in groupby(zip(coarsest, maps, strict=True), key=lambda pair: pair[0]):
        rows = tuple(layer for _, layer in pairs)
        begins, ends = levels[-1].ends if levels else 0.0, max(layer.depth for layer in rows)
        if levels and ends <= begins:
            levels[-1] = replace(levels[-1], rows=levels[-1].rows + rows)
        elif levels and not levels[-1].ends:  # nothing with weights before: the input's own pooling
            levels = [_Level(number, levels[-1].rows + rows, begins, ends)]
        else:
            levels.append(_Level(number, rows, begins, ends))
    return levels


def _level_number(layer: Layer, input_shape: Sequence[int]) -> int:
    """From the stride, or from the sizes where an operation was not understood."""
    height, width = layer.output_shape[2:]
    rows, columns = layer.stride or (input_shape[-2] / max(height, 1), input_shape[-1] / max(width, 1))
    area = abs(float(rows) * float(columns))
    return round(log2(area) / 2) if area else 0


def _depths(level: _Level) -> list[float]:
    """The depths of a level's weighted operations."""
    return sorted({layer.depth for layer in level.rows if layer.depth > level.begins})


def _divided(level: _Level, parts: int) -> list[_Level]:
    """A level cut by depth into equal numbers of weighted operations."""
    depths = _depths(level)
    parts = max(min(parts, len(depths)), 1)
    ends = [depths[len(depths) * part // parts - 1] for part in range(1, parts)]
    reached = accumulate((layer.depth for layer in level.rows), max)
    pairs = zip((sum(depth > end for end in ends) for depth in reached), level.rows, strict=True)
    pieces = (tuple(layer for _, layer in piece) for _, piece in groupby(pairs, key=lambda pair: pair[0]))
    limits = [level.begins, *ends, level.ends]
    return [_Level(level.number, rows, limits[i], limits[i + 1]) for i, rows in enumerate(pieces)]


def _grouped(levels: Sequence[_Level]) -> list[list[_Level]]:
    """Three groups of levels, cut nearest to one and two thirds of the way to the coarsest level."""
    finest, coarsest = levels[0].number, levels[-1].number
    way = [(level.number - finest) / (coarsest - finest) for level in levels]
    first = min(range(len(levels) - 2), key=lambda i: abs(way[i] - 1 / 3))
    second = min(range(first + 1, len(levels) - 1), key=lambda i: abs(way[i] - 2 / 3))
    return [list(levels[: first + 1]), list(levels[first + 1 : second + 1]), list(levels[second + 1 :])]


def _stage(title: str, levels: Sequence[_Level], table: LayerTable) -> Stage:
    rows = chain.from_iterable(level.rows for level in levels)
    level = levels[0 if title == "early" else -1]
    own = [layer for layer in level.rows if _level_number(layer, table.input_shape) == level.number]
    handed_on = _last(own or level.rows) if title == "deep" else _handed_on(level, own)
    before = [layer for layer in own if layer.kind in _RECTIFIERS and layer.finished <= handed_on.finished]
    shown = _last(before) if before else _handed_on(level, own)
    return Stage(title, tuple(layer for layer in rows if layer.is_leaf), shown)


def _handed_on(level: _Level, own: Sequence[Layer]) -> Layer:
    late = [layer for layer in own if layer.depth >= (level.begins + level.ends) / 2]
    blocks = [layer for layer in late if not layer.is_leaf]
    if blocks:
        outermost = min(map(_nesting, blocks))
        return _last(layer for layer in blocks if _nesting(layer) == outermost)
    activations = [layer for layer in late if not (layer.parameters or layer.macs or layer.window)]
    return _last(activations or late or own or level.rows)


def _nesting(layer: Layer) -> int:
    """How many containers a module lies in, the network itself not counted."""
    return layer.name.count(".")


def _last(layers: Iterable[Layer]) -> Layer:
    return max(layers, key=lambda layer: layer.finished)
