"""The components of the chapter on networks: the diagram of a network, and a training as it went."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from explorer.lesson.anatomy import Part
from explorer.rendering import Legend
from pages.widgets import legend_data, register

PICK = "pick"
_NETWORK, _TRAINING = map(register, ("network", "training"))


@dataclass(frozen=True)
class Shown:
    """A picture with a sentence about it: a data URL and the caption."""

    url: str
    caption: str


@dataclass(frozen=True)
class Scores:
    """Numbers as bars, with a sentence about them."""

    values: tuple[float, ...]
    caption: str


@dataclass(frozen=True)
class Drawn:
    """What a part of the network is drawn with.

    Attributes:
        face: Data URL of the map on the front of its box.
        sheet: Its maps.
        legend: What their colours mean.
        kernels: Its weights, where they are colours.
        scores: Its numbers, where it has no maps.
    """

    face: str | None = None
    sheet: Shown | None = None
    legend: Legend | None = None
    kernels: Shown | None = None
    scores: Scores | None = None


def network(
    key: str,
    parts: Sequence[tuple[Part, Drawn]],
    *,
    selected: str,
    label: str,
    totals: str,
    note: str = "",
    on_pick: Callable[[], None],
) -> None:
    """The diagram of a network; the name of a part that is chosen is sent as the trigger `pick`.

    Args:
        key: Streamlit's key of this instance.
        parts: In network order, the input first.
        selected: The name of the part whose numbers and maps are shown.
        label: What it is, for assistive technology.
        totals: A sentence about the whole network.
        note: Said above it, where it is not the one that was asked for.
        on_pick: Called before the page runs again.
    """
    rows = [_row(part, drawn) for part, drawn in parts]
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    data = {
        "parts": rows,
        "selected": selected,
        "label": label,
        "totals": totals,
        "note": note,
        "digest": digest,
    }
    _NETWORK(key=key, data=data, on_pick_change=on_pick)


def training(key: str, data: dict[str, Any]) -> None:
    """A training as it is or was at every report; nothing is sent back.

    Args:
        key: Streamlit's key of this instance.
        data: From `pages.lesson.networks.record.as_data`.
    """
    _TRAINING(key=key, data=data)


def _row(part: Part, drawn: Drawn) -> dict[str, Any]:
    group = f"Block {part.block}" if part.block else "Input" if part.kind == "input" else "Output"
    return asdict(part) | {
        "group": group,
        "face": drawn.face,
        "sheet": asdict(drawn.sheet) if drawn.sheet else None,
        "legend": legend_data(drawn.legend) if drawn.legend else None,
        "kernels": asdict(drawn.kernels) if drawn.kernels else None,
        "scores": asdict(drawn.scores) if drawn.scores else None,
    }
