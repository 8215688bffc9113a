"""Hierarchy, the home page: from the picture through early, middle and deep layers to the answer."""

from __future__ import annotations

import streamlit as st

from explorer.channels import strongest
from explorer.layers import Layer
from explorer.story import extent, look_for
from pages import comparing, downloads, media, state
from pages.parts import TILES, show_answer, show_picture, show_tiles
from pages.picture import chooser
from pages.reading import Reading, layer_words, read


def page() -> None:
    """The whole story on one screen, or two of them side by side."""
    reading = read()
    second = comparing.find(reading)
    if second is None:
        alone(reading)
    else:
        comparing.show(reading, second)
    downloads.offer_figure(reading)


def alone(reading: Reading) -> None:
    """One model and one picture."""
    convolutions = sum(layer.window is not None and layer.parameters > 0 for layer in reading.layers)
    height, width = reading.spec.input_size
    st.markdown(
        f"{media.plain(reading.spec.title)} read {height} × {width} pixels of this picture with "
        f"{convolutions} convolutions. Follow it from edges and colours to parts of objects, or give it "
        "your own picture."
    )
    picture, answer, other = st.columns([4, 4, 4], gap="medium")
    with picture:
        show_picture(reading)
    with answer:
        show_answer(reading)
    with other:
        chooser()
    comparing.offer(None)
    columns = st.columns(len(reading.stages), gap="medium")
    for column, stage in zip(columns, reading.stages, strict=True):
        with column, st.container(border=True, height="stretch", gap="xsmall"):
            show_stage(reading, stage.title, stage.representative)
    depth(reading)


@st.fragment
def depth(reading: Reading) -> None:
    """A slider along the network; every layer can be seen."""
    if state.opening_page():  # a tile was clicked; only the frame can turn the page
        st.rerun(scope="app")
    st.subheader("Move through the network")
    names = [layer.name for layer in reading.layers]
    name = state.choice("layer", names, default=names[0])
    follow = state.follow("depth_slider", name, lambda name: state.choose(layer=name, channel=None))
    st.select_slider("Layer", names, **follow, label_visibility="collapsed")
    layer = reading.table[name]
    sees = extent(layer.receptive_field, reading.loaded.spec.input_size)
    st.markdown(f"**{media.plain(name)}** · {layer_words(layer)} · a value sees {sees}")
    show_tiles(reading, layer, "depth")


def show_stage(reading: Reading, title: str, layer: Layer) -> None:
    """One stage: its strongest channels, and what to look for in them."""
    _, count, height, width = layer.output_shape
    what = f"{media.plain(layer.name)} · {count} maps of {height} × {width}"
    st.subheader(f"{title.capitalize()} :small[{what}]", anchor=False)
    channels = strongest(reading.maps(layer.name), TILES)
    seen = reading.observed(layer.name, channels)
    show_tiles(reading, layer, f"stage_{title}")
    st.markdown(look_for(title, layer.receptive_field, reading.loaded.spec.input_size, seen))


page()
