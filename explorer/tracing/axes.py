"""What is known of a tensor while a network runs: where its axes lie and which pixels its elements depend on.

The two axes of the picture, vertical and horizontal, are followed separately, since a receptive field is
taken as the box around the pixels. Channels are not followed one by one: an element's field is the hull over
everything that some channel at its position depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.receptive_field import Reach, Taps

_NOWHERE = 2**40
"""Where the span of an element begins that depends on no pixel; it ends at minus this."""

Pixels = NDArray[np.int64]


class Factor(NamedTuple):
    """One digit of a position along an axis: `(index[dim] // inner) % size`."""

    dim: int
    inner: int
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One axis of the picture, as seen from the elements of a tensor.

    The position along the axis is a number in mixed radix with one digit per `Factor`, the most significant
    first. A feature map has one factor, its dimension; windows cut out of a map have two, spread over two
    dimensions; flattened maps share a dimension. Without factors all elements depend on the same pixels.

    Attributes:
        extent: Pixels of the picture along this axis.
        place: The factors.
        reach: The field of every position on an unbounded picture, over paths of windows only (without
            whole-image gates). None where it is unknown, position-dependent or the whole image only.
        whole: Every element depends on the whole axis.
        low: The first pixel of the traced picture that each position really depends on, (positions,).
        high: One past the last such pixel. Both are None where an operation was not understood.
    """

    extent: int
    place: tuple[Factor, ...] = ()
    reach: Reach | None = None
    whole: bool = False
    low: Pixels | None = None
    high: Pixels | None = None

    @classmethod
    def of_picture(cls, extent: int, dim: int) -> Axis:
        """The axis as the picture itself has it, in dimension `dim`."""
        first = np.arange(extent)
        return cls(extent, (Factor(dim, 1, extent),), Reach(1, ((0, 1),)), False, first, first + 1)

    @property
    def positions(self) -> int:
        """Number of positions along the axis."""
        return prod(factor.size for factor in self.place)

    def unknown(self) -> Axis:
        """The same place with nothing known of the field, except that it stays whole if it was."""
        return replace(self, reach=None, low=None, high=None)

    def lost(self) -> Axis:
        """Nothing known, not even the place."""
        return replace(self.unknown(), place=())

    def moved(self, new_dims: Mapping[int, int]) -> Axis:
        """The same axis after dimensions were renumbered; those left out had size 1."""
        kept = tuple(f._replace(dim=new_dims[f.dim]) for f in self.place if f.dim in new_dims)
        return self if kept == self.place else self._placed(kept)

    def read(self, dim: int, taps: Taps, shape: Sequence[int], outputs: int) -> Axis:
        """After an operation that slides along `dim` of a tensor of `shape`, to `outputs` positions there."""
        if all(factor.dim != dim for factor in self.place):
            return self
        # Less significant digits are channels, wherever they lie; channels are not followed one by one.
        if self.place[0].dim != dim:
            return self.contracted({dim})
        axis = self.contracted({factor.dim for factor in self.place} - {dim}).filled(dim, shape[dim])
        if axis.place != (Factor(dim, 1, shape[dim]),):
            return axis.lost()
        return axis._through(taps, (Factor(dim, 1, outputs),))

    def filled(self, dim: int, size: int) -> Axis:
        """The place refined to every index of `dim`, if it only said in which block an element lies."""
        if len(self.place) != 1 or self.place[0].dim != dim or self.place[0].inner == 1:
            return self
        (block,) = self.place
        if block.inner * block.size != size:
            return self
        axis = self._repeated((block, Factor(dim, 1, block.inner)))
        return replace(axis, place=(Factor(dim, 1, size),))

    def contracted(self, dims: Collection[int]) -> Axis:
        """After a sum, a mean or a maximum over `dims`, or any other mixture of all their elements."""
        axis = self
        for factor in self.place:
            if factor.dim in dims:
                at = axis.place.index(factor)
                inner = prod(less.size for less in axis.place[at + 1 :])
                axis = axis._through(
                    Taps.contracted(factor.size, inner), axis.place[:at] + axis.place[at + 1 :]
                )
        return axis if axis is self or axis.place else axis._settled(self.reach)

    def at(self, dim: int, index: int, shape: Sequence[int]) -> Axis:
        """After picking one index of `dim`, which disappears."""
        axis = self.read(dim, Taps.window(1, padding=-index), shape, 1)
        return axis if axis is self else axis._fixed()

    def spread(self, dims: Collection[int]) -> Axis:
        """After a normalisation over `dims`: every element keeps its place and depends on all of them."""
        mixed = self.contracted(dims)
        return self if mixed is self else self.joined(mixed)

    def joined(self, other: Axis) -> Axis:
        """After an elementwise operation on both; the fields of equal positions unite."""
        if set(other.place) > set(self.place):
            return other.joined(self)
        if not set(other.place) <= set(self.place):
            return replace(self.lost(), whole=self.whole or other.whole)
        other = other._repeated(self.place)
        low, high = _united(self, other)
        return replace(
            self, reach=_united_reach(self, other), whole=self.whole or other.whole, low=low, high=high
        )

    def viewed(self, old: Sequence[int], new: Sequence[int]) -> Axis:
        """After a reshape of a tensor from shape `old` to shape `new`, in row-major order."""
        place: list[Factor] = []
        for factor in reversed(self.place):
            pieces = _reshaped(factor, old, new)
            if pieces is None:
                return self.lost()
            place += pieces
        return self._placed(_merged(place[::-1]))

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether a tensor of this shape can have its axis in this place."""
        return all(f.dim < len(shape) and shape[f.dim] % (f.inner * f.size) == 0 for f in self.place)

    def _through(self, taps: Taps, place: tuple[Factor, ...]) -> Axis:
        axis = replace(self, place=place, reach=self.reach and self.reach.through(taps))
        if self.low is None or self.high is None:
            return axis
        index, valid = taps.indices(axis.positions, self.positions)
        low = np.where(valid, self.low[index], _NOWHERE).min(axis=1, initial=_NOWHERE)
        high = np.where(valid, self.high[index], -_NOWHERE).max(axis=1, initial=-_NOWHERE)
        return replace(axis, low=low, high=high)

    def _settled(self, before: Reach | None) -> Axis:
        """An axis without place: whole if less than one step of the picture is missing at either end.

        A remainder that no window fits into does not make a mean over the map any less global.
        """
        slack = abs(Fraction(before.step)) if before and before.step else Fraction(1)
        if self.low is not None and self.high is not None and not self.whole:
            if self.low[0] >= slack or self.high[0] <= self.extent - slack:
                return self._fixed()
            return replace(self, reach=None, whole=True)
        return replace(self, reach=None)

    def _placed(self, place: tuple[Factor, ...]) -> Axis:
        return replace(self, place=place) if place or not self.place else self._fixed()

    def _fixed(self) -> Axis:
        """One position only, wherever it came from."""
        reach = self.reach and Reach(0, (self.reach.at(0),))
        return replace(self, place=(), reach=reach)

    def _repeated(self, place: tuple[Factor, ...]) -> Axis:
        """The same axis in a larger place: the positions repeat along the added factors."""
        axis = self
        for at in reversed(range(len(place))):
            if place[at] not in self.place:
                present = tuple(f for f in place[:at] if f in self.place) + place[at:]
                inner = prod(less.size for less in place[at + 1 :])
                axis = axis._through(Taps.repeated(place[at].size, inner), present)
        return axis


def _united(one: Axis, other: Axis) -> tuple[Pixels | None, Pixels | None]:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return None, None
    return np.minimum(one.low, other.low), np.maximum(one.high, other.high)


def _united_reach(one: Axis, other: Axis) -> Reach | None:
    """The hull of the window paths; an axis that is whole and has no such path adds nothing."""
    if one.reach and other.reach:
        return one.reach.union(other.reach)
    if one.reach is None and one.whole:
        return other.reach
    return one.reach if other.whole else None


def _reshaped(factor: Factor, old: Sequence[int], new: Sequence[int]) -> list[Factor] | None:
    """Where a factor lies after a reshape, the least significant piece first; None if it is torn apart."""
    strides = [prod(new[dim + 1 :]) for dim in range(len(new))]
    stride, size = factor.inner * prod(old[factor.dim + 1 :]), factor.size
    if size == 1:
        keeps = factor.dim < len(new) and new[factor.dim] == 1
        return [factor] if keeps else []
    pieces = []
    while size > 1:
        dim = next((d for d, s in enumerate(strides) if s <= stride < s * new[d]), None)
        if dim is None or stride % strides[dim] or strides[dim] * new[dim] % stride:
            return None
        room = strides[dim] * new[dim] // stride
        if room % size and size % room:
            return None
        pieces.append(Factor(dim, stride // strides[dim], min(size, room)))
        stride, size = stride * pieces[-1].size, size // pieces[-1].size
    return pieces


def _merged(place: Sequence[Factor]) -> tuple[Factor, ...]:
    """The same place with neighbouring digits of one dimension put together."""
    merged: list[Factor] = []
    for factor in place:
        last = merged[-1] if merged else None
        if last and last.dim == factor.dim and last.inner == factor.inner * factor.size:
            merged[-1] = Factor(factor.dim, factor.inner, last.size * factor.size)
        else:
            merged.append(factor)
    return tuple(merged)


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What is known of a tensor that depends on the model's input.

    Attributes:
        depth: Operations with weights on the longest path from the input.
        rows: The vertical axis of the picture.
        columns: The horizontal axis.
    """

    depth: int
    rows: Axis
    columns: Axis

    def mapped(self, change: Callable[[Axis], Axis]) -> Trace:
        """The same change applied to both axes; the same object if nothing changes."""
        rows, columns = change(self.rows), change(self.columns)
        return self if rows is self.rows and columns is self.columns else Trace(self.depth, rows, columns)

    def joined(self, other: Trace) -> Trace:
        """An elementwise mixture of both."""
        if other is self:
            return self
        depth = max(self.depth, other.depth)
        return Trace(depth, self.rows.joined(other.rows), self.columns.joined(other.columns))

    def deeper(self, depth: int) -> Trace:
        """The same with another depth."""
        return self if depth == self.depth else replace(self, depth=depth)

    def fitting(self, shape: Sequence[int]) -> Trace:
        """The same, with an axis declared lost whose place does not exist in this shape."""
        return self.mapped(lambda axis: axis if axis.fits(shape) else axis.lost())
