"""Objectives: what a picture is changed for, so that a network answers more strongly.

An objective maps what layers put out for some pictures to one number per picture, which is then raised:

    Channel("blocks.3.2", 17)                       the mean of a channel (Olah et al. 2017)
    Channel("blocks.3.2", 17) - Channel("blocks.3.2", 4) * 0.5
    -Logit(1)                                       as little of a class as possible
    Channel("blocks.3.2", 17) + 0.1 * Diversity("blocks.3.2")    several seeds, kept apart

They are immutable, compare by value, and are written as JSON and read back by `to_json` and `from_json`.

Sources: Erhan et al. 2009, "Visualizing Higher-Layer Features of a Deep Network" (units); Simonyan et al.
2013, arXiv:1312.6034 (class logits rather than probabilities); Mordvintsev et al. 2015, "Inceptionism" (a
whole layer); Olah et al. 2017, "Feature Visualization", https://distill.pub/2017/feature-visualization
(channels, directions, diversity).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from explorer.visualization.algebra import Objective, Sum, Term, channels_of
from explorer.visualization.errors import VisualizationError

OUTPUT = ""
"""The name of the model itself, as in `named_modules`: its own output."""


@dataclass(frozen=True)
class Channel(Term):
    """The mean of one channel over all positions."""

    layer: str
    channel: int
    kind: ClassVar[str] = "channel"

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """The means, (S,)."""
        return _maps(outputs[self.layer])[:, self.channel].mean((1, 2))

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """There must be such a channel."""
        _check_channel(self.channel, shape, self.layer)

    def describe(self) -> str:
        """`channel 17 of blocks.3.2`."""
        return f"channel {self.channel} of {self.layer or 'the output'}"


@dataclass(frozen=True)
class Unit(Term):
    """One channel at one position of the map; without a position, in the middle."""

    layer: str
    channel: int
    row: int | None = None
    column: int | None = None
    kind: ClassVar[str] = "unit"

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """The values there, (S,)."""
        maps = _maps(outputs[self.layer])
        row, column = self._place(maps.shape)
        return maps[:, self.channel, row, column]

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """There must be such a channel and such a position."""
        _check_channel(self.channel, shape, self.layer)
        height, width = shape[2:] if len(shape) == 4 else (1, 1)
        row, column = self._place((*shape[:2], height, width))
        if not (0 <= row < height and 0 <= column < width):
            raise VisualizationError(
                f"layer {self.layer!r} puts out maps of {height} × {width} positions at this picture size, "
                f"counted from 0: there is no position ({row}, {column})"
            )

    def describe(self) -> str:
        """`channel 17 of blocks.3.2 at row 3, column 4`."""
        place = f"row {self.row}, column {self.column}" if self.row is not None else "the middle"
        return f"channel {self.channel} of {self.layer or 'the output'} at {place}"

    def _place(self, shape: tuple[int, ...]) -> tuple[int, int]:
        height, width = shape[2:]
        row = height // 2 if self.row is None else self.row
        return row, width // 2 if self.column is None else self.column


@dataclass(frozen=True)
class Direction(Term):
    """The mean over all positions of the channels' sum along a direction, which is scaled to length 1."""

    layer: str
    vector: tuple[float, ...]
    kind: ClassVar[str] = "direction"

    def __post_init__(self) -> None:
        vector = tuple(float(value) for value in self.vector)
        if not vector or not all(map(math.isfinite, vector)) or not any(vector):
            raise VisualizationError("a direction needs finite numbers, and at least one that is not zero")
        object.__setattr__(self, "vector", vector)

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """The projections, (S,)."""
        means = _maps(outputs[self.layer]).mean((2, 3))  # (S, C)
        return means @ F.normalize(means.new_tensor(self.vector), dim=0)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """One number for each channel is needed."""
        channels = channels_of(shape, self.layer)
        if channels != len(self.vector):
            raise VisualizationError(
                f"layer {self.layer!r} has {channels} channels, and the direction {len(self.vector)} numbers"
            )

    def describe(self) -> str:
        """`a direction among the 80 channels of blocks.3.2`."""
        return f"a direction among the {len(self.vector)} channels of {self.layer or 'the output'}"


@dataclass(frozen=True)
class Logit(Term):
    """One class: the model's own output for it, before any softmax."""

    index: int
    layer: ClassVar[str] = OUTPUT  # type: ignore[misc]
    kind: ClassVar[str] = "logit"

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """The logits, (S,)."""
        return outputs[OUTPUT][:, self.index]

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """The output must be one number for each class, this one among them."""
        if len(shape) != 2:
            raise VisualizationError(f"the model puts out {shape}, which are not one number for each class")
        if not 0 <= self.index < shape[1]:
            raise VisualizationError(f"the model has the classes 0 to {shape[1] - 1}, not {self.index}")

    def describe(self) -> str:
        """`class 1`."""
        return f"class {self.index}"


@dataclass(frozen=True)
class Dream(Term):
    """A whole layer: the mean square of all that it puts out, so that whatever is there grows."""

    layer: str
    kind: ClassVar[str] = "dream"

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """The mean squares, (S,)."""
        return outputs[self.layer].square().flatten(1).mean(1)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Any layer will do that puts out numbers for each picture."""
        if len(shape) < 2:
            raise VisualizationError(f"layer {self.layer!r} puts out {shape}, nothing for each picture")

    def describe(self) -> str:
        """`everything in blocks.3.2`."""
        return f"everything in {self.layer or 'the output'}"


@dataclass(frozen=True)
class Diversity(Term):
    """How different the seeds' pictures are to a layer: minus the mean cosine of their Gram matrices.

    From -1 (all alike) to 1. A Gram matrix holds how often channels answer together, wherever that is: the
    style of a picture (Gatys et al. 2015, arXiv:1505.07376); its use here is that of Olah et al. 2017.
    """

    layer: str
    kind: ClassVar[str] = "diversity"
    fewest_seeds: ClassVar[int] = 2

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """For each picture its mean difference from the others, (S,)."""
        maps = _maps(outputs[self.layer]).flatten(2)  # (S, C, H W)
        gram = F.normalize((maps @ maps.mT).flatten(1), dim=1)
        seeds = len(gram)
        cosines = gram @ gram.mT  # (S, S)
        return -(cosines.sum(1) - cosines.diagonal()) / (seeds - 1)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Its layer must have channels; with a single picture there would be nothing to compare."""
        channels_of(shape, self.layer)

    def describe(self) -> str:
        """`diversity in blocks.3.2`."""
        return f"diversity in {self.layer or 'the output'}"


_KINDS: dict[str, type[Term]] = {
    kind.kind: kind for kind in (Channel, Unit, Direction, Logit, Dream, Diversity)
}


def from_json(value: Mapping[str, Any]) -> Objective:
    """The objective that `to_json` wrote.

    Raises:
        VisualizationError: If it is none.

    Example:
        >>> from_json((2 * Logit(1)).to_json()) == 2 * Logit(1)
        True
    """
    try:
        fields = dict(value)
        kind = fields.pop("kind")
        if kind == "sum":
            parts = [(float(weight), from_json(term)) for weight, term in fields["parts"]]
            if not all(isinstance(term, Term) for _, term in parts):
                raise VisualizationError("the parts of a sum are single terms")
            return Sum(tuple(parts), float(fields["constant"]))  # type: ignore[arg-type]
        return _KINDS[kind](**fields)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, VisualizationError):
            raise
        raise VisualizationError(f"this describes no objective: {value!r}") from error


def _check_channel(channel: int, shape: tuple[int, ...], layer: str) -> None:
    channels = channels_of(shape, layer)
    if not 0 <= channel < channels:
        raise VisualizationError(f"layer {layer!r} has the channels 0 to {channels - 1}, not {channel}")


def _maps(values: Tensor) -> Tensor:
    return values[:, :, None, None] if values.dim() == 2 else values
