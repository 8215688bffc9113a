"""Where the tiles of a mosaic lie, and which one is at a given pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_PIXELS = 64_000_000
"""Largest mosaic, in pixels of the finished picture; one byte each."""


class Box(NamedTuple):
    """A rectangle of whole pixels, half open: rows top..bottom - 1, columns left..right - 1."""

    top: int
    left: int
    bottom: int
    right: int


class Spot(NamedTuple):
    """A place inside a mosaic: which tile, and which row and column of that tile's map."""

    tile: int
    row: int
    column: int


@dataclass(frozen=True)
class Grid:
    """Tiles of one size, row by row, with a gap between neighbours and none around the outside.

    Attributes:
        count: Number of tiles, at least 1.
        tile_height: Height of a map, in its own pixels.
        tile_width: Width of a map, in its own pixels.
        columns: Tiles per row.
        gap: Pixels between neighbouring tiles, 0 or more; not enlarged.
        zoom: Side of the square of pixels that shows one position of a map, at least 1.

    Raises:
        ValueError: One of the numbers is too small, or the picture would exceed `MAX_PIXELS`.
    """

    count: int
    tile_height: int
    tile_width: int
    columns: int
    gap: int = 1
    zoom: int = 1

    def __post_init__(self) -> None:
        for name, least in (("columns", 1), ("gap", 0), ("zoom", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.height * self.width > MAX_PIXELS:
            raise ValueError(
                f"{self.count} maps of {self.tile_height} x {self.tile_width} with zoom {self.zoom} make "
                f"{self.height} x {self.width} pixels, more than {MAX_PIXELS}: "
                "choose a smaller zoom or fewer channels"
            )

    @property
    def rows(self) -> int:
        """Rows of tiles; the last one may not be full."""
        return -(-self.count // self.columns)

    @property
    def pitch(self) -> tuple[int, int]:
        """Pixels (vertical, horizontal) from one tile to the next, gap included."""
        return self.tile_height * self.zoom + self.gap, self.tile_width * self.zoom + self.gap

    @property
    def height(self) -> int:
        """Height of the picture in pixels."""
        return self.rows * self.pitch[0] - self.gap

    @property
    def width(self) -> int:
        """Width of the picture in pixels."""
        return self.columns * self.pitch[1] - self.gap

    def box(self, tile: int) -> Box:
        """The pixels of a tile.

        Raises:
            IndexError: There is no tile of that number.
        """
        if not 0 <= tile < self.count:
            raise IndexError(f"there are tiles 0 to {self.count - 1}, got {tile}")
        row, column = divmod(tile, self.columns)
        top, left = row * self.pitch[0], column * self.pitch[1]
        return Box(top, left, top + self.tile_height * self.zoom, left + self.tile_width * self.zoom)

    def locate(self, y: float, x: float) -> Spot | None:
        """Which position of which tile is at pixel row `y`, column `x`; None in a gap or outside."""
        if not (0 <= y < self.height and 0 <= x < self.width):
            return None
        tile_row, inner_y = divmod(int(y), self.pitch[0])
        tile_column, inner_x = divmod(int(x), self.pitch[1])
        tile = tile_row * self.columns + tile_column
        row, column = inner_y // self.zoom, inner_x // self.zoom
        inside = tile < self.count and row < self.tile_height and column < self.tile_width
        return Spot(tile, row, column) if inside else None

    def lines(self, tiles: NDArray[np.uint8], fill: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Lay the tiles out, enlarged sideways only: the different rows of the picture, and how often each
        comes.

        Args:
            tiles: uint8 (count, tile_height, tile_width) or (count, tile_height, tile_width, channels).
            fill: What gaps and empty places hold.

        Returns:
            Rows, uint8 (N, width) or (N, width, channels), and repeats, (N,), adding up to the height.
        """
        deep = tiles.shape[3:]
        places = np.full((self.rows * self.columns, *tiles.shape[1:]), fill, dtype=np.uint8)
        places[: self.count] = tiles
        places = places.reshape(self.rows, self.columns, *tiles.shape[1:]).swapaxes(1, 2)
        with_gap = min(self.gap, 1)
        wide = self.tile_width * self.zoom
        shape = (self.rows, self.tile_height + with_gap, self.columns, wide + self.gap, *deep)
        picture = np.full(shape, fill, dtype=np.uint8)
        for step in range(self.zoom):  # strided copies are several times faster than np.repeat along the row
            picture[:, : self.tile_height, :, step : wide : self.zoom] = places
        repeats = np.tile(np.r_[[self.zoom] * self.tile_height, [self.gap] * with_gap], self.rows)
        last = len(repeats) - with_gap
        flat = picture.reshape(len(repeats), -1, *deep)
        return flat[:last, : self.width], repeats[:last].astype(np.int64)


def columns_for(count: int, tile_height: int, tile_width: int, aspect: float = 1.0) -> int:
    """The number of columns that brings a mosaic nearest to an aspect, with few empty places.

    Args:
        count: Number of tiles.
        tile_height: Pixels from one tile to the next, downwards.
        tile_width: The same, sideways.
        aspect: Wanted width / height of the picture, above 0.

    Raises:
        ValueError: The aspect is not a positive number.
    """
    if not (0 < aspect < np.inf):
        raise ValueError(f"aspect is the picture's width / height, above 0, got {aspect}")
    columns = np.arange(1, count + 1)
    rows = -(-count // columns)
    misfit = np.abs(np.log(columns * tile_width / (rows * tile_height) / aspect))
    return int(columns[np.argmin(misfit + (rows * columns - count) / count)])
