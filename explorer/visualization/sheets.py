"""Tiles to sheets: WebP files that a page loads in one request each."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.visualization.manifest import Sheet

PER_SHEET = 64
COLUMNS = 8
LOSSLESS_SIDE = 64
"""Up to this tile: WebP halves the resolution of colours, which would blur stripes that are 2 pixels wide."""


def encode_sheets(
    tiles: Sequence[NDArray[np.uint8]], name: str, quality: int = 80
) -> list[tuple[Sheet, bytes]]:
    """Lay tiles out on as many sheets as they need.

    Args:
        tiles: uint8 (H, W, 3) each, all of one size.
        name: What the files' names begin with.
        quality: Of WebP, 1 to 100; tiles of up to `LOSSLESS_SIDE` pixels are stored without loss.

    Returns:
        The sheets with the bytes of their files.

    Raises:
        ValueError: If there are no tiles, or they are of several sizes.
    """
    if len({tile.shape for tile in tiles}) != 1:
        raise ValueError("a sheet needs tiles, all of one size")
    groups = [tiles[start : start + PER_SHEET] for start in range(0, len(tiles), PER_SHEET)]
    return [_encode(group, f"{name}-{number}.webp", quality) for number, group in enumerate(groups, 1)]


def _encode(tiles: Sequence[NDArray[np.uint8]], file: str, quality: int) -> tuple[Sheet, bytes]:
    height, width = tiles[0].shape[:2]
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    places = np.full((rows * columns, height, width, 3), 255, dtype=np.uint8)
    places[: len(tiles)] = tiles
    pixels = places.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    image = Image.fromarray(pixels.reshape(rows * height, columns * width, 3))
    data = io.BytesIO()
    image.save(data, "WEBP", quality=quality, method=6, lossless=max(height, width) <= LOSSLESS_SIDE)
    digest = hashlib.sha256(data.getvalue()).hexdigest()
    return Sheet(file, digest, (height, width), columns, len(tiles)), data.getvalue()
