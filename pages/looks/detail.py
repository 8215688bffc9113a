"""One channel or class: its picture, made before or now, beside what natural pictures show."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import explorer
from explorer.rendering import number
from explorer.visualization import VisualizationError
from pages import galleries, media, state
from pages.looks import drawing, frame, live
from pages.looks.chosen import Chosen, choose, choose_class, classes
from pages.looks.made import Made, mine
from pages.reading import Reading
from pages.widgets.forming import Figure
from pages.widgets.forming import forming as forming_widget


def show(reading: Reading, what: Chosen) -> None:
    """What a channel or class looks for.

    Args:
        reading: The picture and the model.
        what: The channel or class, which exists in this model.
    """
    header(reading, what)
    body(reading, what)


@st.fragment
def body(reading: Reading, what: Chosen) -> None:
    """Everything below the heading; a choice there runs only this again."""
    live.collect()
    try:
        framed = frame.Frame(what, frame.compared(reading, what.layer or ""))
    except (VisualizationError, explorer.CaptureError) as error:
        st.error(f"There is nothing to compare with: {media.plain(str(error))}.", icon=":material/error:")
        framed = None
    left, right = st.columns([5, 6], gap="large")
    with left:
        picture(reading, what, framed)
    with right:
        if framed is not None:
            frame.show_natural(reading, framed)
    frame.show_trust()
    st.subheader("Make it yourself", anchor=False)
    live.show(reading, what)


def header(reading: Reading, what: Chosen) -> None:
    """What it is, its neighbours, and the way to its maps."""
    total = classes(reading) if what.layer is None else reading.table[what.layer].output_shape[1]
    turn = choose_class if what.layer is None else (lambda index: choose(what.layer, index))
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
                "Its maps on the Layer page", on_click=state.open_channel, args=(what.layer, what.index),
                icon=":material/grid_view:", key="looks_to_layer",
            )  # fmt: skip


def picture(reading: Reading, what: Chosen, framed: frame.Frame | None) -> None:
    """The gallery's picture or the last one made here, and what it reaches."""
    shelved = galleries.of(reading.loaded)
    found = shelved.find(what.layer, what.index)
    stored = None if found is None else galleries.picture(shelved, *found)
    if found is not None and stored is not None:
        section, entry = found
        st.markdown("**Made by optimisation**, for the gallery")
        single(stored)
        if framed is not None:
            answer = frame.answer_to(reading, framed.layer, stored, section.recipe)
            st.markdown(frame.verdict(framed, answer, entry.highest))
        return
    own = mine().of(reading.loaded.key, what)
    if own:
        show_own(reading, what, framed, own[-1])
        return
    st.markdown(
        "Nobody has made its picture yet. **Make it** takes some seconds: a picture of noise is changed "
        "step by step so that the answer rises."
    )


def show_own(reading: Reading, what: Chosen, framed: frame.Frame | None, made: Made) -> None:
    """The last picture that was made here."""
    shown = made.snapshot.made[0][0]
    st.markdown("**Made by optimisation**, here")
    single(shown.picture)
    if framed is not None and made.order.signs[0] > 0:
        answer = frame.answer_to(reading, framed.layer, shown.picture, made.order.run.recipe)
        st.markdown(frame.verdict(framed, answer))
    elif framed is not None:
        st.markdown(f"For the lowest answer; it reaches {number(-shown.value)}.")


def single(rgb: NDArray[np.uint8]) -> None:
    """One picture, large."""
    figure = Figure(drawing.picture_url(rgb), "A picture made so that it answers as strongly as it can")
    forming_widget("looks_picture", [figure], None, label="The made picture")
