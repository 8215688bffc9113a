"""From finished pictures to a gallery on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from explorer.visualization.errors import VisualizationError
from explorer.visualization.making import Settings, origin_in
from explorer.visualization.manifest import (
    CLASSES,
    MANIFEST,
    Entry,
    Gallery,
    Section,
    Sheet,
    manifest_json,
)
from explorer.visualization.plan import Planned, Subject
from explorer.visualization.probe import Probe
from explorer.visualization.recipe import Visualization, versions
from explorer.visualization.sheets import encode_sheets
from explorer.visualization.store import Store, write_whole

MAX_BYTES = 12_000_000
"""The largest gallery: it is shipped with the program."""


def assemble(
    subject: Subject,
    plan: Sequence[Planned],
    parts: Path,
    folder: Path,
    settings: Settings,
    pictures: Mapping[str, str],
) -> Gallery:
    """Lay finished pictures out on sheets and write the gallery; the manifest comes last.

    Args:
        subject: The model.
        plan: What was made.
        parts: Where `make_pictures` kept the pictures.
        folder: Where the gallery goes; earlier sheets there that it no longer needs are deleted.
        settings: As the pictures were made with.
        pictures: The natural pictures that channels were chosen by, sha256 by name.

    Raises:
        VisualizationError: If a picture is missing, or the sheets are larger than `MAX_BYTES` together.
        OSError: If a file can't be written.
    """
    sections, files = [], {}
    for number, planned in enumerate(plan):
        section, own = _section(subject, planned, number, Store(parts), settings)
        sections.append(section)
        files.update(own)
    size = sum(map(len, files.values()))
    if size > MAX_BYTES:
        raise VisualizationError(
            f"the sheets have {size / 1e6:.1f} MB, and {MAX_BYTES / 1e6:.0f} MB are allowed: "
            f"choose a lower quality than {settings.quality}, or fewer channels"
        )
    gallery = Gallery(
        folder, subject.name, subject.weights, dict(versions()), dict(pictures), tuple(sections)
    )
    for name, data in files.items():
        write_whole(folder / name, data)
    write_whole(folder / MANIFEST, manifest_json(gallery).encode())
    for path in folder.glob("*.webp"):
        if path.name not in files:
            path.unlink()
    return gallery


def _section(
    subject: Subject, planned: Planned, number: int, store: Store, settings: Settings
) -> tuple[Section, dict[str, bytes]]:
    found = [_stored(planned, index, subject, store, settings) for index in planned.indices]
    sheets: list[Sheet] = []
    files = {}
    name = f"{number:02d}-{_safe(planned.layer or planned.kind)}"
    for sheet, data in encode_sheets([made.picture for made in found], name, settings.quality):
        sheets.append(sheet)
        files[sheet.file] = data
    starts = np.cumsum([0, *(sheet.count for sheet in sheets)])
    highest = _highest(subject, planned, found)
    entries = []
    for k, (index, made) in enumerate(zip(planned.indices, found, strict=True)):
        on = int(np.searchsorted(starts, k, side="right")) - 1
        value = float(f"{made.value:.6g}")
        entries.append(
            Entry(index, on, k - int(starts[on]), settings.seed, value, highest[k], planned.natural[k])
        )
    fields = (planned.kind, planned.layer, planned.aliases, planned.total, planned.rule, planned.recipe)
    return Section(*fields, tuple(sheets), tuple(entries)), files


def _stored(
    planned: Planned, index: int, subject: Subject, store: Store, settings: Settings
) -> Visualization:
    made = store.get(origin_in(planned, index, subject, settings))
    if made is None:
        where = f"channel {index} of {planned.layer}" if planned.kind != CLASSES else f"class {index}"
        raise VisualizationError(f"the picture of {where} has not been made")
    return made


def _highest(subject: Subject, planned: Planned, found: Sequence[Visualization]) -> list[float]:
    """The highest value of each picture's channel over all positions, to compare with natural ones."""
    example = planned.recipe.normalised(torch.full((1, 3, *planned.recipe.size), 0.5))
    probe = Probe(subject.module, (planned.layer,), example)
    values = []
    for index, made in zip(planned.indices, found, strict=True):
        x = torch.from_numpy(made.picture.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            output = probe(planned.recipe.normalised(x))[planned.layer]
        values.append(float(f"{output[0, index].max().item():.6g}"))
    return values


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)[:60]
