"""A private copy of a network, arranged so that pictures go through it and gradients come back sooner.

What it computes stays the same up to rounding:

* Convolutions get their weights with the channels last, and all maps follow: on a CPU that is quicker both
  ways, above all for depthwise convolutions. Those of 1 × 1 are then one product of matrices.
* Batch normalisation with fixed statistics is a factor and a summand for each channel: they go into the
  weights of the convolution before it, or where there is none are computed as such.

A network that counts on the order of its maps in memory (`view` across channels and positions), or in which
something happens between a convolution and the normalisation that stands behind it, does not do the same like
this: who calls this must compare, and go back to a copy as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_Affine = tuple[Tensor, Tensor]


def arrange(twin: nn.Module, watched: Collection[nn.Module] = ()) -> None:
    """Arrange a private copy; its convolutions get weights of their own, nothing that is shared changes.

    Args:
        twin: In evaluation mode.
        watched: Parts of it whose outputs are wanted, so that nothing may be drawn into them.
    """
    with torch.no_grad():
        for convolution, norm in list(_pairs(twin)):
            if convolution not in watched:
                _draw_in(convolution, norm)
        for part in twin.modules():  # subclasses may do something else than their name says
            if isinstance(part, nn.Conv2d) and part._parameters.get("weight") is not None:
                part._parameters["weight"] = _own(channels_last(part.weight))
                if type(part) is nn.Conv2d and _pointwise(part):
                    part.__dict__["forward"] = _product(part)
            elif type(part) is nn.BatchNorm2d and "forward" not in vars(part):
                affine = _affine(part)
                if affine is not None:
                    part.__dict__["forward"] = _scaled(*affine)


def channels_last(x: Tensor) -> Tensor:
    """(N, C, H, W) with the channels last in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def _pairs(twin: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions behind which a normalisation of as many channels stands."""
    for parent in twin.modules():
        children = list(parent.children())
        for one, other in pairwise(children):
            if (
                type(one) is nn.Conv2d
                and type(other) is nn.BatchNorm2d
                and one.out_channels == other.num_features
            ):
                yield one, other


def _draw_in(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    affine = _affine(norm)
    if affine is None or "forward" in vars(norm):
        return
    factor, summand = affine
    bias = summand if convolution.bias is None else summand + convolution.bias * factor
    convolution._parameters["weight"] = _own(convolution.weight * factor[:, None, None, None])
    convolution._parameters["bias"] = _own(bias)
    norm.__dict__["forward"] = _unchanged


def _unchanged(x: Tensor) -> Tensor:
    return x


def _own(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.detach(), False)


def _pointwise(part: nn.Conv2d) -> bool:
    return (part.kernel_size, part.stride, part.groups) == ((1, 1), (1, 1), 1) and part.padding in ((0, 0), 0)


def _product(part: nn.Conv2d) -> Callable[[Tensor], Tensor]:
    weight, bias = part.weight.flatten(1), part.bias  # (out_channels, in_channels)
    return lambda x: F.linear(x.permute(0, 2, 3, 1), weight, bias).permute(0, 3, 1, 2)


def _affine(norm: nn.BatchNorm2d) -> _Affine | None:
    """The normalisation as a factor and a summand, (C,) each; None where it measures each batch anew."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        return None
    factor = torch.rsqrt(variance + norm.eps)
    factor = factor if norm.weight is None else factor * norm.weight
    summand = -mean * factor
    return factor.detach(), (summand if norm.bias is None else summand + norm.bias).detach()


def _scaled(factor: Tensor, summand: Tensor) -> Callable[[Tensor], Tensor]:
    factor, summand = factor.view(-1, 1, 1), summand.view(-1, 1, 1)
    return lambda x: torch.addcmul(summand, x, factor)
