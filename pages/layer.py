"""Layer: all feature maps of one layer as one mosaic, and one of them large."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import streamlit as st

from explorer.channels import ChannelStatistics, histogram, rank, statistics, strongest
from explorer.layers import Layer
from explorer.rendering import channel_scales, filters_rgb_png, mosaic
from explorer.story import extent
from pages import downloads, state, widgets
from pages.looks import pictures
from pages.reading import Reading, drawn, layer_words, read
from pages.widgets import Piece

SORTS = {
    "std": "Varies most",
    "mean": "Mean",
    "max": "Highest",
    "active": "Active share",
    "index": "Channel number",
}
SCALES = {"channel": "One per channel", "layer": "One for the layer"}
MOSAIC, CHANNEL = "mosaic", "channel"
MOST_BENEATH = 128  # channels whose maps, each with what it looks for beneath, are not too many for one view


@st.fragment
def body(reading: Reading) -> None:
    """Everything below the frame; a choice on this page runs only this again."""
    if state.opening_page():  # only the frame can turn the page
        st.rerun(scope="app")
    layer = pick_layer(reading)
    maps = reading.maps(layer.name)
    measured = statistics(maps)
    wide, narrow = st.columns([5, 4], gap="large")
    with wide:
        order = controls(measured)
        channel = state.number("channel", 0, len(measured) - 1, strongest(maps, 1)[0])
        sheet = mosaic(maps, channels=order, scale=scale(), gap=0)
        label = f"All maps of {layer.name}"
        looks = pictures.pieces(reading, layer.name)
        beneath = looks_beneath(looks, len(measured))
        widgets.mosaic(
            MOSAIC,
            sheet,
            statistics=measured,
            looks=looks,
            beneath=beneath,
            selected=channel,
            label=label,
            on_pick=take_pick,
        )
    with narrow:
        show_channel(reading, layer, measured, channel, looks.get(channel))
    downloads.offer_layer(reading, layer, order, scale())
    show_filters(reading)


def pick_layer(reading: Reading) -> Layer:
    """The layer, chosen by stage and then by name."""
    by_stage = reading.by_stage()
    shown_first = {stage.title: stage.representative.name for stage in reading.stages}
    names = [layer.name for layer in reading.layers]
    name = state.choice("layer", names, default=reading.stages[0].representative.name)
    stage = next(title for title, members in by_stage.items() if name in members)
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    left.segmented_control(
        "Stage",
        list(by_stage),
        format_func=str.capitalize,
        required=True,
        **state.follow("stage_control", stage, lambda title: choose_layer(shown_first.get(title, names[0]))),
    )
    right.selectbox(
        "Layer",
        by_stage[stage],
        format_func=lambda name: f"{name} — {layer_words(reading.table[name])}",
        **state.follow("layer_box", name, choose_layer),
    )
    return reading.table[name]


def choose_layer(name: str) -> None:
    """Another layer, with its own strongest channel."""
    state.choose(layer=name, channel=None)


def controls(measured: ChannelStatistics) -> list[int]:
    """Sorting, colour scale and filter; returns the channels to show, in order."""
    sort = state.choice("sort", list(SORTS), default="std")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Sort by",
            list(SORTS),
            format_func=SORTS.__getitem__,
            width=180,
            **state.follow("sort_box", sort, lambda value: state.choose(sort=value)),
        )
        st.selectbox(
            "Colour scale",
            list(SCALES),
            format_func=SCALES.__getitem__,
            width=180,
            **state.follow("scale_box", scale(), lambda value: state.choose(scale=value)),
        )
        dead = int(measured.dead.sum())
        st.toggle(
            f"Hide {dead} dead",
            disabled=not dead,
            help="Dead: no positive value on this picture, or in a signed layer the same value everywhere.",
            **state.follow("dead_toggle", state.flag("dead"), lambda value: state.choose(dead=value or None)),
        )
    order = rank(measured, sort, hide_dead=state.flag("dead"))  # type: ignore[arg-type]
    return order.tolist() or list(range(len(measured)))


def looks_beneath(looks: Mapping[int, Piece], channels: int) -> bool:
    """Whether what the channels look for stands beneath their maps; at first where there is room for all."""
    if not looks:
        return False
    default = "1" if channels <= MOST_BENEATH else "0"
    beneath = state.choice("beneath", ["0", "1"], default) == "1"
    st.toggle(
        "What they look for, beneath the maps",
        **state.follow("beneath_toggle", beneath, lambda value: state.choose(beneath=bool(value))),
    )
    return beneath


def scale() -> Literal["layer", "channel"]:
    """Whether colours are scaled per channel or for the whole layer."""
    return "layer" if state.choice("scale", list(SCALES), default="channel") == "layer" else "channel"


def take_pick() -> None:
    """A tile was picked."""
    state.choose(channel=state.sent(MOSAIC, "pick"))


def show_channel(
    reading: Reading, layer: Layer, measured: ChannelStatistics, channel: int, look: Piece | None
) -> None:
    """One map, large, with its numbers."""
    st.number_input(
        "Channel",
        0,
        len(measured) - 1,
        **state.follow("channel_input", channel, lambda value: state.choose(channel=value)),
    )
    maps = reading.maps(layer.name)
    view, legend = drawn(maps, [channel], "layer" if scale() == "layer" else channel_scales(maps)[channel])
    widgets.channel(
        CHANNEL,
        view,
        label=f"Channel {channel} of {layer.name}; the arrow keys move over its values",
        picture=reading.view,
        geometry=reading.geometry(layer),
        smooth=state.flag("smooth"),
        opacity=state.number("opacity", 0, 100, 60),
        chosen=state.text("channel") is not None,
        histogram=histogram(maps[channel]),
        legend=legend,
        look=look,
        look_words=look_words(channel, look, silent=pictures.silent(reading, layer.name, channel)),
        on_view=take_view,
        on_looks=lambda: open_looks(layer, channel, look),
    )
    numbers = measured.describe(channel)
    st.markdown(
        f"mean **{numbers['mean']:.4g}** · deviation **{numbers['std']:.4g}** · "
        f"lowest **{numbers['minimum']:.4g}** · highest **{numbers['maximum']:.4g}** · "
        f"above zero at **{100 * numbers['active']:.1f}\u00a0%** of {measured.positions} positions · "
        f"each value sees {extent(layer.receptive_field, reading.loaded.spec.input_size)}"
    )


def look_words(channel: int, look: Piece | None, *, silent: bool) -> tuple[str, str]:
    """What to say beside a picture of what a channel looks for, or where there is none; and on the button."""
    if silent:
        return f"Nothing was found that channel {channel} answers to.", "More about this channel"
    if look is None:
        return f"Nobody has made a picture yet of what channel {channel} looks for.", "Make it"
    return (
        f"A picture made by optimisation, to which channel {channel} answers strongly. Where your picture "
        "has something of it, the map lights up.",
        "More about this picture",
    )


def open_looks(layer: Layer, channel: int, look: Piece | None) -> None:
    """Show on its own page what a channel looks for; where there is no picture of it, make one there."""
    state.open_channel(layer.name, channel, "looks", make=look is None or None, **{"class": None})


def take_view() -> None:
    """Smoothing or opacity was changed."""
    sent = state.sent(CHANNEL, "view")
    state.choose(smooth=bool(sent["smooth"]) or None, opacity=int(sent["opacity"]))


def show_filters(reading: Reading) -> None:
    """The weights of the layer that reads the picture itself, as colours."""
    first = next((layer for layer in reading.layers if layer.window and layer.parameters), None)
    weight = (
        None if first is None else getattr(reading.loaded.module.get_submodule(first.name), "weight", None)
    )
    if first is None or weight is None or weight.ndim != 4 or weight.shape[1] not in (1, 3):
        return
    with st.expander(f"The filters of the first layer, {first.name}"):
        st.markdown(
            f"What each of the {len(weight)} filters multiplies the picture with: mid grey is a weight of "
            "zero, a bright colour asks for that colour, a dark one for its absence. Each has its own scale."
        )
        st.image(filters_rgb_png(weight, columns=16, zoom=14), alt=f"{len(weight)} small patterns of colour")


body(read())
