"""The source "torchvision": every classification CNN of the library with every set of weights that it has.

The lists come from torchvision, and so do the preprocessing, the labels and the code that builds a network. A
network's name is `torchvision/` with the model and the weights behind it,
`torchvision/resnet50.IMAGENET1K_V2`.

What counts as a CNN: positions of the picture are mixed by convolutions and poolings only. That leaves out
the modules of torchvision in which attention does it, see `OTHER_FAMILIES`; a test holds the rule against
what the networks compute.
"""

from __future__ import annotations

import math
from functools import cache, partial
from operator import is_not
from typing import Any

from torch import nn

from models.building import quietly
from models.checkpoint import read_checkpoint
from models.download import WebFile
from models.errors import ModelError, UnknownModelError
from models.hub import present
from models.preprocessing import Preprocessing
from models.spec import BuiltModel, ModelSource, ModelSpec
from models.torchvision_ops import import_torchvision

PREFIX = "torchvision/"
OTHER_FAMILIES = frozenset({"vision_transformer", "swin_transformer", "maxvit"})
"""torchvision's modules whose networks mix positions by attention."""


class TorchvisionModels(ModelSource):
    """All classification CNNs of torchvision, which is imported at the first question."""

    def names(self) -> tuple[str, ...]:
        """`torchvision/MODEL.WEIGHTS` for each; a model's default weights come first."""
        return tuple(_entries())

    def resolve(self, name: str) -> str | None:
        """`resnet50` means its default weights; `torchvision/` may be left out; case makes no difference.

        Raises:
            UnknownModelError: For a model that torchvision has and that is no CNN.
        """
        plain = name.removeprefix(PREFIX)
        if "/" in plain:
            return None
        if (found := _by_short_name().get(plain.lower())) is not None:
            return found
        model = plain.partition(".")[0].lower()
        if model in _architectures() and family(model) in OTHER_FAMILIES:
            raise UnknownModelError(f"torchvision's {model} is a transformer, and only CNNs can be explored.")
        return None

    def spec(self, name: str) -> ModelSpec:
        """The model `name`, one of `names()`."""
        model, weights = _entries()[name]
        file = WebFile(weights.url)
        accuracy = weights.meta["_metrics"]["ImageNet-1K"]["acc@1"]
        trained = not math.isnan(accuracy)
        return ModelSpec(
            name=name,
            title=f"{model} ({weights.name})",
            source="torchvision",
            description=(
                f"torchvision's {model}; {accuracy:g} % of ImageNet's validation pictures right at the first "
                "guess, "
                "as torchvision measured."
                if trained
                else f"torchvision's {model}, whose last layers were never trained: it names nothing."
            ),
            licence=weights.meta.get("license", "not stated; torchvision itself is under BSD-3-Clause"),
            parameters=weights.meta["num_params"],
            size_in_bytes=round(weights.meta["_file_size"] * 2**20),
            preprocessing=_preprocessing(weights),
            labels=tuple(weights.meta["categories"] or ()) if trained else (),
            builder=partial(_build, model, weights, file),
            offline=lambda: file.path() is not None,
            random=partial(_random, model),
            weights=file,
        )

    def installed(self) -> tuple[str, ...]:
        """Those whose weights lie in torch.hub's cache."""
        return present({name: WebFile(weights.url) for name, (_, weights) in _entries().items()})


def architectures() -> tuple[str, ...]:
    """The names of torchvision's classification CNNs, without weights."""
    return tuple(model for model in _architectures() if family(model) not in OTHER_FAMILIES)


def family(model: str) -> str:
    """The module of torchvision that an architecture is written in, such as "resnet"."""
    return str(_models().get_model_builder(model).__module__.rpartition(".")[2])


def build(model: str, classes: int | None = None) -> nn.Module:
    """An architecture with random weights, drawn from PyTorch's generator.

    Args:
        model: One of `architectures()`.
        classes: Number of outputs; None for the library's default.
    """
    given = {} if classes is None else {"num_classes": classes}
    module: nn.Module = _models().get_model(model, weights=None, **given)
    return module


def _random(model: str) -> nn.Module:
    return build(model)


def _build(model: str, weights: Any, file: WebFile) -> BuiltModel:
    digest = file.digest()
    # torchvision's own loader would run a pickle's code. What can be read without is none, so it goes first.
    read_checkpoint(file.place)
    try:
        with quietly():
            module = _models().get_model(model, weights=weights, progress=False)
    except RuntimeError as error:
        raise ModelError(f"The file {file.place} does not hold the weights of {model}: {error}") from error
    return BuiltModel(module, digest)


def _preprocessing(weights: Any) -> Preprocessing:
    given = weights.transforms()
    return Preprocessing(
        resize=given.resize_size[0],
        crop=given.crop_size[0],
        mean=tuple(given.mean),
        std=tuple(given.std),
        interpolation=given.interpolation.value,
    )


def _models() -> Any:
    import_torchvision()
    from torchvision import models

    return models


@cache
def _architectures() -> tuple[str, ...]:
    library = _models()
    return tuple(library.list_models(module=library))


@cache
def _entries() -> dict[str, tuple[str, Any]]:
    """(model, weights) by full name."""
    found = {}
    for model in architectures():
        entries = _models().get_model_weights(model)
        # The default's name is that of the entry which it stands for.
        for entry in sorted(entries, key=partial(is_not, entries.DEFAULT)):
            found[f"{PREFIX}{model}.{entry.name}"] = (model, entry)
    return found


@cache
def _by_short_name() -> dict[str, str]:
    short: dict[str, str] = {}
    for name, (model, _) in _entries().items():
        short.setdefault(model, name)
        short[name.removeprefix(PREFIX).lower()] = name
    return short
