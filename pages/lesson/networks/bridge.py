"""From the built network to the loaded one: what its layers hold of the current picture, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from explorer.channels import strongest
from explorer.hierarchy import Stage
from explorer.rendering import mosaic_png
from explorer.story import look_for, observe
from pages import media, state
from pages.reading import Reading, layer_words, read

SHOWN = 4
LAYER, HIERARCHY = "layer.py", "hierarchy.py"


@dataclass(frozen=True)
class Account:
    """What is said of a stage of convolutional networks.

    Attributes:
        learns: In a few words.
        known: What was found, and by whom.
    """

    learns: str
    known: str


ACCOUNTS = {
    "early": Account(
        "edges and colours",
        "The first layer's weights can be looked at directly: edges of every direction and contrasts of "
        "colour. The second layer joins them to corners and bends (Zeiler & Fergus 2014).",
    ),
    "middle": Account(
        "textures and patterns",
        "The pictures that excite one channel most share a texture: meshes, writing (Zeiler & Fergus 2014). "
        "Pictures computed to excite a channel show textures and patterns too (Olah et al. 2017).",
    ),
    "deep": Account(
        "parts of objects",
        "Channels answer to the faces of dogs or the legs of birds, in many poses (Zeiler & Fergus 2014); "
        "computed pictures show such parts as well (Olah et al. 2017).",
    ),
}
INTERPRETATION = """
**What is known.** Zeiler and Fergus (2014) searched many photographs for those that excite a channel most;
Olah and others (2017) computed such pictures from noise. Both found this order, in other networks than the
one loaded here.

**What is interpretation.** A map is a grid of numbers; "the eye detector" is a name that we give it. One
channel may answer to quite different things, and one thing may be spread over many channels. Where *early*
ends and *deep* begins is our cut, by resolution and depth: layers change little by little.
"""
SOURCES = {
    "Zeiler & Fergus 2014: Visualizing and understanding convolutional networks": (
        "https://arxiv.org/abs/1311.2901"
    ),
    "Olah et al. 2017: Feature visualization": "https://distill.pub/2017/feature-visualization/",
}


@st.fragment
def show() -> None:
    """The stages of the loaded model, each with its strongest maps and links into the explorer."""
    reading = read()
    st.header("From edges to objects: the real network", anchor="hierarchy")
    st.markdown(
        f"**{media.plain(reading.loaded.spec.title)}** is the network at work in the explorer. Follow the "
        "current picture through it, then open a layer: the deeper, the more a single number sees, and the "
        "more it can stand for."
    )
    columns = st.columns(max(1, len(reading.stages)), gap="medium")
    for column, stage in zip(columns, reading.stages, strict=False):
        with column, st.container(border=True, height="stretch", gap="small"):
            show_stage(reading, stage)
    st.markdown(INTERPRETATION)
    with st.container(horizontal=True):
        for title, address in SOURCES.items():
            st.link_button(title, address, type="tertiary", icon=":material/article:")


def show_stage(reading: Reading, stage: Stage) -> None:
    """One stage: what is known, what is measured here, and the way to its layer."""
    account, layer = ACCOUNTS[stage.title], stage.representative
    st.subheader(f"{stage.title.capitalize()}: {account.learns}", anchor=False)
    maps = reading.maps(layer.name)
    channels = strongest(maps, SHOWN)
    png = mosaic_png(
        maps, channels=channels, scale="channel", columns=SHOWN, zoom=max(1, 112 // max(maps.shape[1:]))
    )
    alt = f"The {len(channels)} strongest maps of {layer.name} on {reading.current.title}"
    st.image(png, width="stretch", alt=alt)
    st.markdown(f":small[{media.plain(layer.name)} · {layer_words(layer)}]")
    seen = observe(maps[list(channels)], reading.x)
    st.markdown(account.known)
    st.markdown(look_for(stage.title, layer.receptive_field, reading.loaded.spec.input_size, seen))
    st.page_link(
        LAYER, label=f"All {len(maps)} maps of this layer", icon=":material/grid_view:",
        query_params=state.link(layer=layer.name, channel=channels[0]),
    )  # fmt: skip
    st.page_link(
        HIERARCHY, label="Its place in the network", icon=":material/stacks:",
        query_params=state.link(layer=layer.name),
    )  # fmt: skip
