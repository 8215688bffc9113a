"""A convolution of the model: its real weights, on what it is given for the current picture."""

from __future__ import annotations

import itertools
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.laboratory.cases import Case
from explorer.laboratory.layer_input import LayerError, of_layer
from explorer.laboratory.script import layer_recipe
from explorer.layers import Layer, LayerTable
from pages import cache, media, state
from pages.lab import parameters
from pages.lab.subject import Subject, dtype, settled
from pages.reading import layer_words


def of_chosen_layer(top: DeltaGenerator) -> Subject:
    """A convolution of the model, on what it is given for the current picture."""
    loaded, current = cache.model(), state.current()
    table = cache.table(loaded.key, loaded)
    layers = {layer.name: layer for layer in table if convolves(layer)}
    if not layers:
        raise LayerError(f"{loaded.spec.title} has no convolution over maps; choose another model or case")
    asked = state.choice("layer", [layer.name for layer in table], default=next(iter(layers)))
    name = nearest(asked, table)
    top.selectbox(
        "Layer", list(layers), width=420,
        format_func=lambda name: f"{name} — {layer_words(layers[name])}",
        **state.follow("lab_layer", name, choose_layer),
    )  # fmt: skip
    if asked != name:
        st.markdown(f":small[{media.plain(asked)} is no convolution; this one is the nearest before it.]")
    own = captured(name)
    defaults = {
        key: parameters.written(value) if key == "padding" and isinstance(value, str) else value
        for key, value in own.parameters.items()
    }
    parameters.show(defaults, with_bias=False)
    case = settled(own, defaults)
    known = None if loaded.spec.source == "own" else loaded.spec.name
    recipe = layer_recipe(current.sample, known, name, dtype=dtype())
    return Subject("layer", f"{name} of {loaded.spec.title}", case, recipe)


def convolves(layer: Layer) -> bool:
    """Whether a layer is a convolution over maps."""
    return (
        layer.window is not None and layer.parameters > 0 and layer.is_leaf and len(layer.output_shape) == 4
    )


def nearest(asked: str, table: LayerTable) -> str:
    """The layer itself if it is a convolution, else the last one before it, else the first."""
    before = [layer.name for layer in itertools.takewhile(lambda layer: layer.name != asked, table)]
    candidates = [layer.name for layer in table if convolves(layer)]
    if asked in candidates:
        return asked
    return next((name for name in reversed(before) if name in candidates), candidates[0])


def choose_layer(name: str) -> None:
    """Another layer, with its own parameters."""
    state.choose(**dict.fromkeys(parameters.NAMES), layer=name, channel=None)


def captured(name: str) -> Case:
    """A layer with its input; the last one is kept, so that turning a parameter does not run the model."""
    loaded, picture = cache.model(), state.current().picture
    key = (loaded.key, picture.sha256, name)
    kept: dict[Any, Case] = state.kept("lab_layer_case", dict)
    if key not in kept:
        case = of_layer(loaded.module, loaded.preprocess(picture), name)
        kept.clear()
        kept[key] = case
    return kept[key]
