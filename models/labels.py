"""The names of the 1000 ImageNet classes."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def imagenet_labels() -> tuple[str, ...]:
    """The readable names of the 1000 classes of ImageNet-1k, in the order of a model's outputs.

    They are those of torchvision's pretrained models, and not unique: there are two cranes, the bird and
    the machine.

    Example:
        >>> imagenet_labels()[281]
        'tabby'
    """
    text = Path(__file__).with_name("imagenet_labels.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())
