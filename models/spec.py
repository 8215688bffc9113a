"""What the rest of the program knows about a model before and after it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from torch import nn

from models.preprocessing import Preprocessing


class ModelError(ValueError):
    """A model that can't be loaded; the message says which, why, and what to do."""


class UnknownModelError(ModelError):
    """A name that no source of models has; the message lists the close names."""


class BuiltModel(NamedTuple):
    """A network with its weights, and what identifies them."""

    module: nn.Module
    digest: str


@dataclass(frozen=True)
class ModelSpec:
    """A model that can be loaded: what to tell people about it, and how to build it.

    Attributes:
        name: Unique, short and stable: it stands in links.
        title: The name for people.
        source: Where it comes from, for example "bundled".
        description: One or two sentences for people.
        licence: The licence of its weights.
        parameters: How many numbers it has learned.
        size_in_bytes: Size of the weights' file.
        labels: A name for every class, in the order of the outputs.
        preprocessing: From a picture to its input.
        builder: Makes the network and loads its weights; raises `ModelError` where that can't be done.
        offline: Looks whether the weights are on this computer.
    """

    name: str
    title: str
    source: str
    description: str
    licence: str
    parameters: int
    size_in_bytes: int
    preprocessing: Preprocessing
    labels: tuple[str, ...] = field(repr=False)
    builder: Callable[[], BuiltModel] = field(repr=False)
    offline: Callable[[], bool] = field(repr=False)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the model's input, in pixels."""
        return self.preprocessing.crop, self.preprocessing.crop

    @property
    def available_offline(self) -> bool:
        """Whether loading needs no network; looked up at each access, without reading the weights."""
        return self.offline()

    def build(self) -> BuiltModel:
        """The network with its weights, ready for inference: in eval mode, no parameter wants a gradient.

        Each call makes a new one that shares nothing with the others.

        Raises:
            ModelError: If the weights are missing or are not what they should be.
        """
        module, digest = self.builder()
        return BuiltModel(module.eval().requires_grad_(False), digest)


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model that is ready to use.

    Attributes:
        spec: What it is.
        module: The network, in eval mode, without gradients for its parameters.
        digest: sha256 of its weights in hexadecimal: what a cache of its results is keyed on.
    """

    spec: ModelSpec
    module: nn.Module = field(repr=False)
    digest: str

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for every class, in the order of the outputs."""
        return self.spec.labels

    @property
    def preprocess(self) -> Preprocessing:
        """From a picture to the model's input: `preprocess(picture)` is float32 (1, 3, H, W)."""
        return self.spec.preprocessing


class ModelSource(Protocol):
    """A place that models come from: the bundled ones, a library, a folder of checkpoints."""

    def names(self) -> tuple[str, ...]:
        """The names of its models, the best first; cheap: nothing is loaded."""

    def spec(self, name: str) -> ModelSpec:
        """The model of that name, which must be one of `names()`; nothing is loaded."""
