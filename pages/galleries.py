"""The visualizations of the model at work, and their sheets as files for the browser.

A gallery belongs to weights, not to a name: an untrained twin or another checkpoint has none. A sheet is
fetched once, however many of its pictures are shown, and its address follows from its content, so that a
browser may keep it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

import models
from explorer.visualization.manifest import Entry, GalleryError, Section, Sheet
from explorer.visualization.shelf import Shelved, stamp
from pages import cache
from pages.widgets import Piece

FOLDER = Path(models.__file__).parent / "galleries"
NOTHING = Shelved("", None)


def of(loaded: models.LoadedModel) -> Shelved:
    """The gallery of a model's weights; an empty one where there is none.

    One whose manifest can't be read belongs to the model that its folder is named after.
    """
    shelved = cache.galleries(str(FOLDER), stamp(FOLDER))
    matching = [each for each in shelved if each.gallery and each.gallery.weights == loaded.digest]
    unreadable = [each for each in shelved if each.gallery is None and each.name == loaded.spec.name]
    # Of several the one whose pictures can all be shown.
    return min(matching, key=lambda each: len(each.problems), default=(*unreadable, NOTHING)[0])


def piece(shelved: Shelved, layer: str | None, index: int) -> Piece | None:
    """Where the picture of a channel, or with None of a class, stands; None where there is none."""
    found = shelved.find(layer, index)
    return None if found is None else on_sheet(shelved.sheet(*found), found[1].place)


def pieces(shelved: Shelved, layer: str | None) -> dict[int, Piece]:
    """Where the pictures of a layer's channels, or with None of the classes, stand, by number."""
    found = ((index, piece(shelved, layer, index)) for index in shelved.indices(layer))
    return {index: each for index, each in found if each is not None}


def on_sheet(sheet: Sheet, place: int) -> Piece:
    """One picture of a sheet as the browser gets it."""
    rows = -(-sheet.count // sheet.columns)
    return Piece(f"sheets/{sheet.sha256}.webp", (rows, sheet.columns), sheet.tile, place)


def picture(shelved: Shelved, section: Section, entry: Entry) -> NDArray[np.uint8] | None:
    """One picture of a gallery, uint8 (H, W, 3); None where its sheet has been damaged meanwhile."""
    if shelved.gallery is None:
        return None
    try:
        return shelved.gallery.picture(section, entry)
    except GalleryError:
        return None


def serve(sha256: str) -> Response:
    """A sheet by its digest; only what a manifest names is ever read."""
    for shelved in cache.galleries(str(FOLDER), stamp(FOLDER)):
        if shelved.gallery and sha256 in shelved.sheets:
            try:
                data = shelved.gallery.sheet_bytes(shelved.sheets[sha256])
            except GalleryError:
                continue
            keep = {"Cache-Control": "public, max-age=31536000, immutable"}
            return Response(data, media_type="image/webp", headers=keep)
    return Response(status_code=404)
