"""Charts in Vega-Lite: they follow the theme, and each says in words what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from explorer.lesson.locality import Growth
from explorer.lesson.sharing import LayerWeights, WeightCounts, rough

# Told apart in light and dark and with the usual colour blindnesses; after Okabe and Ito, 2008.
BLUE, ORANGE, GREEN, GREY, PINK = "#0089c7", "#d55e00", "#00a07a", "#8b8794", "#cc6fa3"
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
KINDS = ("Convolution", "Locally connected", "Fully connected")
Spec = dict[str, Any]


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
    x = axis(
        "order", "Layers in which it grows", values=list(range(1, len(data) + 1)), format="d", grid=False
    )
    y = axis("side", f"Side in pixels (dashed: {max(picture)})")
    # Of its own data, since it would else be drawn once for every layer.
    side = {
        "data": {"values": [{"side": max(picture)}]},
        "mark": {"type": "rule", "strokeDash": [6, 4], "color": GREY, "strokeWidth": 1.5},
        "encoding": {"y": y},
    }
    line = {"mark": {"type": "line", "color": BLUE, "strokeWidth": 2}, "encoding": {"x": x, "y": y}}
    points = {
        "mark": {"type": "point", "filled": True, "color": BLUE, "opacity": 1},
        "encoding": {
            "x": x, "y": y, "size": large_if_chosen(),
            "tooltip": [tip("layer", "Layer"), tip("kind", "Kind"), tip("side", "Pixels")],
        },
    }  # fmt: skip
    told = ", ".join(f"{row['layer']} {row['side']}" for row in data)
    draw("why_growth", data, [side, line, points], 300, f"Side of the region in pixels: {told}")


def bars(key: str, counts: WeightCounts) -> None:
    """Counts as bars on a log scale, each with its number; floats, since 64 bits don't hold them all."""
    names = [f"{name}: {rough(count)}" for name, count in zip(KINDS, three(counts), strict=True)]
    data = [
        {"layer": name, "weights": float(count)} for name, count in zip(names, three(counts), strict=True)
    ]
    y = {"field": "layer", "type": "nominal", "title": None, "sort": names}
    y["axis"] = {"labelLimit": 260, "labelFontSize": 13}
    x = axis("weights", "Weights, log scale", format="~s", tickCount=5)
    x["scale"] = {"type": "log", "domainMin": 1}
    bar = {
        "mark": {"type": "bar", "height": 24, "cornerRadiusEnd": 4},
        "encoding": {
            "y": y, "x": x, "x2": {"datum": 1}, "color": series("layer", names)["color"] | {"legend": None},
            "tooltip": [tip("layer", "Layer"), tip("weights", "Weights", ",")],
        },
    }  # fmt: skip
    draw(key, data, [bar], 190, f"Weights: {', '.join(names)}")


def weights(rows: Sequence[LayerWeights]) -> None:
    """The three counts of every layer, on a log scale."""
    data = [
        {"order": order, "layer": row.name, "kind": kind, "weights": float(count)}
        for order, row in enumerate(rows, 1)
        for kind, count in zip(KINDS, three(row.counts), strict=True)
    ]
    x = axis("order", "Convolutions, in the network's order", format="d", grid=False)
    y = axis("weights", "Weights, log scale", format="~s")
    y["scale"] = {"type": "log"}
    tips = [tip("layer", "Layer"), tip("kind", "As"), tip("weights", "Weights", ",")]
    last = ", ".join(f"{count:,}" for count in three(rows[-1].counts))
    told = f"Weights of {len(rows)} layers in three kinds; of the last, {rows[-1].name}: {last}"
    draw("why_weights", data, lines(x, y, series("kind", KINDS), tips), 380, told)


def three(counts: WeightCounts) -> tuple[int, int, int]:
    """The counts in the order of `KINDS`."""
    return counts.convolution, counts.locally_connected, counts.fully_connected


def axis(field: str, title: str | None, **options: object) -> Spec:
    """A field of numbers along an axis."""
    return {"field": field, "type": "quantitative", "title": title, "axis": options}


def series(field: str, names: Sequence[str]) -> Spec:
    """Colour and shape of each name, so that neither is needed to know it."""
    legend = {"orient": "top", "title": None, "labelLimit": 330, "columns": 1}
    colours = (ORANGE, BLUE, GREY, GREEN, PINK, "#7a68ee")
    scales = {"color": colours[: len(names)], "shape": SHAPES[: len(names)]}
    return {
        channel: {
            "field": field, "type": "nominal", "legend": legend,
            "scale": {"domain": list(names), "range": list(range_)},
        }
        for channel, range_ in scales.items()
    }  # fmt: skip


def lines(x: Spec, y: Spec, kinds: Spec, tips: Sequence[Spec], size: Spec | None = None) -> list[Spec]:
    """A line for each series, with a mark for each value."""
    line = {
        "mark": {"type": "line", "strokeWidth": 1.6, "opacity": 0.65},
        "encoding": {"x": x, "y": y, "color": kinds["color"]},
    }
    point = {
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {"x": x, "y": y, **kinds, "size": size or {"value": 50}, "tooltip": list(tips)},
    }
    return [line, point]


def large_if_chosen() -> Spec:
    """The size of a mark."""
    return {"condition": {"test": "datum.chosen", "value": 210}, "value": 60}


def tip(field: str, title: str, form: str | None = None) -> Spec:
    """A line of a tooltip."""
    return {"field": field, "title": title} | ({"format": form} if form else {})


def draw(key: str, data: Sequence[Spec], layers: Sequence[Spec], height: int, alt: str) -> None:
    """A layered chart as wide as its place."""
    spec = {"data": {"values": list(data)}, "height": height, "layer": list(layers)}
    st.vega_lite_chart(spec=spec, width="stretch", key=key, alt=alt)
