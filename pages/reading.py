"""What a page shows: the current model's reading of the current picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

import models
from explorer.activations import Activations
from explorer.channels import statistics
from explorer.hierarchy import Stage
from explorer.layers import Layer, LayerTable
from explorer.rendering import ChannelScales, Legend, Scale, mosaic
from explorer.story import Observation
from pages import cache, media, state
from pages.media import Crop
from pages.model import devices
from pages.widgets import Geometry, Maps, PictureView


@dataclass(frozen=True, eq=False)
class Reading:
    """A picture, a model, and everything that the model made of the picture.

    Streamlit keeps what a fragment or a download was given for as long as it remembers the visitor. So a
    reading holds only what is small, and takes model and maps from the caches, which are bounded, each time.

    Attributes:
        current: The picture.
        spec: The model.
        model_key: Under which the model is kept.
        place: Where the model runs, and how exactly.
        view: The picture as the components show it.
        crop: The part of `view` that the model sees, in shares of its size.
    """

    current: state.Current
    spec: models.ModelSpec
    model_key: str
    place: models.Place
    view: PictureView
    crop: Crop

    @property
    def loaded(self) -> models.LoadedModel:
        """The model, ready to use."""
        return cache.loaded(self.model_key, self.spec, self.place)

    @property
    def table(self) -> LayerTable:
        """The model's layers."""
        return cache.table(self.loaded.key, self.loaded)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The model's early, middle and deep part."""
        return cache.stages(self.loaded.key, self.loaded)

    @property
    def x(self) -> torch.Tensor:
        """The model's input, (1, C, H, W)."""
        return self.loaded.preprocess(self.current.picture)

    @property
    def activations(self) -> Activations:
        """The maps of every layer that has some, and the logits."""
        picture = self.current.picture
        return cache.activations(self.loaded.key, picture.sha256, self.loaded, picture)

    @property
    def predictions(self) -> tuple[models.Prediction, ...]:
        """The five most probable classes; none where the model's outputs are no classes, or no numbers."""
        output = self.activations.output
        # A model of one's own may have classes without names; a library's without names only makes features.
        if not self.spec.labels and self.spec.source != "own":
            return ()
        if not isinstance(output, torch.Tensor) or output.ndim != 2 or not output.isfinite().all():
            return ()
        named = len(self.spec.labels) == output.shape[1]
        return models.top_predictions(output, self.spec.labels if named else ())

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that have feature maps, blocks included, in network order."""
        return tuple(
            sorted((layer for layer in self.table if layer.is_map), key=lambda layer: layer.finished)
        )

    def by_stage(self) -> dict[str, list[str]]:
        """The names of `layers` by the title of their stage; a block belongs to where it ends."""
        ends = {stage.title: max(layer.finished for layer in stage.layers) for stage in self.stages}
        parts: dict[str, list[str]] = {title: [] for title in ends}
        titles = list(ends)
        for layer in self.layers:
            title = next((title for title in titles if layer.finished <= ends[title]), titles[-1])
            parts[title].append(layer.name)
        return parts

    @property
    def seen(self) -> tuple[float, float, float, float]:
        """The part of the picture that the model sees, (top, left, bottom, right) in pixels."""
        return self.spec.preprocessing.visible_box(*self.current.picture.rgb.shape[:2])

    def maps(self, name: str) -> torch.Tensor:
        """The maps of a layer, (C, H, W)."""
        return self.activations[name][0]

    def observed(self, name: str, channels: Sequence[int]) -> Observation:
        """What some maps of a layer show of the picture."""
        key, sha256 = self.loaded.key, self.current.picture.sha256
        return cache.observed(key, sha256, name, tuple(channels), self.maps(name), self.x)

    def geometry(self, layer: Layer) -> Geometry:
        """The way from a layer's positions to the picture."""
        return Geometry(layer.receptive_field, self.spec.input_size, self.crop)


def read() -> Reading:
    """The current model's reading of the current picture."""
    return read_of(state.current(), *state.spec(state.model()))


def read_of(current: state.Current, spec: models.ModelSpec, key: str) -> Reading:
    """A model's reading of a picture, whichever are at work.

    Args:
        current: The picture.
        spec: The model.
        key: Under which it is kept, as `state.spec` gives it.
    """
    seen = spec.preprocessing.visible_box(*current.picture.rgb.shape[:2])
    view, crop = media.view(current.picture, seen, current.alt)
    return Reading(current, spec, key, devices.place(), view, crop)


def drawn(
    maps: torch.Tensor, channels: Sequence[int], scale: Literal["layer", "channel"] | Scale | ChannelScales
) -> tuple[Maps, Legend]:
    """Some channels of a layer with their colours, for a component, and what the colours mean.

    Args:
        maps: The whole layer, (C, H, W).
        channels: The channels to draw.
        scale: One for the layer, one for each channel, or a given one, or given ones for each.
    """
    sheet = mosaic(maps, channels=channels, scale=scale)
    return Maps(maps[list(channels)].float().numpy(), sheet.tiles, sheet.palette), sheet.legend


def layer_words(layer: Layer) -> str:
    """A layer in a line: kind, number and size of its maps."""
    _, channels, height, width = layer.output_shape
    return f"{layer.kind} · {channels} maps of {height} × {width}"


def tile_names(layer: Layer, maps: torch.Tensor, channels: tuple[int, ...]) -> list[str]:
    """What each tile is, in words, for assistive technology."""
    measured = statistics(maps)
    return [
        f"Channel {channel} of {layer.name}: mean {measured.mean[at]:.3g}, highest {measured.maximum[at]:.3g}"
        for at, channel in enumerate(channels)
    ]
