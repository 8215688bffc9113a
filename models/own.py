"""Models of one's own: an architecture, a checkpoint, labels and the preparation of pictures."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from models.architectures import Architecture
from models.architectures import architecture as find_architecture
from models.building import quietly, state_digest, take_channels
from models.bundled import BundledModels
from models.checkpoint import fit, outputs_of, read_checkpoint
from models.download import sha256_of
from models.errors import CheckpointError, ModelError
from models.labels import parse_labels
from models.preprocessing import Preprocessing
from models.spec import BuiltModel, LoadedModel, ModelSource, ModelSpec
from models.timm_models import TimmModels
from models.torchvision_models import TorchvisionModels
from models.untrained import reinitialized

NAME = "own"
STARTED_ON = "EXPLORER_MODEL"
"""The environment variable by which `python -m explorer run` tells the app about the model: an `OwnModel` in
JSON, or the name of a library's model."""

CHECKPOINTS = "EXPLORER_CHECKPOINTS"
"""The environment variable that names the folder whose files of weights the app's visitors may open."""


@dataclass(frozen=True)
class OwnModel:
    """What somebody gave as a model.

    Attributes:
        architecture: As for `models.architectures.architecture`.
        weights: The checkpoint: a file, the content of one, or None for the weights that the architecture
            comes with (those of `mypkg:build`, else random ones).
        classes: Number of outputs; None for that of the checkpoint.
        labels: Names of the classes; none where they are called by their number.
        preprocessing: None for that of the architecture.
        folder: Where Python modules are looked for.
    """

    architecture: str
    weights: Path | bytes | None = None
    classes: int | None = None
    labels: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    folder: Path | None = None

    def to_json(self) -> str:
        """For an environment variable; `from_json` reads it.

        Raises:
            ModelError: If the weights are no file.
        """
        if isinstance(self.weights, bytes):
            raise ModelError("Weights that are no file can't be handed to another program.")
        prepared = None if self.preprocessing is None else dataclasses.asdict(self.preprocessing)
        paths = {"weights": self.weights, "folder": self.folder}
        absolute = {name: None if path is None else str(path.resolve()) for name, path in paths.items()}
        rest = {"architecture": self.architecture, "classes": self.classes, "labels": self.labels}
        return json.dumps({**rest, **absolute, "preprocessing": prepared})

    @classmethod
    def from_json(cls, text: str) -> OwnModel:
        """What `to_json` wrote.

        Raises:
            ModelError: If it is something else.
        """
        try:
            given = json.loads(text)
            prepared = given["preprocessing"]
            return cls(
                architecture=given["architecture"],
                classes=given["classes"],
                labels=tuple(given["labels"]),
                preprocessing=None if prepared is None else Preprocessing(**_with_tuples(prepared)),
                weights=None if given["weights"] is None else Path(given["weights"]),
                folder=None if given["folder"] is None else Path(given["folder"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"${STARTED_ON} is not what `python -m explorer run` writes: {error}") from error


def own_model(
    architecture: str,
    *,
    weights: Path | None = None,
    classes: int | None = None,
    labels: Path | None = None,
    size: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> OwnModel:
    """A model of one's own from what somebody typed.

    Args:
        architecture: As for `models.architectures.architecture`.
        weights: The file of the checkpoint.
        classes: Number of outputs.
        labels: A text or JSON file with the names of the classes.
        size: Side of the network's square input, in pixels; pictures are resized to it and nothing is cut off
            but what makes them square.
        mean: Per channel on a scale of 0 to 1; one number for a network that takes grey.
        std: Per channel, likewise.

    Raises:
        ModelError: If the labels can't be read or the numbers don't fit together.
    """
    names = () if labels is None else labels_from(labels, classes)
    own = OwnModel(architecture, weights, classes, names, folder=Path.cwd())
    if size is None and mean is None and std is None:
        return own
    usual = find_architecture(architecture, own.folder).preprocessing
    mean = tuple(mean) if mean else usual.mean
    std = tuple(std) if std else usual.std[: len(mean)]
    try:
        prepared = dataclasses.replace(
            usual, mean=mean, std=std, resize=size or usual.resize, crop=size or usual.crop
        )
    except ValueError as error:
        raise ModelError(f"The preparation of pictures can't be right: {error}.") from error
    return dataclasses.replace(own, preprocessing=prepared)


def labels_from(path: Path, classes: int | None = None) -> tuple[str, ...]:
    """The names of classes in a text or JSON file.

    Raises:
        ModelError: If it can't be read or is neither.
    """
    try:
        return parse_labels(path.read_bytes(), classes)
    except OSError as error:
        raise ModelError(f"{path} can't be read: {error.strerror or error}.") from error


def own_spec(own: OwnModel, name: str = NAME) -> ModelSpec:
    """A model of one's own as a spec; nothing is built or read yet.

    Raises:
        UnknownModelError: If no library has the architecture.
    """
    kind = _kind(own)
    return ModelSpec(
        name=name,
        title=_title(own),
        source="own",
        description=f"{own.architecture} with {_origin(own)}.",
        licence="your own",
        parameters=None,
        size_in_bytes=_size(own.weights),
        preprocessing=own.preprocessing or kind.preprocessing,
        labels=own.labels,
        builder=partial(_build, own, kind),
        offline=lambda: True,
        random=partial(_random, own, kind),
    )


def load_own(own: OwnModel, name: str = NAME) -> LoadedModel:
    """Build a model of one's own with its weights.

    Raises:
        UnknownModelError: If no library has the architecture.
        MismatchError: If the checkpoint is that of another network; every tensor that does not fit is named
            with both shapes.
        ModelError: If the checkpoint can't be read safely, or the labels don't fit.
    """
    spec = own_spec(own, name)
    return LoadedModel(spec, *spec.build())


class OwnModels(ModelSource):
    """The source "own": the model that `python -m explorer run` was started on, if it was.

    Args:
        environment: Where to look for `STARTED_ON`; None for that of the process.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment

    def names(self) -> tuple[str, ...]:
        """`own` for a model of one's own, the name of a bundled or a library's model, or nothing."""
        given = self._given()
        return ((NAME if given.startswith("{") else given),) if given else ()

    def spec(self, name: str) -> ModelSpec:
        """The model that was given, under `name`."""
        if name == NAME:
            return own_spec(OwnModel.from_json(self._given()), name)
        bundled = BundledModels()
        if name in bundled.names():
            return bundled.spec(name)
        library: ModelSource = TorchvisionModels() if name.startswith("torchvision/") else TimmModels()
        return library.spec(name)

    def _given(self) -> str:
        return (os.environ if self._environment is None else self._environment).get(STARTED_ON, "")


def _kind(own: OwnModel) -> Architecture:
    """The architecture, for as many channels as pictures are prepared with."""
    kind = find_architecture(own.architecture, own.folder)
    if own.preprocessing is None or ":" in own.architecture:
        return kind
    channels = len(own.preprocessing.mean)
    return dataclasses.replace(kind, build=lambda classes: take_channels(kind.build(classes), channels))


def _build(own: OwnModel, kind: Architecture) -> BuiltModel:
    if own.weights is None:
        with quietly(seed=0):
            module = kind.build(own.classes)
        return BuiltModel(module, state_digest(module))
    file = f"{own.weights}: " if isinstance(own.weights, Path) else ""
    try:
        checkpoint = read_checkpoint(own.weights)
        with quietly(seed=0):
            module = kind.build(own.classes)
            outputs = outputs_of(checkpoint, module)
            if own.classes is None and ":" not in own.architecture:
                module = _with_classes_of(outputs, module, kind)
        fit(checkpoint, module)
        if own.labels and outputs is not None and len(own.labels) != outputs:
            raise CheckpointError(f"It has {outputs} classes, and there are {len(own.labels)} labels.")
    except CheckpointError as error:
        error.args = (f"{file}{error}",)
        raise
    return BuiltModel(module, _digest(own.weights))


def _random(own: OwnModel, kind: Architecture) -> nn.Module:
    """The same network without training: as its library draws the weights; one's own are drawn again."""
    if ":" in own.architecture:
        return reinitialized(_build(own, kind).module)
    module = kind.build(own.classes)
    if own.classes is None and own.weights is not None:
        module = _with_classes_of(outputs_of(read_checkpoint(own.weights), module), module, kind)
    return module


def _with_classes_of(classes: int | None, module: nn.Module, kind: Architecture) -> nn.Module:
    """The same network with the number of outputs that the checkpoint has."""
    return module if classes is None else kind.build(classes)


def _digest(weights: Path | bytes) -> str:
    return hashlib.sha256(weights).hexdigest() if isinstance(weights, bytes) else sha256_of(weights)


def _title(own: OwnModel) -> str:
    known = own.architecture.rpartition("/")[2]
    return f"{known} ({own.weights.name})" if isinstance(own.weights, Path) else known


def _origin(own: OwnModel) -> str:
    if own.weights is None:
        return "the weights that it comes with" if ":" in own.architecture else "random weights"
    return f"the weights in {own.weights.name}" if isinstance(own.weights, Path) else "weights of your own"


def _size(weights: Path | bytes | None) -> int | None:
    if weights is None:
        return 0
    if isinstance(weights, bytes):
        return len(weights)
    # A file that has gone is told when somebody loads it, not to those who only look at the list.
    return weights.stat().st_size if weights.is_file() else None


def _with_tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
