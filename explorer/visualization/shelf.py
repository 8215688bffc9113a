"""The galleries of a folder, also damaged ones: what can be shown, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from explorer.visualization.manifest import (
    CHANNELS,
    MANIFEST,
    Entry,
    Gallery,
    GalleryError,
    Section,
    Sheet,
    read_gallery,
)

Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, eq=False)
class Shelved:
    """A gallery as it stands on disk.

    Attributes:
        name: Of its folder.
        gallery: What its manifest says; None where that can't be read.
        problems: What is wrong with it, a sentence each.
        damaged: The files of sheets that are missing or not what the manifest names.
    """

    name: str
    gallery: Gallery | None
    problems: tuple[str, ...] = ()
    damaged: frozenset[str] = frozenset()

    def find(self, layer: str | None, index: int) -> tuple[Section, Entry] | None:
        """The visualization of a channel or class; None where there is none or its sheet is damaged.

        Args:
            layer: The layer's name, or another name of the same output; None for a class.
            index: The channel's or the class's number.
        """
        found = self._entries.get(layer, {}).get(index)
        return None if found is None or self.sheet(*found).file in self.damaged else found

    def indices(self, layer: str | None) -> tuple[int, ...]:
        """The channels of a layer, or with None the classes, that it has pictures of, in their order."""
        return tuple(index for index in self._entries.get(layer, {}) if self.find(layer, index))

    def sheet(self, section: Section, entry: Entry) -> Sheet:
        """The sheet that a visualization is on."""
        return section.sheets[entry.sheet]

    @cached_property
    def sheets(self) -> Mapping[str, Sheet]:
        """Its sheets that are whole, by their sha256."""
        sections = self.gallery.sections if self.gallery else ()
        return {
            sheet.sha256: sheet
            for section in sections
            for sheet in section.sheets
            if sheet.file not in self.damaged
        }

    @cached_property
    def _entries(self) -> Mapping[str | None, Mapping[int, tuple[Section, Entry]]]:
        found: dict[str | None, dict[int, tuple[Section, Entry]]] = {}
        for section in self.gallery.sections if self.gallery else ():
            names: Iterable[str | None] = (section.layer, *section.aliases)
            for name in names if section.layer and section.kind == CHANNELS else (None,):
                found.setdefault(name, {entry.index: (section, entry) for entry in section.entries})
        return found


def stamp(folder: Path) -> Stamp:
    """What changes when a gallery is added to a folder of galleries, taken away or made again."""
    found = []
    for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
        try:
            status = manifest.stat()
        except OSError:  # deleted meanwhile
            continue
        found.append((manifest.parent.name, status.st_mtime_ns, status.st_size))
    return tuple(found)


def read_galleries(folder: Path) -> tuple[Shelved, ...]:
    """Read all galleries of a folder, sorted by name, and compare every sheet with its digest."""
    return tuple(_shelved(manifest.parent) for manifest in sorted(folder.glob(f"*/{MANIFEST}")))


def _shelved(folder: Path) -> Shelved:
    try:
        gallery = read_gallery(folder)
    except GalleryError as error:
        return Shelved(folder.name, None, (str(error),))
    problems, damaged = [], set()
    for sheet in (sheet for section in gallery.sections for sheet in section.sheets):
        try:
            gallery.sheet_bytes(sheet)
        except GalleryError as error:
            problems.append(str(error))
            damaged.add(sheet.file)
    return Shelved(folder.name, gallery, tuple(problems), frozenset(damaged))
