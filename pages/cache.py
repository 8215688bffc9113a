"""What is computed once and kept, for all visitors together.

Keys are digests of content (`LoadedModel.key` and the picture's sha256) and plain parameters; what a function
works on beside its key has a leading underscore, which keeps Streamlit from hashing it. Everything is
bounded: models and activations by their size, since networks differ a hundredfold, the rest by their number.
(A cache for each session would hold them until Streamlit forgets the session, minutes after its visitor has
left.)
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import streamlit as st
import torch
from streamlit.runtime.scriptrunner import get_script_run_ctx

import explorer
import models
from explorer import side_by_side
from explorer.activations import Activations
from explorer.hierarchy import Stage
from explorer.layers import LayerTable
from explorer.lesson.edges import by_chance
from explorer.lesson.equivariance import Axis, shifted
from explorer.lesson.locality import Repaint, probe
from explorer.lesson.position import PositionCurve, position_curve, positions_along, reduced
from explorer.lesson.sharing import LayerWeights, weights_of
from explorer.placement import to_device_of
from explorer.side_by_side import FirstFilters
from explorer.story import Observation, observe
from explorer.visualization.beside import Beside, look
from explorer.visualization.shelf import Shelved, Stamp, read_galleries
from models.devices import CPU
from pages import media, state
from pages.kept import Kept
from pages.model import devices

logger = logging.getLogger(__name__)

MODELS = models.ModelStore()
"""The models loaded on the CPU, of all visitors."""

_ELSEWHERE: dict[models.Device, models.ModelStore] = {}
"""Those on other devices, which have memory of their own."""

ACTIVATIONS: Kept[Activations] = Kept(500_000_000, lambda activations: activations.nbytes)
"""Every layer's maps of the pictures looked at last; six pictures with the bundled model."""


def model(name: str | None = None) -> models.LoadedModel:
    """A model, loaded if it is not; None for the one at work.

    Raises:
        ModelError: If there is no such model, or its weights are not on this computer or not what they should
            be.
    """
    spec, key = state.spec(name or state.model())
    return loaded(key, spec, devices.place())


def store(device: models.Device) -> models.ModelStore:
    """The models that are loaded on a device."""
    if device == CPU:
        return MODELS
    return _ELSEWHERE.setdefault(device, models.ModelStore(device=device))


def loaded(key: str, spec: models.ModelSpec, place: models.Place) -> models.LoadedModel:
    """A model by its spec, under the key that `state.spec` gives; nothing of the session is asked for.

    Raises:
        ModelError: If its weights are not on this computer or not what they should be, or the device has no
            room for it.
    """

    def load() -> models.LoadedModel:
        return models.LoadedModel(spec, *spec.build())

    kept = store(place.device)
    with nullcontext() if key in kept.names else _telling(f"Loading {spec.title} …"):
        found = kept.get(key, load=load)
    return found.in_mixed_precision if place.mixed else found


@st.cache_resource(max_entries=16, show_spinner=False)
def table(key: str, _model: models.LoadedModel) -> LayerTable:
    """The layer table of a model; it depends on the input's size only, so a black picture will do."""
    with models.telling_memory(f"Following a picture through {_model.spec.title}", _model.device):
        return explorer.layer_table(_model.module, torch.zeros(_model.spec.input_shape))


@st.cache_resource(max_entries=16, show_spinner=False)
def stages(key: str, _model: models.LoadedModel) -> tuple[Stage, ...]:
    """The stages of a model, with the layers that have feature maps."""
    return explorer.stages(table(key, _model))


def activations(key: str, sha256: str, model: models.LoadedModel, picture: explorer.Picture) -> Activations:
    """Every feature map of a picture; one forward run."""

    def capture() -> Activations:
        names = [layer.name for layer in table(key, model) if layer.is_map]
        with model.at_work("Looking at every layer of"):
            made = explorer.capture(model.module, model.preprocess(picture), names)
        return made.in_float32() if model.mixed else made

    if ACTIVATIONS.has((key, sha256)):
        return ACTIVATIONS.get((key, sha256), capture)
    with _telling("Looking at every layer …"):
        return ACTIVATIONS.get((key, sha256), capture)


@st.cache_resource(max_entries=8, show_spinner=False)
def weights(key: str, _model: models.LoadedModel) -> tuple[LayerWeights, ...]:
    """How many weights every convolution of a model has, and other layers of its sizes would have."""
    return weights_of(_model.module, torch.zeros(_model.spec.input_shape))


@st.cache_data(max_entries=128, show_spinner=False)
def observed(
    key: str, sha256: str, layer: str, channels: tuple[int, ...], _maps: torch.Tensor, _x: torch.Tensor
) -> Observation:
    """What some maps of a layer, (C, H, W), show of the picture."""
    return observe(_maps[list(channels)], _x)


@st.cache_data(max_entries=16, show_spinner=False)
def first_filters(key: str, _model: models.LoadedModel) -> FirstFilters | None:
    """How many filters that read the picture pass for edge detectors; None where none can be judged."""
    return side_by_side.first_filters(_model.module, table(key, _model))


@st.cache_resource(max_entries=32, show_spinner="Asking the network with noise in the picture …")
def probed(
    key: str, sha256: str, layer: str, row: int, column: int, _model: models.LoadedModel, _x: torch.Tensor
) -> tuple[Repaint, Repaint]:
    """What noise outside and inside a position's receptive field does to it."""
    return probe(_model.module, _x, layer, row, column, table=table(key, _model))


@st.cache_resource(max_entries=4, show_spinner="Shifting the picture …")
def shifted_activations(
    key: str,
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
    key: str,
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


@st.cache_resource(max_entries=64, show_spinner="Looking at the sample pictures …")
def beside(key: str, layer: str, _model: models.LoadedModel) -> Beside:
    """What a layer answers to each of the sample pictures; "" is the model's output."""
    inputs = {name: _model.preprocess(sample(name)) for name in explorer.SAMPLES}
    return look(_model.module, [layer], inputs)[layer]


@st.cache_resource(max_entries=256, show_spinner=False)
def beside_one(key: str, layer: str, digest: str, _model: models.LoadedModel, _x: torch.Tensor) -> Beside:
    """What a layer answers to one picture, by the digest of the picture and of how it is prepared."""
    return look(_model.module, [layer], {"": _x})[layer]


@st.cache_resource(max_entries=16, show_spinner=False)
def sample(name: str) -> explorer.Picture:
    """A sample picture."""
    return explorer.decode(explorer.sample_bytes(name))


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
    name = models.default_name()
    try:
        spec = models.find(name)
        default = loaded(name, spec, models.Place(models.choose_device()))
        stages(default.key, default)
        default.module(to_device_of(default.module, torch.zeros(spec.input_shape)))
    except Exception:  # the page tells it to whoever comes, and shows another model
        logger.exception("the model that the app was started on can't be shown")
    for sample in explorer.SAMPLES:
        sample_thumbnail(sample)


def _telling(what: str) -> AbstractContextManager[None]:
    """Say on the page what one waits for; nothing where no page is being made, as in a download."""
    return st.spinner(what) if get_script_run_ctx(suppress_warning=True) else nullcontext()
