"""Where a network lies: its input must lie there too, wherever the caller made it.

Pictures are prepared on the CPU, and a network may be on any device. Everything that runs a network moves the
input through here, so that no caller needs to think of it.
"""

from __future__ import annotations

from itertools import chain
from typing import TypeVar

import torch
from torch import Tensor, nn

from explorer.recording import map_tensors

T = TypeVar("T")


def device_of(module: nn.Module) -> torch.device | None:
    """The device of a network's first parameter or buffer; None for a network that has neither."""
    # `module.parameters()` takes several times as long to get going, in every capture.
    for part in module.modules():
        for tensor in (*part._parameters.values(), *part._buffers.values()):
            if tensor is not None:
                return tensor.device
    return None


def to_device_of(module: nn.Module, x: T) -> T:
    """An input with its tensors where the network takes them.

    A tensor that lies where the network has parameters stays there: a network may be spread over several
    devices, and its own code moves what passes between them.

    Args:
        module: The network.
        x: A tensor, or tensors in any structure.

    Returns:
        `x` itself where nothing is to be moved.
    """
    target = device_of(module)

    def moved(tensor: Tensor) -> Tensor:
        if target is None or tensor.device == target or tensor.device in _devices(module):
            return tensor
        return tensor.to(target)

    placed: T = map_tensors(moved, x)
    return placed


def _devices(module: nn.Module) -> frozenset[torch.device]:
    return frozenset(tensor.device for tensor in chain(module.parameters(), module.buffers()))
