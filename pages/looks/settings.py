"""The fields of a recipe as a visitor may change them, and what is said about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from explorer.visualization import (
    Fourier,
    Jitter,
    Maco,
    Pad,
    Parametrization,
    Pixels,
    Recipe,
    Rotate,
    Scale,
)
from explorer.visualization.transformations import Transformation

PARAMETRIZATIONS: dict[str, type[Parametrization]] = {"fourier": Fourier, "maco": Maco, "pixels": Pixels}
PARAMETRIZATION_TITLES = {
    "fourier": "Fourier: frequencies",
    "maco": "MACO: phases only",
    "pixels": "Pixels",
}
PARAMETRIZATION, PADDED = "parametrization", "pad_mode"


@dataclass(frozen=True)
class Field:
    """A number of the recipe.

    Attributes:
        name: Short.
        title: On the page.
        help: What it does.
        whole: Whether only whole numbers make sense.
    """

    name: str
    title: str
    help: str
    whole: bool = True


FIELDS = (
    Field("steps", "Steps", "How often the picture is changed."),
    Field("side", "Side in pixels", "Of the square picture."),
    Field("rate", "Learning rate", "How far one step goes; it falls to zero towards the end.", whole=False),
    Field("margin", "Margin in pixels", "Made around the picture and cut off at the end: borders look odd."),
    Field("jitter", "Shift by up to, in pixels", "Before each look of the network."),
    Field("low", "Scale from", "Before each look, the picture is made smaller or larger.", whole=False),
    Field("high", "Scale to", "Before each look, the picture is made smaller or larger.", whole=False),
    Field("turn", "Turn by up to, in degrees", "Before each look, to either side.", whole=False),
    Field("pad", "Frame in pixels", "Of grey around the picture, before all else."),
)


def values(recipe: Recipe) -> dict[str, Any]:
    """A recipe's fields by name."""
    steps = {type(step): step for step in recipe.transformations}
    jitter, scale, turn, pad = (steps.get(kind) for kind in (Jitter, Scale, Rotate, Pad))
    return {
        "steps": recipe.steps,
        "side": recipe.size[0],
        "rate": recipe.learning_rate,
        "margin": recipe.margin,
        "jitter": jitter.pixels if isinstance(jitter, Jitter) else 0,
        "low": scale.low if isinstance(scale, Scale) else 1.0,
        "high": scale.high if isinstance(scale, Scale) else 1.0,
        "turn": turn.degrees if isinstance(turn, Rotate) else 0.0,
        "pad": pad.pixels if isinstance(pad, Pad) else 0,
        PARAMETRIZATION: recipe.parametrization.kind,
    }


def changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with some of its fields changed.

    Args:
        recipe: It stays as it is.
        changes: Some of `values`, by name.

    Raises:
        VisualizationError: If a number is out of range.
    """
    usual = values(recipe)
    own = {name: value for name, value in changes.items() if value != usual[name]}
    if not own:
        return recipe
    wanted = usual | own
    parametrization = recipe.parametrization
    if wanted[PARAMETRIZATION] != parametrization.kind:
        parametrization = PARAMETRIZATIONS[wanted[PARAMETRIZATION]]()
    side = wanted["side"]
    return replace(
        recipe,
        size=(side, side) if "side" in own else recipe.size,
        steps=wanted["steps"],
        learning_rate=_rate(recipe, parametrization, own),
        margin=wanted["margin"],
        parametrization=parametrization,
        transformations=_transformations(wanted),
    )


def _rate(recipe: Recipe, parametrization: Parametrization, own: Mapping[str, Any]) -> float:
    """Each parametrization has a learning rate of its own, unless one was asked for."""
    if "rate" in own:
        return float(own["rate"])
    return recipe.learning_rate if parametrization is recipe.parametrization else parametrization.step


def _transformations(wanted: Mapping[str, Any]) -> tuple[Transformation, ...]:
    found: list[Transformation] = []
    if wanted["pad"]:
        found.append(Pad(wanted["pad"]))
    if wanted["jitter"]:
        found.append(Jitter(wanted["jitter"]))
    if (wanted["low"], wanted["high"]) != (1.0, 1.0):
        found.append(Scale(wanted["low"], wanted["high"]))
    if wanted["turn"]:
        found.append(Rotate(wanted["turn"]))
    return tuple(found)
