"""Weights in another form, kept from one convolution to the next.

Winograd's algorithm and Toom and Cook's transform the weights before the first pixel is touched, and sums of
rows take each weight once for every output row. A trained layer convolves thousands of pictures with the same
weights; so the first convolution's form is kept for the next, as long as the weight lives and while there is
room.

A kept form is never trusted blindly. PyTorch counts changes in place, but not those through `.data` or a
NumPy array that shares the memory; so at each use the weight's bits are read once more, and added up as whole
numbers in `COLUMNS` columns. A change that PyTorch does not count goes unseen only if in every column it
leaves that sum, modulo 2^64, as it was: one that moves numbers by exact multiples of `COLUMNS` places, say.
Weights that autograd follows are not kept, nor those on a GPU, where the comparison would stop the queue.

Source: the idea of prepacked weights as in Intel's oneDNN (memory format `any`) and QNNPACK.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import RLock
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

ROOM = 256 * 2**20
"""Bytes of kept forms; the longest unused go first."""

COLUMNS = 1021
"""A prime, so that whole rows, channels or kernels that change places don't stay in their columns."""

_keeping: ContextVar[bool] = ContextVar("keeping", default=True)


class _Mark(NamedTuple):
    """By what a weight's values are recognized.

    Attributes:
        version: How often PyTorch saw them change; None where it doesn't count.
        sums: Of the bits as whole numbers, in `COLUMNS` columns.
        rest: The bits that fill no row, as whole numbers.
    """

    version: int | None
    sums: Tensor
    rest: Tensor

    def matches(self, other: _Mark) -> bool:
        """Whether the values are the same."""
        same = self.version == other.version and torch.equal(self.rest, other.rest)
        return same and torch.equal(self.sums, other.sums)


@dataclass(frozen=True, eq=False)
class _Form:
    """A form of a weight, its mark, and the weight itself as long as it lives."""

    weight: weakref.ref[Tensor]
    mark: _Mark
    form: Tensor

    @property
    def bytes(self) -> int:
        return self.mark.sums.nbytes + self.mark.rest.nbytes + self.form.nbytes


class _Shelf:
    """The kept forms by weight and kind, the longest unused first."""

    def __init__(self) -> None:
        self._forms: OrderedDict[tuple[int, Hashable], _Form] = OrderedDict()
        self._bytes = 0
        # A weight may be collected, which drops its forms, while the same thread holds the lock.
        self._lock = RLock()

    def find(self, weight: Tensor, kind: Hashable) -> Tensor | None:
        """The form of this very weight, if its values are still those that it was made from."""
        key = id(weight), kind
        with self._lock:
            kept = self._forms.get(key)
            if kept is None or kept.weight() is not weight:
                return None
            self._forms.move_to_end(key)
        return kept.form if kept.mark.matches(_mark(weight, _version(weight))) else None

    def put(self, weight: Tensor, kind: Hashable, mark: _Mark, form: Tensor) -> None:
        """Keep a form, and drop the longest unused ones until there is room."""
        key = id(weight), kind
        kept = _Form(weakref.ref(weight, lambda _: self.drop(key)), mark, form)
        with self._lock:
            self.drop(key)
            if kept.bytes > ROOM:
                return
            self._forms[key] = kept
            self._bytes += kept.bytes
            while self._bytes > ROOM:
                self.drop(next(iter(self._forms)))

    def drop(self, key: tuple[int, Hashable]) -> None:
        """Forget one form, if there is such a one."""
        with self._lock:
            kept = self._forms.pop(key, None)
            self._bytes -= kept.bytes if kept else 0

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._forms.clear()
            self._bytes = 0

    @property
    def bytes(self) -> int:
        """What is kept at present."""
        return self._bytes


shelf = _Shelf()


def keeping() -> bool:
    """Whether this thread keeps forms of weights at all: not within `fresh_weights`."""
    return _keeping.get()


def keeps(weight: Tensor) -> bool:
    """Whether forms of this weight are kept: a plain tensor in main memory that autograd doesn't follow."""
    return keeping() and not followed(weight) and weight.device.type == "cpu" and weight.is_contiguous()


def followed(tensor: Tensor) -> bool:
    """Whether autograd follows what is done with a tensor, backwards or forwards."""
    backwards = tensor.requires_grad and torch.is_grad_enabled()
    return backwards or unpack_dual(tensor).tangent is not None  # type: ignore[no-untyped-call]


def form_of(weight: Tensor, kind: Hashable, make: Callable[[Tensor], Tensor]) -> Tensor:
    """`make(weight)`, from the last time where the weight has not changed since.

    Args:
        weight: (O, C / groups, kH, kW).
        kind: Names the form; together with the weight it must determine the result.
        make: Makes the form; a tensor of its own, no view of the weight.
    """
    if not keeps(weight):
        return make(weight)
    found = shelf.find(weight, kind)
    if found is None:
        # A tensor made in inference mode could not take part in training later.
        with torch.inference_mode(False), torch.no_grad():
            version = _version(weight)  # before the copy: a change while it is made is one since
            copy = torch.empty_like(weight).copy_(weight)
            found = make(copy)  # of the copy, which no other thread can change in the meantime
            _, sums, rest = _mark(copy, version)
            shelf.put(weight, kind, _Mark(version, sums, rest.clone()), found)
    return found


@contextmanager
def fresh_weights() -> Iterator[None]:
    """Within this context the thread makes every form anew and keeps none, as for weights used only once."""
    token = _keeping.set(False)
    try:
        yield
    finally:
        _keeping.reset(token)


def _version(weight: Tensor) -> int | None:
    """How often PyTorch saw the weight change; None where it doesn't count."""
    return None if weight.is_inference() else weight._version


def _mark(weight: Tensor, version: int | None) -> _Mark:
    """What a weight is recognized by; `rest` is a view of it."""
    flat = weight.view(-1)
    # Half as many numbers to add, where two float32 can be one.
    bits = flat.view(torch.int64 if flat.nbytes % 8 == 0 else torch.int32)
    rows = bits.shape[0] // COLUMNS
    if not rows:
        return _Mark(version, bits[:0], bits)
    whole = rows * COLUMNS
    return _Mark(version, bits[:whole].view(rows, COLUMNS).sum(0), bits[whole:])
