"""Where a network runs: the devices of this computer, and what to say when their memory does not suffice."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from models.errors import ModelError

CHOSEN_DEVICE = "EXPLORER_DEVICE"
"""The environment variable that names the device to use, such as `cpu` or `cuda:1`."""

_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)


class DeviceError(ModelError):
    """A device that this computer does not have; the message lists those that it has."""


class NoMemoryError(ModelError):
    """A network or a picture too large for the memory; the message says what to reduce."""


@dataclass(frozen=True)
class Device:
    """Something that networks run on.

    Attributes:
        name: As PyTorch knows it: "cuda:0", "mps" or "cpu".
        title: For people.
        memory: In bytes; None where it is the computer's own.
        mixed_precision: Whether convolutions and matrix products are safe in bfloat16, which has the range of
            float32 and no need for a scale. With it, captured maps have 8 bits of precision.
    """

    name: str
    title: str
    memory: int | None = None
    mixed_precision: bool = False


CPU = Device("cpu", "CPU")


@dataclass(frozen=True)
class Place:
    """Where networks run, and how exactly.

    Attributes:
        device: Where.
        mixed: Whether in mixed precision, as far as the device is made for that.
    """

    device: Device = CPU
    mixed: bool = False


def available_devices() -> tuple[Device, ...]:
    """The devices of this computer, the fastest kind first; the CPU is always there, and the last.

    Example:
        >>> available_devices()[-1]
        Device(name='cpu', title='CPU', memory=None, mixed_precision=False)
    """
    found = []
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(number)
            safe = (about.major, about.minor) >= (8, 0)  # older ones emulate bfloat16, slowly
            found.append(Device(f"cuda:{number}", about.name, about.total_memory, safe))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU"))
    return (*found, CPU)


def choose_device(name: str | None = None) -> Device:
    """The device of that name; without one that of `$EXPLORER_DEVICE`, else the fastest.

    Args:
        name: Such as "cpu", "cuda" (its first one), "cuda:1" or "mps"; case makes no difference.

    Raises:
        DeviceError: If this computer has no such device.
    """
    wanted = (name or os.environ.get(CHOSEN_DEVICE) or "").strip().lower()
    known = available_devices()
    if not wanted:
        return known[0]
    for names in ([device.name for device in known], [device.name.removesuffix(":0") for device in known]):
        if wanted in names:
            return known[names.index(wanted)]
    raise DeviceError(f"There is no device {wanted!r} here; there is {', '.join(one.name for one in known)}.")


@contextlib.contextmanager
def mixed_precision(device: Device) -> Iterator[None]:
    """Run what stands inside in bfloat16 where that is safe and faster, else as it is.

    The weights stay as they are; only this thread is concerned. Convolutions and matrix products then round
    what goes in and comes out to 8 significant bits, an error of up to 0.4 % each time; their sums are still
    formed in float32, and operations that PyTorch considers sensitive, such as softmax, stay in float32.
    """
    with torch.autocast(torch.device(device.name).type, dtype=torch.bfloat16, enabled=device.mixed_precision):
        yield


@contextlib.contextmanager
def telling_memory(what: str, device: Device) -> Iterator[None]:
    """Say in a sentence what to reduce when the memory does not suffice.

    Args:
        what: What is being done, such as "Looking at every layer of resnet152".
        device: Where.

    Raises:
        NoMemoryError: In place of PyTorch's errors about memory; other errors pass.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not _NO_MEMORY.search(str(error)):
            raise
        if device.name.startswith("cuda"):
            torch.cuda.empty_cache()
        raise NoMemoryError(_no_memory(what, device)) from error


def move(module: nn.Module, device: Device, what: str) -> None:
    """Bring a network to a device, itself and not a copy.

    Args:
        module: The network.
        device: Where it is to be.
        what: Its name for people.

    Raises:
        NoMemoryError: If it has no room there; it may then be there in part, and is of no further use.
    """
    if device.name.startswith("cuda"):
        # By default cuDNN rounds what it multiplies to 10 bits. Here a value is held against its own sum.
        torch.backends.cudnn.allow_tf32 = False
    with telling_memory(f"Loading {what}", device):
        module.to(torch.device(device.name))


def _no_memory(what: str, device: Device) -> str:
    has = f", which has {device.memory / 2**30:.0f} GiB" if device.memory else ""
    instead = " or the CPU" if device.name != "cpu" else ""
    return (
        f"{what} needs more memory than is free on {device.title}{has}. A smaller picture, fewer layers at a "
        "time, a "
        f"smaller network{instead} needs less."
    )
