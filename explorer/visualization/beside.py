"""What to hold beside a visualization: how pictures that nobody optimised answer to the same question.

For each picture and channel the mean over the positions of the map (what most objectives raise), the highest
value, and where it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from explorer.activations import capture
from explorer.visualization.algebra import Objective, Sum, Term, channels_of
from explorer.visualization.errors import VisualizationError
from explorer.visualization.objectives import Channel, Direction, Dream, Logit, Unit

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Beside:
    """What the C channels of one layer answer to P pictures.

    Attributes:
        pictures: The pictures' names.
        mean: float64 (P, C), over the positions of the map.
        square: float64 (P, C), the mean square over them.
        highest: float64 (P, C), at any of them.
        row: int64 (P, C), where the highest is.
        column: int64 (P, C), likewise.
    """

    pictures: tuple[str, ...]
    mean: Floats
    square: Floats
    highest: Floats
    row: NDArray[np.int64]
    column: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pictures)

    def __add__(self, other: Beside) -> Beside:
        both = {
            name: np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("mean", "square", "highest", "row", "column")
        }
        return Beside(self.pictures + other.pictures, **both)

    def only(self, picture: int) -> Beside:
        """One of the pictures alone."""
        return self._at(slice(picture, picture + 1))

    def _at(self, part: slice) -> Beside:
        return Beside(
            self.pictures[part],
            mean=self.mean[part],
            square=self.square[part],
            highest=self.highest[part],
            row=self.row[part],
            column=self.column[part],
        )

    @property
    def deviation(self) -> Floats:
        """Of each channel over all positions of all pictures, each picture counting alike, (C,)."""
        mean, square = self.mean.mean(0), self.square.mean(0)
        variance = square - mean**2
        # Rounding leaves a little of a constant's variance, and may make it negative.
        found: Floats = np.sqrt(np.where(variance > 1e-12 * square, variance, 0.0))
        return found

    def strongest(self, channel: int) -> int:
        """The picture with the channel's highest value."""
        return int(self.highest[:, channel].argmax())

    def rank(self, made: Beside, channel: int) -> int | None:
        """How many channels, itself included, a picture raises at least as far above these pictures.

        Each channel's mean over the picture is expressed in its own standard deviations over these pictures
        (a z-score); 1 says that no other channel stands out as much. None where the channel never changes
        over these pictures, which leaves nothing to compare with.

        Args:
            made: What the layer answers to the one picture.
            channel: The channel it was made for.
        """
        deviation = self.deviation
        if deviation[channel] == 0:
            return None
        spread = np.where(deviation > 0, deviation, np.inf)
        scores = (made.mean[0] - self.mean.mean(0)) / spread
        return int((scores >= scores[channel]).sum())


def look(module: nn.Module, layers: Sequence[str], inputs: Mapping[str, Tensor]) -> dict[str, Beside]:
    """Let a model look at pictures, one by one.

    Args:
        module: In evaluation mode.
        layers: Names of layers with maps (N, C, H, W) or vectors (N, C); "" for the output.
        inputs: By name, (1, C, H, W) each, as the model takes them.

    Raises:
        VisualizationError: If a layer has no channels, its values are not finite, or there is no picture.
        CaptureError: If there is no such layer.
    """
    if not inputs:
        raise VisualizationError("at least one picture is needed to compare with")
    found: dict[str, list[Beside]] = {name: [] for name in layers}
    for picture, x in inputs.items():
        activations = capture(module, x, list(layers))
        for name in layers:
            found[name].append(answer(picture, name, activations[name]))
    return {name: _joined(each) for name, each in found.items()}


def answer(picture: str, layer: str, values: Tensor) -> Beside:
    """What a layer answers to one picture.

    Args:
        picture: The picture's name.
        layer: The layer's, for errors.
        values: What it puts out, (1, C, H, W) or (1, C).

    Raises:
        VisualizationError: If it has no channels, or its values are not finite.
    """
    channels = channels_of(tuple(values.shape), layer)
    maps = values.detach().cpu().double().reshape(channels, -1)  # (C, H W)
    if not maps.isfinite().all():
        raise VisualizationError(f"what layer {layer!r} puts out is not finite (NaN or infinity)")
    highest, place = maps.max(1)
    width = values.shape[3] if values.dim() == 4 else 1
    rows = (maps.mean(1), maps.square().mean(1), highest, place // width, place % width)
    return Beside((picture,), *(row.numpy()[None] for row in rows))


def values_of(objective: Objective, beside: Mapping[str, Beside]) -> Floats | None:
    """What an objective finds in each of the pictures, (P,); None where it means nothing for one alone.

    A unit is looked for at all positions, since what it looks for may be anywhere in a picture. A term that
    compares pictures with each other, such as diversity, counts as nothing; alone it gives None.

    Args:
        objective: Any.
        beside: For each layer that it reads, what it answers to the pictures.

    Raises:
        VisualizationError: If a layer has no such channel.
    """
    for _, term in objective.terms():
        if term.layer in beside:
            anywhere = Channel(term.layer, term.channel) if isinstance(term, Unit) else term
            anywhere.check_shape((1, beside[term.layer].mean.shape[1]))
    found = [
        weight * value
        for weight, term in objective.terms()
        if (value := _value(term, beside.get(term.layer))) is not None
    ]
    constant = objective.constant if isinstance(objective, Sum) else 0.0
    return np.sum(found, axis=0) + constant if found else None


def _value(term: Term, beside: Beside | None) -> Floats | None:
    if beside is None:
        return None
    found: Floats | None = None
    if isinstance(term, Channel):
        found = beside.mean[:, term.channel]
    elif isinstance(term, Unit):
        found = beside.highest[:, term.channel]
    elif isinstance(term, Logit):
        found = beside.mean[:, term.index]
    elif isinstance(term, Dream):
        found = beside.square.mean(1)
    elif isinstance(term, Direction):
        found = beside.mean @ F.normalize(torch.tensor(term.vector, dtype=torch.float64), dim=0).numpy()
    return found


def _joined(parts: Sequence[Beside]) -> Beside:
    first, *rest = parts
    for part in rest:
        first = first + part
    return first
