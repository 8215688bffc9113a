"""Multiply-accumulates of the operations that have weights or multiply matrices.

The convention is that of most model tables: one multiplication together with its addition counts once, while
biases, normalisation, activations and pooling count nothing. PyTorch's `torch.utils.flop_counter` counts two
for each of ours.
"""

from __future__ import annotations

from math import prod

from explorer.tracing.call import Call


def macs(call: Call) -> int:
    """Multiply-accumulates of one call over its whole batch; 0 for operations that have none."""
    if call.name == "convolution":
        weight = call.arguments["weight"].shape  # (out, in / groups, ...), transposed (in, out / groups, ...)
        positions = call.shape if call.arguments["transposed"] else call.result
        return int(positions[0] * prod(positions[2:]) * prod(weight))
    if call.name in ("mm", "bmm", "linear"):
        return prod(call.result) * call.shape[-1]
    if call.name in ("addmm", "baddbmm"):
        return prod(call.result) * call.tensors[1].shape[-1]
    if call.name.startswith("_scaled_dot_product"):
        query, key, value = (tensor.shape for tensor in call.tensors[:3])
        return prod(query[:-1]) * key[-2] * (key[-1] + value[-1])
    if call.name == "_native_multi_head_attention":
        query, key = call.tensors[0].shape, call.tensors[1].shape  # (N, L, E) and (N, S, E)
        projections = query[0] * query[2] ** 2 * (2 * query[1] + 2 * key[1])
        return projections + 2 * prod(query) * key[1]
    return 0
