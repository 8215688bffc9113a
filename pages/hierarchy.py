"""Hierarchy, the home page: from the picture through early, middle and deep layers to the answer."""

from __future__ import annotations

import streamlit as st
import torch

from explorer.channels import strongest
from explorer.layers import Layer
from explorer.story import extent, look_for, observe
from pages import downloads, galleries, media, state, widgets
from pages.picture import chooser
from pages.reading import Reading, drawn, layer_words, read, tile_names

TILES = 8
TALLEST = 235  # pixels of the picture's height on a wide screen


def page() -> None:
    """The whole story on one screen."""
    reading = read()
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
    columns = st.columns(len(reading.stages), gap="medium")
    for column, stage in zip(columns, reading.stages, strict=True):
        with column, st.container(border=True, height="stretch", gap="xsmall"):
            show_stage(reading, stage.title, stage.representative)
    depth(reading)
    downloads.offer_figure(reading)


def show_picture(reading: Reading) -> None:
    """The picture, darkened where the model does not look."""
    picture = reading.current.picture
    shown, steepness = media.dimmed(picture, reading.seen)
    # A tall picture would push everything else off the screen.
    width = "stretch" if steepness <= TALLEST / 360 else max(40, round(TALLEST / steepness))
    st.image(shown, width=width, alt=reading.current.alt)
    top, left, bottom, right = reading.seen
    part = (bottom - top) * (right - left) / (picture.rgb.shape[0] * picture.rgb.shape[1])
    first = "The bright part is what the network sees." if part < 0.99 else "The network sees all of it."
    st.markdown(" ".join(f":small[{media.plain(note)}]" for note in (first, *picture.notes)))


def show_answer(reading: Reading) -> None:
    """The five most probable classes."""
    with st.container(gap="xsmall"):
        st.markdown("**The network's answer**")
        if not reading.predictions:
            st.markdown(no_answer(reading))
        for prediction in reading.predictions:
            share = f"{100 * prediction.probability:.1f}\u00a0%"
            st.progress(prediction.probability, text=f"{prediction.label} · {share}")


def no_answer(reading: Reading) -> str:
    """Why there are no classes to show."""
    output = reading.activations.output
    title = media.plain(reading.spec.title)
    if isinstance(output, torch.Tensor) and not output.isfinite().all():
        return f"{title} answers this picture with values that are no numbers (NaN or infinite)."
    return f"{title} does not tell classes apart: it puts out features, so there is no answer to read."


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
    seen = observe(reading.maps(layer.name)[list(channels)], reading.x)
    show_tiles(reading, layer, f"stage_{title}")
    st.markdown(look_for(title, layer.receptive_field, reading.loaded.spec.input_size, seen))


def show_tiles(reading: Reading, layer: Layer, key: str) -> None:
    """The strongest channels of a layer; a click opens one."""
    maps = reading.maps(layer.name)
    channels = strongest(maps, TILES)
    chosen = maps[list(channels)]
    view, legend = drawn(maps, channels, "channel")
    shelved = galleries.of(reading.loaded)

    def open_channel() -> None:
        channel = state.sent(key, "pick")
        if channel in channels:
            state.open_channel(layer.name, channel)

    def make() -> None:
        channel = state.sent(key, "make")
        if channel in channels:
            state.open_channel(layer.name, channel, "looks", make=True, **{"class": None})

    widgets.tiles(
        key,
        view,
        channels,
        [galleries.piece(shelved, layer.name, channel) for channel in channels],
        label=f"The strongest channels of {layer.name}",
        names=tile_names(layer, chosen, channels),
        picture=reading.view,
        geometry=reading.geometry(layer),
        legend=legend,
        on_pick=open_channel,
        on_make=make,
    )


page()
