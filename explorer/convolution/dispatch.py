"""Which algorithm is fastest for a convolution: the choice behind `algorithm="auto"`."""

from __future__ import annotations

import torch

from explorer.convolution.algorithms import fitting
from explorer.convolution.geometry import Geometry


def choose(sizes: Geometry, dtype: torch.dtype, gradients: bool = False) -> str:
    """The name of the algorithm with the least expected work.

    Args:
        sizes: The convolution.
        dtype: Of its tensors.
        gradients: Whether autograd is to follow.
    """
    rounds_well = dtype == torch.float64 or not gradients
    if sizes.channels_per_group[0] == 1:
        return "fft" if sizes.taps > 100 else "shift"
    if "winograd" in fitting(sizes) and rounds_well and min(sizes.channels_per_group) >= 64:
        return "winograd"
    return "im2col"
