"""A gallery on disk: sheets of tiles, and a manifest that says what is where and how it was made.

Reading verifies: every sheet is compared with the digest in the manifest before it is used, so that a damaged
or exchanged file is named rather than shown.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.visualization.errors import VisualizationError
from explorer.visualization.recipe import Recipe

MANIFEST = "manifest.json"
FORMAT = 1
CHANNELS, CLASSES = "channels", "classes"


class GalleryError(VisualizationError):
    """A gallery that can't be used; the message names the file and says what is wrong with it."""


@dataclass(frozen=True)
class Sheet:
    """One picture file of tiles, row by row without gaps.

    Attributes:
        file: Its name in the gallery's folder.
        sha256: Of its bytes, in hexadecimal.
        tile: (height, width) of a tile in pixels.
        columns: Tiles per row.
        count: Tiles in all.
    """

    file: str
    sha256: str
    tile: tuple[int, int]
    columns: int
    count: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the sheet in pixels."""
        return -(-self.count // self.columns) * self.tile[0], min(self.columns, self.count) * self.tile[1]

    def box(self, place: int) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of a tile in the sheet's pixels, half open."""
        row, column = divmod(place, self.columns)
        height, width = self.tile
        return row * height, column * width, (row + 1) * height, (column + 1) * width


@dataclass(frozen=True)
class Natural:
    """How one channel or class answers natural pictures.

    Attributes:
        highest: The highest value over all positions of all pictures.
        mean: Over them.
        std: Over them.
        sample: The sample picture with the highest answer.
        sample_highest: That answer.
        row: Where in the layer's map.
        column: Likewise.
    """

    highest: float
    mean: float
    std: float
    sample: str
    sample_highest: float
    row: int
    column: int


@dataclass(frozen=True)
class Entry:
    """One visualization of a gallery.

    Attributes:
        index: The channel's or the class's number.
        sheet: Which of the section's sheets it is on.
        place: Which tile there.
        seed: Of its random numbers.
        value: What its objective reached: the mean of the channel, or the logit.
        highest: The highest value over the positions of the map, to be compared with natural pictures.
        natural: What natural pictures reach.
    """

    index: int
    sheet: int
    place: int
    seed: int
    value: float
    highest: float
    natural: Natural


@dataclass(frozen=True)
class Section:
    """The visualizations of one layer, or the classes.

    Attributes:
        kind: `CHANNELS` or `CLASSES`.
        layer: The layer's name; empty for classes.
        aliases: Other layers that put out the same, such as the last part of a block.
        total: How many channels or classes there are.
        rule: How those that are shown were chosen, for people.
        recipe: How all of them were made.
        sheets: The files.
        entries: The visualizations, in the order of the tiles.
    """

    kind: str
    layer: str
    aliases: tuple[str, ...]
    total: int
    rule: str
    recipe: Recipe
    sheets: tuple[Sheet, ...]
    entries: tuple[Entry, ...]

    def find(self, index: int) -> Entry | None:
        """The visualization of a channel or class, None where the gallery has none."""
        return next((entry for entry in self.entries if entry.index == index), None)


@dataclass(frozen=True)
class Gallery:
    """Visualizations of one model.

    Attributes:
        folder: Where its files are.
        model: The model's name.
        weights: sha256 of its weights in hexadecimal: for others the gallery is not true.
        versions: Of what made it, by name.
        pictures: The natural pictures that channels were chosen by, sha256 by name.
        sections: Layers in network order, then the classes.
    """

    folder: Path
    model: str
    weights: str
    versions: Mapping[str, str]
    pictures: Mapping[str, str]
    sections: tuple[Section, ...]

    def section(self, layer: str) -> Section | None:
        """The section of a layer, also under another name of the same output; None where there is none."""
        named = [s for s in self.sections if s.kind == CHANNELS and layer in (s.layer, *s.aliases)]
        return named[0] if named else None

    @property
    def classes(self) -> Section | None:
        """The section of the classes, None where there is none."""
        return next((section for section in self.sections if section.kind == CLASSES), None)

    def sheet_bytes(self, sheet: Sheet) -> bytes:
        """The bytes of a sheet's file, WebP, compared with its digest.

        Raises:
            GalleryError: If it is missing or is not what was made.
        """
        try:
            data = (self.folder / sheet.file).read_bytes()
        except OSError as error:
            raise GalleryError(f"the sheet {sheet.file} can't be read: {error.strerror or error}") from error
        if hashlib.sha256(data).hexdigest() != sheet.sha256:
            raise GalleryError(
                f"the sheet {sheet.file} is damaged: its bytes are not those that the manifest names; "
                "make the gallery again, or fetch the file again"
            )
        return data

    def picture(self, section: Section, entry: Entry) -> NDArray[np.uint8]:
        """One tile, uint8 (H, W, 3).

        Raises:
            GalleryError: If its sheet is missing or damaged.
        """
        sheet = section.sheets[entry.sheet]
        tile: NDArray[np.uint8] = decode_sheet(self.sheet_bytes(sheet), sheet)[entry.place]
        return tile

    def check(self) -> list[str]:
        """What is wrong with its files, a sentence each; nothing where all is well."""
        problems = []
        for sheet in (sheet for section in self.sections for sheet in section.sheets):
            try:
                decode_sheet(self.sheet_bytes(sheet), sheet)
            except GalleryError as error:
                problems.append(str(error))
        return problems


def decode_sheet(data: bytes, sheet: Sheet) -> NDArray[np.uint8]:
    """The tiles of a sheet, uint8 (count, H, W, 3).

    Raises:
        GalleryError: If it is no picture of the size that the manifest names.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["WEBP"]) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise GalleryError(f"the sheet {sheet.file} is no WebP picture: {error}") from error
    if pixels.shape[:2] != sheet.size:
        raise GalleryError(f"the sheet {sheet.file} has {pixels.shape[:2]} pixels, not {sheet.size}")
    height, width = sheet.tile
    rows, columns = pixels.shape[0] // height, pixels.shape[1] // width
    grid = pixels.reshape(rows, height, columns, width, 3).swapaxes(1, 2)
    tiles: NDArray[np.uint8] = grid.reshape(-1, height, width, 3)[: sheet.count]
    return tiles


def manifest_json(gallery: Gallery) -> str:
    """The manifest's text."""
    value = {
        "format": FORMAT,
        "model": gallery.model,
        "weights_sha256": gallery.weights,
        "versions": dict(gallery.versions),
        "pictures_sha256": dict(gallery.pictures),
        "sections": [{**_plain(section), "recipe": section.recipe.to_json()} for section in gallery.sections],
    }
    return json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n"


def _plain(section: Section) -> dict[str, Any]:
    """A section's fields as JSON takes them; values to six digits."""
    value = asdict(section)
    del value["recipe"]
    return value


def read_gallery(folder: Path) -> Gallery:
    """Read the manifest of a gallery; the sheets are read and verified when they are used.

    Raises:
        GalleryError: If there is none, or the manifest is damaged.
    """
    path = folder / MANIFEST
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GalleryError(f"there is no gallery in {folder}: it has no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise GalleryError(f"{path} is damaged: it can't be read as JSON ({error})") from error
    try:
        if value["format"] != FORMAT:
            raise GalleryError(f"{path} is of format {value['format']!r}, and {FORMAT} can be read")
        sections = tuple(map(_section, value["sections"]))
        _verify(sections)
        return Gallery(
            folder=folder,
            model=str(value["model"]),
            weights=str(value["weights_sha256"]),
            versions=dict(value["versions"]),
            pictures=dict(value["pictures_sha256"]),
            sections=sections,
        )
    except GalleryError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GalleryError(f"{path} is damaged: {type(error).__name__} {error}") from error


def _section(value: dict[str, Any]) -> Section:
    sheets = tuple(Sheet(**{**sheet, "tile": tuple(sheet["tile"])}) for sheet in value["sheets"])
    entries = tuple(Entry(**{**entry, "natural": Natural(**entry["natural"])}) for entry in value["entries"])
    fields = {
        "aliases": tuple(value["aliases"]),
        "recipe": Recipe.from_json(value["recipe"]),
        "sheets": sheets,
        "entries": entries,
    }
    return Section(**{**value, **fields})


def _verify(sections: tuple[Section, ...]) -> None:
    """What the manifest says must hold together.

    Raises:
        ValueError: If it does not.
    """
    for section in sections:
        if section.kind not in (CHANNELS, CLASSES):
            raise ValueError(f"there is no kind {section.kind!r} of section")
        for sheet in section.sheets:
            if (
                Path(sheet.file).name != sheet.file
                or sheet.count < 1
                or sheet.columns < 1
                or min(sheet.tile) < 1
            ):
                raise ValueError(f"there can be no sheet {sheet}")
        for entry in section.entries:
            if (
                not 0 <= entry.place < section.sheets[entry.sheet].count
                or not 0 <= entry.index < section.total
            ):
                raise ValueError(f"{entry.index} of {section.layer or section.kind} has no such tile")
            if not all(map(math.isfinite, (entry.value, entry.highest))):
                raise ValueError(f"{entry.index} of {section.layer or section.kind} has no finite value")
