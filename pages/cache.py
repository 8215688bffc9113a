"""What is computed once and kept. The only place that uses Streamlit's caches.

Keys are digests of content (the weights' and the picture's sha256) and plain parameters; what a function
works on beside its key has a leading underscore, which keeps Streamlit from hashing it. Every cache is
bounded. Activations of the last six pictures, of all visitors together, are kept: with the bundled model
about 80 MB each. (A cache for each session would hold them until Streamlit forgets the session, minutes after
its visitor has left.)
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
import torch

import explorer
import models
from explorer.activations import Activations
from explorer.hierarchy import Stage
from explorer.layers import LayerTable
from explorer.lesson.edges import by_chance
from explorer.lesson.equivariance import Axis, shifted
from explorer.lesson.locality import Repaint, probe
from explorer.lesson.position import PositionCurve, position_curve, positions_along, reduced
from explorer.lesson.sharing import LayerWeights, weights_of
from explorer.visualization.shelf import Shelved, Stamp, read_galleries
from pages import media, state


@st.cache_resource(max_entries=2, show_spinner=False)
def model(name: str = state.DEFAULT_MODEL) -> models.LoadedModel:
    """The model, shared by all visitors."""
    return models.load(name)


@st.cache_resource(max_entries=8, show_spinner=False)
def table(digest: str, _model: models.LoadedModel) -> LayerTable:
    """The layer table of a model; it depends on the input's size only, so a black picture will do."""
    return explorer.layer_table(_model.module, torch.zeros(1, 3, *_model.spec.input_size))


@st.cache_resource(max_entries=8, show_spinner=False)
def stages(digest: str, _model: models.LoadedModel) -> tuple[Stage, ...]:
    """The stages of a model, with the layers that have feature maps."""
    return explorer.stages(table(digest, _model))


@st.cache_resource(max_entries=6, show_spinner="Looking at every layer …")
def activations(
    digest: str, sha256: str, _model: models.LoadedModel, _picture: explorer.Picture
) -> Activations:
    """Every feature map of the current picture; one forward run."""
    names = [layer.name for layer in table(digest, _model) if layer.is_map]
    return explorer.capture(_model.module, _model.preprocess(_picture), names)


@st.cache_resource(max_entries=8, show_spinner=False)
def weights(digest: str, _model: models.LoadedModel) -> tuple[LayerWeights, ...]:
    """How many weights every convolution of a model has, and other layers of its sizes would have."""
    return weights_of(_model.module, torch.zeros(_model.spec.input_shape))


@st.cache_resource(max_entries=32, show_spinner="Asking the network with noise in the picture …")
def probed(
    digest: str, sha256: str, layer: str, row: int, column: int, _model: models.LoadedModel, _x: torch.Tensor
) -> tuple[Repaint, Repaint]:
    """What noise outside and inside a position's receptive field does to it."""
    return probe(_model.module, _x, layer, row, column, table=table(digest, _model))


@st.cache_resource(max_entries=4, show_spinner="Shifting the picture …")
def shifted_activations(
    digest: str,
    sha256: str,
    shift: int,
    axis: Axis,
    border: str,
    layers: tuple[str, ...],
    _model: models.LoadedModel,
    _x: torch.Tensor,
) -> Activations:
    """Layers' outputs for a picture and for the shifted one, in a batch of two: about 20 MB each."""
    both = torch.cat([_x, shifted(_x, shift, axis, border)])
    return explorer.capture(_model.module, both, layers)


@st.cache_resource(max_entries=64, show_spinner="Moving the object …")
def coarse_positions(
    digest: str,
    sha256: str,
    side: int,
    axis: Axis,
    classes: tuple[int, ...],
    step: int,
    _model: models.LoadedModel,
    _x: torch.Tensor,
) -> PositionCurve:
    """The probability of some classes with the reduced picture at a few positions."""
    places = positions_along((_x.shape[-2], _x.shape[-1]), (side, side), axis, step)
    return position_curve(_model.module, torch.zeros_like(_x), reduced(_x, side), classes, places, batch=4)


@st.cache_resource(max_entries=2, show_spinner=False)
def galleries(folder: str, stamp: Stamp) -> tuple[Shelved, ...]:
    """The galleries of visualizations in a folder, as they were at the time of the stamp."""
    return read_galleries(Path(folder))


@st.cache_data(max_entries=64, show_spinner=False)
def sample_thumbnail(name: str) -> bytes:
    """A sample picture as a small WebP file."""
    return media.thumbnail(explorer.decode(explorer.sample_bytes(name)).rgb)


@st.cache_data(max_entries=4, show_spinner=False)
def edges_by_chance(kernel_size: int, count: int) -> int:
    """How many of `count` filters of pure noise pass for edge detectors; the same for everybody."""
    return round(count * by_chance(kernel_size, count=count))


def warm() -> None:
    """Do before the first visit what every visit needs."""
    loaded = model()
    stages(loaded.digest, loaded)
    loaded.module(torch.zeros(1, 3, *loaded.spec.input_size))
    for name in explorer.SAMPLES:
        sample_thumbnail(name)
