"""The model that a command line names: found, loaded and brought to its device, or what is wrong with it."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from explorer.cli_output import download_bar
from explorer.cli_pictures import shown

if TYPE_CHECKING:
    from models import LoadedModel, OwnModel

OK, FAILED, USAGE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141


class Stop(Exception):  # noqa: N818 - also for what is no error of the program
    """Nothing more can be done; the message says why, and `code` is the exit code."""

    def __init__(self, message: object, code: int) -> None:
        super().__init__(str(message))
        self.code = code


def load(arguments: argparse.Namespace) -> LoadedModel:
    """The model, where models are loaded: on the CPU.

    Raises:
        Stop: If there is no such model, or it can't be loaded.
    """
    import models

    with telling_what_is_wrong():
        own = own_model(arguments)
        if own is not None:
            return models.load_own(own)
        spec = models.find(arguments.model)
        with download_bar(spec.name) as progress:
            return models.load(spec.name, progress)


def brought(arguments: argparse.Namespace) -> LoadedModel:
    """The model on the device that was asked for, in the precision that was asked for.

    Raises:
        Stop: As `load`, or if there is no such device or no room on it.
    """
    import models

    with telling_what_is_wrong():
        device = models.choose_device(arguments.device)
        model = load(arguments).on(device)
    return model.in_mixed_precision if getattr(arguments, "mixed_precision", False) else model


def own_model(arguments: argparse.Namespace) -> OwnModel | None:
    """The model of one's own that was given; None where it is one of the known ones, with its weights."""
    import models

    given = (arguments.weights, arguments.classes, arguments.size, arguments.mean, arguments.std)
    if arguments.weights is None and ":" not in arguments.model:
        if any(value is not None for value in (*given, arguments.labels)):
            raise Stop(
                "--classes, --labels, --size, --mean and --std describe a model of your own, which --weights "
                "or --model mypkg.mymodule:build gives.",
                USAGE,
            )
        return None
    return models.own_model(
        arguments.model,
        weights=arguments.weights,
        classes=arguments.classes,
        labels=arguments.labels,
        size=arguments.size,
        mean=arguments.mean,
        std=arguments.std,
    )


@contextlib.contextmanager
def telling_what_is_wrong() -> Iterator[None]:
    """Turn what is wrong with a model or a device into the program's end."""
    import models

    try:
        yield
    except (models.UnknownModelError, models.DeviceError) as error:
        raise Stop(error, USAGE) from error
    except models.ModelError as error:
        raise Stop(error, FAILED) from error


@contextlib.contextmanager
def running(model: LoadedModel) -> Iterator[None]:
    """Turn what a network raises when a picture does not fit it into the program's end.

    What this package raises for people passes; `telling_what_is_wrong` and the commands tell it.
    """
    try:
        yield
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        raise _unfit(model, error) from error
    except Exception as error:  # somebody else's network can raise anything
        raise _unfit(model, error) from error


def _unfit(model: LoadedModel, error: Exception) -> Stop:
    shape = " × ".join(map(str, model.spec.input_shape))
    why = next(iter(str(error).splitlines()), "")[:300]
    return Stop(
        f"A picture of {shape} does not pass through {model.spec.name} ({type(error).__name__}: {why}). "
        "--size gives the side of a network's input, --mean and --std one number per channel; a network for "
        "something else than pictures can be explored from Python.",
        FAILED,
    )


def app_environment(arguments: argparse.Namespace) -> tuple[str, dict[str, str]]:
    """The name of the model that the app is to start on, and what the app finds in its environment.

    Raises:
        Stop: If the model can't be loaded, or there is no such device or folder.
    """
    import models
    from models.own import CHECKPOINTS

    environment = {}
    if arguments.device is not None:
        with telling_what_is_wrong():
            environment[models.CHOSEN_DEVICE] = models.choose_device(arguments.device).name
    # Once here, where what is wrong with the model can be said, and where a download shows its progress.
    name, own = load(arguments).spec.name, own_model(arguments)
    environment[models.STARTED_ON] = name if own is None else own.to_json()
    if (folder := arguments.checkpoints) is not None:
        if not folder.is_dir():
            raise Stop(f"{shown(str(folder))} is no folder.", USAGE)
        environment[CHECKPOINTS] = str(folder.resolve())
    return name, environment
