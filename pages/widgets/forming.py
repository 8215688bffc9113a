"""Pictures while they are made and after, with the curve of what they reach."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pages.widgets import register

_FORMING = register("forming")


@dataclass(frozen=True)
class Figure:
    """One picture.

    Attributes:
        url: A data URL.
        alt: What it is, for those who cannot see it.
        title: Above it; empty where there is only one.
        note: Below it.
    """

    url: str
    alt: str
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One curve: a value for every step.

    Attributes:
        name: At its end; empty for none.
        kind: "up" or "down".
        values: One per step from step 1, perhaps thinned out.
        steps: The step of each value.
    """

    name: str
    kind: str
    values: tuple[float, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True)
class Chart:
    """The curves over the steps.

    Attributes:
        title: Above it.
        told: What it shows, for those who cannot see it.
        lines: The curves.
        level: A value to compare with, and what to call it; None for none.
        total: Steps in all.
        low: Of the vertical axis.
        high: Of it.
        ticks: Values on it with their words.
    """

    title: str
    told: str
    lines: tuple[Line, ...]
    level: tuple[float, str] | None
    total: int
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


def forming(key: str, figures: Sequence[Figure], chart: Chart | None, *, label: str) -> None:
    """The pictures side by side, and the curves beside them; nothing is sent back.

    Args:
        key: Streamlit's key of this instance.
        figures: The pictures.
        chart: The curves; None before the first step.
        label: What all of it is, for assistive technology.
    """
    data: dict[str, Any] = {
        "figures": [asdict(figure) for figure in figures],
        "chart": None if chart is None else asdict(chart),
        "label": label,
    }
    data["digest"] = hashlib.sha256(json.dumps(data).encode()).hexdigest()
    _FORMING(key=key, data=data)
