"""Is a visualization true to its channel? Numbers for that, against natural pictures.

A made picture may raise its channel and with it a dozen others. Two questions are asked of every picture,
always of its 8-bit pixels, through the model's own normalisation:

* What does it reach? Its channel's answer relative to the highest that natural pictures get, once for the
  mean over the positions of the map (what most objectives raise) and once for the highest position.
* Is it this channel's own? All channels' answers are expressed in standard deviations over natural pictures
  (z-scores), and the intended one is compared with others of its layer, drawn at random.

The second is the question that people are asked in Borowski et al. 2021 (arXiv:2010.12606) and Zimmermann et
al. 2021 (arXiv:2106.12447), put to the network itself; Geirhos et al. 2023 (arXiv:2306.04719) explain why a
high answer alone proves little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explorer.activations import capture
from explorer.visualization.errors import VisualizationError
from explorer.visualization.recipe import Recipe

AMONG = 16
"""How many channels are compared, the intended one included."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What the channels of one layer answer to some pictures, float64 (pictures, channels) each.

    Attributes:
        mean: Over the positions of the map.
        highest: At any position.
    """

    mean: Floats
    highest: Floats


@dataclass(frozen=True)
class Faithfulness:
    """How true one picture is to its channel or class.

    Attributes:
        reached_mean: Its mean over positions, where 0 is the average natural picture and 1 the best of them.
        reached: The same for the highest position.
        first: The chance that the intended channel has the highest z-score among `AMONG` channels of its
            layer, itself and others drawn at random; by the mean over positions.
        first_highest: The same by the highest position.
        top: Whether it has the highest plain answer of all: for classes, whether it is recognised.
    """

    reached_mean: float
    reached: float
    first: float
    first_highest: float
    top: bool


def answers_to(module: nn.Module, layers: Sequence[str], inputs: Iterable[Tensor]) -> dict[str, Answers]:
    """Let a model look at pictures, one by one.

    Args:
        module: In evaluation mode.
        layers: Names of layers with maps (N, C, H, W) or vectors (N, C); "" for the output.
        inputs: (1, C, H, W) each, as the model takes them.

    Raises:
        VisualizationError: If there is no picture, or a layer has no channels.
        CaptureError: If there is no such layer.
    """
    rows: dict[str, list[tuple[Floats, Floats]]] = {name: [] for name in layers}
    for x in inputs:
        activations = capture(module, x, layers)
        for name in layers:
            rows[name].append(_summary(activations[name], name))
    if not all(rows.values()):
        raise VisualizationError("at least one picture and one layer are needed to compare with")
    return {
        name: Answers(np.stack([mean for mean, _ in own]), np.stack([highest for _, highest in own]))
        for name, own in rows.items()
    }


def answers_to_picture(
    module: nn.Module, layer: str, picture: NDArray[np.uint8], recipe: Recipe
) -> tuple[Floats, Floats]:
    """What a layer's channels answer to a made picture: mean over positions and highest, (channels,) each.

    Args:
        module: The model.
        layer: Its layer; "" for the output.
        picture: uint8 (H, W, 3), shown at its own size.
        recipe: Only its normalisation counts.
    """
    x = recipe.normalised(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255)
    return _summary(capture(module, x, (layer,))[layer], layer)


def _summary(values: Tensor, layer: str) -> tuple[Floats, Floats]:
    if values.dim() not in (2, 4):
        raise VisualizationError(f"layer {layer!r} has no channels: it puts out {tuple(values.shape)}")
    maps = values[0].detach().double().reshape(values.shape[1], -1)  # (C, H W)
    return maps.mean(1).numpy(), maps.amax(1).numpy()


def judge(natural: Answers, mean: Floats, highest: Floats, index: int) -> Faithfulness:
    """Judge a picture by what all channels of its layer answer to it.

    Args:
        natural: What they answer to natural pictures.
        mean: Mean over positions, (channels,).
        highest: At any position, (channels,).
        index: The channel that the picture is of.
    """
    return Faithfulness(
        reached_mean=reached(natural.mean[:, index], mean[index]),
        reached=reached(natural.highest[:, index], highest[index]),
        first=chance_of_first(z_scores(natural.mean, mean), index),
        first_highest=chance_of_first(z_scores(natural.highest, highest), index),
        top=bool(mean[index] == mean.max()),
    )


def reached(natural: Floats, value: float) -> float:
    """An answer on a scale where the average natural picture is 0 and the highest of them 1.

    A plain ratio would say nothing where a layer without rectifier has its zero anywhere. NaN where natural
    pictures all get the same answer: there is no scale then.

    Example:
        >>> reached(np.array([1.0, 2.0, 6.0]), 9.0)
        2.0
    """
    room = float(natural.max() - natural.mean())
    return float((value - natural.mean()) / room) if room > 0 else math.nan


def z_scores(natural: Floats, values: Floats) -> Floats:
    """Answers in standard deviations over natural pictures; NaN for channels that never vary there.

    Args:
        natural: (pictures, channels).
        values: (channels,).
    """
    spread = natural.std(0)
    varies = spread > 1e-9 * np.abs(natural).max(0)
    scores = (values - natural.mean(0)) / np.where(varies, spread, 1.0)
    return np.where(varies, scores, math.nan)


def chance_of_first(scores: Floats, index: int, among: int = AMONG) -> float:
    """The chance that a channel is the highest of `among`: itself and others of its layer at random.

    Counted out rather than drawn: of all ways to choose the others, the share in which all are lower. Ties
    are lost. Channels without a score don't take part; NaN where the channel itself has none, or fewer than
    `among` have one.

    Args:
        scores: (channels,).
        index: The channel.
        among: How many are compared, at least 2.

    Example:
        >>> chance_of_first(np.array([3.0, 1.0, 4.0, 2.0]), 0, among=3)  # one of the three others is higher
        0.3333333333333333
    """
    others = np.delete(scores, index)
    others = others[~np.isnan(others)]
    if math.isnan(scores[index]) or len(others) < among - 1:
        return math.nan
    lower = int((others < scores[index]).sum())
    return comb(lower, among - 1) / comb(len(others), among - 1)


def wilson(successes: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of Wilson (1927) for a share, by default at 95 %.

    Args:
        successes: How many; a sum of chances is possible, for which the interval is a little too wide.
        count: Of how many, at least 1.
        z: Quantile of the normal distribution.

    Example:
        >>> low, high = wilson(8, 10)
        >>> round(low, 3), round(high, 3)
        (0.49, 0.943)
    """
    if not (count >= 1 and 0 <= successes <= count):
        raise ValueError(f"there can't be {successes} successes among {count}")
    share, square = successes / count, z * z
    middle = share + square / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    low, high = ((middle + sign * reach) / (1 + square / count) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def bootstrap(values: Sequence[float], seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """The interval of a mean that 95 % of means of values drawn with replacement fall into.

    Source: Efron 1979; the percentile method.

    Args:
        values: At least one.
        seed: Of the draws.
        draws: How many means.
    """
    if not len(values):
        raise ValueError("the mean of no values has no interval")
    own = np.asarray(values, dtype=np.float64)
    picks = np.random.default_rng(seed).integers(0, len(own), (draws, len(own)))
    low, high = np.quantile(own[picks].mean(1), (0.025, 0.975))
    return float(low), float(high)
