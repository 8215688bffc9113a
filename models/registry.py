"""Which models there are, from all sources together, and how one is loaded by its name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from models.bundled import BundledModels
from models.spec import LoadedModel, ModelSource, ModelSpec, UnknownModelError

DEFAULT = "efficientnet_lite0"


class Registry:
    """The models of several sources under one roof.

    A new source is an object with `names()` and `spec(name)`; callers see its models like all others. Where
    two sources have a model of the same name, the earlier source's is meant.
    """

    def __init__(self, sources: Iterable[ModelSource]) -> None:
        self._sources = tuple(sources)

    def names(self) -> tuple[str, ...]:
        """The names of all models, in the order of the sources."""
        return tuple(dict.fromkeys(name for source in self._sources for name in source.names()))

    def spec(self, name: str) -> ModelSpec:
        """What is known about the model `name`; nothing is loaded.

        Raises:
            UnknownModelError: If no source has it.
        """
        for source in self._sources:
            if name in source.names():
                return source.spec(name)
        raise UnknownModelError(f"There is no model {name!r}{_instead(name, self.names())}")

    def available(self) -> tuple[ModelSpec, ...]:
        """All models that can be chosen; `spec.available_offline` says which need no network."""
        return tuple(self.spec(name) for name in self.names())

    def load(self, name: str) -> LoadedModel:
        """Build the model `name` with its weights.

        Raises:
            UnknownModelError: If no source has it.
            ModelError: If its weights are missing or are not what they should be.
        """
        spec = self.spec(name)
        module, digest = spec.build()
        return LoadedModel(spec, module, digest)


def _instead(name: str, names: tuple[str, ...]) -> str:
    if near := difflib.get_close_matches(name, names, n=5, cutoff=0.6):
        return f"; did you mean {' or '.join(map(repr, near))}?"
    if not names:
        return "; there is none at all."
    some = ", ".join(map(repr, names[:5]))
    return f"; there is {some}." if len(names) <= 5 else f"; there are {len(names)}, for example {some}."


REGISTRY = Registry([BundledModels()])


def available() -> tuple[ModelSpec, ...]:
    """All models that can be chosen; `spec.available_offline` says which need no network."""
    return REGISTRY.available()


def load(name: str = DEFAULT) -> LoadedModel:
    """Load a model by its name. Each call makes a new one; keep it.

    Raises:
        UnknownModelError: If there is no such model; the message lists the close names.
        ModelError: If its weights are missing or are not what they should be.

    Example:
        >>> model = load()
        >>> model.spec.title, model.spec.input_size, len(model.labels)
        ('EfficientNet-Lite0', (224, 224), 1000)
    """
    return REGISTRY.load(name)
