"""Which layer's channels feed the classes, where the network ends in one linear layer."""

from __future__ import annotations

import torch

from explorer.visualization.feeding import LinearHead, linear_head
from explorer.visualization.manifest import CHANNELS
from explorer.visualization.shelf import Shelved
from pages.reading import Reading


def head_of(reading: Reading, shelved: Shelved) -> tuple[str, LinearHead] | None:
    """The deepest layer of the gallery whose means, weighted, are the scores of the classes, and the weights.

    None where the network ends in another way, or the gallery does not hold that layer.

    Args:
        reading: The picture and the model.
        shelved: The model's gallery.
    """
    output = reading.activations.output
    if shelved.gallery is None or not isinstance(output, torch.Tensor) or output.ndim != 2:
        return None
    names = {layer.name for layer in reading.layers}
    for section in reversed(shelved.gallery.sections):
        if section.kind == CHANNELS and section.layer in names:
            head = linear_head(reading.loaded.module, reading.maps(section.layer), output[0])
            if head is not None:
                return section.layer, head
    return None
