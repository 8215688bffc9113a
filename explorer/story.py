"""What the maps of a stage show, measured and put into a sentence.

"Early layers keep the picture's edges and colours, deep ones answer in a few places" is the usual account of
what convolutional networks learn (Zeiler and Fergus, Visualizing and Understanding Convolutional Networks,
2014). Here the two numbers behind it are measured on the maps that are shown, so that a sentence is true of
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.channels import feature_maps
from explorer.receptive_field import ReceptiveField

# With fewer positions for each term, a fit finds its way through mere noise.
_POSITIONS_PER_TERM = 10

_HINTS = {
    "early": "look for outlines and patches of colour",
    "middle": "look for maps that pick out one texture, material or detail",
    "deep": "look for bright spots: a channel answers where it finds its part of an object",
}


@dataclass(frozen=True)
class Observation:
    """Two measurements on some maps of a layer.

    Attributes:
        maps: How many maps were looked at.
        explained: The share of a map's variance, 0..1, that a linear fit to the picture's colours and edges
            at the same place explains, corrected for the number of terms (adjusted R²); median over the maps.
            None where a map has too few positions for such a fit to mean anything.
        half: The share of positions, 0..1, that holds half of the positive response; median over the maps
            that have any. Evenly spread is 0.5, one single bright position is 1 / (H * W).
    """

    maps: int
    explained: float | None
    half: float | None


def observe(maps: Tensor, x: Tensor) -> Observation:
    """Measure some maps of a layer against the picture that the model saw.

    Args:
        maps: (K, H, W); NaN and infinite values count as 0.
        x: The model's input, (1, C, height, width).
    """
    maps = feature_maps(maps).double().nan_to_num(0.0, 0.0, 0.0)
    references = _picture_maps(x.detach().cpu().double(), maps.shape[1:])
    explained = None
    if maps[0].numel() >= _POSITIONS_PER_TERM * len(references):
        explained = float(_explained(maps.flatten(1), references.flatten(1)).median())
    return Observation(len(maps), explained, _half(maps.clamp(min=0).flatten(1)))


def look_for(
    stage: str, field: ReceptiveField | None, input_size: tuple[int, int], observation: Observation
) -> str:
    """What to look for in a stage, with what was measured on the maps shown.

    Args:
        stage: "early", "middle" or "deep".
        field: What one value sees; None where it is not known.
        input_size: Height and width of the model's input, in pixels.
        observation: What was measured.

    Example:
        >>> seen = Observation(maps=8, explained=0.62, half=0.3)
        >>> look_for("early", None, (224, 224), seen).rpartition(". ")[2]
        "The picture's own colours and edges explain 62\xa0% of the variance of these maps."
    """
    sees = f"Each value sees {extent(field, input_size)}: {_HINTS[stage]}."
    if observation.half is None:
        return f"{sees} None of these maps has a positive value here."
    if stage != "deep" and observation.explained is not None:
        share = _percent(observation.explained)
        return f"{sees} The picture's own colours and edges explain {share} of the variance of these maps."
    return f"{sees} Half of a map's response comes from {_percent(observation.half)} of its positions."


def extent(field: ReceptiveField | None, input_size: tuple[int, int]) -> str:
    """What one value sees, in words.

    Example:
        >>> extent(ReceptiveField(size=(7, 9), offset=(-3, -4), stride=(2, 2)), (224, 224))
        '7 × 9 of the 224 × 224 pixels'
    """
    if field is None:
        return "an unknown part of the picture"
    if field.whole:
        return "the whole picture"
    height, width = input_size
    if field.size[0] > height and field.size[1] > width:
        return f"{field} pixels, more than the {height} × {width} there are"
    return f"{field} of the {height} × {width} pixels"


def _picture_maps(x: Tensor, size: torch.Size) -> Tensor:
    """The picture's colours, and its edges by direction and sign, at a map's size: (R, H, W).

    A unit behind a ReLU answers to one sign of an edge only, so each sign is a map of its own.
    """
    grey = x.mean(1, keepdim=True)  # (1, 1, height, width)
    steps = ((0, 1), (1, 0), (1, 1), (1, -1))
    edges = [grey - grey.roll(step, dims=(2, 3)) for step in steps]
    edges.append(4 * grey - sum(grey.roll(step, (2, 3)) for step in ((0, 1), (0, -1), (1, 0), (-1, 0))))
    signed = torch.cat(edges, dim=1)  # (1, 5, height, width)
    everything = torch.cat([x, signed.clamp(min=0), (-signed).clamp(min=0)], dim=1)
    return F.adaptive_avg_pool2d(everything, (size[0], size[1]))[0]


def _explained(maps: Tensor, references: Tensor) -> Tensor:
    """The share of each map's variance that a linear fit to the references explains; (K, P), (R, P) -> (K,).

    A constant map has no variance to explain and gets 0.
    """
    positions = maps.shape[1]
    centred = maps - maps.mean(1, keepdim=True)
    terms = references - references.mean(1, keepdim=True)
    spread = terms.norm(dim=1, keepdim=True)
    terms = terms[(spread > 1e-9).flatten()]
    if not len(terms):
        return torch.zeros(len(maps))
    _, strength, directions = torch.linalg.svd(terms, full_matrices=False)
    directions = directions[strength > 1e-9 * strength[0]]  # (rank, P), orthonormal
    total = centred.square().sum(1)
    fitted = (centred @ directions.T).square().sum(1)
    unexplained = torch.where(total > 0, 1 - fitted / total.clamp(min=1e-300), 1.0)
    return (1 - unexplained * (positions - 1) / (positions - len(directions) - 1)).clamp(0, 1)


def _half(positive: Tensor) -> float | None:
    """Median over the maps of the smallest share of positions that holds half of the response; (K, P)."""
    alive = positive[positive.sum(1) > 0]
    if not len(alive):
        return None
    held = alive.sort(dim=1, descending=True).values.cumsum(1) / alive.sum(1, keepdim=True)
    needed = (held < 0.5).sum(1) + 1
    return float((needed.double() / alive.shape[1]).median())


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%" if share >= 0.01 else f"{100 * share:.1g}\u00a0%"
