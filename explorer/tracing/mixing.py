"""Operations that mix elements all over a dimension: reductions, normalisations, products, attention."""

from __future__ import annotations

from functools import reduce

from explorer.tracing.axes import Trace
from explorer.tracing.call import Call, Change
from explorer.tracing.shapes import broadcast, without


def reduction(call: Call) -> Change:
    """Sums, means, maxima and the like over some or all dimensions."""
    dims = set(call.dims())
    if len(call.result) == len(call.shape):
        return lambda axis: axis.contracted(dims)
    renumbered = without(call.shape, dims)
    return lambda axis: axis.contracted(dims).moved(renumbered)


def over_dims(call: Call) -> Change:
    """Softmax and sorting: every element stays and depends on all others along the dimensions."""
    dims = set(call.dims())
    return lambda axis: axis.spread(dims)


def batch_norm(call: Call) -> Change:
    """With running statistics elementwise; with those of the batch every element sees the whole map."""
    dims = set(range(len(call.shape))) - {1}
    return lambda axis: axis.spread(dims) if call.arguments.get("training", False) else axis


def layer_norm(call: Call) -> Change:
    """Normalisation over the last dimensions."""
    ndim = len(call.shape)
    dims = set(range(ndim - len(call.arguments["normalized_shape"]), ndim))
    return lambda axis: axis.spread(dims)


def group_norm(call: Call) -> Change:
    """Normalisation over groups of channels and all positions."""
    dims = set(range(1, len(call.shape)))
    return lambda axis: axis.spread(dims)


def pointwise(call: Call) -> list[Trace]:
    """Element by element with broadcasting; the fields of equal positions unite."""
    traces = (
        trace.mapped(broadcast(tensor.shape, call.result))
        for tensor in call.tensors
        if (trace := call.trace_of(tensor))
    )
    return [reduce(Trace.joined, traces)]


def overwriting(call: Call) -> list[Trace]:
    """`copy_` and `fill_`: what stood in the first tensor does not matter any more."""
    traces = ((tensor, call.trace_of(tensor)) for tensor in call.tensors[1:])
    return [trace.mapped(broadcast(tensor.shape, call.result)) for tensor, trace in traces if trace]


def matrix_product(call: Call) -> list[Trace]:
    """mm, bmm, linear, and with a summand in front addmm, baddbmm."""
    summands = 1 if call.name in ("addmm", "baddbmm") else 0
    ndim = len(call.result)
    first, second = (call.trace_of(tensor) for tensor in call.tensors[summands : summands + 2])
    pieces = [first.mapped(lambda axis: axis.contracted({ndim - 1}))] if first else []
    if second:
        pieces.append(second.mapped(lambda axis: axis.contracted({ndim - 2})))
    pieces = _in_common(*pieces) if len(pieces) == 2 else pieces
    for tensor in call.tensors[:summands]:
        if trace := call.trace_of(tensor):
            pieces.append(trace.mapped(broadcast(tensor.shape, call.result)))
    return [reduce(Trace.joined, pieces)]


def attention(call: Call) -> list[Trace]:
    """Scaled dot-product attention: a query's place, and everything that its keys and values depend on."""
    last = len(call.shape) - 1
    pieces = []
    for number, tensor in enumerate(call.tensors[:3]):
        if trace := call.trace_of(tensor):
            dims = {last} if number == 0 else {last - 1, last}
            pieces.append(trace.mapped(lambda axis, dims=dims: axis.contracted(dims)))  # type: ignore[misc]
    return [reduce(Trace.joined, pieces)]


def _in_common(first: Trace, second: Trace) -> list[Trace]:
    """Both factors of a product in the place that they share.

    An entry of query times key belongs to two positions at once. What they have in common (an image of the
    batch, a window) stays its place; over the rest the field is the hull.
    """
    places = [{*trace.rows.place, *trace.columns.place} for trace in (first, second)]
    apart = {factor.dim for factor in places[0] ^ places[1]}
    return [
        first.mapped(lambda axis: axis.contracted(apart)),
        second.mapped(lambda axis: axis.contracted(apart)),
    ]
