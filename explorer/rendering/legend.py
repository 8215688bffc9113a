"""What the colours of a picture mean, as data for a page and as a bar of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.rendering.colormaps import INFINITE, LEVELS, NAN, Colormap, Kind, colormap_for
from explorer.rendering.png import palette_png
from explorer.rendering.scales import ChannelScales, Scale

_STOPS = 17
EACH_LARGEST = "each map's largest"
OWN_SCALES = "each map has its own scale"


@dataclass(frozen=True)
class Tick:
    """A labelled place on the legend.

    Attributes:
        position: 0 at the lowest colour, 1 at the highest.
        label: The value there, or a word where each map has its own.
    """

    position: float
    label: str


@dataclass(frozen=True)
class Special:
    """A colour that is not on the scale.

    Attributes:
        name: `"not a number"` or `"infinite"`.
        color: `"#rrggbb"`.
        positions: How many positions of the shown maps have it.
    """

    name: str
    color: str
    positions: int


@dataclass(frozen=True)
class Legend:
    """Meaning of the colours.

    Attributes:
        kind: Of the scale.
        stops: Colours `"#rrggbb"` at equal distances from the lowest to the highest value.
        ticks: Lowest to highest; the middle one of a diverging scale is 0.
        note: One sentence that says how to read the colours.
        specials: Colours off the scale that occur in the picture, often none.
    """

    kind: Kind
    stops: tuple[str, ...]
    ticks: tuple[Tick, ...]
    note: str
    specials: tuple[Special, ...] = ()

    @property
    def css(self) -> str:
        """The colours as a CSS image, from left to right."""
        return f"linear-gradient(to right, {', '.join(self.stops)})"


def legend(
    scale: Scale | ChannelScales,
    colormap: Colormap | str | None = None,
    *,
    entries: NDArray[np.int64] | None = None,
) -> Legend:
    """Explain a scale.

    Args:
        scale: One scale, or those of the single maps; then the ticks are words.
        colormap: The map or its name, None for the default of the scale's kind.
        entries: (256,) number of pixels per palette entry, from which it is known whether NaN and infinity
            occur.

    Raises:
        ValueError: The colour map is unknown or does not fit the scale.
    """
    if not isinstance(colormap, Colormap):
        colormap = colormap_for(scale.kind, colormap)
    stops = tuple(_hex(color) for color in colormap.sample(_STOPS))
    specials = []
    for entry, name, color in (
        (NAN, "not a number", colormap.nan),
        (INFINITE, "infinite", colormap.infinite),
    ):
        if entries is not None and entries[entry]:
            specials.append(Special(name, _hex(np.array(color)), int(entries[entry])))
    return Legend(scale.kind, stops, _ticks(scale), _note(scale, colormap), tuple(specials))


def legend_png(scale: Scale, *, colormap: str | None = None, width: int = LEVELS, height: int = 12) -> bytes:
    """Draw the colours of a scale as a bar from the lowest value (left) to the highest, without labels.

    Args:
        scale: The scale; its kind chooses the default colour map.
        colormap: A name of `COLORMAPS`.
        width: Pixels.
        height: Pixels.

    Raises:
        ValueError: A size is below 1, or the colour map is unknown or does not fit the scale.
    """
    if min(width, height) < 1:
        raise ValueError(f"a legend has at least one pixel, got {height} x {width}")
    row = np.linspace(0, LEVELS - 1, width).round().astype(np.uint8)[None]
    return palette_png(row, colormap_for(scale.kind, colormap).palette(), np.array([height]))


def _hex(color: NDArray[np.uint8] | NDArray[np.int64]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in color)


def _ticks(scale: Scale | ChannelScales) -> tuple[Tick, ...]:
    diverging = scale.kind == "diverging"
    if isinstance(scale, ChannelScales):
        ends = Tick(0.0, f"−{EACH_LARGEST}"), Tick(0.5, "0"), Tick(1.0, EACH_LARGEST)
        return ends if diverging else (Tick(0.0, "0"), ends[-1])
    if scale.low == scale.high:
        return (Tick(0.5 if diverging else 0.0, number(scale.low)),)
    middle = scale.low / 2 + scale.high / 2
    return tuple(Tick(at, number(v)) for at, v in ((0.0, scale.low), (0.5, middle), (1.0, scale.high)))


def number(value: float) -> str:
    """Three significant digits, whole numbers from 1000 to a million, with a real minus sign.

    Example:
        >>> number(12.3456), number(-0.5), number(-1234.5), number(2e-7), number(-0.0)
        ('12.3', '−0.5', '−1234', '2e−7', '0')
    """
    text = f"{value:.0f}" if 1000 <= abs(value) < 1e6 else f"{value + 0.0:.3g}"
    return text.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-").replace("-", "−")


def _note(scale: Scale | ChannelScales, colormap: Colormap) -> str:
    if isinstance(scale, Scale) and scale.low == scale.high:
        return f"All values are {number(scale.low)}."
    strong = "lighter" if colormap.table[-1].sum() > colormap.table[128].sum() else "darker"
    what = (
        f"The {strong}, the further from zero; blue is negative, amber positive"
        if scale.kind == "diverging"
        else f"The {strong}, the stronger the response"
    )
    whose = OWN_SCALES if isinstance(scale, ChannelScales) else "all maps share one scale"
    return f"{what}; {whose}."
