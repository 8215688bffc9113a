"""Capture: run a model once and keep what chosen modules put out.

`capture` registers forward hooks, runs the model, removes the hooks and returns an `Activations`.
Three properties make it fit for a model that many visitors share, and each is tested:

* Private. A hook acts only in the thread that registered it, so a capture never sees another thread's
  activations. No lock is held while the model runs.
* Unmutated. Outputs are kept by reference, which costs next to nothing. When an in-place module
  (`nn.ReLU(inplace=True)`) is about to overwrite a kept output, a copy is kept instead. In-place arithmetic
  that no module announces (`out += identity`) is found afterwards through PyTorch's version counters;
  only then does the model run a second time, with copies of the outputs concerned.
* Traceless. Hooks are gone when `capture` returns or raises; training flags, parameters and gradients
  are never touched.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeGuard, cast

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_iter, tree_map_only

from explorer.errors import close_names

Layers: TypeAlias = "str | Iterable[str] | type[nn.Module] | tuple[type[nn.Module], ...] | None"

Call = tuple[Tensor, ...]
"""The tensors that one call of one module returned."""


class CaptureError(ValueError):
    """A capture that cannot be made; the message says what was asked for and what is possible."""


class UnknownLayerError(CaptureError):
    """A layer name that the model does not have; the message lists the close names."""


class Activations(Mapping[str, Tensor]):
    """What the captured modules put out, in network order (the order in which they first finished).

    `activations[name]` is the module's output, detached, on the CPU: for a feature map a tensor
    (N, C, H, W). Where a module was called several times it is the last call's output; where it returned
    several tensors, the first of them. `calls` has everything.

    Attributes:
        output: What the model itself returned, in the same structure, its tensors detached and on the CPU.
    """

    def __init__(self, calls: Mapping[str, tuple[Call, ...]], output: Any) -> None:
        self._calls = dict(calls)
        self.output = output

    def __getitem__(self, name: str) -> Tensor:
        return self.calls(name)[-1][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        rows = ", ".join(f"{name!r}: {tuple(self[name].shape)}" for name in self)
        return f"Activations({{{rows}}})"

    def calls(self, name: str) -> tuple[Call, ...]:
        """Every call of the module `name`, oldest first; each is the tuple of tensors that it returned.

        Raises:
            KeyError: If `name` was not captured.
        """
        if name not in self._calls:
            raise KeyError(f"{name!r} was not captured{close_names(name, self._calls)}")
        return self._calls[name]

    @property
    def nbytes(self) -> int:
        """Memory of all captured tensors together, in bytes (a tensor kept under two names counts once)."""
        unique = {t.data_ptr(): t.nbytes for calls in self._calls.values() for call in calls for t in call}
        return sum(unique.values())


def capture(module: nn.Module, x: Any, layers: Layers = None) -> Activations:
    """Run `module` on `x` once and return the outputs of `layers`.

    The model runs as it is (no change of mode or device) under `torch.no_grad`. Its mode is the caller's
    choice: `module.eval()` for what the network does in use.

    Args:
        module: Any `nn.Module` with Python submodules.
        x: The model's input, usually (N, C, H, W); a tuple is passed as several arguments.
        layers: A module name as in `module.named_modules()` (`""` is the model itself), several names, a
            module type such as `nn.Conv2d`, or None for every submodule. Named layers must run and return a
            tensor; with a type or None, those that don't are left out.

    Returns:
        The outputs by name, in network order.

    Raises:
        UnknownLayerError: If a name is not in the model.
        CaptureError: If a named layer did not run or returned no tensor, or nothing was left to capture.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
        >>> activations = capture(net, torch.zeros(1, 3, 8, 7), nn.Conv2d)
        >>> activations
        Activations({'0': (1, 4, 6, 5)})
    """
    names = _select(module, layers)
    recording = _record(module, x, names, copies=frozenset())
    if overwritten := recording.overwritten():
        recording = _record(module, x, names, copies=overwritten)
    calls = recording.by_name(names)
    if layers is None or _is_type(layers):
        calls = {name: made for name, made in calls.items() if made}
    _require(calls, recording.returned)
    ordered = sorted(calls, key=list(recording.calls).index)
    to_cpu = _CpuCopies()
    return Activations(
        {name: tuple(tuple(map(to_cpu, call)) for call in calls[name]) for name in ordered},
        tree_map_only(Tensor, to_cpu, recording.output),
    )


def _is_type(layers: Layers) -> TypeGuard[type[nn.Module] | tuple[type[nn.Module], ...]]:
    kinds = layers if isinstance(layers, tuple) else (layers,)
    return bool(kinds) and all(isinstance(kind, type) for kind in kinds)


def _select(module: nn.Module, layers: Layers) -> dict[str, nn.Module]:
    """The modules that `layers` means, by name."""
    # A module registered under two names answers to both.
    modules = dict(module.named_modules(remove_duplicate=False))
    if layers is None:
        return {name: found for name, found in modules.items() if name}
    if _is_type(layers):
        if chosen := {name: found for name, found in modules.items() if isinstance(found, layers)}:
            return chosen
        raise CaptureError(f"the model has no module of type {layers}")
    names = [layers] if isinstance(layers, str) else [str(name) for name in cast("Iterable[str]", layers)]
    if not names:
        raise CaptureError(
            "no layer was asked for; give a name, several names, a module type or None for all"
        )
    for name in names:
        if name not in modules:
            near = close_names(name, filter(None, modules))
            raise UnknownLayerError(f"the model has no layer {name!r}{near}")
    return {name: modules[name] for name in names}


def _require(calls: Mapping[str, tuple[Call, ...]], returned: Mapping[str, str]) -> None:
    for name, made in calls.items():
        if not made and name in returned:
            raise CaptureError(f"layer {name!r} returned no tensor but {returned[name]}")
        if not made:
            raise CaptureError(
                f"layer {name!r} did not run on this input: the model's forward never called it "
                "(an auxiliary head, a part that only training uses, or a scripted module)"
            )
    if not calls:
        raise CaptureError("none of the model's modules ran and returned a tensor")


class _Kept:
    """A tensor that a hook kept, and its version then: a later in-place change raises the version."""

    def __init__(self, tensor: Tensor, copy: bool) -> None:
        # A parameter returned as it is would change with the next training step.
        self.tensor = tensor.clone() if copy or tensor.requires_grad else tensor.detach()
        self.version = self.tensor._version

    def copy(self) -> None:
        self.tensor = self.tensor.clone()
        self.version = self.tensor._version

    @property
    def overwritten(self) -> bool:
        # A detached tensor shares its version counter with the one that it came from.
        return self.tensor._version != self.version


class _Recording:
    """What the hooks of one capture collect, during one run of the model, in one thread."""

    def __init__(self, copies: frozenset[str]) -> None:
        self.output: Any = None
        self.returned: dict[str, str] = {}
        self._copies = copies
        self.calls: dict[str, list[list[_Kept]]] = {}
        self._by_storage: dict[int, list[_Kept]] = {}
        self._thread = threading.get_ident()

    def keep(self, names: tuple[str, ...]) -> Callable[..., None]:
        """A forward hook that keeps a module's output under `names`."""
        copy = not self._copies.isdisjoint(names)

        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if threading.get_ident() != self._thread:
                return
            kept = [_Kept(leaf, copy) for leaf in tree_iter(output) if isinstance(leaf, Tensor)]
            for item in kept:
                self._by_storage.setdefault(_storage(item.tensor), []).append(item)
            for name in names:
                self.calls.setdefault(name, [])
                if kept:
                    self.calls[name].append(kept)
                else:
                    self.returned[name] = type(output).__name__

        return hook

    def save_before_overwriting(self, _module: nn.Module, inputs: Any, keywords: Any) -> None:
        """A forward pre-hook for in-place modules: what is kept of their inputs becomes a copy first.

        The module still gets the original, so that code which relies on the change keeps working.
        """
        if threading.get_ident() != self._thread:
            return
        for leaf in tree_iter((inputs, keywords)):
            if isinstance(leaf, Tensor):
                for item in self._by_storage.pop(_storage(leaf), ()):
                    item.copy()

    def overwritten(self) -> frozenset[str]:
        """The names of which some kept tensor changed after it was kept."""
        return frozenset(
            name
            for name, calls in self.calls.items()
            if any(item.overwritten for call in calls for item in call)
        )

    def by_name(self, names: Iterable[str]) -> dict[str, tuple[Call, ...]]:
        return {
            name: tuple(tuple(item.tensor for item in call) for call in self.calls.get(name, ()))
            for name in names
        }


def _record(module: nn.Module, x: Any, names: Mapping[str, nn.Module], copies: frozenset[str]) -> _Recording:
    """Run the model once with hooks on the named modules; the hooks are gone afterwards."""
    recording = _Recording(copies)
    names_of: dict[nn.Module, tuple[str, ...]] = {}
    for name, found in names.items():
        names_of[found] = (*names_of.get(found, ()), name)
    handles = []
    try:
        for found, own_names in names_of.items():
            handles.append(found.register_forward_hook(recording.keep(own_names)))
        for found in module.modules():
            if getattr(found, "inplace", False):
                handles.append(
                    found.register_forward_pre_hook(recording.save_before_overwriting, with_kwargs=True)
                )
        # Inside a caller's inference mode tensors have no version counters; a copy of the input keeps the
        # caller's own tensor from a model that begins in place.
        with torch.inference_mode(False), torch.no_grad():
            inputs = tree_map_only(Tensor, Tensor.clone, x)
            recording.output = module(*inputs) if isinstance(inputs, tuple) else module(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return recording


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class _CpuCopies:
    """Moves tensors to the CPU, each distinct one once: a block and its last layer often share one."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, tensor: Tensor) -> Tensor:
        if id(tensor) not in self._done:
            # The source is kept beside its copy, since a freed tensor's id would be given out again.
            self._done[id(tensor)] = (tensor, tensor.detach().cpu())
        return self._done[id(tensor)][1]
