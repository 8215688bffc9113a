"""Capture: run a model once and keep what chosen modules put out.

`capture` registers forward hooks, runs the model, removes the hooks and returns an `Activations`.
Three properties make it fit for a model that many visitors share, and each is tested:

* Private. A hook acts only in the thread that registered it, so a capture never sees another thread's
  activations. No lock is held while the model runs.
* Unmutated. Outputs are kept by reference, which costs next to nothing. When an in-place module
  (`nn.ReLU(inplace=True)`) is about to overwrite a kept output, a copy is kept instead. What is overwritten
  unforeseen, by arithmetic (`out += identity`) or, where layers are captured by type, by a module that stands
  elsewhere in the model than right behind the layer, is found afterwards through PyTorch's version counters;
  only then does the model run a second time, with copies of the outputs concerned. A model in training mode
  runs once, with copies of everything, since a second run would update its statistics again. What goes
  around the version counters (`out.data.add_(1)`, `out.numpy()[:] = 0`) cannot be noticed.
* Traceless. Hooks are gone when `capture` returns or raises; training flags, parameters and gradients
  are never touched.

One thing stays: the first capture of a process asks glibc to keep freed memory (see `explorer.memory`). Held
maps are freed together, and to fetch their pages from the system again costs up to a third of the forward.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeGuard, cast

import torch
from torch import Tensor, nn

from explorer.errors import close_names
from explorer.memory import keep_freed_memory_once
from explorer.placement import to_device_of
from explorer.recording import Anatomy, Call, is_script, map_tensors, record_intact

Layers: TypeAlias = "str | Iterable[str] | type[nn.Module] | tuple[type[nn.Module], ...] | None"


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

    def in_float32(self) -> Activations:
        """The same with what a network in mixed precision put out in 16 bits widened to 32, without loss."""
        widened: dict[int, Tensor] = {}

        def wide(tensor: Tensor) -> Tensor:
            if tensor.dtype not in (torch.bfloat16, torch.float16):
                return tensor
            return widened.setdefault(id(tensor), tensor.float())

        calls = {name: tuple(tuple(map(wide, call)) for call in made) for name, made in self._calls.items()}
        return Activations(calls, map_tensors(wide, self.output))

    @property
    def nbytes(self) -> int:
        """Memory of all captured tensors together, in bytes (a tensor kept under two names counts once)."""
        tensors = [t for calls in self._calls.values() for call in calls for t in call]
        return sum({(t.data_ptr(), t.shape): t.nbytes for t in tensors}.values())


def capture(module: nn.Module, x: Any, layers: Layers = None) -> Activations:
    """Run `module` on `x` once and return the outputs of `layers`.

    The model runs as it is (no change of mode or device) under `torch.no_grad`. Its mode is the caller's
    choice: `module.eval()` for what the network does in use.

    Args:
        module: Any `nn.Module` with Python submodules.
        x: The model's input, usually (N, C, H, W); a tuple is passed as several arguments. It is moved to
            the model's device.
        layers: A module name as in `module.named_modules()` (`""` is the model itself), several names, a
            module type such as `nn.Conv2d`, or None for every submodule. Named layers must run and return a
            tensor; with a type or None, those that don't are left out.

    Returns:
        The outputs by name, in network order.

    Raises:
        UnknownLayerError: If a name is not in the model.
        CaptureError: If `module` is no `nn.Module`, if a named layer is TorchScript, did not run or returned
            no tensor, or if nothing was left to capture.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True))
        >>> activations = capture(net, torch.zeros(1, 3, 8, 7), nn.Conv2d)
        >>> activations
        Activations({'0': (1, 4, 6, 5)})
    """
    if not isinstance(module, nn.Module):
        raise CaptureError(f"only an nn.Module has layers to capture, not a {type(module).__name__}")
    keep_freed_memory_once()
    anatomy = Anatomy(module)
    names = _select(anatomy.modules, layers)
    asked = () if layers is None or _is_type(layers) else names
    watched = anatomy.inplace if asked else anatomy.overwriting(names)
    recording = record_intact(module, to_device_of(module, x), anatomy, names, watched)
    to_cpu = _CpuCopies()
    calls = {name: made for name, made in recording.tensors(to_cpu).items() if made}
    _require(calls, asked, recording.returned)
    return Activations(calls, map_tensors(to_cpu, recording.output))


def _is_type(layers: Layers) -> TypeGuard[type[nn.Module] | tuple[type[nn.Module], ...]]:
    kinds = layers if isinstance(layers, tuple) else (layers,)
    return bool(kinds) and all(isinstance(kind, type) for kind in kinds)


def _select(modules: Mapping[str, nn.Module], layers: Layers) -> dict[str, nn.Module]:
    """The modules that `layers` means, by name."""
    if layers is None:
        return {name: found for name, found in modules.items() if name and not is_script(found)}
    if _is_type(layers):
        chosen = {name: found for name, found in modules.items() if isinstance(found, layers)}
        if chosen := {name: found for name, found in chosen.items() if not is_script(found)}:
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
        if is_script(modules[name]):
            raise CaptureError(f"layer {name!r} is TorchScript, which takes no hooks; name a layer around it")
    return {name: modules[name] for name in names}


def _require(calls: Mapping[str, Any], names: Iterable[str], returned: Mapping[str, str]) -> None:
    for name in names:
        if name not in calls and name in returned:
            raise CaptureError(f"layer {name!r} returned no tensor but {returned[name]}")
        if name not in calls:
            raise CaptureError(
                f"layer {name!r} did not run on this input: the model's forward never called it in this "
                "thread (an auxiliary head, a part that only training uses, or a compiled model)"
            )
    if not calls:
        raise CaptureError("none of the model's modules ran and returned a tensor")


class _CpuCopies:
    """Moves tensors to the CPU, each distinct one once: a block and its last layer often share one."""

    def __init__(self) -> None:
        self._done: dict[tuple[Any, ...], Tensor] = {}

    def __call__(self, tensor: Tensor) -> Tensor:
        if tensor.is_cpu:
            return tensor
        if tensor.layout is not torch.strided:
            return tensor.cpu()
        # The recording keeps all these tensors alive, so that none has been given another's storage.
        place = tensor.untyped_storage()._cdata, tensor.storage_offset()
        key = (*place, tensor.shape, tensor.stride(), tensor.dtype)
        if key not in self._done:
            self._done[key] = tensor.cpu()
        return self._done[key]
