"""Which channel or class the page "What it looks for" shows in detail."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pages import state
from pages.reading import Reading

LONGEST = 40


@dataclass(frozen=True)
class Chosen:
    """A channel of a layer, or a class.

    Attributes:
        layer: The layer's name; None for a class.
        index: The channel's or the class's number.
    """

    layer: str | None
    index: int

    def title(self, labels: tuple[str, ...]) -> str:
        """What to call it.

        Args:
            labels: The model's names of its classes.
        """
        if self.layer is not None:
            return f"Channel {self.index} of {self.layer}"
        return labels[self.index] if self.index < len(labels) else f"Class {self.index}"


def chosen(reading: Reading) -> Chosen | None:
    """What the link or a click asks for; None where that is nothing, or does not exist in this model."""
    if state.text("class") is not None:
        index = state.number("class", 0, classes(reading) - 1, -1)
        return Chosen(None, index) if index >= 0 else None
    layer = state.text("layer")
    if layer not in {each.name for each in reading.layers}:
        return None
    channel = state.number("channel", 0, reading.table[layer].output_shape[1] - 1, -1)
    return Chosen(layer, channel) if channel >= 0 else None


def problem(reading: Reading) -> str | None:
    """What the link asks for and this model does not have, in a sentence; None where all is well."""
    title = reading.spec.title
    index, layer, channel = state.text("class"), state.text("layer"), state.text("channel")
    if chosen(reading) is not None:
        return None
    if index is not None:
        return f"{title} has no class {index[:LONGEST]!r}; it has {classes(reading)} of them, counted from 0."
    if layer is None or channel is None:
        return None
    if layer not in {each.name for each in reading.layers}:
        return f"{title} has no layer {layer[:LONGEST]!r} with channels."
    total = reading.table[layer].output_shape[1]
    return f"{layer} has no channel {channel[:LONGEST]!r}; it has {total} of them, counted from 0."


def choose(layer: str, channel: int, make: bool | None = None) -> None:
    """Show a channel in detail, and with `make` begin to make its picture."""
    state.choose(layer=layer, channel=channel, make=make, **{"class": None})


def choose_class(index: int, make: bool | None = None) -> None:
    """Show a class in detail, and with `make` begin to make its picture."""
    state.choose(channel=None, make=make, **{"class": index})


def choose_nothing() -> None:
    """Show the atlas alone."""
    state.choose(channel=None, make=None, **{"class": None})


def classes(reading: Reading) -> int:
    """How many classes the model tells apart; 0 where its outputs are none."""
    output = reading.activations.output
    return output.shape[1] if isinstance(output, torch.Tensor) and output.ndim == 2 else 0
