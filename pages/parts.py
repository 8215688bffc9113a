"""Parts of the Hierarchy page: the picture, the answer, and the strongest channels of a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import streamlit as st
import torch

from explorer.channels import strongest
from explorer.layers import Layer
from explorer.rendering import ChannelScales
from explorer.side_by_side import common_legend
from pages import media, state, widgets
from pages.looks import pictures
from pages.reading import Reading, drawn, tile_names

TILES = 8
TALLEST = 235  # pixels of the picture's height on a wide screen


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


def show_tiles(
    reading: Reading,
    layer: Layer,
    key: str,
    *,
    channels: Sequence[int] | None = None,
    scale: Literal["channel"] | ChannelScales = "channel",
    opening: Callable[[], Mapping[str, str | None]] = dict,
    whose: str = "",
) -> None:
    """Some channels of a layer; a click opens one.

    Args:
        reading: Of the picture.
        layer: The layer.
        key: Streamlit's key of the tiles.
        channels: Which channels; None for the strongest.
        scale: Of the colours; one for each channel, or those that two pictures share.
        opening: Asked at a click, for what to choose beside layer and channel.
        whose: What tells these tiles from others of such a layer, for assistive technology.
    """
    which = "The strongest" if channels is None else "The same"
    maps = reading.maps(layer.name)
    channels = strongest(maps, TILES) if channels is None else tuple(channels)
    chosen = maps[list(channels)]
    view, legend = drawn(maps, channels, scale)
    legend = legend if isinstance(scale, str) else common_legend(legend)

    def open_channel() -> None:
        channel = state.sent(key, "pick")
        if channel in channels:
            state.open_channel(layer.name, channel, **opening())

    def make() -> None:
        channel = state.sent(key, "make")
        if channel in channels:
            state.open_channel(layer.name, channel, "looks", make=True, **{"class": None, **opening()})

    widgets.tiles(
        key,
        view,
        channels,
        [pictures.piece(reading, layer.name, channel) for channel in channels],
        label=f"{which} channels of {layer.name}{whose}",
        names=tile_names(layer, chosen, channels),
        picture=reading.view,
        geometry=reading.geometry(layer),
        legend=legend,
        on_pick=open_channel,
        on_make=make,
    )
