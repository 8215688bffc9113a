"""Convolution by hand against PyTorch, SciPy and OpenCV, in one run: `python -m benchmarks.convolution`.

Each case is timed in turns with its peers, so that a busy moment of the machine meets all alike; a ratio is
the quotient of two medians. With one thread, the time is the processor's, which other programs on the
machine disturb less than the wall clock; with more it is the wall clock's. Ratios on one thread are what the
targets speak of.

The weights are the same in all runs, as in a trained network, and our algorithms keep them in the form that
they need. What they take where every convolution has new weights, and nothing is kept, stands beside it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.convolution import choose, conv2d, fresh_weights, sizes_of
from explorer.convolution.timing import interleave

Row = dict[str, Any]

PEER = "F.conv2d"
OURS, FRESH = "ours", "ours, weights not kept"


@dataclass(frozen=True)
class Shape:
    """One convolution of a square picture, padded on all sides alike, batch 1."""

    group: str
    in_channels: int
    out_channels: int
    size: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    @property
    def name(self) -> str:
        """As a row is headed."""
        channels = (
            f"{self.in_channels}→{self.out_channels}" if self.groups == 1 else f"{self.groups} depthwise"
        )
        stride = f" /{self.stride}" if self.stride > 1 else ""
        return f"{channels}, {self.kernel}×{self.kernel}{stride}, {self.size} px"

    @property
    def parameters(self) -> dict[str, int]:
        """Keywords of both sides."""
        return {"stride": self.stride, "padding": self.padding, "groups": self.groups}

    def tensors(self) -> tuple[Tensor, Tensor]:
        """Seeded input and weight."""
        generator = torch.Generator().manual_seed(0)
        weight = (self.out_channels, self.in_channels // self.groups, self.kernel, self.kernel)
        return (
            torch.randn(1, self.in_channels, self.size, self.size, generator=generator),
            torch.randn(weight, generator=generator),
        )


def dense() -> Iterator[Shape]:
    """The distinct convolutions of ResNet-50 and VGG-16, and AlexNet's first two, at 224 × 224."""
    yield Shape("stem", 3, 64, 224, 7, 2, 3)
    for size, *pairs in (
        (56, (64, 64), (64, 256), (256, 64), (256, 128)),
        (28, (128, 512), (512, 128), (512, 256)),
        (14, (256, 1024), (1024, 256), (1024, 512)),
        (7, (512, 2048), (2048, 512)),
    ):
        yield from (Shape("1×1", inputs, outputs, size, 1) for inputs, outputs in pairs)
    for inputs, size in ((256, 56), (512, 28), (1024, 14)):
        yield Shape("1×1 stride 2", inputs, 2 * inputs, size, 1, 2)
    for channels, size in ((64, 56), (128, 28), (256, 14), (512, 7)):
        yield Shape("3×3", channels, channels, size, 3, 1, 1)
    for channels, size in ((128, 56), (256, 28), (512, 14)):
        yield Shape("3×3 stride 2", channels, channels, size, 3, 2, 1)
    for inputs, outputs, size in (
        (3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56),
        (256, 256, 56), (256, 512, 28), (512, 512, 28), (512, 512, 14),
    ):  # fmt: skip
        yield Shape("VGG 3×3", inputs, outputs, size, 3, 1, 1)
    yield Shape("stem", 3, 64, 224, 11, 4, 2)
    yield Shape("5×5", 64, 192, 27, 5, 1, 2)


def depthwise() -> Iterator[Shape]:
    """The distinct depthwise convolutions of EfficientNet-Lite0 at 224 × 224."""
    for channels, size, kernel, stride in (
        (32, 112, 3, 1), (96, 112, 3, 2), (144, 56, 3, 1), (240, 28, 3, 2), (480, 14, 3, 1), (1152, 7, 3, 1),
        (144, 56, 5, 2), (240, 28, 5, 1), (480, 14, 5, 1), (672, 14, 5, 1), (672, 14, 5, 2), (1152, 7, 5, 1),
    ):  # fmt: skip
        group = f"depthwise {kernel}×{kernel}"
        yield Shape(group, channels, channels, size, kernel, stride, kernel // 2, channels)


def pictures() -> Iterator[Shape]:
    """Single-channel pictures under small and large kernels."""
    for size in (224, 512):
        yield Shape("one channel 3×3", 1, 1, size, 3, 1, 1)
    for size in (256, 512):
        for kernel in (15, 31, 63):
            yield Shape("one channel, large", 1, 1, size, kernel, 1, kernel // 2)


TARGETS = {
    "dense": 0.90,
    "depthwise 3×3": 2.0,
    "depthwise 5×5": 4.0,
    "one channel 3×3": 0.5,
    "one channel, large": 0.05,
}
"""Geometric means of the ratios to reach, on one thread; no dense shape above 1.3."""

NOT_DENSE = frozenset(TARGETS) - {"dense"}


def measure(quick: bool = False, threads: Iterable[int] = (1, 2)) -> list[Row]:
    """Time every shape against its peers.

    Args:
        quick: A tenth of the time per shape, and every third dense shape only.
        threads: Numbers of threads to measure with, one after the other.

    Returns:
        One row per shape, peer and number of threads: case, group, threads, algorithm, ours_ms, peer,
        peer_ms, ratio, and for `F.conv2d` memory, the quotient of the peaks of allocated memory, and
        fresh_algorithm, fresh_ms, fresh_ratio, the same where no weights are kept.
    """
    shapes = [*list(dense())[:: 3 if quick else 1], *depthwise(), *pictures()]
    before, rows = torch.get_num_threads(), []
    try:
        for count in threads:
            torch.set_num_threads(count)
            with torch.no_grad():
                for shape in shapes:
                    rows += _measure(shape, count, 0.1 if quick else 1.0)
    finally:
        torch.set_num_threads(before)
    return rows


def _measure(shape: Shape, threads: int, seconds: float) -> list[Row]:
    input, weight = shape.tensors()
    ways: dict[str, Callable[[], object]] = {
        OURS: lambda: conv2d(input, weight, **shape.parameters),
        FRESH: lambda: _fresh(input, weight, shape),
        PEER: lambda: F.conv2d(input, weight, **shape.parameters),
    }
    if shape.in_channels == 1 and threads == 1:
        ways |= _picture_peers(input, weight, shape.kernel)
    times = interleave(ways, seconds, clock=thread_time if threads == 1 else perf_counter)
    middle = {name: median(of_one) for name, of_one in times.items()}
    sizes = sizes_of(input.shape, weight.shape, **shape.parameters)
    rows = [
        {
            "case": shape.name,
            "group": shape.group,
            "threads": threads,
            "algorithm": choose(sizes),
            "ours_ms": middle[OURS],
            "peer": peer,
            "peer_ms": middle[peer],
            "ratio": middle[OURS] / middle[peer],
            "memory": None,
        }
        for peer in middle
        if peer not in (OURS, FRESH)
    ]
    rows[0] |= {
        "memory": peak(ways[OURS]) / max(peak(ways[PEER]), 1),
        "fresh_algorithm": choose(sizes, kept=False),
        "fresh_ms": middle[FRESH],
        "fresh_ratio": middle[FRESH] / middle[PEER],
    }
    return rows


def _fresh(input: Tensor, weight: Tensor, shape: Shape) -> Tensor:
    with fresh_weights():
        return conv2d(input, weight, **shape.parameters)


def _picture_peers(input: Tensor, weight: Tensor, kernel: int) -> dict[str, Callable[[], object]]:
    """What else one would convolve a picture with; each pads with zeros and keeps the size."""
    import cv2
    import scipy.ndimage
    import scipy.signal

    cv2.setNumThreads(1)
    picture, taps = input[0, 0].numpy(), weight[0, 0].numpy()
    turned = taps[::-1, ::-1].copy()
    peers: dict[str, Callable[[], object]] = {
        "cv2.filter2D": lambda: cv2.filter2D(picture, -1, taps, borderType=cv2.BORDER_CONSTANT),
        "fftconvolve": lambda: scipy.signal.fftconvolve(picture, turned, mode="same"),
    }
    if kernel <= 15:  # beyond, these two take seconds
        peers["ndimage.correlate"] = lambda: scipy.ndimage.correlate(picture, taps, mode="constant")
        peers["correlate2d"] = lambda: scipy.signal.correlate2d(picture, taps, mode="same")
    return peers


def peak(run: Callable[[], object]) -> int:
    """The most bytes that were allocated at once during a run, output included, by PyTorch's profiler."""
    run()
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profiler:
        run()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


def summary(rows: Iterable[Row], threads: int) -> list[Row]:
    """Geometric mean and range of the ratios to `F.conv2d` by group, and of all dense shapes together."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row["peer"] != PEER or row["threads"] != threads:
            continue
        groups.setdefault(row["group"], []).append(row)
        if row["group"] not in NOT_DENSE:
            groups.setdefault("dense", []).append(row)
    return [
        {
            "group": group,
            "shapes": len(of_group),
            "mean": _mean(row["ratio"] for row in of_group),
            "fresh": _mean(row["fresh_ratio"] for row in of_group),
            "least": min(row["ratio"] for row in of_group),
            "most": max(row["ratio"] for row in of_group),
            "memory": max(row["memory"] for row in of_group),
            "target": TARGETS.get(group),
        }
        for group, of_group in groups.items()
    ]


def _mean(ratios: Iterable[float]) -> float:
    """Geometric mean."""
    logarithms = [log(ratio) for ratio in ratios]
    return exp(sum(logarithms) / len(logarithms))


def table(rows: list[Row]) -> str:
    """All rows as a table, then the summary for each number of threads."""
    lines = [
        "| threads | case | algorithm | ours, ms | peer | peer, ms | ratio | memory | weights not kept |",
        "|--:|---|---|--:|---|--:|--:|--:|---|",
    ]
    for row in rows:
        memory, fresh = "", ""
        if row["peer"] == PEER:
            memory, fresh = f"×{row['memory']:.1f}", f"{row['fresh_ratio']:.3f} {row['fresh_algorithm']}"
        lines.append(
            f"| {row['threads']} | {row['case']} | {row['algorithm']} | {row['ours_ms']:.3f} "
            f"| {row['peer']} | {row['peer_ms']:.3f} | {row['ratio']:.3f} | {memory} | {fresh} |"
        )
    for threads in sorted({row["threads"] for row in rows}):
        lines += [
            f"\n{threads} thread{'s' if threads > 1 else ''}: ratios to {PEER}, below 1 is faster\n",
            "| shapes | number | geometric mean | range | weights not kept | memory up to | to reach |",
            "|---|--:|--:|---|--:|--:|--:|",
        ]
        for line in summary(rows, threads):
            target = f"{line['target']:.2f}" if line["target"] else ""
            lines.append(
                f"| {line['group']} | {line['shapes']} | {line['mean']:.3f} "
                f"| {line['least']:.3f}-{line['most']:.3f} | {line['fresh']:.3f} "
                f"| ×{line['memory']:.1f} | {target} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write to a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer shapes and rounds")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    rows = measure(options.quick, options.threads)
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
