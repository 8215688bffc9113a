"""A layer of a model as a case: its weights, and the very input that it gets for a picture."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.convolution.geometry import Padding
from explorer.convolution.padding import pad
from explorer.errors import close_names
from explorer.laboratory.cases import Case
from explorer.placement import to_device_of
from explorer.tracing.private_copy import private_copy

CANDIDATES: tuple[Padding, ...] = ("same_tensorflow", "same", "valid")
"""Paddings tried when a layer's own attribute is not what it does."""


class LayerError(ValueError):
    """A layer that cannot be taken out of its model; the message says why."""


class _InputKnownError(Exception):
    """Ends a model's run once the layer's input is known."""


class _Tee(nn.Module):
    """Stands in for a layer, keeps what it is given and ends the run."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Keep `x`."""
        self.seen = x
        raise _InputKnownError


def layer_input(module: nn.Module, x: Tensor, name: str) -> Tensor:
    """What the layer `name` is given when `module` runs on `x`, on the CPU.

    The model runs as a private copy that shares its parameters and in which something else stands in the
    layer's place; nobody else who uses the model notices, and the run ends at the layer.

    Args:
        module: The model.
        x: Its input, (1, C, H, W).
        name: A layer that is called with one tensor.

    Raises:
        LayerError: If there is no such layer, or it did not run.
    """
    _find(module, name)
    twin, tee = private_copy(module), _Tee()
    twin.set_submodule(name, tee)
    try:
        with torch.no_grad():
            twin(to_device_of(twin, x))
    except _InputKnownError:
        pass
    if tee.seen is None:
        raise LayerError(f"layer {name!r} did not run on this input")
    return tee.seen.detach().cpu()


def of_layer(module: nn.Module, x: Tensor, name: str) -> Case:
    """The convolution that the layer `name` makes when `module` runs on `x`, with its weights and its input.

    All on the CPU, wherever the model is.

    Raises:
        LayerError: If it is no two-dimensional convolution, did not run, or pads in a way that is not known.
    """
    layer = _find(module, name)
    if not isinstance(layer, nn.Conv2d):
        raise LayerError(f"layer {name!r} is a {type(layer).__name__}, not a convolution")
    given = layer_input(module, x, name)
    if not layer.weight.is_cpu:  # other devices compute with other rounding
        layer = copy.deepcopy(layer).cpu()
    with torch.no_grad():
        output = layer(given)
    bias = None if layer.bias is None else layer.bias.detach()
    for padding in (layer.padding, *CANDIDATES):
        own = Case(
            given, layer.weight.detach(), bias, layer.stride, padding, layer.dilation, layer.groups,
            layer.padding_mode,
        )  # fmt: skip
        if _makes(own, output):
            return own
    raise LayerError(f"layer {name!r} pads its input in a way of its own, which no parameter here expresses")


def _find(module: nn.Module, name: str) -> nn.Module:
    layers: dict[str, nn.Module] = dict(module.named_modules())
    if name not in layers:
        raise LayerError(f"the model has no layer {name!r}{close_names(name, filter(None, layers))}")
    return layers[name]


def _makes(case: Case, output: Tensor) -> bool:
    """Whether the case is the convolution that made `output`: a layer may pad in its own `forward`."""
    if case.padding == "same" and any(step != 1 for step in _pair(case.stride)):
        return False
    sides = case.sizes.padding
    if case.sizes.output_shape != tuple(output.shape):
        return False
    padded = pad(case.input, sides, case.padding_mode)
    made = F.conv2d(padded, case.weight, case.bias, case.stride, 0, case.dilation, case.groups)
    return torch.allclose(made, output, rtol=1e-4, atol=1e-5 * max(1.0, output.abs().max().item()))


def _pair(size: object) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(size)  # type: ignore[arg-type]
