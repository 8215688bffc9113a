"""The layer table: what every layer of a network is, computes and sees."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from torch import Tensor, nn

from explorer.activations import UnknownLayerError
from explorer.errors import close_names
from explorer.receptive_field import ReceptiveField, Span, Step
from explorer.tracing.axes import Axis, Factor, Trace
from explorer.tracing.recorder import ModuleRecord, record
from explorer.tracing.windows import Settings

Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """How a convolution or pooling slides; a pair (vertical, horizontal) each for two-dimensional layers.

    Attributes:
        padding: Per side, or "same" where it differs from side to side or depends on the input's size.
        groups: 1 for pooling, although it treats every channel on its own.
    """

    kernel_size: Sizes
    stride: Sizes
    padding: Sizes | str
    dilation: Sizes
    groups: int = 1


@dataclass(frozen=True)
class Layer:
    """One row of the layer table.

    A module that ran several times is described by its last call, which is also the one that
    `capture(...)[name]` returns; `macs` are those of all its calls.

    Attributes:
        name: As in `named_modules`.
        kind: The module's class.
        output_shape: Shape of its output, (N, C, H, W) for a map; of the first tensor if there are several.
        receptive_field: What one position of the output depends on, of all its channels together. None where
            that is unknown: an operation was not understood, or the output does not depend on the input.
        local_field: The same over paths of windows only, without global pooling, squeeze-and-excite and other
            gates that see the whole image. None where there is no such path.
        stride: Input pixels between neighbouring positions of a map, (vertical, horizontal); a Fraction where
            they don't divide evenly. None for outputs that are no maps.
        window: Hyper-parameters of a convolution or pooling; None for other layers.
        parameters: Of the module with all its submodules, shared ones counted once.
        macs: Multiply-accumulates per sample, those of submodules included. One multiplication and its
            addition count once; biases, normalisation, activations and pooling don't count.
        depth: Weighted operations on the longest path from the input to this output, over those of the
            whole network: 0 at the input, 1 behind the last weights.
        is_leaf: No submodule of it ran.
        is_map: The output is (N, C, H, W), and H and W are the picture's axes.
        calls: How often the module ran.
        finished: When the described call finished, as a running number over all calls of the network.
        aliases: Further names of the same module.
    """

    name: str
    kind: str
    output_shape: Sizes
    receptive_field: ReceptiveField | None
    local_field: ReceptiveField | None
    stride: tuple[Step, Step] | None
    window: Window | None
    parameters: int
    macs: int
    depth: float
    is_leaf: bool
    is_map: bool
    calls: int = 1
    finished: int = 0
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerTable(Sequence[Layer]):
    """The layers of a network in network order, the order in which they first finished.

    A layer is found by number or by name, `table["features.0"]`.

    Attributes:
        layers: The rows. Containers have their rows behind those of their parts; the model itself has none.
        input_shape: Shape of the (first) input, (N, C, H, W).
        parameters: Of the whole model, shared ones counted once, with those that never ran.
        macs: Multiply-accumulates of the whole model per sample.
    """

    layers: tuple[Layer, ...]
    input_shape: Sizes
    parameters: int
    macs: int

    @overload
    def __getitem__(self, index: int | str) -> Layer: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Layer, ...]: ...
    def __getitem__(self, index: int | str | slice) -> Layer | tuple[Layer, ...]:
        """A layer by number or name, or several by a slice.

        Raises:
            UnknownLayerError: For a name without a row; the message lists the close names.
        """
        if not isinstance(index, str):
            return self.layers[index]
        for layer in self.layers:
            if index == layer.name or index in layer.aliases:
                return layer
        near = close_names(index, (layer.name for layer in self.layers))
        raise UnknownLayerError(f"the model has no layer {index!r} that runs{near}")

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all rows, in network order."""
        return tuple(layer.name for layer in self.layers)

    def to_csv(self) -> str:
        """The table as comma-separated values with a header line; pairs as `3x3`, unknown fields empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(map(_csv_row, self.layers))
        return text.getvalue()


def layer_table(module: nn.Module, x: Tensor | tuple[Tensor, ...]) -> LayerTable:
    """Run a model once on `x` and describe every layer that ran.

    The model runs in evaluation mode on a private copy that shares its parameters: modes, hooks, buffers,
    gradients and PyTorch's random numbers stay as they are, also after an exception, and other threads may
    use the model meanwhile. Operations are followed through branches, sums and concatenations, whichever way
    the model's `forward` is written. Submodules that never ran or returned no tensor have no row.

    Args:
        module: Any model that runs on `x`.
        x: The input, usually a picture (N, C, H, W); a tuple for a model with several inputs. It is moved to
            the model's device.

    Raises:
        TypeError: For something else than a module and a tensor or a tuple of tensors.
        ValueError: If no submodule was seen running (a compiled model, for instance).
        Exception: Whatever the model itself raises.

    Example:
        >>> import torch
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2))
        >>> for layer in layer_table(net, torch.zeros(1, 3, 40, 32)):
        ...     print(layer.name, layer.kind, layer.output_shape, layer.receptive_field, layer.macs)
        0 Conv2d (1, 8, 18, 14) 5 × 5 151200
        1 ReLU (1, 8, 18, 14) 5 × 5 0
        2 MaxPool2d (1, 8, 9, 7) 7 × 7 0
    """
    inputs = x if isinstance(x, tuple) else (x,)
    if not inputs or not all(isinstance(tensor, Tensor) for tensor in inputs):
        kinds = ", ".join(type(value).__name__ for value in inputs)
        raise TypeError(f"the input must be a tensor or a tuple of tensors, not {kinds or 'an empty tuple'}")
    run = record(module, inputs)
    if not run.modules and any(True for _ in module.children()):
        raise ValueError(
            f"no submodule of {type(module).__name__} was seen running; a compiled model must be given as it "
            "was before torch.compile (its _orig_mod)"
        )
    samples = max(inputs[0].shape[0], 1) if inputs[0].dim() else 1
    fields = _Fields()
    layers = tuple(_layer(made, samples, run.depth, fields) for made in run.modules)
    return LayerTable(layers, tuple(inputs[0].shape), _parameters(run.module), run.macs // samples)


def _layer(made: ModuleRecord, samples: int, deepest: int, fields: _Fields) -> Layer:
    trace = _per_position(made.trace, made.shape) if made.trace else None
    is_map = trace is not None and _is_map(trace, made.shape)
    local = trace and trace.mapped(lambda axis: replace(axis, whole=False) if axis.whole else axis)
    return Layer(
        name=made.names[0],
        kind=type(made.module).__name__,
        output_shape=made.shape,
        receptive_field=fields.of(trace, made.shape),
        local_field=fields.of(local, made.shape),
        stride=_stride(trace) if trace and is_map else None,
        window=_window(made),
        parameters=_parameters(made.module),
        macs=made.macs // samples,
        depth=made.depth / deepest if deepest else 0.0,
        is_leaf=made.inside == 0,
        is_map=is_map,
        calls=made.calls,
        finished=made.finished,
        aliases=made.names[1:],
    )


def _per_position(trace: Trace, shape: Sizes) -> Trace:
    """One field for each position of a map: the hull over channels into which space was folded."""
    if len(shape) != 4:
        return trace
    trace = trace.mapped(lambda axis: axis.contracted({0, 1}) if len(axis.place) > 1 else axis)
    return trace.mapped(lambda axis: axis.filled(2, shape[2]).filled(3, shape[3]))


def _is_map(trace: Trace, shape: Sizes) -> bool:
    if len(shape) != 4:
        return False
    height, width = shape[2:]
    return (trace.rows.place, trace.columns.place) == ((Factor(2, 1, height),), (Factor(3, 1, width),))


def _stride(trace: Trace) -> tuple[Step, Step] | None:
    rows, columns = trace.rows.reach, trace.columns.reach
    return (rows.step, columns.step) if rows and columns else None


class _Fields:
    """Receptive fields of traces; layers that see the same, as a convolution and its ReLU do, share one."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int, Sizes], tuple[Trace, ReceptiveField | None]] = {}

    def of(self, trace: Trace | None, shape: Sizes) -> ReceptiveField | None:
        if trace is None:
            return None
        positions = shape[2:] if len(shape) == 4 else (1, 1)
        key = (id(trace.rows), id(trace.columns), positions)
        if key not in self._made:
            self._made[key] = (
                trace,
                _field((trace.rows, trace.columns), positions),
            )  # the trace keeps the ids
        return self._made[key][1]


def _field(axes: tuple[Axis, Axis], positions: Sizes) -> ReceptiveField | None:
    if not all(axis.whole or axis.reach for axis in axes):
        return None
    size, offset, stride = zip(*map(_summary, axes), strict=True)
    return ReceptiveField(
        size=size,
        offset=offset,
        stride=stride,
        whole=all(axis.whole for axis in axes),
        reaches=(_reach(axes[0]), _reach(axes[1])),
        seen=(_seen(axes[0], positions[0]), _seen(axes[1], positions[1])),
    )


def _reach(axis: Axis) -> Any:
    return None if axis.whole else axis.reach


def _summary(axis: Axis) -> tuple[int, int, Step]:
    if axis.whole or axis.reach is None:
        return axis.extent, 0, 0
    first = next((span for span in axis.reach.spans if span), (0, 0))
    return axis.reach.size, first[0], axis.reach.step


def _seen(axis: Axis, positions: int) -> tuple[Span, ...]:
    if axis.low is None or axis.high is None:
        return ((0, axis.extent),) * positions if axis.whole else ()
    spans = zip(axis.low.tolist(), axis.high.tolist(), strict=True)
    seen = tuple((low, high) if low < high else (0, 0) for low, high in spans)
    return seen if axis.place else seen * positions


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _window(made: ModuleRecord) -> Window | None:
    """Of a module that runs exactly one convolution or pooling over all positions of its output."""
    if made.inside or len(made.windows) != made.calls:
        return None
    found = made.windows[-1]
    if len(found.kernel_size) != len(made.shape) - 2:  # pooling over channels, as in local response norm
        return None
    padding = _padding(getattr(made.module, "padding", None), found)
    return Window(found.kernel_size, found.stride, padding, found.dilation, found.groups)


def _padding(declared: Any, found: Settings) -> Sizes | str:
    """What the module says: it may pad by itself first, and then hands 0 to the convolution."""
    if declared == "same" and any(step > 1 for step in found.stride):
        return "same"  # TensorFlow's way: how much, and on which side, depends on the size of the input
    if declared == "same":
        totals = [d * (k - 1) for k, d in zip(found.kernel_size, found.dilation, strict=True)]
        return "same" if any(total % 2 for total in totals) else tuple(total // 2 for total in totals)
    if isinstance(declared, int):
        return (declared,) * len(found.kernel_size)
    if isinstance(declared, tuple) and len(declared) == len(found.kernel_size):
        return declared
    return found.padding


_COLUMNS = (
    *("name", "kind", "output_shape", "receptive_field", "offset", "stride"),
    *("kernel_size", "kernel_stride", "padding", "dilation", "groups"),
    *("parameters", "macs", "depth", "is_leaf", "calls"),
)


def _csv_row(layer: Layer) -> list[str]:
    field, window = layer.receptive_field, layer.window
    sizes = (window.kernel_size, window.stride, window.padding, window.dilation) if window else (None,) * 4
    return [
        *(layer.name, layer.kind, _joined(layer.output_shape)),
        "" if field is None else "whole image" if field.whole else _joined(field.size),
        "" if field is None or field.whole else _joined(field.offset, ","),
        *(_joined(layer.stride), *map(_joined, sizes), str(window.groups) if window else ""),
        *(str(layer.parameters), str(layer.macs), f"{layer.depth:.4f}", str(layer.is_leaf), str(layer.calls)),
    ]


def _joined(values: Iterable[object] | str | None, mark: str = "x") -> str:
    if values is None or isinstance(values, str):
        return values or ""
    return mark.join(map(str, values))
