"""One feature map at a time: enlarged, or laid over the picture that caused it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.channels import one_map
from explorer.rendering.colormaps import LEVELS, colormap_for
from explorer.rendering.grid import MAX_PIXELS
from explorer.rendering.png import palette_png
from explorer.rendering.scales import Scale, bounds, quantize

Region = tuple[float, float, float, float]
Interpolation = Literal["nearest", "bilinear"]


def map_png(
    feature_map: Tensor | np.ndarray,
    *,
    size: tuple[int, int] | None = None,
    interpolation: Interpolation = "nearest",
    scale: Scale | None = None,
    colormap: str | None = None,
) -> bytes:
    """Draw one feature map as a palette PNG.

    Args:
        feature_map: (H, W) or (1, H, W).
        size: Height and width of the picture in pixels; None for one pixel per position.
        interpolation: `"nearest"` shows each position as an even block, `"bilinear"` goes smoothly between
            the values (values are interpolated, then coloured, so every colour is on the legend);
            NaN and infinite positions stay even blocks.
        scale: None for the map's own; the layer's for the same colours as in a mosaic of it.
        colormap: A name of `COLORMAPS`.

    Raises:
        TypeError: The map is not real numbers.
        ValueError: It is not one map, or an argument is outside its range.
    """
    values = one_map(feature_map)
    height, width = size or (values.shape[0], values.shape[1])
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise ValueError(f"a picture has 1 to {MAX_PIXELS} pixels, got {height} x {width}")
    scale = scale or bounds(values[None]).shared()
    palette = colormap_for(scale.kind, colormap).palette()
    if _checked(interpolation) == "bilinear":
        smooth = _sample(values, (0, 0, height, width), np.arange(height), np.arange(width), "bilinear")
        return palette_png(quantize(smooth[None], scale)[0], palette)
    entries = quantize(values[None], scale)[0]
    rows, columns = (
        _nearest(np.arange(n), 0, n, len_) for n, len_ in zip((height, width), entries.shape, strict=True)
    )
    return palette_png(entries[:, columns], palette, np.bincount(rows, minlength=len(entries)))


def overlay(
    rgb: NDArray[np.uint8],
    feature_map: Tensor | np.ndarray,
    *,
    opacity: float = 0.6,
    region: Region | None = None,
    blend: Literal["even", "strength"] = "even",
    interpolation: Interpolation = "bilinear",
    scale: Scale | None = None,
    colormap: str | None = None,
) -> NDArray[np.uint8]:
    """Lay one feature map over the part of the picture that the network saw.

    Positions are aligned by their half-pixel centres: the map's outer edges fall on the region's edges, as in
    `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)`.

    Args:
        rgb: The picture, uint8 (H, W, 3); not changed.
        feature_map: (h, w) or (1, h, w).
        opacity: 0 shows the picture alone, 1 the map alone.
        region: (top, left, bottom, right) in pixels of the picture, which the map covers; it may be
            fractional and reach beyond the picture. None for the whole picture. Pixels whose centre lies
            outside stay.
        blend: `"even"` covers all positions alike; `"strength"` leaves the picture as it is where the map is
            silent (the scale's low end, or its middle where it is diverging) and reaches `opacity` at the
            ends.
        interpolation: `"bilinear"` or `"nearest"`.
        scale: None for the map's own.
        colormap: A name of `COLORMAPS`.

    Returns:
        uint8 (H, W, 3), a new array.

    Raises:
        TypeError: The map is not real numbers, or the picture is not uint8.
        ValueError: A shape is wrong, or an argument is outside its range.
    """
    region = region or (0, 0, *rgb.shape[:2])
    _check_overlay(rgb, opacity, region)
    top, left, bottom, right = region
    values = one_map(feature_map)
    scale = scale or bounds(values[None]).shared()
    colors = colormap_for(scale.kind, colormap).palette()[:, :3]
    rows, columns = _covered(top, bottom, rgb.shape[0]), _covered(left, right, rgb.shape[1])
    result = rgb.copy()
    if not (rows.size and columns.size):
        return result
    sampled = _sample(values, region, rows, columns, _checked(interpolation))
    entries = quantize(sampled[None], scale)[0]
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    share = (opacity * _cover(blend, scale))[entries, None]  # (rows, columns, 1)
    result[window] = (share * colors[entries] + (1 - share) * rgb[window] + 0.5).astype(np.uint8)
    return result


def _cover(blend: Literal["even", "strength"], scale: Scale) -> NDArray[np.float32]:
    """How much of the opacity each palette entry gets, (256,) in 0..1; NaN and infinity all of it."""
    if blend not in ("even", "strength"):
        raise ValueError(f"blend is 'even' or 'strength', got {blend!r}")
    cover = np.ones(256, dtype=np.float32)
    if blend == "strength":
        silent = LEVELS // 2 if scale.kind == "diverging" else 0
        cover[:LEVELS] = np.abs(np.arange(LEVELS) - silent) / (LEVELS - 1 - silent)
    return cover


def _check_overlay(rgb: NDArray[np.uint8], opacity: float, region: Region) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"the picture has the shape (H, W, 3), got {rgb.shape}")
    if rgb.dtype != np.uint8:
        raise TypeError(f"the picture is uint8 in 0..255, got {rgb.dtype}")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is between 0 and 1, got {opacity}")
    top, left, bottom, right = region
    if not (top < bottom and left < right and np.isfinite(region).all()):
        raise ValueError(
            f"a region is (top, left, bottom, right) with top < bottom and left < right, got {region}"
        )


def _checked(interpolation: Interpolation) -> Interpolation:
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"interpolation is 'nearest' or 'bilinear', got {interpolation!r}")
    return interpolation


def _covered(start: float, end: float, size: int) -> NDArray[np.int64]:
    """The pixels of 0..size - 1 whose centres lie in [start, end)."""
    centres = np.arange(size) + 0.5
    return np.flatnonzero((centres >= start) & (centres < end))


def _sample(
    values: Tensor,
    region: Region,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    interpolation: Interpolation,
) -> Tensor:
    """Values of a map that covers `region` at the centres of some pixels, (len(rows), len(columns))."""
    top, left, bottom, right = region
    row_of = torch.from_numpy(_nearest(rows, top, bottom, values.shape[0]))
    column_of = torch.from_numpy(_nearest(columns, left, right, values.shape[1]))
    nearest = values[row_of][:, column_of]
    finite = values.isfinite()
    if interpolation == "nearest" or not finite.any():
        return nearest
    if finite.all():
        return _bilinear(values, region, rows, columns)
    # NaN and infinity stay the blocks they are; around them only the finite neighbours count.
    known = _bilinear(finite.to(values.dtype), region, rows, columns)
    smooth = _bilinear(values.where(finite, 0.0), region, rows, columns) / known
    return smooth.where(nearest.isfinite(), nearest)


def _bilinear(values: Tensor, region: Region, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Tensor:
    top, left, bottom, right = region
    upper, lower, down = _neighbours(rows, top, bottom, values.shape[0], values.dtype)
    before, after, across = _neighbours(columns, left, right, values.shape[1], values.dtype)
    lines = torch.lerp(values[upper], values[lower], down[:, None])
    return torch.lerp(lines[:, before], lines[:, after], across)


def _nearest(pixels: NDArray[np.int64], start: float, end: float, length: int) -> NDArray[np.int64]:
    """The position, of `length` that fill start..end, that each pixel's centre lies in."""
    at = (pixels + 0.5 - start) * (length / (end - start))
    positions: NDArray[np.int64] = np.clip(np.floor(at), 0, length - 1).astype(np.int64)
    return positions


def _neighbours(
    pixels: NDArray[np.int64], start: float, end: float, length: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """The two positions around each pixel's centre, and how far it is from the first to the second (0..1)."""
    at = np.clip((pixels + 0.5 - start) * (length / (end - start)) - 0.5, 0, length - 1)
    first = np.floor(at).astype(np.int64)
    second = np.minimum(first + 1, length - 1)
    return torch.from_numpy(first), torch.from_numpy(second), torch.from_numpy(at - first).to(dtype)
