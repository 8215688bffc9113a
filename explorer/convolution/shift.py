"""Shift and accumulate: one pass over the picture per kernel tap.

Idea: turn the loops inside out. Instead of visiting every window, take one tap of the kernel, shift the
whole picture by its position, weight it, and add it to the output; kH · kW such passes make a convolution.
With many channels the weighting is a matrix product over channels. With one channel per group it is a plain
multiply-add, and goes row by row (`rows.py`), or tap by tap where autograd follows (`depthwise.py`).

Cost: as many multiplications as the definition. Memory: strip by strip a padded copy of the picture and of
the output, its rows a little longer; nothing grows with kH · kW, which is its advantage over im2col (row by
row: kW times the output).

Source: Vasudevan, Anderson and Gregg, "Parallel multi channel convolution using general matrix
multiplication", 2017 (kn2row); Zhang, Franchetti and Low, "High performance zero-memory overhead direct
convolutions", 2018.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from explorer.convolution.depthwise import shift_depthwise
from explorer.convolution.geometry import Geometry
from explorer.convolution.im2col import STRIP, WIDE
from explorer.convolution.polyphase import lay_out, pitch_of, tap_starts
from explorer.convolution.rows import possible, shift_rows


def shift(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve tap by tap: (N, C, H, W) and (O, C/g, kH, kW) -> (N, O, OH, OW)."""
    if sizes.channels_per_group[0] == 1:
        way = shift_rows if possible(input, weight) else shift_depthwise
        return way(input, weight, sizes)
    per_group, outputs = sizes.channels_per_group
    matrices = weight.reshape(sizes.groups, outputs, per_group, -1).permute(3, 0, 1, 2).contiguous()
    matrices = matrices.repeat(1, sizes.batch, 1, 1)  # (taps, N g, O/g, C/g)
    output, starts = input.new_empty(sizes.output_shape), tap_starts(sizes)
    for first, rows in strips(sizes):
        picture = lay_out(input, sizes, first, rows)
        line = rows * picture.pitch
        shifted = [tap.reshape(-1, per_group, line) for tap in picture.taps(starts)]  # (N g, C/g, rows pitch)
        sums = torch.bmm(matrices[0], shifted[0])  # (N g, O/g, rows pitch)
        for matrix, pixels in zip(matrices[1:], shifted[1:], strict=True):
            sums.baddbmm_(matrix, pixels)
        whole = sums.view(sizes.batch, sizes.out_channels, rows, picture.pitch)
        output[:, :, first : first + rows] = whole[..., : sizes.output_size[1]]
    return output


def strips(sizes: Geometry) -> Iterator[tuple[int, int]]:
    """First output row and number of rows of strips whose sums stay in the cache during all passes."""
    height, values = sizes.output_size[0], max(1, sizes.batch * sizes.out_channels * pitch_of(sizes))
    count = -(-height // max(1, STRIP // values, -(-WIDE // pitch_of(sizes))))
    rows = -(-height // count)
    return ((first, min(rows, height - first)) for first in range(0, height, rows))
