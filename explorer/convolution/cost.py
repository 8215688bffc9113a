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

from explorer.convolution import im2col, rows, shift, toom_cook, winograd
from explorer.convolution.fft import tile_size
from explorer.convolution.geometry import Geometry

NANOSECONDS: dict[str, tuple[float, ...]] = {
    "im2col, 1×1": (10100.0, 0.0128, 1.04, 0.312),
    "im2col, along the width": (25100.0, 0.0128, 1.2, 0.446, 0.0),
    "im2col, depthwise": (631.0, 0.667, 0.399, 0.566),
    "im2col": (27300.0, 0.0138, 0.513, 3.13, 0.401, 0.023),
    "shift": (14500.0, 0.0146, 1.03, 0.831, 0.141, 1.7),
    "shift, depthwise": (6970.0, 0.124, 1.96, 0.29, 0.306, 0.0),
    "strided, depthwise": (0.0, 3.68, 0.0, 0.34),
    "strided": (42300.0, 0.0128, 0.854, 0.0, 0.274, 0.633),
    "fft, depthwise": (63100.0, 0.0, 4.87, 40.9),
    "fft": (59700.0, 0.0, 7.36, 64.6, 0.12),
    "winograd": (131000.0, 0.0, 0.0128, 1.87, 1.18, 0.672, 0.254, 0.0, 0.413),
    "winograd, depthwise": (191000.0, 123.0, 4.22, 0.582, 0.0, 3.39e-05, 24.5, 2.23, 0.0),
    "toom_cook": (129000.0, 0.0, 0.0133, 1.68, 0.321, 0.00676, 0.573, 0.546, 0.505, 0.0, 1.96),
    "toom_cook, depthwise": (132000.0, 0.0, 0.499, 0.0, 0.589, 3.93e-05, 0.345, 0.0, 105.0, 26.1, 32.4),
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

_TOOM_COOK = (
    "strips",
    "products",
    "multiplications",
    "input values at points",
    "values written out",
    "sums at points",
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
    "toom_cook": _TOOM_COOK,
    "toom_cook, depthwise": _TOOM_COOK,
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
    if kind.startswith("toom_cook"):
        return _toom_cook(sizes, output, weights, kept)
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


def _toom_cook(sizes: Geometry, output: int, weights: int, kept: bool) -> tuple[float, ...]:
    layout, down = toom_cook.layout_of(sizes), -(-sizes.output_size[0] // toom_cook.TILE)
    strips, written_out = len(layout.strips) * sizes.batch, layout.steps == 1
    across = sizes.output_size[1] if written_out else layout.width
    pixels = layout.points * sizes.batch * down  # at each of a tile's points a row
    inputs = pixels * layout.width * sizes.in_channels * math.prod(sizes.stride)
    deep = layout.steps * layout.columns * sizes.stride[0] * sizes.channels_per_group[0]
    sums, at_points = pixels * across * sizes.out_channels, layout.points * sizes.out_channels * deep
    return (
        strips,
        strips * layout.points * layout.steps * sizes.groups,
        sums * deep,
        inputs,
        pixels * across * sizes.groups * deep if written_out else 0,
        sums * layout.steps,
        sums,
        output,
        strips * at_points,
        weights if kept else 0,
        0 if kept else at_points,
    )
