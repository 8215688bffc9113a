"""Which channel or class the page "What it looks for" shows in detail."""

from __future__ import annotations

from dataclasses import dataclass

from pages import state
from pages.reading import Reading


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


def choose(layer: str, channel: int) -> None:
    """Show a channel in detail."""
    state.choose(layer=layer, channel=channel, **{"class": None})


def choose_class(index: int) -> None:
    """Show a class in detail."""
    state.choose(**{"class": index, "channel": None})


def choose_nothing() -> None:
    """Show the atlas alone."""
    state.choose(**{"class": None, "channel": None})


def classes(reading: Reading) -> int:
    """How many classes the model tells apart."""
    return int(reading.activations.output.shape[-1])
