"""Shift and accumulate where every group has one input channel: weights times pixels, nothing to mix.

With no channels to add up there is no matrix product to lean on, so memory traffic decides: each of the
kH · kW passes reads a shifted picture and reads and writes the output. Work goes block by block, of whole
channels or of some rows of one, that stay in the processor's cache during all passes. Three layouts:

* Rows, at stride 1: the kW shifts along the width are written out, and one pass per kernel row then adds up
  kW taps at once, as a small matrix product. The output is read and written kH times instead of kH · kW.
* Planes, at larger strides: one pass per tap over rows that lie in one line, a long run.
* Pixels: for small pictures with many channels, turn channels innermost; then a run is C values long
  instead of one short row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.padding import pad
from explorer.convolution.polyphase import Phases, covered, lay_out

BLOCK = 2**16
"""Output values of one block: with its input about 1 MiB of float32, which a core's second cache holds."""

SHORT_RUN = 128
"""Values below which a plane is too short a run, and channels go innermost, if there are more of them."""


def shift_depthwise(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve channel by channel: (N, C, H, W) and (C m, 1, kH, kW) -> (N, C m, OH, OW)."""
    rows, columns = sizes.output_size
    if rows * columns < min(SHORT_RUN, sizes.in_channels):
        return _by_pixels(input, weight, sizes)
    if sizes.stride == (1, 1):
        return _by_rows(input, weight, sizes)
    return _by_planes(input, weight, sizes)


def _by_rows(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    (height, width), multiplier = sizes.kernel_size, sizes.channels_per_group[1]
    kernels = weight.reshape(sizes.groups, multiplier, height, width).permute(2, 0, 1, 3)  # (kH, C, m, kW)
    output = input.new_empty(sizes.batch, sizes.groups, multiplier, *sizes.output_size)
    lines: Tensor | None = None
    for pictures, channels, first, rows in _blocks(sizes):
        # Only blocks of whole channels have their zeros, the padding, in the same places.
        reuse = None if _followed(input, weight) or rows < sizes.output_size[0] else lines
        lines = _shifted_rows(input[pictures, channels], sizes, first, rows, reuse)  # (n, c, kW, line)
        block = _add_rows(lines, kernels[:, channels], sizes, rows)  # (n c, m, rows OW)
        part = output[pictures, channels, :, first : first + rows]  # (n, c, m, rows, OW)
        part.copy_(block.view(part.shape))
    return output.flatten(1, 2)  # (N, C m, OH, OW)


def _shifted_rows(input: Tensor, sizes: Geometry, first: int, rows: int, reuse: Tensor | None) -> Tensor:
    """What each tap of a kernel row reads of some planes' rows: (n, c, H, W) -> (n, c, kW, height · OW)."""
    (_, width), (top, _, left, _) = sizes.kernel_size, sizes.padding
    height, columns = rows + sizes.span[0] - 1, sizes.output_size[1]
    shape = *input.shape[:2], width, height * columns
    lines = reuse if reuse is not None and reuse.shape == shape else input.new_zeros(shape)
    shifted = lines.view(*shape[:3], height, columns)
    to_rows, from_rows = covered(sizes.size[0], top - first, 1, height)
    for j in range(width):
        to, source = covered(sizes.size[1], left - j * sizes.dilation[1], 1, columns)
        shifted[:, :, j, to_rows, to] = input[:, :, from_rows, source]
    return lines


def _add_rows(lines: Tensor, kernels: Tensor, sizes: Geometry, rows: int) -> Tensor:
    """One small matrix product per kernel row: (n, c, kW, line), (kH, c, m, kW) -> (n c, m, rows · OW)."""
    step, length = sizes.dilation[0] * sizes.output_size[1], rows * sizes.output_size[1]
    if len(lines) > 1:
        kernels = kernels.repeat(1, len(lines), 1, 1)  # (kH, n c, m, kW)
    planes = lines.flatten(0, 1)  # (n c, kW, line)
    output = torch.bmm(kernels[0], planes.narrow(2, 0, length))
    for i in range(1, len(kernels)):
        output.baddbmm_(kernels[i], planes.narrow(2, i * step, length))
    return output


def _followed(input: Tensor, weight: Tensor) -> bool:
    """Whether autograd will want to read a block's pixels again, so that the next may not overwrite them."""
    return torch.is_grad_enabled() and (input.requires_grad or weight.requires_grad)


def _by_planes(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    multiplier, (height, _) = sizes.channels_per_group[1], sizes.output_size
    if multiplier > 1:  # the planes that several kernels read stand once for each
        input = input.repeat_interleave(multiplier, dim=1)
        sizes = replace(sizes, in_channels=sizes.out_channels, groups=sizes.out_channels)
    # Columns are left at stride 1, and skipped at the end: sorting them by phase would cost more.
    dense = sizes if sizes.stride[1] == 1 else replace(sizes, stride=(sizes.stride[0], 1))
    weights = weight.reshape(-1, sizes.taps, 1).unbind(1)  # kH kW times (C, 1)
    output = input.new_empty(sizes.output_shape)
    laid: Phases | None = None
    for pictures, channels, first, rows in _blocks(dense):
        reuse = None if _followed(input, weight) or rows < height else laid
        laid = lay_out(input[pictures, channels], dense, first, rows, reuse)
        block = _accumulate(laid, [taps[channels] for taps in weights])  # (n, c, rows, OW at stride 1)
        output[pictures, channels, first : first + rows].copy_(block[..., :: sizes.stride[1]])
    return output


def _accumulate(laid: Phases, weights: list[Tensor]) -> Tensor:
    """All taps of a block of planes: kH kW weights (c, 1) -> (n, c, rows, OW at stride 1)."""
    pixels = laid.taps()  # each (n, c, rows pitch)
    output: Tensor = next(pixels) * weights[0]
    for shifted, weight in zip(pixels, weights[1:], strict=True):
        output.addcmul_(shifted, weight)
    return output.view(*output.shape[:2], laid.rows, laid.pitch)[..., : laid.sizes.output_size[1]]


def _blocks(sizes: Geometry) -> Iterator[tuple[slice, slice, int, int]]:
    """Pictures, channels, first output row and number of rows of blocks of about `BLOCK` values."""
    height, width = sizes.output_size
    rows = min(height, max(1, BLOCK // width))
    channels = min(sizes.groups, max(1, BLOCK // (rows * width)))
    pictures = max(1, BLOCK // (rows * width * channels)) if channels == sizes.groups else 1
    for n in range(0, sizes.batch, pictures):
        for c in range(0, sizes.groups, channels):
            for first in range(0, height, rows):
                yield slice(n, n + pictures), slice(c, c + channels), first, min(rows, height - first)


def _by_pixels(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    rows, columns = sizes.output_size
    (down, right), multiplier = sizes.stride, sizes.channels_per_group[1]
    pixels = pad(input, sizes.padding).permute(0, 2, 3, 1).contiguous().unsqueeze(3)  # (N, H, W, 1, C)
    taps = weight.reshape(sizes.groups, multiplier, sizes.taps).permute(2, 1, 0).contiguous()  # (kH kW, m, C)
    output = input.new_zeros(sizes.batch, rows, columns, multiplier, sizes.groups)
    for k, (i, j) in enumerate(product(*map(range, sizes.kernel_size))):
        top, left = i * sizes.dilation[0], j * sizes.dilation[1]
        bottom, end = top + (rows - 1) * down + 1, left + (columns - 1) * right + 1
        output.addcmul_(pixels[:, top:bottom:down, left:end:right], taps[k])
    return output.permute(0, 4, 3, 1, 2).flatten(1, 2).contiguous()  # (N, C m, OH, OW)
