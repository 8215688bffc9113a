"""A copy of a model's structure that shares its parameters.

Hooks and modes can be changed on such a copy without another thread that runs the same model noticing.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy


def private_copy(module: nn.Module) -> nn.Module:
    """Copy every submodule, share the parameters, copy the buffers, and set the copy to evaluation mode.

    Nothing of the original changes, and nobody else sees the copy. Its buffers are its own, so that a model
    which writes to them leaves the original's alone. The modes are set directly: a model's own `train()` may
    do more than that, for instance merge adapters into the shared weights.

    Attributes that cannot be copied (locks, open files, tensors with a history) are shared. Hooks are kept as
    they are, since some models need theirs (weight normalisation); methods of copied modules among them
    belong to the copy.

    Raises:
        TypeError: For something else than a module, or a TorchScript module, which has no Python structure.
        ValueError: For lazy parameters that have no shape yet.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"a torch.nn.Module is needed, not {type(module).__name__}")
    originals = list(module.modules())
    memo: dict[int, Any] = {}
    for original in originals:
        _check(original)
        memo[id(original)] = object.__new__(type(original))
        memo.update((id(parameter), parameter) for parameter in original._parameters.values())
        for buffer in original._buffers.values():
            memo[id(buffer)] = buffer if buffer is None else buffer.detach().clone()
    for original in originals:
        # One step that no other thread can interrupt, since hooks may come and go while this runs.
        state = original.__dict__.copy()
        memo[id(original)].__dict__.update(
            (name, _copied(name, value, memo)) for name, value in state.items()
        )
        memo[id(original)].__dict__["training"] = False
    twin: nn.Module = memo[id(module)]
    return twin


def _check(module: nn.Module) -> None:
    if isinstance(module, torch.jit.ScriptModule):
        raise TypeError(
            "a TorchScript module cannot be looked into; give the Python module that it was made of"
        )
    if any(parameter is not None and is_lazy(parameter) for parameter in module._parameters.values()):
        raise ValueError(
            f"{type(module).__name__} has parameters without a shape yet; run the model once first"
        )


def _copied(name: str, value: Any, memo: dict[int, Any]) -> Any:
    if type(value) in _IMMUTABLE:
        return value
    if isinstance(value, dict) and "_hooks" in name:
        hooks = value.copy()  # one step again
        hooks.update((number, _rebound(hook, memo)) for number, hook in list(hooks.items()))
        return hooks
    try:
        return copy.deepcopy(value, memo)
    except (TypeError, ValueError, RuntimeError, AttributeError, NotImplementedError, copy.Error):
        return value


_IMMUTABLE = frozenset({bool, int, float, str, type(None)})


def _rebound(hook: Any, memo: Mapping[int, Any]) -> Any:
    """A method of a copied module as that of the copy; everything else as it is."""
    owner = memo.get(id(getattr(hook, "__self__", None)))
    return MethodType(hook.__func__, owner) if owner is not None and isinstance(hook, MethodType) else hook
