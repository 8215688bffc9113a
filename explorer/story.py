"""What the maps of a stage show, measured and put into a sentence.

"Early layers keep the picture's edges, deep ones answer in a few places" is the usual account of what
convolutional networks learn (Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014).
Here the two numbers behind it are measured on the maps that are shown, so that the sentence is true of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.channels import feature_maps
from explorer.receptive_field import ReceptiveField

FOLLOWS = 0.5
"""A map follows the picture where it correlates with one of the picture's own maps at least this much."""


@dataclass(frozen=True)
class Observation:
    """Two measurements on some maps of a layer.

    Attributes:
        maps: How many maps were looked at.
        following: How many of them follow the picture: their Pearson correlation with its brightness, one of
            its colours or its edges, brought to the map's size, is at least `FOLLOWS` up to sign.
        half: The share of positions, 0..1, that holds half of the positive response; median over the maps
            that have any. Evenly spread is 0.5, one single bright position is 1 / (H * W).
    """

    maps: int
    following: int
    half: float | None


def observe(maps: Tensor, x: Tensor) -> Observation:
    """Measure some maps of a layer against the picture that the model saw.

    Args:
        maps: (K, H, W).
        x: The model's input, (1, 3, height, width); other channel counts are taken as they are.
    """
    maps = feature_maps(maps).double().nan_to_num(0.0, 0.0, 0.0)
    references = _picture_maps(x.double(), maps.shape[1:])
    best = (_standardised(maps) @ _standardised(references).T).abs().amax(1)
    return Observation(len(maps), int((best >= FOLLOWS).sum()), _half(maps.clamp(min=0).flatten(1)))


def look_for(stage: str, field: ReceptiveField | None, observation: Observation) -> str:
    """One sentence on what to look for in a stage, with what was measured on the maps shown.

    Args:
        stage: "early", "middle" or "deep".
        field: What one value sees; None where it is not known.
        observation: What was measured.
    """
    if field is None:
        sees = "Each value sees a part of the picture"
    elif field.whole:
        sees = "Each value draws on the whole picture"
    else:
        sees = f"Each value sees {field.size[0]} × {field.size[1]} pixels"
    if stage == "early":
        return (
            f"{sees}: look for outlines and patches of colour. {observation.following} of these "
            f"{observation.maps} maps follow the picture's edges, brightness or colours (|r| ≥ {FOLLOWS})."
        )
    hint = {
        "middle": "look for maps that pick out one texture or material",
        "deep": "look for a few bright spots, each where the network found what the channel answers to",
    }[stage]
    if observation.half is None:
        return f"{sees}: {hint}. None of these maps has a positive value here."
    return (
        f"{sees}: {hint}. Half of a map's response comes from {_percent(observation.half)} of its positions."
    )


def _picture_maps(x: Tensor, size: torch.Size) -> Tensor:
    """The picture's channels, brightness and edge strength at a map's size: (R, H, W)."""
    grey = x.mean(1, keepdim=True)  # (1, 1, height, width)
    padded = (
        F.pad(grey, (1, 1, 1, 1), mode="replicate") if min(grey.shape[2:]) > 1 else F.pad(grey, (1, 1, 1, 1))
    )
    across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    edges = (across.square() + down.square()).sqrt()
    return F.adaptive_avg_pool2d(torch.cat([x, grey, edges], dim=1), (size[0], size[1]))[0]


def _standardised(maps: Tensor) -> Tensor:
    """Each map as a vector of mean 0 and length 1, (K, H * W); a constant map becomes 0."""
    flat = maps.flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    length = flat.norm(dim=1, keepdim=True)
    return torch.where(length > 1e-12, flat / length.clamp(min=1e-12), 0.0)


def _half(positive: Tensor) -> float | None:
    """Median over the maps of the smallest share of positions that holds half of the response; (K, P)."""
    alive = positive[positive.sum(1) > 0]
    if not len(alive):
        return None
    held = alive.sort(dim=1, descending=True).values.cumsum(1) / alive.sum(1, keepdim=True)
    needed = (held < 0.5).sum(1) + 1
    return float((needed.double() / alive.shape[1]).median())


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.1g} %"
