"""A large photograph made ready at model size: ours against Pillow's full decode and resize.

    python -m benchmarks.pictures

Both start from the bytes of a JPEG and end with 8-bit RGB whose short side has 256 pixels, resized by
Pillow's bicubic filter. Ours decodes with `explorer.decode`, which lets libjpeg compute fewer values where
that is enough. The two are timed by turns in one run and compared by their medians; the difference between
their results is given in grey levels, beside it the speed that was bought.
"""

import io
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import TypedDict

import numpy as np
from PIL import Image

from explorer.images import decode
from explorer.samples import sample_bytes

SIZES = {"12 megapixels": (4000, 3000), "48 megapixels": (8000, 6000)}
"""(width, height) of the photographs."""
MODEL_SIZE = 256


class Row(TypedDict):
    """One comparison: medians in milliseconds, and ours / peer."""

    case: str
    ours_ms: float
    peer: str
    peer_ms: float
    ratio: float
    difference: float  # mean absolute difference of the results, in grey levels of 255


def photograph(width: int, height: int, *, quality: int = 90, seed: int = 0) -> bytes:
    """A JPEG of `width` x `height`: a sample picture enlarged, with fine detail and a sensor's noise added.

    An enlarged picture alone would be smooth, and so decode faster than a photograph of that size.
    """
    rng = np.random.default_rng(seed)
    small = Image.open(io.BytesIO(sample_bytes("coffee"))).convert("RGB")
    detail = Image.open(io.BytesIO(sample_bytes("grass"))).convert("L")
    pixels = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(np.float32)
    tiles = (-(-height // detail.height), -(-width // detail.width))
    texture = np.tile(np.asarray(detail), tiles)[:height, :width].astype(np.float32)
    pixels += 0.15 * (texture - texture.mean())[..., None]
    pixels += 4 * rng.standard_normal(pixels.shape, dtype=np.float32)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def ours(data: bytes) -> Image.Image:
    """`explorer.decode`, then the resize."""
    return _at_model_size(Image.fromarray(decode(data).rgb))


def pillow(data: bytes) -> Image.Image:
    """Pillow's full decode, then the same resize."""
    return _at_model_size(Image.open(io.BytesIO(data)).convert("RGB"))


def measure(*, repeats: int = 9, sizes: dict[str, tuple[int, int]] = SIZES) -> list[Row]:
    """Time both ways for each size, by turns, and compare their results.

    Args:
        repeats: Timed runs of each way; one more of each warms up and gives the results.
        sizes: (width, height) by the name of the case.
    """
    rows: list[Row] = []
    for case, (width, height) in sizes.items():
        data = photograph(width, height)
        difference = np.abs(np.asarray(ours(data), int) - np.asarray(pillow(data), int)).mean()
        mine, theirs = interleaved([partial(ours, data), partial(pillow, data)], repeats)
        rows.append(
            Row(
                case=f"{case}, {len(data) / 1e6:.1f} MB",
                ours_ms=mine,
                peer="Pillow, full decode",
                peer_ms=theirs,
                ratio=mine / theirs,
                difference=float(difference),
            )
        )
    return rows


def interleaved(ways: list[Callable[[], object]], repeats: int) -> list[float]:
    """Median milliseconds of each way, run by turns so that a busy moment hits all of them."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(repeats):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            taken.append(1000 * (time.perf_counter() - start))
    return [median(taken) for taken in times]


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| JPEG to 256 px | ours, ms | peer | peer, ms | ratio | difference |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['case']} | {row['ours_ms']:.0f} | {row['peer']} | {row['peer_ms']:.0f} "
            f"| {row['ratio']:.2f} | {row['difference']:.2f} of 255 |"
        )
    return "\n".join(lines)


def _at_model_size(image: Image.Image) -> Image.Image:
    scale = MODEL_SIZE / min(image.size)
    width, height = (round(side * scale) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


if __name__ == "__main__":
    print(table(measure()))
