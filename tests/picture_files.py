"""Picture files written by hand for the tests, so that no library that reads them has also written them."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def saved(pixels, kind, mode=None, **options):
    """`pixels` (an array or a Pillow image) as a file in Pillow's format `kind`."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    (image.convert(mode) if mode else image).save(buffer, kind, **options)
    return buffer.getvalue()


def random_rgb(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(samples, *, depth, colour, chunks=b"", size=None, packed=None):
    """A PNG of `samples` (H, W) or (H, W, C), of 8 or 16 bits, or of `packed` rows for fewer bits.

    `colour` is the specification's colour type: 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA.
    """
    height, width = size or samples.shape[:2]
    rows = packed or [row.astype(">u2" if depth == 16 else np.uint8).tobytes() for row in samples]
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
        + chunks
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        + chunk(b"IEND", b"")
    )


def tiff(tags, pixels=b"", *, order="<", following=0):
    """A TIFF of one directory, then its strip; `tags` maps a number to (type, count, value or offset)."""
    strip = 8 + 2 + 12 * len({*tags, 273, 279}) + 4
    tags = {273: (4, 1, strip), 279: (4, 1, len(pixels)), **tags}
    entries = b"".join(
        struct.pack(order + "HHI", tag, kind, count)
        + (struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value))
        for tag, (kind, count, value) in sorted(tags.items())
    )
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return (
        header + struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", following) + pixels
    )


def grey_tiff(values, *, bits, sample_format=1, photometric=1, packed=None):
    """An uncompressed greyscale TIFF of `values` (H, W): 1 unsigned, 2 signed, 3 floating point."""
    height, width = values.shape
    tags = {
        256: width,
        257: height,
        258: bits,
        259: 1,
        262: photometric,
        277: 1,
        278: height,
        339: sample_format,
    }
    return tiff({tag: (3, 1, value) for tag, value in tags.items()}, packed or values.tobytes())


def exif(orientation, order=">"):
    """An EXIF block with the orientation alone."""
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8)
    return b"Exif\0\0" + head + struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
