"""Winograd's minimal filtering: 3×3 convolutions with 2.25 or 4 times fewer multiplications.

Idea: the 4×4 outputs of a 3×3 kernel over a 6×6 tile are short polynomial products. Evaluated at six
points along each axis they become products of numbers, one per point: 36 multiplications for 16 outputs,
where the definition takes 144. Evaluating and interpolating are additions with small constants, done once
per input channel and once per output channel, and so are cheap where there are many channels.

    output = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A          d: one input tile, g: the kernel, ⊙ summed over channels

Cost: (m + 2)² · O · (C / groups) multiplications per tile of m×m outputs, m = 2 or 4, plus about
2 · (m + 2)³ · (C + O) for the transforms. Memory: (m + 2)² / m² of a strip of the input and of the output,
and (m + 2)² / 9 of the weights.

Accuracy: the constants, up to 8 in F(4×4), enlarge rounding errors: float32 is good to about 1e-6 with
F(2×2) and 1e-5 with F(4×4), relative to the largest output. A NaN or an infinity makes NaN of the outputs
of every tile whose (m + 2)×(m + 2) inputs hold it.

Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016; Winograd, "Arithmetic
complexity of computations", 1980.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.polyphase import lay_out

KERNEL = 3
TILES = (2, 4)

STRIP = 400
"""Tiles of one strip of the picture: columns enough for an efficient matrix product, few enough to cache."""

STORE = 40
"""Multiplications in a large matrix product that take as long as storing one transformed weight."""

WEIGHTS = 2**20
"""Transformed weights that are held at once where the picture is one strip, and each is needed only once."""


@dataclass(frozen=True, eq=False)
class Transforms:
    """The three matrices of F(m×m, 3×3), with n = m + 2: Bᵀ (n, n), G (n, 3), Aᵀ (m, n)."""

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
    strips = list(_strips(sizes, m))
    once = sizes.batch * len(strips) <= 1
    blocks = [(o, None if once else _weights(weight[o], matrices)) for o in _output_blocks(sizes, m, once)]
    for n in range(sizes.batch):
        for first, rows in strips:
            points = _inputs(input[n : n + 1], sizes, matrices, first, rows)  # (n n, C, T)
            for o, kept in blocks:
                kernels = _weights(weight[o], matrices) if kept is None else kept  # (n n, o, C/g)
                values = _interpolate(_multiply(kernels, points, sizes.groups), matrices)  # (m, o, T m)
                _write(values, output[n, o, first * m : (first + rows) * m], m, rows)
    return output


def tile_size(sizes: Geometry) -> int:
    """The tile, 2 or 4, of less work: a small picture under many weights favours 2."""
    weights = sizes.out_channels * sizes.channels_per_group[0]
    return min(TILES, key=lambda m: multiplications(sizes, m) + STORE * (m + 2) ** 2 * weights)


def multiplications(sizes: Geometry, m: int) -> int:
    """Multiplications of F(m×m, 3×3), transforms included."""
    n, (height, width) = m + 2, sizes.output_size
    tiles = sizes.batch * -(-height // m) * (-(-width // m) + 1)
    per_group = sizes.channels_per_group[0]
    products = n * n * tiles * sizes.out_channels * per_group
    edges = tiles * (sizes.in_channels * 2 * n**3 + sizes.out_channels * (m * n * n + m * m * n))
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
    return Transforms(
        *(torch.tensor(rows, dtype=dtype, device=device) for rows in (inputs, weights, outputs))
    )


def _strips(sizes: Geometry, m: int) -> Iterator[tuple[int, int]]:
    """(first row of tiles, rows of tiles) of strips of about `STRIP` tiles."""
    down, across = -(-sizes.output_size[0] // m), -(-sizes.output_size[1] // m)
    rows = math.ceil(down / max(1, round(down * across / STRIP)))
    for first in range(0, down, rows):
        yield first, min(rows, down - first)


def _output_blocks(sizes: Geometry, m: int, once: bool) -> Iterator[slice]:
    """The output channels, in blocks of at most `WEIGHTS` transformed weights if those are not kept."""
    per_channel = (m + 2) ** 2 * sizes.in_channels
    channels = max(16, WEIGHTS // per_channel) if once and sizes.groups == 1 else sizes.out_channels
    for o in range(0, sizes.out_channels, channels):
        yield slice(o, min(o + channels, sizes.out_channels))


def _weights(weight: Tensor, matrices: Transforms) -> Tensor:
    """G g Gᵀ for every kernel at once, as one matrix product: (o, C/g, 3, 3) -> (n n, o, C/g)."""
    both = torch.kron(matrices.weight, matrices.weight)  # (n n, 9)
    kernels = weight.reshape(-1, KERNEL * KERNEL)  # (o C/g, 9)
    return (both @ kernels.t()).view(-1, *weight.shape[:2])


def _inputs(input: Tensor, sizes: Geometry, matrices: Transforms, first: int, rows: int) -> Tensor:
    """Bᵀ d B for every tile of a strip: (1, C, H, W) -> (n n, C, T), T = rows · (tiles across + 1).

    Neighbouring tiles share two rows and two columns. Laid out by row modulo m, and with a line cut into
    columns of m, each tile is its own m values and the next one's first 2: two matrix products without a
    copy. The last tile of each row has no right neighbour and means nothing.
    """
    n, m = len(matrices.input), len(matrices.output)
    across = -(-sizes.output_size[1] // m) + 1
    tall = (0, across * m - sizes.size[1] - sizes.padding[2])
    padding = (*sizes.padding[:3], tall[1])
    apart = replace(sizes, stride=(m, 1), kernel_size=(n, m + 1), padding=padding)
    laid = lay_out(input, apart, first, rows)
    lines = laid.values.view(m, -1)  # (m, C line)
    own, shared = matrices.input[:, :m].contiguous(), matrices.input[:, m:].contiguous()
    down = own @ lines  # the columns of every tile: (n, C line)
    down[:, : -laid.pitch].addmm_(shared, lines[:2, laid.pitch :])
    cells = down.view(n, -1, m).transpose(1, 2)  # (n, m, C line / m)
    points = torch.bmm(own.expand(n, n, m), cells)  # and the rows: (n, n, C line / m)
    points[:, :, :-1].baddbmm_(shared.expand(n, n, 2), cells[:, :2, 1:])
    return points.view(n * n, sizes.in_channels, -1)[:, :, : rows * across]


def _multiply(kernels: Tensor, points: Tensor, groups: int) -> Tensor:
    """At each of the n n points a matrix product over channels: (n n, o, C/g), (n n, C, T) -> (n n, o, T)."""
    if groups == 1:
        return torch.bmm(kernels, points)
    n, outputs, per_group = kernels.shape
    grouped = kernels.view(n, groups, outputs // groups, per_group) @ points.view(n, groups, per_group, -1)
    return grouped.flatten(1, 2)


def _interpolate(products: Tensor, matrices: Transforms) -> Tensor:
    """Aᵀ M A for every tile: (n n, o, T) -> (m, o, T m), whose last axis runs along the picture's rows."""
    m, n = matrices.output.shape
    down = (matrices.output @ products.view(n, -1)).view(m, n, -1)  # (m, n, o T)
    along = torch.bmm(down.transpose(1, 2), matrices.output.t().expand(m, n, m))  # (m, o T, m)
    return along.view(m, products.shape[1], -1)


def _write(values: Tensor, output: Tensor, m: int, rows: int) -> None:
    """Sort the rows of tiles, (m, o, rows · across · m), into the output's rows, (o, up to rows · m, OW)."""
    pictures = values.view(*values.shape[:2], rows, -1)  # (m, o, rows, across m)
    for a in range(m):
        strip = output[:, a::m]
        strip.copy_(pictures[a, :, : strip.shape[1], : output.shape[2]])
