"""Which channels feed a class most, where the network ends in one linear layer over averaged maps.

There a class's score is a sum: the mean of every channel's last map times a weight, and a bias. On one
picture the terms of that sum are exact. Without a picture the weight stands for them, as if all channels
answered equally strongly to what they look for. Weighted with their means over the few sample pictures, the
channels of a class would agree less with those that feed it on photographs of that class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

TOLERANCE = 1e-3
"""How far the sum may lie from the scores, relative to the largest of them."""


@dataclass(frozen=True, eq=False)
class LinearHead:
    """The last layer of a network: `scores = weight @ maps.mean((1, 2)) + bias`.

    Attributes:
        weight: (K, C) for K classes and C channels.
        bias: (K,).
    """

    weight: Tensor
    bias: Tensor

    def parts(self, maps: Tensor, index: int) -> Tensor:
        """What each channel adds to a class's score on one picture, (C,); with the bias they sum up to it.

        Args:
            maps: The last maps, (C, H, W).
            index: The class.
        """
        return self.weight[index] * _averages(maps)


def linear_head(module: nn.Module, maps: Tensor, scores: Tensor) -> LinearHead | None:
    """The linear layer that makes a network's scores from the means of its last maps.

    Whether it does is not guessed from names: its sum is compared with the scores that the network gave.

    Args:
        module: The network.
        maps: The maps of some layer for one picture, (C, H, W).
        scores: What the network put out for that picture, (K,).

    Returns:
        The layer; None where no linear layer of the network makes these scores from these maps.
    """
    averages = _averages(maps)
    for part in reversed([part for part in module.modules() if isinstance(part, nn.Linear)]):
        if (part.out_features, part.in_features) != (len(scores), len(averages)):
            continue
        weight = part.weight.detach().cpu().float()
        bias = torch.zeros(len(scores)) if part.bias is None else part.bias.detach().cpu().float()
        sums, given = weight @ averages + bias, scores.detach().cpu().float()
        if bool((sums - given).abs().max() <= TOLERANCE * given.abs().max()):
            return LinearHead(weight, bias)
    return None


def feeders(head: LinearHead, index: int, among: Sequence[int], count: int) -> tuple[int, ...]:
    """The channels that feed a class most, the one with the largest weight first; none that lowers its score.

    Args:
        head: The last layer.
        index: The class.
        among: The channels to choose from.
        count: How many, at most.
    """
    weights = head.weight[index].tolist()
    found = sorted((channel for channel in among if weights[channel] > 0), key=lambda c: (-weights[c], c))
    return tuple(found[:count])


def fed(head: LinearHead, channel: int, count: int) -> tuple[tuple[int, float], ...]:
    """The classes that a channel feeds most, the one with the largest weight first, and those weights.

    Args:
        head: The last layer.
        channel: The channel.
        count: How many, at most; none whose score it lowers.
    """
    values, order = head.weight[:, channel].sort(descending=True, stable=True)
    pairs = zip(order[:count].tolist(), values[:count].tolist(), strict=True)
    return tuple((index, weight) for index, weight in pairs if weight > 0)


def _averages(maps: Tensor) -> Tensor:
    """The mean of each channel over its positions, (C,)."""
    return maps.detach().cpu().float().mean((1, 2))
