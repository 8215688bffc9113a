"""A training as the page keeps it: what was reported, and how it is handed to the browser."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from explorer.apart import run_apart
from explorer.lesson.tasks import TASKS
from explorer.lesson.trainer import Plan, Progress
from explorer.lesson.twins import Pair, accuracy, report
from explorer.rendering import mosaic
from pages.jobs import Job

HEIGHT = 2
"""Of the plot of the loss, in units of what guessing gets, log(classes)."""


@dataclass(eq=False)
class Record:
    """A training of a network and its twin, under way or over.

    Attributes:
        plan: What is trained.
        pairs: The reports so far; a thread adds to them while the page reads.
    """

    plan: Plan
    pairs: list[Pair] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether it went to its end."""
        return bool(self.pairs) and self.pairs[-1].step == self.plan.steps

    def work(self, tell: Any, cancelled: Any) -> bool | None:
        """Train in a process of its own until it is over or cancelled; the job's result."""
        with closing(run_apart(report, self.plan)) as reports:
            for pair in reports:
                self.pairs.append(pair)
                tell(pair.step / self.plan.steps)
                if cancelled():
                    return None
        return True


def job(record: Record) -> Job[bool]:
    """The work in the background that fills a record."""
    return Job(record.work)


def as_data(record: Record) -> dict[str, Any]:
    """What the browser draws; `record` has at least one report."""
    pairs = list(record.pairs)
    trained, twins = [pair.trained for pair in pairs], [pairs[0].twin]
    entries, palette = _entries(trained)
    other, _ = _entries(twins)
    readouts = [_readout(record.plan, pair) for pair in pairs]
    return {
        "run": str(record.plan),
        "digest": hashlib.sha256(f"{record.plan} {len(pairs)}".encode()).hexdigest(),
        "steps": [pair.step for pair in pairs],
        "total": record.plan.steps,
        "palette": palette,
        "groups": [
            _group("The first layer's filters", entries, trained),
            _group("The twin's: random, and they stay so", other, twins),
        ],
        "readouts": readouts,
        "charts": [_accuracies(record.plan, pairs), _losses(record.plan, pairs)],
    }


def _entries(reports: Sequence[Progress]) -> tuple[str, str]:
    """The filters of all reports as palette entries, each filter with its own scale, and the palette."""
    filters = torch.cat([report.filters[:, 0] for report in reports])  # (R * O, k, k)
    sheet = mosaic(_signed(filters), scale="channel")
    return _packed(sheet.tiles.tobytes()), _packed(sheet.palette.tobytes())


def _signed(filters: Tensor) -> Tensor:
    """Filters, of which one at least has a negative weight, so that zero is always the same colour."""
    return filters if bool((filters < 0).any()) else filters - 1e-12


def _packed(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _group(title: str, entries: str, reports: Sequence[Progress]) -> dict[str, Any]:
    count, _, rows, columns = reports[0].filters.shape
    edges = [[edge.is_edge for edge in report.edges] for report in reports]
    return {"title": title, "entries": entries, "shape": [len(reports), count, rows, columns], "edges": edges}


def _readout(plan: Plan, pair: Pair) -> str:
    own, other = accuracy(pair.trained), accuracy(pair.twin)
    return (
        f"Step {pair.step} of {plan.steps}: {own} of the held-out pictures right, the twin {other}. "
        f"{pair.trained.edge_detectors} of {plan.filters} filters pass for edge detectors."
    )


def _accuracies(plan: Plan, pairs: Sequence[Pair]) -> dict[str, Any]:
    chance = 1 / len(TASKS[plan.task].classes)
    last = pairs[-1]
    return {
        "title": "Held-out pictures told right",
        "high": 1.0,
        "ticks": [{"value": share, "text": f"{100 * share:.0f} %"} for share in (0, 0.25, 0.5, 0.75, 1)],
        "lines": [
            _line("trained", "trained", [pair.trained.accuracy for pair in pairs]),
            _line("twin", "random twin", [pair.twin.accuracy for pair in pairs]),
        ],
        "level": {"value": chance, "name": f"guessing {100 * chance:.0f} %"},
        "told": f"Accuracy over the steps: trained {accuracy(last.trained)}, twin {accuracy(last.twin)}, "
        f"guessing {100 * chance:.0f} %",
    }


def _losses(plan: Plan, pairs: Sequence[Pair]) -> dict[str, Any]:
    guess = float(torch.tensor(len(TASKS[plan.task].classes)).log())
    last = pairs[-1]
    high = guess * HEIGHT
    return {
        "title": "Loss (cross-entropy)",
        "high": high,
        "ticks": [{"value": value, "text": f"{value:g}"} for value in _ticks(high)],
        "lines": [
            _line("trained", "held-out", [pair.trained.held_out_loss for pair in pairs]),
            _line("fresh", "training", [pair.trained.loss for pair in pairs]),
            _line("twin", "twin, held-out", [pair.twin.held_out_loss for pair in pairs]),
        ],
        "level": {"value": guess, "name": f"guessing {guess:.2f}"},
        "told": f"Loss over the steps: held-out {last.trained.held_out_loss:.2f}, training "
        f"{last.trained.loss:.2f}, twin {last.twin.held_out_loss:.2f}, guessing {guess:.2f}",
    }


def _ticks(high: float) -> Iterator[float]:
    return (step / 2 for step in islice(range(100), int(2 * high) + 1))


def _line(kind: str, name: str, values: Sequence[float]) -> dict[str, Any]:
    return {"kind": kind, "name": name, "values": list(values)}
