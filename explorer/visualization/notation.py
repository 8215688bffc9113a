"""Objectives as they are typed: `blocks.3.2:17 - 0.5*class:goldfish`.

| text | meaning |
|---|---|
| `blocks.3.2:17` | a channel |
| `blocks.3.2:17@4,5` | the unit at row 4, column 5; `@middle` is the one in the middle |
| `class:1`, `class:goldfish`, `class:hot_pot` | a class by its number or name, `_` for a space |
| `dream:blocks.3.2` | a whole layer |
| `diversity:blocks.3.2` | several seeds, kept apart |
| `0.5*...`, `... + ...`, `... - ...` | arithmetic; plus and minus have spaces around them |
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from explorer.errors import close_names
from explorer.visualization.algebra import Objective
from explorer.visualization.errors import VisualizationError
from explorer.visualization.objectives import Channel, Diversity, Dream, Logit, Unit

_FACTOR = re.compile(r"([-+]?[0-9.]+(?:e[-+]?[0-9]+)?)\*", re.IGNORECASE)
_PLACE = re.compile(r"(.*):([0-9]+)(?:@(?:([0-9]+),([0-9]+)|(middle)))?", re.DOTALL)


def parse_objective(text: str, labels: Sequence[str] = ()) -> Objective:
    """Read an objective.

    Args:
        text: As in the table above.
        labels: The names of the model's classes.

    Raises:
        VisualizationError: If it means nothing; the message says what is possible.

    Example:
        >>> parse_objective("blocks.3.2:17 - 0.5*class:hen", ["cock", "hen"]).describe()
        'channel 17 of blocks.3.2 − 0.5 × class 1'
    """
    pieces = re.split(r"\s+([-+])\s+", text.strip())
    total = _term(pieces[0], labels)
    for sign, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        total = total + _term(piece, labels) if sign == "+" else total - _term(piece, labels)
    return total


def _term(text: str, labels: Sequence[str]) -> Objective:
    factor = _FACTOR.match(text)
    if factor is None:
        return _single(text, labels)
    try:
        return _single(text[factor.end() :], labels) * float(factor[1])
    except ValueError as error:
        raise VisualizationError(f"{factor[1]!r} is no number") from error


def _single(text: str, labels: Sequence[str]) -> Objective:
    kind, _, rest = text.partition(":")
    if kind == "class" and rest:
        return Logit(_class(rest, labels))
    if kind == "dream" and rest:
        return Dream(rest)
    if kind == "diversity" and rest:
        return Diversity(rest)
    found = _PLACE.fullmatch(text)
    if found is None:
        raise VisualizationError(
            f"{text!r} means nothing here: a channel is LAYER:NUMBER, a unit LAYER:NUMBER@ROW,COLUMN, "
            "a class class:NAME, a whole layer dream:LAYER"
        )
    layer, channel, row, column, middle = found.groups()
    if middle is not None:
        return Unit(layer, int(channel))
    if row is not None:
        return Unit(layer, int(channel), int(row), int(column))
    return Channel(layer, int(channel))


def _class(text: str, labels: Sequence[str]) -> int:
    if text.isdecimal():
        return int(text)
    names = [label.casefold() for label in labels]
    name = text.replace("_", " ").casefold()
    if name not in names:
        raise VisualizationError(f"the model has no class {name!r}{close_names(name, names)}")
    return names.index(name)
