"""im2col: write every window out as a column, then one matrix product does it all.

Idea: lay the C · kH · kW pixels under each window out as a column of a matrix; each kernel, written as a
row, then meets each window in one large matrix product. Matrix products are what computers have been made
best at, and that pays for a matrix kH · kW times the picture's size. Three savings: a 1×1 kernel needs no
matrix (the picture itself, one column per pixel, is one); a large picture goes strip by strip; and a large
kernel over few channels is written out along the width only, since in that order the windows of one output
row lie in memory as a matrix anyway.

Cost: as many multiplications as the definition. Memory: (C / groups) · kH · kW · OH · OW values for a small
picture, at most about `COLUMNS` for a large one; along the width only, C · kW · (H + padding) · OW.

Source: Chellapilla, Puri and Simard, "High performance convolutional neural networks for document
processing", 2006; Cho and Brand, "MEC: Memory-efficient convolution for deep neural network", 2017.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.padding import pad
from explorer.convolution.windows import windows

COLUMNS = 2**21
"""Values of the matrix above which it is made in strips: 8 MiB of float32."""

LONG_ROW = 48
"""Output columns from which a single output row makes an efficient matrix product."""


def im2col(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve by matrix products: (N, C, H, W) and (O, C/g, kH, kW) -> (N, O, OH, OW)."""
    if sizes.taps == 1:
        return _pointwise(input, weight, sizes)
    if along_width(sizes):
        return _rows(input, weight, sizes)
    per_group, outputs = sizes.channels_per_group
    kernels = weight.reshape(sizes.groups, outputs, per_group * sizes.taps)  # (g, O/g, K), K = C/g kH kW
    view = windows(pad(input, sizes.padding), sizes)  # (N, C, OH, OW, kH, kW)
    rows = strip_rows(sizes)
    if rows >= sizes.output_size[0]:
        return _product(kernels, columns(view, sizes)).view(sizes.output_shape)
    output = input.new_empty(sizes.output_shape)
    for first in range(0, sizes.output_size[0], rows):
        strip = output[:, :, first : first + rows]
        strip.copy_(_product(kernels, columns(view[:, :, first : first + rows], sizes)).view(strip.shape))
    return output


def columns(view: Tensor, sizes: Geometry) -> Tensor:
    """The matrix of windows, each one column: (N, C, rows, OW, kH, kW) -> (N, g, C/g kH kW, rows OW)."""
    matrix = view.permute(0, 1, 4, 5, 2, 3)  # (N, C, kH, kW, rows, OW), still a view
    height = sizes.channels_per_group[0] * sizes.taps
    return matrix.reshape(sizes.batch, sizes.groups, height, -1)  # the copy that im2col is


def along_width(sizes: Geometry) -> bool:
    """Whether the windows are written out along the width only."""
    (height, _), rows_apart = sizes.kernel_size, sizes.dilation[0]
    return height >= 5 and rows_apart == sizes.groups == 1 and sizes.output_size[1] >= LONG_ROW


def strip_rows(sizes: Geometry) -> int:
    """Output rows of a strip of at most about `COLUMNS` values, and of at least one row."""
    return max(1, COLUMNS // (sizes.batch * sizes.in_channels * sizes.taps * sizes.output_size[1]))


def _pointwise(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """A 1×1 kernel mixes channels, pixel by pixel: the picture is the matrix."""
    pixels = pad(input, sizes.padding)
    if sizes.stride != (1, 1):
        pixels = pixels[:, :, :: sizes.stride[0], :: sizes.stride[1]]
    per_group, outputs = sizes.channels_per_group
    matrix = pixels.reshape(sizes.batch, sizes.groups, per_group, -1)  # (N, g, C/g, OH OW)
    return _product(weight.reshape(sizes.groups, outputs, per_group), matrix).view(sizes.output_shape)


def _product(kernels: Tensor, matrix: Tensor) -> Tensor:
    """(g, O/g, K) and (N, g, K, P) -> (N, g, O/g, P), or (O, P) where N = g = 1."""
    if matrix.shape[:2] == (1, 1):
        return torch.mm(kernels.view(kernels.shape[1:]), matrix.view(matrix.shape[2:]))
    return kernels @ matrix


def _rows(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """One matrix product per output row, on windows written out along the width only."""
    kernels = weight.permute(0, 2, 1, 3).flatten(1)  # (O, kH C kW)
    (height, width), padded = sizes.output_size, pad(input, sizes.padding)
    along = replace(
        sizes, size=sizes.padded_size, padding=(0, 0, 0, 0), kernel_size=(1, sizes.kernel_size[1]),
        stride=(1, sizes.stride[1]),
    )  # fmt: skip
    lowered = windows(padded, along)[..., 0, :].permute(0, 2, 1, 4, 3).contiguous()  # (N, H, C, kW, OW)
    wide = sizes.in_channels * sizes.kernel_size[1]
    # kH neighbouring rows are one matrix (kH C kW, OW); the next output row's begins `stride` rows later.
    batch, row = lowered.stride()[:2]
    matrices = lowered.as_strided(
        (sizes.batch, height, sizes.kernel_size[0] * wide, width), (batch, row * sizes.stride[0], width, 1)
    )
    shared = kernels.expand(height, -1, -1)  # (OH, O, K)
    return torch.stack([torch.bmm(shared, of_one).transpose(0, 1) for of_one in matrices])
