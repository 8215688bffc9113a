"""What a convolution costs by each algorithm: a linear model in things that can be counted.

Each algorithm does a few kinds of work: calls into PyTorch, multiplications inside matrix products, values
moved from one layout to another, values stored, butterflies of a transform. `work` counts them from the
sizes alone. A kind of work takes so many nanoseconds apiece; `NANOSECONDS` holds these prices, which
`python -m explorer.convolution.calibration` finds by non-negative least squares on the logarithms, from
timings of random convolutions. Their absolute values belong to one machine; the choice needs only that
their proportions carry over.

Source: the roofline view of Williams, Waterman and Patterson, "Roofline", 2009 (work is paid in arithmetic
or in memory traffic), reduced to a sum so that it can be fitted.
"""

from __future__ import annotations

import math

from explorer.convolution import im2col, rows, shift, winograd
from explorer.convolution.fft import tile_size
from explorer.convolution.geometry import Geometry

NANOSECONDS: dict[str, tuple[float, ...]] = {
    "im2col, 1×1": (9870.0, 0.0134, 0.953, 0.315),
    "im2col, along the width": (23200.0, 0.0134, 1.21, 0.0, 0.299),
    "im2col, depthwise": (520.0, 0.684, 0.408, 0.629),
    "im2col": (28300.0, 0.0149, 0.43, 2.73, 0.463, 0.0336),
    "shift": (15700.0, 0.0148, 1.09, 0.71, 0.143, 1.84),
    "shift, depthwise": (7780.0, 0.17, 2.01, 0.2, 0.19, 0.0),
    "strided, depthwise": (0.0, 3.77, 0.0, 0.585),
    "strided": (40200.0, 0.0134, 0.902, 0.0, 0.167, 0.709),
    "fft, depthwise": (62800.0, 0.0, 5.18, 43.3),
    "fft": (75400.0, 0.0, 7.81, 64.3, 0.125),
    "winograd": (120000.0, 0.0, 0.0134, 2.05, 0.966, 1.49, 0.382, 0.0, 0.234),
    "winograd, depthwise": (163000.0, 80.0, 0.242, 0.00319, 4.71, 0.000124, 48.3, 210.0, 0.0),
}
"""Prices by kind of algorithm, in the order of `WORK`: 320 random convolutions, float32, one AVX-512 core."""

_WINOGRAD = (
    "strips",
    "products",
    "multiplications",
    "input values at points",
    "output values at points",
    "output values",
    "weights read",
    "weights checked",
    "weights transformed",
)

WORK = {
    "im2col, 1×1": ("calls", "multiplications", "values selected", "output values"),
    "im2col, along the width": (
        "products",
        "multiplications",
        "columns",
        "output values",
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
    "shift, depthwise": (
        "steps",
        "values accumulated",
        "rows accumulated",
        "values added",
        "values picked",
        "weights written",
    ),
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
    "winograd": _WINOGRAD,
    "winograd, depthwise": _WINOGRAD,
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
    return f"{algorithm}, depthwise" if single else algorithm


def work(sizes: Geometry, kind: str, kept: bool = True) -> tuple[float, ...]:
    """How much of each kind of work a convolution is, in the order of `WORK[kind]`."""
    output = math.prod(sizes.output_shape)
    weights = sizes.out_channels * sizes.channels_per_group[0] * sizes.taps
    if kind.startswith("winograd"):
        return _winograd(sizes, output, weights, kept)
    if kind.startswith("fft"):
        counted = _fft(sizes)
        return counted if kind == "fft" else counted[:-1]
    products, padded = sizes.multiplications, sizes.batch * sizes.in_channels * math.prod(sizes.padded_size)
    if kind == "shift, depthwise":
        return _depthwise(sizes, kept)
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
            weights,
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


def _depthwise(sizes: Geometry, kept: bool) -> tuple[float, ...]:
    """By rows (`rows.py`), which is the way without gradients; with them it takes longer."""
    lines, output = sizes.batch * sizes.out_channels * sizes.output_size[0], math.prod(sizes.output_shape)
    columns, accumulated = sizes.kernel_size[1], sizes.taps * lines
    parts = -(-sizes.batch * sizes.in_channels * sizes.output_size[0] // max(1, rows.lines_of(sizes)))
    unbroken = sizes.stride[1] == 1 and sizes.size[1] == sizes.output_size[1]
    return (
        parts * (columns + 4),
        accumulated * sizes.size[1],
        accumulated,
        columns * output if unbroken else 0,
        0 if unbroken else columns * output,
        0 if kept and parts == 1 else accumulated,
    )


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
    strips = len(list(winograd.strips(sizes, m))) * sizes.batch
    tiles, per_group = sizes.batch * down * across, sizes.channels_per_group[0]
    at_points = points * sizes.out_channels * per_group
    return (
        strips,
        strips * points * sizes.groups,
        points * tiles * sizes.out_channels * per_group,
        points * tiles * sizes.in_channels,
        points * tiles * sizes.out_channels,
        output,
        strips * at_points,
        weights if kept else 0,
        0 if kept else at_points,
    )
