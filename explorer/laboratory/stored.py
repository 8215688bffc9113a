"""The stored benchmark: what `python -m benchmarks.convolution` measured once, for comparison."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIBRARY = "F.conv2d"


@dataclass(frozen=True)
class Group:
    """The shapes of one kind together.

    Attributes:
        name: For instance "VGG 3×3".
        threads: That were used.
        shapes: How many there were.
        mean: Geometric mean of the ratios to `F.conv2d`; below 1 is faster.
        least: Smallest ratio.
        most: Largest ratio.
        algorithms: What the cost model chose, the most frequent first.
    """

    name: str
    threads: int
    shapes: int
    mean: float
    least: float
    most: float
    algorithms: tuple[str, ...]


def stored_groups(path: Path) -> tuple[Group, ...]:
    """Summarise a stored benchmark by kind of shape and number of threads.

    Args:
        path: A JSON file: the list of rows that `benchmarks.convolution.measure` returns.

    Returns:
        The groups in the order of the file; none where there is no such file.

    Raises:
        ValueError: If the file is something else.
    """
    if not path.is_file():
        return ()
    try:
        rows = [row for row in json.loads(path.read_text("utf-8")) if row["peer"] == LIBRARY]
        keys = dict.fromkeys((row["group"], row["threads"]) for row in rows)
        return tuple(
            _group(*key, [row for row in rows if (row["group"], row["threads"]) == key]) for key in keys
        )
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name} is no stored benchmark of convolutions: {error!r}") from None


def _group(name: str, threads: int, rows: Iterable[dict[str, Any]]) -> Group:
    ratios = [float(row["ratio"]) for row in rows]
    chosen = [str(row["algorithm"]) for row in rows]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    frequent = sorted(set(chosen), key=lambda each: (-chosen.count(each), each))
    return Group(name, threads, len(ratios), mean, min(ratios), max(ratios), tuple(frequent))
