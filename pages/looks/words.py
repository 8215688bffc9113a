"""What to look for in the pictures of a layer, in plain words."""

from __future__ import annotations

from explorer.layers import Layer
from explorer.story import extent

HINTS = (
    (0.04, "Plain colours, and edges between light and dark."),
    (0.15, "Stripes and small dots, each at its own angle and in its own colours."),
    (0.5, "Textures: nets, weaves, rows of dots, furrows."),
    (1.0, "Patterns: scales, spots, beads, weaves."),
    (2.0, "Curves that build up: fans, spirals, rows of scales, waves of fur, first eyes."),
    (float("inf"), "Parts of things: eyes, snouts, faces, feathers, leaves, ropes, windows."),
)
"""By how much of the input's side a value may see at most."""
CLASSES = "Whole things, often with what surrounds them: water, grass, a street."


def hint(layer: Layer, input_size: tuple[int, int]) -> str:
    """What the pictures of a layer's channels are likely to show, by how much of the picture a value sees.

    Args:
        layer: The layer.
        input_size: Height and width of the model's input, in pixels.
    """
    field = layer.receptive_field
    if field is None or field.whole:
        return HINTS[-1][1]
    seen = max(size / side for size, side in zip(field.size, input_size, strict=True))
    return next(words for most, words in HINTS if seen <= most)


def facts(layer: Layer, shown: int, input_size: tuple[int, int]) -> str:
    """How many channels there are and how much a value sees.

    Args:
        layer: The layer.
        shown: How many of its channels have a picture.
        input_size: Height and width of the model's input, in pixels.
    """
    total = layer.output_shape[1]
    count = f"all {total} channels" if shown == total else f"{shown} of {total} channels"
    return f"{count} · a value sees {extent(layer.receptive_field, input_size)}"
