"""How fast every way is on a case, what limits it, and how its time grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import torch

from explorer.convolution import Geometry, choose
from explorer.convolution.timing import PEER, Timing
from explorer.laboratory.cases import Case, cut
from explorer.laboratory.curves import AXES, Curve, Point, basis, points, shapes
from explorer.laboratory.machine import Machine, arithmetic_intensity, measure_machine
from explorer.laboratory.memory import loops_memory, peak_memory
from explorer.laboratory.ways import AUTO, LOOPS, Cancelled, Progress, estimated, timed, ways

LEAST = 3
"""Points that a curve has at least, however slow the machine."""

NEAR = 1.05
"""Ratio up to which two ways count as equally fast."""

BUSY = 2.5
"""Upper over lower quartile of `F.conv2d`'s times from which on the machine was not left alone."""


QUICK = 100_000
"""Multiplications of the loops that are timed: a hundredth of a second or two."""


@dataclass(frozen=True)
class Measurement:
    """What was measured on one case.

    Attributes:
        timings: `F.conv2d` first, then auto and every algorithm that fits.
        chosen: What auto chose.
        memory: For each of the timings the most bytes held at once; of the loops worked out.
        machine: The limits of the machine.
        multiplications: Of the definition.
        intensity: Operations per byte that the case needs at least.
        curves: One for each of `AXES`.
    """

    timings: tuple[Timing, ...]
    chosen: str
    memory: Mapping[str, int]
    machine: Machine
    multiplications: int
    intensity: float
    curves: Mapping[str, Curve]

    @property
    def roof(self) -> float:
        """The most GFLOP/s that this machine could reach on the case, by the roofline model."""
        return self.machine.roof(self.intensity)

    @property
    def peer(self) -> Timing:
        """`F.conv2d`'s timing."""
        return self.timings[0]

    @property
    def disturbed(self) -> bool:
        """Whether something else kept the machine busy, so that the times mean little."""
        return self.peer.high > BUSY * self.peer.low

    @property
    def of_roof(self) -> float:
        """The speed of `F.conv2d` as a share of what the roofline model allows."""
        return self.peer.gflops / self.roof

    @property
    def fastest(self) -> Timing:
        """The fastest of the algorithms."""
        return min((each for each in self.timings[1:] if each.name != AUTO), key=lambda each: each.ratio)

    @property
    def winner(self) -> str:
        """How the fastest hand-written one compares with `F.conv2d`, in words."""
        ratio = self.fastest.ratio
        if 1 / NEAR < ratio < NEAR:
            return f"{self.fastest.name} is as fast as F.conv2d, ratio {ratio:.2f}"
        if ratio < 1:
            return f"{self.fastest.name} is {1 / ratio:.3g} times as fast as F.conv2d"
        return f"F.conv2d wins; the next, {self.fastest.name}, takes {ratio:.3g} times as long"

    def timing(self, name: str) -> Timing | None:
        """The timing of one way, if there is one."""
        return next((each for each in self.timings if each.name == name), None)

    def of_peak(self, timing: Timing) -> float:
        """A way's speed as a share of the matrix product's; Winograd, Toom-Cook and FFT may exceed 1."""
        return timing.gflops / self.machine.peak

    def ratio_range(self, timing: Timing) -> tuple[float, float]:
        """A way's quartiles relative to the median of `F.conv2d`."""
        return timing.low / self.peer.milliseconds, timing.high / self.peer.milliseconds

    def memory_ratio(self, name: str) -> float:
        """A way's peak memory relative to that of `F.conv2d`."""
        return self.memory[name] / max(1, self.memory[PEER])

    def nanoseconds(self, timing: Timing) -> float:
        """What one multiplication of the definition takes a way, its addition included."""
        return timing.milliseconds * 1e6 / self.multiplications


def measure(
    case: Case, *, seconds: float = 8.0, progress: Progress | None = None, cancelled: Cancelled | None = None
) -> Measurement | None:
    """Time every way against `F.conv2d` on a case and around it.

    Args:
        case: The convolution.
        seconds: How long to measure, about; on a slow or busy machine up to four times as long, and the
            curves then end sooner.
        progress: Called with the fraction done, from 0 to 1.
        cancelled: Asked now and then; True ends the measurement.

    Returns:
        The measurement, or None if it was cancelled.
    """
    stop = cancelled or (lambda: False)
    plain, dtype = case.plain, case.input.dtype
    tell = _Steps(progress, 3 + sum(len(shapes(case.sizes, axis)) for axis in AXES))
    timings = timed(plain, seconds=seconds / 5, least=5, progress=tell.within, cancelled=stop)
    tell.next()
    if stop() or not timings:
        return None
    loops, pace = _loops(plain, timings[0], seconds / 25)
    memory = _memory(plain, stop)
    tell.next()
    machine = measure_machine(dtype)
    tell.next()
    curves = {axis: _curve(case.sizes, axis, dtype, pace, seconds, tell, stop) for axis in AXES}
    if stop():
        return None
    return Measurement(
        (*timings, loops), choose(plain.sizes, dtype), memory, machine, plain.sizes.multiplications,
        arithmetic_intensity(case.sizes, dtype), curves,
    )  # fmt: skip


def report(send: Callable[[float | Measurement], None], case: Case, threads: int, seconds: float) -> None:
    """Measure on so many threads, and send the fractions done, then the measurement: for `run_apart`."""
    torch.set_num_threads(threads)
    result = measure(case, seconds=seconds, progress=send)
    if result is not None:  # nobody cancels it
        send(result)


class _Steps:
    """Progress in equal steps."""

    def __init__(self, progress: Progress | None, steps: int) -> None:
        self._progress, self._steps, self._done = progress, steps, 0

    def within(self, fraction: float) -> None:
        """How far the present step is."""
        if self._progress is not None:
            self._progress(min(1.0, (self._done + fraction) / self._steps))

    def next(self) -> None:
        """The present step is done."""
        self._done += 1
        self.within(0)


def _loops(plain: Case, peer: Timing, seconds: float) -> tuple[Timing, float]:
    """The pure-Python loops: their time, and nanoseconds for each multiplication.

    They would take minutes: a large case is cut to its middle, timed there, and estimated from its number of
    multiplications.
    """
    small = cut(plain, QUICK)
    _, loops = timed(small, [LOOPS], seconds=seconds, least=3)
    pace = loops.low * 1e6 / small.sizes.multiplications
    return (loops if small is plain else estimated(plain.sizes, pace, peer)), pace


def _memory(plain: Case, stop: Cancelled) -> dict[str, int]:
    held = {LOOPS: loops_memory(plain.sizes, plain.input.dtype)}
    with torch.no_grad():
        for name, run in ways(plain).items():
            if name != LOOPS and not stop():
                held[name] = peak_memory(run)
    return held


def _curve(
    sizes: Geometry, axis: str, dtype: torch.dtype, pace: float, seconds: float, tell: _Steps, stop: Cancelled
) -> Curve:
    """One curve; on a slow or busy machine without its last points, so that it ends in about `seconds`."""
    until = perf_counter() + seconds
    done: list[Point] = []

    def enough() -> bool:
        return stop() or (len(done) >= LEAST and perf_counter() > until)

    for point in points(
        sizes, axis, dtype, pace, seconds=seconds / 30, progress=tell.within, cancelled=enough
    ):  # fmt: skip
        done.append(point)
        tell.next()
    for _ in shapes(sizes, axis)[len(done) :]:
        tell.next()
    return Curve(axis, basis(sizes, axis), tuple(done))
