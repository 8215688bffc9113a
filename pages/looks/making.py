"""Making pictures while a visitor watches, each run in a process of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import nn

from explorer.apart import ApartError, UnsendableError, packed, run_apart
from explorer.visualization import VisualizationError
from explorer.visualization.runs import Snapshot, snapshots
from pages.jobs import VISUALIZING, Job
from pages.looks.order import Order
from pages.looks.sending import LIBRARIES, send_snapshots

EVERY = 0.5
"""Seconds from one look at the forming picture to the next."""

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Forming:
    """A run under way.

    Attributes:
        order: What is made.
        snapshot: How far it is; None until the first step.
        refused: Why it can't be made, a sentence; empty unless that is so.
        job: The work in the background.
    """

    order: Order
    snapshot: Snapshot | None = None
    refused: str = ""
    job: Job[bool] = field(init=False)

    def begin(self, module: nn.Module) -> bool:
        """Put it into the queue; False if too many wait already."""
        self.job = Job(partial(_work, self, module))
        return VISUALIZING.start(self.job)

    @property
    def seconds_left(self) -> float | None:
        """About how long it will take, in seconds; None until a few steps are done."""
        if self.snapshot is None or self.snapshot.step < 3:
            return None
        return self.snapshot.seconds / self.snapshot.step * (self.order.run.last - self.snapshot.step)


def _work(
    forming: Forming, module: nn.Module, tell: Callable[[float], None], cancelled: Callable[[], bool]
) -> bool | None:
    with closing(_told(forming, module)) as told:
        for each in told:
            if isinstance(each, str):
                forming.refused = each
                return None
            forming.snapshot = each
            tell(each.step / max(forming.order.run.last, 1))
            if cancelled():
                return None
    return True


def _told(forming: Forming, module: nn.Module) -> Iterator[Snapshot | str]:
    try:
        kinds = {type(part).__module__.partition(".")[0] for part in module.modules()}
        run = forming.order.run
        yield from run_apart(send_snapshots, packed(module), bool(kinds & LIBRARIES), run, EVERY)
    except UnsendableError:
        # A network of one's own may hold what no other process can read. Here it takes turns with the pages.
        logger.info("a model can't be handed to another process", exc_info=True)
        yield from _here(forming, module)
    except ApartError:
        logger.exception("a visualization's process ended early")
        yield (
            "the process that made it ended early, perhaps for want of memory: a smaller picture or fewer "
            "variants may help"
        )


def _here(forming: Forming, module: nn.Module) -> Iterator[Snapshot | str]:
    run = replace(forming.order.run, threads=torch.get_num_threads())
    forming.order = replace(forming.order, run=run)
    try:
        yield from snapshots(module, run, EVERY)
    except VisualizationError as error:
        yield str(error)
