"""What a convolution costs by each algorithm: a linear model in things that can be counted.

Each algorithm does a few kinds of work: calls into PyTorch, multiplications inside matrix products, values
moved from one layout to another, values stored, butterflies of a transform. `work` counts them from the
sizes alone. A kind of work takes so many nanoseconds apiece; `NANOSECONDS` holds these prices, which
`python -m explorer.convolution.calibration` finds by non-negative least squares on the relative error, from
timings of random convolutions. Their absolute values belong to one machine; the choice needs only that
their proportions carry over.

Source: the roofline view of Williams, Waterman and Patterson, "Roofline", 2009 (work is paid in arithmetic
or in memory traffic), reduced to a sum so that it can be fitted.
"""

from __future__ import annotations

import math

from explorer.convolution import depthwise, im2col, winograd
from explorer.convolution.fft import tile_size
from explorer.convolution.geometry import Geometry

NANOSECONDS: dict[str, tuple[float, ...]] = {
    "im2col, 1×1": (16800.0, 0.0145, 1.12, 0.181),
    "im2col, along the width": (84.7, 0.0145, 1.26, 0.704),
    "im2col, depthwise": (220.0, 0.65, 1.15, 0.62),
    "im2col": (26400.0, 0.017, 0.414, 0.387, 0.594, 0.0),
    "shift": (14000.0, 0.0145, 1.23, 0.192, 2.33),
    "shift, depthwise": (4070.0, 0.0502, 1.03, 0.0),
    "strided, depthwise": (0.0, 0.913, 0.06, 2.59),
    "strided": (36700.0, 0.0145, 0.552, 0.0, 0.585, 0.418),
    "fft, depthwise": (103000.0, 0.597, 0.0),
    "fft": (211000.0, 0.65, 0.424, 1.28),
    "winograd": (8220.0, 0.0145, 1.67, 0.0, 0.52),
}
"""Prices by kind of algorithm, in the order of `WORK`: 420 random ones, float32, one AVX-512 core."""

WORK = {
    "im2col, 1×1": ("calls", "multiplications", "values selected", "output values"),
    "im2col, along the width": ("products", "multiplications", "columns", "output values"),
    "im2col, depthwise": ("products", "columns", "rows of columns", "values skipped"),
    "im2col": (
        "products",
        "multiplications",
        "columns",
        "rows of columns",
        "values skipped",
        "output values",
    ),
    "shift": ("taps", "multiplications", "padded values", "values accumulated", "weights"),
    "shift, depthwise": ("passes", "multiplications", "padded values", "values accumulated"),
    "strided, depthwise": ("products", "columns", "rows of columns", "values skipped"),
    "strided": (
        "products",
        "multiplications",
        "columns",
        "rows of columns",
        "values skipped",
        "output values",
    ),
    "fft, depthwise": ("calls", "butterflies", "weights"),
    "fft": ("calls", "butterflies", "multiplications", "weights"),
    "winograd": ("blocks", "multiplications", "values at points", "output values", "weights at points"),
}
"""What is counted for each kind of algorithm, in the order of `NANOSECONDS`."""


def estimate(sizes: Geometry, algorithm: str) -> float:
    """Expected time of one convolution on one thread, in milliseconds.

    Args:
        sizes: The convolution.
        algorithm: Any of `ALGORITHMS` except "loops", for which `multiplications` says it all.
    """
    kind = kind_of(sizes, algorithm)
    return sum(p * w for p, w in zip(NANOSECONDS[kind], work(sizes, kind), strict=True)) / 1e6


def kind_of(sizes: Geometry, algorithm: str) -> str:
    """Which of its ways an algorithm takes: a key of `WORK`."""
    if algorithm == "im2col" and sizes.taps == 1:
        return "im2col, 1×1"
    if algorithm == "im2col" and im2col.along_width(sizes):
        return "im2col, along the width"
    single = sizes.channels_per_group == (1, 1) or (algorithm == "shift" and sizes.channels_per_group[0] == 1)
    return f"{algorithm}, depthwise" if single and algorithm != "winograd" else algorithm


def work(sizes: Geometry, kind: str) -> tuple[float, ...]:
    """How much of each kind of work a convolution is, in the order of `WORK[kind]`."""
    output = math.prod(sizes.output_shape)
    if kind == "winograd":
        return _winograd(sizes, output)
    if kind.startswith("fft"):
        calls, butterflies, products, weights = _fft(sizes)
        return (calls, butterflies, products, weights) if kind == "fft" else (calls, butterflies, weights)
    products, padded = sizes.multiplications, sizes.batch * sizes.in_channels * math.prod(sizes.padded_size)
    if kind == "shift, depthwise":
        return _depthwise(sizes, padded, output)
    if kind == "shift":
        weights = sizes.out_channels * sizes.channels_per_group[0] * sizes.taps
        return sizes.taps, products, padded, sizes.taps * output, weights
    columns = sizes.batch * sizes.in_channels * math.prod(sizes.output_size)
    if kind == "im2col, 1×1":
        return 1, products, columns if sizes.stride != (1, 1) or any(sizes.padding) else 0, output
    if kind == "im2col, along the width":
        rows = sizes.batch * sizes.output_size[0]
        wide = sizes.in_channels * sizes.kernel_size[1] * sizes.output_size[1]
        return rows, products, sizes.batch * sizes.padded_size[0] * wide, output
    copied = _columns(sizes, columns * sizes.taps)
    return copied if kind.endswith("depthwise") else (copied[0], products, *copied[1:], output)


def _columns(sizes: Geometry, columns: int) -> tuple[float, ...]:
    """A copy runs along the rows, each of which costs by itself, and skips pixels where the step is not 1."""
    skipped = columns if sizes.stride[1] > 1 else 0
    return sizes.batch * sizes.groups, columns, columns // sizes.output_size[1], skipped


def _depthwise(sizes: Geometry, padded: int, output: int) -> tuple[float, ...]:
    if sizes.stride == (1, 1):
        passes, copied = sum(sizes.kernel_size), padded * sizes.kernel_size[1]
        rows = sizes.kernel_size[0] * output
    else:  # columns are skipped only at the end
        passes, copied, rows = sizes.taps, padded, sizes.taps * output * sizes.stride[1]
    blocks = math.ceil(rows / sizes.kernel_size[0] / depthwise.BLOCK)
    return blocks * (passes + 8), sizes.taps * output, copied, rows


def _fft(sizes: Geometry) -> tuple[float, ...]:
    tile, reach = tile_size(sizes), sizes.span
    dense = [size - r + 1 for size, r in zip(sizes.padded_size, reach, strict=True)]
    tiles = math.prod(
        math.ceil(d / (length - r + 1)) for d, length, r in zip(dense, tile, reach, strict=True)
    )
    area, per_group = math.prod(tile), sizes.channels_per_group[0]
    kernels = sizes.out_channels * per_group
    transforms = sizes.batch * tiles * (sizes.in_channels + sizes.out_channels) + kernels
    return (
        1,
        transforms * area * math.log2(2 * area),
        sizes.batch * tiles * kernels * area,
        kernels * area,
    )


def _winograd(sizes: Geometry, output: int) -> tuple[float, ...]:
    m = winograd.tile_size(sizes)
    down, across = (-(-size // m) for size in sizes.output_size)
    points = (m + 2) ** 2
    strips = max(1, round(down * across / winograd.STRIP)) * sizes.batch
    tiles, per_group = sizes.batch * down * (across + 1), sizes.channels_per_group[0]
    return (
        strips * points,
        points * tiles * sizes.out_channels * per_group,
        points * tiles * (sizes.in_channels + sizes.out_channels),
        output,
        points * sizes.out_channels * per_group,
    )
