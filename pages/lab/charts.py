"""The charts of the laboratory, in Vega-Lite: they follow the theme and need no network."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import streamlit as st

from explorer.convolution import ALGORITHMS
from explorer.convolution.timing import PEER
from explorer.laboratory.curves import Curve
from explorer.laboratory.speed import Measurement
from explorer.laboratory.ways import AUTO
from explorer.rendering import number

ORDER = [PEER, *ALGORITHMS, AUTO]
SHOWN = {PEER: "F.conv2d"}
# Told apart in light and dark and with the usual colour blindnesses; after Okabe and Ito, 2008.
COLOURS = [
    "#8b8794", "#d55e00", "#0089c7", "#00a07a", "#b58900", "#cc6fa3", "#7a68ee", "#ab2b92", "#a5673f",
]  # fmt: skip


def ratios(measured: Measurement) -> None:
    """The time of each relative to `F.conv2d`'s, with quartiles, on a log axis."""
    rows = [
        {
            "name": timing.name,
            "ratio": timing.ratio,
            "low": measured.ratio_range(timing)[0],
            "high": measured.ratio_range(timing)[1],
            "how": "estimated" if timing.estimated else f"{timing.runs} runs",
        }
        for timing in measured.timings[1:]
    ]
    y = {
        "field": "name", "type": "nominal", "title": None,
        "sort": [row["name"] for row in sorted(rows, key=lambda row: row["ratio"])],
    }  # fmt: skip
    x = {"type": "quantitative", "scale": {"type": "log"}, "axis": {"format": "~g", "tickCount": 6}}
    one = {"type": "rule", "strokeDash": [5, 4], "color": COLOURS[0], "aria": False}
    spread = {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}, "color": colour(None)}
    spec = {
        "data": {"values": rows},
        "height": 40 * len(rows) + 20,
        "layer": [
            {"mark": one, "encoding": {"x": {"datum": 1}}},
            {"mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.6, "aria": False}, "encoding": spread},
            {
                "mark": {"type": "point", "filled": True, "size": 130},
                "encoding": {
                    "y": y,
                    "x": {"field": "ratio", **x, "title": "Time relative to F.conv2d: left of 1 is faster"},
                    "color": colour(None),
                    "shape": {
                        "field": "how", "type": "nominal", "legend": None,
                        "scale": {"domain": ["estimated"], "range": ["diamond"]},
                    } if any(row["how"] == "estimated" for row in rows) else {"value": "circle"},
                    "tooltip": [
                        {"field": "name", "title": "Algorithm"},
                        {"field": "ratio", "title": "Ratio", "format": ".3~g"},
                        {"field": "how", "title": "Measured"},
                    ],
                },
            },
        ],
    }  # fmt: skip
    told = ", ".join(f"{row['name']} {number(row['ratio'])}" for row in rows)
    st.vega_lite_chart(spec=spec, width="stretch", key="lab_ratios", alt=f"Time relative to F.conv2d: {told}")


def growth(curve: Curve) -> None:
    """How the time of each grows along an axis, both on log scales; estimates are dashed."""
    axis = curve.axis
    rows = [
        {
            "value": point.value,
            "name": SHOWN.get(timing.name, timing.name),
            "ms": timing.low,
            "how": "estimated" if timing.estimated else "measured",
        }
        for point in curve.points
        for timing in point.timings
        if timing.low > 0
    ]
    values = [point.value for point in curve.points]
    spec = {
        "data": {"values": rows},
        "height": 360,
        "layer": [{"mark": {"type": "line", "point": {"size": 35}, "strokeWidth": 2}}, *crossing(curve)],
        "encoding": {
            "x": {
                "field": "value", "type": "quantitative", "title": axis.capitalize(),
                "scale": {"type": "log", "nice": False}, "axis": {"values": values, "format": "d"},
            },
            "y": {
                "field": "ms", "type": "quantitative", "title": "Milliseconds",
                "scale": {"type": "log"}, "axis": {"format": "~g"},
            },
            "color": colour({"orient": "bottom", "title": None, "columns": 3}, {row["name"] for row in rows}),
            "strokeDash": {
                "field": "how", "type": "nominal", "legend": None,
                "scale": {"domain": ["measured", "estimated"], "range": [[1, 0], [4, 4]]},
            },
            "tooltip": [
                {"field": "name", "title": "Algorithm"},
                {"field": "value", "title": axis.capitalize()},
                {"field": "ms", "title": "Milliseconds", "format": ".3~g"},
                {"field": "how", "title": "How"},
            ],
        },
    }  # fmt: skip
    at = values[-1] if values else 0
    told = ", ".join(f"{row['name']} {number(row['ms'])} ms" for row in rows if row["value"] == at)
    st.vega_lite_chart(
        spec=spec, width="stretch", key=f"lab_growth_{axis.split()[0]}", alt=f"At {axis} {at}: {told}"
    )


def crossing(curve: Curve) -> list[dict[str, Any]]:
    """A line where the FFT overtakes, if it does along the kernel size."""
    at = curve.crossover() if curve.axis == "kernel size" else None
    if at is None:
        return []
    line = {"type": "rule", "strokeDash": [3, 3], "strokeWidth": 1.5, "color": COLOURS[0], "aria": False}
    here = {"x": {"datum": at}, "y": None, "color": None, "strokeDash": None}
    return [{"mark": line, "encoding": here}]


def colour(legend: dict[str, Any] | None, names: Collection[str] = ()) -> dict[str, Any]:
    """The same colour for the same algorithm in every chart.

    Args:
        legend: Vega-Lite's legend.
        names: Those in the chart; all by default.
    """
    shown = {SHOWN.get(name, name): tone for name, tone in zip(ORDER, COLOURS, strict=True)}
    shown = {name: tone for name, tone in shown.items() if not names or name in names}
    return {
        "field": "name",
        "type": "nominal",
        "scale": {"domain": list(shown), "range": list(shown.values())},
        "legend": legend,
    }
