"""A device "fake" that is not the CPU, on any computer: its tensors stand for CPU tensors and count on those.

What it shares with a GPU is what matters here: an operation refuses tensors of two devices, and values are
read only after a move. It is PyTorch's own place for devices from outside (`PrivateUse1`). Registering it
concerns the whole process, so the tests use it in one of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "fake"

_held: dict[int, Tensor] = {}
"""The CPU tensor that each tensor of the device stands for, by the address of its (empty) storage."""

_libraries: list[torch.library.Library] = []
"""Collected, a library takes its kernels along."""


def register() -> torch.device:
    """Make the device known to PyTorch, for the rest of the process."""
    _setup_privateuseone_for_python_backend(NAME)
    every, aten = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    every.fallback(_operation, "PrivateUse1")
    aten.impl("convolution_overrideable", _convolution, "PrivateUse1")
    _libraries.extend((every, aten))
    return torch.device(NAME, 0)


def _operation(op: Any, *args: Any, **kwargs: Any) -> Any:
    """Any operation of which one tensor lies on the device, or which makes one there."""
    if op._schema.name == "aten::_copy_from":
        _inner(args[1]).copy_(_inner(args[0]))
        return args[1]
    given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    if any(leaf.dim() and leaf.is_cpu for leaf in given):
        raise RuntimeError(f"{op}: expected all tensors on one device, got {[str(t.device) for t in given]}")
    args, kwargs = tree_map_only(Tensor, _inner, (args, kwargs))
    if op._schema.name == "aten::as_strided":
        return _outer(_strided(*args, **kwargs), {})
    own = {id(_inner(leaf)): leaf for leaf in given}
    if kwargs.get("device") is not None:
        kwargs["device"] = "cpu"
    return tree_map_only(Tensor, lambda made: _outer(made, own), op(*args, **kwargs))


def _convolution(*args: Any) -> Any:
    """PyTorch leaves convolutions to the device itself."""
    return _operation(torch.ops.aten.convolution.default, *args)


def _strided(inner: Tensor, size: Any, stride: Any, storage_offset: int = 0) -> Tensor:
    """A view. PyTorch worked out its steps from a tensor without gaps, which every one here seems to be."""
    first = inner.storage_offset()
    reach = sum((n - 1) * s for n, s in zip(inner.shape, inner.stride(), strict=True))
    places = torch.arange(first + reach + 1)
    places = places.as_strided(inner.shape, inner.stride(), first).flatten()
    wanted = places[torch.arange(len(places)).as_strided(size, stride, storage_offset)]
    start = [0] * wanted.dim()
    steps = []
    for axis, length in enumerate(wanted.shape):
        start[axis] = min(1, length - 1)
        steps.append(int(wanted[tuple(start)] - wanted.flatten()[0]))
        start[axis] = 0
    return inner.as_strided(size, steps, int(wanted.flatten()[0]))


def _inner(tensor: Tensor) -> Tensor:
    return tensor if tensor.is_cpu else _held[tensor.untyped_storage()._cdata]


def _outer(made: Tensor, own: dict[int, Tensor]) -> Tensor:
    """A result on the device; one that was written into a given tensor is that tensor."""
    if id(made) in own:
        return own[id(made)]
    tensor: Tensor = torch._C._acc.create_empty_tensor(tuple(made.shape), made.dtype)
    _held[tensor.untyped_storage()._cdata] = made
    return tensor
