"""The atlas: all pictures of a gallery in rows, in the browser."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pages.widgets import Piece, looks_data, register

_ATLAS = register("atlas", "pieces")


@dataclass(frozen=True)
class Row:
    """The pictures of one layer, or the classes.

    Attributes:
        layer: The layer's name; None for the classes.
        title: What to call it.
        stage: The part of the network, or "classes".
        depth: How deep it lies, 0..1; None for the classes.
        facts: Numbers about it, in words.
        hint: What to look for.
        pieces: The pictures by channel or class, in order.
        labels: Names of classes, by number.
        feeders: The channels beside a class, by class.
    """

    layer: str | None
    title: str
    stage: str
    depth: float | None
    facts: str
    hint: str
    pieces: Mapping[int, Piece]
    labels: Mapping[int, str] = field(default_factory=dict)
    feeders: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """What the browser gets: items are (number, sheet, place), of classes also (label, feeders)."""
        looks = looks_data(self.pieces)
        items = [[index, *looks["at"][str(index)], *self._named(index)] for index in self.pieces]
        told = {"layer": self.layer, "title": self.title, "stage": self.stage, "depth": self.depth}
        return told | {"facts": self.facts, "hint": self.hint, "sheets": looks["sheets"], "items": items}

    def _named(self, index: int) -> list[Any]:
        if self.layer is not None:
            return []
        return [self.labels.get(index, f"Class {index}"), list(self.feeders.get(index, ()))]


def atlas(
    key: str,
    rows: Sequence[Row],
    *,
    stages: Sequence[str],
    feeding: str | None,
    others: Mapping[int, str],
    selected: tuple[str | None, int] | None,
    shown: str,
    find: str,
    on_pick: Callable[[], None],
    on_view: Callable[[], None],
) -> None:
    """All pictures of a gallery; a click sends the trigger `pick`, a filter that settled `view`.

    Args:
        key: Streamlit's key of this instance.
        rows: From the first layer to the classes.
        stages: The parts of the network that can be asked for.
        feeding: The layer whose channels stand beside the classes; None where none do.
        others: The classes without a picture, by number.
        selected: The (layer, channel), or (None, class), that is shown in detail.
        shown: What is shown of the rows: a stage, a layer, "classes", or "" for everything.
        find: What is looked for.
        on_pick: Called before the page runs again; sent is the layer (or None), the index, and whether to
            make the picture.
        on_view: Likewise; sent is what is shown and what is looked for.
    """
    data = {
        "rows": [row.as_data() for row in rows],
        "stages": list(stages),
        "feeding": feeding,
        "others": [[index, label] for index, label in others.items()],
    }
    digest = hashlib.sha256(json.dumps(data).encode()).hexdigest()
    view = {"shown": shown, "find": find}
    _ATLAS(
        key=key,
        data=data | {"digest": digest, "selected": selected, "view": view},
        on_pick_change=on_pick,
        on_view_change=on_view,
    )
