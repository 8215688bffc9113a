"""Several pictures made together, watched while they form, and made again.

    run = Run((Channel("blocks.3.2", 17),), Recipe(), seeds=(0, 1))
    for snapshot in snapshots(model, run):
        snapshot.made[0][0].picture  # as it is now

What is made together counts: a network's sums are added up in another order in another batch or with another
number of threads, and the last bit of a sum may decide what grows. So a run keeps all of it, also the step at
which somebody stopped it.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from explorer.visualization import objectives as known
from explorer.visualization.algebra import Objective
from explorer.visualization.errors import VisualizationError
from explorer.visualization.optimize import Ascent, Progress
from explorer.visualization.recipe import Recipe, Visualization, versions

MOST_BYTES = 16 << 20
"""Of a file with a run; a picture to start from makes the most of it."""


@dataclass(frozen=True, eq=False)
class Run:
    """All that pictures follow from which are made together.

    Attributes:
        objectives: What is raised, each for all seeds.
        recipe: How.
        seeds: One picture for each.
        start: A picture to start from, uint8 (H, W, 3) of the recipe's canvas; None for noise.
        model: The model's name.
        weights: sha256 of its weights in hexadecimal.
        device: Where it is computed.
        threads: With how many threads.
        stopped: The step after which it was stopped; None where it goes to its end.
    """

    objectives: tuple[Objective, ...]
    recipe: Recipe
    seeds: tuple[int, ...] = (0,)
    start: NDArray[np.uint8] | None = None
    model: str = ""
    weights: str = ""
    device: str = "cpu"
    threads: int = 1
    stopped: int | None = None

    def __post_init__(self) -> None:
        if self.stopped is not None and not 0 <= self.stopped <= self.recipe.steps:
            raise VisualizationError(f"a run of {self.recipe.steps} steps can't be stopped at {self.stopped}")
        if self.threads < 1:
            raise VisualizationError(f"it takes at least one thread, not {self.threads}")

    @property
    def last(self) -> int:
        """The step whose pictures are kept."""
        return self.recipe.steps if self.stopped is None else self.stopped

    def to_json(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "objectives": [objective.to_json() for objective in self.objectives],
            "recipe": self.recipe.to_json(),
            "seeds": list(self.seeds),
            "start_png": None if self.start is None else _encoded(self.start),
            "model": self.model,
            "weights_sha256": self.weights,
            "device": self.device,
            "threads": self.threads,
            "stopped": self.stopped,
            "versions": dict(versions()),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Run:
        """The run that `to_json` wrote.

        Raises:
            VisualizationError: If it is none.
        """
        try:
            return cls(
                objectives=tuple(map(known.from_json, value["objectives"])),
                recipe=Recipe.from_json(value["recipe"]),
                seeds=tuple(map(int, value["seeds"])),
                start=None if value["start_png"] is None else _decoded(value["start_png"]),
                model=str(value["model"]),
                weights=str(value["weights_sha256"]),
                device=str(value["device"]),
                threads=int(value["threads"]),
                stopped=None if value["stopped"] is None else int(value["stopped"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, VisualizationError):
                raise
            raise VisualizationError(f"this is no record of a run: {error!r}") from error


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A run at one of its steps.

    Attributes:
        step: Steps done.
        made: For each objective one visualization per seed, their curves up to here.
        seconds: Since the first step began.
    """

    step: int
    made: tuple[tuple[Visualization, ...], ...]
    seconds: float


def snapshots(
    module: nn.Module,
    run: Run,
    every: float = 0.5,
    progress: Callable[[Progress], None] = lambda _progress: None,
) -> Iterator[Snapshot]:
    """Make a run's pictures, and look at them now and then.

    Args:
        module: The model.
        run: What to make.
        every: Seconds from one snapshot to the next.
        progress: Is told after each step.

    Yields:
        One before the first step, those between, and always one at the run's last step.

    Raises:
        VisualizationError: If the objectives don't fit the model, or the values stop being finite.
    """
    ascent = Ascent(module, run.objectives, run.recipe, seeds=run.seeds, device=run.device, start=run.start)
    shape = (len(run.objectives), len(run.seeds))
    curve = [np.empty((0, *shape), dtype=np.float32)]
    began, told = time.monotonic(), -math.inf
    for at in ascent:
        progress(at)
        if at.step:
            curve.append(at.values[None])
        if at.step == run.last or time.monotonic() - told >= every:
            made = ascent.results(np.concatenate(curve), run.model, run.weights)
            told = time.monotonic()
            yield Snapshot(at.step, tuple(map(tuple, made)), told - began)
        if at.step == run.last:
            return


def make(
    module: nn.Module, run: Run, progress: Callable[[Progress], None] = lambda _progress: None
) -> Snapshot:
    """Make a run's pictures, with as many threads as it says.

    Args:
        module: The model.
        run: What to make.
        progress: Is told after each step.

    Raises:
        VisualizationError: As in `snapshots`.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(run.threads)
    try:
        *_, last = snapshots(module, run, math.inf, progress)
    finally:
        torch.set_num_threads(before)
    return last


def run_json(run: Run, snapshot: Snapshot) -> str:
    """A run and what came out of it, as text: enough to make it again and to compare."""
    made = [each.to_json() for row in snapshot.made for each in row]
    return json.dumps({"run": run.to_json(), "made": made}, indent=1, sort_keys=True) + "\n"


def read_run(data: bytes) -> Run | None:
    """The run in a file: what `run_json` wrote, or `store.to_png` with a run; None where there is none.

    Raises:
        VisualizationError: If there is one, and it is damaged.
    """
    if len(data) > MOST_BYTES:
        raise VisualizationError(f"a recipe has at most {MOST_BYTES >> 20} MB, not {len(data) >> 20}")
    try:
        value = json.loads(_text(data))
    except (OSError, ValueError, SyntaxError, KeyError, AttributeError) as error:
        raise VisualizationError(
            f"this is neither a recipe nor a picture with one inside: {error}"
        ) from error
    if not isinstance(value, dict) or not isinstance(value.get("run"), dict):
        return None
    return Run.from_json(value["run"])


def _text(data: bytes) -> str:
    if not data.startswith(b"\x89PNG"):
        return data.decode()
    from explorer.visualization.store import RECORD

    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        image.load()  # text may stand behind the pixels
        text: str = image.text[RECORD]  # type: ignore[attr-defined]
    return text


def _encoded(picture: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _decoded(text: str) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=["PNG"]) as image:
            return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, binascii.Error) as error:
        raise VisualizationError(f"the picture to start from is damaged: {error}") from error
