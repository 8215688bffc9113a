"""How true visualizations are to their channels and classes: ours, Lucent's and Horama's at an equal budget.

The budget is how many pictures are shown to the network for one visualization: as many as our recipe has
steps. Lucent gets as many steps; Horama, which shows six pieces in a step, a sixth. Theirs are 224 × 224,
ours no larger than 144 × 144, so that they compute more; the time is told, too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, median

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

import models
from benchmarks import visualization_peers as peers
from explorer.cli_pictures import gather
from explorer.images import decode
from explorer.layers import layer_table
from explorer.samples import SAMPLES, sample_bytes
from explorer.visualization import Channel, Logit, Recipe, visualize
from explorer.visualization.defaults import class_recipe, layer_recipe
from explorer.visualization.faithfulness import (
    Answers,
    Faithfulness,
    answers_to,
    answers_to_picture,
    bootstrap,
    judge,
    wilson,
)
from explorer.visualization.imagenet import IMAGENET_R
from explorer.visualization.manifest import CLASSES, Gallery
from explorer.visualization.objectives import OUTPUT
from explorer.visualization.selection import spread

Rgb = NDArray[np.uint8]
Row = dict[str, str | float | list[float]]

LAYERS = ("blocks.1", "blocks.3", "blocks.4.2.act2", "blocks.6", "act2")
"""From textures to objects."""
OURS, LUCENT, HORAMA = "ours", "Lucent", "Horama"
METHODS = (OURS, LUCENT, HORAMA)
_TIME = "seconds of processor time"


@dataclass(frozen=True)
class Case:
    """One picture to be made: of a channel of a layer, or of a class where the layer is ""."""

    layer: str
    index: int
    recipe: Recipe


@dataclass(frozen=True)
class Judged:
    """One picture, judged as its own method shows it to the network, and at its own size.

    Attributes:
        method: Who made it.
        layer: Of what; "" for a class.
        index: The channel or class.
        seconds: Processor time that making it took, kept with the picture; 0 where that is not known.
        shown: The judgement on the picture as the method shows it.
        own: The judgement on the picture at its own size.
    """

    method: str
    layer: str
    index: int
    seconds: float
    shown: Faithfulness
    own: Faithfulness


def natural_inputs(loaded: models.LoadedModel, folders: Sequence[str]) -> Iterable[Tensor]:
    """The sample pictures and those of folders, as the model takes them."""
    for name in SAMPLES:
        yield loaded.preprocess(decode(sample_bytes(name)))
    for source in gather(folders):
        yield loaded.preprocess(decode(source.read()))


def natural_answers(
    loaded: models.LoadedModel, layers: Sequence[str], folders: Sequence[str]
) -> dict[str, Answers]:
    """What natural pictures get from some layers."""
    return answers_to(loaded.module, layers, natural_inputs(loaded, folders))


def cases(
    loaded: models.LoadedModel,
    natural: dict[str, Answers],
    layers: Sequence[str],
    channels: int,
    classes: int,
) -> list[Case]:
    """Channels evenly spaced among the 48 that a gallery shows first, and classes among ImageNet-R's."""
    own = loaded.preprocess
    size = (own.crop, own.crop)
    table = layer_table(loaded.module, torch.zeros(1, 3, *size))
    found = []
    for name in layers:
        recipe = layer_recipe(table[name], size, own.mean, own.std)
        shown = most_selective(natural[name])[:48]
        found += [Case(name, shown[k], recipe) for k in spread(len(shown), channels)]
    recipe = class_recipe(size, own.mean, own.std)
    wanted = sorted(IMAGENET_R)
    return found + [Case(OUTPUT, wanted[k], recipe) for k in spread(len(wanted), classes)]


def most_selective(natural: Answers) -> list[int]:
    """All channels, those first whose highest answer stands out most; faint ones come last."""
    highest = natural.highest.max(0)
    deviation = natural.highest.std(0)
    stands_out = np.where(deviation > 0, highest - natural.highest.mean(0), 0.0) / np.where(
        deviation > 0, deviation, 1
    )
    faint = highest < max(float(np.median(highest)) / 2, 0.0)
    order: list[int] = np.lexsort((np.arange(len(faint)), -stands_out, faint)).tolist()
    return order


def make(method: str, loaded: models.LoadedModel, case: Case, seed: int) -> Rgb:
    """The picture that a method makes."""
    if method == OURS:
        objective = Channel(case.layer, case.index) if case.layer else Logit(case.index)
        return visualize(loaded.module, [objective], case.recipe, seeds=(seed,))[0][0].picture
    other = {LUCENT: peers.lucent, HORAMA: peers.horama}[method]
    return other(loaded.module, case.layer, case.index, case.recipe.steps, seed)


def run(
    loaded: models.LoadedModel,
    natural: dict[str, Answers],
    wanted: Sequence[Case],
    methods: Sequence[str] = METHODS,
    *,
    seed: int = 0,
    keep: Path | None = None,
    report: Callable[[Judged], None] = lambda _judged: None,
) -> list[Judged]:
    """Make all pictures with all methods by turns, and judge them.

    Args:
        loaded: The model.
        natural: What natural pictures get.
        wanted: What to make.
        methods: Some of `METHODS`.
        seed: Of all of them.
        keep: A folder for the pictures; those that are there already are not made again.
        report: Is told about each.
    """
    judged = []
    for case in wanted:
        for method in methods:
            picture, seconds = _made(method, loaded, case, seed, keep)
            judged.append(_judge(method, loaded, natural[case.layer], case, picture, seconds))
            report(judged[-1])
    return judged


def _made(
    method: str, loaded: models.LoadedModel, case: Case, seed: int, keep: Path | None
) -> tuple[Rgb, float]:
    name = f"{method}_{case.layer or 'class'}_{case.index}_{case.recipe.steps}_{seed}.png"
    if keep is not None and (keep / name).exists():
        with Image.open(keep / name) as image:
            return np.array(image.convert("RGB")), float(image.info.get(_TIME, 0.0))
    start = time.process_time()
    picture = make(method, loaded, case, seed)
    seconds = time.process_time() - start
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        note = PngInfo()
        note.add_text(_TIME, f"{seconds:.2f}")
        Image.fromarray(picture).save(keep / name, pnginfo=note)
    return picture, seconds


def _judge(
    method: str, loaded: models.LoadedModel, natural: Answers, case: Case, picture: Rgb, seconds: float
) -> Judged:
    shown = {LUCENT: peers.lucent_shown, HORAMA: peers.horama_shown}.get(method, lambda own: own)(picture)
    as_shown, as_own = (
        judge(natural, *answers_to_picture(loaded.module, case.layer, view, case.recipe), case.index)
        for view in (shown, picture)
    )
    return Judged(method, case.layer, case.index, seconds, as_shown, as_own)


def judge_gallery(loaded: models.LoadedModel, natural: dict[str, Answers], gallery: Gallery) -> list[Judged]:
    """Judge the pictures of a gallery as they are on its sheets."""
    judged = []
    for section in gallery.sections:
        layer = OUTPUT if section.kind == CLASSES else section.layer
        for entry in section.entries:
            case = Case(layer, entry.index, section.recipe)
            picture = gallery.picture(section, entry)
            judged.append(_judge("gallery", loaded, natural[layer], case, picture, 0.0))
    return judged


def summary(judged: Sequence[Judged], *, own_size: bool = False) -> list[Row]:
    """A row for each layer and method, then for all channels of a method."""
    rows = []
    layers = list(dict.fromkeys(one.layer for one in judged))
    methods = list(dict.fromkeys(one.method for one in judged))
    for layer in layers:
        for method in methods:
            some = [one for one in judged if (one.layer, one.method) == (layer, method)]
            rows.append({"layer": layer or "classes", "method": method, **_figures(some, own_size)})
    for method in methods:
        some = [one for one in judged if one.layer and one.method == method]
        if some:
            rows.append({"layer": "all channels", "method": method, **_figures(some, own_size)})
    return rows


def _figures(some: Sequence[Judged], own_size: bool) -> Row:
    views = [one.own if own_size else one.shown for one in some]
    reached = [view.reached_mean for view in views if not math.isnan(view.reached_mean)]
    first = [view.first for view in views if not math.isnan(view.first)]
    top = [float(view.top) for view in views]
    seconds = [one.seconds for one in some if one.seconds > 0]
    figures: Row = {"pictures": len(some), "scored": len(first)}
    if reached:
        figures |= {
            "reached": fmean(reached),
            "reached_95": list(bootstrap(reached)),
            "median": median(reached),
        }
    if first:
        figures |= {"first": fmean(first), "first_95": list(wilson(sum(first), len(first)))}
    figures |= {"top_1": fmean(top), "top_1_95": list(wilson(sum(top), len(top)))}
    return figures | ({"seconds": median(seconds)} if seconds else {})


def table(rows: Sequence[Row]) -> str:
    """Rows of `summary` as a Markdown table; shares in percent, with intervals of 95 %."""
    lines = [
        "| layer | method | pictures | activation reached | median | first of 16 | highest of all | s |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        seconds = f"{row['seconds']:.1f}" if "seconds" in row else ""
        cells = [
            row["layer"], row["method"], row["pictures"], _with_interval(row, "reached", 1.0, ".2f"),
            f"{row['median']:.2f}" if "median" in row else "", _with_interval(row, "first", 100.0, ".0f"),
            _with_interval(row, "top_1", 100.0, ".0f"), seconds,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _with_interval(row: Row, name: str, factor: float, form: str) -> str:
    if name not in row:
        return "no scale"
    low, high = row[f"{name}_95"]  # type: ignore[misc]
    value = float(row[name])
    return " ".join([format(factor * value, form), f"({factor * low:{form}}–{factor * high:{form}})"])


def plain(judged: Judged) -> dict[str, object]:
    """As plain values for JSON: numbers that don't exist become null."""

    def clean(view: Faithfulness) -> dict[str, object]:
        return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(view).items()}

    return {**asdict(replace(judged)), "shown": clean(judged.shown), "own": clean(judged.own)}
