"""Building networks as their libraries do, and leaving the random numbers and the warnings as they are."""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Iterator

import torch
from torch import nn


@contextlib.contextmanager
def quietly(seed: int | None = None) -> Iterator[None]:
    """Draw PyTorch's random numbers and put them back; show no warning of a library to its own builders.

    Args:
        seed: What to seed them with meanwhile.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if seed is not None:
            torch.manual_seed(seed)
        yield


def take_channels(module: nn.Module, channels: int) -> nn.Module:
    """Let a network of three colours take pictures with another number of channels.

    Its first convolution gets new random weights for them; nothing happens where it takes that many already.

    Args:
        module: It is changed.
        channels: Of its input.
    """
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    if first is None or first.in_channels != 3 or first.groups != 1 or channels == 3:
        return module
    first.in_channels = channels
    outputs, _, *kernel_size = first.weight.shape
    first.weight = nn.Parameter(first.weight.new_empty(outputs, channels, *kernel_size))
    first.reset_parameters()
    return module


def state_digest(module: nn.Module) -> str:
    """The sha256 of all parameters and buffers with their names and shapes, in hexadecimal.

    What identifies weights that come from no file. Equal weights have equal digests on every device.
    """
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        if not isinstance(tensor, torch.Tensor):  # a module's own extra state
            digest.update(f"{name}{tensor!r}".encode())
            continue
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        plain = tensor.detach().cpu().contiguous().flatten()  # a view; bytes need a dimension
        digest.update(plain.view(torch.uint8).numpy().data)
    return digest.hexdigest()
