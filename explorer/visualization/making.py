"""Making a gallery: in batches, in several processes, to be gone on with after a kill.

Every finished picture is at once kept in a folder (`store.Store`) under the digest of all that it follows
from, so that what was made before is never made again. Batches are always the same ones: a picture does not
depend on where an earlier run was stopped.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import torch

from explorer.visualization.errors import VisualizationError
from explorer.visualization.optimize import origin_of, visualize
from explorer.visualization.plan import Planned, Subject
from explorer.visualization.recipe import Origin
from explorer.visualization.store import Store


@dataclass(frozen=True)
class Settings:
    """How a gallery is made, apart from what is in it.

    Attributes:
        seed: Of all pictures.
        batch: Pictures that are made together, at least 1.
        processes: How many batches are made at the same time, at least 1.
        device: Where to compute.
        quality: Of the sheets' WebP, 1 to 100.
    """

    seed: int = 0
    batch: int = 8
    processes: int = 1
    device: str = "cpu"
    quality: int = 80

    def __post_init__(self) -> None:
        if min(self.batch, self.processes) < 1 or not 1 <= self.quality <= 100 or self.seed < 0:
            raise VisualizationError(
                "batch and processes are at least 1, quality is 1 to 100 and the seed at least 0, not "
                f"{self.batch}, {self.processes}, {self.quality} and {self.seed}"
            )


@dataclass(frozen=True)
class Standing:
    """How far the making is.

    Attributes:
        layer: Of the batch that was just finished; empty for classes and at the beginning.
        done: Pictures that are finished, those of earlier runs included.
        total: Pictures in all.
        seconds_left: Estimated from the work done in this run; None before the first batch.
    """

    layer: str
    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, eq=False)
class _Batch:
    planned: Planned
    indices: tuple[int, ...]

    @property
    def cost(self) -> float:
        return self.planned.cost * self.planned.recipe.steps * len(self.indices)


def make_pictures(
    load: Callable[[], Subject],
    plan: Sequence[Planned],
    folder: Path,
    settings: Settings,
    report: Callable[[Standing], None] = lambda _standing: None,
) -> None:
    """Make all pictures of a plan that `folder` does not hold yet.

    Args:
        load: Loads the model; with several processes it is called in each and must be importable there.
        plan: What to make.
        folder: Where finished pictures are kept.
        settings: How.
        report: Is told at the beginning and after each batch.

    Raises:
        VisualizationError: If something can't be made.
        OSError: If a picture can't be written.
    """
    subject = load()
    store = Store(folder)
    batches = list(_batches(plan, settings.batch))
    total = sum(len(batch.indices) for batch in batches)
    missing = [batch for batch in batches if not _finished(batch, subject, store, settings)]
    watch = _Watch(total, missing)
    report(watch.standing())
    missing.sort(key=lambda batch: -batch.cost)  # the long ones first, so that all processes end together
    for batch in _made(load, subject, missing, folder, settings):
        report(watch.standing(batch))


def _batches(plan: Sequence[Planned], size: int) -> Iterator[_Batch]:
    for planned in plan:
        for start in range(0, len(planned.indices), size):
            yield _Batch(planned, planned.indices[start : start + size])


def origin_in(planned: Planned, index: int, subject: Subject, settings: Settings) -> Origin:
    """Where a picture of a plan is from: the key to find it by."""
    seed = settings.seed
    return origin_of(planned.objective(index), planned.recipe, seed, (seed,), subject.name, subject.weights)


def _finished(batch: _Batch, subject: Subject, store: Store, settings: Settings) -> bool:
    return all(origin_in(batch.planned, index, subject, settings) in store for index in batch.indices)


class _Watch:
    """Counts, and estimates the time left by the work that is left."""

    def __init__(self, total: int, missing: Sequence[_Batch]) -> None:
        self._total = total
        self._done = total - sum(len(batch.indices) for batch in missing)
        self._left = sum(batch.cost for batch in missing)
        self._worked = 0.0
        self._began = time.monotonic()

    def standing(self, batch: _Batch | None = None) -> Standing:
        """Where the making stands after a batch."""
        if batch is None:
            return Standing("", self._done, self._total, None)
        self._done += len(batch.indices)
        self._left -= batch.cost
        self._worked += batch.cost
        seconds = (time.monotonic() - self._began) * self._left / self._worked
        return Standing(batch.planned.layer, self._done, self._total, max(seconds, 0.0))


def _made(
    load: Callable[[], Subject],
    subject: Subject,
    batches: Sequence[_Batch],
    folder: Path,
    settings: Settings,
) -> Iterator[_Batch]:
    if settings.processes == 1:
        for batch in batches:
            _make(subject, batch, folder, settings)
            yield batch
    elif batches:
        yield from _made_by_processes(load, batches, folder, settings)


def _made_by_processes(
    load: Callable[[], Subject], batches: Sequence[_Batch], folder: Path, settings: Settings
) -> Iterator[_Batch]:
    # Spawned rather than forked: a process with threads, as PyTorch's has, must not be forked.
    pool = ProcessPoolExecutor(
        settings.processes, multiprocessing.get_context("spawn"), _begin_process, (load,)
    )
    running: dict[Future[None], _Batch] = {}
    try:
        for batch in batches:
            running[pool.submit(_make_in_process, batch, folder, settings)] = batch
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                future.result()
                yield running.pop(future)
        pool.shutdown()
    except BaseException:
        # Nobody waits for batches that were begun: what is finished is kept, the rest is made another time.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise


_subject: Subject | None = None  # of a worker process


def _begin_process(load: Callable[[], Subject]) -> None:
    global _subject
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _subject = load()


def _end_with_parent() -> None:
    """A parent that was killed can't end its processes, which would then work on unseen."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make_in_process(batch: _Batch, folder: Path, settings: Settings) -> None:
    if _subject is None:
        raise VisualizationError("this process has loaded no model")
    _make(_subject, batch, folder, settings)


def _make(subject: Subject, batch: _Batch, folder: Path, settings: Settings) -> None:
    made = visualize(
        subject.module,
        [batch.planned.objective(index) for index in batch.indices],
        batch.planned.recipe,
        seeds=(settings.seed,),
        device=settings.device,
        model=subject.name,
        weights=subject.weights,
    )
    store = Store(folder)
    for (visualization,) in made:
        store.put(visualization)
