"""Running a model once and recording what its modules put out and what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_iter
from torch.utils.weak import WeakTensorKeyDictionary

from explorer.placement import to_device_of
from explorer.tracing.axes import Axis, Trace
from explorer.tracing.call import Call
from explorer.tracing.macs import macs
from explorer.tracing.mode import PrivateMode
from explorer.tracing.private_copy import private_copy
from explorer.tracing.rules import propagate
from explorer.tracing.windows import Settings, settings


@dataclass
class ModuleRecord:
    """What one submodule did during the run; shape, trace and `finished` are those of its last call.

    Attributes:
        names: All names of the module; the first is the one that `named_modules` gives.
        module: The module in the private copy.
        calls: How often it ran and returned a tensor.
        macs: Multiply-accumulates in all its calls, over the whole batch.
        shape: Shape of its output (of the first tensor in it).
        trace: What is known of that output; None where it does not depend on the input.
        depth: Operations with weights on the longest path to the output.
        finished: When its last call finished, as a running number over all calls of all modules.
        inside: Submodules that ran and returned a tensor within its calls.
        windows: Hyper-parameters of the convolutions and poolings that it ran itself, not in a submodule.
    """

    names: tuple[str, ...]
    module: nn.Module
    calls: int = 0
    macs: int = 0
    shape: tuple[int, ...] = ()
    trace: Trace | None = None
    depth: int = 0
    finished: int = 0
    inside: int = 0
    windows: list[Settings] = field(default_factory=list)


@dataclass(frozen=True)
class Recording:
    """One run of a model.

    Attributes:
        modules: The submodules that ran, in the order in which they first finished.
        macs: Multiply-accumulates of the whole run.
        depth: Operations with weights on the longest path.
        module: The private copy that ran.
    """

    modules: tuple[ModuleRecord, ...]
    macs: int
    depth: int
    module: nn.Module


def record(module: nn.Module, inputs: Sequence[Tensor]) -> Recording:
    """Run a private copy of a model in evaluation mode and follow every operation.

    The model, its modes, hooks, buffers and gradients stay as they are, also when the run raises; the inputs
    are copied first. PyTorch's random numbers, where a model draws any, are drawn and put back.

    Args:
        module: The model.
        inputs: Its positional arguments. Those with four dimensions, (N, C, H, W), are pictures; all must
            have the height and width of the first one.
    """
    twin = private_copy(module)
    watch = _Watch(twin)
    with torch.inference_mode(False), torch.no_grad():
        given = [tensor.clone() for tensor in to_device_of(module, list(inputs))]
        for tensor, trace in zip(given, _traces(given), strict=True):
            watch.traces[tensor] = trace
        with watch:
            twin(*given)
    return Recording(tuple(watch.finished), watch.macs, watch.depth, twin)


def _traces(inputs: Sequence[Tensor]) -> Iterator[Trace]:
    """Pictures have their axes in the last two dimensions; of other inputs nothing is known."""
    sizes = [tuple(tensor.shape[-2:]) for tensor in inputs if tensor.dim() == 4]
    height, width = sizes[0] if sizes else (0, 0)
    for tensor in inputs:
        if tensor.dim() == 4 and tuple(tensor.shape[-2:]) == (height, width):
            yield Trace(0, Axis.of_picture(height, 2), Axis.of_picture(width, 3))
        else:
            yield Trace(0, Axis(height), Axis(width))


class _Watch(PrivateMode):
    """Sees every operation of this thread; hooks on the private copy say which module it belongs to."""

    def __init__(self, twin: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.traces = WeakTensorKeyDictionary()
        self.finished: list[ModuleRecord] = []
        self.macs = self.depth = self._count = 0
        self._running: list[ModuleRecord] = []
        self._written: dict[int, tuple[Any, Trace]] = {}
        for module, names in _names(twin).items():
            made = ModuleRecord(names, module)
            module.register_forward_pre_hook(self._enter(made))
            module.register_forward_hook(self._leave(made))

    def _enter(self, made: ModuleRecord) -> Callable[..., None]:
        return lambda *_: self._running.append(made)

    def _leave(self, made: ModuleRecord) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            while self._running.pop() is not made:
                pass  # a module that raised, and whose caller went on
            tensor = next((leaf for leaf in tree_iter(output) if isinstance(leaf, Tensor)), None)
            if tensor is None:
                return
            if not made.calls:
                self.finished.append(made)
            for outer in self._running:
                outer.inside += 1
            self._count += 1
            made.calls, made.finished = made.calls + 1, self._count
            made.shape, made.trace = tuple(tensor.shape), self.trace_of(tensor)
            made.depth = made.trace.depth if made.trace else self.depth

        return hook

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operation and follow it."""
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded in func.tags:
            with torch.random.fork_rng(devices=_devices(args)):
                result = func(*args, **kwargs)
        else:
            result = func(*args, **kwargs)
        self._follow(func, args, kwargs, result)
        return result

    def trace_of(self, tensor: Tensor) -> Trace | None:
        """What is known of a tensor; None where it does not depend on the model's input."""
        trace: Trace | None = self.traces.get(tensor)  # type: ignore[no-untyped-call]
        if trace is None and self._written:
            _, trace = self._written.get(tensor.untyped_storage()._cdata, (None, None))
        return trace

    def _follow(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        tensors = tuple(_tensors((*args, *kwargs.values())))
        known = [trace for tensor in tensors if (trace := self.trace_of(tensor))]
        outputs = tuple(_tensors(result if isinstance(result, list | tuple) else (result,)))
        if not known or not outputs:
            return
        schema = func._schema
        call = Call(
            schema.name.split("::")[1].removesuffix("_"),
            _arguments(schema, args, kwargs),
            tensors,
            outputs,
            self.trace_of,
            torch.Tag.pointwise in func.tags,
        )
        traces: list[Trace | None] = list(propagate(call) or ()) or list(repeat(None, len(outputs)))
        cost = macs(call)
        if cost and len(known) < len(tensors):  # a product of two maps has no weights
            traces = [trace and trace.deeper(trace.depth + 1) for trace in traces]
        self._charge(call, cost)
        for output, trace in zip(outputs, traces, strict=True):
            self.depth = max(self.depth, trace.depth if trace else 0)
            if schema.is_mutable:
                self._write(output, trace)
            elif trace:
                self.traces[output] = trace

    def _charge(self, call: Call, cost: int) -> None:
        self.macs += cost
        for made in {id(made): made for made in self._running}.values():
            made.macs += cost
        if self._running and (found := settings(call)):
            self._running[-1].windows.append(found)

    def _write(self, tensor: Tensor, trace: Trace | None) -> None:
        """An operation changed a tensor, and with it all others that share its memory."""
        before = self.trace_of(tensor)
        if trace is before:  # elementwise on one tensor: nothing moved
            return
        storage = tensor.untyped_storage()
        nothing_known = _nothing_known(trace or before)
        for other in list(self.traces):
            if other is not tensor and other.untyped_storage()._cdata == storage._cdata:
                self.traces[other] = trace if trace and _same_elements(other, tensor) else nothing_known
        if before is None:
            # Tensors that share the memory but were never followed. The storage is kept, or its address
            # would be given out again.
            self._written[storage._cdata] = (storage, nothing_known)
        if trace:
            self.traces[tensor] = trace
        else:
            self.traces.pop(tensor, None)  # type: ignore[no-untyped-call]


def _names(twin: nn.Module) -> dict[nn.Module, tuple[str, ...]]:
    names: dict[nn.Module, tuple[str, ...]] = {}
    for name, module in twin.named_modules(remove_duplicate=False):
        if module is not twin:
            names[module] = (*names.get(module, ()), name)
    return names


def _nothing_known(trace: Trace | None) -> Trace:
    """Some part of the tensor depends on the picture, nobody knows which, on what."""
    extents = (trace.rows.extent, trace.columns.extent) if trace else (0, 0)
    return Trace(trace.depth if trace else 0, *map(Axis, extents))


def _same_elements(one: Tensor, other: Tensor) -> bool:
    return (one.shape, one.stride(), one.storage_offset()) == (
        other.shape,
        other.stride(),
        other.storage_offset(),
    )


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    """The tensors among some values and in lists among them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, Tensor))


def _arguments(schema: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    defaults = {argument.name: argument.default_value for argument in schema.arguments}
    return {**defaults, **dict(zip(defaults, args, strict=False)), **kwargs}


def _devices(args: Sequence[Any]) -> list[int]:
    """The CUDA devices of some arguments, whose random numbers must be kept, too."""
    return sorted({tensor.device.index for tensor in _tensors(args) if tensor.is_cuda})
