"""Recipes and results: everything that a visualization was made with, so that it can be made again."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explorer.visualization import objectives, parametrizations, transformations
from explorer.visualization.algebra import Objective
from explorer.visualization.errors import VisualizationError
from explorer.visualization.parametrizations import Fourier, Parametrization
from explorer.visualization.transformations import Jitter, Rotate, Scale, Transformation

METHOD = 3
"""Goes up with every change of the method that changes pictures."""
MAX_STEPS = 4096
MIN_SIDE, MAX_SIDE = 8, 1024

ROBUST = (Jitter(8), Scale(0.85, 1.2), Rotate(12.0))
"""The transformations for most layers."""


@dataclass(frozen=True)
class Recipe:
    """How a picture is made, whatever it is of.

    Attributes:
        size: (height, width) of the picture in pixels, each from `MIN_SIDE` to `MAX_SIDE`.
        steps: How often the picture is changed, from 1 to `MAX_STEPS`.
        learning_rate: Length of a step of Adam (Kingma and Ba 2015) in the parametrization's own numbers; it
            falls to zero along half a cosine.
        parametrization: What is changed.
        transformations: What happens to the picture before each look at it.
        mean: What is subtracted from the picture's red, green and blue, on the scale 0..1, for the model; a
            single number for a model that takes grey pictures.
        std: What they are divided by then.
        margin: Pixels around the picture that are optimised with it and cut off at the end: at its border a
            network sees its own padding, and what grows there has nothing to do with the objective.

    Raises:
        VisualizationError: If a number is out of range.
    """

    size: tuple[int, int] = (128, 128)
    steps: int = 256
    learning_rate: float = 0.05
    parametrization: Parametrization = field(default_factory=Fourier)
    transformations: tuple[Transformation, ...] = ROBUST
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    margin: int = 0

    def __post_init__(self) -> None:
        height, width = self.size
        if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
            raise VisualizationError(
                f"a picture has sides of {MIN_SIDE} to {MAX_SIDE} pixels, not {height} × {width}"
            )
        if not 0 <= self.margin <= MAX_SIDE:
            raise VisualizationError(f"a margin has 0 to {MAX_SIDE} pixels, not {self.margin}")
        if not 1 <= self.steps <= MAX_STEPS:
            raise VisualizationError(f"a picture takes 1 to {MAX_STEPS} steps, not {self.steps}")
        if not (math.isfinite(self.learning_rate) and 0 < self.learning_rate <= 10):
            raise VisualizationError(f"the learning rate is above 0 and at most 10, not {self.learning_rate}")
        if not len(self.mean) == len(self.std) in (1, 3):
            raise VisualizationError(f"mean and std have 3 numbers or 1, not {self.mean} and {self.std}")
        if not all(map(math.isfinite, (*self.mean, *self.std))) or min(self.std) <= 0:
            raise VisualizationError(f"std must be above 0, and mean finite, not {self.std} and {self.mean}")

    @property
    def grey(self) -> bool:
        """Whether the model takes grey pictures, and these are grey, too."""
        return len(self.mean) == 1

    def normalised(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in 0..1 as the model takes them, (N, 3, H, W) or (N, 1, H, W)."""
        mean, std = (pictures.new_tensor(v).view(-1, 1, 1) for v in (self.mean, self.std))
        return (pictures[:, : len(self.mean)] - mean) / std

    @property
    def canvas(self) -> tuple[int, int]:
        """(height, width) of what is optimised, in pixels: the picture with its margin."""
        return self.size[0] + 2 * self.margin, self.size[1] + 2 * self.margin

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "size": list(self.size),
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "parametrization": self.parametrization.to_json(),
            "transformations": [step.to_json() for step in self.transformations],
            "mean": list(self.mean),
            "std": list(self.std),
            "margin": self.margin,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote.

        Raises:
            VisualizationError: If it is none.
        """
        try:
            height, width = map(int, value["size"])
            return cls(
                size=(height, width),
                steps=int(value["steps"]),
                learning_rate=float(value["learning_rate"]),
                parametrization=parametrizations.from_json(value["parametrization"]),
                transformations=tuple(map(transformations.from_json, value["transformations"])),
                mean=tuple(map(float, value["mean"])),
                std=tuple(map(float, value["std"])),
                margin=int(value["margin"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, VisualizationError):
                raise
            raise VisualizationError(f"this is no recipe: {error}") from error


@dataclass(frozen=True)
class Origin:
    """Everything that a visualization follows from: with the same origin comes the same picture.

    Attributes:
        objective: What was raised.
        recipe: How.
        seed: Of all random numbers.
        seeds: All seeds that were made together, where the objective has a diversity term and the picture
            therefore depends on the others; otherwise only its own.
        model: The model's name, for people.
        weights: sha256 of its weights, in hexadecimal.
        start: sha256 of the picture it started from, or None for noise.
        versions: Of the libraries, by name, and of this method.
    """

    objective: Objective
    recipe: Recipe
    seed: int
    seeds: tuple[int, ...] = ()
    model: str = ""
    weights: str = ""
    start: str | None = None
    versions: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "objective": self.objective.to_json(),
            "recipe": self.recipe.to_json(),
            "seed": self.seed,
            "seeds": list(self.seeds),
            "model": self.model,
            "weights_sha256": self.weights,
            "start_sha256": self.start,
            "versions": dict(self.versions),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Origin:
        """The origin that `to_json` wrote.

        Raises:
            VisualizationError: If it is none.
        """
        try:
            return cls(
                objective=objectives.from_json(value["objective"]),
                recipe=Recipe.from_json(value["recipe"]),
                seed=int(value["seed"]),
                seeds=tuple(map(int, value["seeds"])),
                model=str(value["model"]),
                weights=str(value["weights_sha256"]),
                start=value["start_sha256"],
                versions=tuple(sorted((str(k), str(v)) for k, v in value["versions"].items())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, VisualizationError):
                raise
            raise VisualizationError(f"this says not where a picture is from: {error!r}") from error

    @property
    def digest(self) -> str:
        """sha256 of all of it in hexadecimal: the key for caches."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def versions() -> tuple[tuple[str, str], ...]:
    """The versions on which a picture's bits depend."""
    import torch

    return (("method", str(METHOD)), ("torch", torch.__version__))


@dataclass(frozen=True, eq=False)
class Visualization:
    """A picture of what an objective looks for, and where it is from.

    Attributes:
        picture: uint8 (H, W, 3), read-only.
        origin: Everything it follows from.
        value: What the objective has reached on the picture as it is stored, without transformations.
        curve: float32 (steps,): the objective at each step, on the transformed picture.
    """

    picture: NDArray[np.uint8]
    origin: Origin
    value: float
    curve: NDArray[np.float32]

    @property
    def digest(self) -> str:
        """The key for caches: that of its origin."""
        return self.origin.digest

    def to_json(self) -> dict[str, Any]:
        """Everything but the pixels, as plain values for JSON; the curve to four digits."""
        return {
            **self.origin.to_json(),
            "digest": self.digest,
            "value": self.value,
            "curve": [float(f"{value:.4g}") for value in self.curve],
        }


def with_seed(origin: Origin, seed: int) -> Origin:
    """The same for another seed."""
    return replace(origin, seed=seed, seeds=(seed,))
