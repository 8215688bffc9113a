"""What a gallery will hold: layers, channels, classes and recipes, before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from explorer.activations import capture
from explorer.images import Picture
from explorer.layers import LayerTable, layer_table
from explorer.visualization import imagenet
from explorer.visualization.algebra import Objective
from explorer.visualization.defaults import class_recipe, layer_recipe
from explorer.visualization.errors import VisualizationError
from explorer.visualization.manifest import CHANNELS, CLASSES, Natural
from explorer.visualization.objectives import OUTPUT, Channel, Logit
from explorer.visualization.recipe import Recipe
from explorer.visualization.selection import (
    CHANNEL_RULE,
    CLASS_RULE,
    MOST_SHOWN,
    TILES_RULE,
    Responses,
    classifier_weights,
    gallery_classes,
    gallery_layers,
    measure_responses,
    spread,
)


@dataclass(frozen=True, eq=False)
class Subject:
    """A model to make a gallery of.

    Attributes:
        module: In evaluation mode.
        name: Its name.
        weights: sha256 of its weights in hexadecimal.
        labels: A name for each class.
        input_shape: Of its input for one picture, (1, C, H, W), C 3 or 1.
        mean: What is subtracted from its input on the scale 0..1, per channel.
        std: What its input is divided by, per channel.
        preprocess: From a picture to its input, (1, 3, H, W).
    """

    module: nn.Module
    name: str
    weights: str
    labels: tuple[str, ...]
    input_shape: tuple[int, int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    preprocess: Callable[[Picture], Tensor]


@dataclass(frozen=True, eq=False)
class Planned:
    """One section of a gallery to be made.

    Attributes:
        kind: `CHANNELS` or `CLASSES`.
        layer: The layer's name; empty for classes.
        aliases: Other layers that put out the same.
        total: How many channels or classes there are.
        rule: How the indices were chosen.
        recipe: How the pictures are made.
        indices: Which channels or classes, in the order of the tiles.
        natural: What natural pictures reach, for each index.
        cost: Multiply-accumulates for one picture and step: what the time is estimated by.
    """

    kind: str
    layer: str
    aliases: tuple[str, ...]
    total: int
    rule: str
    recipe: Recipe
    indices: tuple[int, ...]
    natural: tuple[Natural, ...]
    cost: float

    def objective(self, index: int) -> Objective:
        """What is raised for a channel or class."""
        return Logit(index) if self.kind == CLASSES else Channel(self.layer, index)


def plan_gallery(
    subject: Subject,
    samples: Mapping[str, Tensor],
    others: Sequence[Tensor] = (),
    *,
    layers: Sequence[str] | None = None,
    channels: int = 48,
    strongest: int = 8,
    classes: int = 200,
) -> tuple[Planned, ...]:
    """Choose what a gallery shows.

    Args:
        subject: The model.
        samples: The sample pictures as the model takes them, (1, 3, H, W) each, by name.
        others: Further natural pictures to choose channels by.
        layers: Names of layers; None for those of `selection.LAYER_RULE`.
        channels: How many of each layer at least; all where it has fewer.
        strongest: How many of each sample picture's strongest channels are wanted besides: a page that shows
            these first has a picture for each.
        classes: How many; 0 for none. A model of the classes of ImageNet-1k gets those of `imagenet.RULE`,
            as many of them as asked for or all.

    Raises:
        VisualizationError: If a layer has no channels, a number is out of range, or there is nothing to
            choose by.
        CaptureError: If there is no such layer.
    """
    if channels < 1 or classes < 0:
        raise VisualizationError(f"at least one channel is needed, not {channels} and {classes} classes")
    if not 0 <= strongest <= MOST_SHOWN:
        raise VisualizationError(f"of a picture's strongest, 0 to {MOST_SHOWN} can be had, not {strongest}")
    table = layer_table(subject.module, torch.zeros(subject.input_shape))
    names = tuple(layers) if layers is not None else gallery_layers(table)
    wanted = [*names, OUTPUT] if classes else list(names)
    by_samples = measure_responses(subject.module, wanted, samples.values())
    by_all = by_samples
    if others:
        by_all = measure_responses(subject.module, wanted, [*samples.values(), *others])
    aliases = _aliases(subject.module, table, names, next(iter(samples.values())))
    rule = f"{CHANNEL_RULE} {TILES_RULE}" if strongest else CHANNEL_RULE
    sections = []
    for name in names:
        chosen = by_all[name].most_selective(channels)
        chosen += tuple(k for k in by_samples[name].shown_first(strongest) if k not in chosen)
        natural = _natural(by_all[name], by_samples[name], tuple(samples), chosen)
        recipe = layer_recipe(table[name], subject.input_shape[2:], subject.mean, subject.std)
        total, cost = len(by_all[name].mean), _cost(table, name, recipe)
        sections.append(Planned(CHANNELS, name, aliases[name], total, rule, recipe, chosen, natural, cost))
    if classes:
        sections.append(_classes(subject, table, by_all[OUTPUT], by_samples[OUTPUT], tuple(samples), classes))
    return tuple(sections)


def _classes(
    subject: Subject,
    table: LayerTable,
    by_all: Responses,
    by_samples: Responses,
    samples: tuple[str, ...],
    count: int,
) -> Planned:
    total = len(by_all.mean)
    chosen, rule = _choose_classes(subject, total, count)
    natural = _natural(by_all, by_samples, samples, chosen)
    recipe = class_recipe(subject.input_shape[2:], subject.mean, subject.std)
    cost = _cost(table, None, recipe)
    return Planned(CLASSES, OUTPUT, (), total, rule, recipe, chosen, natural, cost)


def _choose_classes(subject: Subject, total: int, count: int) -> tuple[tuple[int, ...], str]:
    known = imagenet.well_known(subject.labels)
    if known is not None and total == len(subject.labels):
        if count >= len(imagenet.IMAGENET_R):
            return known, imagenet.RULE
        return tuple(known[k] for k in spread(len(known), count)), f"Every so manieth of: {imagenet.RULE}"
    weights = classifier_weights(subject.module, total)
    if weights is not None:
        return gallery_classes(weights, count), CLASS_RULE
    return spread(total, count), "Evenly spaced among all classes."


def _natural(
    by_all: Responses, by_samples: Responses, samples: tuple[str, ...], chosen: Sequence[int]
) -> tuple[Natural, ...]:
    return tuple(
        Natural(
            highest=_rounded(by_all.highest[k]),
            mean=_rounded(by_all.mean[k]),
            std=_rounded(by_all.std[k]),
            sample=samples[int(by_samples.picture[k])],
            sample_highest=_rounded(by_samples.highest[k]),
            row=int(by_samples.row[k]),
            column=int(by_samples.column[k]),
        )
        for k in chosen
    )


def _rounded(value: np.float64) -> float:
    return float(f"{float(value):.6g}")


def _aliases(
    module: nn.Module, table: LayerTable, names: Sequence[str], x: Tensor
) -> dict[str, tuple[str, ...]]:
    """The other layers that hand on the very same tensor, as a block and its last part do."""
    activations = capture(module, x)
    places: dict[tuple[int, tuple[int, ...]], list[str]] = {}
    for name in activations:
        places.setdefault((activations[name].data_ptr(), tuple(activations[name].shape)), []).append(name)
    groups = {name: group for group in places.values() for name in group}
    known = set(table.names)
    return {name: tuple(o for o in groups.get(name, ()) if o != name and o in known) for name in names}


def _cost(table: LayerTable, layer: str | None, recipe: Recipe) -> float:
    """Multiply-accumulates of one picture and step up to a layer, and something for the picture itself."""
    last = table[layer].finished if layer is not None else max(row.finished for row in table)
    macs = sum(row.macs for row in table if row.is_leaf and row.finished <= last)
    per_pixel = macs / (table.input_shape[-2] * table.input_shape[-1])
    height, width = recipe.canvas
    return (per_pixel + _OWN_COST) * height * width


_OWN_COST = 200.0
"""What Fourier transforms and sampling cost per pixel, in the multiply-accumulates of a network."""


def with_recipes(plan: Sequence[Planned], steps: int | None, size: int | None) -> tuple[Planned, ...]:
    """The plan with other numbers of steps or sides in all recipes, for a quick look.

    Raises:
        VisualizationError: If a number is out of range.
    """
    changed = []
    for planned in plan:
        recipe = planned.recipe
        recipe = replace(recipe, steps=recipe.steps if steps is None else steps)
        recipe = replace(recipe, size=recipe.size if size is None else (size, size))
        changed.append(replace(planned, recipe=recipe))
    return tuple(changed)
