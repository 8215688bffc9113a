"""Arrays become pictures: colour maps, mosaics of feature maps, overlays, filters, legends."""

from __future__ import annotations

from explorer.rendering.colormaps import (
    COLORMAPS,
    GAP,
    INFINITE,
    LEVELS,
    NAN,
    Colormap,
    colormap,
    colormap_for,
)
from explorer.rendering.filters import filters_rgb, filters_rgb_png
from explorer.rendering.grid import MAX_PIXELS, Box, Grid, Spot, columns_for
from explorer.rendering.legend import Legend, Special, Tick, legend, legend_png, number
from explorer.rendering.mosaic import Mosaic, MosaicOptions, mosaic, mosaic_png
from explorer.rendering.png import encode_png, palette_png
from explorer.rendering.scales import ChannelScales, Scale, channel_scales, layer_scale
from explorer.rendering.single import map_png, overlay

__all__ = [
    "COLORMAPS",
    "GAP",
    "INFINITE",
    "LEVELS",
    "MAX_PIXELS",
    "NAN",
    "Box",
    "ChannelScales",
    "Colormap",
    "Grid",
    "Legend",
    "Mosaic",
    "MosaicOptions",
    "Scale",
    "Special",
    "Spot",
    "Tick",
    "channel_scales",
    "colormap",
    "colormap_for",
    "columns_for",
    "encode_png",
    "filters_rgb",
    "filters_rgb_png",
    "layer_scale",
    "legend",
    "legend_png",
    "map_png",
    "mosaic",
    "mosaic_png",
    "number",
    "overlay",
    "palette_png",
]
