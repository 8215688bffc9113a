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
    from models.checkpoint import MismatchError
    from models.devices import (
        CHOSEN_DEVICE,
        Device,
        DeviceError,
        NoMemoryError,
        Place,
        available_devices,
        choose_device,
        mixed_precision,
        telling_memory,
    )
    from models.errors import CheckpointError, DownloadError, ModelError, OfflineError, UnknownModelError
    from models.labels import imagenet_labels, parse_labels
    from models.own import STARTED_ON, OwnModel, load_own, own_model
    from models.prediction import Prediction, top_predictions
    from models.preprocessing import Preprocessing
    from models.registry import available, default_name, find, installed, load, search, without_network
    from models.spec import LoadedModel, ModelSource, ModelSpec
    from models.store import ModelStore
    from models.torchvision_ops import import_torchvision
    from models.untrained import untrained_name, untrained_twin

_HOME = {
    "CHOSEN_DEVICE": "models.devices",
    "CheckpointError": "models.errors",
    "Device": "models.devices",
    "DeviceError": "models.devices",
    "DownloadError": "models.errors",
    "LoadedModel": "models.spec",
    "MismatchError": "models.checkpoint",
    "ModelError": "models.errors",
    "ModelSource": "models.spec",
    "ModelSpec": "models.spec",
    "ModelStore": "models.store",
    "NoMemoryError": "models.devices",
    "OfflineError": "models.errors",
    "OwnModel": "models.own",
    "Place": "models.devices",
    "Prediction": "models.prediction",
    "Preprocessing": "models.preprocessing",
    "STARTED_ON": "models.own",
    "UnknownModelError": "models.errors",
    "available": "models.registry",
    "available_devices": "models.devices",
    "choose_device": "models.devices",
    "default_name": "models.registry",
    "find": "models.registry",
    "imagenet_labels": "models.labels",
    "import_torchvision": "models.torchvision_ops",
    "installed": "models.registry",
    "load": "models.registry",
    "load_own": "models.own",
    "mixed_precision": "models.devices",
    "own_model": "models.own",
    "parse_labels": "models.labels",
    "search": "models.registry",
    "telling_memory": "models.devices",
    "top_predictions": "models.prediction",
    "untrained_name": "models.untrained",
    "untrained_twin": "models.untrained",
    "without_network": "models.registry",
}

__all__ = [
    "CHOSEN_DEVICE",
    "STARTED_ON",
    "CheckpointError",
    "Device",
    "DeviceError",
    "DownloadError",
    "LoadedModel",
    "MismatchError",
    "ModelError",
    "ModelSource",
    "ModelSpec",
    "ModelStore",
    "NoMemoryError",
    "OfflineError",
    "OwnModel",
    "Place",
    "Prediction",
    "Preprocessing",
    "UnknownModelError",
    "available",
    "available_devices",
    "choose_device",
    "default_name",
    "find",
    "imagenet_labels",
    "import_torchvision",
    "installed",
    "load",
    "load_own",
    "mixed_precision",
    "own_model",
    "parse_labels",
    "search",
    "telling_memory",
    "top_predictions",
    "untrained_name",
    "untrained_twin",
    "without_network",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
