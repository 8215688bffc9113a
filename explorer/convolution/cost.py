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

from explorer.convolution import depthwise, im2col, shift, winograd
from explorer.convolution.fft import tile_size
from explorer.convolution.geometry import Geometry
from explorer.convolution.polyphase import pitch_of

NANOSECONDS: dict[str, tuple[float, ...]] = {
    "im2col, 1×1": (9350.0, 0.0154, 0.995, 0.144),
    "im2col, along the width": (11400.0, 0.0154, 1.03, 0.00371, 0.123, 0.0),
    "im2col, depthwise": (297.0, 0.568, 1.53, 0.452),
    "im2col": (26500.0, 0.0154, 0.393, 3.16, 0.564, 0.0659),
    "shift": (12500.0, 0.0154, 0.984, 0.891, 0.14, 1.79),
    "shift, depthwise": (5420.0, 0.17, 0.0, 0.417, 1.14),
    "strided, depthwise": (0.0, 0.889, 0.83, 1.86),
    "strided": (36500.0, 0.0154, 0.537, 0.0, 0.414, 0.192),
    "fft, depthwise": (54100.0, 0.0, 4.58, 48.4),
    "fft": (85800.0, 0.0, 5.99, 61.0, 0.187),
    "winograd": (71800.0, 0.0154, 1.94, 0.0, 0.0, 0.821, 0.537),
}
"""Prices by kind of algorithm, in the order of `WORK`: 300 random convolutions, float32, one AVX-512 core."""

WORK = {
    "im2col, 1×1": ("calls", "multiplications", "values selected", "output values"),
    "im2col, along the width": (
        "products",
        "multiplications",
        "columns",
        "output values",
        "weights checked",
        "weights sorted",
    ),
    "im2col, depthwise": ("products", "columns", "rows of columns", "values skipped"),
    "im2col": (
        "products",
        "multiplications",
        "columns",
        "rows of columns",
        "values skipped",
        "output values",
    ),
    "shift": (
        "passes",
        "multiplications",
        "padded values",
        "values sorted",
        "values accumulated",
        "weights",
    ),
    "shift, depthwise": ("passes", "multiplications", "lines", "values moved", "values sorted"),
    "strided, depthwise": (
        "products",
        "columns",
        "rows of columns",
        "values skipped",
    ),
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
    "winograd": (
        "strips",
        "multiplications",
        "values at points",
        "output values",
        "weights read",
        "weights checked",
        "weights transformed",
    ),
}
"""What is counted for each kind of algorithm, in the order of `NANOSECONDS`."""


def estimate(sizes: Geometry, algorithm: str, kept: bool = True) -> float:
    """Expected time of one convolution on one thread, in milliseconds.

    Args:
        sizes: The convolution.
        algorithm: Any of `ALGORITHMS` except "loops", for which `multiplications` says it all.
        kept: Whether the weights' other form is there from an earlier convolution.
    """
    kind = kind_of(sizes, algorithm)
    return sum(p * w for p, w in zip(NANOSECONDS[kind], work(sizes, kind, kept), strict=True)) / 1e6


def kind_of(sizes: Geometry, algorithm: str) -> str:
    """Which of its ways an algorithm takes: a key of `WORK`."""
    if algorithm == "im2col" and sizes.taps == 1:
        return "im2col, 1×1"
    if algorithm == "im2col" and im2col.along_width(sizes):
        return "im2col, along the width"
    single = sizes.channels_per_group == (1, 1) or (algorithm == "shift" and sizes.channels_per_group[0] == 1)
    return f"{algorithm}, depthwise" if single and algorithm != "winograd" else algorithm


def work(sizes: Geometry, kind: str, kept: bool = True) -> tuple[float, ...]:
    """How much of each kind of work a convolution is, in the order of `WORK[kind]`."""
    output = math.prod(sizes.output_shape)
    weights = sizes.out_channels * sizes.channels_per_group[0] * sizes.taps
    if kind == "winograd":
        return _winograd(sizes, output, weights, kept)
    if kind.startswith("fft"):
        counted = _fft(sizes)
        return counted if kind == "fft" else counted[:-1]
    products, padded = sizes.multiplications, sizes.batch * sizes.in_channels * math.prod(sizes.padded_size)
    if kind == "shift, depthwise":
        return _depthwise(sizes)
    if kind == "shift":
        passes = len(list(shift.strips(sizes))) * sizes.taps
        sorted_ = padded if sizes.stride[1] > 1 else 0
        return passes, products, padded, sorted_, sizes.taps * output, weights
    columns = sizes.batch * sizes.in_channels * math.prod(sizes.output_size)
    if kind == "im2col, 1×1":
        return 1, products, columns if sizes.stride != (1, 1) or any(sizes.padding) else 0, output
    if kind == "im2col, along the width":
        wide = sizes.in_channels * sizes.kernel_size[1] * sizes.output_size[1]
        steps = -(-sizes.kernel_size[0] // sizes.stride[0])
        return (
            steps * sizes.batch * _strips(sizes, sizes.in_channels * sizes.kernel_size[1] * sizes.stride[0]),
            products,
            sizes.batch * sizes.padded_size[0] * wide,
            steps * output,
            weights if kept else 0,
            0 if kept else weights,
        )
    # einsum lays out all windows at once.
    strips = 1 if kind.startswith("strided") else _strips(sizes, sizes.batch * sizes.in_channels * sizes.taps)
    copied = _columns(sizes, columns * sizes.taps, strips)
    return copied if kind.endswith("depthwise") else (copied[0], products, *copied[1:], output)


def _columns(sizes: Geometry, columns: int, strips: int) -> tuple[float, ...]:
    """A copy runs along the rows, each of which costs by itself, and skips pixels where the step is not 1."""
    skipped = columns if sizes.stride[1] > 1 else 0
    return sizes.batch * sizes.groups * strips, columns, columns // sizes.output_size[1], skipped


def _strips(sizes: Geometry, column: int) -> int:
    return -(-sizes.output_size[0] // im2col.strip_rows(sizes, column))


def _depthwise(sizes: Geometry) -> tuple[float, ...]:
    """A pass over a block runs along a line for each channel; pixels are sorted where the stride is not 1."""
    passes = len(list(depthwise.blocks(sizes))) * (sizes.taps + 8)
    lines = sizes.batch * sizes.out_channels
    values = lines * sizes.output_size[0] * pitch_of(sizes)
    pixels = lines * math.prod(sizes.padded_size)
    sorted_ = pixels if sizes.stride[1] > 1 else 0
    return passes, sizes.taps * values, sizes.taps * lines, pixels + values, sorted_


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


def _winograd(sizes: Geometry, output: int, weights: int, kept: bool) -> tuple[float, ...]:
    m = winograd.tile_size(sizes)
    down, across = (-(-size // m) for size in sizes.output_size)
    points = (m + 2) ** 2
    strips = max(1, round(down * across / winograd.STRIP)) * sizes.batch
    tiles, per_group = sizes.batch * down * across, sizes.channels_per_group[0]
    at_points = points * sizes.out_channels * per_group
    return (
        strips,
        points * tiles * sizes.out_channels * per_group,
        points * tiles * (sizes.in_channels + sizes.out_channels),
        output,
        strips * at_points,
        weights if kept else 0,
        0 if kept else at_points,
    )
