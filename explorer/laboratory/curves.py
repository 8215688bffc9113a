"""How time grows with image size, channels and kernel size: shapes around a case, timed one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from explorer.convolution import Geometry
from explorer.convolution.timing import PEER, Timing
from explorer.laboratory.cases import Case
from explorer.laboratory.ways import Cancelled, Progress, estimated, timed

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

    def varied(self, axis: str, value: int) -> Shape:
        """The same with another image size, number of channels (in and out) or kernel size."""
        if axis == "image size":
            return replace(self, size=value)
        if axis == "kernel size":
            return replace(self, kernel=value)
        return replace(self, channels=value, outputs=value, groups=value if self.groups > 1 else 1)


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
class Curve:
    """How time grows along one axis.

    Attributes:
        axis: A key of `AXES`.
        base: What is held fixed.
        points: In the order of their values.
    """

    axis: str
    base: Shape
    points: tuple[Point, ...]

    def crossover(self, name: str = "fft", than: str = PEER) -> float | None:
        """From which value on one way is faster than another for good, between points by their logarithms.

        The lower quartiles are compared: a busy moment of the machine is in none of them.

        Args:
            name: The way that overtakes.
            than: The one that is overtaken.

        Returns:
            The value; the first one if it leads from there on; None if it does not lead at the last.
        """
        leads = [
            (point.value, math.log(times[than] / times[name]))
            for point in self.points
            if {name, than} <= (times := {timing.name: timing.low for timing in point.timings}).keys()
        ]
        if not leads or leads[-1][1] <= 0:
            return None
        for (before, behind), (after, ahead) in reversed(list(itertools.pairwise(leads))):
            if behind <= 0:
                share = -behind / (ahead - behind)
                return float(before * (after / before) ** share)
        return float(leads[0][0])


def shapes(sizes: Geometry, axis: str) -> list[Shape]:
    """The shapes of a curve around a case, those that are affordable."""
    base = basis(sizes, axis)
    return [shape for value in AXES[axis] if (shape := base.varied(axis, value)).affordable]


def basis(sizes: Geometry, axis: str) -> Shape:
    """What is held fixed while `axis` varies: the case's own sizes, where the curve stays affordable."""
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


def points(
    sizes: Geometry,
    axis: str,
    dtype: torch.dtype,
    pace: float,
    *,
    seconds: float,
    progress: Progress,
    cancelled: Cancelled,
) -> Iterator[Point]:
    """Time every point of a curve, on random numbers of a generator of its own.

    Args:
        sizes: The case.
        axis: A key of `AXES`.
        dtype: Of the numbers.
        pace: Nanoseconds of one multiplication in the pure-Python loops, which are estimated from it.
        seconds: For each point, about.
        progress: Called with the fraction of the present point.
        cancelled: Asked before each round; True ends the curve.
    """
    generator = torch.Generator().manual_seed(0)
    for shape in shapes(sizes, axis):
        if cancelled():
            return
        case = _case(shape, dtype, generator)
        timings = timed(case, seconds=seconds, least=3, progress=progress, cancelled=cancelled)
        if timings:
            value = {"image size": shape.size, "channels": shape.channels, "kernel size": shape.kernel}[axis]
            yield Point(value, (*timings, estimated(case.sizes, pace, timings[0])))


def _case(shape: Shape, dtype: torch.dtype, generator: torch.Generator) -> Case:
    weight = shape.outputs, shape.channels // shape.groups, shape.kernel, shape.kernel
    return Case(
        torch.randn(1, shape.channels, shape.size, shape.size, generator=generator).to(dtype),
        torch.randn(weight, generator=generator).to(dtype),
        padding="same",
        groups=shape.groups,
    )
