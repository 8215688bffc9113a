"""Galleries whose pictures are plain colours, to be told apart by their values."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.visualization.manifest import (
    CHANNELS,
    CLASSES,
    MANIFEST,
    Entry,
    Gallery,
    Natural,
    Section,
    manifest_json,
)
from explorer.visualization.recipe import Recipe
from explorer.visualization.sheets import encode_sheets

NATURAL = Natural(highest=5.0, mean=0.5, std=1.0, sample="chelsea", sample_highest=4.0, row=0, column=0)


def plain(number: int) -> NDArray[np.uint8]:
    """A picture (18, 20, 3) of one colour, which depends on a number."""
    return np.full((18, 20, 3), (number % 250, 40, 200 - number % 200), dtype=np.uint8)


def write(
    folder: Path,
    weights: str,
    layers: Mapping[str, tuple[int, Sequence[int]]],
    *,
    classes: Sequence[int] = (),
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    total_classes: int = 1000,
    highest: float = 2.0,
) -> Path:
    """Write a gallery.

    Args:
        folder: Where it goes.
        weights: sha256 of the weights that it is to be of.
        layers: By name, how many channels there are and which have a picture.
        classes: Those with a picture.
        aliases: Other names of layers.
        total_classes: How many classes there are.
        highest: What every picture reaches.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    asked = [(CHANNELS, name, *what) for name, what in layers.items()]
    if classes:
        asked.append((CLASSES, "", total_classes, classes))
    for kind, name, total, indices in asked:
        files = encode_sheets([plain(index) for index in indices], name or "classes")
        for sheet, data in files:
            (folder / sheet.file).write_bytes(data)
        entries = [
            Entry(index, k // 64, k % 64, 0, highest / 2, highest, NATURAL) for k, index in enumerate(indices)
        ]
        names = (aliases or {}).get(name, ())
        sheets = tuple(sheet for sheet, _ in files)
        sections.append(Section(kind, name, names, total, "All.", Recipe(), sheets, tuple(entries)))
    gallery = Gallery(folder, folder.name, weights, {}, {}, tuple(sections))
    (folder / MANIFEST).write_text(manifest_json(gallery), encoding="utf-8")
    return folder
