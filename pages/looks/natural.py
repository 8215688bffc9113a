"""Pictures that nobody optimised, marked where a channel answers most strongly."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from explorer.images import Picture
from explorer.layers import Layer
from models import Preprocessing

SIDE = 320
"""Pixels of the longer side as it is shown."""
PART = 0.5
"""A receptive field smaller than this share of the input is shown enlarged as well."""
_RING = 13
_LIGHT, _DARK = (255, 255, 255), (20, 18, 30)


@dataclass(frozen=True)
class Place:
    """What a position of a map sees, in pixels of the model's input.

    Attributes:
        box: (top, left, bottom, right), cut to the input, half open.
        middle: (row, column) of the middle of what it sees before that was cut; perhaps outside.
        whole: Whether that is more than `PART` of the input.
    """

    box: tuple[int, int, int, int]
    middle: tuple[float, float]
    whole: bool


def place(layer: Layer, row: int, column: int, input_size: tuple[int, int]) -> Place | None:
    """What a position of a layer's map sees; None where that is not known.

    Args:
        layer: From the layer table.
        row: Of the position.
        column: Likewise.
        input_size: (height, width) of the model's input.
    """
    field = layer.local_field or layer.receptive_field
    if field is None:
        return None
    top, left, bottom, right = field.box(row, column)
    height, width = input_size
    cut = (max(top, 0), max(left, 0), min(bottom, height), min(right, width))
    middle = ((top + bottom) / 2, (left + right) / 2)
    whole = (cut[2] - cut[0]) * (cut[3] - cut[1]) > PART**2 * height * width
    return Place(cut, middle, whole)


def seen(picture: Picture, prepare: Preprocessing) -> NDArray[np.uint8]:
    """The part of a picture that the model sees, uint8 (H, W, 3), in the shape of its input."""
    top, left, bottom, right = prepare.visible_box(*picture.rgb.shape[:2])
    height, width = prepare.input_shape[2:]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(picture.rgb).resize(size, Image.Resampling.BICUBIC, (left, top, right, bottom))
    return np.asarray(image)


def marked(shown: NDArray[np.uint8], at: Place | None, input_size: tuple[int, int]) -> bytes:
    """What the model sees, with a frame around what a position sees, or a ring where that is nearly all.

    Args:
        shown: From `seen`.
        at: The position; None for no mark.
        input_size: (height, width) of the model's input.

    Returns:
        A WebP file.
    """
    image = Image.fromarray(shown)
    if at is not None:
        draw = ImageDraw.Draw(image)
        scale = shown.shape[0] / input_size[0], shown.shape[1] / input_size[1]
        top, left, bottom, right = (edge * scale[k % 2] for k, edge in enumerate(at.box))
        # Near the border the ring is moved in, to be seen whole.
        y, x = (
            min(max(middle * factor, _RING), side - _RING)
            for middle, factor, side in zip(at.middle, scale, shown.shape[:2], strict=True)
        )
        for width, colour in ((5, _DARK), (2, _LIGHT)):
            if at.whole:
                around = _RING - 3 + width / 2
                draw.ellipse((x - around, y - around, x + around, y + around), outline=colour, width=width)
            else:
                draw.rectangle(_drawable(left, top, right, bottom), outline=colour, width=width)
    return _webp(image)


def part(shown: NDArray[np.uint8], at: Place, input_size: tuple[int, int]) -> bytes:
    """What a position sees, enlarged, as a WebP file."""
    scale = shown.shape[0] / input_size[0], shown.shape[1] / input_size[1]
    top, left, bottom, right = (edge * scale[k % 2] for k, edge in enumerate(at.box))
    box = (left, top, max(right, left + 1), max(bottom, top + 1))
    steep = (box[3] - box[1]) / (box[2] - box[0])
    size = (SIDE, max(1, round(SIDE * steep))) if steep <= 1 else (max(1, round(SIDE / steep)), SIDE)
    return _webp(Image.fromarray(shown).resize(size, Image.Resampling.BICUBIC, box))


def _drawable(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    """A frame that can be seen, however small what it frames."""
    middle = (left + right) / 2, (top + bottom) / 2
    half = max((right - left) / 2, 4.0), max((bottom - top) / 2, 4.0)
    return middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1]


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=88)
    return out.getvalue()
