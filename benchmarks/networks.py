"""Many networks: the list of models, switching between loaded ones, and capture across ten families.

Run it with `python -m benchmarks.networks`. Capture is timed as in `benchmarks.capture`: all convolutions,
batch 1 of 224 x 224 pixels, one thread, hooks set and removed each time, against the plain forward under
`inference_mode` in the same rounds. What counts is the geometric mean over the families.
"""

from __future__ import annotations

import time
from statistics import geometric_mean, median

import torch
from torch import nn

import models
from benchmarks.timing import interleaved
from explorer.activations import capture
from explorer.memory import keep_freed_memory
from models import torchvision_models
from models.building import quietly

Row = dict[str, str | float]

FAMILIES = (
    *("resnet18", "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "mnasnet1_0"),
    *("mobilenet_v3_small", "regnet_y_400mf", "shufflenet_v2_x1_0", "squeezenet1_1"),
)
ROUNDS = 25
LIST_LIMIT, SWITCH_LIMIT, CAPTURE_LIMIT = 300.0, 1.0, 1.15
_QUERIES = ("", "resnet", "ConvNeXt tiny", "efficientnet b0", "mobilenetv3 small in1k", "vgg 16 bn")
_TWINS = ("torchvision/squeezenet1_1.IMAGENET1K_V1@untrained", "timm/test_resnet.r160_in1k@untrained")


def measure() -> list[Row]:
    """All rows: what is measured, its value, its unit and what it may be at most."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    keep_freed_memory()
    try:
        ratios = {name: capture_ratio(name) for name in FAMILIES}
        rows = [_row("list of models opens, warm", list_ms(), "ms", LIST_LIMIT)]
        rows.append(_row("switch to a loaded model", switch_ms(), "ms", SWITCH_LIMIT))
        rows += [_row(f"capture, {name}", ratio, "× plain forward") for name, ratio in ratios.items()]
        mean = geometric_mean(ratios.values())
        return [*rows, _row("capture, geometric mean", mean, "× plain forward", CAPTURE_LIMIT)]
    finally:
        torch.set_num_threads(threads)


def list_ms() -> float:
    """The slowest of several searches with what the installed ones are, once the libraries are imported."""
    models.search()
    models.installed()
    times = []
    for query in _QUERIES:
        start = time.perf_counter()
        models.search(query, limit=50)
        models.installed()
        times.append(1000 * (time.perf_counter() - start))
    return max(times)


def switch_ms() -> float:
    """From one loaded model to another, in the middle of several turns."""
    store = models.ModelStore()
    for name in _TWINS:
        store.get(name)
    times = []
    for turn in range(100):
        start = time.perf_counter()
        store.get(_TWINS[turn % 2])
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


def capture_ratio(name: str, rounds: int = ROUNDS) -> float:
    """Time of capturing all convolutions of a network of torchvision, relative to the plain forward."""
    with quietly(0):
        net = torchvision_models.build(name).eval()
    x = torch.randn(1, 3, 224, 224)
    calls = {
        "plain": torch.inference_mode()(lambda: net(x)),
        "capture": lambda: list(capture(net, x, nn.Conv2d).values()),
    }
    return interleaved(calls, "plain", rounds)["capture"].ratio


def _row(what: str, value: float, unit: str, limit: float | None = None) -> Row:
    row: Row = {"what": what, "value": value, "unit": unit}
    return row if limit is None else row | {"limit": limit}


def table(rows: list[Row]) -> str:
    """Rows of `measure` as a Markdown table."""
    lines = ["| what | value | at most |", "|---|--:|--:|"]
    lines += [
        f"| {row['what']} | {row['value']:.3g} {row['unit']} | {row.get('limit', '')} |" for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measure()))
