"""See what every layer of a convolutional network makes of a picture.

The public names are imported when they are first used, so that `import explorer` costs nothing.

Example:
    >>> import explorer, models
    >>> picture = explorer.decode(explorer.sample_bytes("chelsea"))
    >>> model = models.load()
    >>> activations = explorer.capture(model.module, model.preprocess(picture), ["blocks.2", "blocks.4"])
    >>> activations
    Activations({'blocks.2': (1, 40, 28, 28), 'blocks.4': (1, 112, 14, 14)})
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.activations import Activations, CaptureError, UnknownLayerError, capture
    from explorer.channels import ChannelStatistics, statistics, strongest
    from explorer.hierarchy import Stage, stages
    from explorer.images import Picture, PictureError, decode
    from explorer.layers import Layer, LayerTable, layer_table
    from explorer.receptive_field import ReceptiveField
    from explorer.rendering import mosaic, mosaic_png
    from explorer.samples import SAMPLES, Sample, sample_bytes

_HOME = {
    "Activations": "explorer.activations",
    "CaptureError": "explorer.activations",
    "ChannelStatistics": "explorer.channels",
    "Layer": "explorer.layers",
    "LayerTable": "explorer.layers",
    "Picture": "explorer.images",
    "PictureError": "explorer.images",
    "ReceptiveField": "explorer.receptive_field",
    "SAMPLES": "explorer.samples",
    "Sample": "explorer.samples",
    "Stage": "explorer.hierarchy",
    "UnknownLayerError": "explorer.activations",
    "capture": "explorer.activations",
    "decode": "explorer.images",
    "layer_table": "explorer.layers",
    "mosaic": "explorer.rendering",
    "mosaic_png": "explorer.rendering",
    "sample_bytes": "explorer.samples",
    "stages": "explorer.hierarchy",
    "statistics": "explorer.channels",
    "strongest": "explorer.channels",
}

__all__ = [
    "SAMPLES",
    "Activations",
    "CaptureError",
    "ChannelStatistics",
    "Layer",
    "LayerTable",
    "Picture",
    "PictureError",
    "ReceptiveField",
    "Sample",
    "Stage",
    "UnknownLayerError",
    "capture",
    "decode",
    "layer_table",
    "mosaic",
    "mosaic_png",
    "sample_bytes",
    "stages",
    "statistics",
    "strongest",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
