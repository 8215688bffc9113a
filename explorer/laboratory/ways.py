"""Every way to make a case: `F.conv2d`, `auto`, and each algorithm that fits; and what time they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median, quantiles

import torch
from torch import Tensor

from explorer.convolution import Geometry, conv2d, fitting
from explorer.convolution.comparison import library
from explorer.convolution.timing import PEER, Timing, interleave
from explorer.laboratory.cases import Case

Way = Callable[[], Tensor]
Progress = Callable[[float], None]
Cancelled = Callable[[], bool]

AUTO = "auto"
LOOPS = "loops"


def ways(case: Case) -> dict[str, Way]:
    """The ways by name, `F.conv2d` under `PEER` first; the pure-Python loops last, since they are slow.

    What `F.conv2d` does not offer, such as mirrored padding, is done before, for all of them alike.
    """
    plain = case.plain
    given = plain.input, plain.weight, plain.bias
    library_way: dict[str, Way] = {PEER: partial(library, *given, sizes=plain.sizes)}
    fast = [name for name in fitting(plain.sizes) if name != LOOPS]
    return library_way | {
        name: partial(conv2d, *given, **plain.parameters, algorithm=name) for name in (AUTO, *fast, LOOPS)
    }


def timed(
    case: Case,
    names: Sequence[str] = (),
    *,
    seconds: float,
    least: int,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> tuple[Timing, ...]:
    """Time ways by turns.

    Args:
        case: The convolution.
        names: Which ways beside `F.conv2d`; by default all but the loops.
        seconds: How long, about.
        least: Rounds at the least, two or more.
        progress: Called with the fraction done.
        cancelled: Asked before each round; True ends it with what there is.

    Returns:
        `F.conv2d` first; empty if cancelled before there were two rounds.
    """
    wanted = {PEER, *names} if names else ways(case).keys() - {LOOPS}
    chosen = {name: run for name, run in ways(case).items() if name in wanted}
    with torch.no_grad():
        rounds = interleave(chosen, seconds, progress, cancelled, least=least)
    if len(rounds[PEER]) < 2:
        return ()
    return tuple(_timing(name, times, rounds[PEER], case.sizes) for name, times in rounds.items())


def estimated(sizes: Geometry, pace: float, peer: Timing) -> Timing:
    """The pure-Python loops' time from their pace, in nanoseconds for each multiplication."""
    expected = sizes.multiplications * pace / 1e6
    return Timing(LOOPS, expected, expected, expected, 0, expected / peer.milliseconds, 2 / pace)


def _timing(name: str, times: Sequence[float], peer: Sequence[float], sizes: Geometry) -> Timing:
    low, middle, high = quantiles(times, n=4, method="inclusive")
    ratio = median(ours / theirs for ours, theirs in zip(times, peer, strict=True))
    return Timing(name, middle, low, high, len(times), ratio, 2 * sizes.multiplications / middle / 1e6)
