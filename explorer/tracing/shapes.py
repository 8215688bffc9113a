"""Operations that only move elements: views, permutations, slices, concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import accumulate

from torch import Tensor

from explorer.receptive_field import Taps
from explorer.tracing.axes import Axis, Trace
from explorer.tracing.call import Call, Change


def view(call: Call) -> Change:
    """Any reshape, in row-major order."""
    old, new = call.shape, call.result
    return lambda axis: axis if old == new else axis.viewed(old, new)


def as_strided(call: Call) -> Change:
    """Only the common use is understood, in which PyTorch restores the memory format of an equal shape."""
    return lambda axis: axis if call.shape == call.result else axis.lost()


def permute(call: Call) -> Change:
    """All dimensions in a new order."""
    new_dims = {old: new for new, old in enumerate(call.dims("dims"))}
    return lambda axis: axis.moved(new_dims)


def transpose(call: Call) -> Change:
    """Two dimensions change places; `t` has no arguments and swaps the first two, if there are two."""
    dims = [call.arguments.get(f"dim{i}", i) % max(len(call.shape), 1) for i in (0, 1)]
    swapped = {dims[0]: dims[1], dims[1]: dims[0]}
    return lambda axis: axis.moved({dim: swapped.get(dim, dim) for dim in range(len(call.shape))})


def unsqueeze(call: Call) -> Change:
    """A new dimension of size 1."""
    added = call.arguments["dim"] % len(call.result)
    return lambda axis: axis.moved(_making_room(call.shape, added))


def squeeze(call: Call) -> Change:
    """Dimensions of size 1 disappear."""
    gone = {dim for dim in call.dims() if call.shape[dim] == 1}
    return lambda axis: axis.moved(without(call.shape, gone))


def expand(call: Call) -> Change:
    """Dimensions of size 1 repeat, and new ones appear in front."""
    return broadcast(call.shape, call.result)


def broadcast(shape: Sequence[int], wanted: Sequence[int]) -> Change:
    """From one shape to a larger one that it broadcasts to; shapes are aligned at their last dimension."""
    added = len(wanted) - len(shape)
    kept = {dim: dim + added for dim, size in enumerate(shape) if size == wanted[dim + added]}
    return lambda axis: axis.moved(kept)


def repeat(call: Call) -> Change:
    """Tiling; along an axis of the picture it is not followed."""
    added = len(call.result) - len(call.shape)
    same = {dim: dim + added for dim, size in enumerate(call.shape) if call.result[dim + added] == size}
    return lambda axis: axis.moved(same) if all(f.dim in same for f in axis.place) else axis.lost()


def select(call: Call) -> Change:
    """One index of a dimension, which disappears."""
    (dim,) = call.dims()
    return _picking(call.shape, dim, call.arguments["index"] % call.shape[dim])


def slicing(call: Call) -> Change:
    """A range of a dimension, with a step."""
    (dim,), given = call.dims(), call.arguments
    wanted = slice(given.get("start"), given.get("end"), given.get("step", 1))
    start, _, step = wanted.indices(call.shape[dim])
    return _cutting(call.shape, dim, start, step, call.result[dim])


def flip(call: Call) -> Change:
    """Dimensions in reverse order."""

    def change(axis: Axis) -> Axis:
        for dim in call.dims("dims"):
            size = call.shape[dim]
            axis = axis.read(dim, Taps(-1, ((size - 1,),)), call.shape, size)
        return axis

    return change


def split(call: Call) -> list[Trace]:
    """split, split_with_sizes and chunk: each piece begins where the one before ended."""
    (dim,) = call.dims()
    trace = call.trace_of(call.tensors[0])
    if trace is None:
        return []
    sizes = [output.shape[dim] for output in call.outputs]
    starts = accumulate(sizes, initial=0)
    cuts = zip(starts, sizes, strict=False)
    return [trace.mapped(_cutting(call.shape, dim, start, 1, size)) for start, size in cuts]


def unbind(call: Call) -> list[Trace]:
    """Every index of a dimension on its own."""
    (dim,), trace = call.dims(), call.trace_of(call.tensors[0])
    if trace is None:
        return []
    return [trace.mapped(_picking(call.shape, dim, index)) for index in range(len(call.outputs))]


def concatenation(call: Call) -> list[Trace]:
    """Along channels the fields unite; along an axis of the picture each piece comes into its place first."""
    dim = call.arguments["dim"] % len(call.result)
    start, pieces = 0, []
    for tensor in call.tensors:
        if tensor.dim() != len(call.result):  # an empty tensor of one dimension counts for nothing
            continue
        if trace := call.trace_of(tensor):
            pieces.append(trace.mapped(_placing(tensor, dim, start, call.result[dim])))
        start += tensor.shape[dim]
    if not pieces:
        return []
    rows, columns = [piece.rows for piece in pieces], [piece.columns for piece in pieces]
    return [Trace(max(piece.depth for piece in pieces), _beside(rows, dim), _beside(columns, dim))]


def stack(call: Call) -> list[Trace]:
    """Concatenation along a new dimension."""
    dim = call.arguments["dim"] % len(call.result)
    room = _making_room(call.shape, dim)
    traces = [
        trace.mapped(lambda axis: axis.moved(room)) for t in call.tensors if (trace := call.trace_of(t))
    ]
    return [reduce(Trace.joined, traces)]


def without(shape: Sequence[int], gone: set[int]) -> dict[int, int]:
    """New numbers of the dimensions after some disappeared."""
    kept = [dim for dim in range(len(shape)) if dim not in gone]
    return {dim: number for number, dim in enumerate(kept)}


def _making_room(shape: Sequence[int], added: int) -> dict[int, int]:
    return {dim: dim + (dim >= added) for dim in range(len(shape))}


def _picking(shape: Sequence[int], dim: int, index: int) -> Change:
    return lambda axis: axis.at(dim, index, shape).moved(without(shape, {dim}))


def _cutting(shape: Sequence[int], dim: int, start: int, step: int, size: int) -> Change:
    if size == shape[dim]:
        return lambda axis: axis
    return lambda axis: axis.read(dim, Taps.window(1, step, -start), shape, size)


def _placing(tensor: Tensor, dim: int, start: int, total: int) -> Change:
    return lambda axis: axis.read(dim, Taps.window(1, 1, start), tuple(tensor.shape), total)


def _beside(axes: Sequence[Axis], dim: int) -> Axis:
    """Pieces in their places. Where they move on differently, no single field describes all positions."""
    joined = reduce(Axis.joined, axes)
    along = any(factor.dim == dim for factor in joined.place)
    return replace(joined, reach=None) if along and any(a.reach != axes[0].reach for a in axes) else joined
