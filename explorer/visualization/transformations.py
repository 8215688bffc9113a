"""Transformations: what happens to the picture before each look of the network at it.

A picture that must be convincing while it is shifted, turned and enlarged a little holds what the network
looks for at many scales and angles; without that, optimisation finds high-frequency patterns to which the
network answers strongly and which nobody can read (Olah et al. 2017, "Transformation Robustness"; Mordvintsev
et al. 2015 for jitter).

Geometric transformations are matrices; a run of them is multiplied first, so that the picture is sampled
once and not blurred several times. All randomness comes from the generator that is handed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.visualization.errors import VisualizationError


class Transformation:
    """A change of the picture; immutable, compared by value."""

    kind: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True)
class Pad(Transformation):
    """A frame around the picture, so that what stands at its border is seen whole.

    Attributes:
        pixels: Width of the frame on each side.
        mode: "grey" for the middle of the scale, "reflect" for the picture mirrored.
    """

    pixels: int
    mode: str = "grey"
    kind: ClassVar[str] = "pad"

    def __post_init__(self) -> None:
        if not 0 <= self.pixels <= 512 or self.mode not in ("grey", "reflect"):
            raise VisualizationError(
                f"padding is 0 to 512 pixels, grey or reflect, not {self.pixels} pixels {self.mode!r}"
            )

    def apply(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, 3, H + 2 pixels, W + 2 pixels)."""
        frame = (self.pixels,) * 4
        if self.mode == "grey":
            return F.pad(pictures, frame, value=0.5)
        if self.pixels >= min(pictures.shape[-2:]):
            raise VisualizationError(
                f"a frame of {self.pixels} pixels can't mirror a picture of {tuple(pictures.shape[-2:])}"
            )
        return F.pad(pictures, frame, mode="reflect")


class Geometric(Transformation):
    """A change of places, given by a matrix."""

    def matrix(self, generator: torch.Generator) -> Tensor:
        """Draw one: float64 (3, 3) from a place in the result to the one in the picture that it shows.

        Places are (x, y, 1) in pixels, x to the right and y down from the middle.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Jitter(Geometric):
    """A shift by whole pixels, up to `pixels` in each direction."""

    pixels: int
    kind: ClassVar[str] = "jitter"

    def __post_init__(self) -> None:
        if not 0 <= self.pixels <= 512:
            raise VisualizationError(f"jitter is 0 to 512 pixels, not {self.pixels}")

    def matrix(self, generator: torch.Generator) -> Tensor:
        """A shift drawn evenly, the same chance for each pixel."""
        drawn = torch.randint(-self.pixels, self.pixels + 1, (2,), generator=generator)
        result = torch.eye(3, dtype=torch.float64)
        result[:2, 2] = drawn.double()
        return result


@dataclass(frozen=True)
class Scale(Geometric):
    """An enlargement about the middle by a factor between `low` and `high`; below 1 it reduces."""

    low: float
    high: float
    kind: ClassVar[str] = "scale"

    def __post_init__(self) -> None:
        if not 0.1 <= self.low <= self.high <= 10:
            raise VisualizationError(
                f"a scale is between 0.1 and 10, the lower first, not {self.low} to {self.high}"
            )

    def matrix(self, generator: torch.Generator) -> Tensor:
        """A factor drawn evenly on a logarithmic scale, so that 2 is as likely as one half."""
        low, high = math.log(self.low), math.log(self.high)
        factor = math.exp(low + (high - low) * _uniform(generator))
        return torch.diag(torch.tensor([1 / factor, 1 / factor, 1.0], dtype=torch.float64))


@dataclass(frozen=True)
class Rotate(Geometric):
    """A turn about the middle, up to `degrees` to either side."""

    degrees: float
    kind: ClassVar[str] = "rotate"

    def __post_init__(self) -> None:
        if not 0 <= self.degrees <= 180:
            raise VisualizationError(f"a turn is 0 to 180 degrees to either side, not {self.degrees}")

    def matrix(self, generator: torch.Generator) -> Tensor:
        """An angle drawn evenly."""
        angle = math.radians(self.degrees * (2 * _uniform(generator) - 1))
        cos, sin = math.cos(angle), math.sin(angle)
        return torch.tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=torch.float64)


def transform(
    pictures: Tensor, steps: Sequence[Transformation], generators: Sequence[torch.Generator]
) -> Tensor:
    """Apply transformations in their order, freshly drawn for each picture.

    Outside of a picture its mirror image is seen.

    Args:
        pictures: (N, 3, H, W) in 0..1.
        steps: What to do, first to last.
        generators: One on the CPU for each picture; the same object for pictures that shall move alike.

    Returns:
        (N, 3, H', W'); larger than before where `Pad` is among the steps.
    """
    run: list[Geometric] = []
    for step in steps:
        if isinstance(step, Geometric):
            run.append(step)
        elif isinstance(step, Pad):
            pictures = step.apply(_sampled(pictures, run, generators))
            run = []
    return _sampled(pictures, run, generators)


def _sampled(pictures: Tensor, run: Sequence[Geometric], generators: Sequence[torch.Generator]) -> Tensor:
    if not run:
        return pictures
    drawn: dict[int, Tensor] = {}
    for generator in generators:
        if id(generator) not in drawn:
            drawn[id(generator)] = _product([step.matrix(generator) for step in run])
    matrices = torch.stack([drawn[id(generator)] for generator in generators])
    return warp(pictures, matrices)


def _product(matrices: Sequence[Tensor]) -> Tensor:
    """Each goes from its result back to what it was given, so the first step's comes first."""
    product = torch.eye(3, dtype=torch.float64)
    for matrix in matrices:
        product = product @ matrix
    return product


def warp(pictures: Tensor, matrices: Tensor) -> Tensor:
    """Show each picture through its matrix.

    Args:
        pictures: (N, 3, H, W).
        matrices: (N, 3, 3), as `Geometric.matrix` makes them.
    """
    height, width = pictures.shape[-2:]
    # affine_grid counts from -1 to 1 across the picture, whatever its size.
    half = torch.tensor([width / 2, height / 2, 1.0], dtype=matrices.dtype)
    relative = (matrices * half / half[:, None])[:, :2]
    grid = F.affine_grid(relative.to(pictures), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


_KINDS: dict[str, type[Transformation]] = {kind.kind: kind for kind in (Pad, Jitter, Scale, Rotate)}


def from_json(value: dict[str, Any]) -> Transformation:
    """The transformation that `to_json` wrote.

    Raises:
        VisualizationError: If it is none.

    Example:
        >>> from_json({"kind": "jitter", "pixels": 4})
        Jitter(pixels=4)
    """
    fields = dict(value)
    try:
        return _KINDS[fields.pop("kind")](**fields)
    except (KeyError, TypeError) as error:
        raise VisualizationError(f"there is no such transformation: {value!r}") from error


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator, dtype=torch.float64))
