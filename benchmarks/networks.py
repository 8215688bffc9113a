"""Many networks: the list of models, switching between loaded ones, and capture across ten families.

Run it with `python -m benchmarks.networks`. Capture is timed as in `benchmarks.capture`: all convolutions,
batch 1 of 224 x 224 pixels, one thread, hooks set and removed each time, against the plain forward under
`inference_mode` in the same rounds. What counts is the geometric mean over the families.

Beside it stands what nobody can go below who keeps maps by hooks under `no_grad`: a hook that does nothing
but append to a list. Its maps are wrong wherever something overwrites them.
"""

from __future__ import annotations

import gc
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
ROUNDS = 40
LIST_LIMIT, SWITCH_LIMIT, CAPTURE_LIMIT = 300.0, 1.0, 1.15
_QUERIES = ("", "resnet", "ConvNeXt tiny", "efficientnet b0", "mobilenetv3 small in1k", "vgg 16 bn")
_TWINS = ("torchvision/squeezenet1_1.IMAGENET1K_V1@untrained", "timm/test_resnet.r160_in1k@untrained")


def measure() -> list[Row]:
    """All rows: what is measured, its value, its unit and what it may be at most."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    keep_freed_memory()
    try:
        ratios = {name: capture_ratios(name) for name in FAMILIES}
        rows = [_row("list of models opens, warm", list_ms(), "ms", LIST_LIMIT)]
        rows.append(_row("switch to a loaded model", switch_ms(), "ms", SWITCH_LIMIT))
        rows += [_row(f"capture, {name}", ours, "× plain forward") for name, (ours, _) in ratios.items()]
        ours, bare = map(geometric_mean, zip(*ratios.values(), strict=True))
        rows.append(_row("hooks that only append to a list, geometric mean", bare, "× plain forward"))
        return [*rows, _row("capture, geometric mean", ours, "× plain forward", CAPTURE_LIMIT)]
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


def capture_ratios(name: str, rounds: int = ROUNDS) -> tuple[float, float]:
    """Time of keeping all convolutions of a network of torchvision, relative to the plain forward.

    Returns:
        That of `capture`, and that of hooks that only append to a list.
    """
    with quietly(0):
        net = torchvision_models.build(name).eval()
    x = torch.randn(1, 3, 224, 224)
    calls = {
        "plain": torch.inference_mode()(lambda: net(x)),
        "capture": lambda: list(capture(net, x, nn.Conv2d).values()),
        "bare": lambda: bare_hooks(net, x),
    }
    gc.collect()
    gc.freeze()  # so that the collection before each run has little to do
    try:
        timings = interleaved(calls, "plain", rounds)
    finally:
        gc.unfreeze()
    return timings["capture"].ratio, timings["bare"].ratio


def bare_hooks(net: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """The outputs of all convolutions by reference, whatever overwrites them later."""
    maps: list[torch.Tensor] = []
    parts = [part for part in net.modules() if isinstance(part, nn.Conv2d)]
    handles = [
        part.register_forward_hook(lambda _module, _inputs, output: maps.append(output)) for part in parts
    ]
    with torch.no_grad():
        net(x)
    for handle in handles:
        handle.remove()
    return maps


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
