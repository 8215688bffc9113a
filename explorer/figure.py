"""The hierarchy of a picture on one page, for a paper or a slide: PDF, SVG or PNG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.channels import feature_maps, strongest
from explorer.figure_sheet import FORMATS, GREY, INK, Format, Rectangle, Sheet, drawing
from explorer.images import Picture
from explorer.receptive_field import ReceptiveField
from explorer.rendering import Mosaic, layer_scale, mosaic

if TYPE_CHECKING:
    from explorer.exports import HasProbability
    from explorer.hierarchy import Stage

__all__ = ["FORMATS", "TILES", "FigureRow", "Format", "HasInput", "figure_rows", "hierarchy_figure"]

TILES = 6
"""How many maps fit beside each other."""

# Inches.
_WIDTH, _MARGIN = 7.2, 0.2
_INNER = _WIDTH - 2 * _MARGIN
_PICTURE = (2.9, 1.95)  # width, height
_TILE, _TILE_GAP, _FIELD_GAP = 0.82, 0.05, 0.17
_ROW, _ROW_HEAD = 1.42, 0.30
_HEADER, _FOOTER = 2.97, 0.58
_SATURATED = 0.005
"""Share of a row's values beyond the last colour; without it a few outliers leave the rest dark."""
_BAR_COLOR, _FIRST_BAR_COLOR = "#b9bcc6", "#b5367a"
_TALLEST, _WIDEST = 1.25, 1.6  # height / width and width / height of what is shown of a very long picture


class HasInput(Protocol):
    """What the figure says about a model; `models.LoadedModel` has it."""

    @property
    def spec(self) -> Any:
        """Has `title`, the name for people, and `input_size`, (height, width) in pixels."""

    @property
    def digest(self) -> str:
        """sha256 of the weights, hexadecimal."""

    @property
    def preprocess(self) -> Any:
        """Has `visible_box(height, width)`, the part of a picture that the model sees."""


@dataclass(frozen=True, eq=False)
class FigureRow:
    """One row: some channels of one layer.

    Attributes:
        title: What the row stands for, for example "Early".
        layer: The layer's name.
        maps: All its maps for the picture, (C, H, W) or (1, C, H, W).
        channels: The channels to draw, at most `TILES` of them; the receptive field is that of the first
            one's strongest response.
        field: What one position sees; None where it is not known.
    """

    title: str
    layer: str
    maps: Tensor
    channels: tuple[int, ...]
    field: ReceptiveField | None

    def __post_init__(self) -> None:
        if not 1 <= len(self.channels) <= TILES:
            raise ValueError(f"a row of the figure has 1 to {TILES} channels, got {len(self.channels)}")
        count = len(feature_maps(self.maps))
        if wrong := [channel for channel in self.channels if not 0 <= channel < count]:
            raise ValueError(f"layer {self.layer!r} has channels 0 to {count - 1}, got {wrong[0]}")

    def peak(self) -> tuple[int, int]:
        """Row and column of the first channel's strongest finite response, of either sign.

        Of several equal ones, as bounded activations have, it is the one nearest to the middle.
        """
        magnitude = feature_maps(self.maps)[self.channels[0]].abs().nan_to_num(-1.0, -1.0, -1.0)
        middle = (torch.tensor(magnitude.shape) - 1) / 2
        places = (magnitude == magnitude.max()).nonzero()  # (ties, 2)
        row, column = places[(places - middle).square().sum(1).argmin()].tolist()
        return row, column


def figure_rows(
    stages: Iterable[Stage], activations: Mapping[str, Tensor], tiles: int = TILES
) -> tuple[FigureRow, ...]:
    """The rows for some stages of a network: the strongest channels of each stage's representative layer.

    Args:
        stages: What `explorer.stages` returned.
        activations: The outputs of at least the representative layers for one picture.
        tiles: How many channels, 1 to `TILES`.
    """
    rows = []
    for stage in stages:
        layer = stage.representative
        maps = activations[layer.name]
        title = stage.title.capitalize()
        rows.append(FigureRow(title, layer.name, maps, strongest(maps, tiles), layer.receptive_field))
    return tuple(rows)


def hierarchy_figure(
    picture: Picture,
    predictions: Sequence[HasProbability],
    rows: Sequence[FigureRow],
    *,
    model: HasInput,
    title: str,
    kind: Format = "pdf",
) -> bytes:
    """Draw what a network makes of a picture: the picture, the answer, and a row of maps for each stage.

    The same arguments give the same bytes. Only one thread of a process draws at a time.

    Args:
        picture: The picture.
        predictions: The most probable classes, the most probable first; at most five are shown.
        rows: From the first layers to the last ones.
        model: The model that the predictions and maps are from.
        title: What to call the picture.
        kind: "pdf" (text stays text, TrueType fonts embedded), "svg" (text as outlines) or "png" (300 dots
            per inch).

    Raises:
        ValueError: If there is no such kind, no row, or a row's maps can't be shown.
    """
    if kind not in FORMATS:
        raise ValueError(f"a figure is drawn as {', '.join(FORMATS)}, not {kind!r}")
    if not rows:
        raise ValueError("a figure needs at least one row of maps")
    with drawing():
        sheet = Sheet(_WIDTH, _HEADER + _ROW * len(rows) + _FOOTER)
        sheet.text(title, _MARGIN, 0.36, size=13, bold=True, room=_INNER)
        words = f"What {model.spec.title} makes of it, from its first layers to its last"
        sheet.text(words, _MARGIN, 0.56, size=8, color=GREY, room=_INNER)
        shown = _draw_picture(sheet, picture, model)
        _draw_predictions(sheet, predictions[:5], shown.right + 0.4)
        for at, row in enumerate(rows):
            _draw_row(sheet, row, _HEADER + at * _ROW, _Seen(picture, model))
        _draw_footer(sheet, picture, model, _HEADER + _ROW * len(rows))
        return sheet.save(kind, f"{title}: feature hierarchy of {model.spec.title}")


class _Seen:
    """The part of the picture that the model sees, and where its pixels are."""

    def __init__(self, picture: Picture, model: HasInput) -> None:
        self.height, self.width = model.spec.input_size
        box = model.preprocess.visible_box(*picture.rgb.shape[:2])
        self.rgb = _cut(picture.rgb, box)

    def place(self, field: ReceptiveField, position: tuple[int, int], thumbnail: Rectangle) -> Rectangle:
        """Where the receptive field of a position lies on a thumbnail, as far as it lies inside."""
        if field.whole:
            return thumbnail
        top, left, bottom, right = field.clipped_box(*position, self.height, self.width)
        down, across = thumbnail.height / self.height, thumbnail.width / self.width
        return Rectangle(
            thumbnail.left + left * across,
            thumbnail.top + top * down,
            (right - left) * across,
            (bottom - top) * down,
        )


def _cut(rgb: NDArray[np.uint8], box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    """The whole pixels that a box touches; at least one."""
    height, width = rgb.shape[:2]
    top, left = min(max(int(box[0]), 0), height - 1), min(max(int(box[1]), 0), width - 1)
    bottom, right = (
        max(int(np.ceil(end)), start + 1) for end, start in zip(box[2:], (top, left), strict=True)
    )
    return rgb[top:bottom, left:right]


def _draw_picture(sheet: Sheet, picture: Picture, model: HasInput) -> Rectangle:
    """The picture, or the middle of a very long one, with a frame around what the model sees."""
    height, width = picture.rgb.shape[:2]
    shown_height, shown_width = min(height, _TALLEST * width), min(width, _WIDEST * height)
    top, left = (height - shown_height) / 2, (width - shown_width) / 2
    whole = (shown_height, shown_width) == (height, width)
    room = Rectangle(_MARGIN, 0.72, *_PICTURE)
    place = room.holding(shown_height, shown_width)._replace(left=_MARGIN, top=room.top)
    box = model.preprocess.visible_box(height, width)
    scale = place.width / shown_width
    seen = Rectangle(
        place.left + (box[1] - left) * scale,
        place.top + (box[0] - top) * scale,
        (box[3] - box[1]) * scale,
        (box[2] - box[0]) * scale,
    )
    sheet.photograph(
        _cut(picture.rgb, (top, left, top + shown_height, left + shown_width)), place, bright=seen
    )
    sheet.frame(seen)
    source = f"{picture.source_size[1]} × {picture.source_size[0]} px"
    part = f"picture, {source}" if whole else f"the middle of the picture, {source}"
    words = f"{part}; framed: what the network sees"
    sheet.text(words, _MARGIN, place.bottom + 0.14, size=6.5, color=GREY, room=_INNER)
    return place


def _draw_predictions(sheet: Sheet, predictions: Sequence[HasProbability], left: float) -> None:
    """Bars whose full length is a probability of 1."""
    right = _WIDTH - _MARGIN - 0.45
    sheet.text("Prediction", left, 0.84, size=9, bold=True)
    sheet.text("probability", _WIDTH - _MARGIN, 0.84, size=6.5, color=GREY, align="right")
    for at, each in enumerate(predictions):
        top = 0.98 + at * 0.345
        first = at == 0
        sheet.text(each.label, left, top + 0.1, size=7.5, bold=first, room=right - left)
        track = Rectangle(left, top + 0.145, right - left, 0.075)
        sheet.fill(track, "#eeeef1")
        color = _FIRST_BAR_COLOR if first else _BAR_COLOR
        sheet.fill(track._replace(width=track.width * each.probability), color)
        percent = f"{100 * each.probability:.1f} %"
        sheet.text(percent, _WIDTH - _MARGIN, track.bottom, size=7.5, bold=first, align="right")


def _draw_row(sheet: Sheet, row: FigureRow, top: float, seen: _Seen) -> None:
    """One stage: its name, its receptive field on the picture, its maps, and what their colours mean."""
    shown = feature_maps(row.maps)[list(row.channels)]
    drawn = mosaic(shown, scale=layer_scale(shown, saturate=_SATURATED))
    sheet.rule(top, _MARGIN, _WIDTH - _MARGIN)
    after = _MARGIN + sheet.text(row.title, _MARGIN, top + 0.2, size=9, bold=True, room=2.0) + 0.12
    sheet.text(_row_words(row), after, top + 0.2, size=7, color=GREY, room=_WIDTH - _MARGIN - after)
    top += _ROW_HEAD
    thumbnail = Rectangle(_MARGIN, top, _TILE, _TILE).holding(seen.height, seen.width)
    sheet.photograph(seen.rgb, thumbnail)
    if row.field is not None:
        sheet.frame(seen.place(row.field, row.peak(), thumbnail))
        sheet.text(
            "receptive field", _MARGIN + _TILE / 2, top + _TILE + 0.12, size=6, color=GREY, align="center"
        )
    left = _MARGIN + _TILE + _FIELD_GAP
    for at, channel in enumerate(row.channels):
        place = Rectangle(left + at * (_TILE + _TILE_GAP), top, _TILE, _TILE)
        tile = place.holding(*drawn.tiles.shape[1:])
        sheet.grid_of_pixels(drawn.palette[drawn.tiles[at], :3], tile)
        if at == 0 and row.field is not None:
            _ring(sheet, row.peak(), drawn.tiles.shape[1:], tile)
        words = f"channel {channel}"
        sheet.text(words, place.left + _TILE / 2, top + _TILE + 0.12, size=6, color=GREY, align="center")
    _draw_legend(sheet, drawn, top)


def _row_words(row: FigureRow) -> str:
    channels, height, width = feature_maps(row.maps).shape
    words = f"{row.layer} · {channels} maps of {height} × {width}"
    if row.field is None:
        return words
    if row.field.whole:
        return f"{words} · each value sees the whole picture"
    return f"{words} · each value sees {row.field.size[0]} × {row.field.size[1]} px"


def _ring(sheet: Sheet, position: tuple[int, int], shape: Sequence[int], tile: Rectangle) -> None:
    """Mark a position of a map; never smaller than the eye can find."""
    height, width = tile.height / shape[0], tile.width / shape[1]
    side_down, side_across = max(height, 0.06), max(width, 0.06)
    middle_down, middle_across = (
        tile.top + (position[0] + 0.5) * height,
        tile.left + (position[1] + 0.5) * width,
    )
    top = min(max(middle_down - side_down / 2, tile.top), tile.bottom - side_down)
    left = min(max(middle_across - side_across / 2, tile.left), tile.right - side_across)
    sheet.frame(Rectangle(left, top, side_across, side_down))


def _draw_legend(sheet: Sheet, drawn: Mosaic, top: float) -> None:
    """An upright bar of the colours, the highest value on top."""
    left = _MARGIN + _TILE + _FIELD_GAP + TILES * (_TILE + _TILE_GAP) + 0.08
    bar = Rectangle(left, top, 0.09, _TILE)
    sheet.grid_of_pixels(drawn.colormap.sample(253)[::-1, None], bar)
    for tick in drawn.legend.ticks:
        # Labels at the ends stay within the bar's height.
        baseline = bar.bottom - tick.position * (bar.height - 0.07)
        sheet.text(tick.label, bar.right + 0.04, baseline, size=6, color=INK, room=_WIDTH - 0.05 - bar.right)
    for at, special in enumerate(drawn.legend.specials):
        swatch = Rectangle(left, top + _TILE + 0.06 + 0.1 * at, 0.06, 0.06)
        sheet.fill(swatch, special.color)
        sheet.text(special.name, swatch.right + 0.03, swatch.bottom, size=5, color=GREY)


def _draw_footer(sheet: Sheet, picture: Picture, model: HasInput, top: float) -> None:
    colours = (
        "Lighter: stronger response; blue: negative, amber: positive. The maps of a row share one scale; "
        f"up to {100 * _SATURATED:g} % of their values lie beyond its ends."
    )
    frames = (
        "Small frames: where the first map responds most strongly, and the receptive field of that position."
    )
    height, width = model.spec.input_size
    origin = (
        f"{model.spec.title} · weights {model.digest[:8]} · picture {picture.sha256[:8]} · "
        f"network input {width} × {height} px, to which receptive fields refer"
    )
    sheet.rule(top, _MARGIN, _WIDTH - _MARGIN)
    for at, words in enumerate((colours, frames, origin)):
        sheet.text(words, _MARGIN, top + 0.17 + 0.13 * at, size=6, color=GREY, room=_INNER)
