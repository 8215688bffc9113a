"""What the rest of the program knows about a model before and after it is loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, Protocol

from torch import nn

from models.devices import CPU, Device, mixed_precision, move, telling_memory
from models.download import Progress, RemoteFile
from models.errors import ModelError, UnknownModelError
from models.preprocessing import Preprocessing

__all__ = ["BuiltModel", "LoadedModel", "ModelError", "ModelSource", "ModelSpec", "UnknownModelError"]


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
        parameters: How many numbers it has learned; None where its library doesn't say before it is built.
        size_in_bytes: Size of the weights' file; None where only the server knows, see `size`.
        labels: A name for every class, in the order of the outputs; empty where the outputs have no names
            (a network that was trained to make features, not to tell classes apart).
        preprocessing: From a picture to its input.
        builder: Makes the network and loads its weights; raises `ModelError` where that can't be done.
        offline: Looks whether the weights are on this computer.
        random: Makes the same network with random weights; None where only a trained one can be made.
        weights: The file of weights, where it comes from a server.
    """

    name: str
    title: str
    source: str
    description: str
    licence: str
    parameters: int | None
    size_in_bytes: int | None
    preprocessing: Preprocessing
    labels: tuple[str, ...] = field(repr=False)
    builder: Callable[[], BuiltModel] = field(repr=False)
    offline: Callable[[], bool] = field(repr=False)
    random: Callable[[], nn.Module] | None = field(default=None, repr=False)
    weights: RemoteFile | None = field(default=None, repr=False)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape of the model's input for one picture, (1, C, H, W)."""
        return self.preprocessing.input_shape

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the model's input, in pixels."""
        return self.preprocessing.crop, self.preprocessing.crop

    @property
    def available_offline(self) -> bool:
        """Whether loading needs no network; looked up at each access, without reading the weights."""
        return self.offline()

    def size(self) -> int | None:
        """Bytes to download, to be told before; 0 where nothing is missing, None where nobody knows.

        Raises:
            OfflineError: If only the server knows and does not answer.
        """
        if self.weights is None or self.available_offline:
            return 0
        return self.size_in_bytes or self.weights.size()

    def fetch(self, progress: Progress | None = None) -> None:
        """Bring the weights to this computer, where they are missing.

        Args:
            progress: Told the bytes that are here and those of the whole file, as they arrive.

        Raises:
            OfflineError: If no server answers; at once.
            DownloadError: If the weights can't be brought for another reason.
        """
        if self.weights is not None and not self.available_offline:
            self.weights.fetch(progress)

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
        digest: sha256 of its weights in hexadecimal; of the file, where there is one.
        device: Where it lies and runs.
        mixed: Whether it runs in bfloat16 where that is safe on its device (`models.mixed_precision`).
    """

    spec: ModelSpec
    module: nn.Module = field(repr=False)
    digest: str
    device: Device = CPU
    mixed: bool = False

    def on(self, device: Device) -> LoadedModel:
        """The model on a device; its network moves there, so that who held this model holds it no more.

        Raises:
            NoMemoryError: If it has no room there.
        """
        if device == self.device:
            return self
        move(self.module, device, self.spec.title)
        return replace(self, device=device, mixed=False)

    @cached_property
    def in_mixed_precision(self) -> LoadedModel:
        """The same network, run in bfloat16; the model itself where its device is not made for that."""
        return replace(self, mixed=True) if self.device.mixed_precision else self

    @contextmanager
    def at_work(self, what: str) -> Iterator[None]:
        """Run the network inside: in the precision chosen, and too little memory is told in a sentence.

        Args:
            what: What is done with it: the beginning of a sentence that its title ends.

        Raises:
            NoMemoryError: In place of PyTorch's errors about memory.
        """
        precision = mixed_precision(self.device) if self.mixed else nullcontext()
        with telling_memory(f"{what} {self.spec.title}", self.device), precision:
            yield

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for every class, in the order of the outputs; empty where they have none."""
        return self.spec.labels

    @cached_property
    def key(self) -> str:
        """What a cache of results is keyed on: weights, network, how pictures are prepared, where it runs.

        Weights alone do not tell: networks that differ in their padding or activation can have the same.
        """
        network = self.digest, self.preprocess, self.spec.name, self.spec.description, self.module
        parts = *network, self.device.name, self.mixed
        return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()

    @property
    def preprocess(self) -> Preprocessing:
        """From a picture to the model's input: `preprocess(picture)` is float32 (1, 3, H, W)."""
        return self.spec.preprocessing


class ModelSource(Protocol):
    """A place that models come from: the bundled ones, a library, a checkpoint."""

    def names(self) -> tuple[str, ...]:
        """The names of its models, the best first; cheap: nothing is loaded."""

    def spec(self, name: str) -> ModelSpec:
        """The model of that name, which must be one of `names()`; nothing is loaded."""

    def resolve(self, name: str) -> str | None:
        """Which of `names()` is meant by what somebody wrote; None where none is."""
        return name if name in self.names() else None

    def installed(self) -> tuple[str, ...]:
        """Those of `names()` that can be loaded without a network."""
        return tuple(name for name in self.names() if self.spec(name).available_offline)
