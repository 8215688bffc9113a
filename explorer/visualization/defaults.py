"""Recipes that give clear pictures at little cost, chosen by what a layer sees of its input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from explorer.layers import Layer, LayerTable
from explorer.visualization.algebra import Objective
from explorer.visualization.objectives import OUTPUT
from explorer.visualization.parametrizations import Fourier, Pixels
from explorer.visualization.recipe import MIN_SIDE, Recipe
from explorer.visualization.transformations import Jitter, Rotate, Scale

Colours = tuple[float, ...]

NARROW, TEXTURE, PATTERN, PART = 8, 24, 80, 300
"""Up to these receptive fields, in pixels: edges and colours; fine textures; patterns; parts of things."""

_SETTINGS = {
    # What a filter of a few pixels looks for is told best by single pixels: a plain colour, or stripes at its
    # angle. Enlarging and reducing blurs what alternates from pixel to pixel, which many filters answer to.
    NARROW: Recipe((64, 64), 96, 0.3, Pixels(0.02), (Jitter(2), Scale(0.8, 1.25)), margin=8),
    TEXTURE: Recipe((80, 80), 128, 0.2, Fourier(0.02), (Jitter(4), Rotate(3.0)), margin=4),
    PATTERN: Recipe((96, 96), 128, 0.08, Fourier(0.02), (Jitter(6), Scale(0.95, 1.05), Rotate(5.0))),
    PART: Recipe((128, 128), 160, 0.1, Fourier(0.02, 1.3), (Jitter(6), Scale(0.95, 1.15), Rotate(5.0))),
}
# Where a whole object must form, low frequencies are favoured, and parts are looked at closely, too.
_DEEP = Recipe((128, 128), 160, 0.1, Fourier(0.02, 1.3), (Jitter(16), Scale(0.9, 1.6), Rotate(15.0)))
_CLASS = Recipe((144, 144), 224, 0.1, Fourier(0.02, 1.3), (Jitter(16), Scale(0.9, 1.6), Rotate(15.0)))


def layer_recipe(layer: Layer, input_size: tuple[int, int], mean: Colours, std: Colours) -> Recipe:
    """A recipe for the channels of a layer.

    Small receptive fields need small pictures: what such a layer looks for is seen many times over in them.
    Deep layers get strong transformations, without which their pictures dissolve into fine patterns.

    Args:
        layer: From the layer table.
        input_size: (height, width) that the model takes; pictures are not made larger.
        mean: What the model subtracts, on the scale 0..1.
        std: What it divides by.
    """
    field = layer.local_field or layer.receptive_field
    reach = max(map(int, field.size)) if field is not None else max(input_size)
    found = next((recipe for limit, recipe in _SETTINGS.items() if reach <= limit), _DEEP)
    return _fitted(found, input_size, mean, std)


def class_recipe(input_size: tuple[int, int], mean: Colours, std: Colours) -> Recipe:
    """A recipe for classes: as for the deepest layers, with more steps, since a whole object must form."""
    return _fitted(_CLASS, input_size, mean, std)


def default_recipe(
    objective: Objective, table: LayerTable, input_size: tuple[int, int], mean: Colours, std: Colours
) -> Recipe:
    """A recipe for any objective: that of the deepest layer it reads.

    Args:
        objective: What will be raised.
        table: Of the model.
        input_size: (height, width) that the model takes.
        mean: What the model subtracts, on the scale 0..1.
        std: What it divides by.

    Raises:
        UnknownLayerError: If the model has no such layer.
    """
    if OUTPUT in objective.layers:
        return class_recipe(input_size, mean, std)
    deepest = max((table[name] for name in objective.layers), key=lambda layer: layer.finished)
    return layer_recipe(deepest, input_size, mean, std)


def starting_picture(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The middle of a picture at a recipe's size, to start from, uint8 (H, W, 3).

    Args:
        rgb: uint8 (H, W, 3) of any size.
        size: (height, width) in pixels.
    """
    height, width = size
    fitted = ImageOps.fit(Image.fromarray(rgb), (width, height), Image.Resampling.BICUBIC)
    return np.array(fitted, dtype=np.uint8)


def _fitted(recipe: Recipe, input_size: tuple[int, int], mean: Colours, std: Colours) -> Recipe:
    room = (side - 2 * recipe.margin for side in input_size)
    height, width = (max(min(a, b), MIN_SIDE) for a, b in zip(recipe.size, room, strict=True))
    return replace(recipe, size=(height, width), mean=mean, std=std)
