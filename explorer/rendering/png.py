"""PNG files made for speed: palette pictures with one byte per pixel, and plain ones through Pillow.

A mosaic of feature maps is a palette picture by nature. Run-length matching suits it (long equal runs, hardly
any repeated patterns), and rows that repeat the one above are declared with PNG's "Up" filter as rows of
zeros, which costs next to nothing: an enlarged mosaic takes about as long as its pixels before enlarging.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_COLOUR = 3
_UP = 2


def palette_png(
    rows: NDArray[np.uint8], palette: NDArray[np.uint8], repeats: NDArray[np.int64] | None = None
) -> bytes:
    """Write a palette picture, byte for byte what the array says.

    Args:
        rows: uint8 (N, width), palette entries.
        palette: uint8 (256, 4), RGBA.
        repeats: (N,), how often each row is shown, 0 or more; None for once. The picture is `repeats.sum()`
            high.

    Returns:
        A PNG file, 8 bits per pixel. Format: W3C Portable Network Graphics, https://www.w3.org/TR/png-3.

    Raises:
        ValueError: No row or no column would be left.
    """
    if repeats is None:
        repeats = np.ones(len(rows), dtype=np.int64)
    height, width = int(repeats.sum()), rows.shape[1]
    if height < 1 or width < 1:
        raise ValueError(f"a picture has at least one pixel, got {height} x {width}")
    header = struct.pack(">IIBBBBB", width, height, 8, _PALETTE_COLOUR, 0, 0, 0)
    compressor = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    data = compressor.compress(_scanlines(rows, repeats, height).data) + compressor.flush()
    chunks = [_chunk(b"IHDR", header), _chunk(b"PLTE", palette[:, :3].tobytes())]
    if (palette[:, 3] < 255).any():
        chunks.append(_chunk(b"tRNS", palette[:, 3].tobytes()))
    return b"".join([_SIGNATURE, *chunks, _chunk(b"IDAT", data), _chunk(b"IEND", b"")])


def _scanlines(rows: NDArray[np.uint8], repeats: NDArray[np.int64], height: int) -> NDArray[np.uint8]:
    """Rows as PNG stores them, (height, 1 + width): filter type, then the row or its change."""
    shown = repeats > 0
    first = (np.cumsum(repeats) - repeats)[shown]
    lines = np.zeros((height, 1 + rows.shape[1]), dtype=np.uint8)
    lines[:, 0] = _UP
    lines[first, 0] = 0
    lines[first, 1:] = rows if shown.all() else rows[shown]
    return lines


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join(
        [struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))]
    )


def encode_png(pixels: NDArray[np.uint8], *, compression: int = 1) -> bytes:
    """Write pixels as a lossless PNG file.

    Args:
        pixels: uint8, (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA.
        compression: zlib level, 0 (none, fastest) to 9 (smallest).

    Raises:
        ValueError: Another shape, or no pixel at all.
        TypeError: Not uint8.
    """
    from PIL import Image

    if pixels.dtype != np.uint8:
        raise TypeError(f"pixels are uint8 in 0..255, got {pixels.dtype}")
    if not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))) or pixels.size == 0:
        raise ValueError(f"pixels have the shape (H, W), (H, W, 3) or (H, W, 4), got {pixels.shape}")
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=compression)
    return file.getvalue()
