"""Winograd's minimal filtering: 3×3 convolutions with 2.25 or 4 times fewer multiplications.

Idea: the 4×4 outputs of a 3×3 kernel over a 6×6 tile are short polynomial products. Evaluated at six
points along each axis they become products of numbers, one per point: 36 multiplications for 16 outputs,
where the definition takes 144. Evaluating and interpolating are additions with small constants, done once
per input channel and once per output channel, and so are cheap where there are many channels.

    output = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A          d: one input tile, g: the kernel, ⊙ summed over channels

Cost: (m + 2)² · O · (C / groups) multiplications per tile of m×m outputs, m = 2 or 4, plus about
2 · (m + 2)³ · (C + O) for the transforms. Memory: (m + 2)² / m² of a strip of the input and of the output,
and (m + 2)² / 9 of the weights, which are transformed once and kept (see `kept.py`). The peak of one call was
measured at 0.4 to 2.4 times that of `F.conv2d`; at up to 3.6 times where the weights are not kept.

Accuracy: the constants, up to 8 in F(4×4), enlarge rounding errors: float32 is good to about 1e-6 with
F(2×2) and 1e-5 with F(4×4), relative to the largest output. A NaN or an infinity makes NaN of the outputs
of every tile whose (m + 2)×(m + 2) inputs hold it.

Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016; Winograd, "Arithmetic
complexity of computations", 1980.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.kept import form_of, keeps
from explorer.convolution.padding import covered
from explorer.convolution.workspace import Workspace

KERNEL = 3
TILES = (2, 4)

STRIP = 100
"""Tiles of a strip of the picture at the least: rows enough for an efficient matrix product."""

VALUES = 2**20
"""Values at points, of input and output, that a strip of more tiles may have: few enough to cache."""

READ = 40
"""Multiplications in a large matrix product that take as long as reading one transformed weight."""

WEIGHTS = 2**20
"""Transformed weights made at once where they are not kept, and needed for a single strip only."""


@dataclass(frozen=True, eq=False)
class Transforms:
    """The matrices of F(m×m, 3×3), with n = m + 2.

    Attributes:
        input: Bᵀ, (n, n).
        weight: G ⊗ G, (n n, 9): both axes at once.
        output: Aᵀ ⊗ Aᵀ, (m m, n n).
    """

    input: Tensor
    weight: Tensor
    output: Tensor


def winograd(input: Tensor, weight: Tensor, sizes: Geometry, tile: int | None = None) -> Tensor:
    """Convolve by F(m×m, 3×3): (N, C, H, W) and (O, C/g, 3, 3) -> (N, O, OH, OW).

    Args:
        input: The pictures.
        weight: 3×3 kernels.
        sizes: The convolution, with stride and dilation 1.
        tile: m, 2 or 4; None takes the one of less work.
    """
    m = tile or tile_size(sizes)
    matrices = transforms(m, input.dtype, input.device)
    output = input.new_empty(sizes.output_shape)
    parts = list(strips(sizes, m))
    once = sizes.batch * len(parts) == 1
    kernels: Iterable[tuple[slice, Tensor]] = _kernels(weight, sizes, matrices, once)
    kernels = kernels if once else list(kernels)
    room = Workspace(None if once else _most_values(sizes, m, parts[0][1]), input, weight)
    for n in range(sizes.batch):
        for first, rows in parts:
            points = _evaluate(input[n], sizes, matrices, first, rows, room)  # (n, T, n, C)
            for channels, transformed in kernels:
                values = _interpolate(_multiply(points, transformed, room), matrices, room)
                _write(values, output[n, channels, first * m : (first + rows) * m], m, rows)
    return output


def obstacle(sizes: Geometry) -> str | None:
    """Why this algorithm cannot make a convolution, or None if it can."""
    if sizes.dilation != (1, 1):
        return "dilation {}×{}, only 1 is possible".format(*sizes.dilation)
    if sizes.kernel_size != (KERNEL, KERNEL):
        return "kernel {}×{}, only 3×3 is possible".format(*sizes.kernel_size)
    if sizes.stride != (1, 1):
        return "stride {}×{}, only 1 is possible".format(*sizes.stride)
    return None


def tile_size(sizes: Geometry) -> int:
    """The tile, 2 or 4, of less work: a small picture under many weights favours 2."""
    weights = sizes.out_channels * sizes.channels_per_group[0]
    return min(TILES, key=lambda m: multiplications(sizes, m) + READ * (m + 2) ** 2 * weights)


def multiplications(sizes: Geometry, m: int) -> int:
    """Multiplications of F(m×m, 3×3), transforms included."""
    n, (height, width) = m + 2, sizes.output_size
    tiles = sizes.batch * -(-height // m) * -(-width // m)
    per_group = sizes.channels_per_group[0]
    products = n * n * tiles * sizes.out_channels * per_group
    edges = tiles * (sizes.in_channels * 2 * n**3 + sizes.out_channels * m * m * n * n)
    return products + edges + sizes.out_channels * per_group * n * n * KERNEL * KERNEL


@cache
def transforms(m: int, dtype: torch.dtype, device: torch.device) -> Transforms:
    """The matrices of F(m×m, 3×3) as Lavin and Gray print them (section 4)."""
    if m == 2:
        inputs = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]
        weights = [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]]
        outputs = [[1, 1, 1, 0], [0, 1, -1, -1]]
    else:
        inputs = [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ]
        weights = [
            [1 / 4, 0, 0],
            [-1 / 6, -1 / 6, -1 / 6],
            [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6],
            [0, 0, 1],
        ]
        outputs = [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]
    with torch.inference_mode(False), torch.no_grad():  # they outlive the mode of the first call
        b, g, a = (torch.tensor(rows, dtype=dtype, device=device) for rows in (inputs, weights, outputs))
        return Transforms(b, torch.kron(g, g), torch.kron(a, a))


def strips(sizes: Geometry, m: int) -> Iterator[tuple[int, int]]:
    """(first row of tiles, rows of tiles) of strips, each a quarter of a picture at most or `STRIP` tiles."""
    down, across = -(-sizes.output_size[0] // m), -(-sizes.output_size[1] // m)
    cached = VALUES // ((m + 2) ** 2 * (sizes.in_channels + sizes.out_channels))
    tiles = max(STRIP, min(cached, down * across // 4))
    rows = math.ceil(down / max(1, round(down * across / tiles)))
    for first in range(0, down, rows):
        yield first, min(rows, down - first)


def _most_values(sizes: Geometry, m: int, rows: int) -> int:
    """Values of the largest of the tensors that follow each other in a strip of so many rows of tiles."""
    n, across = m + 2, -(-sizes.output_size[1] // m)
    along = (rows * m + 2) * (across + 1) * n * sizes.in_channels
    return max(along, n * n * rows * across * max(sizes.in_channels, sizes.out_channels))


def _kernels(
    weight: Tensor, sizes: Geometry, matrices: Transforms, once: bool
) -> Iterator[tuple[slice, Tensor]]:
    """The transformed weights with the output channels that they make, all at once or block by block."""
    every = slice(0, sizes.out_channels)
    if keeps(weight):
        kind = f"winograd {len(matrices.input)} {sizes.groups}"
        yield every, form_of(weight, kind, lambda own: _weights(own, matrices, sizes.groups).contiguous())
    elif not once or sizes.groups > 1:
        yield every, _weights(weight, matrices, sizes.groups)
    else:  # what is needed only once should never leave the processor's cache
        block = max(16, WEIGHTS // (len(matrices.weight) * sizes.in_channels))
        for o in range(0, sizes.out_channels, block):
            channels = slice(o, min(o + block, sizes.out_channels))
            yield channels, _weights(weight[channels], matrices, 1)


def _weights(weight: Tensor, matrices: Transforms, groups: int) -> Tensor:
    """G g Gᵀ of every kernel, as one matrix product: (O, C/g, 3, 3) -> (n, n g, C/g, O/g), a view."""
    n = len(matrices.input)
    transformed = matrices.weight @ weight.reshape(-1, KERNEL * KERNEL).t()  # (n n, O C/g)
    return transformed.view(n, n * groups, -1, weight.shape[1]).transpose(2, 3)


def _evaluate(
    picture: Tensor, sizes: Geometry, matrices: Transforms, first: int, rows: int, room: Workspace
) -> Tensor:
    """Bᵀ d B for every tile d of a strip: (C, H, W) -> (n, T, n, C), where T = rows · tiles across.

    With the channels innermost, the n pixels of a tile in one row are a matrix (n, C), and the next tile's,
    which shares two of them, begins m pixels later: along the rows the transform is a batch of products on
    overlapping matrices. Down the columns, n rows of these results are a matrix in turn.
    """
    n = len(matrices.input)
    m, channels = n - 2, sizes.in_channels
    across = -(-sizes.output_size[1] // m)
    height, cells = rows * m + 2, across + 1  # a row ends with a cell for the last tile's last two pixels
    values = room.take(height * cells * m + 2, channels).zero_()
    pixels = values[:-2].view(height, cells * m, channels)
    to_rows, from_rows = covered(sizes.size[0], sizes.padding[0] - first * m, 1, height)
    to_columns, from_columns = covered(sizes.size[1], sizes.padding[2], 1, cells * m)
    pixels[to_rows, to_columns] = picture[:, from_rows, from_columns].permute(1, 2, 0)
    tiles = values.as_strided((height * cells, n, channels), (m * channels, channels, 1))
    along = room.take(*tiles.shape).baddbmm_(matrices.input.expand(len(tiles), n, n), tiles, beta=0)
    line = cells * n * channels
    lines = along.as_strided((rows, n, line - n * channels), (m * line, line, 1))
    points = room.take(n, rows, across * n * channels)
    points.transpose(0, 1).baddbmm_(matrices.input.expand(rows, n, n), lines, beta=0)
    return points.view(n, rows * across, n, channels)


def _multiply(points: Tensor, kernels: Tensor, room: Workspace) -> Tensor:
    """At each of the n n points a product over channels: (n, T, n, C) -> (n, n g, T, O/g)."""
    n, batch, per_group, outputs = kernels.shape
    products = room.take(n, batch, points.shape[1], outputs)
    for i in range(n):
        pixels = points[i].view(-1, batch, per_group).transpose(0, 1)  # (n g, T, C/g)
        products[i].baddbmm_(pixels, kernels[i], beta=0)
    return products


def _interpolate(products: Tensor, matrices: Transforms, room: Workspace) -> Tensor:
    """Aᵀ M A of every tile, as one matrix product: (n, n g, T, O/g) -> (m m, g, T, O/g)."""
    n, batch, tiles, outputs = products.shape
    values = room.take(len(matrices.output), tiles * batch // n * outputs)
    values.addmm_(matrices.output, products.view(n * n, -1), beta=0)
    return values.view(-1, batch // n, tiles, outputs)


def _write(values: Tensor, output: Tensor, m: int, rows: int) -> None:
    """Put the tiles, (m m, g, T, O/g), side by side into the output's rows, (O, up to rows · m, OW)."""
    groups, tiles, outputs = values.shape[1:]
    pictures = values.view(m, m, groups, rows, tiles // rows, outputs).permute(2, 5, 3, 0, 4, 1)
    height, width = output.shape[1:]
    if (height, width) != (rows * m, tiles // rows * m):  # the last tiles reach over the edge
        whole = pictures.reshape(groups * outputs, rows * m, -1)
        output.copy_(whole[:, :height, :width])
    else:
        output.view(groups, outputs, rows, m, tiles // rows, m).copy_(pictures)
