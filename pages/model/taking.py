"""Making a visitor's own weights the model at work, or saying why not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import models
from models.architectures import architecture
from models.checkpoint import Mismatch
from models.own import own_spec
from pages import state
from pages.model.given import MOST_PER_SESSION, PREFIX, Given, GivenFile
from pages.model.preparation import Fields
from pages.model.showing import usable

_ONE_AT_A_TIME = threading.Lock()
"""Reading a file can take its size in memory; several at once would add up."""


class Labels(Protocol):
    """An uploaded file of labels."""

    def getvalue(self) -> bytes:
        """Its content."""


@dataclass(frozen=True)
class Source:
    """Where weights come from.

    Attributes:
        name: What to call the file.
        open: Makes it a file on this computer; raises `ModelError` where that can't be.
    """

    name: str
    open: Callable[[], Path | GivenFile]


@dataclass(frozen=True)
class Refused:
    """Why a file was not taken.

    Attributes:
        said: In a sentence.
        mismatches: The tensors that do not fit.
    """

    said: str
    mismatches: tuple[Mismatch, ...] = ()


def take(
    name: str,
    source: Source,
    classes: int | None,
    labels: Labels | None,
    prepared: Fields,
) -> Refused | None:
    """Build the network and make it the current model; what can't be is told and changes nothing.

    Args:
        name: Of the architecture.
        source: The weights.
        classes: Number of outputs; None for that of the weights.
        labels: The file with the names of the classes, if there is one.
        prepared: How pictures are prepared.

    Returns:
        What stands in the way, or None.
    """
    file: Path | GivenFile | None = None
    try:
        with _ONE_AT_A_TIME:
            names = () if labels is None else models.parse_labels(labels.getvalue(), classes)
            file = source.open()
            own = models.OwnModel(
                name, path_of(file), classes, names, prepared.preprocessing(architecture(name))
            )
            open_given(own, file if isinstance(file, GivenFile) else None)
    except models.ModelError as error:
        said = str(error)
        if file is not None:  # where the server keeps it is nobody's business
            said = said.replace(str(path_of(file)), path_of(file).name)
        return Refused(said, error.mismatches if isinstance(error, models.MismatchError) else ())
    return None


def path_of(file: Path | GivenFile) -> Path:
    """Where a file is."""
    return file if isinstance(file, Path) else file.path


def open_given(own: models.OwnModel, file: GivenFile | None) -> None:
    """Build a model that this visitor gave, and show it.

    Raises:
        ModelError: If it can't be built or shown; then it is forgotten.
    """
    mine = state.given_models()
    numbers = [int(name.removeprefix(PREFIX)) for name in mine]
    name = f"{PREFIX}{max(numbers, default=0) + 1}"
    mine[name] = Given(own_spec(own, name), file)
    try:
        usable(name)
    except models.ModelError:
        del mine[name]
        raise
    while len(mine) > MOST_PER_SESSION:
        del mine[next(iter(mine))]
    state.choose_model(name)
