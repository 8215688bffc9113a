"""The definition, in seven loops: one for every index that an output value depends on.

Idea: lay the kernel over a window of the picture, multiply what lies on top of each other, add up, write
one number, and move on. Nothing is flipped, so what deep learning calls convolution is, strictly, the
cross-correlation. Every other algorithm here computes these same sums in another order.

Cost: N · O · OH · OW · (C / groups) · kH · kW multiplications, one at a time; no memory beside the output.

Accuracy: Python's numbers are float64, so a float32 result carries one rounding only. It cannot carry
gradients, since the numbers leave PyTorch on the way.

Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, equation 9.6.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.convolution.geometry import Geometry


def loops(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve by the definition, in pure Python: (N, C, H, W) and (O, C/g, kH, kW) -> (N, O, OH, OW)."""
    picture, kernel = input.tolist(), weight.tolist()
    rows, columns = sizes.output_size
    output = [
        [
            [[window_sum(picture[n], kernel[o], o, y, x, sizes) for x in range(columns)] for y in range(rows)]
            for o in range(sizes.out_channels)
        ]
        for n in range(sizes.batch)
    ]
    return torch.tensor(output, dtype=input.dtype, device=input.device).reshape(sizes.output_shape)


def window_sum(
    picture: list[list[list[float]]], kernel: list[list[list[float]]], o: int, y: int, x: int, sizes: Geometry
) -> float:
    """The output value of channel `o` at row `y`, column `x`: one window times one kernel, added up.

    Args:
        picture: One input, as nested lists C × H × W.
        kernel: The weights of output channel `o`, as nested lists C/g × kH × kW.
        o: The output channel; it decides which group of input channels is read.
        y: The output's row.
        x: The output's column.
        sizes: Stride, padding and dilation.
    """
    per_group, outputs_per_group = sizes.channels_per_group
    first = o // outputs_per_group * per_group
    height, width = sizes.size
    total = 0.0
    for c in range(per_group):
        for i in range(sizes.kernel_size[0]):
            for j in range(sizes.kernel_size[1]):
                row = y * sizes.stride[0] + i * sizes.dilation[0] - sizes.padding[0]
                column = x * sizes.stride[1] + j * sizes.dilation[1] - sizes.padding[2]
                if 0 <= row < height and 0 <= column < width:  # beyond the edge stand zeros
                    total += picture[first + c][row][column] * kernel[c][i][j]
    return total
