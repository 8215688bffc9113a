"""Receptive fields, computed exactly and with integers only.

Along one axis every operation of a convolutional network reads a repeating pattern of input positions: a
convolution reads `stride * i - padding + dilation * t`, nearest-neighbour upsampling reads `i // 2`, and so
on. `Taps` describes such a pattern. A `Reach` says which pixels every position of a feature map depends on;
`Reach.through` composes the two. Both repeat with a period, so a handful of integers describes an unbounded
map, and nothing is rounded, whatever mixture of strides, dilations and upsampling comes.

The arithmetic for plain windows is the one of Araujo, Norris and Sim, "Computing Receptive Fields of
Convolutional Neural Networks", Distill 2019 (doi 10.23915/distill.00021); the periods generalise it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, gcd, lcm
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]
"""Pixels from the first up to, but not including, the second."""
Step = int | Fraction
"""Pixels between neighbouring positions; a fraction where a map is finer than the picture."""
Box = tuple[int, int, int, int]
"""(top, left, bottom, right) in pixels of the model's input; bottom and right are not included."""
Border = Literal["nothing", "edge", "mirror"]

_LONGEST_PERIOD = 4096


@dataclass(frozen=True)
class Taps:
    """The input positions that an operation reads along one axis.

    Output position `q * len(reads) + r` reads the input positions `q * advance + t` for all t in `reads[r]`.

    Attributes:
        advance: Input positions from one repetition of the pattern to the next.
        reads: For each output position of one repetition, what it reads.
        border: What a read beyond the map's border finds: "nothing" (padding), "edge" (the nearest position)
            or "mirror" (reflection without repeating the edge).
    """

    advance: int
    reads: tuple[tuple[int, ...], ...]
    border: Border = "nothing"

    @classmethod
    def window(
        cls, size: int, stride: int = 1, padding: int = 0, dilation: int = 1, border: Border = "nothing"
    ) -> Taps:
        """A sliding window: convolution, pooling, slicing (size 1), padding (size 1, stride 1)."""
        return cls(stride, (tuple(dilation * t - padding for t in range(size)),), border)

    @classmethod
    def transposed(cls, size: int, stride: int, padding: int, dilation: int) -> Taps:
        """A transposed convolution: input i reaches the outputs `stride * i - padding + dilation * t`."""
        arrivals = [[r + padding - dilation * t for t in range(size)] for r in range(stride)]
        return cls(1, tuple(tuple(a // stride for a in row if a % stride == 0) for row in arrivals))

    @classmethod
    def resampled(cls, scale: Fraction, shift: Fraction, reach: Span) -> Taps:
        """Interpolation at the input coordinate `i * scale + shift`.

        Args:
            scale: Input positions per output position.
            shift: The coordinate of output position 0.
            reach: First and last position read, relative to the coordinate rounded down: (0, 0) for nearest,
                (0, 1) for linear, (-1, 2) for cubic interpolation, which read one position only where they
                hit it exactly.
        """
        reads = []
        for r in range(scale.denominator):
            at = r * scale + shift
            exact = at.denominator == 1
            reads.append((int(at),) if exact else tuple(floor(at) + t for t in range(reach[0], reach[1] + 1)))
        return cls(scale.numerator, tuple(reads), "edge")

    @classmethod
    def adaptive(cls, positions: int, wanted: int) -> Taps:
        """Adaptive pooling from n positions to m: output i reads floor(i n / m) up to ceil((i + 1) n / m)."""
        scale = Fraction(positions, wanted)
        reads = (range(floor(r * scale), ceil((r + 1) * scale)) for r in range(scale.denominator))
        return cls(scale.numerator, tuple(map(tuple, reads)))

    @classmethod
    def contracted(cls, size: int, inner: int) -> Taps:
        """A sum over the middle digit of the position `(outer * size + digit) * inner + rest`."""
        return cls(size * inner, tuple(tuple(t * inner + r for t in range(size)) for r in range(inner)))

    @classmethod
    def repeated(cls, size: int, inner: int) -> Taps:
        """The opposite of `contracted`: every position again for each value of an added middle digit."""
        return cls(inner, tuple((r,) for _ in range(size) for r in range(inner)))

    def indices(self, outputs: int, inputs: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """What each of `outputs` positions reads from a map with `inputs` positions.

        Returns:
            The indices and whether each is a read at all, both (outputs, most reads of one position).
        """
        most = max(map(len, self.reads), default=0)
        padded = np.array([[*row, *[0] * (most - len(row))] for row in self.reads], dtype=np.int64)
        counts = np.array([len(row) for row in self.reads])
        repetition, phase = np.divmod(np.arange(outputs), len(self.reads))
        index = padded.reshape(len(self.reads), most)[phase] + repetition[:, None] * self.advance
        valid = np.arange(most) < counts[phase][:, None]
        if self.border == "nothing":
            valid &= (index >= 0) & (index < inputs)
        if self.border == "mirror" and inputs > 1:
            index = inputs - 1 - np.abs(inputs - 1 - np.abs(index))
        return index.clip(0, max(inputs - 1, 0)), valid


@dataclass(frozen=True)
class Reach:
    """The pixels that the positions of a feature map depend on, along one axis of an unbounded picture.

    Position `q * len(spans) + r` depends on `spans[r]`, moved by `q * advance` pixels.

    Attributes:
        advance: Pixels from one repetition to the next.
        spans: The pixels of each position of one repetition; None where a position depends on no pixel.

    Example:
        >>> pixels = Reach(1, ((0, 1),))
        >>> stem = pixels.through(Taps.window(7, stride=2, padding=3))
        >>> stem.through(Taps.window(3, stride=2, padding=1))  # ResNet's convolution and pooling
        Reach(advance=4, spans=((-5, 6),))
    """

    advance: int
    spans: tuple[Span | None, ...]

    @property
    def step(self) -> Step:
        """Pixels between neighbouring positions, averaged over one repetition."""
        step = Fraction(self.advance, len(self.spans))
        return int(step) if step.denominator == 1 else step

    @property
    def size(self) -> int:
        """Pixels from the first to the last one that a position depends on; the largest of all positions."""
        return max((span[1] - span[0] for span in self.spans if span), default=0)

    def at(self, position: int) -> Span | None:
        """The pixels of one position, unclipped; None where it depends on none."""
        repetition, phase = divmod(position, len(self.spans))
        span, moved = self.spans[phase], repetition * self.advance
        return span and (span[0] + moved, span[1] + moved)

    def through(self, taps: Taps) -> Reach | None:
        """What the outputs of an operation depend on; None where nothing repeats in a sensible period."""
        repeats = len(self.spans) // gcd(taps.advance, len(self.spans))
        period = repeats * len(taps.reads)
        if period > _LONGEST_PERIOD:
            return None
        advance = taps.advance * repeats * self.advance // len(self.spans)
        positions = ((q * taps.advance, row) for q in range(repeats) for row in taps.reads)
        spans = tuple(hull(self.at(start + t) for t in row) for start, row in positions)
        return Reach(advance, spans)._shortest()

    def union(self, other: Reach) -> Reach | None:
        """The hull of both, position by position; None where they move at different speeds."""
        if self.step != other.step:
            return None
        period = lcm(len(self.spans), len(other.spans))
        if period > _LONGEST_PERIOD:
            return None
        spans = tuple(hull((self.at(i), other.at(i))) for i in range(period))
        return Reach(self.advance * (period // len(self.spans)), spans)._shortest()

    def _shortest(self) -> Reach:
        """The same reach with its smallest period, so that equal ones compare equal."""
        period = len(self.spans)
        for shorter in range(1, period // 2 + 1):
            if period % shorter == 0 and self.advance * shorter % period == 0:
                candidate = Reach(self.advance * shorter // period, self.spans[:shorter])
                if all(candidate.at(i) == self.spans[i] for i in range(period)):
                    return candidate
        return self


def hull(spans: Iterable[Span | None]) -> Span | None:
    """The smallest span that holds all of them; None where there is none."""
    present = [span for span in spans if span]
    return (min(low for low, _ in present), max(high for _, high in present)) if present else None


@dataclass(frozen=True)
class ReceptiveField:
    """Which pixels of the model's input a position of a feature map depends on.

    Both pairs are (vertical, horizontal), in pixels. An axis that is seen as a whole has the picture's
    extent as its size, with offset and stride 0.

    Attributes:
        size: Extent of one position's field, also where it exceeds the picture.
        offset: Where the field of position (0, 0) begins; negative where it begins in the padding.
        stride: From one position's field to the next one's; a Fraction where a map is finer than the
            picture, or where pooling or interpolation does not divide evenly.
        whole: Every position depends on the whole picture: behind global pooling, attention or
            squeeze-and-excite.
        reaches: The exact field of every position where the fields don't simply move by `stride`
            (upsampled maps). None for an axis that is seen as a whole.
        seen: For each axis the pixels of the traced picture that each position really depends on. At the
            picture's border this is less than the clipped field, for instance where the outer taps of a
            dilated kernel fall into the padding. Empty where unknown.

    Example:
        >>> stem = ReceptiveField(size=(7, 7), offset=(-3, -3), stride=(2, 2))
        >>> print(stem, stem.box(0, 10), stem.clipped_box(0, 10, 224, 224))
        7 × 7 (-3, 17, 4, 24) (0, 17, 4, 24)
    """

    size: tuple[int, int]
    offset: tuple[int, int]
    stride: tuple[Step, Step]
    whole: bool = False
    reaches: tuple[Reach | None, Reach | None] = field(default=(None, None), repr=False)
    seen: tuple[tuple[Span, ...], tuple[Span, ...]] = field(default=((), ()), repr=False)

    def box(self, row: int, column: int) -> Box:
        """The field of one position as (top, left, bottom, right), not clipped to the picture."""
        (top, bottom), (left, right) = self._span(0, row), self._span(1, column)
        return top, left, bottom, right

    def clipped_box(self, row: int, column: int, height: int, width: int) -> Box:
        """The part of `box` inside a picture of height × width pixels, empty where it lies outside."""
        top, left, bottom, right = self.box(row, column)
        top, bottom = min(max(top, 0), height), min(max(bottom, 0), height)
        left, right = min(max(left, 0), width), min(max(right, 0), width)
        return top, left, bottom, right

    def seen_box(self, row: int, column: int) -> Box:
        """The smallest box around the pixels of the traced picture that one position depends on.

        This equals the support of the gradient (for weights that cancel nothing). (0, 0, 0, 0) where a
        position depends on no pixel.

        Raises:
            IndexError: For a position outside the map.
        """
        spans = []
        for position, known in zip((row, column), self.seen, strict=True):
            if not 0 <= position < max(len(known), 1):
                raise IndexError(f"position ({row}, {column}) is not in a map of {self._map_size()}")
            spans.append(known[position] if known else (0, 0))
        (top, bottom), (left, right) = spans
        return (top, left, bottom, right) if bottom > top and right > left else (0, 0, 0, 0)

    def _span(self, axis: int, position: int) -> Span:
        reach = self.reaches[axis]
        if reach is not None:
            return reach.at(position) or (0, 0)
        start = floor(self.offset[axis] + position * self.stride[axis])
        return start, start + self.size[axis]

    def _map_size(self) -> str:
        return " × ".join(str(len(known)) for known in self.seen)

    def __str__(self) -> str:
        return "whole image" if self.whole else f"{self.size[0]} × {self.size[1]}"
