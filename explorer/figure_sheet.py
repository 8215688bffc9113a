"""A sheet of paper, measured in inches from its top left corner, that pictures and words are put on.

It is drawn by matplotlib, which is imported when the first sheet is made, and never through pyplot: that
keeps a list of open figures for the whole process.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

Format = Literal["pdf", "svg", "png"]
FORMATS: tuple[Format, ...] = ("pdf", "svg", "png")
DPI = 300
"""Dots per inch of a PNG, and of photographs in all formats."""

INK, GREY, RULE = "#1b1b1f", "#5f6169", "#d4d5da"

_SETTINGS: Any = {
    "pdf.fonttype": 42,  # TrueType, as publishers ask for; text stays text
    "pdf.compression": 6,
    "svg.fonttype": "path",  # outlines: an SVG can't count on the reader's fonts
    "svg.hashsalt": "feature hierarchy",
    "svg.image_inline": True,
    "path.simplify": False,
    "path.sketch": None,
    "path.effects": [],
    "agg.path.chunksize": 0,
    "savefig.bbox": None,
    "savefig.transparent": False,
    "text.antialiased": True,
    "text.usetex": False,
}
_lock = threading.Lock()


@contextmanager
def drawing() -> Iterator[None]:
    """Make and save a `Sheet` inside of this: matplotlib then has the sheet's settings, whoever runs it.

    Matplotlib reads them from one place for the whole process. They are put back afterwards, and only one
    thread draws at a time: two overlapping changes would leave one's settings behind.
    """
    from matplotlib import rc_context

    with _lock, rc_context(_SETTINGS):
        yield


class Rectangle(NamedTuple):
    """A place on the sheet, in inches from its top left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    def holding(self, height: float, width: float) -> Rectangle:
        """The largest rectangle of the shape `height` : `width` in its middle."""
        scale = min(self.width / width, self.height / height)
        width, height = width * scale, height * scale
        left, top = self.left + (self.width - width) / 2, self.top + (self.height - height) / 2
        return Rectangle(left, top, width, height)


class Sheet:
    """A white sheet of `width` x `height` inches."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self._figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", edgecolor="none")
        self._axes = self._figure.add_axes((0, 0, 1, 1), frameon=False)
        self._axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])

    def text(
        self,
        words: str,
        x: float,
        baseline: float,
        *,
        size: float = 7,
        bold: bool = False,
        color: str = INK,
        align: Literal["left", "center", "right"] = "left",
        room: float | None = None,
    ) -> float:
        """Write one line, cut off with an ellipsis beyond `room` inches, and return its width in inches."""
        fitted = fit(words, size, bold, self.width if room is None else room)
        # With math on, the dollars in a file's name would be taken for a formula.
        self._axes.text(
            x,
            baseline,
            fitted,
            color=color,
            ha=align,
            va="baseline",
            font=_font(size, bold),
            parse_math=False,
        )
        return text_width(fitted, size, bold)

    def photograph(self, rgb: NDArray[np.uint8], place: Rectangle, bright: Rectangle | None = None) -> None:
        """Show a picture, uint8 (H, W, 3), resized to `DPI` dots per inch, and pale outside of `bright`."""
        width, height = (max(round(inches * DPI), 1) for inches in (place.width, place.height))
        image = Image.fromarray(np.ascontiguousarray(rgb)).resize((width, height), Image.Resampling.LANCZOS)
        pixels = np.asarray(image)
        if bright is not None:
            top, bottom = (round((y - place.top) * DPI) for y in (bright.top, bright.bottom))
            left, right = (round((x - place.left) * DPI) for x in (bright.left, bright.right))
            pale = 255 - (255 - pixels) // 2
            pale[top:bottom, left:right] = pixels[top:bottom, left:right]
            pixels = pale
        self._image(pixels, place)

    def grid_of_pixels(self, rgb: NDArray[np.uint8], place: Rectangle) -> None:
        """Show small arrays, uint8 (H, W, 3), as even blocks of colour: each position keeps sharp edges."""
        # Enlarged here, because viewers of PDF and SVG smooth small pictures when they enlarge them.
        zoom = [
            max(1, round(inches * DPI / n)) for inches, n in zip(place[:1:-1], rgb.shape[:2], strict=True)
        ]
        self._image(rgb.repeat(zoom[0], axis=0).repeat(zoom[1], axis=1), place)

    def fill(self, place: Rectangle, color: str, opacity: float = 1.0) -> None:
        """Fill a rectangle with a colour."""
        self._rectangle(place, facecolor=color, alpha=opacity, linewidth=0)

    def frame(self, place: Rectangle, color: str = "white", halo: str = INK, width: float = 0.9) -> None:
        """Draw a rectangle's edge, with a halo that keeps it visible on any picture; `width` in points."""
        self._rectangle(place, facecolor="none", edgecolor=halo, linewidth=2 * width, joinstyle="miter")
        self._rectangle(place, facecolor="none", edgecolor=color, linewidth=width, joinstyle="miter")

    def rule(self, top: float, left: float, right: float) -> None:
        """Draw a thin line across."""
        self.fill(Rectangle(left, top, right - left, 0.006), RULE)

    def save(self, kind: Format, title: str) -> bytes:
        """The sheet as a file. The same sheet gives the same bytes: nothing in it tells the time.

        Raises:
            ValueError: If `kind` is not one of `FORMATS`.
        """
        if kind not in FORMATS:
            raise ValueError(f"a figure is saved as {', '.join(FORMATS)}, not {kind!r}")
        metadata: dict[Format, dict[str, Any]] = {
            "pdf": {"Title": printable(title), "Creator": None, "Producer": None, "CreationDate": None},
            "svg": {"Title": printable(title), "Creator": None, "Date": None},
            "png": {"Software": None},
        }
        file = io.BytesIO()
        self._figure.savefig(file, format=kind, dpi=DPI, metadata=metadata[kind])
        return file.getvalue()

    def _image(self, rgb: NDArray[np.uint8], place: Rectangle) -> None:
        edges = (place.left, place.right, place.bottom, place.top)
        # "none" puts the pixels as they are into PDF and SVG.
        self._axes.imshow(rgb, extent=edges, aspect="auto", interpolation="none", origin="upper")
        self._axes.set(xlim=(0, self.width), ylim=(self.height, 0))

    def _rectangle(self, place: Rectangle, **style: Any) -> None:
        from matplotlib.patches import Rectangle as Patch

        patch = Patch((place.left, place.top), place.width, place.height, zorder=2, **style)
        self._axes.add_patch(patch)


def printable(words: str, *, bold: bool = False) -> str:
    """The words on one line, a box in place of every character that the sheet's font doesn't have."""
    glyphs = _glyphs(bold)
    return "".join(letter if ord(letter) in glyphs else "□" for letter in " ".join(words.split()))


def text_width(words: str, size: float, bold: bool = False) -> float:
    """The width of one line in inches; `size` is in points."""
    from matplotlib.textpath import text_to_path

    width: float = text_to_path.get_text_width_height_descent(words, _font(size, bold), ismath=False)[0]
    return width / 72


def fit(words: str, size: float, bold: bool, room: float) -> str:
    """The words, or as many letters of their beginning as fit into `room` inches with an ellipsis."""
    shown = printable(words, bold=bold)
    if text_width(shown, size, bold) <= room:
        return shown
    enough, too_many = 0, len(shown)
    while too_many - enough > 1:
        middle = (enough + too_many) // 2
        wide = text_width(shown[:middle].rstrip() + "…", size, bold) > room
        enough, too_many = (enough, middle) if wide else (middle, too_many)
    return shown[:enough].rstrip() + "…"


def _font(size: float, bold: bool) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=_font_file(bold), size=size)


@cache
def _font_file(bold: bool) -> str:
    """DejaVu Sans from matplotlib itself: another version on the computer would give other bytes."""
    from matplotlib import get_data_path

    return str(Path(get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' if bold else ''}.ttf"))


@cache
def _glyphs(bold: bool) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(_font_file(bold)).get_charmap())
