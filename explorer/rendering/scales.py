"""From values to palette entries: which value gets the first colour, which the last."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.channels import feature_maps
from explorer.rendering.colormaps import INFINITE, LEVELS, NAN, Kind

# Values per step of the conversion: the float copy stays inside the processor's second-level cache.
_BLOCK = 1 << 16
# Beyond these, differences and quotients of float32 overflow or vanish; float64 then takes over.
_TINY, _HUGE = 1e-30, 1e37


@dataclass(frozen=True)
class Scale:
    """The values that get the first and the last colour; values outside are drawn like the nearer end.

    Attributes:
        low: Value of the first colour; for a diverging scale -high.
        high: Value of the last colour; equal to `low` where all values are the same.
        kind: `"sequential"`, or `"diverging"` with the middle colour at exactly zero.

    Raises:
        ValueError: An end is not finite, they are the wrong way round, or a diverging scale is lopsided.
    """

    low: float
    high: float
    kind: Kind = "sequential"

    def __post_init__(self) -> None:
        given = f"Scale({self.low}, {self.high}, {self.kind!r})"
        if self.kind not in ("sequential", "diverging"):
            raise ValueError(f"{given}: a scale is 'sequential' or 'diverging'")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(f"{given}: both ends must be finite, and low not above high")
        if self.kind == "diverging" and self.low != -self.high:
            raise ValueError(f"{given}: a diverging scale lies evenly around zero, low = -high")


@dataclass(frozen=True, eq=False)
class ChannelScales:
    """One scale for each map of a layer, all of the same kind.

    Attributes:
        low: float64 (C,), the values of the first colour.
        high: float64 (C,), the values of the last colour.
        kind: Of all of them.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    kind: Kind

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, channel: int) -> Scale:
        return Scale(float(self.low[channel]), float(self.high[channel]), self.kind)

    def take(self, channels: NDArray[np.int64]) -> ChannelScales:
        """The scales of some channels, in the given order."""
        return ChannelScales(self.low[channels], self.high[channels], self.kind)


@dataclass(frozen=True, eq=False)
class Bounds:
    """Smallest and largest finite value of each map of a layer; 0 and 0 for a map without any.

    Attributes:
        low: float64 (C,).
        high: float64 (C,).
        finite: Whether all values of the layer are finite.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    finite: bool

    @property
    def kind(self) -> Kind:
        """Diverging as soon as one value of the layer is negative."""
        return "diverging" if bool((self.low < 0).any()) else "sequential"

    def per_channel(self) -> ChannelScales:
        """Each map by itself: from 0 to its largest value, or evenly around 0."""
        reach = np.maximum(np.abs(self.low), np.abs(self.high))
        return ChannelScales(-reach if self.kind == "diverging" else np.zeros_like(reach), reach, self.kind)

    def shared(self) -> Scale:
        """One scale that holds all maps of the layer."""
        reach = float(max(self.high.max(), -self.low.min()))
        return Scale(-reach if self.kind == "diverging" else 0.0, reach, self.kind)


def bounds(maps: Tensor) -> Bounds:
    """Measure the value range of every map of a checked (C, H, W) tensor."""
    flat = maps.flatten(1)
    # Two passes, because aminmax along a dimension takes six times as long. NaN and infinity come through.
    low, high = flat.amin(1), flat.amax(1)
    finite = bool(torch.isfinite(low).all() and torch.isfinite(high).all())
    if not finite:
        usable = flat.isfinite()
        some = usable.any(1)
        low = flat.where(usable, torch.inf).amin(1).where(some, 0.0)
        high = flat.where(usable, -torch.inf).amax(1).where(some, 0.0)
    return Bounds(low.double().numpy(), high.double().numpy(), finite)


def layer_scale(maps: Tensor | np.ndarray, *, saturate: float = 0.0) -> Scale:
    """The one scale for all maps of a layer: from 0 for non-negative maps, evenly around 0 for signed ones.

    Args:
        maps: (C, H, W) or (1, C, H, W). NaN and infinite values are left out.
        saturate: Share in [0, 1) of the values that may lie beyond the last colour, so that a few outliers
            don't leave the rest dark; 0 keeps all inside.

    Raises:
        ValueError: `saturate` is outside [0, 1), or the maps can't be shown at all.
    """
    if not 0 <= saturate < 1:
        raise ValueError(f"saturate is a share of the values, at least 0 and below 1, got {saturate}")
    maps = feature_maps(maps)
    full = bounds(maps).shared()
    if saturate == 0:
        return full
    magnitudes = maps[maps.isfinite()].abs().numpy()
    if magnitudes.size == 0:
        return full
    last = magnitudes.size - 1 - math.floor(saturate * magnitudes.size)
    high = float(np.partition(magnitudes, last)[last])
    return Scale(-high if full.kind == "diverging" else 0.0, high, full.kind)


def channel_scales(maps: Tensor | np.ndarray) -> ChannelScales:
    """One scale for each map of a layer; all are diverging as soon as the layer has a negative value."""
    return bounds(feature_maps(maps)).per_channel()


def quantize(maps: Tensor, scale: Scale | ChannelScales, *, finite: bool = False) -> NDArray[np.uint8]:
    """Turn values into palette entries.

    Args:
        maps: Checked tensor (C, H, W).
        scale: One for all maps, or one for each.
        finite: Whether it is already known that no value is NaN or infinite.

    Returns:
        uint8 (C, H, W): 0 to `LEVELS - 1`, `NAN` or `INFINITE`. Where a scale's ends are the same, all is
        drawn in its first colour (the middle one of a diverging scale); nothing is divided by zero.
    """
    origin, factor, offset = _affine(scale, maps.dtype)
    shifted = bool(origin.any())
    per_map = len(factor) > 1
    entries = torch.empty(maps.shape, dtype=torch.uint8)
    step = max(1, _BLOCK // maps[0].numel())
    for start in range(0, len(maps), step):
        block = slice(start, start + step)
        own = block if per_map else slice(None)
        values = maps[block] - origin[own] if shifted else maps[block]
        entries[block] = (values * factor[own]).add_(offset).clamp_(0, LEVELS - 1)
    drawn: NDArray[np.uint8] = entries.numpy()
    if not finite:
        drawn[maps.isnan().numpy()] = NAN
        drawn[maps.isinf().numpy()] = INFINITE
    return drawn


def _affine(scale: Scale | ChannelScales, dtype: torch.dtype) -> tuple[Tensor, Tensor, float]:
    """Origin, factor (n, 1, 1) and offset: the entry is floor((value - origin) * factor + offset)."""
    low = np.atleast_1d(np.asarray(scale.low, dtype=np.float64))
    high = np.atleast_1d(np.asarray(scale.high, dtype=np.float64))
    middle = LEVELS // 2  # the step that is zero on a diverging scale
    diverging = scale.kind == "diverging"
    origin, span, steps = (0 * low, high, middle) if diverging else (low, high - low, LEVELS - 1)
    # Spans as small as this have no usable reciprocal, in float64 either: drawn as constant.
    usable = span > 1e-300
    factor = np.divide(steps, span, out=np.zeros_like(span), where=usable)
    reach = max(np.abs(low).max(), np.abs(high).max())
    if reach > _HUGE or (usable & (span < _TINY)).any():
        dtype = torch.float64
    origin_column, factor_column = (torch.from_numpy(v).to(dtype)[:, None, None] for v in (origin, factor))
    return origin_column, factor_column, middle + 0.5 if diverging else 0.5
