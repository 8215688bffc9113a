"""The way to any channel or class, also one that the gallery has no picture of."""

from __future__ import annotations

import streamlit as st

from pages import state
from pages.looks import chosen
from pages.reading import Reading


def show(reading: Reading) -> None:
    """A layer and a channel's number, or a class, to be shown in detail."""
    with st.popover("Any other channel or class", icon=":material/search:"):
        names = [layer.name for layer in reading.layers]
        if names:
            ask_channel(reading, names)
        if reading.loaded.labels:
            ask_class(reading)


def ask_channel(reading: Reading, names: list[str]) -> None:
    """A layer, and one of its channels."""
    now = state.choice("layer", names, reading.stages[0].representative.name if reading.stages else names[0])
    layer = st.selectbox("Layer", names, index=names.index(now), key="asked_layer")
    last = reading.table[layer].output_shape[1] - 1
    channel = st.number_input("Channel", 0, last, key=f"asked_channel_{layer}")
    st.button("Show this channel", key="show_channel", on_click=chosen.choose, args=(layer, int(channel)))


def ask_class(reading: Reading) -> None:
    """A class by its name."""
    labels = reading.loaded.labels
    picked = st.selectbox(
        "Class",
        range(len(labels)),
        index=None,
        placeholder="Type a name",
        format_func=lambda index: labels[index],
        key="asked_class",
    )
    st.button(
        "Show this class",
        key="show_class",
        disabled=picked is None,
        on_click=chosen.choose_class,
        args=(picked or 0,),
    )
