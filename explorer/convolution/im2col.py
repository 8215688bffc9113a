"""im2col: write every window out as a column, then one matrix product does it all.

Idea: lay the C · kH · kW pixels under each window out as a column of a matrix; each kernel, written as a
row, then meets each window in one large matrix product. Matrix products are what computers have been made
best at, and that pays for a matrix kH · kW times the picture's size. A 1×1 kernel needs no matrix: the
picture itself, one column per pixel, is one.

Cost: as many multiplications as the definition; (C / groups) · kH · kW · OH · OW values of memory for one
group of one picture, the price of the method.

Source: Chellapilla, Puri and Simard, "High performance convolutional neural networks for document
processing", 2006.
"""

from __future__ import annotations

from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.padding import pad
from explorer.convolution.windows import windows


def im2col(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve by one matrix product: (N, C, H, W) and (O, C/g, kH, kW) -> (N, O, OH, OW)."""
    per_group, outputs = sizes.channels_per_group
    kernels = weight.reshape(sizes.groups, outputs, per_group * sizes.taps)  # (g, O/g, K), K = C/g kH kW
    columns = columns_of(pad(input, sizes.padding), sizes)  # (N, g, K, OH OW)
    return (kernels @ columns).reshape(sizes.output_shape)  # (N, g, O/g, OH OW) -> (N, O, OH, OW)


def columns_of(padded: Tensor, sizes: Geometry) -> Tensor:
    """The matrix of windows: (N, groups, C/g · kH · kW, OH · OW), each window one column."""
    view = windows(padded, sizes).permute(0, 1, 4, 5, 2, 3)  # (N, C, kH, kW, OH, OW)
    height, width = sizes.output_size
    rows = sizes.channels_per_group[0] * sizes.taps
    return view.reshape(sizes.batch, sizes.groups, rows, height * width)
