"""The untrained twin: the same architecture with seeded random weights.

What an explorer shows of a trained network can come from the training or from the architecture alone (Saxe et
al., "On Random Weights and Unsupervised Feature Learning", ICML 2011; Adebayo et al., "Sanity Checks for
Saliency Maps", NeurIPS 2018). The twin has the architecture and nothing of the training. Its weights are
drawn as the architecture's own authors draw them before training, from a seed, so everybody gets the same
twin.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable

import torch
from torch import nn

from models.building import quietly, state_digest
from models.errors import ModelError
from models.spec import BuiltModel, LoadedModel, ModelSpec

MARK = "@untrained"
_NAME = re.compile(r"(.+)@untrained(?:=(\d{1,9}))?")


def without_mark(name: str) -> tuple[str, int | None]:
    """A model's name without the mark of the twin, and the twin's seed; None for a trained model.

    Example:
        >>> without_mark("resnet18"), without_mark("resnet18@untrained"), without_mark("vgg16@untrained=7")
        (('resnet18', None), ('resnet18', 0), ('vgg16', 7))
    """
    found = _NAME.fullmatch(name)
    return (found[1], int(found[2] or 0)) if found else (name, None)


def untrained_name(name: str, seed: int = 0) -> str:
    """The name of the twin of the model `name`.

    Example:
        >>> untrained_name("resnet18"), untrained_name("resnet18", 7)
        ('resnet18@untrained', 'resnet18@untrained=7')
    """
    return f"{name}{MARK}={seed}" if seed else f"{name}{MARK}"


def untrained_spec(spec: ModelSpec, seed: int = 0) -> ModelSpec:
    """The twin of a model that is known by its spec; it needs no weights, hence no network.

    Raises:
        ModelError: If the model can only be made with its weights.
    """
    if spec.random is None:
        raise ModelError(
            f"{spec.name} can't be built without its weights; load it and use models.untrained_twin."
        )
    return dataclasses.replace(
        spec,
        name=untrained_name(spec.name, seed),
        title=f"Untrained {spec.title}",
        description=f"The architecture of {spec.title} with random weights (seed {seed}), never trained.",
        licence="none: the weights are random",
        size_in_bytes=0,
        builder=lambda make=spec.random: _built(make, seed),  # type: ignore[misc]
        offline=lambda: True,
        weights=None,
    )


def untrained_twin(model: LoadedModel, seed: int = 0) -> LoadedModel:
    """The twin of a loaded model, of whatever origin.

    Args:
        model: It is not changed.
        seed: Of the random weights.
    """
    if model.spec.random is not None:
        spec = untrained_spec(model.spec, seed)
    else:
        again = dataclasses.replace(model.spec, random=lambda: reinitialized(model.module))
        spec = untrained_spec(again, seed)
    return LoadedModel(spec, *spec.build())


def reinitialized(module: nn.Module) -> nn.Module:
    """A copy of any network with new random weights, drawn from PyTorch's generator.

    Every submodule draws its own as PyTorch does when it is made (`reset_parameters`), running statistics of
    normalisations included. Parameters of modules that have no such method are shuffled: their values stay,
    their places carry nothing of the training any more.
    """
    twin = copy.deepcopy(module)
    with torch.no_grad():
        for part in twin.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()
                continue
            for parameter in part.parameters(recurse=False):
                order = torch.randperm(parameter.numel(), device=parameter.device)
                parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return twin


def _built(make: Callable[[], nn.Module], seed: int) -> BuiltModel:
    with quietly(seed):
        module = make()
    return BuiltModel(module, state_digest(module))
