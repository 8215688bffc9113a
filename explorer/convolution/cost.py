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
    "im2col, 1×1": (18100.0, 0.0165, 1.38, 0.179),
    "im2col, along the width": (0.0, 0.0197, 1.11, 0.675),
    "im2col, depthwise": (364.0, 0.602, 2.04, 0.672),
    "im2col": (28700.0, 0.0178, 0.475, 1.41, 0.658, 0.0272),
    "shift": (16100.0, 0.0165, 1.23, 0.177, 2.56),
    "shift, depthwise": (7440.0, 0.236, 0.633, 0.293),
    "strided, depthwise": (0.0, 0.929, 0.0, 3.25),
    "strided": (39400.0, 0.0165, 0.576, 0.436, 0.735, 0.322),
    "fft, depthwise": (70500.0, 0.0, 5.73, 48.6),
    "fft": (141000.0, 0.0, 7.2, 56.9, 0.193),
    "winograd": (7460.0, 0.0165, 1.92, 0.0, 0.433),
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
    "shift, depthwise": ("passes", "multiplications", "padded values", "output values"),
    "strided, depthwise": ("products", "columns", "rows of columns", "values skipped"),
    "strided": (
        "products",
        "multiplications",
        "columns",
        "rows of columns",
        "values skipped",
        "output values",
    ),
    "fft, depthwise": ("calls", "butterflies", "values transformed", "transforms"),
    "fft": ("calls", "butterflies", "values transformed", "transforms", "multiplications"),
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
        counted = _fft(sizes)
        return counted if kind == "fft" else counted[:-1]
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
    columns = output * sizes.stride[1]  # columns are skipped only at the end
    blocks = math.ceil(columns / depthwise.BLOCK)
    return blocks * (sizes.taps + 8), sizes.taps * columns, padded, columns


def _fft(sizes: Geometry) -> tuple[float, ...]:
    tile, reach = tile_size(sizes), sizes.span
    dense = [size - r + 1 for size, r in zip(sizes.padded_size, reach, strict=True)]
    tiles = math.prod(
        math.ceil(d / (length - r + 1)) for d, length, r in zip(dense, tile, reach, strict=True)
    )
    area, per_group = math.prod(tile), sizes.channels_per_group[0]
    kernels = sizes.out_channels * per_group
    transforms = sizes.batch * tiles * (sizes.in_channels + sizes.out_channels) + kernels
    values = transforms * area
    return 1, values * math.log2(area), values, transforms, sizes.batch * tiles * kernels * area


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
