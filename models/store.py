"""Loaded models, kept while there is room: switching between them costs nothing, and memory stays bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from torch import nn

from models.devices import CPU, Device, NoMemoryError
from models.download import Progress, megabytes
from models.registry import load
from models.spec import LoadedModel

DEFAULT_BYTES = 1_000_000_000


class ModelStore:
    """The models used last, by name; beyond the limit the least recently used one goes.

    Fit for many visitors at once: a model that several of them ask for is loaded once, while others are
    handed out. The model just asked for is kept even when it alone exceeds the limit. Who still holds a model
    that went can go on using it.

    Args:
        limit: In bytes of parameters and buffers, of all kept models together.
        load: How a model is loaded by its name.
        device: Where the models are brought.
    """

    def __init__(
        self, limit: int = DEFAULT_BYTES, load: Callable[..., LoadedModel] = load, device: Device = CPU
    ) -> None:
        self.limit = limit
        self.device = device
        self._load = load
        self._models: OrderedDict[str, tuple[LoadedModel, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}

    def get(
        self, name: str, progress: Progress | None = None, *, load: Callable[[], LoadedModel] | None = None
    ) -> LoadedModel:
        """The model `name`, loaded if it is not here.

        Args:
            name: As for `models.load`.
            progress: Told of a download, should there be one.
            load: How this one is loaded, where its name says nothing to `models.load`.

        Raises:
            ModelError: As `models.load` does, or if there is no room on the device; nothing is kept then.
        """
        if (kept := self._kept(name)) is not None:
            return kept
        with self._lock:
            one_at_a_time = self._loading.setdefault(name, threading.Lock())
        with one_at_a_time:
            if (kept := self._kept(name)) is not None:  # somebody else has loaded it meanwhile
                return kept
            return self.put(name, load() if load else self._load(name, progress))

    def put(self, name: str, model: LoadedModel) -> LoadedModel:
        """Keep a model that was made elsewhere, such as from a visitor's own checkpoint."""
        if self.device != CPU:
            model = self._brought(model)
        with self._lock:
            self._models[name] = model, nbytes(model.module)
            self._models.move_to_end(name)
            while len(self._models) > 1 and self._bytes() > self.limit:
                self._models.popitem(last=False)
            self._loading.pop(name, None)
        return model

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are here, the least recently used first."""
        with self._lock:
            return tuple(self._models)

    @property
    def nbytes(self) -> int:
        """What the kept models take, in bytes."""
        with self._lock:
            return self._bytes()

    def describe(self) -> str:
        """What is kept, in a sentence for people."""
        count, taken, limit = len(self.names), megabytes(self.nbytes), megabytes(self.limit)
        models = "1 model is loaded and takes" if count == 1 else f"{count} models are loaded and take"
        where = "" if self.device == CPU else f" on {self.device.title}"
        return f"{models} {taken}{where}; beyond {limit} the one not used for longest goes."

    def _brought(self, model: LoadedModel) -> LoadedModel:
        """The model on the device; where there is no room, all others go first."""
        try:
            return model.on(self.device)
        except NoMemoryError:
            with self._lock:
                self._models.clear()
            return model.on(self.device)

    def _kept(self, name: str) -> LoadedModel | None:
        with self._lock:
            if name not in self._models:
                return None
            self._models.move_to_end(name)
            return self._models[name][0]

    def _bytes(self) -> int:
        return sum(size for _, size in self._models.values())


def nbytes(module: nn.Module) -> int:
    """Memory of a network's parameters and buffers, in bytes, shared ones counted once."""
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))
