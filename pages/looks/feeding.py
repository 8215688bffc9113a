"""Which channels feed a class on the current picture, in exact parts of its score; what a channel feeds."""

from __future__ import annotations

import streamlit as st

from explorer.visualization.feeding import fed
from explorer.visualization.shelf import Shelved
from pages import media
from pages.looks.chosen import Chosen
from pages.looks.head import head_of
from pages.parts import show_tiles
from pages.reading import Reading

SHOWN = 8


def show(reading: Reading, shelved: Shelved, index: int) -> None:
    """The channels that add most to a class's score on the current picture, with what they look for."""
    found = head_of(reading, shelved)
    if found is None:
        return
    name, head = found
    layer = reading.table[name]
    parts = head.parts(reading.maps(name), index)
    score = float(reading.activations.output[0, index])
    order = parts.argsort(descending=True, stable=True)[:SHOWN].tolist()
    channels = [channel for channel in order if parts[channel] > 0]
    label = chosen_label(reading, index)
    st.markdown(f"**What feeds {label} on this picture**")
    if not channels:
        st.markdown(f"No channel of {media.plain(name)} raises its score here.")
        return
    amounts = ", ".join(f"{channel} adds {float(parts[channel]):.2f}" for channel in channels)
    st.markdown(
        f"The score of a class is a sum over the {layer.output_shape[1]} channels of {media.plain(name)}: "
        f"the mean of each map times a weight. Here it is **{score:.2f}**, and of that channel {amounts}; "
        f"all the others and the bias together {signed(score - float(parts[channels].sum()))}."
    )
    show_tiles(reading, layer, "feeding", channels=channels, whose=f" feed {label}")


def show_classes(reading: Reading, shelved: Shelved, layer: str, channel: int) -> None:
    """The classes that a channel of the last maps feeds most; nothing for other layers."""
    found = head_of(reading, shelved)
    if found is None or found[0] != layer:
        return
    classes = fed(found[1], channel, SHOWN)
    named = ", ".join(f"{chosen_label(reading, index)} ({weight:.2f})" for index, weight in classes)
    st.markdown(
        f"**What it feeds.** The mean of its map goes into the score of every class. These take it with the "
        f"largest weights: {named}."
        if named
        else "**What it feeds.** There is no class whose score it raises."
    )


def signed(value: float) -> str:
    """A number with its sign, as one reads it."""
    return f"{value:+.2f}".replace("-", "−")


def chosen_label(reading: Reading, index: int) -> str:
    """The class's name, as Markdown shows it."""
    return media.plain(Chosen(None, index).title(reading.loaded.labels))
