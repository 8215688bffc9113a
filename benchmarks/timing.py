"""Timing several ways to do the same thing by turns, so that all meet the same disturbances."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Timing:
    """Times of one contestant, in milliseconds, and their ratio to the reference.

    Attributes:
        median: Half of the runs were quicker.
        lower: A quarter of the runs were quicker.
        upper: Three quarters of the runs were quicker.
        ratio: `median` over the reference's median.
        ratio_spread: Quartiles of the ratio within single rounds, where both ran one soon after the other.
        runs: How often it was timed.
    """

    median: float
    lower: float
    upper: float
    ratio: float
    ratio_spread: tuple[float, float]
    runs: int


def interleaved(
    contestants: Mapping[str, Callable[[], object]],
    reference: str,
    rounds: int,
    seed: int = 0,
) -> dict[str, Timing]:
    """Time all contestants in `rounds` rounds, each round in another order.

    What a contestant returns is freed within its own time, because freeing is part of what it costs. The
    order changes, because the state in which one leaves the heap and the caches is the next one's start.

    Args:
        contestants: What to call, by name.
        reference: The name of the one that the ratios refer to.
        rounds: How many rounds, at least 2.
        seed: Of the orders.

    Returns:
        A `Timing` for each name.

    Raises:
        ValueError: If `reference` is not among the contestants or there are fewer than two rounds.
    """
    if reference not in contestants:
        raise ValueError(f"the reference {reference!r} is not among {', '.join(contestants)}")
    if rounds < 2:
        raise ValueError(f"quartiles need at least 2 rounds, not {rounds}")
    for call in contestants.values():
        call()
    shuffle = random.Random(seed).shuffle
    times: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for _ in range(rounds):
        shuffle(names)
        for name in names:
            times[name].append(milliseconds(contestants[name]))
    return {name: spread(own, *times[reference]) for name, own in times.items()}


def milliseconds(call: Callable[[], object]) -> float:
    """How long `call()` takes and frees its result, in milliseconds of this process's own processor time.

    Other programs' turns on a busy machine don't count, nor does a garbage collection of others' waste. With
    several threads the times of all of them add up, so contestants use one.
    """
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        call()
        return 1000 * (time.process_time() - start)
    finally:
        gc.enable()


def spread(times: list[float], *reference: float) -> Timing:
    """Median and quartiles of at least two times, relative to a reference's: one each, or one for all."""
    lower, half, upper = quantiles(times, n=4, method="inclusive")
    each = reference if len(reference) == len(times) else reference * len(times)
    ratios = [own / other for own, other in zip(times, each, strict=True)]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return Timing(half, lower, upper, half / median(reference), (low, high), len(times))
