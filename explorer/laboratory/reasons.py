"""Why the library usually wins, and where it loses: each reason with what was measured, or without a number.

Figures come from a live measurement or from the stored benchmark. Where neither has one, or what it has does
not bear a reason out, the figure is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from explorer.convolution import sizes_of
from explorer.laboratory.machine import arithmetic_intensity
from explorer.laboratory.speed import Measurement
from explorer.laboratory.stored import LIBRARY, Group, Row, groups, mean
from explorer.laboratory.ways import LOOPS
from explorer.rendering import number

DENSE = (1, 64, 56, 56), (64, 64, 3, 3)
DEPTHWISE = (1, 64, 56, 56), (64, 1, 3, 3)


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        title: In two words.
        why: A sentence or two, true on any machine.
        here: What was measured; None where nothing was.
    """

    title: str
    why: str
    here: str | None


def wins(rows: Sequence[Row], measured: Measurement | None) -> list[Reason]:
    """Why the library usually wins.

    Args:
        rows: The stored benchmark.
        measured: A live measurement.
    """
    return [
        Reason(
            "Vector units",
            "One instruction multiplies and adds 8 or 16 numbers. The Python loops take one pair at a time, "
            "and look up each number on the way.",
            _live(measured, _products),
        ),
        Reason(
            "Cache",
            "A processor computes far faster than memory delivers. oneDNN, which PyTorch calls, cuts picture "
            "and weights into blocks that stay in the cache until they have been used up.",
            _live(measured, _balance),
        ),
        Reason(
            "Memory traffic",
            "im2col writes each pixel up to kH · kW times before anything is multiplied; oneDNN reads the "
            "windows straight from the picture.",
            _live(measured, _columns),
        ),
        Reason(
            "Threads",
            "The blocks are shared among the cores. A sequence of tensor operations waits for each to end "
            "before the next begins.",
            _threads(rows),
        ),
        Reason(
            "One channel per group",
            "A depthwise layer does little with each number that it fetches: memory is the limit, and every "
            "pass over it counts.",
            _depthwise(rows),
        ),
    ]


def loses(rows: Sequence[Row], measured: Measurement | None) -> list[Reason]:
    """Where the library loses.

    Args:
        rows: The stored benchmark.
        measured: A live measurement.
    """
    return [
        Reason(
            "Large kernels",
            "The definition's work grows with kH · kW, that of the FFT hardly.",
            _joined(_largest_kernel(rows), _live(measured, _crossover)),
        ),
        Reason(
            "Small kernels over many channels",
            "Winograd makes a 3×3 with 2.25 to 4 times fewer multiplications, and pays with a digit or two "
            "of accuracy. Toom-Cook, along the height only, takes about half as many, up to 5×5 and beyond "
            "where the stride is larger, and pays less.",
            _where(rows, lambda row: row.algorithm in ("winograd", "toom_cook")),
        ),
        Reason(
            "1×1 with a stride",
            "Most of the picture is never looked at: take what is needed first, and what remains is a matrix "
            "product.",
            _where(rows, lambda row: row.group == "1×1 stride 2"),
        ),
        Reason(
            "A single channel",
            "There is no second channel to fill the library's blocks with; a few passes over one picture are "
            "soon done.",
            _where(rows, lambda row: row.group == "one channel 3×3"),
        ),
    ]


def _live(measured: Measurement | None, tell: Callable[[Measurement], str | None]) -> str | None:
    return None if measured is None else tell(measured)


def _joined(*parts: str | None) -> str | None:
    return " ".join(part for part in parts if part) or None


def _products(measured: Measurement) -> str | None:
    loops = measured.timing(LOOPS)
    if loops is None:
        return None
    slow, fast = measured.nanoseconds(loops), measured.nanoseconds(measured.peer)
    return f"Here a product took them {number(slow)} ns, F.conv2d {number(fast)} ns."


def _balance(measured: Measurement) -> str:
    machine = measured.machine
    needed = machine.peak / machine.bandwidth
    return (
        f"This machine does {number(needed)} operations in the time in which one byte arrives; this case "
        f"has {number(measured.intensity)} for each byte, and F.conv2d reaches "
        f"{measured.of_peak(measured.peer):.0%} of a matrix product's speed."
    )


def _columns(measured: Measurement) -> str | None:
    if "im2col" not in measured.memory:
        return None
    return f"Here im2col held {number(measured.memory_ratio('im2col'))} times the memory of F.conv2d."


def _crossover(measured: Measurement) -> str | None:
    curve = measured.curves["kernel size"]
    at = curve.crossover()
    return None if at is None else f"Here it was ahead from about {at:.0f}×{at:.0f} on ({curve.base.words})."


def _threads(rows: Sequence[Row]) -> str | None:
    """How much the second thread helps either side, over the cases that were measured with one and two."""
    one, two = ({row.case: row for row in _library(rows, count)} for count in (1, 2))
    both = [(one[case], two[case]) for case in one if case in two]
    if not both:
        return None
    library = mean([alone.peer_ms / shared.peer_ms for alone, shared in both])
    hand = mean([alone.ours_ms / shared.ours_ms for alone, shared in both])
    return (
        f"Over the {len(both)} stored convolutions a second thread made F.conv2d {library:.2f} times as "
        f"fast, the hand-written ones {hand:.2f} times."
    )


def _depthwise(rows: Sequence[Row]) -> str:
    dense, thin = (
        arithmetic_intensity(sizes_of(*shapes, padding=1, groups=shapes[0][1] // shapes[1][1]))
        for shapes in (DENSE, DEPTHWISE)
    )
    told = f"A 3×3 over 64 channels of 56×56 has {dense:.0f} operations per byte, depthwise {thin:.1f}."
    slower = [group for group in _groups(rows) if group.name.startswith("depthwise") and group.mean > 1]
    times = ", ".join(f"{group.mean:.1f} times as long ({group.name})" for group in slower)
    return f"{told} By hand it took {times}." if times else told


def _largest_kernel(rows: Sequence[Row]) -> str | None:
    large = [row for row in _library(rows) if row.group == "one channel, large"]
    if not large:
        return None
    most = max(large, key=lambda row: row.peer_ms)
    return (
        f"{most.case}: F.conv2d took {number(most.peer_ms)} ms, {most.algorithm} {number(most.ours_ms)} ms."
    )


def _where(rows: Sequence[Row], meant: Callable[[Row], bool]) -> str | None:
    """The stored ratios of some cases, if they are wins."""
    ratios = [row.ratio for row in _library(rows) if meant(row)]
    if not ratios or mean(ratios) >= 1:
        return None
    those = f"the {len(ratios)} stored ones" if len(ratios) > 1 else "the stored one"
    return f"On {those} it took {mean(ratios):.2f} of F.conv2d's time, {min(ratios):.2f} at best."


def _library(rows: Sequence[Row], threads: int = 1) -> list[Row]:
    return [row for row in rows if row.peer == LIBRARY and row.threads == threads]


def _groups(rows: Sequence[Row]) -> tuple[Group, ...]:
    return groups(_library(rows))
