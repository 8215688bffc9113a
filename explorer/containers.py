"""What a picture file says about itself, read from its bytes before any decoder sees them.

A decoder is asked for pixels only. Everything else in the file (comments, colour profiles, previews, EXIF
directories, later frames) is looked at here with bounded work, or cut away, because that is where small files
make decoders slow or large: a megabyte of empty comments, a directory tag with millions of values, a JPEG
with thousands of scans. `Contents.data` is what remains for the decoder.

Sources: ITU-T T.81 (JPEG markers), the PNG specification (third edition), GIF89a, TIFF 6.0, EXIF 2.3.
"""

import re
import struct
import zlib
from dataclasses import dataclass

MAX_SEGMENTS = 65_536
"""JPEG segments, PNG chunks or GIF blocks looked at; a camera's file has tens, a 30 MB PNG some thousands."""
MAX_SCANS = 50
"""Scans of a progressive JPEG, each a pass over all pixels; encoders write ten to twenty."""
MAX_TIFF_VALUES = 262_144
"""Numbers in one TIFF directory; strips of one row in four planes at 50 megapixels stay below."""
MAX_COUNTED_FRAMES = 1_000
"""Where counting the frames of an animation ends."""

# Not stuffed zeros, restarts or fill bytes. A pattern led by one plain byte is searched at memchr's speed.
_JPEG_MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")
_ORIENTATION_TAG = 0x0112
_SUB_DIRECTORY_TAGS = (0x8769, 0x8825, 0xA005)
_TIFF_VALUE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_OPAQUE_TYPES = frozenset({1, 2, 6, 7})
_PROFILE_BYTES = 65_536
_MAX_SUB_BLOCKS = 1_000_000


class ContainerError(ValueError):
    """The file's structure is broken, or asks for unreasonable work; the message completes "the file ..."."""


@dataclass(frozen=True)
class Contents:
    """A picture file reduced to what its pixels need.

    Attributes:
        data: the file for the decoder, without metadata where the format allows cutting it away.
        orientation: EXIF orientation, 1 to 8; 1 where there is none.
        frames: frames, pages or pictures in the file, counted up to `MAX_COUNTED_FRAMES`.
        profile: the beginning of the ICC colour profile, empty where there is none.
    """

    data: bytes
    orientation: int = 1
    frames: int = 1
    profile: bytes = b""


def read_jpeg(data: bytes) -> Contents:
    """Walk the segments of a JPEG; keep JFIF and Adobe headers, tables and scans.

    Raises:
        ContainerError: for more than `MAX_SCANS` scans or `MAX_SEGMENTS` segments, or a cut segment.
    """
    kept, exif, profile = [data[:2]], b"", b""
    position, scans, first_scan = 2, 0, len(data)
    for _ in range(MAX_SEGMENTS):
        found = _JPEG_MARKER.search(data, position)
        if found is None or found[1] == b"\xd9":  # the end, or a file cut short: the decoder says which
            return Contents(b"".join(kept) + data[first_scan:], exif_orientation(exif), profile=profile)
        (length,) = _unpack(">H", data, found.end())
        marker, body = found[1][0], data[found.end() + 2 : found.end() + length]
        position = found.end() + length
        if marker == 0xDA:
            scans, first_scan = scans + 1, min(first_scan, found.start())
            _limit(scans, MAX_SCANS, "scans")
        elif scans == 0 and marker == 0xE1 and body.startswith(b"Exif\0\0"):
            exif = exif or body[6:]
        elif scans == 0 and marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            profile = profile or body[14:]
        elif scans == 0 and (marker in (0xE0, 0xEE) or not 0xE0 <= marker <= 0xFE):
            kept.append(data[found.start() : position])
    raise ContainerError(f"has more than {MAX_SEGMENTS:,} segments")


def read_png(data: bytes) -> Contents:
    """Walk the chunks of a PNG; keep the critical ones and the transparency.

    Raises:
        ContainerError: for more than `MAX_SEGMENTS` chunks, or an animation that is cut short.
    """
    kept, exif, profile, frames = [data[:8]], b"", b"", 1
    position = 8
    for _ in range(MAX_SEGMENTS):
        if position + 8 > len(data):
            return Contents(b"".join(kept), exif_orientation(exif), frames, profile)
        length, kind = struct.unpack_from(">I4s", data, position)
        body, end = slice(position + 8, position + 8 + length), position + 12 + length
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            kept.append(data[position:end])
        elif kind == b"eXIf":
            exif = data[body]
        elif kind == b"iCCP":
            profile = _inflated_profile(data[body])
        elif kind == b"acTL":
            frames = min(*_unpack(">I", data, body.start), MAX_COUNTED_FRAMES)
        position = len(data) if kind == b"IEND" else end
    raise ContainerError(f"has more than {MAX_SEGMENTS:,} chunks")


def read_gif(data: bytes) -> Contents:
    """Keep a GIF's first frame with its transparency, and count the frames.

    Raises:
        ContainerError: for a file without a frame among its first `MAX_SEGMENTS` blocks.
    """
    header = _gif_colours(data, 10, 13)
    position, frames, control, first = header, 0, b"", b""
    for _ in range(MAX_SEGMENTS):
        start = position
        if start >= len(data) or data[start] == 0x3B or frames == MAX_COUNTED_FRAMES:
            break
        if data[start] == 0x21:
            position = _after_blocks(data, start + 2)
            if frames == 0 and data[start + 1 : start + 3] == b"\xf9\x04":
                control = data[start:position]
        elif data[start] == 0x2C:
            position = _after_blocks(data, _gif_colours(data, start + 9, start + 10) + 1)
            first, frames = first or data[start:position], frames + 1
        else:
            position += 1
    if not first:
        raise ContainerError("holds no picture")
    return Contents(data[:header] + control + first + b";", frames=frames)


def read_webp(data: bytes) -> Contents:
    """Walk the chunks of a WebP for its EXIF block, its colour profile and its number of frames.

    The bytes stay as they are: the decoder reads frames one by one, and metadata only when asked.

    Raises:
        ContainerError: for more than `MAX_SEGMENTS` chunks.
    """
    exif, profile, frames = b"", b"", 0
    position = 12
    for _ in range(MAX_SEGMENTS):
        if position + 8 > len(data):
            return Contents(data, exif_orientation(exif), max(min(frames, MAX_COUNTED_FRAMES), 1), profile)
        kind, length = struct.unpack_from("<4sI", data, position)
        body = slice(position + 8, position + 8 + length)
        if kind == b"EXIF":
            exif = data[body]
        elif kind == b"ICCP":
            profile = data[body][:_PROFILE_BYTES]
        frames += kind == b"ANMF"
        position += 8 + length + length % 2
    raise ContainerError(f"has more than {MAX_SEGMENTS:,} chunks")


def read_tiff(data: bytes) -> Contents:
    """Check the directories of a TIFF that its first page needs, and count the pages.

    The bytes stay as they are: offsets in a TIFF are absolute, so nothing can be cut away. The orientation
    stays 1 because Pillow applies a TIFF's own.

    Raises:
        ContainerError: for a BigTIFF, or a directory with more than `MAX_TIFF_VALUES` numbers.
    """
    order = "<" if data.startswith(b"II") else ">"
    magic, first = _unpack(order + "HI", data, 2)
    if magic != 42:
        raise ContainerError("is a BigTIFF, and only TIFF with 32-bit offsets is possible")
    tags, _ = _tiff_directory(data, first, order)
    for tag in _SUB_DIRECTORY_TAGS:
        if tag in tags and tags[tag] + 2 <= len(data):
            _tiff_directory(data, tags[tag], order)
    if tags.get(0x0142, 1) * tags.get(0x0143, 1) > 2**26:
        raise ContainerError("declares tiles larger than any possible picture")
    return Contents(data, frames=_tiff_pages(data, first, order))


def exif_orientation(exif: bytes) -> int:
    """Orientation, 1 to 8, in an EXIF block with or without its `Exif` prefix; 1 where it cannot be read.

    Broken metadata is common in good photographs, so it is no reason to refuse one.

    Example:
        >>> entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)  # tag, type short, one value: 6
        >>> exif_orientation(b"MM\\0*\\0\\0\\0\\x08" + b"\\0\\x01" + entry)
        6
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (offset,) = _unpack(order + "I", exif, 4)
        tags, _ = _tiff_directory(exif, offset, order)
    except ContainerError:
        return 1
    orientation = tags.get(_ORIENTATION_TAG, 1)
    return orientation if 1 <= orientation <= 8 else 1


def is_srgb(profile: bytes) -> bool:
    """Whether an ICC profile calls itself sRGB, in either of the two text encodings of ICC.1."""
    return b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile


def _tiff_directory(data: bytes, offset: int, order: str) -> tuple[dict[int, int], int]:
    """Tags with their first value as a plain number (0 for other types), and the next directory's offset."""
    (count,) = _unpack(order + "H", data, offset)
    tags: dict[int, int] = {}
    numbers = opaque = 0
    for index in range(count):
        at = offset + 2 + 12 * index
        tag, kind, values, word = _unpack(order + "HHII", data, at)
        size = values * _TIFF_VALUE_SIZES.get(kind, 0)
        opaque, numbers = (opaque + size, numbers) if kind in _OPAQUE_TYPES else (opaque, numbers + values)
        short = kind == 3 and size <= 4
        tags.setdefault(tag, _unpack(order + "H", data, at + 8)[0] if short else word if kind == 4 else 0)
    _limit(numbers, MAX_TIFF_VALUES, "numbers in one directory")
    _limit(opaque, len(data), "bytes of metadata")
    end = offset + 2 + 12 * count
    return tags, _unpack(order + "I", data, end)[0] if end + 4 <= len(data) else 0


def _tiff_pages(data: bytes, offset: int, order: str) -> int:
    """Pages in the chain of directories, up to `MAX_COUNTED_FRAMES`; a chain that loops or breaks ends."""
    seen: set[int] = set()
    while offset and offset not in seen and offset + 2 <= len(data) and len(seen) < MAX_COUNTED_FRAMES:
        seen.add(offset)
        (count,) = _unpack(order + "H", data, offset)
        end = offset + 2 + 12 * count
        offset = _unpack(order + "I", data, end)[0] if end + 4 <= len(data) else 0
    return max(len(seen), 1)


def _inflated_profile(chunk: bytes) -> bytes:
    """The beginning of an iCCP chunk's profile: name, zero byte, method, then a zlib stream of any length."""
    name, _, packed = chunk.partition(b"\0")
    try:
        return name + zlib.decompressobj().decompress(packed[1:], _PROFILE_BYTES)
    except zlib.error:
        return name


def _gif_colours(data: bytes, flags: int, table: int) -> int:
    """Where a colour table at `table` ends, whose size stands in the byte at `flags`."""
    (packed,) = _unpack("B", data, flags)
    return table + (3 << (packed & 7) + 1 if packed & 0x80 else 0)


def _after_blocks(data: bytes, position: int) -> int:
    """Where a chain of GIF sub-blocks ends, each led by its length; the end of a file that is cut short."""
    for _ in range(_MAX_SUB_BLOCKS):
        if position >= len(data) or data[position] == 0:
            return min(position + 1, len(data))
        position += data[position] + 1
    raise ContainerError("is cut into unreasonably small blocks")


def _unpack(layout: str, data: bytes, offset: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, data, offset)
    except struct.error as error:
        raise ContainerError("is cut short") from error


def _limit(count: int, largest: int, what: str) -> None:
    if count > largest:
        raise ContainerError(f"has {count:,} {what} where at most {largest:,} are possible")
