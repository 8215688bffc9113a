"""Pictures as the browser gets them."""

from __future__ import annotations

import base64
import io
import math
import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.images import Picture
from pages.widgets import PictureView

Crop = tuple[float, float, float, float]

_SHOWN = 640  # pixels of the longer side


def data_url(raw: bytes, kind: str) -> str:
    """The bytes of a picture as a URL that needs no request."""
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"


def webp(rgb: NDArray[np.uint8], longest: int = _SHOWN) -> bytes:
    """A picture (H, W, 3) as WebP, its long side at most `longest` pixels."""
    image = Image.fromarray(rgb)
    image.thumbnail((longest, longest))
    out = io.BytesIO()
    image.save(out, "WEBP", quality=86)
    return out.getvalue()


def thumbnail(rgb: NDArray[np.uint8], side: int = 112) -> bytes:
    """The central square of a picture (H, W, 3) as WebP, `side` pixels wide."""
    height, width = rgb.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return webp(rgb[top : top + edge, left : left + edge], side)


def view(
    picture: Picture, seen: tuple[float, float, float, float], title: str, margin: float = 0.15
) -> tuple[PictureView, Crop]:
    """The picture as a component shows it, and where in it the model looks.

    A very long picture is cut to a readable window around what the model sees.

    Args:
        picture: The picture (H, W).
        seen: What the model sees of it, (top, left, bottom, right) in pixels.
        title: Its description.
        margin: How much to show around what is seen, as a share of its size.

    Returns:
        The view, and what is seen as (top, left, bottom, right) in shares of the view's size.
    """
    rows, columns = window(picture.rgb, seen, margin)
    part = picture.rgb[rows, columns]
    height, width = part.shape[:2]
    crop = (
        (seen[0] - rows.start) / height,
        (seen[1] - columns.start) / width,
        (seen[2] - rows.start) / height,
        (seen[3] - columns.start) / width,
    )
    return PictureView(data_url(webp(part), "webp"), height, width, alt=title), crop


def dimmed(
    picture: Picture, seen: tuple[float, float, float, float], margin: float = 0.6
) -> tuple[bytes, float]:
    """The picture as WebP with everything darkened that the model does not see.

    Args:
        picture: The picture (H, W).
        seen: What the model sees of it, (top, left, bottom, right) in pixels.
        margin: How much to show around what is seen, as a share of its size.

    Returns:
        The file, and its height / width.
    """
    rows, columns = window(picture.rgb, seen, margin)
    image = Image.fromarray(picture.rgb[rows, columns])
    # Enlarged or reduced first: the edges of what is seen may lie inside a pixel of a tiny picture.
    scale = _SHOWN / max(image.size)
    image = image.resize(tuple(max(1, round(side * scale)) for side in image.size), Image.Resampling.BICUBIC)
    box = (seen[1] - columns.start, seen[0] - rows.start, seen[3] - columns.start, seen[2] - rows.start)
    left, top, right, bottom = (round(edge * scale) for edge in box)
    bright = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    dark = image.point(lambda value: value * 0.38)
    dark.paste(bright, (left, top))
    return webp(np.asarray(dark)), image.height / image.width


def plain(text: str) -> str:
    """Text that Markdown shows as it is: a file's name, or what stands in a link, may hold anything."""
    # Addresses become links even where every sign is escaped; an invisible joiner keeps them text.
    text = re.sub(
        r"(://|www\.|@)", lambda found: found[0][0] + "\u2060" + found[0][1:], " ".join(text.split())
    )
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>$:~&@/])", r"\\\1", text)


def window(
    rgb: NDArray[np.uint8], seen: tuple[float, float, float, float], margin: float
) -> tuple[slice, slice]:
    """The part of a picture worth showing: what is seen, and around it at most `margin` of its size."""

    def axis(size: int, low: float, high: float) -> slice:
        around = margin * (high - low)
        return slice(max(0, math.floor(low - around)), min(size, math.ceil(high + around)))

    return axis(rgb.shape[0], seen[0], seen[2]), axis(rgb.shape[1], seen[1], seen[3])
