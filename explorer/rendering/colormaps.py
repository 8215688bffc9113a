"""Colour maps: dark stands for zero, brightness for the strength of the response, hue for its sign.

Values are drawn in `LEVELS` steps; the remaining three of a PNG palette's 256 entries are reserved for
what is not a value: NaN, infinity, and the gap between two tiles.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.rendering._tables import TABLES

Kind = Literal["sequential", "diverging"]
RGB = tuple[int, int, int]

LEVELS = 253
"""Steps of the scale. Odd, so that a diverging scale has one step that is exactly zero."""
NAN, INFINITE, GAP = 253, 254, 255
"""Palette entries behind the levels: not a number, plus or minus infinity, between the tiles."""


@dataclass(frozen=True, eq=False)
class Colormap:
    """A colour table with its colours for what has no place on a scale.

    Attributes:
        name: How the map is chosen, e.g. `"magma"`.
        kind: `"sequential"` for values that start at a smallest one, `"diverging"` for values around
            zero.
        table: uint8 (256, 3) sRGB, read-only, from the lowest to the highest value.
        nan: Colour of NaN. Told apart from the table, also with red-green or blue-yellow blindness.
        infinite: Colour of plus and minus infinity, chosen in the same way.
    """

    name: str
    kind: Kind
    table: NDArray[np.uint8]
    nan: RGB
    infinite: RGB

    def sample(self, steps: int) -> NDArray[np.uint8]:
        """Return `steps` colours, uint8 (steps, 3), evenly spaced from the lowest to the highest value."""
        at = np.linspace(0, 255, steps)
        channels = [np.interp(at, np.arange(256), self.table[:, c]) for c in range(3)]
        return np.stack(channels, axis=1).round().astype(np.uint8)

    def palette(self, background: RGB | None = None) -> NDArray[np.uint8]:
        """Return all 256 entries of a picture's palette, uint8 (256, 4) RGBA.

        Args:
            background: Colour of the gap between tiles; None makes the gap transparent.
        """
        palette = np.full((256, 4), 255, dtype=np.uint8)
        palette[:LEVELS, :3] = self.sample(LEVELS)
        palette[NAN, :3] = self.nan
        palette[INFINITE, :3] = self.infinite
        palette[GAP] = (128, 128, 128, 0) if background is None else (*background, 255)
        return palette


@dataclass(frozen=True)
class _Arm:
    """One half of a diverging map from zero outwards, in OKLab's polar form (lightness, chroma, hue).

    Chroma and hue (degrees) are control points at equal distances; lightness is straight between its two
    ends, which is what makes equal steps of value look like equal steps.
    """

    lightness: tuple[float, float]
    chroma: tuple[float, ...]
    hue: tuple[float, ...]

    def lab(self, steps: int) -> NDArray[np.float64]:
        at = np.linspace(0, 1, steps)
        chroma = np.interp(at, np.linspace(0, 1, len(self.chroma)), self.chroma)
        hue = np.radians(np.interp(at, np.linspace(0, 1, len(self.hue)), self.hue))
        lightness = np.linspace(*self.lightness, steps)
        return np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)


_ARMS = {
    "ember": (
        _Arm((0.22, 0.90), (0.015, 0.10, 0.14, 0.07), (265, 262, 250, 215)),
        _Arm((0.22, 0.90), (0.015, 0.10, 0.15, 0.10), (30, 35, 52, 85)),
    ),
    "paper": (
        _Arm((0.97, 0.36), (0.004, 0.07, 0.12, 0.10), (240, 235, 250, 262)),
        _Arm((0.97, 0.36), (0.004, 0.09, 0.15, 0.10), (60, 55, 40, 28)),
    ),
}
"""Blue below zero, amber above: a pair that stays apart with every common colour-vision deficiency."""

_MISSING: dict[str, tuple[RGB, RGB]] = {
    "magma": ((135, 165, 255), (0, 45, 255)),
    "inferno": ((105, 150, 255), (30, 30, 240)),
    "viridis": ((255, 0, 255), (0, 0, 0)),
    "grey": ((225, 0, 255), (0, 255, 0)),
    "ember": ((150, 150, 150), (255, 255, 255)),
    "paper": ((0, 0, 0), (120, 120, 120)),
}
"""Colours of NaN and infinity, searched for a large OKLab distance to the table, colour-blind too."""

COLORMAPS: dict[Kind, tuple[str, ...]] = {
    "sequential": ("magma", "inferno", "viridis", "grey"),
    "diverging": ("ember", "paper"),
}
"""The names of each kind, the default first."""


def _oklab_to_srgb(lab: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Convert OKLab (n, 3) to uint8 sRGB (n, 3); matrices of Bjorn Ottosson, https://bottosson.github.io/posts/oklab."""
    to_cone_roots = np.array(
        [
            [1, 0.3963377774, 0.2158037573],
            [1, -0.1055613458, -0.0638541728],
            [1, -0.0894841775, -1.2914855480],
        ]
    )
    to_linear_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = ((lab @ to_cone_roots.T) ** 3 @ to_linear_rgb.T).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    rounded: NDArray[np.uint8] = (255 * srgb).round().astype(np.uint8)
    return rounded


def _table(name: str) -> NDArray[np.uint8]:
    if name == "grey":
        return np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    if name in TABLES:
        return np.frombuffer(base64.b64decode(TABLES[name]), dtype=np.uint8).reshape(256, 3)
    below, above = _ARMS[name]
    return _oklab_to_srgb(np.concatenate([below.lab(128)[::-1], above.lab(128)]))


@cache
def colormap(name: str) -> Colormap:
    """Return the colour map of that name.

    Raises:
        ValueError: There is no such map; the message lists those that exist.
    """
    for kind, names in COLORMAPS.items():
        if name in names:
            table = _table(name)
            table.flags.writeable = False
            return Colormap(name, kind, table, *_MISSING[name])
    known = ", ".join(n for names in COLORMAPS.values() for n in names)
    raise ValueError(f"there is no colour map {name!r}; there are: {known}")


def colormap_for(kind: Kind, name: str | None = None) -> Colormap:
    """Return the named colour map, or the default one of the kind, and make sure that it fits the kind.

    Raises:
        ValueError: The map is unknown, or is of the other kind: a sequential map would show a zero in the
            middle of signed values as just another value.
    """
    chosen = colormap(COLORMAPS[kind][0] if name is None else name)
    if chosen.kind != kind:
        raise ValueError(
            f"these values need a {kind} colour map ({', '.join(COLORMAPS[kind])}), "
            f"but {name!r} is {chosen.kind}"
        )
    return chosen
