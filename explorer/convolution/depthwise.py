"""Shift and accumulate where every group has one input channel: weights times pixels, nothing to mix.

This is the way where autograd follows, and on a GPU; elsewhere `rows.py` needs fewer passes. With no channels
to add up there is no matrix product to lean on, so memory traffic decides: each of the kH · kW passes reads a
shifted picture and reads and writes the output. Two things keep that cheap. The work goes block by block, of
channels or rows few enough to stay in the processor's cache during all passes. And the picture is laid out
flat and sorted by phase (`polyphase.py`), so that every pass runs along one unbroken line per channel, at any
stride and however short the picture's rows are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.polyphase import lay_out, pitch_of, tap_starts

BLOCK = 2**17
"""Output values of a block of passes: with its input 1 MiB of float32, which a core's own cache holds."""


@dataclass(frozen=True)
class Block:
    """What is convolved at a time: pictures, channels, and output rows from `first` on."""

    pictures: slice
    channels: slice
    first: int
    rows: int


def shift_depthwise(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve channel by channel: (N, C, H, W) and (C m, 1, kH, kW) -> (N, C m, OH, OW)."""
    multiplier = sizes.channels_per_group[1]
    if multiplier > 1:  # a channel that several kernels read stands once for each
        input = input.repeat_interleave(multiplier, dim=1)
        sizes = replace(sizes, in_channels=sizes.out_channels, groups=sizes.out_channels)
    output = input.new_empty(sizes.output_shape)
    weights, starts = weight.reshape(sizes.groups, sizes.taps, 1), tap_starts(sizes)
    for block in blocks(sizes, lines_of(sizes)):
        picture = lay_out(input[block.pictures, block.channels], sizes, block.first, block.rows)
        sums = _add_up(picture.taps(starts), weights[block.channels].unbind(1))
        whole = sums.view(*sums.shape[:2], block.rows, picture.pitch)
        rows = slice(block.first, block.first + block.rows)
        output[block.pictures, block.channels, rows] = whole[..., : sizes.output_size[1]]
        del picture, sums, whole  # the next block then gets the same memory, still in the cache
    return output


def _add_up(taps: Iterator[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Pixels (n, c, line) times weights (c, 1), summed over the taps."""
    sums = next(taps) * weights[0]
    for pixels, own in zip(taps, weights[1:], strict=True):
        sums.addcmul_(pixels, own)
    return sums


def lines_of(sizes: Geometry) -> int:
    """Output rows of one block of passes."""
    return BLOCK // pitch_of(sizes)


def blocks(sizes: Geometry, lines: int) -> Iterator[Block]:
    """Blocks of about so many output rows: of whole channels, or of one channel's where it has more."""
    batch, channels, height = sizes.batch, sizes.in_channels, sizes.output_size[0]
    strips = _parts(height, lines)
    together = lines // max(height, 1) if len(strips) == 1 else 1
    for strip in strips:
        for pictures in _parts(batch, together // max(channels, 1)):
            for some in _parts(channels, together):
                yield Block(pictures, some, strip.start, strip.stop - strip.start)


def _parts(count: int, most: int) -> list[slice]:
    """`count` things in parts of nearly equal size, at most `most` in each and at least one."""
    parts = -(-count // max(1, most))
    size = -(-count // max(1, parts))
    return [slice(start, min(start + size, count)) for start in range(0, count, max(1, size))]
