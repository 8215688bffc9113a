"""A training beside its twin in a process of its own, where it shares neither lock nor memory with a server.

Training is a long row of small operations. In a server's process every one of them would wait for the
interpreter's lock, and the pages of other visitors would wait for it.

    for pair in run_apart(Plan("bars", steps=80, every=8)):
        pair.trained.accuracy, pair.twin.accuracy

Stop iterating, or close the iterator, to end the process.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, cast

import torch

from explorer.lesson.trainer import Plan, check
from explorer.lesson.twins import Pair, Twins

_ROOT = Path(__file__).parents[2]


class TrainingError(RuntimeError):
    """The process ended before the training did; the message has its last words."""


def run_apart(plan: Plan) -> Iterator[Pair]:
    """The reports of `Twins(plan).run()`, computed on one thread of a process that is started for it.

    Raises:
        LessonError: If the plan has an unknown task or impossible numbers.
        TrainingError: If the process does not come to its end.
    """
    check(plan)
    command = [sys.executable, "-m", "explorer.lesson.apart", json.dumps(asdict(plan))]
    paths = filter(None, (str(_ROOT), os.environ.get("PYTHONPATH")))
    surroundings = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=words, env=surroundings
        ) as process,
    ):
        try:
            yield from _reports(cast("IO[bytes]", process.stdout), plan)
        except EOFError:
            process.wait()
            words.seek(0)
            last = words.read().decode(errors="replace").strip()
            raise TrainingError(f"the training's process ended early: {last[-500:]}") from None
        finally:
            process.kill()


def _reports(pipe: IO[bytes], plan: Plan) -> Iterator[Pair]:
    step = -1
    while step < plan.steps:
        pair: Pair = pickle.load(pipe)
        step = pair.step
        yield pair


def _main() -> None:
    """Train as the first argument says, and write one pickled `Pair` after the other."""
    torch.set_num_threads(1)
    for pair in Twins(Plan(**json.loads(sys.argv[1]))).run():
        pickle.dump(pair, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
