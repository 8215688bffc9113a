"""Recording: one run of a model with private hooks that keep what chosen modules return.

The workings under `explorer.activations.capture`, whose description says what they are for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_iter, tree_map_only

Call = tuple[Tensor, ...]
"""The tensors that one call of one module returned."""


def record_intact(
    module: nn.Module, x: Any, modules: Mapping[str, nn.Module], names: Mapping[str, nn.Module]
) -> Recording:
    """Run the model until every kept output is what its module returned: once, as a rule."""
    copies = frozenset(names) if any(part.training for part in modules.values()) else frozenset()
    disturbed = 0
    while True:
        try:
            recording = _record(module, x, modules, names, copies)
        except RuntimeError as error:
            # PyTorch lists a module's hooks before it calls them. Should garbage collection hand over to
            # another thread in the middle, and that one add or remove a hook, then the run fails by no
            # fault of the model's.
            disturbed += 1
            if str(error) != "OrderedDict mutated during iteration" or disturbed > 5:
                raise
            continue
        if not (overwritten := recording.overwritten()):
            return recording
        copies |= overwritten
        # The memory of the first run is needed for the second.
        del recording


def _record(
    module: nn.Module,
    x: Any,
    modules: Mapping[str, nn.Module],
    names: Mapping[str, nn.Module],
    copies: frozenset[str],
) -> Recording:
    """Run the model once with hooks on the named modules; the hooks are gone afterwards."""
    recording = Recording(copies, modules.values())
    names_of: dict[nn.Module, tuple[str, ...]] = {}
    for name, found in names.items():
        names_of[found] = (*names_of.get(found, ()), name)
    handles = []
    try:
        for found, own_names in names_of.items():
            handles.append(found.register_forward_hook(recording.keep(own_names)))
        for found in dict.fromkeys(modules.values()):
            # `getattr` would search three dictionaries in Python for every module that has no such setting.
            if vars(found).get("inplace"):
                handles.append(found.register_forward_pre_hook(recording.save_before_overwriting))
        # Inside a caller's inference mode tensors have no version counters; a copy of the input keeps the
        # caller's own tensor from a model that begins in place.
        with torch.inference_mode(False), torch.no_grad():
            inputs = map_tensors(Tensor.clone, x)
            output = module(*inputs) if isinstance(inputs, tuple) else module(inputs)
            recording.output = map_tensors(lambda tensor: recording.kept(tensor).tensor, output)
    finally:
        for handle in handles:
            handle.remove()
    return recording


class Recording:
    """What the hooks of one capture collect, during one run of the model, in one thread."""

    def __init__(self, copies: frozenset[str], modules: Iterable[nn.Module]) -> None:
        self.output: Any = None
        self.returned: dict[str, str] = {}
        self._copies = copies
        self.calls: dict[str, list[list[_Kept]]] = {}
        self._by_storage: dict[int, list[_Kept]] = {}
        self._thread = threading.get_ident()
        self._state: set[int] = set()
        for module in modules:
            if module._parameters or module._buffers:  # half of all modules have neither
                self._state.update(map(id, module._parameters.values()), map(id, module._buffers.values()))

    def kept(self, tensor: Tensor, copy: bool = False) -> _Kept:
        """`tensor`, kept by reference where that is safe, or as a copy."""
        base = tensor if tensor._base is None else tensor._base
        if (
            copy
            # Handed out by the model, a parameter or buffer would change with the next training step.
            or id(base) in self._state
            # Tensors made under inference_mode have no version counter, sparse ones no storage.
            or tensor.is_inference()
            or tensor.layout is not torch.strided
        ):
            return _Kept(_copy(tensor), None)
        item = _Kept(tensor.detach(), tensor._version)
        self._by_storage.setdefault(storage_of(tensor), []).append(item)
        return item

    def keep(self, names: tuple[str, ...]) -> Callable[..., None]:
        """A forward hook that keeps a module's output under `names`."""
        copy = not self._copies.isdisjoint(names)

        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if threading.get_ident() != self._thread:
                return
            kept = [self.kept(tensor, copy) for tensor in _tensors(output)]
            for name in names:
                self.calls.setdefault(name, [])
                if kept:
                    self.calls[name].append(kept)
                else:
                    self.returned[name] = type(output).__name__

        return hook

    def save_before_overwriting(self, _module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """A forward pre-hook for in-place modules: what is kept of their inputs becomes a copy first.

        The module still gets the original, so that code which relies on the change keeps working. Inputs
        passed by keyword are not seen here; their change is found afterwards, as that of a function.
        """
        if threading.get_ident() != self._thread:
            return
        for tensor in _tensors(inputs[0] if len(inputs) == 1 else inputs):
            if tensor.layout is torch.strided:
                for item in self._by_storage.pop(storage_of(tensor), ()):
                    item.copy()

    def overwritten(self) -> frozenset[str]:
        """The names of which some kept tensor changed after it was kept."""
        return frozenset(
            name
            for name, calls in self.calls.items()
            if any(item.overwritten for call in calls for item in call)
        )

    def by_name(self, names: Iterable[str]) -> dict[str, tuple[Call, ...]]:
        """What each module returned, oldest call first; `()` where it did not run or returned no tensor."""
        return {
            name: tuple(tuple(item.tensor for item in call) for call in self.calls.get(name, ()))
            for name in names
        }


class _Kept:
    """A tensor by reference, with the version that it had; or, without a version, a copy of it."""

    __slots__ = ("_version", "tensor")

    def __init__(self, tensor: Tensor, version: int | None) -> None:
        self.tensor = tensor
        self._version = version

    @property
    def overwritten(self) -> bool:
        # A detached tensor shares its version counter with the one that it came from.
        return self._version is not None and self.tensor._version != self._version

    def copy(self) -> None:
        # A copy of what was overwritten already would hide that it was.
        if not self.overwritten:
            self.tensor, self._version = _copy(self.tensor), None


def _copy(tensor: Tensor) -> Tensor:
    """A copy that is an ordinary tensor without a graph, whatever modes the model itself switched on."""
    with torch.inference_mode(False), torch.no_grad():
        return tensor.clone()


def map_tensors(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """`value` with each tensor in it, however nested, replaced by `function` of it."""
    # The usual case without what a walk through a structure costs; below likewise.
    return function(value) if isinstance(value, Tensor) else tree_map_only(Tensor, function, value)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [leaf for leaf in tree_iter(value) if isinstance(leaf, Tensor)]


def storage_of(tensor: Tensor) -> int:
    """What tells the memory under a strided tensor, which its views and in-place results share."""
    return int(tensor.untyped_storage()._cdata)


def is_script(module: nn.Module) -> bool:
    """Whether `module` is TorchScript: it takes no hooks, and neither does anything inside it."""
    return isinstance(module, torch.jit.ScriptModule)
