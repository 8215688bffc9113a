"""See what every layer of a convolutional network makes of a picture.

The public names are imported when they are first used, so that `import explorer` costs nothing.

Example:
    >>> import explorer, models
    >>> picture = explorer.decode(explorer.sample_bytes("chelsea"))
    >>> model = models.load()
    >>> activations = explorer.capture(model.module, model.preprocess(picture), "blocks.2")
    >>> activations["blocks.2"].shape
    torch.Size([1, 40, 28, 28])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.activations import Activations, CaptureError, UnknownLayerError, capture

_HOME = {
    "Activations": "explorer.activations",
    "CaptureError": "explorer.activations",
    "UnknownLayerError": "explorer.activations",
    "capture": "explorer.activations",
}

__all__ = [
    "Activations",
    "CaptureError",
    "UnknownLayerError",
    "capture",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
