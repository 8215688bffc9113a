"""Which rule belongs to which operation.

The names are those of PyTorch's ATen operators, which every model comes down to, however its modules are
written. An operation without a rule makes the fields behind it unknown; it never makes them wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from explorer.tracing import mixing, shapes, windows
from explorer.tracing.axes import Trace
from explorer.tracing.call import Call, Change, unchanged

_MAIN_INPUT: dict[str, Callable[[Call], Change]] = {
    "convolution": windows.convolution,
    "constant_pad_nd": windows.padding("pad", "nothing"),
    "upsample_nearest2d": windows.upsampling(windows.NEAREST, half_pixel=False),
    "_upsample_nearest_exact2d": windows.upsampling(windows.NEAREST, half_pixel=True),
    "upsample_bilinear2d": windows.upsampling(windows.LINEAR, half_pixel=True),
    "upsample_bicubic2d": windows.upsampling(windows.CUBIC, half_pixel=True),
    "pixel_shuffle": windows.pixel_shuffle,
    "pixel_unshuffle": windows.pixel_unshuffle,
    "as_strided": shapes.as_strided,
    "permute": shapes.permute,
    "unsqueeze": shapes.unsqueeze,
    "expand": shapes.expand,
    "repeat": shapes.repeat,
    "select": shapes.select,
    "slice": shapes.slicing,
    "flip": shapes.flip,
    "squeeze": shapes.squeeze,
    "native_layer_norm": mixing.layer_norm,
    "native_group_norm": mixing.group_norm,
    "_native_multi_head_attention": mixing.group_norm,
    **{f"max_pool{d}d_with_indices": windows.pooling for d in (1, 2, 3)},
    **{f"max_pool{d}d": windows.pooling for d in (1, 2, 3)},
    **{f"avg_pool{d}d": windows.pooling for d in (1, 2, 3)},
    **{f"reflection_pad{d}d": windows.padding("padding", "mirror") for d in (1, 2, 3)},
    **{f"replication_pad{d}d": windows.padding("padding", "edge") for d in (1, 2, 3)},
    **dict.fromkeys(
        [
            f"{prefix}adaptive_{kind}_pool{d}d"
            for prefix in ("", "_")
            for kind in ("avg", "max")
            for d in (1, 2, 3)
        ],
        windows.adaptive_pooling,
    ),
    **dict.fromkeys(
        ("view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy", "_reshape_copy"), shapes.view
    ),
    **dict.fromkeys(("transpose", "t"), shapes.transpose),
    **dict.fromkeys(
        (
            "mean",
            "sum",
            "amax",
            "amin",
            "max",
            "min",
            "var",
            "std",
            "var_mean",
            "std_mean",
            "logsumexp",
            "linalg_vector_norm",
            "norm",
            "argmax",
            "argmin",
            "prod",
            "any",
            "all",
            "median",
        ),
        mixing.reduction,
    ),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax", "sort"), mixing.over_dims),
    **dict.fromkeys(
        (
            "native_batch_norm",
            "_native_batch_norm_legit",
            "_native_batch_norm_legit_no_training",
            "_batch_norm_no_update",
            "cudnn_batch_norm",
            "miopen_batch_norm",
            "_batch_norm_with_update",
        ),
        mixing.batch_norm,
    ),
    **dict.fromkeys(
        (
            "alias",
            "clone",
            "detach",
            "lift",
            "lift_fresh",
            "_to_copy",
            "contiguous",
            "native_dropout",
            "native_channel_shuffle",
            "channel_shuffle",
            "resolve_conj",
            "resolve_neg",
        ),
        unchanged,
    ),
}
"""Rules for operations with one main input; other inputs that depend on the picture reach all outputs."""

_ALL_INPUTS: dict[str, Callable[[Call], list[Trace]]] = {
    "cat": shapes.concatenation,
    "stack": shapes.stack,
    "unbind": shapes.unbind,
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_chunk"), shapes.split),
    **dict.fromkeys(("mm", "bmm", "linear", "addmm", "baddbmm"), mixing.matrix_product),
    **dict.fromkeys(
        [
            f"_scaled_dot_product_{kind}"
            for kind in (
                "flash_attention",
                "flash_attention_for_cpu",
                "efficient_attention",
                "cudnn_attention",
            )
        ],
        mixing.attention,
    ),
    **dict.fromkeys(("fill", "copy"), mixing.overwriting),
    **dict.fromkeys(("hardswish", "prelu", "_prelu_kernel", "where", "rsub"), mixing.pointwise),
}
"""Rules that look at several inputs, or return a different trace for each output."""

_CONSTANT = frozenset(
    (
        "zeros_like",
        "ones_like",
        "full_like",
        "empty_like",
        "rand_like",
        "randn_like",
        "randint_like",
        "new_zeros",
        "new_ones",
        "new_full",
        "new_empty",
        "new_empty_strided",
        "zero",
    )
)
"""Operations that use nothing of their input but its shape."""


def propagate(call: Call) -> list[Trace] | None:
    """What is known of each output of an operation, from what is known of its inputs.

    Returns:
        One trace per output; None where the outputs do not depend on the model's input. Depths are those of
        the inputs: what counts as a weighted operation is the caller's business.
    """
    traces = [trace for tensor in call.tensors if (trace := call.trace_of(tensor))]
    if not traces or call.name in _CONSTANT:
        return None
    if call.name in _ALL_INPUTS:
        results = _ALL_INPUTS[call.name](call)
    elif call.pointwise:
        results = mixing.pointwise(call)
    else:
        results = [_on_main(call, _MAIN_INPUT.get(call.name, _not_understood))]
    if not results:
        return None
    results = results if len(results) == len(call.outputs) else results[:1] * len(call.outputs)
    depth = max(trace.depth for trace in traces)
    pairs = zip(results, call.outputs, strict=True)
    return [trace.deeper(depth).fitting(output.shape) for trace, output in pairs]


def _on_main(call: Call, rule: Callable[[Call], Change]) -> Trace:
    main, *rest = (call.trace_of(tensor) for tensor in call.tensors)
    everywhere = range(max(tensor.dim() for tensor in call.tensors))
    pieces = [main.mapped(rule(call))] if main else []
    pieces += [trace.mapped(lambda axis: axis.contracted(everywhere)) for trace in rest if trace]
    return reduce(Trace.joined, pieces)


def _not_understood(call: Call) -> Change:
    return lambda axis: axis.unknown() if call.shape == call.result else axis.lost()
