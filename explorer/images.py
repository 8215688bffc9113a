"""Bytes that somebody gave us, decoded to a picture or refused with one sentence.

    picture = decode(path.read_bytes())
    picture.rgb            # uint8 (H, W, 3)

What is done, in this order: the size in bytes is checked, the format is recognised by its signature (never
by a name), the file's structure is checked and stripped of metadata (`explorer.containers`), the declared
size is checked, and only then are pixels decoded, turned into 8-bit RGB (`explorer.pixels`), reduced where
the picture is large, and put upright as EXIF says.

* A JPEG is decoded at 1/2, 1/4 or 1/8 where its short side stays at least `short_side` pixels long: libjpeg
  then computes fewer values per 8x8 block. 320 leaves a network that takes 256 pixels a quarter more than it
  needs. A 12-megapixel photograph is then decoded at 1/8, in about a quarter of the full time, and differs by
  0.8 of 255 grey levels at 256 pixels; `short_side=640` decodes it at 1/4, in about a third of the time, with
  a difference of 0.3 and twice the pixels to look at (`benchmarks/pictures.py`).
* Any picture is then reduced by the smallest whole factor that leaves at most `MAX_KEPT_PIXELS`.
* Memory while decoding: up to 4 bytes for each of `MAX_PIXELS`, for WebP and progressive JPEG up to 16.
* Colour profiles are not applied, as in the data pipelines that networks are trained with; `notes` says so
  where a profile is not sRGB.
* An animation gives its first frame, a TIFF its first page.

Everything may be called from many threads at once.
"""

import hashlib
import io
import math
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer import containers
from explorer.containers import Contents
from explorer.pixels import to_rgb

MAX_BYTES = 32 * 2**20
"""The largest file, in bytes."""
MAX_PIXELS = 50_000_000
"""The largest declared size, in pixels."""
MAX_SIDE = 65_535
"""The longest declared side, in pixels: JPEG's own limit. Some of Pillow's loops are quadratic in a row."""
MAX_KEPT_PIXELS = 4_000_000
"""The largest `Picture.rgb`, in pixels: 12 MB."""
BACKGROUND = (255, 255, 255)
"""White, shown through transparent parts: the page that pictures with transparency are mostly drawn for."""
FORMATS = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF")
"""The possible formats, as people write them."""

_READERS: dict[str, Callable[[bytes], Contents]] = {
    "PNG": containers.read_png,
    "JPEG": containers.read_jpeg,
    "WebP": containers.read_webp,
    "GIF": containers.read_gif,
    "BMP": Contents,
    "TIFF": containers.read_tiff,
}
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_OTHER_SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\0\0\x01\0", "an icon"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
)
# The compressions that scanners, cameras and image editors write; the others only widen what can go wrong.
_TIFF_COMPRESSIONS = frozenset(
    {"raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "jpeg", "tiff_ccitt"}
    | {"group3", "group4"}
)
# What Pillow's plugins and codecs raise for damaged files, found in their source and by fuzzing. The net is
# spread under Pillow and the conversion of its pixels only, so that a mistake elsewhere stays a mistake.
_DAMAGE = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
    *(AssertionError, RuntimeError, struct.error, zlib.error),
)
_decoding: ContextVar[bool] = ContextVar("_decoding", default=False)


class PictureError(ValueError):
    """Bytes that cannot become a picture; one sentence that says what was given and what is possible."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        rgb: uint8 (H, W, 3), read-only, 0 to 255, upright.
        sha256: Hexadecimal digest of the bytes it was decoded from: the key for caches.
        source_size: (height, width) in the file, upright, before any reduction.
        format: "PNG", "JPEG", "WebP", "GIF", "BMP" or "TIFF".
        notes: What was decided or lost on the way, one sentence each, for the page.
    """

    rgb: NDArray[np.uint8]
    sha256: str
    source_size: tuple[int, int]
    format: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, *, short_side: int = 320) -> Picture:
    """Decode the bytes of a picture file to upright 8-bit RGB.

    Args:
        data: A whole file: PNG, JPEG, WebP, GIF, BMP or TIFF, up to `MAX_BYTES` and `MAX_PIXELS`.
        short_side: Pixels of the short side that reduced decoding of a JPEG must leave, at least 1. The bound
            `MAX_KEPT_PIXELS` comes first, which only a panorama longer than 39:1 can notice at 320.

    Raises:
        PictureError: For everything else: empty, too large, another format, damaged, cut short.
        TypeError: If `data` is not bytes.
        ValueError: If `short_side` is not positive.

    Example:
        >>> from explorer.samples import sample_bytes
        >>> picture = decode(sample_bytes("chelsea"))
        >>> picture.rgb.shape, picture.format, picture.source_size
        ((300, 451, 3), 'PNG', (300, 451))
    """
    raw = _checked(data, short_side)
    kind = _recognise(raw)
    try:
        contents = _READERS[kind](raw)
    except containers.ContainerError as error:
        raise PictureError(f"The {kind} file {error}: save the picture again, or choose another.") from error
    with _pillow(kind):
        image = Image.open(io.BytesIO(contents.data), formats=[kind])
        _check_declared(image, kind)
        _scale_transparent_grey(image, kind, raw)
        declared = image.size
        _draft(image, short_side)
        image.load()
        factor = _reduction(image.size)
        rgb, notes = to_rgb(image, factor=factor, background=BACKGROUND)
        profile = contents.profile or image.info.get("icc_profile") or b""
    rgb = _upright(rgb, contents.orientation)
    rgb.flags.writeable = False
    width, height = declared if contents.orientation < 5 else declared[::-1]
    notes = (*_file_notes(kind, contents, image.mode, profile), *notes)
    if rgb.shape[:2] != (height, width):
        notes = (*notes, f"Reduced from {width} x {height} to {rgb.shape[1]} x {rgb.shape[0]} pixels.")
    return Picture(rgb, hashlib.sha256(raw).hexdigest(), (height, width), kind, notes)


def _checked(data: bytes, short_side: int) -> bytes:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"decode() takes the bytes of a picture file, not {type(data).__name__}")
    if short_side < 1:
        raise ValueError(f"short_side must be at least 1 pixel, not {short_side}")
    raw = bytes(data)
    if not raw:
        raise PictureError(f"The file is empty: choose a {_one_of(FORMATS)} picture.")
    if len(raw) > MAX_BYTES:
        raise PictureError(
            f"The file has {len(raw) / 2**20:.1f} MB, and at most {MAX_BYTES // 2**20} MB are possible: "
            "save the picture smaller, for example as a JPEG."
        )
    return raw


def _recognise(raw: bytes) -> str:
    """The format by the file's first bytes.

    Raises:
        PictureError: For any other, which it names where it knows it.
    """
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "WebP"
    for signature, kind in _SIGNATURES:
        if raw.startswith(signature):
            return kind
    raise PictureError(
        f"The file is {_describe(raw)}, and only {_one_of(FORMATS, 'and')} pictures are possible: "
        "save it as one of these, or choose another."
    )


def _describe(raw: bytes) -> str:
    """What a file of no possible format is, as far as its beginning tells."""
    for signature, description in _OTHER_SIGNATURES:
        if raw.startswith(signature):
            return description
    if raw[4:8] == b"ftyp":
        brand = raw[8:12]
        if brand in (b"avif", b"avis"):
            return "an AVIF picture"
        return "a HEIC picture" if brand[:3] in (b"hei", b"hev", b"mif", b"msf") else "a video"
    start = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "an SVG drawing"
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    control = set(start) & set(range(32)) - set(b"\t\r\n\f")
    return "of an unknown kind" if control or not start.isascii() else "text"


@contextmanager
def _pillow(kind: str) -> Iterator[None]:
    """Run Pillow silently; whatever it raises for a damaged file becomes a `PictureError`."""
    if not any(entry[2] is _WhileDecoding for entry in warnings.filters):
        warnings.simplefilter("ignore", _WhileDecoding)
    token = _decoding.set(True)
    try:
        yield
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(_too_many_pixels("far too many pixels")) from error
    except MemoryError as error:
        raise PictureError(f"There is not enough memory for this {kind} picture: scale it down.") from error
    except _DAMAGE as error:
        raise PictureError(
            f"The {kind} file is damaged, cut short, or of a rare kind, and could not be read: "
            "save or download it again, or choose another picture."
        ) from error
    finally:
        _decoding.reset(token)


class _DecodingWarnings(type):
    def __subclasscheck__(cls, subclass: type) -> bool:
        return _decoding.get()


class _WhileDecoding(Warning, metaclass=_DecodingWarnings):
    """Stands in a warning filter for "any warning, while this thread decodes".

    Pillow warns about harmless metadata; a server's log is no place for that, and a program that turns
    warnings into errors must not lose the picture. `warnings.catch_warnings` swaps a list that all threads
    share, so instead one filter stays in place that matches nothing outside of `_pillow`.
    """


def _check_declared(image: Image.Image, kind: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PictureError(_too_many_pixels(f"{width} x {height} pixels"))
    if max(width, height) > MAX_SIDE:
        raise PictureError(
            f"The picture declares {width} x {height} pixels, and at most {MAX_SIDE} on a side are possible: "
            "cut it up first."
        )
    compression = image.info.get("compression")
    if kind == "TIFF" and compression not in _TIFF_COMPRESSIONS:
        raise PictureError(
            f"The TIFF file is compressed as {str(compression).removeprefix('tiff_')}, which cannot be read: "
            "save it uncompressed or with LZW, ZIP or JPEG compression."
        )


def _too_many_pixels(declared: str) -> str:
    limit = MAX_PIXELS // 1_000_000
    return (
        f"The picture declares {declared}, and at most {limit} megapixels are possible: scale it down first."
    )


def _scale_transparent_grey(image: Image.Image, kind: str, raw: bytes) -> None:
    """Pillow turns a PNG's grey of 2 or 4 bits into 8, but not the grey value that means transparent."""
    key = image.info.get("transparency")
    if kind == "PNG" and image.mode == "L" and isinstance(key, int):
        image.info["transparency"] = key * 255 // (2 ** raw[24] - 1)  # the bit depth's place in IHDR


def _draft(image: Image.Image, short_side: int) -> None:
    """Let libjpeg decode at the smallest scale that leaves `short_side` pixels; other formats ignore it."""
    width, height = image.size
    for scale in (8, 4, 2):
        if math.ceil(min(width, height) / scale) >= short_side:
            image.draft(None, (max(width // scale, 1), max(height // scale, 1)))
            return


def _reduction(size: tuple[int, int]) -> int:
    """The smallest whole factor that brings a picture of `size` under `MAX_KEPT_PIXELS`."""
    factor = 1
    while math.ceil(size[0] / factor) * math.ceil(size[1] / factor) > MAX_KEPT_PIXELS:
        factor += 1
    return factor


def _upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo an EXIF orientation (EXIF 2.3, tag 0x0112), 1 to 8."""
    if orientation >= 5:  # rows and columns are exchanged
        rgb = rgb.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    return np.ascontiguousarray(rgb)


def _file_notes(kind: str, contents: Contents, mode: str, profile: bytes) -> tuple[str, ...]:
    notes = []
    if contents.frames > 1:
        more = " or more" if contents.frames == containers.MAX_COUNTED_FRAMES else ""
        notes.append(f"The first of {contents.frames}{more} {'pages' if kind == 'TIFF' else 'frames'}.")
    if mode == "CMYK":
        notes.append("Its printing inks (CMYK) are turned into RGB without a colour profile.")
    elif profile and not containers.is_srgb(profile):
        notes.append("Its colour profile is not applied: colours are shown as if they were sRGB.")
    return tuple(notes)


def _one_of(names: tuple[str, ...], word: str = "or") -> str:
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
