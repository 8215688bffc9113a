"""One channel or class: its picture, made before or now, beside what natural pictures show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import explorer
from explorer.visualization import Recipe, VisualizationError
from explorer.visualization.manifest import Entry, Section
from pages import galleries, media, state
from pages.looks import drawing, frame, live
from pages.looks.chosen import Chosen, choose, choose_class, classes
from pages.looks.made import Made
from pages.reading import Reading
from pages.widgets.forming import Figure
from pages.widgets.forming import forming as forming_widget

Stored = tuple[Section, Entry, NDArray[np.uint8]]


def show(reading: Reading, what: Chosen) -> None:
    """What a channel or class looks for.

    Args:
        reading: The picture and the model.
        what: The channel or class, which exists in this model.
    """
    header(reading, what)
    body(reading, what)


def header(reading: Reading, what: Chosen) -> None:
    """What it is, its neighbours, and the way to its maps."""
    total = classes(reading) if what.layer is None else reading.table[what.layer].output_shape[1]
    turn = _turner(what)
    with st.container(horizontal=True, vertical_alignment="center", key="looks_header"):
        st.subheader(media.plain(what.title(reading.spec.labels)), anchor=False, width="content")
        for label, index, icon in (
            ("Previous", what.index - 1, ":material/chevron_left:"),
            ("Next", what.index + 1, ":material/chevron_right:"),
        ):
            st.button(
                label, on_click=turn, args=(index,), disabled=not 0 <= index < total, icon=icon,
                key=f"looks_{label.lower()}",
            )  # fmt: skip
        if what.layer is not None:
            st.button(
                "Its maps", on_click=state.open_channel, args=(what.layer, what.index),
                icon=":material/grid_view:", key="looks_to_layer", help="On the Layer page.",
            )  # fmt: skip
        live.show_list(reading)


def _turner(what: Chosen) -> Callable[[int], None]:
    layer = what.layer
    return choose_class if layer is None else lambda index: choose(layer, index)


@st.fragment
def body(reading: Reading, what: Chosen) -> None:
    """Everything below the heading; a choice there runs only this again."""
    forming = live.under_way()
    here = forming is not None and forming.order.belongs(reading.loaded.key, what)
    framed = compare(reading, what)
    stored = in_gallery(reading, what)
    left, right = st.columns([5, 6], gap="large")
    with left:
        made = None if here else live.pick(reading, what, stored is not None)
        if not here:
            show_picture(reading, stored, made)
        if forming is not None:
            live.watch(here=here)
        else:
            live.offer(reading, what)
    with right:
        if framed is not None:
            frame.show_natural(reading, framed)
            if not here:
                judge(reading, framed, stored, made)
        frame.show_trust()


def anything(reading: Reading) -> None:
    """Make a picture of what is no single channel or class: a sum, a difference, a whole layer."""
    busy = live.under_way() is not None
    with st.expander(
        "Make a picture of a combination", icon=":material/function:", expanded=busy, key="looks_anything"
    ):
        combination(reading)


@st.fragment
def combination(reading: Reading) -> None:
    """The form for a combination, and what was made with it."""
    if (forming := live.under_way()) is not None:
        live.watch(here=forming.order.belongs(reading.loaded.key, None))
        return
    live.offer(reading, None)
    if (made := live.pick(reading, None, in_gallery=False)) is not None:
        live.show_made(reading, made)
        frame.show_trust()


def compare(reading: Reading, what: Chosen) -> frame.Frame | None:
    """What natural pictures do to it; where that can't be known, why."""
    try:
        return frame.Frame(what, frame.compared(reading, what.layer or frame.OUTPUT))
    except (VisualizationError, explorer.CaptureError) as error:
        st.error(f"Nothing can be compared: {media.plain(str(error))}.", icon=":material/error:")
        return None


def in_gallery(reading: Reading, what: Chosen) -> Stored | None:
    """The gallery's picture."""
    shelved = galleries.of(reading.loaded)
    found = shelved.find(what.layer, what.index)
    stored = None if found is None else galleries.picture(shelved, *found)
    return None if found is None or stored is None else (*found, stored)


def show_picture(reading: Reading, stored: Stored | None, made: Made | None) -> None:
    """The result that was picked, the gallery's picture, or that there is none yet."""
    if made is not None:
        live.show_made(reading, made)
    elif stored is not None:
        st.markdown("**Made by optimisation**, for the gallery")
        figure = Figure(
            drawing.picture_url(stored[2]), "A picture made so that it answers as strongly as it can"
        )
        forming_widget(live.PICTURES, [figure], None, label="The made picture")
    else:
        st.markdown(
            "**Nobody has made its picture yet.** It takes some seconds: noise is changed step by "
            "step so that the answer rises."
        )


def judge(reading: Reading, framed: frame.Frame, stored: Stored | None, made: Made | None) -> None:
    """What the picture that is shown reaches, next to what natural ones do."""
    picture: NDArray[np.uint8]
    recipe: Recipe
    if made is not None:
        if not made.order.plain or 1 not in made.order.signs:
            return
        row = made.snapshot.made[made.order.signs.index(1)]
        picture, recipe, highest = row[0].picture, made.order.run.recipe, None
    elif stored is not None:
        picture, recipe, highest = stored[2], stored[0].recipe, stored[1].highest
    else:
        return
    try:
        answer = frame.answer_to(reading, framed.layer, picture, recipe)
    except (VisualizationError, explorer.CaptureError) as error:
        st.error(f"The picture can't be compared: {media.plain(str(error))}.", icon=":material/error:")
        return
    st.markdown(frame.verdict(framed, answer, highest))
