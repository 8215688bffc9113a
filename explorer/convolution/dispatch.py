"""Which algorithm is fastest for a convolution: the choice behind `algorithm="auto"`."""

from __future__ import annotations

import torch

from explorer.convolution.algorithms import ALGORITHMS, fitting
from explorer.convolution.cost import estimate
from explorer.convolution.geometry import Geometry

LEFT_OUT = frozenset({"strided"})
"""Never chosen: strided windows' products are im2col's, with the layout left to einsum.

That is rarely quicker and hard to foresee: over 583 random 3×3 convolutions at stride 1 the choice lost 4.7 %
of the best algorithm's time with them, 2.4 % without.
"""


def choose(
    sizes: Geometry, dtype: torch.dtype = torch.float32, gradients: bool = False, kept: bool = True
) -> str:
    """The name of the algorithm that the cost model expects to be fastest.

    The choice depends on the sizes alone, so that equal convolutions are always made the same way. One
    exception is made for accuracy: where a float32 result is to carry gradients, the larger rounding
    errors of Winograd and Toom-Cook are kept out of the training.

    Args:
        sizes: The convolution.
        dtype: Of its tensors.
        gradients: Whether autograd is to follow.
        kept: Whether the same weights are used again and again, so that their other form is kept.

    Returns:
        A name in `ALGORITHMS`, never "loops".
    """
    return min(candidates(sizes, dtype, gradients), key=lambda name: estimate(sizes, name, kept))


def candidates(sizes: Geometry, dtype: torch.dtype, gradients: bool) -> list[str]:
    """The algorithms that `choose` weighs against each other."""
    coarse = {"winograd", "toom_cook"} if gradients and dtype == torch.float32 else set()
    left_out = LEFT_OUT | coarse
    return [name for name in fitting(sizes) if ALGORITHMS[name].differentiable and name not in left_out]
