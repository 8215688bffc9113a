"""The command `visualize`: pictures of what channels, units and classes look for."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from explorer.activations import CaptureError
from explorer.cli_output import complain, say
from explorer.cli_pictures import distinct, file_name, gather, shown
from explorer.images import decode
from explorer.layers import layer_table
from explorer.visualization import (
    Fourier,
    Maco,
    Parametrization,
    Pixels,
    Progress,
    Recipe,
    Visualization,
    VisualizationError,
)
from explorer.visualization.defaults import default_recipe, starting_picture
from explorer.visualization.notation import parse_objective
from explorer.visualization.optimize import start_digest
from explorer.visualization.plan import Subject
from explorer.visualization.recipe import Origin
from explorer.visualization.runs import Run, make, read_run
from explorer.visualization.store import from_png, to_png, write_whole

_PARAMETRIZATIONS: dict[str, type[Parametrization]] = {"pixels": Pixels, "fourier": Fourier, "maco": Maco}


def visualize_command(arguments: argparse.Namespace, model: HasWeights) -> int:
    """Make the pictures and write each as PNG, with its record inside and beside it as JSON.

    Returns:
        The exit code: 0, or 2 where something can't be made, which is said.

    Raises:
        OSError: If a file can't be read or written.
    """
    try:
        _visualize(arguments, subject_of(model))
    except (VisualizationError, CaptureError) as error:
        return refuse(error)
    return 0


def refuse(error: Exception) -> int:
    """Say why something can't be made; returns the exit code for wrong arguments."""
    complain(f"{str(error)[:1].upper()}{str(error)[1:]}.")
    return 2


class HasWeights(Protocol):
    """What is needed of a loaded model: that of `models.LoadedModel`, which isn't imported here."""

    @property
    def spec(self) -> Any:
        """What it is: its `name` and `input_shape`."""

    @property
    def module(self) -> nn.Module:
        """The network."""

    @property
    def digest(self) -> str:
        """sha256 of its weights."""

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each class."""

    @property
    def preprocess(self) -> Any:
        """From a picture to its input, with `mean` and `std`."""


def subject_of(model: HasWeights) -> Subject:
    """A loaded model as visualizations are made of it."""
    preprocess = model.preprocess
    return Subject(
        module=model.module,
        name=model.spec.name,
        weights=model.digest,
        labels=model.labels,
        input_shape=model.spec.input_shape,
        mean=preprocess.mean,
        std=preprocess.std,
        preprocess=preprocess,
    )


def _visualize(arguments: argparse.Namespace, subject: Subject) -> None:
    check_device(arguments.device)
    if bool(arguments.targets) == bool(arguments.again):
        raise VisualizationError("say what to raise, such as blocks.3.2:17, or give pictures with --again")
    work = list(_again(arguments, subject) if arguments.again else _asked(arguments, subject))
    names = distinct(name for name, _ in work)
    for name, (_, run) in zip(names, work, strict=True):
        several = len(run.objectives) > 1
        for number, row in enumerate(_made(subject, run)):
            for made in row:
                part = f"-{number}" if several else ""
                own = f"{name}{part}" if len(run.seeds) == 1 else f"{name}{part}-seed{made.origin.seed}"
                _write(arguments.out / f"{own}.png", made, run)


_Work = tuple[str, Run]


def _asked(arguments: argparse.Namespace, subject: Subject) -> Iterator[_Work]:
    table = layer_table(subject.module, torch.zeros(subject.input_shape))
    for text in arguments.targets:
        objective = parse_objective(text, subject.labels)
        objective = -objective if arguments.negative else objective
        recipe = default_recipe(objective, table, subject.input_shape[2:], subject.mean, subject.std)
        recipe = _changed(recipe, arguments)
        start = _start(arguments.start, recipe)
        name = file_name(f"negative-{text}" if arguments.negative else text)
        run = Run((objective,), recipe, tuple(arguments.seeds), start, subject.name, subject.weights)
        yield name, replace(run, device=arguments.device, threads=torch.get_num_threads())


def _changed(recipe: Recipe, arguments: argparse.Namespace) -> Recipe:
    """The recipe with what was asked for instead."""
    make = recipe.parametrization
    rate = recipe.learning_rate
    if arguments.parametrization and arguments.parametrization != make.kind:
        make = _PARAMETRIZATIONS[arguments.parametrization]()
        rate = make.step
    return replace(
        recipe,
        parametrization=make,
        steps=arguments.steps or recipe.steps,
        size=(arguments.side, arguments.side) if arguments.side else recipe.size,
        learning_rate=arguments.rate or rate,
    )


def _start(name: str | None, recipe: Recipe) -> NDArray[np.uint8] | None:
    if name is None:
        return None
    (source, *others) = gather([name])
    if others:
        raise VisualizationError(f"{shown(name)} is a folder, and a visualization starts from one picture")
    try:
        return starting_picture(decode(source.read()).rgb, recipe.canvas)
    except ValueError as error:
        raise VisualizationError(f"{shown(name)}: {error}") from error


def _again(arguments: argparse.Namespace, subject: Subject) -> Iterator[_Work]:
    for path in arguments.again:
        try:
            data = path.read_bytes()
            run = read_run(data) or _alone(from_png(data).origin, arguments)
        except (VisualizationError, OSError) as error:
            raise VisualizationError(f"{shown(str(path))}: {error}") from error
        _check_weights(run, subject, shown(str(path)))
        yield f"{path.stem}-again", run


def _alone(origin: Origin, arguments: argparse.Namespace) -> Run:
    """The run of a picture that does not say what else was made with it."""
    start = _start(arguments.start, origin.recipe)
    if origin.start != start_digest(start):
        raise VisualizationError(
            "it was started from a picture: give the same one with --from"
            if start is None
            else "it was not started from that picture"
        )
    run = Run((origin.objective,), origin.recipe, origin.seeds, start, origin.model, origin.weights)
    return replace(run, device=arguments.device, threads=torch.get_num_threads())


def _check_weights(run: Run, subject: Subject, name: str) -> None:
    if run.weights != subject.weights:
        raise VisualizationError(
            f"{name} was made of {run.model or 'another model'}, with other weights than {subject.name} "
            "has here: name the model with --model"
        )


def _made(subject: Subject, run: Run) -> tuple[tuple[Visualization, ...], ...]:
    # disable=None: a bar only where standard error is a terminal, so that logs stay readable.
    with tqdm(total=run.last, unit="step", file=sys.stderr, disable=None, leave=False) as bar:
        return make(subject.module, run, progress=_shown_on(bar)).made


def _shown_on(bar: tqdm[None]) -> Callable[[Progress], None]:
    def step(progress: Progress) -> None:
        if progress.step:
            bar.set_postfix(value=f"{progress.values.mean():.3g}", refresh=False)
            bar.update()

    return step


def _write(path: Path, made: Visualization, run: Run) -> None:
    write_whole(path, to_png(made, run))
    record = json.dumps({**made.to_json(), "run": run.to_json()}, indent=1, sort_keys=True, allow_nan=False)
    write_whole(path.with_suffix(".json"), f"{record}\n".encode())
    say(f"{shown(str(path))}: {made.origin.objective.describe()} reached {made.value:.4g}")


def check_device(name: str) -> None:
    """See that there is such a device.

    Raises:
        VisualizationError: If there is none.
    """
    try:
        torch.zeros(1, device=torch.device(name))
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).partition("\n")[0]
        raise VisualizationError(f"there is no device {name!r} here: {first}") from error
