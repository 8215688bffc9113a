"""Time several ways of one convolution, fairly: in turns, by medians, and stoppable."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.convolution.algorithms import ALGORITHMS, find, fitting
from explorer.convolution.geometry import Geometry
from explorer.convolution.padding import pad

PEER = "torch"
"""The name of `F.conv2d` among the algorithms."""

LOOP_NANOSECONDS = 150.0
"""Time of one multiplication in the pure-Python loops; those too long to wait for are estimated from it."""


@dataclass(frozen=True)
class Timing:
    """How long one way takes.

    Attributes:
        name: The algorithm's, or "torch" for `F.conv2d`.
        milliseconds: Median of the runs.
        low: Lower quartile of the runs, in milliseconds.
        high: Upper quartile.
        runs: How many there were; 0 where the time is estimated.
        ratio: The median of the quotients with the peer's time in the same round; below 1 is faster.
        gflops: Thousand millions of additions and multiplications of the definition, per second.
    """

    name: str
    milliseconds: float
    low: float
    high: float
    runs: int
    ratio: float
    gflops: float

    @property
    def estimated(self) -> bool:
        """Whether this was computed instead of measured."""
        return self.runs == 0


def time_algorithms(
    input: Tensor,
    weight: Tensor,
    sizes: Geometry,
    names: Sequence[str] = (),
    *,
    seconds: float = 1.0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Timing, ...]:
    """Time algorithms against `F.conv2d` on the caller's number of threads.

    The pure-Python loops are measured where one run is expected to take less than a tenth of the time, and
    else estimated from the number of multiplications.

    Args:
        input: (N, C, H, W); detached for the measurement.
        weight: (O, C / groups, kH, kW).
        sizes: The convolution, as `sizes_of` makes it.
        names: Algorithms; by default all that fit.
        seconds: How long to measure, all together.
        progress: Called with the fraction done, from 0 to 1.
        cancelled: Asked before each round; True ends the measurement with what there is.

    Returns:
        `F.conv2d` first, then the algorithms in the order of their names; empty if cancelled before the
        first round.

    Raises:
        DomainError: If a named algorithm does not fit.
    """
    batch, kernels = input.detach(), weight.detach()
    chosen = [find(name, sizes).name for name in names or fitting(sizes)]
    slow = {"loops"} & set(chosen) if sizes.multiplications * LOOP_NANOSECONDS > 1e8 * seconds else set()

    def by_torch() -> Tensor:
        # Asymmetric padding is part of the work, since F.conv2d leaves it to its caller.
        (top, bottom, left, right), shared = sizes.padding, (sizes.stride, sizes.dilation, sizes.groups)
        if (top, left) == (bottom, right):
            return F.conv2d(batch, kernels, None, shared[0], (top, left), *shared[1:])
        return F.conv2d(pad(batch, sizes.padding), kernels, None, shared[0], 0, *shared[1:])

    def by_hand(name: str) -> Callable[[], Tensor]:
        return lambda: ALGORITHMS[name].run(batch, kernels, sizes)

    ways: dict[str, Callable[[], object]] = {PEER: by_torch}
    ways |= {name: by_hand(name) for name in chosen if name not in slow}
    if input.is_cuda:  # a kernel's launch returns before its work is done
        ways = {name: _finished(run) for name, run in ways.items()}
    with torch.no_grad():
        rounds = interleave(ways, seconds, progress, cancelled)
    if not rounds[PEER]:
        return ()
    timings = [_timing(name, times, rounds[PEER], sizes) for name, times in rounds.items()]
    return (*timings, *(_estimate(name, rounds[PEER], sizes) for name in sorted(slow)))


def interleave(
    ways: Mapping[str, Callable[[], object]],
    seconds: float = 1.0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    least: int = 5,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, list[float]]:
    """Run every way once per round, in turns, so that a busy moment of the machine meets all alike.

    Args:
        ways: What to run, by name.
        seconds: Rounds begin until this much time has passed, by the wall clock.
        progress: Called with the fraction done.
        cancelled: Asked before each round.
        least: Rounds at the least, unless cancelled.
        clock: What the runs are timed by, in seconds.

    Returns:
        By name the milliseconds of each round; one more round before warms up, and does not count.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    collecting = gc.isenabled()
    gc.disable()  # a collection would fall on one of them
    try:
        start, done = perf_counter(), -1
        while done < least or perf_counter() - start < seconds:
            if cancelled is not None and cancelled():
                break
            # Forwards and backwards by turns: each leaves the caches in some state to the next.
            for name in list(ways)[:: 1 if done % 2 else -1]:
                begin = clock()
                ways[name]()
                if done >= 0:
                    times[name].append((clock() - begin) * 1e3)
            done += 1
            if progress is not None:
                progress(min(1.0, max((perf_counter() - start) / seconds, 0), (done + 1) / (least + 1)))
        else:
            if progress is not None:
                progress(1.0)  # the last round may have ended just before the time was up
    finally:
        if collecting:
            gc.enable()
    return times


def _finished(run: Callable[[], object]) -> Callable[[], object]:
    def finish() -> None:
        run()
        torch.cuda.synchronize()

    return finish


def _timing(name: str, times: list[float], peer: list[float], sizes: Geometry) -> Timing:
    low, middle, high = quantiles(times, n=4, method="inclusive") if len(times) > 1 else times * 3
    ratio = median(ours / theirs for ours, theirs in zip(times, peer, strict=True))
    return Timing(name, middle, low, high, len(times), ratio, 2 * sizes.multiplications / middle / 1e6)


def _estimate(name: str, peer: list[float], sizes: Geometry) -> Timing:
    expected = sizes.multiplications * LOOP_NANOSECONDS / 1e6
    return Timing(
        name,
        expected,
        expected,
        expected,
        0,
        expected / median(peer),
        2 * sizes.multiplications / expected / 1e6,
    )
