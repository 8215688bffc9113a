"""The charts of the chapter, in Vega-Lite: they follow the theme, and each says in words what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from explorer.lesson.locality import Growth

# Told apart in light and dark and with the usual colour blindnesses; after Okabe and Ito, 2008.
BLUE, ORANGE, GREEN, GREY, PINK = "#0089c7", "#d55e00", "#00a07a", "#8b8794", "#cc6fa3"


def growth(rows: Sequence[Growth], picture: tuple[int, int], chosen: str) -> None:
    """The region's side over the layers, with the picture's own."""
    data = [
        {
            "order": at,
            "layer": row.name,
            "side": max(row.size),
            "kind": row.kind,
            "chosen": row.name == chosen,
        }
        for at, row in enumerate(rows, 1)
    ]
    x = {
        "field": "order",
        "type": "quantitative",
        "title": "Layers in which it grows",
        "axis": whole(len(data)),
    }
    y = {"field": "side", "type": "quantitative", "title": "Side of the region, pixels"}
    side = {
        "mark": {"type": "rule", "strokeDash": [6, 4], "color": GREY},
        "encoding": {"y": {"datum": max(picture)}},
    }
    label = {
        "mark": {
            "type": "text",
            "align": "left",
            "dy": -7,
            "color": GREY,
            "text": f"the picture: {max(picture)}",
        },
        "encoding": {"y": {"datum": max(picture)}, "x": {"datum": 1}},
    }
    line = {
        "mark": {"type": "line", "color": BLUE, "strokeWidth": 2},
        "encoding": {"x": x, "y": y},
    }
    points = {
        "mark": {"type": "point", "filled": True, "color": BLUE, "opacity": 1},
        "encoding": {
            "x": x, "y": y,
            "size": {"condition": {"test": "datum.chosen", "value": 230}, "value": 60},
            "tooltip": [tip("layer", "Layer"), tip("kind", "Kind"), tip("side", "Pixels")],
        },
    }  # fmt: skip
    told = ", ".join(f"{row['layer']} {row['side']}" for row in data)
    draw("why_growth", data, [side, label, line, points], 260, f"Side of the region in pixels: {told}")


def tip(field: str, title: str, form: str | None = None) -> dict[str, str]:
    """A line of a tooltip."""
    return {"field": field, "title": title} | ({"format": form} if form else {})


def whole(most: int) -> dict[str, Any]:
    """An axis that counts layers."""
    return {"values": list(range(1, most + 1)), "format": "d", "grid": False, "labelOverlap": True}


def draw(
    key: str, data: Sequence[dict[str, Any]], layers: Sequence[dict[str, Any]], height: int, alt: str
) -> None:
    """A layered chart as wide as its place."""
    spec = {"data": {"values": list(data)}, "height": height, "layer": list(layers)}
    st.vega_lite_chart(spec=spec, width="stretch", key=key, alt=alt)
