"""Shift and accumulate by rows, where every group has one input channel: all taps in few passes.

Idea: what one column of the kernel adds to an output row is a sum of kH rows of the picture, each times one
weight. That is what `embedding_bag` computes, and it keeps the sum in registers until it is complete. The kW
columns' sums, each shifted by its place in the kernel, then add up to the output: kW passes over it instead
of kH · kW. Rows above and below the picture are left out of the sums.

Cost: as many multiplications as the definition. Memory: kW times the output, in blocks of at most about
`TABLE` values, the number of a row for each tap of each output row, and the weights as often, which are
written out once and kept (see `kept.py`).

Source: Khudia et al., "FBGEMM: Enabling high-performance low-precision deep learning inference", 2021, the
library behind `torch.nn.functional.embedding_bag` on the processors that it knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from explorer.convolution.depthwise import Block, blocks
from explorer.convolution.geometry import Geometry
from explorer.convolution.kept import followed, form_of
from explorer.convolution.padding import covered

TABLE = 2**21
"""Values of the columns' sums above which they are made block by block: 8 MiB of float32."""

COLUMNS = 5
"""How many times the output the columns' sums of a block may be: wider kernels go block by block."""


@dataclass(frozen=True, eq=False)
class Bags:
    """Which rows of the picture are summed, bag by bag: one for each kernel column and output row.

    Attributes:
        rows: Numbers of the picture's rows, (N C H) of them in all, bag after bag.
        starts: Where each bag begins, (kW N O OH,).
        weights: For each of the rows the place of its weight among the (O kH kW).
    """

    rows: Tensor
    starts: Tensor
    weights: Tensor


def possible(input: Tensor, weight: Tensor) -> bool:
    """Whether sums of rows are open to these tensors: on the processor, and without gradients."""
    return input.device.type == "cpu" and not (followed(input) or followed(weight))


def shift_rows(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve channel by channel: (N, C, H, W) and (C m, 1, kH, kW) -> (N, C m, OH, OW)."""
    lines, input = lines_of(sizes), input.contiguous()
    if lines >= sizes.batch * sizes.in_channels * sizes.output_size[0]:
        own = form_of(weight, ("rows", sizes), lambda one: one.flatten().index_select(0, bags(sizes).weights))
        return _shift(input, own, sizes)
    multiplier, output = sizes.channels_per_group[1], input.new_empty(sizes.output_shape)
    for block in blocks(sizes, lines):
        needed, part = _part(block, sizes)
        made = slice(block.channels.start * multiplier, block.channels.stop * multiplier)
        own = weight[made].flatten().index_select(0, bags(part).weights)
        sums = _shift(input[block.pictures, block.channels, needed].contiguous(), own, part)
        output[block.pictures, made, block.first : block.first + block.rows] = sums
    return output


def lines_of(sizes: Geometry) -> int:
    """Output rows of one block, counted once for each input channel."""
    (rows, columns), width = sizes.kernel_size, sizes.size[1]
    every = sizes.batch * sizes.in_channels * sizes.output_size[0]
    multiplier = sizes.channels_per_group[1]
    return min(TABLE // (columns * multiplier * max(width, 4 * rows)), -(-every * COLUMNS // columns))


def _part(block: Block, sizes: Geometry) -> tuple[slice, Geometry]:
    """The picture's rows that a block depends on, and its convolution, as if there were no others."""
    top = block.first * sizes.stride[0] - sizes.padding[0]
    bottom = top + (block.rows - 1) * sizes.stride[0] + sizes.span[0]
    start = min(max(top, 0), sizes.size[0] - 1)
    stop = max(min(bottom, sizes.size[0]), start + 1)
    pictures, channels = (len(range(part.start, part.stop)) for part in (block.pictures, block.channels))
    return slice(start, stop), replace(
        sizes,
        batch=pictures,
        in_channels=channels,
        out_channels=channels * sizes.channels_per_group[1],
        groups=channels,
        size=(stop - start, sizes.size[1]),
        padding=(start - top, bottom - stop, *sizes.padding[2:]),
    )


@lru_cache(maxsize=16)
def bags(sizes: Geometry) -> Bags:
    """What is summed for a convolution."""
    # They outlive the modes of the first call.
    with torch.inference_mode(False), torch.device("cpu"):
        (rows, columns), (height, _) = sizes.kernel_size, sizes.size
        top, down = sizes.padding[0], sizes.stride[0]
        row = torch.arange(sizes.output_size[0]).mul(down).sub(top)[:, None]
        row = row + torch.arange(rows) * sizes.dilation[0]  # (OH, kH)
        shape = columns, sizes.batch, sizes.out_channels, *row.shape
        maps = torch.arange(sizes.batch * sizes.in_channels).repeat_interleave(sizes.channels_per_group[1])
        numbers = maps.view(*shape[1:3], 1, 1) * height + row
        taps = torch.arange(sizes.out_channels * rows * columns).view(-1, rows, columns)
        places = taps.permute(2, 0, 1)[:, None, :, None]  # (kW, 1, O, 1, kH)
        inside = ((row >= 0) & (row < height)).expand(shape)
        counts = inside.sum(-1).flatten()
        found = numbers.expand(shape)[inside], counts.cumsum(0) - counts, places.expand(shape)[inside]
        return Bags(*(values.int() for values in found))


def _shift(input: Tensor, weights: Tensor, sizes: Geometry) -> Tensor:
    """Sum the rows for each column of the kernel, then the columns: (N, C, H, W) -> (N, O, OH, OW)."""
    summed, table = bags(sizes), input.view(-1, sizes.size[1])
    columns = torch.embedding_bag(table, summed.rows, summed.starts, per_sample_weights=weights)[0]
    return _add_up(columns.view(sizes.kernel_size[1], -1, sizes.size[1]), sizes).view(sizes.output_shape)


def _add_up(columns: Tensor, sizes: Geometry) -> Tensor:
    """Each kernel column's sums, shifted to their place and added: (kW, lines, W) -> (lines, OW)."""
    offsets = [column * sizes.dilation[1] - sizes.padding[2] for column in range(len(columns))]
    width, right = sizes.output_size[1], sizes.stride[1]
    if 0 in offsets and sum(sizes.padding[2:]) < sizes.span[1]:
        sums = _add_up_runs(columns, offsets)
        return sums[:, : (width - 1) * right + 1 : right].clone(memory_format=torch.contiguous_format)
    sums = columns.new_zeros(columns.shape[1], width)
    for column, offset in zip(columns, offsets, strict=True):
        to, source = covered(columns.shape[2], -offset, right, width)
        sums[:, to].add_(column[:, source])
    return sums


def _add_up_runs(columns: Tensor, offsets: list[int]) -> Tensor:
    """The same at stride 1 with as many output columns, all lines in one unbroken run, which is quicker.

    What would come from another line is set to zero first.
    """
    width, runs = columns.shape[2], columns.flatten(1)
    length, unmoved = runs.shape[1], offsets.index(0)
    sums = runs[unmoved]
    for column, offset in enumerate(offsets):
        if column == unmoved:
            continue
        to, source = covered(length, -offset, 1, length)
        columns[column, :, slice(offset) if offset > 0 else slice(max(width + offset, 0), None)] = 0
        sums[to].add_(runs[column, source])
    return sums.view(-1, width)
