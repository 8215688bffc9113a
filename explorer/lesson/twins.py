"""A training beside its twin: the same network, of which the twin's filters stay the noise they began as.

Both are given the same pictures in the same order. In the twin only the dense layer learns, so that it tells
how far random filters carry; the difference between the two is what learning the filters is worth.

Example:
    >>> twins = Twins(Plan("bars", steps=2, batch=8, every=1))
    >>> [pair.step for pair in twins.run()]
    [0, 1, 2]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from explorer.lesson.trainer import HELD_OUT, Plan, Progress, Trainer

_Z = 1.959964
"""Of a normal distribution 95 % lies within so many standard deviations."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Both networks after the same number of steps."""

    trained: Progress
    twin: Progress

    @property
    def step(self) -> int:
        """Steps done."""
        return self.trained.step


@dataclass(frozen=True)
class Share:
    """A share that was counted, with what chance leaves open.

    Attributes:
        right: Pictures that were told right.
        count: Pictures in all.
    """

    right: int
    count: int

    @property
    def value(self) -> float:
        """0 to 1."""
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share among all possible pictures lies, with 95 % confidence.

        Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

        Example:
            >>> low, high = Share(256, 512).interval
            >>> round(low, 3), round(high, 3)
            (0.457, 0.543)
        """
        square = _Z**2 / self.count
        middle = (self.value + square / 2) / (1 + square)
        reach = _Z * math.sqrt(self.value * (1 - self.value) / self.count + square / (4 * self.count))
        return max(0.0, middle - reach / (1 + square)), min(1.0, middle + reach / (1 + square))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{_percent(self.value)} ({_percent(low)} to {_percent(high)})"


class Twins:
    """Two trainings side by side.

    Attributes:
        plan: What is trained.
        trained: The network that learns as a whole.
        twin: The one whose filters stay.
    """

    def __init__(self, plan: Plan) -> None:
        """Make both.

        Raises:
            LessonError: If the plan has an unknown task or impossible numbers.
        """
        self.plan = plan
        self.trained = Trainer(replace(plan, frozen=False))
        self.twin = Trainer(replace(plan, frozen=True))

    def run(self) -> Iterator[Pair]:
        """Train both by turns, from the beginning; reports as `Trainer.run` gives them."""
        for trained, twin in zip(self.trained.run(), self.twin.run(), strict=True):
            yield Pair(trained, twin)


def report(send: Callable[[Pair], None], plan: Plan) -> None:
    """Train both on one thread and send their reports: for `explorer.apart.run_apart`."""
    torch.set_num_threads(1)
    for pair in Twins(plan).run():
        send(pair)


def accuracy(progress: Progress) -> Share:
    """The accuracy on the held-out pictures as a count."""
    return Share(round(progress.accuracy * HELD_OUT), HELD_OUT)


def verdict(plan: Plan, pair: Pair, classes: int) -> str:
    """What came out, in words: both accuracies, what chance leaves open, and the filters.

    Args:
        plan: What was trained.
        pair: Its last report.
        classes: Among which a guess would choose.
    """
    own, other = accuracy(pair.trained), accuracy(pair.twin)
    apart = own.interval[0] > other.interval[1] or own.interval[1] < other.interval[0]
    more = "more" if own.right >= other.right else "fewer"
    difference = f"{abs(own.right - other.right)} {more}"
    sure = "too many to be luck" if apart else "so few that it may be luck"
    return (
        f"After {pair.step} steps the trained network tells **{own}** of {own.count} held-out pictures "
        f"right, its twin with random filters {other}: {difference}, {sure}. Guessing gets "
        f"{_percent(1 / classes)}. Of the {plan.filters} trained filters {pair.trained.edge_detectors} pass "
        f"for edge detectors, of the twin's {pair.twin.edge_detectors}."
    )


def examples(plan: Plan, each: int) -> torch.Tensor:
    """Pictures of the task as the networks get them, (classes, each, 24, 24), drawn with a seed of their own.

    Raises:
        LessonError: If the plan has an unknown task or impossible numbers.
    """
    task = Trainer(plan).task
    generator = torch.Generator().manual_seed(2**40)
    pictures, labels = task.draw(each * 16 * len(task.classes), generator, plan.noise)
    return torch.stack([pictures[labels == at][:each, 0] for at in range(len(task.classes))])


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"
