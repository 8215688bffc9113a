"""The stored benchmark: what `python -m benchmarks.convolution` measured once, for comparison."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

LIBRARY = "F.conv2d"


@dataclass(frozen=True)
class Row:
    """One convolution against one peer.

    Attributes:
        case: The shape in words.
        group: Its kind, for instance "VGG 3×3".
        threads: That were used.
        algorithm: What the cost model chose.
        ours_ms: Its time in milliseconds.
        peer: Whose time it is held against.
        peer_ms: That time.
        ratio: Of the two; below 1 is faster.
        memory: Peak memory relative to the peer's; None where it was not measured.
    """

    case: str
    group: str
    threads: int
    algorithm: str
    ours_ms: float
    peer: str
    peer_ms: float
    ratio: float
    memory: float | None


@dataclass(frozen=True)
class Group:
    """The shapes of one kind together, against one peer.

    Attributes:
        name: For instance "VGG 3×3".
        peer: "F.conv2d", or a function of SciPy or OpenCV.
        threads: That were used.
        shapes: How many there were.
        mean: Geometric mean of the ratios; below 1 is faster.
        least: Smallest ratio.
        most: Largest ratio.
        memory: Largest peak memory relative to the peer's; None where it was not measured.
        algorithms: What the cost model chose, the most frequent first.
    """

    name: str
    peer: str
    threads: int
    shapes: int
    mean: float
    least: float
    most: float
    memory: float | None
    algorithms: tuple[str, ...]


def stored_rows(path: Path) -> tuple[Row, ...]:
    """Read a stored benchmark.

    Args:
        path: A JSON file: the list of rows that `benchmarks.convolution.measure` returns.

    Returns:
        The rows in the order of the file; none where there is no such file.

    Raises:
        ValueError: If the file is something else.
    """
    if not path.is_file():
        return ()
    try:
        rows = json.loads(path.read_text("utf-8"))
        return tuple(Row(**{each.name: row[each.name] for each in fields(Row)}) for row in rows)
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path.name} is no stored benchmark of convolutions: {error!r}") from None


def groups(rows: Iterable[Row]) -> tuple[Group, ...]:
    """Summarise rows by peer, kind of shape and number of threads, in the order of their first ones."""
    together: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        together.setdefault((row.peer, row.group, row.threads), []).append(row)
    return tuple(_group(*key, of_key) for key, of_key in together.items())


def mean(ratios: Sequence[float]) -> float:
    """The geometric mean.

    Example:
        >>> mean([0.5, 2.0])
        1.0
    """
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def _group(peer: str, name: str, threads: int, rows: Sequence[Row]) -> Group:
    ratios = [row.ratio for row in rows]
    chosen = [row.algorithm for row in rows]
    frequent = sorted(set(chosen), key=lambda each: (-chosen.count(each), each))
    memory = max((row.memory for row in rows if row.memory is not None), default=None)
    return Group(
        name, peer, threads, len(ratios), mean(ratios), min(ratios), max(ratios), memory, tuple(frequent)
    )
