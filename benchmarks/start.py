"""How long the way to the first prediction takes beyond `import torch`, in fresh processes, and the help.

    python -m benchmarks.start

Every round starts one process per number of threads. In it `import torch` is timed first, then what the
program adds: importing `models`, loading the bundled model with its weights verified, preparing a picture of
512 x 640 pixels, the first forward pass and the five most probable classes. Both come from one process, so
that a busy machine slows down both; the ratio is taken per process and its median is what counts. Beside them
`python -m explorer --help` runs from start to exit, which should take less than half a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 0.25  # of the time of `import torch`, at most
HELP_SECONDS = 0.5  # from start to exit, at most

_PROCESS = """
import json, sys, time
marks = [time.perf_counter()]
import torch
marks.append(time.perf_counter())
import models
model = models.load()
marks.append(time.perf_counter())
import numpy as np
from types import SimpleNamespace
picture = SimpleNamespace(rgb=np.random.default_rng(0).integers(0, 256, (512, 640, 3), dtype=np.uint8))
marks.append(time.perf_counter())
x = model.preprocess(picture)
with torch.inference_mode():
    logits = model.module(x)
best = models.top_predictions(logits, model.labels)
marks.append(time.perf_counter())
torch_time, load, _, predict = (after - before for before, after in zip(marks, marks[1:]))
assert len(best) == 5
json.dump({"import torch": torch_time, "load": load, "predict": predict}, sys.stdout)
"""


def _once(threads: int) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds: dict[str, float] = json.loads(done.stdout)
    start = perf_counter()
    subprocess.run(
        [sys.executable, "-m", "explorer", "--help"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=True,
    )
    return {**seconds, "help": perf_counter() - start}


def _row(threads: int, runs: list[dict[str, float]]) -> dict[str, Any]:
    def in_ms(name: str) -> float:
        return 1000 * median(run[name] for run in runs)

    return {
        "threads": threads,
        "import torch, ms": in_ms("import torch"),
        "load, ms": in_ms("load"),
        "predict, ms": in_ms("predict"),
        "ratio": median((run["load"] + run["predict"]) / run["import torch"] for run in runs),
        "limit": LIMIT,
        "help, ms": in_ms("help"),
    }


def measure(rounds: int = 9, threads: tuple[int, ...] = (1, 2)) -> list[dict[str, Any]]:
    """Time the start in `rounds` fresh processes per number of threads, one after the other in turn.

    Returns:
        A row per number of threads: medians in milliseconds, and `ratio`, the median of (load + predict) /
        import torch, which should not exceed `limit`, and the time of the terminal's help.
    """
    for count in threads:
        _once(count)  # fills the file cache and writes the byte code
    runs: dict[int, list[dict[str, float]]] = {count: [] for count in threads}
    for _ in range(rounds):
        for count in threads:
            runs[count].append(_once(count))
    return [_row(count, runs[count]) for count in threads]


def table(rows: list[dict[str, Any]]) -> str:
    """The rows of `measure` as a Markdown table."""
    heads = list(rows[0])
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in rows:
        cells = (
            f"{value:.0f}"
            if head.endswith("ms")
            else f"{value:.2f}"
            if isinstance(value, float)
            else str(value)
            for head, value in row.items()
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print the table, and say by the exit code whether both limits were kept on one thread."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.start", description="Time to the first prediction."
    )
    parser.add_argument("--rounds", type=int, default=9, help="fresh processes per number of threads")
    rows = measure(parser.parse_args().rounds)
    print(table(rows))
    return 0 if rows[0]["ratio"] <= LIMIT and rows[0]["help, ms"] < 1000 * HELP_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
