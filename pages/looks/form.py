"""What a visitor may choose before pictures are made."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.rendering import number
from explorer.visualization import VisualizationError
from pages import state
from pages.looks import settings
from pages.looks.chosen import Chosen
from pages.looks.order import (
    BOTH,
    CHANNEL,
    CLASS,
    DREAM,
    FORMULA,
    HIGHEST,
    LOWEST,
    MOST_VARIANTS,
    UNIT,
    Wish,
    usual_recipe,
)
from pages.reading import Reading

KINDS = {
    CHANNEL: "The channel",
    UNIT: "One position of it",
    DREAM: "Its whole layer (a dream)",
    CLASS: "The class",
    FORMULA: "A combination",
}
SIGN_TITLES = {HIGHEST: "Highest answer", LOWEST: "Lowest answer", BOTH: "Both"}
LONGEST_FORMULA = 2000


def wish(reading: Reading, what: Chosen | None) -> Wish:
    """The choices that come first: what to raise, in which direction, and how many variants."""
    kind = _kind(what)
    place, formula = None, ""
    if kind == UNIT:
        place = _place()
    if kind == FORMULA:
        formula = _formula(reading, what)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        sign = state.choice("sign", list(SIGN_TITLES), HIGHEST)
        st.segmented_control(
            "What for", list(SIGN_TITLES), format_func=SIGN_TITLES.__getitem__, required=True,
            help="What raises the answer most, what lowers it most, or both side by side.",
            **state.follow("looks_sign", sign, lambda value: state.choose(sign=value)),
        )  # fmt: skip
        variants = state.number("variants", 1, MOST_VARIANTS, 1)
        st.segmented_control(
            "Variants", range(1, MOST_VARIANTS + 1), required=True,
            help="Pictures that begin with different noise, side by side.",
            **state.follow("looks_variants", variants, lambda value: state.choose(variants=value)),
        )  # fmt: skip
    usual = kind == DREAM
    from_picture = state.choice("from_picture", ["0", "1"], str(int(usual))) == "1"
    st.toggle(
        f"Start from the picture {reading.current.title}", help="Otherwise from noise.",
        **state.follow("looks_from", from_picture, lambda value: state.choose(from_picture=value)),
    )  # fmt: skip
    own = _own()
    return Wish(
        kind, what, place, formula, sign, variants,
        first_seed=own.get("first_seed", 0), diversity=own.get("diversity", 0.0), from_picture=from_picture,
    )  # fmt: skip


def advanced(reading: Reading, wished: Wish) -> dict[str, Any]:
    """The recipe's fields; returns those that the visitor has changed."""
    own = _own()
    with st.expander("Advanced: how it is made", key="looks_advanced"):
        try:
            usual = settings.values(usual_recipe(reading, wished))
        except VisualizationError:
            st.markdown("What is to be made comes first: see the message above.")
            return {}
        _fields(usual, own)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            _number("first_seed", "First seed", "Of the noise to begin with.", 0, own, whole=True)
            _number(
                "diversity", "Diversity", "How strongly variants are kept apart; 0 for not at all.", 0.0, own,
                whole=False,
            )  # fmt: skip
        if own:
            st.button(
                "Back to the defaults", on_click=own.clear, key="looks_defaults", icon=":material/undo:"
            )
    return {name: value for name, value in own.items() if name in usual}


def _own() -> dict[str, Any]:
    """What the visitor has changed, by field."""
    return state.kept("looks_settings", dict[str, Any])


def _kind(what: Chosen | None) -> str:
    if what is None:
        return FORMULA
    kinds = [CLASS, FORMULA] if what.layer is None else [CHANNEL, UNIT, DREAM, FORMULA]
    kind = state.choice("raised", kinds, kinds[0])
    st.radio(
        "What to raise", kinds, format_func=KINDS.__getitem__, horizontal=True,
        **state.follow(f"looks_raised_{kinds[0]}", kind, lambda value: state.choose(raised=value)),
    )  # fmt: skip
    return kind


def _place() -> tuple[int, int] | None:
    """Row and column of the position to raise; None for the middle."""
    given = state.text("row"), state.text("column")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for name, title, value in zip(("row", "column"), ("Row", "Column"), given, strict=True):
            shown = int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 else None
            st.number_input(
                title, min_value=0, step=1, placeholder="middle", width=150, help="Counted from 0.",
                **state.follow(f"looks_{name}", shown, _choose_as(name)),
            )  # fmt: skip
    row, column = (state.number(name, 0, 10**8, -1) for name in ("row", "column"))
    return None if row < 0 or column < 0 else (row, column)


def _choose_as(name: str) -> Any:
    return lambda value: state.choose(**{name: value})


def _formula(reading: Reading, what: Chosen | None) -> str:
    usual = (
        "" if what is None else f"class:{what.index}" if what.layer is None else f"{what.layer}:{what.index}"
    )
    formula = (state.text("formula") or usual)[:LONGEST_FORMULA]
    layer = reading.stages[-1].representative.name if reading.stages else "LAYER"
    st.text_input(
        "Combination", placeholder=f"{layer}:0 + {layer}:1", max_chars=LONGEST_FORMULA,
        **state.follow("looks_formula", formula, lambda value: state.choose(formula=value or None)),
    )  # fmt: skip
    st.markdown(f":small[{notation(layer)}]")
    return formula


def notation(layer: str) -> str:
    """How combinations are written, with a layer of the model as the example."""
    name = layer.replace("`", "'")
    return (
        f"`{name}:0` is a channel, `{name}:0@4,5` one position of it (`@middle` the one in the middle), "
        f"`class:1` a class, also by its name with `_` for a space, `dream:{name}` a whole layer. Add and "
        f"subtract them, with numbers: `{name}:0 - 0.5*class:1`; plus and minus have spaces around them."
    )


def _fields(usual: dict[str, Any], own: dict[str, Any]) -> None:
    kinds = list(settings.PARAMETRIZATIONS)
    chosen = own.get(settings.PARAMETRIZATION, usual[settings.PARAMETRIZATION])

    def take(value: str) -> None:
        own.pop("rate", None)  # each has a learning rate of its own
        _take(settings.PARAMETRIZATION, value, usual[settings.PARAMETRIZATION], own)

    st.segmented_control(
        "Parametrization", kinds, format_func=settings.PARAMETRIZATION_TITLES.__getitem__, required=True,
        help="What is changed at every step.",
        **state.follow("looks_set_parametrization", chosen, take),
    )  # fmt: skip
    shown = dict(usual)
    if chosen != usual[settings.PARAMETRIZATION]:
        shown["rate"] = settings.PARAMETRIZATIONS[chosen].step
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for field in settings.FIELDS:
            _number(field.name, field.title, field.help, shown[field.name], own, field.whole)


def _number(name: str, title: str, about: str, usual: Any, own: dict[str, Any], whole: bool) -> None:
    """A number of the recipe; what can't be is told by the recipe itself, in a sentence."""
    kind = int if whole else float
    st.number_input(
        title, step=kind(1) if whole else 0.05, format="%d" if whole else "%g", width=170,
        help=f"{about} Usual here: {number(usual)}.",
        **state.follow(
            f"looks_set_{name}", kind(own.get(name, usual)), lambda value: _take(name, value, usual, own)
        ),
    )  # fmt: skip


def _take(name: str, value: Any, usual: Any, own: dict[str, Any]) -> None:
    own.pop(name, None)
    if value is not None and value != usual:
        own[name] = value
