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
        count: How many results there were so far.
        picked: Which result is shown at a place, by its number; 0 for the gallery's picture.
    """

    forming: Forming | None = None
    told: str = ""
    made: list[Made] = field(default_factory=list)
    count: int = 0
    picked: dict[Chosen | None, int] = field(default_factory=dict)

    def collect(self) -> None:
        """Take over what is no longer under way, as far as it came."""
        forming = self.forming
        if forming is None or not (forming.job.done or forming.job.cancelled()):
            return
        self.forming, self.told = None, ""
        if forming.job.failed:
            self.told = "It could not be made; the server's log says why."
        elif forming.refused:
            self.told = f"It can't be made: {forming.refused}."
        elif forming.snapshot is None or forming.snapshot.step == 0:
            self.told = "Stopped before the first step; there is nothing to keep."
        else:
            self._keep(forming.order, forming.snapshot)

    def _keep(self, order: Order, snapshot: Snapshot) -> None:
        if snapshot.step < order.run.last:
            order = replace(order, run=_stopped(order.run, snapshot.step))
        self.count += 1
        self.made.append(Made(self.count, order, snapshot))
        del self.made[:-MOST]
        self.pick(order.at, self.count)

    def at(self, model_key: str, place: Chosen | None) -> list[Made]:
        """The results that were asked for beside a channel or class of a model, the latest last."""
        return [each for each in self.of(model_key) if each.order.at == place]

    def of(self, model_key: str) -> list[Made]:
        """All results of a model, the latest last."""
        return [each for each in self.made if each.order.model_key == model_key]

    def pick(self, place: Chosen | None, number: int) -> None:
        """Show a result at its place; 0 for the gallery's picture."""
        self.picked[place] = number


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
    for each in reversed(mine().at(model_key, Chosen(layer, index))):
        if each.order.plain and 1 in each.order.signs:
            return each.snapshot.made[each.order.signs.index(1)][0].picture
    return None


def _stopped(run: Run, step: int) -> Run:
    return replace(run, stopped=step)
