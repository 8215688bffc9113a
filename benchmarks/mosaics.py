"""Feature maps to PNG bytes: ours against matplotlib and OpenCV, in one run.

Run it with `python -m benchmarks.mosaics`. All sides draw the same maps at the same pixel size per map; ours
is decoded again and compared with the array, pixel by pixel, before anything is timed.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from explorer.rendering import GAP, mosaic, mosaic_png

CASES = ((64, 112, 1), (256, 56, 1), (1280, 7, 7))
"""Channels, side of a map, pixels per position: what an early, a middle and the last layer look like."""

Row = dict[str, str | float | int]


def sample_maps(channels: int, side: int, seed: int = 0) -> Tensor:
    """Maps like those after a ReLU: smooth shapes on several scales, about half of the positions silent.

    Args:
        channels: How many.
        side: Height and width of each.
        seed: Of the noise that becomes the shapes.

    Returns:
        Non-negative float32 tensor (channels, side, side).
    """
    generator = torch.Generator().manual_seed(seed)
    picture = torch.zeros(1, 8, side, side)
    for scale in (1, 2, 4, 8):
        small = max(2, side // scale)
        noise = torch.randn(1, 8, small, small, generator=generator)
        picture += F.interpolate(noise, size=(side, side), mode="bicubic", align_corners=False) * scale
    kernels = torch.randn(channels, 8, 3, 3, generator=generator)
    maps = F.conv2d(F.avg_pool2d(picture, 3, stride=1, padding=1), kernels, padding=1)
    return F.relu(maps / maps.std())[0]


def with_matplotlib(maps: Tensor, zoom: int) -> bytes:
    """One subplot for each map, as most notebooks do it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    columns = math.ceil(math.sqrt(len(maps)))
    rows = -(-len(maps) // columns)
    inches = maps.shape[1] * zoom / 100
    figure, axes = plt.subplots(rows, columns, figsize=(columns * inches, rows * inches), dpi=100)
    for index, axis in enumerate(axes.flat):
        axis.axis("off")
        if index < len(maps):
            axis.imshow(maps[index], cmap="magma")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)
    return file.getvalue()


def with_opencv(maps: Tensor, zoom: int) -> bytes:
    """The same mosaic, coloured by OpenCV and written as PNG with its default settings."""
    import cv2

    count, height, width = maps.shape
    columns = math.ceil(math.sqrt(count))
    rows = -(-count // columns)
    levels = (maps.numpy() * (255 / float(maps.max()))).astype(np.uint8)
    enlarged = levels.repeat(zoom, axis=1).repeat(zoom, axis=2)
    tall, wide = height * zoom, width * zoom
    places = np.zeros((rows * columns, tall + 1, wide + 1), dtype=np.uint8)
    places[:count, :tall, :wide] = enlarged
    grid = places.reshape(rows, columns, tall + 1, wide + 1).swapaxes(1, 2)
    picture = grid.reshape(rows * (tall + 1), columns * (wide + 1))[:-1, :-1]
    done, data = cv2.imencode(".png", cv2.applyColorMap(picture, cv2.COLORMAP_MAGMA))
    if not done:
        raise RuntimeError("OpenCV could not write the PNG file")
    return data.tobytes()


def check_pixels(maps: Tensor, zoom: int) -> None:
    """Decode our PNG and hold every position of every map against its value.

    Raises:
        RuntimeError: A pixel is not the one that its value asks for.
    """
    drawn = mosaic(maps, zoom=zoom)
    entries = np.asarray(Image.open(io.BytesIO(mosaic_png(maps, zoom=zoom))))
    levels = np.floor(maps.numpy().astype(np.float64) / float(maps.max()) * 252 + 0.5)
    covered = np.zeros(entries.shape, dtype=bool)
    for channel, expected in enumerate(levels):
        top, left, bottom, right = drawn.box(channel)
        tile = entries[top:bottom, left:right].astype(np.float64)
        covered[top:bottom, left:right] = True
        # float32 arithmetic may fall to the other side of a rounding boundary, never further.
        if np.abs(tile - np.kron(expected, np.ones((zoom, zoom)))).max() > 1:
            raise RuntimeError(f"channel {channel} is not drawn with its values")
    if (entries[~covered] != GAP).any() or not np.array_equal(entries, drawn.indices()):
        raise RuntimeError("the decoded picture differs from the array")


def _timed(function: Callable[[], bytes]) -> tuple[float, int]:
    start = time.perf_counter()
    size = len(function())
    return (time.perf_counter() - start) * 1000, size


def _compare(
    case: str, ours: Callable[[], bytes], peer: str, theirs: Callable[[], bytes], rounds: int
) -> Row:
    """Alternate between both sides, so both meet the same disturbances; ours runs five times as often."""
    mine: list[float] = []
    other: list[float] = []
    ours()
    for _ in range(rounds):
        times = [_timed(ours) for _ in range(5)]
        mine += [milliseconds for milliseconds, _ in times]
        milliseconds, peer_bytes = _timed(theirs)
        other.append(milliseconds)
    ours_ms, peer_ms = median(mine), median(other)
    return {
        "case": case,
        "ours_ms": ours_ms,
        "peer": peer,
        "peer_ms": peer_ms,
        "ratio": peer_ms / ours_ms,
        "ours_bytes": times[0][1],
        "peer_bytes": peer_bytes,
    }


def measure(rounds: int = 3) -> list[Row]:
    """Compare on all cases, one thread, interleaved medians.

    Args:
        rounds: Runs of each peer per case; matplotlib takes about ten seconds for its largest.

    Returns:
        One row for each case and peer: `case`, `ours_ms`, `peer`, `peer_ms`, `ratio` (peer_ms / ours_ms),
        `ours_bytes`, `peer_bytes`.
    """
    import cv2

    threads, cv_threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        return [row for case in CASES for row in _measure_case(*case, rounds)]
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(cv_threads)


def _measure_case(channels: int, side: int, zoom: int, rounds: int) -> list[Row]:
    maps = sample_maps(channels, side)
    check_pixels(maps, zoom)
    name = f"{channels} of {side}x{side}"
    drawn = name if zoom == 1 else f"{name}, drawn x{zoom}"
    rows = [
        _compare(drawn, partial(mosaic_png, maps, zoom=zoom), peer, partial(draw, maps, zoom), repeats)
        for peer, draw, repeats in (
            ("matplotlib subplots", with_matplotlib, rounds),
            ("OpenCV", with_opencv, 5 * rounds),
        )
    ]
    if zoom > 1:
        check_pixels(maps, 1)
        native = _compare(
            f"{name}, native", lambda: mosaic_png(maps), "OpenCV", lambda: with_opencv(maps, 1), 5 * rounds
        )
        rows.append(native)
    return rows


def table(rows: list[Row]) -> str:
    """Rows of `measure` as a Markdown table."""
    lines = [
        "| case | ours, ms | peer | peer, ms | ratio | ours, KiB | peer, KiB |",
        "|---|--:|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['case']} | {row['ours_ms']:.1f} | {row['peer']} | {row['peer_ms']:.1f} | {row['ratio']:.1f} "
        f"| {int(row['ours_bytes']) / 1024:.0f} | {int(row['peer_bytes']) / 1024:.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measure()))
