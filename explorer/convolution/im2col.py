"""im2col: write every window out as a column, then one matrix product does it all.

Idea: lay the C · kH · kW pixels under each window out as a column of a matrix; each kernel, written as a
row, then meets each window in one large matrix product. Matrix products are what computers have been made
best at, and that pays for a matrix kH · kW times the picture's size. Three savings: a 1×1 kernel needs no
matrix (the picture itself, one column per pixel, is one); a large picture goes strip by strip, each small
enough to be still in the cache when it is multiplied; and tall kernels have windows written out along the
width only, kW times the picture's size: sorted by row modulo stride, the pixels of a window one stride
further down then stand in the same matrix, one output row later, so that ceil(kH / stride) products with
shifted parts of it add up to the whole.

Cost: as many multiplications as the definition. Memory: C · kH · kW · OH · OW values, or along the width
C · kW · H · OW, both at most about `STRIP` for a large picture; and along the width the weights in another
order.

Source: Chellapilla, Puri and Simard, "High performance convolutional neural networks for document
processing", 2006; Cho and Brand, "MEC: Memory-efficient convolution for deep neural network", 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.padding import covered, pad
from explorer.convolution.windows import windows

STRIP = 400_000
"""Values of the matrix above which it is made in strips: 1.6 MB of float32, within a core's own cache."""

WIDE = 1024
"""Columns of a strip that a matrix product needs to be quick, even if that makes more values."""

SUMS = 2048
"""Output pixels per thread whose sums are completed before the next are begun, and so stay in the cache."""


def im2col(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve by matrix products: (N, C, H, W) and (O, C/g, kH, kW) -> (N, O, OH, OW)."""
    if sizes.taps == 1:
        return _pointwise(input, weight, sizes)
    if along_width(sizes):
        return _along_width(input, weight, sizes)
    per_group, outputs = sizes.channels_per_group
    kernels = weight.reshape(sizes.groups, outputs, per_group * sizes.taps)  # (g, O/g, K), K = C/g kH kW
    view = windows(pad(input, sizes.padding), sizes)  # (N, C, OH, OW, kH, kW)
    height, width = sizes.output_size
    rows = strip_rows(sizes, sizes.batch * sizes.in_channels * sizes.taps)
    if rows >= height:
        return _product(kernels, columns(view, sizes)).view(sizes.output_shape)
    output = input.new_empty(sizes.output_shape)
    maps = output.view(sizes.batch, sizes.groups, outputs, -1)  # (N, g, O/g, OH OW)
    for first in range(0, height, rows):
        strip = maps[..., first * width : (first + rows) * width]
        matrix = columns(view[:, :, first : first + rows], sizes)
        for n in range(sizes.batch):
            strip[n].baddbmm_(kernels, matrix[n], beta=0)
    return output


def columns(view: Tensor, sizes: Geometry) -> Tensor:
    """The matrix of windows, each one column: (N, C, rows, OW, kH, kW) -> (N, g, C/g kH kW, rows OW)."""
    matrix = view.permute(0, 1, 4, 5, 2, 3)  # (N, C, kH, kW, rows, OW), still a view
    height = sizes.channels_per_group[0] * sizes.taps
    return matrix.reshape(sizes.batch, sizes.groups, height, -1)  # the copy that im2col is


def along_width(sizes: Geometry) -> bool:
    """Whether the windows are written out along the width only: less to write, more to add up.

    That saves values of the matrix, which cost double where the stride skips pixels. It costs reading and
    writing the sums once more for each further product; and the weights in another order, which come from
    main memory and jump there, and so count four times.
    """
    (height, width), (kernel, across) = sizes.output_size, sizes.kernel_size
    if sizes.groups > 1 or sizes.dilation != (1, 1) or kernel == 1:
        return False
    further = -(-kernel // sizes.stride[0]) - 1
    lines = (height + further) * sizes.stride[0]
    saved = sizes.batch * sizes.in_channels * across * width * (kernel * height - lines)
    sums = further * sizes.batch * sizes.out_channels * height * width
    weights = sizes.out_channels * sizes.in_channels * sizes.taps
    return saved * min(sizes.stride[1], 2) > sums + 4 * weights


def strip_rows(sizes: Geometry, column: int) -> int:
    """Output rows of a strip of at most about `STRIP` values, `column` for each pixel; at least one row."""
    height, width = sizes.output_size
    columns = max(STRIP // max(column, 1), WIDE)  # an empty batch has no values
    strips = -(-height // max(1, columns // width))
    return -(-height // strips)


def _pointwise(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """A 1×1 kernel mixes channels, pixel by pixel: the picture is the matrix."""
    pixels = pad(input, sizes.padding)
    if sizes.stride != (1, 1):
        pixels = pixels[:, :, :: sizes.stride[0], :: sizes.stride[1]]
    if sizes.batch == sizes.groups == 1:
        matrix = pixels.reshape(sizes.in_channels, -1)  # (C, OH OW)
        return torch.mm(weight.flatten(1), matrix).view(sizes.output_shape)
    per_group, outputs = sizes.channels_per_group
    matrix = pixels.reshape(sizes.batch, sizes.groups, per_group, -1)  # (N, g, C/g, OH OW)
    return _product(weight.reshape(sizes.groups, outputs, per_group), matrix).view(sizes.output_shape)


def _product(kernels: Tensor, matrix: Tensor) -> Tensor:
    """(g, O/g, K) and (N, g, K, P) -> (N, g, O/g, P), or (O, P) where N = g = 1."""
    if matrix.shape[:2] == (1, 1):
        return torch.mm(kernels.view(kernels.shape[1:]), matrix.view(matrix.shape[2:]))
    return kernels @ matrix


def _along_width(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Strip by strip a few matrix products, on windows written out along the width only."""
    kernels = weight.permute(0, 2, 3, 1).flatten(1)  # (O, kH kW C); keeping them is no quicker
    height, width = sizes.output_size
    rows = strip_rows(sizes, sizes.in_channels * sizes.kernel_size[1] * sizes.stride[0])
    output = input.new_empty(sizes.output_shape)
    maps = output.flatten(2)  # (N, O, OH OW)
    for n in range(sizes.batch):
        for first in range(0, height, rows):
            lowered = _lower(input[n], sizes, first, min(rows, height - first))
            _add_up(maps[n, :, first * width : (first + rows) * width], kernels, lowered, width)
    return output


def _lower(picture: Tensor, sizes: Geometry, first: int, rows: int) -> Tensor:
    """The windows of a strip's rows, sorted by row modulo stride: (C, H, W) -> (stride kW C, lines OW).

    Sorted by column modulo stride as well, a tap of the kernel reads unbroken rows, one pixel further on
    where it stands a stride further right. Sorting first pays where taps share the sorted pixels.
    """
    (kernel, across), (down, right), width = sizes.kernel_size, sizes.stride, sizes.output_size[1]
    lines, reach = rows + (kernel - 1) // down, width + (across - 1) // right
    padded = picture.new_zeros(sizes.in_channels, lines, down, reach, right)
    to_rows, from_rows = covered(sizes.size[0], sizes.padding[0] - first * down, 1, lines * down)
    to_columns, from_columns = covered(sizes.size[1], sizes.padding[2], 1, reach * right)
    padded.view(-1, lines * down, reach * right)[:, to_rows, to_columns] = picture[:, from_rows, from_columns]
    phases = padded.permute(2, 4, 0, 1, 3)  # (stride, stride, C, lines, reach)
    if across >= 2 * right:
        phases = phases.contiguous()
    lowered = picture.new_empty(down, across, sizes.in_channels, lines, width)
    for column in range(0, across, right):
        taps, start = lowered[:, column : column + right], column // right
        taps.copy_(phases[:, : taps.shape[1], :, :, start : start + width])
    return lowered.view(down * across * sizes.in_channels, -1)


def _add_up(output: Tensor, kernels: Tensor, lowered: Tensor, width: int) -> None:
    """Sum over the kernel's rows, a stride of them at a time: into (O, rows OW), of (O, kH kW C)."""
    steps, count = torch.split(kernels, len(lowered), dim=1), output.shape[1]
    size = -(-count // -(-count // (SUMS * torch.get_num_threads())))
    for start in range(0, count, size):
        sums = output[:, start : start + size]
        for step, kernel in enumerate(steps):
            begin = start + step * width
            pixels = lowered[: kernel.shape[1], begin : begin + sums.shape[1]]
            sums.addmm_(kernel, pixels, beta=min(step, 1))
