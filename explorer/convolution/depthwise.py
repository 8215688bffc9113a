"""Shift and accumulate where every group has one input channel: weights times pixels, nothing to mix.

With no channels to add up there is no matrix product to lean on, so memory traffic decides: each of the
kH · kW passes reads a shifted picture and reads and writes the output. Two layouts keep that cheap:

* Planes: work through blocks of whole channels, or of rows where a channel is large, which stay in the
  processor's cache during all passes. A block's rows lie in one line, so a pass is one long run.
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
from explorer.convolution.polyphase import Phases, lay_out

BLOCK = 2**17
"""Output values of one block: with its input 1 MiB of float32, which fits a core's second-level cache."""

FEW = 8
"""Output pixels per tap below which turning channels innermost, twice a copy, pays for the longer runs."""


def shift_depthwise(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve channel by channel: (N, C, H, W) and (C m, 1, kH, kW) -> (N, C m, OH, OW)."""
    rows, columns = sizes.output_size
    if rows * columns < min(FEW * sizes.taps, sizes.in_channels):
        return _by_pixels(input, weight, sizes)
    return _by_planes(input, weight, sizes)


def _by_planes(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    multiplier, (height, _) = sizes.channels_per_group[1], sizes.output_size
    if multiplier > 1:  # the planes that several kernels read stand once for each
        input = input.repeat_interleave(multiplier, dim=1)
        sizes = replace(sizes, in_channels=sizes.out_channels, groups=sizes.out_channels)
    # Columns are left at stride 1, and skipped at the end: sorting them by phase would cost more.
    dense = sizes if sizes.stride[1] == 1 else replace(sizes, stride=(sizes.stride[0], 1))
    weights = weight.reshape(-1, sizes.taps, 1).unbind(1)  # kH kW times (C, 1)
    output = input.new_empty(sizes.output_shape)
    followed = torch.is_grad_enabled() and (input.requires_grad or weight.requires_grad)
    laid: Phases | None = None
    for pictures, channels, first, rows in _blocks(dense):
        # Autograd needs each block's pixels later; and only whole channels have their padding in one place.
        reuse = None if followed or rows < height else laid
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
