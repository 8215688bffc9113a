"""All feature maps of a layer in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypedDict, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.channels import feature_maps
from explorer.rendering.colormaps import GAP, RGB, Colormap, colormap_for
from explorer.rendering.grid import Box, Grid, Spot, columns_for
from explorer.rendering.legend import Legend, legend
from explorer.rendering.png import palette_png
from explorer.rendering.scales import Bounds, ChannelScales, Scale, bounds, quantize


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Feature maps as tiles of palette entries, and where each lies in the picture.

    Attributes:
        tiles: uint8 (K, H, W), palette entries in drawing order; `palette[entry]` is the colour.
        channels: int64 (K,), the layer's channel that each tile shows.
        grid: Geometry of the picture.
        scale: The one scale of all tiles, or one for each tile in drawing order.
        colormap: Gives the palette.
        background: Colour of the gaps; None for transparent.
    """

    tiles: NDArray[np.uint8]
    channels: NDArray[np.int64]
    grid: Grid
    scale: Scale | ChannelScales
    colormap: Colormap
    background: RGB | None = None

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """The colours of all 256 entries, uint8 (256, 4), RGBA."""
        return self.colormap.palette(self.background)

    @cached_property
    def legend(self) -> Legend:
        """What the colours mean."""
        present = np.bincount(self.tiles.ravel(), minlength=256)
        return legend(self.scale, self.colormap, entries=present)

    def indices(self) -> NDArray[np.uint8]:
        """The whole picture as palette entries, uint8 (height, width); gaps are `GAP`."""
        rows, repeats = self.grid.lines(self.tiles, GAP)
        return np.repeat(rows, repeats, axis=0)

    def rgba(self) -> NDArray[np.uint8]:
        """The whole picture as colours, uint8 (height, width, 4)."""
        return self.palette[self.indices()]

    def png(self) -> bytes:
        """The whole picture as a palette PNG file; its pixels are exactly `indices()`."""
        rows, repeats = self.grid.lines(self.tiles, GAP)
        return palette_png(rows, self.palette, repeats)

    def box(self, channel: int) -> Box:
        """The pixels of a channel's tile.

        Raises:
            ValueError: The mosaic does not show that channel.
        """
        places = np.flatnonzero(self.channels == channel)
        if not places.size:
            raise ValueError(f"channel {channel} is not among the {len(self.channels)} shown")
        return self.grid.box(int(places[0]))

    def locate(self, y: float, x: float) -> tuple[int, int, int] | None:
        """Channel, row and column of the map at pixel row `y`, column `x`; None in a gap or outside."""
        spot: Spot | None = self.grid.locate(y, x)
        return None if spot is None else (int(self.channels[spot.tile]), spot.row, spot.column)


class MosaicOptions(TypedDict, total=False):
    """The keyword arguments of `mosaic`, which describes them."""

    channels: Sequence[int] | NDArray[np.int64] | None
    scale: Literal["layer", "channel"] | Scale | ChannelScales
    colormap: str | None
    columns: int | None
    aspect: float
    gap: int
    zoom: int
    background: RGB | None


def mosaic(
    maps: Tensor | np.ndarray,
    *,
    channels: Sequence[int] | NDArray[np.int64] | None = None,
    scale: Literal["layer", "channel"] | Scale | ChannelScales = "layer",
    colormap: str | None = None,
    columns: int | None = None,
    aspect: float = 1.0,
    gap: int = 1,
    zoom: int = 1,
    background: RGB | None = None,
) -> Mosaic:
    """Lay out the feature maps of one layer.

    Args:
        maps: (C, H, W) or (1, C, H, W), any real dtype; not changed.
        channels: Which channels, in drawing order; None for all in the layer's order.
        scale: `"layer"`, one scale for all channels of the layer, also those not shown; `"channel"`, each by
            itself; or a given `Scale`, or given ones for the tiles in drawing order. Maps with a negative
            value get a diverging scale, others one from 0.
        colormap: A name of `COLORMAPS` that fits the scale; None for the default.
        columns: Tiles per row; None chooses them for `aspect`.
        aspect: Wanted width / height of the picture.
        gap: Pixels between tiles.
        zoom: Side of the square of pixels for one position.
        background: RGB of the gaps, None for transparent.

    Raises:
        TypeError: The maps are not real numbers.
        ValueError: The maps have another shape or are empty, or an argument is outside its range.

    Example:
        >>> drawn = mosaic(torch.rand(6, 4, 5), columns=3, zoom=2)
        >>> drawn.indices().shape, drawn.box(4), drawn.locate(9, 11)
        ((17, 32), Box(top=9, left=11, bottom=17, right=21), (4, 0, 0))
    """
    maps = feature_maps(maps)
    measured = bounds(maps)
    order = _checked_channels(channels, len(maps))
    if channels is not None:
        maps = maps[torch.from_numpy(order)]
    chosen = _chosen_scale(scale, measured, order)
    _, height, width = maps.shape
    if columns is None:
        columns = columns_for(len(order), height * zoom + gap, width * zoom + gap, aspect)
    grid = Grid(len(order), height, width, columns, gap, zoom)
    tiles = quantize(maps, chosen, finite=measured.finite)
    return Mosaic(tiles, order, grid, chosen, colormap_for(chosen.kind, colormap), background)


def mosaic_png(maps: Tensor | np.ndarray, **options: Unpack[MosaicOptions]) -> bytes:
    """Draw all feature maps of one layer as a PNG file; arguments and errors are those of `mosaic`.

    Returns:
        A palette PNG, one byte per pixel before compression.

    Example:
        >>> mosaic_png(torch.rand(8, 5, 6), zoom=3)[1:4]
        b'PNG'
    """
    return mosaic(maps, **options).png()


def _checked_channels(channels: Sequence[int] | NDArray[np.int64] | None, count: int) -> NDArray[np.int64]:
    if channels is None:
        return np.arange(count, dtype=np.int64)
    order = np.asarray(channels)
    if order.ndim != 1 or order.size == 0 or order.dtype.kind not in "iu":
        raise ValueError(f"channels are a list of at least one whole number, got {channels!r}")
    if order.min() < 0 or order.max() >= count:
        raise ValueError(f"the layer has channels 0 to {count - 1}, got {order.min()} to {order.max()}")
    return order.astype(np.int64)


def _chosen_scale(
    scale: Literal["layer", "channel"] | Scale | ChannelScales, measured: Bounds, order: NDArray[np.int64]
) -> Scale | ChannelScales:
    if isinstance(scale, Scale):
        return scale
    if isinstance(scale, ChannelScales):
        if len(scale) != len(order):
            raise ValueError(f"{len(order)} channels need as many scales, got {len(scale)}")
        return scale
    if scale == "layer":
        return measured.shared()
    if scale == "channel":
        return measured.per_channel().take(order)
    raise ValueError(f"scale is 'layer', 'channel', a Scale or ChannelScales, got {scale!r}")
