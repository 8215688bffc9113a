"""Which models there are, from all sources together, and how one is loaded by its name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from models.bundled import BundledModels
from models.download import Progress
from models.errors import OfflineError, UnknownModelError
from models.own import OwnModels
from models.searching import Searchable
from models.spec import LoadedModel, ModelSource, ModelSpec
from models.timm_models import TimmModels
from models.torchvision_models import TorchvisionModels
from models.untrained import untrained_spec, without_mark

DEFAULT = "efficientnet_lite0"
_MOST_NAMED = 8


class Registry:
    """The models of several sources under one roof.

    A new source is an object with `names()` and `spec(name)` (see `ModelSource`); callers see its models like
    all others. Where two sources have a model of the same name, the earlier source's is meant.

    Every model also has an untrained twin, whose name has `@untrained` behind it (see `models.untrained`).

    Args:
        sources: Those with a handful of models, which are shown without being asked for.
        libraries: Those with hundreds, which are searched; they are asked only when a name is in no source,
            since asking imports them.
    """

    def __init__(self, sources: Iterable[ModelSource], libraries: Iterable[ModelSource] = ()) -> None:
        self._sources = tuple(sources)
        self._libraries = tuple(libraries)
        self._index: tuple[tuple[str, ...], Searchable] = (), Searchable(())

    def names(self) -> tuple[str, ...]:
        """The names that are shown without a search, in the order of the sources."""
        return _distinct(self._sources)

    def all_names(self) -> tuple[str, ...]:
        """The names of all models, those of the libraries too, which are imported for it."""
        return _distinct(self._sources + self._libraries)

    def spec(self, name: str) -> ModelSpec:
        """What is known about the model `name`; nothing is loaded.

        Args:
            name: One of `all_names()`, or a short form of one: `resnet50` for torchvision's with its default
                weights, `convnext_tiny.fb_in1k` for timm's; `@untrained` may stand behind it.

        Raises:
            UnknownModelError: If no source has it.
        """
        plain, seed = without_mark(name)
        for source in self._sources + self._libraries:
            if (found := source.resolve(plain)) is not None:
                return source.spec(found) if seed is None else untrained_spec(source.spec(found), seed)
        raise UnknownModelError(f"There is no model {name!r}{_instead(plain, self.all_names())}")

    def available(self) -> tuple[ModelSpec, ...]:
        """The models that are shown without a search; `spec.available_offline` says which need no network."""
        return tuple(self.spec(name) for name in self.names())

    def installed(self) -> tuple[str, ...]:
        """The names of all models that can be loaded without a network."""
        return tuple(name for source in self._sources + self._libraries for name in source.installed())

    def search(self, query: str = "", limit: int | None = None) -> tuple[str, ...]:
        """The names that contain every word of `query`, the nearest first.

        Upper and lower case, and what stands between letters and digits, make no difference: "ConvNeXt tiny"
        finds `timm/convnext_tiny.fb_in1k`. The libraries are imported at the first call, which takes seconds;
        later ones take milliseconds.

        Args:
            query: What was typed; empty for all.
            limit: How many at most.
        """
        return self._searchable().search(query, limit)

    def load(self, name: str, progress: Progress | None = None) -> LoadedModel:
        """Build the model `name` with its weights, which are downloaded where they are missing.

        Args:
            name: As for `spec`.
            progress: Told the bytes that are here and those of the whole file, as they arrive.

        Raises:
            UnknownModelError: If no source has it.
            OfflineError: If its weights are not on this computer and no server answers; at once, naming what
                can be loaded instead and where the file could be put.
            ModelError: If its weights can't be brought or are not what they should be.
        """
        spec = self.spec(name)
        try:
            spec.fetch(progress)
        except OfflineError as error:
            raise OfflineError(f"{error} {self.without_network()}") from error
        module, digest = spec.build()
        return LoadedModel(spec, module, digest)

    def without_network(self) -> str:
        """What can be loaded without a network, in a sentence."""
        names = self.installed()
        if not names:
            return "No model can be loaded without a network."
        more = len(names) - _MOST_NAMED
        rest = f" and {more} more" if more > 0 else ""
        return f"Without a network there is {', '.join(names[:_MOST_NAMED])}{rest}, and any model @untrained."

    def _searchable(self) -> Searchable:
        names = self.all_names()
        if self._index[0] != names:
            self._index = names, Searchable(names)
        return self._index[1]


def _distinct(sources: Iterable[ModelSource]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for source in sources for name in source.names()))


def _instead(name: str, names: tuple[str, ...]) -> str:
    # A library's names begin with its own, which nobody types.
    short = {known.partition("/")[2] or known: known for known in reversed(names)}
    wanted = name.partition("/")[2] or name
    model = wanted.partition(".")[0].lower()
    others = [known for known in short if known.partition(".")[0].lower() == model]
    # Other weights of the very model that was asked for come first.
    if near := others[:5] or difflib.get_close_matches(wanted, short, n=5, cutoff=0.6):
        return f"; did you mean {' or '.join(repr(short[one]) for one in near)}?"
    if not names:
        return "; there is none at all."
    some = ", ".join(map(repr, names[:5]))
    return f"; there is {some}." if len(names) <= 5 else f"; there are {len(names)}, for example {some}."


REGISTRY = Registry([OwnModels(), BundledModels()], libraries=[TorchvisionModels(), TimmModels()])


def available() -> tuple[ModelSpec, ...]:
    """The models that are shown without a search: the one that the app was started on, and the bundled ones.

    `spec.available_offline` says which need no network; `search` finds the libraries' models.
    """
    return REGISTRY.available()


def default_name() -> str:
    """The model to begin with: the one that the app was started on, else the bundled one."""
    return REGISTRY.names()[0]


def find(name: str) -> ModelSpec:
    """What is known about a model, before anything of it is loaded.

    Raises:
        UnknownModelError: If there is no such model; the message lists the close names.
    """
    return REGISTRY.spec(name)


def search(query: str = "", limit: int | None = None) -> tuple[str, ...]:
    """The names that contain every word of `query`, the nearest first; see `Registry.search`."""
    return REGISTRY.search(query, limit)


def installed() -> tuple[str, ...]:
    """The names of all models that can be loaded without a network."""
    return REGISTRY.installed()


def without_network() -> str:
    """What can be loaded without a network, in a sentence for people."""
    return REGISTRY.without_network()


def load(name: str = DEFAULT, progress: Progress | None = None) -> LoadedModel:
    """Load a model by its name. Each call makes a new one; keep it (`models.ModelStore` does).

    Args:
        name: Such as `efficientnet_lite0`, `resnet50`, `torchvision/resnet50.IMAGENET1K_V1`,
            `timm/convnext_tiny.fb_in1k`; `@untrained` behind it for the untrained twin.
        progress: Told the bytes that are here and those of the whole file, should weights be downloaded.

    Raises:
        UnknownModelError: If there is no such model; the message lists the close names.
        OfflineError: If its weights are not on this computer and no server answers.
        ModelError: If its weights are missing or are not what they should be.

    Example:
        >>> model = load()
        >>> model.spec.title, model.spec.input_size, len(model.labels)
        ('EfficientNet-Lite0', (224, 224), 1000)
    """
    return REGISTRY.load(name, progress)
