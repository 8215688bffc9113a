"""Which networks there are, and how they load.

The public names are imported when they are first used, so that `import models` costs nothing.

Example:
    >>> import models
    >>> [spec.title for spec in models.available()]
    ['EfficientNet-Lite0']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.labels import imagenet_labels
    from models.prediction import Prediction, top_predictions
    from models.preprocessing import Preprocessing
    from models.registry import available, load
    from models.spec import LoadedModel, ModelError, ModelSource, ModelSpec, UnknownModelError
    from models.torchvision_ops import import_torchvision

_HOME = {
    "LoadedModel": "models.spec",
    "ModelError": "models.spec",
    "ModelSource": "models.spec",
    "ModelSpec": "models.spec",
    "Prediction": "models.prediction",
    "Preprocessing": "models.preprocessing",
    "UnknownModelError": "models.spec",
    "available": "models.registry",
    "imagenet_labels": "models.labels",
    "import_torchvision": "models.torchvision_ops",
    "load": "models.registry",
    "top_predictions": "models.prediction",
}

__all__ = [
    "LoadedModel",
    "ModelError",
    "ModelSource",
    "ModelSpec",
    "Prediction",
    "Preprocessing",
    "UnknownModelError",
    "available",
    "imagenet_labels",
    "import_torchvision",
    "load",
    "top_predictions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
