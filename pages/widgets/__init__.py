"""Components that run in the browser: what must feel instant and what Streamlit has no widget for.

Each is a pair of files here, NAME.js and NAME.css, after the shared common.js and common.css. A component
sends the server one message, a trigger, when a choice has settled; `state.sent` reads it in a callback.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.channels import ChannelStatistics, Histogram
from explorer.receptive_field import ReceptiveField
from explorer.rendering import Legend, Mosaic

_HERE = Path(__file__).parent


def register(name: str, *parts: str) -> Callable[..., Any]:
    """The component made of NAME.js and NAME.css; to be called once, when a module is imported.

    Args:
        name: Of the two files.
        parts: Further files that it shares with other components, PART.js and PART.css where there is one.
    """
    files = [_HERE / part for part in ("common", *parts, name)]
    js, css = (
        "\n".join(
            file.with_suffix(kind).read_text("utf-8") for file in files if file.with_suffix(kind).exists()
        )
        for kind in (".js", ".css")
    )
    return st.components.v2.component(f"explorer_{name}", html='<div class="root"></div>', js=js, css=css)


_TILES, _MOSAIC, _CHANNEL = (register(name, "pieces") for name in ("tiles", "mosaic", "channel"))
_GALLERY = register("gallery")


@dataclass(frozen=True)
class PictureView:
    """A picture as a component shows it: a data URL, its size in pixels and its description."""

    url: str
    height: int
    width: int
    alt: str


@dataclass(frozen=True)
class Geometry:
    """The way from a map's position to the picture.

    Attributes:
        field: What each position depends on, in pixels of the model's input; None where it is not known.
        input: Height and width of the model's input.
        crop: The part of the picture that the model sees, (top, left, bottom, right) in shares of its size.
    """

    field: ReceptiveField | None
    input: tuple[int, int]
    crop: tuple[float, float, float, float]

    def as_data(self) -> dict[str, Any]:
        """What the browser gets."""
        rows, columns = self.field.seen if self.field else ((), ())
        known = self.field is not None
        return {"known": known, "rows": rows, "columns": columns, "input": self.input, "crop": self.crop}


@dataclass(frozen=True, eq=False)
class Maps:
    """Feature maps to draw.

    Attributes:
        values: float32 (n, H, W), read out under the pointer.
        entries: uint8 (n, H, W), the palette entry of every value.
        palette: uint8 (256, 4) RGBA.
    """

    values: NDArray[np.float32]
    entries: NDArray[np.uint8]
    palette: NDArray[np.uint8]

    def as_data(self) -> dict[str, Any]:
        """What the browser gets, with a digest that changes when a number does."""
        parts = (self.values, self.entries, self.palette)
        packed = [np.ascontiguousarray(part).tobytes() for part in parts]
        return {
            "shape": list(self.values.shape),
            **{
                name: base64.b64encode(part).decode()
                for name, part in zip(("values", "entries", "palette"), packed, strict=True)
            },
            # The browser draws again only when the numbers change, not on every run of the page.
            "digest": hashlib.sha256(b"".join(packed)).hexdigest(),
        }


LOOKS_NOTE = "Beneath each map: what the channel looks for, in a picture made by optimisation."


@dataclass(frozen=True)
class Piece:
    """One picture on a sheet of several.

    Attributes:
        url: Of the sheet, relative to any page or a data URL.
        grid: (rows, columns) of pictures on the sheet.
        tile: (height, width) of a picture in pixels.
        place: Which picture, row by row.
    """

    url: str
    grid: tuple[int, int]
    tile: tuple[int, int]
    place: int


def tiles(
    key: str,
    maps: Maps,
    channels: Sequence[int],
    looks: Sequence[Piece | None],
    *,
    label: str,
    names: Sequence[str],
    picture: PictureView,
    geometry: Geometry,
    legend: Legend,
    on_pick: Callable[[], None],
    on_make: Callable[[], None],
) -> None:
    """The strongest channels of a layer beside the picture.

    A click sends the channel as the trigger `pick`, one on "make it" as `make`.

    Args:
        key: Streamlit's key of this instance.
        maps: One map per tile, (n, H, W).
        channels: The channel of every tile.
        looks: What each of them looks for; None where there is no picture of that.
        label: What the whole list is, for assistive technology.
        names: What every tile is, for assistive technology.
        picture: The picture, with the part that the model sees and the receptive field marked on it.
        geometry: The way from a position to the picture.
        legend: What the colours mean.
        on_pick: Called before the page runs again.
        on_make: Likewise.
    """
    data = maps.as_data() | {
        "channels": list(channels),
        "label": label,
        "names": list(names),
        "picture": asdict(picture),
        "geometry": geometry.as_data(),
        "legend": legend_data(legend),
        "looks": [None if piece is None else asdict(piece) for piece in looks],
        "looks_note": LOOKS_NOTE if any(looks) else "",
    }
    data["digest"] += label + str(looks)
    _TILES(key=key, data=data, on_pick_change=on_pick, on_make_change=on_make)


def mosaic(
    key: str,
    sheet: Mosaic,
    *,
    statistics: ChannelStatistics,
    looks: Mapping[int, Piece],
    beneath: bool,
    selected: int,
    label: str,
    on_pick: Callable[[], None],
) -> None:
    """All maps of a layer; a click or the arrow keys send the channel as the trigger `pick`.

    Args:
        key: Streamlit's key of this instance.
        sheet: The maps in their own resolution, without gaps: the browser enlarges them.
        statistics: Of all channels of the layer.
        looks: What channels look for, of those that there is a picture of.
        beneath: Whether that stands beneath the maps; it is enlarged under the mouse in any case.
        selected: The channel that is picked.
        label: What the mosaic is, for assistive technology.
        on_pick: Called before the page runs again.
    """
    columns = (statistics.mean, statistics.maximum, statistics.active)
    told = np.stack(columns, axis=1)[sheet.channels]
    data = {
        "sheet": "data:image/png;base64," + base64.b64encode(sheet.png()).decode(),
        "tile": [sheet.grid.tile_height, sheet.grid.tile_width],
        "columns": sheet.grid.columns,
        "order": sheet.channels.tolist(),
        # JSON has no NaN; the browser says that it is not a number.
        "statistics": [[value if math.isfinite(value) else None for value in row] for row in told.tolist()],
        "selected": selected,
        "label": label,
        "legend": legend_data(sheet.legend),
        "looks": looks_data(looks),
        "beneath": beneath,
        "looks_note": LOOKS_NOTE if beneath else "",
    }
    _MOSAIC(key=key, data=data, on_pick_change=on_pick)


def channel(
    key: str,
    maps: Maps,
    *,
    label: str,
    picture: PictureView,
    geometry: Geometry,
    smooth: bool,
    opacity: int,
    chosen: bool,
    histogram: Histogram,
    legend: Legend,
    look: Piece | None,
    look_words: tuple[str, str],
    on_view: Callable[[], None],
    on_looks: Callable[[], None],
) -> None:
    """One channel, large, alone and laid over the picture, and what it looks for.

    How it is viewed is sent as the trigger `view`, the wish to see more of what it looks for as `looks`.

    Args:
        key: Streamlit's key of this instance.
        maps: The one map, (1, H, W).
        label: What it is, for assistive technology.
        picture: The picture that the map is laid over.
        geometry: The way from a position to the picture.
        smooth: Whether the browser smooths between the values.
        opacity: Of the map over the picture, 0..100.
        chosen: Whether the visitor asked for this channel; a phone then scrolls to it.
        histogram: How often which values occur.
        legend: What the colours mean.
        look: What the channel looks for; None where there is no picture of that.
        look_words: What to say about that, and what the button says.
        on_view: Called before the page runs again.
        on_looks: Likewise.
    """
    data = maps.as_data()
    data |= {
        "shape": data["shape"][1:],
        "label": label,
        "picture": asdict(picture),
        "geometry": geometry.as_data(),
        "view": {"smooth": smooth, "opacity": opacity},
        "chosen": chosen,
        "histogram": {"counts": histogram.counts.tolist(), "edges": histogram.edges.tolist()},
        "legend": legend_data(legend),
        "look": {
            "piece": None if look is None else asdict(look),
            "title": "What the channel looks for, in a picture made by optimisation",
            "words": look_words[0],
            "more": look_words[1],
        },
    }
    data["digest"] += label
    _CHANNEL(key=key, data=data, on_view_change=on_view, on_looks_change=on_looks)


def gallery(
    key: str,
    samples: Sequence[tuple[str, str, str]],
    *,
    selected: str | None,
    on_pick: Callable[[], None],
) -> None:
    """The sample pictures; a click sends the sample's name as the trigger `pick`.

    Args:
        key: Streamlit's key of this instance.
        samples: Name, title and the data URL of a thumbnail.
        selected: The sample at work, or None.
        on_pick: Called before the page runs again.
    """
    rows = [{"name": name, "title": title, "url": url} for name, title, url in samples]
    _GALLERY(key=key, data={"samples": rows, "selected": selected}, on_pick_change=on_pick)


def looks_data(looks: Mapping[int, Piece]) -> dict[str, Any]:
    """Pictures on a few sheets as the browser gets them: each sheet once, and who stands where on which."""
    sheets: dict[str, int] = {}
    told, at = [], {}
    for index, piece in looks.items():
        if piece.url not in sheets:
            sheets[piece.url] = len(sheets)
            told.append({"url": piece.url, "grid": piece.grid, "tile": piece.tile})
        at[str(index)] = [sheets[piece.url], piece.place]
    return {"sheets": told, "at": at}


def legend_data(legend: Legend) -> dict[str, Any]:
    """A legend as `showLegend` in common.js takes it."""
    return {
        "image": legend.css,
        "ticks": [tick.label for tick in legend.ticks],
        "note": legend.note,
        "specials": [asdict(special) for special in legend.specials],
    }
