"""Whether training would notice: the gradients of both convolutions, held against each other."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.convolution import ALGORITHMS, conv2d
from explorer.convolution.padding import pad
from explorer.laboratory.cases import Case

NAMES = ("input", "weight", "bias")


def gradient_errors(case: Case, algorithm: str) -> dict[str, float]:
    """How far the gradients by input, weight and bias are apart.

    A gradient by the weight is a sum over every window of the picture, tens of thousands of products that
    mostly cancel. Rounding errors grow with what is added, not with what is left, so each difference is
    relative to the largest gradient that numbers of these magnitudes could make.

    Args:
        case: The convolution, without padding modes of its own (`Case.plain`).
        algorithm: Of the hand-written side, by name.

    Returns:
        By name the largest difference, relative; empty for an algorithm that carries no gradients.
    """
    if not ALGORITHMS[algorithm].differentiable or not case.sizes.batch:
        return {}
    given = [case.input, case.weight, *([] if case.bias is None else [case.bias])]
    # A direction of its own generator: the caller's random numbers are left alone.
    signal = torch.randn(case.sizes.output_shape, generator=torch.Generator().manual_seed(0)).to(case.input)

    def by_hand(*leaves: Tensor) -> Tensor:
        bias = leaves[2] if len(leaves) > 2 else None
        return conv2d(leaves[0], leaves[1], bias, **case.parameters, algorithm=algorithm)

    def by_pytorch(*leaves: Tensor) -> Tensor:
        bias = leaves[2] if len(leaves) > 2 else None
        padded = pad(leaves[0], case.sizes.padding)
        return F.conv2d(padded, leaves[1], bias, case.stride, 0, case.dilation, case.groups)

    ours, theirs = _gradients(by_hand, given, signal), _gradients(by_pytorch, given, signal)
    possible = _gradients(by_pytorch, [each.abs() for each in given], signal.abs())
    return {
        name: _relative(own, other, most)
        for name, own, other, most in zip(NAMES, ours, theirs, possible, strict=False)
    }


def _gradients(convolve: Callable[..., Tensor], given: list[Tensor], signal: Tensor) -> tuple[Tensor, ...]:
    with torch.enable_grad():
        leaves = [tensor.detach().clone().requires_grad_() for tensor in given]
        return torch.autograd.grad(convolve(*leaves), leaves, signal)


def _relative(ours: Tensor, theirs: Tensor, possible: Tensor) -> float:
    apart = (ours - theirs).abs().max().item()
    most = possible.max().item()
    return apart / most if most else (0.0 if not apart else float("inf"))
