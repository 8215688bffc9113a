"""From any of Pillow's pixel modes to 8-bit RGB, band by band to save memory.

Greyscale deeper than 8 bits, which Pillow itself would clip at 255, is scaled:

* 16-bit (and 12-bit) unsigned: 0 is black, the largest possible value is white; 16-bit values are divided by
  257 and rounded, as the PNG specification scales sample depths.
* 32-bit and signed integers: the picture's smallest value is black, its largest white, since no value is
  agreed to be white.
* Floating point: 0 to 1 is black to white when all finite values lie in that range, else smallest to largest.
  NaN and -inf are black, +inf is white.
* A picture of one value where smallest to largest would apply has no contrast to show: middle grey.

Colour deeper than 8 bits keeps the upper 8 bits. CMYK is turned into RGB by the inks' complement.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MIDDLE_GREY = 128
_BAND_PIXELS = 2**21
_PHOTOMETRIC, _BITS_PER_SAMPLE = 262, 258
_OPAQUE_MODES = {"La": "LA", "RGBX": "RGB"}


class GreyRange(NamedTuple):
    """The grey values that become black (0) and white (255), equal where there is no contrast."""

    black: float
    white: float


def to_rgb(
    image: Image.Image, *, factor: int = 1, background: tuple[int, int, int] = (255, 255, 255)
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Turn a loaded picture of any mode into 8-bit RGB, each side reduced to 1/`factor` (rounded up).

    Args:
        image: A loaded Pillow image.
        factor: How many pixels of each side become one, by their mean, at least 1.
        background: 8-bit RGB that shines through transparent pixels; mixed before the reduction, so
            that the hidden colour of transparent pixels shows nowhere.

    Returns:
        uint8 (H, W, 3), and sentences about what had to be decided on the way.
    """
    grey_range, notes = _grey_range(image)
    rows = max(_BAND_PIXELS // image.width // factor, 1) * factor
    bands, opaque = [], True
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        rgba = _with_alpha(band, grey_range)
        if rgba.mode == "RGBA":
            opaque = opaque and rgba.getchannel("A").getextrema() == (255, 255)
            rgba = _over(rgba, background)
        bands.append(np.asarray(rgba.reduce(factor) if factor > 1 else rgba))
    if not opaque:
        notes = (*notes, f"Transparent parts are shown over {_colour_name(background)}.")
    return np.concatenate(bands), notes


def _with_alpha(band: Image.Image, grey_range: GreyRange | None) -> Image.Image:
    """The band as RGB, or as RGBA where anything says that pixels may be transparent."""
    if grey_range is None:
        band = band.convert(_OPAQUE_MODES[band.mode]) if band.mode in _OPAQUE_MODES else band
        return band.convert("RGBA" if band.has_transparency_data and _usable_key(band) else "RGB")
    values = np.asarray(band)
    rgb = Image.fromarray(_eight_bit(values, grey_range)).convert("RGB")
    key = band.info.get("transparency")
    if isinstance(key, int):
        rgb.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
    return rgb


def _usable_key(band: Image.Image) -> bool:
    """A 16-bit transparent colour matches nothing once Pillow has kept 8 bits of each pixel."""
    key = band.info.get("transparency", 0)
    return not isinstance(key, tuple) or max(key) <= 255


def _over(rgba: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """`rgba` over an opaque background: (c·a + b·(255 - a)) / 255, rounded to the nearest."""
    base = Image.new("RGB", rgba.size, background)
    base.paste(rgba, mask=rgba.getchannel("A"))
    return base


def _grey_range(image: Image.Image) -> tuple[GreyRange | None, tuple[str, ...]]:
    """What becomes black and white for deep greyscale, None for modes of 8 bits; and a sentence on it."""
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16"):
        bits = tags.get(_BITS_PER_SAMPLE, (16,))[0]
        found, note = GreyRange(0, 2**bits - 1), f"Its {bits}-bit grey values are scaled to 8 bits."
    elif image.mode in ("I", "F"):
        found, note = _extreme_range(image)
    else:
        return None, ()
    # TIFF's WhiteIsZero, which Pillow honours up to 8 bits only.
    return (GreyRange(found.white, found.black) if tags.get(_PHOTOMETRIC) == 0 else found), (note,)


def _extreme_range(image: Image.Image) -> tuple[GreyRange, str]:
    """The range for 32-bit integers and floats, from the finite values; see the module's rules."""
    low, high = np.inf, -np.inf
    rows = max(_BAND_PIXELS // image.width, 1)
    for top in range(0, image.height, rows):
        band = np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))
        finite = band[np.isfinite(band)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        return GreyRange(0, 1), "It holds no finite value: NaN is shown black."
    if image.mode == "F" and low >= 0 and high <= 1:
        return GreyRange(0, 1), "Its values from 0 to 1 are shown from black to white."
    if low == high:
        return GreyRange(low, high), f"All its values are {low:g}, shown as middle grey."
    return GreyRange(low, high), f"Its values from {low:g} to {high:g} are shown from black to white."


def _eight_bit(values: NDArray[np.generic], grey_range: GreyRange) -> NDArray[np.uint8]:
    """Deep grey values as 0..255, linear between black and white, which may be swapped."""
    black, white = grey_range
    wide = values.astype(np.float64)
    if black == white:
        scaled = np.where(np.isfinite(wide), MIDDLE_GREY, wide)
    else:
        scaled = (wide - black) * 255 / (white - black)
    scaled = np.nan_to_num(scaled, nan=0, posinf=255, neginf=0)
    return np.rint(scaled).clip(0, 255).astype(np.uint8)


def _colour_name(colour: tuple[int, int, int]) -> str:
    return {(255, 255, 255): "white", (0, 0, 0): "black"}.get(colour, "#" + bytes(colour).hex())
