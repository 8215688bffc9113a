"""Toom-Cook along the height: half the multiplications, for tall kernels and for strides as well.

Idea: along one axis, m = 4 outputs of r taps are a short polynomial product. Evaluated at m + r - 1 points
it becomes a product of numbers, one per point, where the definition takes m · r: 6 instead of 12 for three
taps, 8 instead of 20 for five. Winograd's algorithm does so along both axes and saves more; along one alone
the transforms are a few matrix products with rows of pixels, kernels may be of any width, and a stride needs
no more than the rows and columns sorted by it: r is then only ceil(kH / stride).

    output rows 4t .. 4t+3 = Aᵀ [ Σ (G g) · (Bᵀ d) ]     d: the m + r - 1 rows under the kernel, for each
                                                         column; g: the kernel; Σ over channels and columns

Cost: (m + r - 1) / (m · r) of the definition's multiplications, 0.5 for 3×3 and 0.4 for 5×5, and about
2 · (m + r - 1)² additions for each column of m pixels, of the input as of the output. Memory:
(m + r - 1) / m of a strip of the input, twice, and of the output; and (m + r - 1) / r of the weights, which
are transformed once and kept (see `kept.py`).

Accuracy: the points up to 2 enlarge rounding errors by powers of 2 up to the (m - 1)st, but along one axis
only: float32 is good to about 3e-6 of the largest output. A NaN or an infinity makes NaN of all m rows of
outputs that it has part in, in each column whose window, made as wide as a multiple of the stride, holds it.

Source: Toom, "The complexity of a scheme of functional elements realizing the multiplication of integers",
1963; Cook, "On the minimum computation time of functions", 1966; as a convolution of networks in Lavin and
Gray, "Fast algorithms for convolutional neural networks", 2016, whose F(m, r) it is; with a stride taken
apart in Yang et al., "A stride-based convolution decomposition method to stretch CNN acceleration algorithms
for efficient and flexible hardware implementation", 2020.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.kept import form_of
from explorer.convolution.padding import covered
from explorer.convolution.workspace import Workspace

TILE = 4
"""m, the output rows that are made together."""

TAPS = (3, 5)
"""Fewest and most taps r: with two nothing is gained, six need points that cost accuracy."""

POINTS = tuple(Fraction(point) for point in ("0", "1", "-1", "2", "-2", "1/2", "-1/2"))
"""Where polynomials are evaluated, apart from infinity, which stands for the highest coefficient."""

VALUES = 2**19
"""Values at points, of input and output, of a strip: few enough to stay in a core's own cache."""

COLUMNS = 256
"""Output pixels of each of a tile's rows that a strip has at the least, for an efficient matrix product."""

DEEP = 32
"""Rows of a matrix above which its product is efficient, so that windows need not be written out."""


@dataclass(frozen=True, eq=False)
class Transforms:
    """The matrices of F(m, r), with n = m + r - 1.

    Attributes:
        input: Bᵀ, (n, n).
        weight: G, (n, r).
        output: Aᵀ, (m, n).
    """

    input: Tensor
    weight: Tensor
    output: Tensor


@dataclass(frozen=True)
class Layout:
    """How a convolution is taken apart.

    Attributes:
        taps: r, the kernel's rows a stride apart.
        points: n = m + r - 1.
        steps: Matrix products that add up to the whole, each on pixels one place further right; a single one
            where windows are written out along the width.
        columns: Columns of the kernel that one product takes together.
        width: Pixels of a row, of each column modulo stride: outputs and what the last window needs beyond.
        strips: (first row of tiles, rows of tiles) of each strip, about `VALUES` values or `COLUMNS` columns.
    """

    taps: int
    points: int
    steps: int
    columns: int
    width: int
    strips: tuple[tuple[int, int], ...]


def toom_cook(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve by F(4, r) along the height: (N, C, H, W) and (O, C/g, kH, kW) -> (N, O, OH, OW).

    Args:
        input: The pictures.
        weight: Kernels of 3 to 5 taps along the height: r = ceil(kH / stride).
        sizes: The convolution, with dilation 1.
    """
    layout = layout_of(sizes)
    matrices = transforms(layout.taps, input.dtype, input.device)
    kind = ("toom_cook", sizes.groups, sizes.stride, layout.columns)
    kernels = form_of(weight, kind, lambda own: _weights(own, sizes, layout, matrices)).unbind()
    output = input.new_empty(sizes.output_shape)
    room = Workspace(_most_values(sizes, layout), input, weight)
    for n in range(sizes.batch):
        for first, tiles in layout.strips:
            rows = _rows(input[n], sizes, layout, first, tiles, room)
            pixels = _operand(
                _transform(matrices.input, rows, room, layout.steps - 1), sizes, layout, tiles, room
            )
            products = _multiply(pixels, kernels, room)  # (n g, O/g, tiles · width)
            values = _transform(matrices.output, products.view(layout.points, -1), room)
            made = values.view(TILE, sizes.out_channels, tiles, -1)
            _write(made, output[n, :, first * TILE : (first + tiles) * TILE])
    return output


def obstacle(sizes: Geometry) -> str | None:
    """Why this algorithm cannot make a convolution, or None if it can."""
    if sizes.dilation != (1, 1):
        return "dilation {}×{}, only 1 is possible".format(*sizes.dilation)
    (height, _), (stride, _), (least, most) = sizes.kernel_size, sizes.stride, TAPS
    if least <= taps(sizes) <= most:
        return None
    possible = f"{(least - 1) * stride + 1} to {most * stride}"
    return f"kernel {height} high, only {possible} is possible at stride {stride}"


def taps(sizes: Geometry) -> int:
    """r, the rows of the kernel that stand a stride apart."""
    return -(-sizes.kernel_size[0] // sizes.stride[0])


@lru_cache(maxsize=256)
def layout_of(sizes: Geometry) -> Layout:
    """How a convolution is taken apart: into one deep matrix product, or several that share their pixels."""
    (down, right), kernel, r = sizes.stride, sizes.kernel_size[1], taps(sizes)
    shifts, points = -(-kernel // right), TILE + r - 1
    width = sizes.output_size[1] + shifts - 1
    deep = sizes.channels_per_group[0] * down * right >= DEEP
    steps, columns = (shifts, right) if deep else (1, kernel)
    height = -(-sizes.output_size[0] // TILE)
    channels = sizes.in_channels * down * right + sizes.out_channels
    pixels = max(COLUMNS, VALUES // (points * channels))
    rows = -(-height // max(1, round(height * width / pixels)))
    strips = tuple((first, min(rows, height - first)) for first in range(0, height, rows))
    return Layout(r, points, steps, columns, width, strips)


def _most_values(sizes: Geometry, layout: Layout) -> int:
    """Values of the largest of the tensors that follow each other for a strip."""
    depth = sizes.in_channels * sizes.stride[0] * max(sizes.stride[1], layout.columns)
    pixels = layout.points * layout.strips[0][1] * layout.width
    return pixels * max(depth, sizes.out_channels) + layout.steps


@cache
def transforms(taps: int, dtype: torch.dtype, device: torch.device) -> Transforms:
    """The matrices of F(m, r) at the first m + r - 2 of `POINTS` and infinity.

    Evaluating the two factors at the points and interpolating their product is, read backwards, what makes
    m outputs of r taps. Interpolation's denominators are moved to the weights, which are kept.
    """
    points = POINTS[: TILE + taps - 2]
    infinity = [Fraction(0)] * (taps - 1) + [Fraction(1)]
    weights = [
        [point**k / math.prod(point - other for other in points if other != point) for k in range(taps)]
        for point in points
    ] + [infinity]
    outputs = [[point**i for point in points] + [Fraction(i == TILE - 1)] for i in range(TILE)]
    inputs = [[*_polynomial([other for other in points if other != point]), Fraction(0)] for point in points]
    inputs.append(_polynomial(points))
    with torch.inference_mode(False), torch.no_grad():  # they outlive the mode of the first call
        return Transforms(
            *(
                torch.tensor([[float(entry) for entry in row] for row in rows], dtype=dtype, device=device)
                for rows in (inputs, weights, outputs)
            )
        )


def _polynomial(roots: Iterable[Fraction]) -> list[Fraction]:
    """The coefficients of the product of all (x - root), of the lowest power first."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted, scaled = [Fraction(0), *coefficients], [*coefficients, Fraction(0)]
        coefficients = [a - root * b for a, b in zip(shifted, scaled, strict=True)]
    return coefficients


def _weights(weight: Tensor, sizes: Geometry, layout: Layout, matrices: Transforms) -> Tensor:
    """G g of every column of every kernel: (O, C/g, kH, kW) -> (steps, n g, O/g, stride columns C/g)."""
    down, (per_group, outputs) = sizes.stride[0], sizes.channels_per_group
    missing = layout.steps * layout.columns - weight.shape[3], layout.taps * down - weight.shape[2]
    kernels = F.pad(weight, (0, missing[0], 0, missing[1])).view(
        sizes.groups, outputs, per_group, layout.taps, down, layout.steps, layout.columns
    )
    transformed: Tensor = torch.tensordot(matrices.weight, kernels, ([1], [3]))
    summed_last = transformed.permute(5, 0, 1, 2, 4, 6, 3)  # (steps, n, g, O/g, stride, columns, C/g)
    return summed_last.reshape(layout.steps, layout.points * sizes.groups, outputs, -1)


def _rows(
    picture: Tensor, sizes: Geometry, layout: Layout, first: int, tiles: int, room: Workspace
) -> Tensor:
    """The n rows under each tile of a strip: (C, H, W) -> (n, g, stride, stride, C/g, tiles, width).

    A tile's last r - 1 rows are the next one's first. They are sorted by row and column modulo stride.
    """
    (down, right), per_group = sizes.stride, sizes.channels_per_group[0]
    lines, line = (tiles * TILE + layout.taps - 1) * down, layout.width * right
    padded = room.take(sizes.in_channels, lines, line).zero_()
    to_rows, from_rows = covered(sizes.size[0], sizes.padding[0] - first * TILE * down, 1, lines)
    to_columns, from_columns = covered(sizes.size[1], sizes.padding[2], 1, line)
    padded[:, to_rows, to_columns] = picture[:, from_rows, from_columns]
    shape = layout.points, sizes.groups, down, right, per_group, tiles, layout.width
    steps = down * line, per_group * lines * line, line, 1, lines * line, TILE * down * line, right
    return room.take(*shape).copy_(padded.as_strided(shape, steps))


def _transform(matrix: Tensor, rows: Tensor, room: Workspace, beyond: int = 0) -> Tensor:
    """One of the matrices times each pixel of all rows: (p, n) and (n, ...) -> (p · ... + beyond), flat."""
    rows = rows.view(len(rows), -1)
    count = len(matrix) * rows.shape[1]
    values = room.take(count + beyond)
    values[:count].view(-1, rows.shape[1]).addmm_(matrix, rows, beta=0)
    if beyond:
        values[count:].zero_()
    return values


def _operand(points: Tensor, sizes: Geometry, layout: Layout, tiles: int, room: Workspace) -> Tensor:
    """What each step's weights are multiplied by: flat -> (steps, n g, stride columns C/g, tiles · width).

    Where a step's pixels begin further right they end in the next row: the last of each row are no outputs.
    """
    (down, right), per_group, width = sizes.stride, sizes.channels_per_group[0], layout.width
    batch, depth = layout.points * sizes.groups, down * layout.columns * per_group
    if layout.steps > 1:
        line = tiles * width
        return points.as_strided((layout.steps, batch, depth, line), (1, depth * line, line, 1))
    pixels = points.view(batch, down, right, per_group, tiles, width)
    columns = room.take(batch, down, layout.columns, per_group, tiles, sizes.output_size[1])
    for column in range(0, layout.columns, right):
        part, start = columns[:, :, column : column + right], column // right
        part.copy_(pixels[:, :, : part.shape[2], ..., start : start + part.shape[5]])
    return columns.view(1, batch, depth, -1)


def _multiply(pixels: Tensor, kernels: Sequence[Tensor], room: Workspace) -> Tensor:
    """At each point a product over channels and columns: (steps, n g, K, P) -> (n g, O/g, P)."""
    products = room.take(*kernels[0].shape[:2], pixels.shape[3])
    for step, kernel in enumerate(kernels):
        products.baddbmm_(kernel, pixels[step], beta=min(step, 1))
    return products


def _write(values: Tensor, output: Tensor) -> None:
    """Put tiles' rows, (m, O, tiles, OW or more), into the output's, (O, up to tiles · m, OW)."""
    channels, height, width = output.shape
    whole, rest = divmod(height, TILE)
    rows = output[:, : whole * TILE].view(channels, whole, TILE, width)
    rows.copy_(values[:, :, :whole, :width].permute(1, 2, 0, 3))
    if rest:  # the last tile reaches over the edge
        output[:, whole * TILE :].copy_(values[:rest, :, whole, :width].transpose(0, 1))
