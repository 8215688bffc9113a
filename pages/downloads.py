"""What a visitor can take along. Each file is made when its button is pressed, not before."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import streamlit as st

from explorer import exports
from explorer.figure import FORMATS, Format, figure_rows, hierarchy_figure
from explorer.layers import Layer
from explorer.rendering import mosaic_png
from pages.reading import Reading

SMALLEST_TILE = 40  # pixels


def offer_layer(
    reading: Reading, layer: Layer, order: Sequence[int], scale: Literal["layer", "channel"]
) -> None:
    """The mosaic, the activations of this layer or of all, and the layer table."""
    with st.container(horizontal=True):
        _button("Mosaic (PNG)", partial(picture, reading, layer, order, scale), f"{layer.name}.png")
        _button("This layer (NPZ)", partial(one_layer, reading, layer), f"{layer.name}.npz")
        _button("All layers (safetensors)", lambda: all_layers(reading), "activations.safetensors")
        _button("Layer table (CSV)", lambda: reading.table.to_csv().encode(), "layers.csv")


def offer_figure(reading: Reading) -> None:
    """The hierarchy of the picture, for a paper or a slide."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**This story as a figure, for a paper or a slide**", width="content")
        for kind in FORMATS:
            _button(kind.upper(), partial(figure, reading, kind), f"hierarchy.{kind}")


def picture(
    reading: Reading, layer: Layer, order: Sequence[int], scale: Literal["layer", "channel"]
) -> bytes:
    """All maps in the order and colours of the page, enlarged to be looked at."""
    zoom = max(1, math.ceil(SMALLEST_TILE / min(layer.output_shape[2:])))
    return mosaic_png(reading.maps(layer.name), channels=order, scale=scale, gap=2, zoom=zoom)


def one_layer(reading: Reading, layer: Layer) -> bytes:
    """The activations of one layer."""
    return exports.activations_npz({layer.name: reading.activations[layer.name]})


def all_layers(reading: Reading) -> bytes:
    """The activations of every layer, with where they come from."""
    metadata = exports.activation_metadata(
        reading.activations,
        model=reading.loaded.spec.name,
        weights_sha256=reading.loaded.digest,
        picture_sha256=reading.current.picture.sha256,
    )
    return exports.activations_safetensors(reading.activations, metadata)


def figure(reading: Reading, kind: Format) -> bytes:
    """The hierarchy of the picture as a file."""
    return hierarchy_figure(
        reading.current.picture,
        reading.predictions,
        figure_rows(reading.stages, reading.activations),
        model=reading.loaded,
        title=reading.current.title,
        kind=kind,
    )


def _button(label: str, make: Callable[[], bytes], name: str) -> None:
    st.download_button(label, make, name, on_click="ignore", key=f"download_{name.rpartition('.')[2]}")
