"""Shift and accumulate where every group has one input channel: weights times pixels, nothing to mix.

With no channels to add up there is no matrix product to lean on, so memory traffic decides: each of the
kH · kW passes reads a shifted picture and reads and writes the output. Two things keep that cheap. The work
goes block by block, in rows few enough to stay in the processor's cache during all passes. And channels are
turned innermost, where there are enough of them: then each tap is one weight per channel, and the pixels
that it meets are whole runs of channels, at any stride and however short the picture's rows are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.padding import covered

BLOCK = 2**17
"""Output values of one block: with its input 1 MiB of float32, which fits a core's second-level cache."""

FEW, LONG = 16, 4
"""Channels below which a run of them is too short to turn the picture for, and how many times as long as the
picture's rows it should be; at stride 1, for rows that skip pixels make no runs at all."""


def shift_depthwise(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve channel by channel: (N, C, H, W) and (C m, 1, kH, kW) -> (N, C m, OH, OW)."""
    multiplier = sizes.channels_per_group[1]
    if multiplier > 1:  # a channel that several kernels read stands once for each
        input = input.repeat_interleave(multiplier, dim=1)
        sizes = replace(sizes, in_channels=sizes.out_channels, groups=sizes.out_channels)
    output = input.new_empty(sizes.output_shape)
    pixels = input.permute(0, 2, 3, 1)  # (N, H, W, C), a view
    result = output.permute(0, 2, 3, 1)
    taps = weight.reshape(sizes.groups, sizes.taps).t().contiguous().unbind(0)  # kH kW times (C,)
    for pictures, first, rows in blocks(sizes):
        shifted = _shifted(pixels[pictures], sizes, first, rows)  # each (n, rows, OW, C)
        block = shifted[0] * taps[0]
        for values, weights in zip(shifted[1:], taps[1:], strict=True):
            block.addcmul_(values, weights)
        result[pictures, first : first + rows].copy_(block)
    return output


def turned(sizes: Geometry) -> bool:
    """Whether channels are turned innermost."""
    return sizes.groups >= FEW and (sizes.stride[1] > 1 or sizes.groups > LONG * sizes.output_size[1])


def blocks(sizes: Geometry) -> Iterator[tuple[slice, int, int]]:
    """Pictures, first output row and number of rows of blocks of about `BLOCK` values."""
    height, width = sizes.output_size
    count = -(-height // max(1, BLOCK // (width * sizes.groups)))  # blocks of one picture
    rows = -(-height // count)
    pictures = max(1, BLOCK // (height * width * sizes.groups)) if count == 1 else 1
    for n in range(0, sizes.batch, pictures):
        for first in range(0, height, rows):
            yield slice(n, n + pictures), first, min(rows, height - first)


def _shifted(pixels: Tensor, sizes: Geometry, first: int, rows: int) -> list[Tensor]:
    """What each tap of the kernel reads for all outputs of a block: views (n, rows, OW, C), by rows of taps.

    Args:
        pixels: (n, H, W, C), without padding.
        sizes: The convolution.
        first: The first output row.
        rows: How many output rows.
    """
    (down, right), (between_rows, between_columns) = sizes.stride, sizes.dilation
    height, width = (rows - 1) * down + sizes.span[0], sizes.padded_size[1]
    count, channels = len(pixels), sizes.groups
    if turned(sizes):
        padded = pixels.new_zeros(count, height, width, channels)
    else:
        padded = pixels.new_zeros(count, channels, height, width).permute(0, 2, 3, 1)
    to_rows, from_rows = covered(sizes.size[0], sizes.padding[0] - first * down, 1, height)
    left = sizes.padding[2]
    padded[:, to_rows, left : left + sizes.size[1]] = pixels[:, from_rows]
    picture, row, column, channel = padded.stride()
    view = padded.as_strided(
        (*sizes.kernel_size, count, rows, sizes.output_size[1], channels),
        (row * between_rows, column * between_columns, picture, row * down, column * right, channel),
    )  # (kH, kW, n, rows, OW, C)
    return [tap for row_of_taps in view.unbind(0) for tap in row_of_taps.unbind(0)]
