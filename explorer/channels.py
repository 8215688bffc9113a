"""What each channel of one layer does on one picture: statistics, ranking and histograms.

Everything here works on the feature maps of a single layer and picture, (C, H, W). The caller's array is
never changed, and nothing of it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Ranking = Literal["index", "mean", "max", "min", "std", "active", "magnitude"]
RANKINGS: tuple[str, ...] = get_args(Ranking)

# Above this float32 overflows when a few million squares are added; float64 then takes over.
_LARGE = 1e15


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """Statistics of every channel of one layer on one picture; each array has shape (C,).

    Values are in the unit of the layer's output. NaN and infinite positions are counted and otherwise left
    out; a channel without any finite value has NaN for its mean, deviation, minimum and maximum.

    Attributes:
        mean: float64, over the H * W positions.
        std: float64, population standard deviation over the positions.
        minimum: float64.
        maximum: float64.
        active: float64 in 0..1, share of all positions whose value is > 0.
        dead: bool, nothing to see on this picture: every value is finite, and in a layer without negative
            values none is positive, in a signed layer all are the same (with a single position: it is exactly
            0).
        nan: int64, number of positions that are not a number.
        infinite: int64, number of positions that are plus or minus infinity.
        positions: H * W.
        signed: whether any finite value of the layer is negative.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    active: NDArray[np.float64]
    dead: NDArray[np.bool_]
    nan: NDArray[np.int64]
    infinite: NDArray[np.int64]
    positions: int
    signed: bool

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def magnitude(self) -> NDArray[np.float64]:
        """Largest distance from zero of each channel, float64 (C,)."""
        return np.maximum(np.abs(self.minimum), np.abs(self.maximum))

    def describe(self, channel: int) -> dict[str, float | int | bool]:
        """The numbers of one channel as plain Python values, for a table or JSON."""
        names = ("mean", "std", "minimum", "maximum", "active", "dead", "nan", "infinite")
        return {name: getattr(self, name)[channel].item() for name in names}


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often which values occur in one map.

    Attributes:
        counts: int64 (bins,), positions per bin; they add up to the number of finite positions.
        edges: float64 (bins + 1,), increasing; the last bin includes its upper edge.
        nan: Positions that are not a number.
        infinite: Positions that are plus or minus infinity.
    """

    counts: NDArray[np.int64]
    edges: NDArray[np.float64]
    nan: int
    infinite: int


def feature_maps(maps: Tensor | np.ndarray) -> Tensor:
    """Bring one layer's maps of one picture into the one form that everything else here takes.

    Args:
        maps: (C, H, W) or (1, C, H, W), any real dtype, any memory layout, any device.

    Returns:
        Detached CPU tensor (C, H, W): float64 where the values need it (64-bit floats, 32- and 64-bit
        integers), else float32. It may share memory with `maps`, so it must not be written to.

    Raises:
        TypeError: Neither a tensor nor an array, or not real numbers.
        ValueError: Another number of dimensions, several pictures, or nothing in it.
    """
    tensor = _as_tensor(maps)
    shape = tuple(tensor.shape)
    if tensor.ndim == 4 and shape[0] != 1:
        raise ValueError(
            f"feature maps of one picture are needed, got {shape[0]} pictures {shape}: pass maps[i]"
        )
    if tensor.ndim == 4:
        tensor = tensor[0]
    if tensor.ndim != 3:
        raise ValueError(f"feature maps have the shape (C, H, W) or (1, C, H, W), got {shape}")
    if tensor.numel() == 0:
        raise ValueError(f"there is nothing to show: got empty feature maps {shape}")
    return tensor


def _as_tensor(values: Tensor | np.ndarray) -> Tensor:
    if isinstance(values, np.ndarray):
        values = _array_as_tensor(values)
    if not isinstance(values, Tensor):
        raise TypeError(f"a torch tensor or a NumPy array is needed, got {type(values).__name__}")
    if values.is_complex():
        raise TypeError(f"real values are needed, got {values.dtype}: take .abs(), .real or .imag")
    wide = values.dtype in (torch.float64, torch.int32, torch.int64, torch.uint32, torch.uint64)
    return values.detach().cpu().to(torch.float64 if wide else torch.float32)


def _array_as_tensor(array: np.ndarray) -> Tensor:
    if array.dtype.kind not in "biufc":
        raise TypeError(f"numbers are needed, got an array of {array.dtype}")
    if array.dtype.itemsize > 8 and array.dtype.kind == "f":
        array = array.astype(np.float64)
    # torch shares memory only with writable arrays of forward strides in the machine's byte order.
    shareable = array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0
    return torch.from_numpy(array if shareable else array.astype(array.dtype.newbyteorder("="), order="C"))


def statistics(maps: Tensor | np.ndarray) -> ChannelStatistics:
    """Measure every channel of one layer.

    Args:
        maps: (C, H, W) or (1, C, H, W); see `feature_maps` for what is accepted and refused.

    Example:
        >>> measured = statistics(torch.tensor([[[0.0, 3.0]], [[0.0, 0.0]]]))
        >>> measured.mean.tolist(), measured.active.tolist(), measured.dead.tolist()
        ([1.5, 0.0], [0.5, 0.0], [False, True])
    """
    flat = feature_maps(maps).flatten(1)  # (C, H*W)
    low, high = flat.amin(1), flat.amax(1)  # NaN and infinity come through
    if torch.isfinite(low + high).all():
        mean, variance = _moments(flat, low, high)
        nan, infinite = torch.zeros(2, len(flat), dtype=torch.int64)
    else:
        mean, variance, low, high = _finite_moments(flat)
        nan, infinite = flat.isnan().sum(1), flat.isinf().sum(1)
    positions = flat.shape[1]
    signed = bool((low < 0).any())
    silent = (low == high) & ((low == 0) | (positions > 1)) if signed else high <= 0
    return ChannelStatistics(
        mean=_float64(mean),
        std=_float64(variance.sqrt()),
        minimum=_float64(low),
        maximum=_float64(high),
        active=np.count_nonzero(flat.numpy() > 0, axis=1) / positions,
        dead=(silent & (nan + infinite == 0)).numpy(),
        nan=nan.numpy(),
        infinite=infinite.numpy(),
        positions=positions,
        signed=signed,
    )


def _moments(flat: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each row of finite values; several times faster than `torch.var_mean`."""
    if max(high.max(), -low.min()) > _LARGE:
        flat = flat.double()
    mean = flat.mean(1)
    variance = (flat - mean[:, None]).square_().mean(1)
    # The mean of equal values may be rounded, and would leave a deviation where there is none.
    return mean, variance.where(low < high, 0.0)


def _finite_moments(flat: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mean, variance, minimum and maximum of the finite values of each row; NaN for a row without any."""
    finite = flat.isfinite()
    count = finite.sum(1)
    values = flat.double().where(finite, 0.0)
    mean = values.sum(1) / count
    variance = (values - mean[:, None]).square().where(finite, 0.0).sum(1) / count
    low = values.where(finite, torch.inf).amin(1).where(count > 0, torch.nan)
    high = values.where(finite, -torch.inf).amax(1).where(count > 0, torch.nan)
    return mean, variance, low, high


def _float64(values: Tensor) -> NDArray[np.float64]:
    return values.double().numpy()


def rank(measured: ChannelStatistics, by: Ranking = "mean", *, hide_dead: bool = False) -> NDArray[np.int64]:
    """Order the channels of a layer, the largest value first.

    Ties keep the order of the channels, so the result is the same every time; NaN comes last. `"index"` is
    the layer's own order.

    Args:
        measured: What `statistics` returned.
        by: One of `RANKINGS`; `"magnitude"` is the largest distance from zero.
        hide_dead: Leave out the dead channels.

    Returns:
        Channel numbers, int64, (C,) or fewer with `hide_dead`.

    Raises:
        ValueError: There is no such ranking.
    """
    keys = {"max": "maximum", "min": "minimum"}
    if by not in RANKINGS:
        raise ValueError(f"channels can't be ranked by {by!r}; possible are {', '.join(RANKINGS)}")
    if by == "index":
        order = np.arange(len(measured), dtype=np.int64)
    else:
        order = np.argsort(-getattr(measured, keys.get(by, by)), kind="stable")
    return order[~measured.dead[order]] if hide_dead else order


def strongest(maps: Tensor | np.ndarray, k: int, by: Ranking = "std") -> tuple[int, ...]:
    """The channels worth showing first: those that answer most differently to different parts of the picture.

    A sixteenth of the map's shorter side is left out along the border, where zero padding draws a frame that
    has nothing to do with the picture. Dead channels come last.

    Args:
        maps: (C, H, W) or (1, C, H, W).
        k: How many, at least 1; all channels where the layer has fewer.
        by: The ranking. The default is the standard deviation: the channels of largest mean are often merely
            on everywhere, and the mean of signed maps cancels where a strong response has both signs.

    Raises:
        ValueError: `k` is below 1 or there is no such ranking.
    """
    if k < 1:
        raise ValueError(f"at least one channel must be asked for, got k={k}")
    maps = feature_maps(maps)
    _, height, width = maps.shape
    margin = min(height, width) // 16
    measured = statistics(maps[:, margin : height - margin, margin : width - margin])
    order = rank(measured, by)
    living_first = order[np.argsort(measured.dead[order], kind="stable")]
    return tuple(living_first[:k].tolist())


def histogram(feature_map: Tensor | np.ndarray, bins: int = 32) -> Histogram:
    """Count the finite values of one map in equal bins between its smallest and its largest.

    Args:
        feature_map: (H, W) or (1, H, W).
        bins: Number of bins, at least 1. A constant map gets bins around its value, a map without any finite
            value empty bins from 0 to 1.

    Raises:
        ValueError: `bins` is below 1, or more than one map was given.
    """
    if bins < 1:
        raise ValueError(f"a histogram needs at least one bin, got {bins}")
    values = one_map(feature_map).double().numpy().ravel()
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    # Closer together than this, neighbouring edges would be the same number.
    room = bins * np.spacing(max(abs(low), abs(high))) * 4
    if high - low <= room:
        middle, half = low / 2 + high / 2, max(0.5, room)
        low, high = middle - half, middle + half
    counts, edges = np.histogram(finite, bins=np.linspace(low, high, bins + 1))
    nan = int(np.isnan(values).sum())
    return Histogram(counts.astype(np.int64), edges, nan, values.size - finite.size - nan)


def one_map(feature_map: Tensor | np.ndarray) -> Tensor:
    """Bring a single map into the form (H, W); the rules are those of `feature_maps`.

    Args:
        feature_map: (H, W) or (1, H, W).

    Raises:
        ValueError: More than one map was given, or none.
    """
    shape = tuple(getattr(feature_map, "shape", ()))
    if len(shape) == 2:
        feature_map = feature_map[None]
    maps = feature_maps(feature_map)
    if len(maps) != 1:
        raise ValueError(
            f"one map (H, W) is needed, got {len(maps)} of them {shape}: pick a channel, maps[i]"
        )
    return maps[0]
