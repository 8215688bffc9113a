"""How fast every algorithm is on a case, and how its time grows with image, channels and kernel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from explorer.convolution import fitting
from explorer.convolution.geometry import sizes_of
from explorer.convolution.timing import PEER, Timing, time_algorithms
from explorer.laboratory.cases import Case
from explorer.laboratory.machine import Machine, arithmetic_intensity, measure_machine

Progress = Callable[[float], None]
Cancelled = Callable[[], bool]

AXES: dict[str, tuple[int, ...]] = {
    "image size": (16, 32, 64, 128, 256),
    "channels": (1, 4, 16, 64, 256),
    "kernel size": (1, 3, 5, 9, 15, 31),
}
"""What is varied, and the values that it takes."""

MOST = 300_000_000
"""Multiplications of the largest point of a curve: tenths of a second for the slower ways."""

WINDOWS = 20_000_000
"""Values of all windows written out, at most: strided needs so much memory, 80 MB in float32."""

NEAR = 1.05
"""Ratio up to which two ways count as equally fast."""

BUSY = 2.5
"""Upper over lower quartile of `F.conv2d`'s times from which on the machine was not left alone."""


@dataclass(frozen=True)
class Point:
    """One point of a curve.

    Attributes:
        value: Pixels of a side, channels, or taps of a side.
        timings: `F.conv2d` and every algorithm that fits.
    """

    value: int
    timings: tuple[Timing, ...]


@dataclass(frozen=True)
class Measurement:
    """What was measured on one case.

    Attributes:
        timings: `F.conv2d` first, then every algorithm that fits.
        machine: The limits of the machine.
        intensity: Operations per byte that the case needs at least.
        curves: For each of `AXES` the points that were measured.
        bases: For each of `AXES` what was held fixed, in words.
    """

    timings: tuple[Timing, ...]
    machine: Machine
    intensity: float
    curves: Mapping[str, tuple[Point, ...]]
    bases: Mapping[str, str]

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

    def of_peak(self, timing: Timing) -> float:
        """A way's speed as a share of the matrix product's; Winograd and FFT may exceed 1."""
        return timing.gflops / self.machine.peak

    @property
    def of_roof(self) -> float:
        """The speed of `F.conv2d` as a share of what the roofline model allows."""
        return self.peer.gflops / self.roof

    def ratio_range(self, timing: Timing) -> tuple[float, float]:
        """A way's quartiles relative to the median of `F.conv2d`."""
        return timing.low / self.peer.milliseconds, timing.high / self.peer.milliseconds

    @property
    def winner(self) -> str:
        """How the fastest hand-written one compares with `F.conv2d`, in words."""
        ratio = self.fastest.ratio
        if 1 / NEAR < ratio < NEAR:
            return f"{self.fastest.name} is as fast as F.conv2d, ratio {ratio:.2f}"
        if ratio < 1:
            return f"{self.fastest.name} is {1 / ratio:.3g} times as fast as F.conv2d"
        return f"F.conv2d wins; the next, {self.fastest.name}, takes {ratio:.3g} times as long"

    @property
    def fastest(self) -> Timing:
        """The fastest of the hand-written ones."""
        return min(self.timings[1:], key=lambda timing: timing.ratio)


@dataclass(frozen=True)
class Shape:
    """A convolution of a square picture by its sizes, padded so that the picture keeps its size."""

    channels: int
    outputs: int
    size: int
    kernel: int
    groups: int

    @property
    def multiplications(self) -> int:
        """Of the definition, with an odd kernel."""
        return self.size**2 * self.outputs * self.channels // self.groups * self.kernel**2

    @property
    def affordable(self) -> bool:
        """Whether every way can be timed in little time and memory."""
        windows = self.channels * (self.size * self.kernel) ** 2
        return self.multiplications <= MOST and windows <= WINDOWS

    @property
    def words(self) -> str:
        """For people."""
        kind = "depthwise, " if self.groups > 1 else ""
        return f"{kind}{self.channels} → {self.outputs} channels, {self.kernel}×{self.kernel}, {self.size} px"


def measure(
    case: Case, *, seconds: float = 8.0, progress: Progress | None = None, cancelled: Cancelled | None = None
) -> Measurement | None:
    """Time every algorithm against `F.conv2d` on a case and around it.

    Args:
        case: The convolution.
        seconds: How long to measure, about; slow points take longer.
        progress: Called with the fraction done, from 0 to 1.
        cancelled: Asked now and then; True ends the measurement.

    Returns:
        The measurement, or None if it was cancelled.
    """
    stop = cancelled or (lambda: False)
    tell = _Steps(progress, 2 + sum(len(shapes) for _, shapes in _curves(case)))
    timings = _case(case.plain, seconds / 5, tell, stop)
    tell.next()
    if stop() or not timings:
        return None
    machine = measure_machine(case.input.dtype)
    tell.next()
    curves: dict[str, tuple[Point, ...]] = {}
    for axis, shapes in _curves(case):
        curves[axis] = tuple(_points(axis, shapes, case.input.dtype, seconds / 30, tell, stop))
    if stop():
        return None
    intensity = arithmetic_intensity(case.sizes, case.input.dtype)
    return Measurement(timings, machine, intensity, curves, {axis: basis(case, axis).words for axis in AXES})


def basis(case: Case, axis: str) -> Shape:
    """What is held fixed while `axis` varies: the case's own sizes, where the curve stays affordable."""
    sizes = case.sizes
    depthwise = sizes.groups > 1
    channels = min(sizes.in_channels, 64)
    size, kernel = min(min(sizes.size), 128), min(max(sizes.kernel_size), 31)
    if axis == "channels":
        size = min(size, 32)
    if axis == "kernel size":
        channels = min(channels, 4)
        size = 128 if channels == 1 else 64
    outputs = channels if depthwise else min(sizes.out_channels, 64 if axis != "kernel size" else 4)
    return Shape(channels, outputs, size, kernel, channels if depthwise else 1)


def varied(base: Shape, axis: str, value: int) -> Shape:
    """A shape with another image size, number of channels (in and out) or kernel size."""
    if axis == "image size":
        return Shape(base.channels, base.outputs, value, base.kernel, base.groups)
    if axis == "channels":
        return Shape(value, value, base.size, base.kernel, value if base.groups > 1 else 1)
    return Shape(base.channels, base.outputs, base.size, value, base.groups)


def crossover(points: Sequence[Point], name: str = "fft", than: str = PEER) -> float | None:
    """From which value on one way is faster than another for good, between two points by the logarithms.

    The lower quartiles are compared: a busy moment of the machine is in none of them.

    Args:
        points: A curve.
        name: The way that overtakes.
        than: The one that is overtaken.

    Returns:
        The value; None if it is not faster at the last point, or if it already is at the first.
    """
    leads = [
        (point.value, math.log(times[than] / times[name]))
        for point in points
        if {name, than} <= (times := {timing.name: timing.low for timing in point.timings}).keys()
    ]
    if len(leads) < 2 or leads[-1][1] <= 0:
        return None
    for (before, behind), (after, ahead) in reversed(list(itertools.pairwise(leads))):
        if behind <= 0:
            share = -behind / (ahead - behind)
            return float(before * (after / before) ** share)
    return None


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


def _curves(case: Case) -> Iterator[tuple[str, list[Shape]]]:
    for axis, values in AXES.items():
        shapes = [varied(basis(case, axis), axis, value) for value in values]
        yield axis, [shape for shape in shapes if shape.affordable]


def _case(plain: Case, seconds: float, tell: _Steps, stop: Cancelled) -> tuple[Timing, ...]:
    given = plain.input, plain.weight, plain.sizes
    names = [name for name in fitting(plain.sizes) if name != "loops"]
    timings = time_algorithms(*given, names, seconds=seconds, progress=tell.within, cancelled=stop)
    # The loops hold Python's lock and would slow down other visitors, so they get the least time by far.
    return (*timings, *time_algorithms(*given, ["loops"], seconds=seconds / 5, cancelled=stop)[1:])


def _points(
    axis: str, shapes: Sequence[Shape], dtype: torch.dtype, seconds: float, tell: _Steps, stop: Cancelled
) -> Iterator[Point]:
    generator = torch.Generator().manual_seed(0)
    for shape in shapes:
        if stop():
            return
        input = torch.randn(1, shape.channels, shape.size, shape.size, generator=generator).to(dtype)
        weight_shape = (shape.outputs, shape.channels // shape.groups, shape.kernel, shape.kernel)
        weight = torch.randn(weight_shape, generator=generator).to(dtype)
        sizes = sizes_of(input.shape, weight.shape, padding="same", groups=shape.groups)
        names = [name for name in fitting(sizes) if name != "loops"]
        timings = time_algorithms(
            input, weight, sizes, ["loops", *names], seconds=seconds, progress=tell.within, cancelled=stop
        )
        if timings:
            value = {"image size": shape.size, "channels": shape.channels, "kernel size": shape.kernel}[axis]
            yield Point(value, timings)
        tell.next()
