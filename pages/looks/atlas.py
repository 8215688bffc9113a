"""The atlas: the whole gallery, one row for each depth of the network, then the classes."""

from __future__ import annotations

from pages.reading import Reading


def show(reading: Reading) -> None:
    """All pictures of the gallery of the model at work."""
