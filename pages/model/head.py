"""The model at the head of every page: another one, its untrained twin, and what is under way."""

from __future__ import annotations

from functools import partial

import streamlit as st

import models
from models.untrained import without_mark
from pages import state
from pages.model import bringing, checkpoint, finding

WAYS = {"find": "Find a model", "own": "Your own weights"}


def change() -> None:
    """The button that opens the choice of models."""
    if st.button("Change model", key="change_model"):
        dialog()


@st.dialog("Change model", width="medium")
def dialog() -> None:
    """Search, or weights of one's own. Runs by itself: the page behind it waits."""
    way = st.segmented_control(
        "Way", list(WAYS), format_func=WAYS.__getitem__, default="find", required=True, key="model_way",
        label_visibility="collapsed",
    )  # fmt: skip
    if way == "own":
        checkpoint.show()
    else:
        finding.show()


def title() -> str:
    """The name of the model for people; that it is untrained, the switch and the notice tell."""
    plain, _ = without_mark(state.model())
    return state.spec(plain)[0].title


def twin() -> None:
    """The switch between a model and the same network untrained."""
    plain, seed = without_mark(state.model())
    spec, _ = state.spec(plain)
    untrained_only = spec.weights is None and not spec.available_offline
    st.toggle(
        "Untrained",
        disabled=untrained_only,
        help="There are no trained weights of this network." if untrained_only else
        "The same network with random weights, as it was before training. What remains of what you saw, "
        "the architecture does alone.",
        **state.follow("twin_toggle", seed is not None, partial(choose_twin, plain)),
    )  # fmt: skip


def choose_twin(name: str, untrained: bool) -> None:
    """Show a model, or its untrained twin."""
    state.choose_model(models.untrained_name(name) if untrained else name)


def notices() -> None:
    """What must be known of the model: that it is untrained, offered for download, or on its way here."""
    plain, seed = without_mark(state.model())
    if seed is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="untrained"):
            st.markdown(
                f":material/casino: **Untrained: random weights, seed {seed}.** It has never learned from a "
                "picture; what you see is the architecture's own doing.",
                width="content",
            )
            st.button(
                "Other random weights", type="tertiary", icon=":material/shuffle:", key="another_seed",
                on_click=partial(state.choose_model, models.untrained_name(plain, seed + 1)),
            )  # fmt: skip
    finding.offer()
    if bringing.under_way() is not None:
        bringing.watch()
