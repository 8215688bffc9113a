"""The curves over depth, shift and position."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.lesson.equivariance import Equivariance, ShiftError
from explorer.lesson.position import PositionCurve
from pages.lesson.why.charts import GREY, axis, draw, large_if_chosen, lines, series, tip

MOVED, INNER, IN_PLACE = "moved along", "moved along, away from the border", "left in place"


def depth(layers: Sequence[str], errors: Sequence[ShiftError], chosen: str) -> None:
    """How far each layer is from following a shift, from the first to the output.

    Args:
        layers: Names in the network's order; "" is the answer.
        errors: One for each.
        chosen: The layer that is looked at.
    """
    names = [name or "the answer" for name in layers]
    data = [
        {"layer": name, "how": how, "off": off, "chosen": name == chosen}
        for name, error in zip(names, errors, strict=True)
        for how, off in ((MOVED, error.error), (INNER, error.inner_error), (IN_PLACE, error.unmoved_error))
        if off is not None
    ]
    x = {"field": "layer", "type": "nominal", "title": None, "sort": names}
    x["axis"] = {"labelAngle": -50, "labelLimit": 130, "labelOverlap": True}
    tips = [tip("layer", "Layer"), tip("how", "Compared"), tip("off", "Off by", ".2%")]
    kinds = series("how", (MOVED, IN_PLACE, INNER))
    told = ", ".join(
        f"{name} {error.error:.1%}"
        for name, error in zip(names, errors, strict=True)
        if error.error is not None
    )
    marks = lines(x, axis("off", "Off by", format="%"), kinds, tips, large_if_chosen())
    draw("why_depth", data, marks, 420, f"Moved along, each layer is off by: {told}")


def shifts(result: Equivariance) -> None:
    """How far some layers are from following, over all shifts."""
    data = [
        {
            "layer": f"{curve.name}, step {curve.step}",
            "shift": point.shift,
            "off": point.error if point.inner_error is None else point.inner_error,
            "where": "everywhere" if point.inner_error is None else "away from the border",
        }
        for curve in result.curves
        for point in curve.points
        if point.error is not None
    ]
    names = list(dict.fromkeys(row["layer"] for row in data))
    x = axis("shift", "Shift, pixels", values=list(range(0, 33, 4)), format="d")
    x["scale"] = {"nice": False}
    tips = [
        tip("layer", "Layer"),
        tip("shift", "Shift"),
        tip("off", "Off by", ".2%"),
        tip("where", "Compared"),
    ]
    told = "; ".join(
        f"{name}: " + ", ".join(f"{row['shift']} px {row['off']:.1%}" for row in data if row["layer"] == name)
        for name in names
    )
    marks = lines(x, axis("off", "Off by", format="%"), series("layer", names), tips)
    draw("why_shifts", data, marks, 440, f"Off by, over the shift: {told}")


def positions(curve: PositionCurve, title: str, names: Sequence[str], along: str, whole: float) -> None:
    """Probabilities over the object's position.

    Args:
        curve: What was measured.
        title: Of all classes together.
        names: Of the single classes.
        along: "columns" or "rows".
        whole: The probability for the picture as it is.
    """
    at = 1 if along == "columns" else 0
    rows = {title: curve.probabilities} | dict(zip(names, curve.single, strict=True))
    data = [
        {"position": place[at], "name": name, "probability": probability}
        for name, row in rows.items()
        for place, probability in zip(curve.positions, row, strict=True)
    ]
    x = axis("position", "Position of the object, pixels", grid=False)
    x["scale"] = {"nice": False}
    y = axis("probability", "Probability", format="%")
    y["scale"] = {"domain": [0, 1]}
    reference = {
        "data": {"values": [{"probability": whole}]},
        "mark": {"type": "rule", "strokeDash": [6, 4], "color": GREY},
        "encoding": {"y": y},
    }
    told = ", ".join(
        f"{place[at]} px {probability:.0%}"
        for place, probability in zip(curve.positions, curve.probabilities, strict=True)
    )
    tips = [tip("name", "Class"), tip("position", "Position"), tip("probability", "Probability", ".1%")]
    small = {"value": 60 if len(curve.positions) < 20 else 22}
    marks = [reference, *lines(x, y, series("name", list(rows)), tips, small)]
    draw("why_positions", data, marks, 420, f"Probability of {title} by position: {told}")
