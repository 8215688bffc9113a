"""The current picture run through a built network: what the diagram's boxes show."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

import explorer
from explorer.channels import strongest
from explorer.lesson.anatomy import Part
from explorer.lesson.builder import build
from explorer.rendering import filters_rgb_png, mosaic, mosaic_png
from models import Preprocessing
from pages import media, state
from pages.lesson.networks.controls import Wish
from pages.state import Current
from pages.widgets.networks import Drawn, Scores, Shown

MOST_MAPS = 16
MOST_PIXELS = 8 * 128 * 128
"""Of a part's maps together; of larger maps fewer are shown, since the browser gets all parts at once."""
MOST_SCORES = 20
SHEET_SIDE = 64
COLUMNS = 4


def drawn(made: Wish, parts: Sequence[Part], current: Current) -> tuple[Drawn, ...]:
    """What each part is drawn with; the last network's is kept, so that other choices do not run it again."""
    kept: dict[tuple[Wish, str], tuple[Drawn, ...]] = state.kept("net_drawn", dict)
    key = (made, current.picture.sha256)
    if key not in kept:
        result = run(made, parts, current)
        kept.clear()
        kept[key] = result
    return kept[key]


def run(made: Wish, parts: Sequence[Part], current: Current) -> tuple[Drawn, ...]:
    """Make the network, run the picture through it, and draw."""
    x = prepared(current, made.spec.input_shape[1])
    network = build(made.spec, made.seed, made.first)
    outputs = explorer.capture(network, x)
    first = network[0].weight if isinstance(network[0], nn.Conv2d) else None
    return (
        of_picture(x, current.title),
        *(
            of_maps(part, outputs[part.name][0], first if part.name == "conv1" else None)
            if len(part.shape) == 3
            else Drawn(scores=of_numbers(part, outputs[part.name][0]))
            for part in parts[1:]
        ),
    )


def prepared(current: Current, side: int) -> torch.Tensor:
    """The middle square of the picture, (1, 3, side, side), black as -1 and white as 1."""
    half = (0.5, 0.5, 0.5)
    return Preprocessing(side, side, half, half, "bicubic")(current.picture)


def of_picture(x: torch.Tensor, title: str) -> Drawn:
    """The picture itself."""
    rgb = ((x[0] + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    url = media.data_url(media.webp(rgb), "webp")
    rows, columns = rgb.shape[:2]
    return Drawn(face=url, sheet=Shown(url, f"{title}, as the network gets it: {rows} × {columns} pixels"))


def of_maps(part: Part, maps: torch.Tensor, weight: torch.Tensor | None) -> Drawn:
    """Some maps of a part, and of the first layer its weights.

    Args:
        part: The part.
        maps: All of its maps, (C, H, W).
        weight: The first layer's, (C, 3, k, k).
    """
    channels, rows, columns = maps.shape
    fitting = MOST_PIXELS // (rows * columns) // COLUMNS * COLUMNS
    count = min(channels, MOST_MAPS, fitting)
    sheet = mosaic(
        maps, channels=range(count), zoom=max(1, SHEET_SIDE // max(rows, columns)), columns=COLUMNS
    )
    best = strongest(maps, 1)
    face = mosaic_png(maps, channels=best, scale="channel")
    shown = f"Its {count} maps" if count == channels else f"{count} of its {channels} maps"
    where = "on the current picture" if part.kind == "conv" else f"after {part.title}"
    return Drawn(
        face=media.data_url(face, "png"),
        sheet=Shown(media.data_url(sheet.png(), "png"), f"{shown} {where}"),
        legend=sheet.legend,
        kernels=None if weight is None else of_kernels(weight),
    )


def of_kernels(weight: torch.Tensor) -> Shown:
    """The first layer's kernels as colours."""
    shown = weight[:MOST_MAPS].detach()
    png = filters_rgb_png(shown, columns=8, zoom=max(1, 40 // weight.shape[-1]))
    some = "Its" if len(shown) == len(weight) else f"{len(shown)} of its"
    what = f"{some} {len(weight)} kernels"
    return Shown(media.data_url(png, "png"), f"{what} in red, green and blue; mid grey is a weight of 0")


def of_numbers(part: Part, values: torch.Tensor) -> Scores:
    """The first numbers of a part that has no maps."""
    count = min(len(values), MOST_SCORES)
    if part.kind == "dense":
        some = "" if count == len(values) else f" (the first {count} of {len(values)})"
        caption = f"The score of each class{some}. The network is untrained: they mean nothing yet."
    else:
        caption = f"The first {count} of {len(values):,} numbers: the last maps, row after row"
    return Scores(tuple(values[:count].tolist()), caption)
