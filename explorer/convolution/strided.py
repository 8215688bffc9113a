"""Strided windows and einsum: the definition as one line of index notation.

Idea: show the picture as a tensor of its windows, which is only a way to read the same memory. Then the
convolution is a sum of products over three named indices, and einsum does it. No copy is made here; where
the sum becomes a matrix product, einsum itself lays the windows out for it.

Cost: as many multiplications as the definition. The view costs nothing; einsum's own layout of it costs
what im2col costs, N · C · kH · kW · OH · OW values.

Source: Chetlur et al., "cuDNN: Efficient primitives for deep learning", 2014, whose section 3 reads the
windows from the picture as they are needed instead of storing them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.convolution.geometry import Geometry
from explorer.convolution.padding import pad
from explorer.convolution.windows import windows


def strided(input: Tensor, weight: Tensor, sizes: Geometry) -> Tensor:
    """Convolve by einsum over windows: (N, C, H, W) and (O, C/g, kH, kW) -> (N, O, OH, OW)."""
    per_group, outputs = sizes.channels_per_group
    view = windows(pad(input, sizes.padding), sizes)  # (N, C, OH, OW, kH, kW)
    batch, _, *rest = view.shape
    view = view.view(batch, sizes.groups, per_group, *rest)  # (N, g, C/g, OH, OW, kH, kW)
    kernels = weight.reshape(sizes.groups, outputs, per_group, *sizes.kernel_size)  # (g, O/g, C/g, kH, kW)
    output = torch.einsum("ngcyxij,gocij->ngoyx", view, kernels)  # (N, g, O/g, OH, OW)
    return output.reshape(sizes.output_shape).contiguous()
