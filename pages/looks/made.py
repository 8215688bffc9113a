"""What one visitor has made: kept in the session, the oldest going first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from explorer.visualization.runs import Run, Snapshot
from pages import state
from pages.looks.chosen import Chosen
from pages.looks.making import Forming
from pages.looks.order import Order

MOST = 12


@dataclass(frozen=True, eq=False)
class Made:
    """A finished run, or as much of it as was made when it was stopped.

    Attributes:
        number: Counts the session's results from 1.
        order: What was made.
        snapshot: What came out.
    """

    number: int
    order: Order
    snapshot: Snapshot

    @property
    def title(self) -> str:
        """What to call it in a list."""
        run, stopped = self.order.run, self.order.run.stopped
        how = f"{run.recipe.parametrization.kind}, {self.snapshot.step} steps"
        seeds = f"seed {run.seeds[0]}" if len(run.seeds) == 1 else f"seeds {run.seeds[0]}–{run.seeds[-1]}"
        return (
            f"{self.number}. {self.order.title} · {how}, {seeds}{', stopped' if stopped is not None else ''}"
        )


@dataclass(eq=False)
class Mine:
    """What this session makes and has made.

    Attributes:
        forming: What is under way, if anything.
        told: What became of the last one, if it came to nothing.
        made: The results, the latest last.
        begun: How many were begun.
    """

    forming: Forming | None = None
    told: str = ""
    made: list[Made] = field(default_factory=list)
    count: int = 0

    def collect(self) -> Made | None:
        """Take over what is no longer under way, as far as it came."""
        forming = self.forming
        if forming is None or not (forming.job.done or forming.job.cancelled()):
            return None
        self.forming, self.told = None, ""
        if forming.job.failed:
            self.told = "It could not be made; the server's log says why."
        elif forming.refused:
            self.told = f"It can't be made: {forming.refused}."
        elif forming.snapshot is None or forming.snapshot.step == 0:
            self.told = "Stopped before the first step; there is nothing to keep."
        else:
            return self._keep(forming.order, forming.snapshot)
        return None

    def _keep(self, order: Order, snapshot: Snapshot) -> Made:
        if snapshot.step < order.run.last:
            order = replace(order, run=_stopped(order.run, snapshot.step))
        self.count += 1
        result = Made(self.count, order, snapshot)
        self.made.append(result)
        del self.made[:-MOST]
        return result

    def of(self, model_key: str, what: Chosen | None) -> list[Made]:
        """The results for a channel or class of a model, the latest last; with None, all of the model's."""
        own = [each for each in self.made if each.order.model_key == model_key]
        return own if what is None else [each for each in own if each.order.what == what]


def mine() -> Mine:
    """This session's."""
    return state.kept("looks_made", Mine)


def picture(model_key: str, layer: str | None, index: int) -> NDArray[np.uint8] | None:
    """The latest picture of a channel, or with None of a class, made in this session, uint8 (H, W, 3).

    Args:
        model_key: Of the model at work, `LoadedModel.key`.
        layer: The layer's name.
        index: The channel's or the class's number.
    """
    for each in reversed(mine().of(model_key, Chosen(layer, index))):
        if 1 in each.order.signs:
            return each.snapshot.made[each.order.signs.index(1)][0].picture
    return None


def _stopped(run: Run, step: int) -> Run:
    return replace(run, stopped=step)
