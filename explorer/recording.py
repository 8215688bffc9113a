"""Recording: one run of a model with private hooks that keep what chosen modules return.

The workings under `explorer.activations.capture`, whose description says what they are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_iter, tree_map_only

Call = tuple[Tensor, ...]
"""The tensors that one call of one module returned."""


class Anatomy:
    """What a recording needs to know about a model, found in one walk over its modules.

    Attributes:
        modules: Every module by name, as in `named_modules`; one registered under two names answers to both.
        inplace: Those that overwrite their input, each once, with the name of the module before it.
        state: `id` of every parameter and buffer.
        training: Whether any module is in training mode.
    """

    def __init__(self, module: nn.Module) -> None:
        self.modules: dict[str, nn.Module] = {}
        self.inplace: dict[nn.Module, str] = {}
        self.state: set[int] = set()
        self.training = False
        self._last = ""
        self._walk(module, "")

    def overwriting(self, names: Mapping[str, nn.Module]) -> list[nn.Module]:
        """The in-place modules that stand right behind one of `names`, and so will overwrite what it returns.

        Where hundreds of modules are recorded, to watch the others as well, which overwrite something else
        as a rule, is felt. Should one of them overwrite what is kept after all, that is found afterwards.
        """
        return [
            module for module, before in self.inplace.items() if not names.keys().isdisjoint(_ending(before))
        ]

    def _walk(self, module: nn.Module, name: str) -> None:
        # Networks have hundreds of small modules, and after a forward pass none of them is in the cache: to
        # visit them twice, or by `named_modules`, is felt, and so is every attribute that Python looks for in
        # the classes first, and then in three dictionaries of the module.
        self.modules[name] = module
        own = module.__dict__
        if module.training:
            self.training = True
        if own.get("inplace"):
            self.inplace.setdefault(module, self._last)
        if parameters := own["_parameters"]:
            self.state.update(map(id, parameters.values()))
        if buffers := own["_buffers"]:
            self.state.update(map(id, buffers.values()))
        if not own["_modules"]:
            self._last = name
        before = f"{name}." if name else ""
        for key, part in own["_modules"].items():
            if part is not None:
                self._walk(part, before + key)


def _ending(name: str) -> list[str]:
    """The module of this name and the blocks that may end with it, which then return what it returns."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def record_intact(
    module: nn.Module, x: Any, anatomy: Anatomy, names: Mapping[str, nn.Module], watched: Iterable[nn.Module]
) -> Recording:
    """Run the model until every kept output is what its module returned: once, as a rule.

    Args:
        module: The model.
        x: Its input; a tuple is passed as several arguments.
        anatomy: The model's.
        names: The modules whose outputs are kept.
        watched: The in-place modules before which a copy is made of what they would overwrite.
    """
    copies = frozenset(names) if anatomy.training else frozenset()
    disturbed = 0
    while True:
        try:
            recording = _record(module, x, anatomy.state, names, watched, copies)
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
    state: Set[int],
    names: Mapping[str, nn.Module],
    watched: Iterable[nn.Module],
    copies: frozenset[str],
) -> Recording:
    """Run the model once with hooks on the named modules; the hooks are gone afterwards."""
    recording = Recording(copies, state)
    # Inside a caller's inference mode tensors have no version counters; a copy of the input keeps the
    # caller's own tensor from a model that begins in place.
    with _hooked(recording, names, watched), torch.inference_mode(False), torch.no_grad():
        inputs = map_tensors(Tensor.clone, x)
        output = module(*inputs) if isinstance(inputs, tuple) else module(inputs)
        recording.output = map_tensors(lambda tensor: recording.kept(tensor).tensor, output)
    return recording


@contextmanager
def _hooked(
    recording: Recording, names: Mapping[str, nn.Module], inplace: Iterable[nn.Module]
) -> Iterator[None]:
    """The hooks of a recording, as long as the block lasts.

    They go straight where `register_forward_hook` puts them, under a key of this block's own. The handle that
    it makes for each module, with its weak references, costs as much as all that a hook does.
    """
    names_of: dict[nn.Module, tuple[str, ...]] = {}
    for name, module in names.items():
        names_of[module] = (*names_of.get(module, ()), name)
    key: Any = object()
    try:
        for module, own_names in names_of.items():
            module._forward_hooks[key] = recording.keep(own_names)
        for module in inplace:
            module._forward_pre_hooks[key] = recording.save_before_overwriting
        yield
    finally:
        for module in names_of:
            module._forward_hooks.pop(key, None)
        for module in inplace:
            module._forward_pre_hooks.pop(key, None)


class Recording:
    """What the hooks of one capture collect, during one run of the model, in one thread.

    Args:
        copies: Names of which copies are kept, whatever happens to them.
        state: `id` of every parameter and buffer of the model.
    """

    def __init__(self, copies: frozenset[str], state: Set[int]) -> None:
        self.output: Any = None
        self.returned: dict[str, str] = {}
        self.calls: dict[str, list[list[_Kept]]] = {}
        self._copies = copies
        self._state = state
        self._by_address: dict[int, list[_Kept]] = {}
        self._thread = get_ident()

    def kept(self, tensor: Tensor, copy: bool = False) -> _Kept:
        """`tensor`, kept by reference where that is safe, or as a copy."""
        base = tensor._base
        if (
            copy
            # Handed out by the model, a parameter or buffer would change with the next training step.
            or id(tensor if base is None else base) in self._state
            # Tensors made under inference_mode have no version counter, sparse ones no storage.
            or tensor.is_inference()
            or tensor.layout is not torch.strided
        ):
            return _Kept(_copy(tensor), None)
        # Under `no_grad` only what asks for gradients by itself has anything to be detached from.
        item = _Kept(tensor.detach() if tensor.requires_grad else tensor, tensor._version)
        self._by_address.setdefault(tensor.data_ptr(), []).append(item)
        return item

    def keep(self, names: tuple[str, ...]) -> Callable[..., None]:
        """A forward hook that keeps a module's output under `names`."""
        copy = not self._copies.isdisjoint(names)
        # Local names, and few calls: after a layer's arithmetic nothing that a hook needs is in the cache.
        thread, keep, calls = self._thread, self.kept, self.calls

        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if get_ident() != thread:
                return
            if isinstance(output, Tensor):
                kept = [keep(output, copy)]
            else:
                kept = [keep(tensor, copy) for tensor in _tensors(output)]
            for name in names:
                made = calls.setdefault(name, [])
                if kept:
                    made.append(kept)
                else:
                    self.returned[name] = type(output).__name__

        return hook

    def save_before_overwriting(self, _module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """A forward pre-hook for in-place modules: what is kept of their inputs becomes a copy first.

        The module still gets the original, so that code which relies on the change keeps working. Inputs
        passed by keyword, and views that begin elsewhere in the memory of what is kept, are not seen here;
        their change is found afterwards, as that of a function.
        """
        if get_ident() != self._thread:
            return
        for tensor in _tensors(inputs[0] if len(inputs) == 1 else inputs):
            if tensor.layout is torch.strided:
                for item in self._by_address.pop(tensor.data_ptr(), ()):
                    item.copy()

    def overwritten(self) -> frozenset[str]:
        """The names of which some kept tensor changed after it was kept."""
        return frozenset(
            name
            for name, calls in self.calls.items()
            if any(item.overwritten for call in calls for item in call)
        )

    def tensors(self, change: Callable[[Tensor], Tensor]) -> dict[str, tuple[Call, ...]]:
        """What the modules returned, in network order, oldest call first, after `change` of each tensor."""
        return {
            name: tuple([tuple([change(item.tensor) for item in call]) for call in calls])
            for name, calls in self.calls.items()
        }


class _Kept:
    """A tensor by reference, with the version that it had; or, without a version, a copy of it."""

    __slots__ = ("_version", "tensor")

    def __init__(self, tensor: Tensor, version: int | None) -> None:
        self.tensor = tensor
        self._version = version

    @property
    def overwritten(self) -> bool:
        # Views and detached tensors share their version counter with the one that they came from.
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


def is_script(module: nn.Module) -> bool:
    """Whether `module` is TorchScript: it takes no hooks, and neither does anything inside it."""
    return isinstance(module, torch.jit.ScriptModule)
