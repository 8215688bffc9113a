"""What runs in the process of a visualization. Little is imported here: a visitor waits for it."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from explorer.apart import unpacked
from explorer.visualization import VisualizationError
from explorer.visualization.runs import Run, Snapshot, snapshots
from models.torchvision_ops import import_torchvision

KIND = 10
"""How much a run stands back for what the pages compute: the process's niceness."""

LIBRARIES = frozenset({"torchvision", "timm"})
"""Packages whose networks can be read only after torchvision was imported in `models`' way."""


def send_snapshots(
    send: Callable[[Snapshot | str], None], network: bytes, of_library: bool, run: Run, every: float
) -> None:
    """Make a run's pictures in a process of its own.

    Args:
        send: Is given every snapshot, or a sentence that says why there can be none.
        network: The model, from `explorer.apart.packed`.
        of_library: Whether parts of it are from `LIBRARIES`.
        run: What to make.
        every: Seconds from one snapshot to the next.

    Raises:
        UnsendableError: If the network can't be read here.
    """
    if of_library:
        import_torchvision()
    module = unpacked(network)
    if hasattr(os, "nice"):
        os.nice(KIND)
    torch.set_num_threads(run.threads)
    try:
        for snapshot in snapshots(module, run, every):
            send(snapshot)
    except VisualizationError as error:
        send(str(error))
