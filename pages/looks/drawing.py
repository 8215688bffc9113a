"""A run as the page draws it: its pictures, and the curve of what they reach."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.rendering import number
from explorer.visualization import Visualization
from explorer.visualization.runs import Snapshot
from pages import media
from pages.looks.order import Order
from pages.widgets.forming import Chart, Figure, Line

MOST_POINTS = 200
"""Of a curve: the browser gets it again with every look at a run under way."""
WORDS = {1: "highest", -1: "lowest"}


def figures(order: Order, snapshot: Snapshot, lossless: bool) -> list[Figure]:
    """The pictures of a run, objective by objective and seed by seed.

    Args:
        order: What is made.
        snapshot: How far it is.
        lossless: Whether they are finished; on the way they change too fast for that to matter.
    """
    several = len(order.run.objectives) * len(order.run.seeds) > 1
    found = []
    for sign, row in zip(order.signs, snapshot.made, strict=True):
        for seed, made in zip(order.run.seeds, row, strict=True):
            title = f"{WORDS[sign].capitalize()}, seed {seed}" if several else ""
            found.append(
                Figure(
                    url=picture_url(made.picture, lossless),
                    alt=f"{order.title}: made for the {WORDS[sign]} answer, seed {seed}",
                    title=title,
                    note=f"{_measure(order)} {number(sign * made.value)}",
                )
            )
    return found


def _measure(order: Order) -> str:
    """What the number below a picture is."""
    if not order.plain or order.at is None:
        return "reaches"
    return "mean over the map" if order.at.layer is not None else "logit"


def picture_url(rgb: NDArray[np.uint8], lossless: bool = True) -> str:
    """A picture as a data URL."""
    if not lossless:
        return media.data_url(media.webp(rgb, max(rgb.shape[:2])), "webp")
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return media.data_url(file.getvalue(), "png")


def chart(order: Order, snapshot: Snapshot) -> Chart | None:
    """What the pictures reach over the steps, as the network sees them shifted, turned and scaled."""
    if snapshot.step == 0:
        return None
    rows = zip(order.signs, snapshot.made, strict=True)
    lines = tuple(_line(sign, made) for sign, row in rows for made in row)
    ends = [value for line in lines for value in line.values]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    level = order.level
    # A level far away would press the curves flat.
    if level is not None and -4 * (high - low) <= level <= 4 * (high - low):
        low, high = min(low, level), max(high, level)
    if high - low <= 1e-12 * max(abs(high), abs(low), 1.0):
        low, high = low - 1.0, high + 1.0
    high += 0.08 * (high - low)
    told = f"Curve of the answer: {number(lines[0].values[0])} at first, {number(lines[0].values[-1])} now"
    if level is not None:
        told += f"; the strongest natural picture reaches {number(level)}"
    named = None if level is None else (level, f"strongest natural picture: {number(level)}")
    return Chart(
        title="What it reaches, step by step",
        told=told,
        lines=lines,
        level=named,
        total=order.run.recipe.steps,
        low=low,
        high=high,
        ticks=tuple((value, number(value)) for value in _ticks(low, high)),
    )


def _line(sign: int, made: Visualization) -> Line:
    curve = sign * made.curve.astype(float)
    every = max(1, -(-len(curve) // MOST_POINTS))
    at = sorted({*range(0, len(curve), every), len(curve) - 1})
    kind = "up" if sign > 0 else "down"
    return Line(f"seed {made.origin.seed}", kind, tuple(curve[at].tolist()), tuple(step + 1 for step in at))


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, about four."""
    rough = (high - low) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step)
    return [k * step for k in range(first, math.floor(high / step) + 1)]
