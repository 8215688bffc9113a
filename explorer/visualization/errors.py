"""What can go wrong when a visualization is made."""

from __future__ import annotations


class VisualizationError(ValueError):
    """A visualization that can't be made; the message says what was given and what is possible."""


class Cancelled(Exception):  # noqa: N818 - nothing went wrong
    """Somebody asked for the optimisation to stop before its end."""
