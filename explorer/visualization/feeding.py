"""Which channels feed a class most, where the network ends in one linear layer over averaged maps.

There a class's score is a sum: the mean of every channel's last map times a weight, and a bias. How much a
channel feeds a class is its weight times what the channel typically answers, the mean over natural pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True)
class Feeder:
    """A channel that feeds a class.

    Attributes:
        channel: Its number.
        weight: What its mean is multiplied with for the class.
        amount: That times what it typically answers, in units of the score.
    """

    channel: int
    weight: float
    amount: float


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


def feeders(head: LinearHead, index: int, typical: Mapping[int, float], count: int) -> tuple[Feeder, ...]:
    """The channels that feed a class most, the strongest first; none that lowers its score.

    Args:
        head: The last layer.
        index: The class.
        typical: The channels to choose from, and what each typically answers.
        count: How many, at most.
    """
    row = head.weight[index]
    found = [Feeder(c, float(row[c]), float(row[c]) * answer) for c, answer in typical.items()]
    found.sort(key=lambda feeder: (-feeder.amount, feeder.channel))
    return tuple(feeder for feeder in found[:count] if feeder.amount > 0)


def _averages(maps: Tensor) -> Tensor:
    """The mean of each channel over its positions, (C,)."""
    return maps.detach().cpu().float().mean((1, 2))
