"""What goes wrong with models; every message is a sentence for people."""

from __future__ import annotations


class ModelError(ValueError):
    """A model that can't be loaded; the message says which, why, and what to do."""


class UnknownModelError(ModelError):
    """A name that no source of models has; the message lists the close names."""


class DownloadError(ModelError):
    """Weights that can't be brought to this computer."""


class OfflineError(DownloadError):
    """Weights that can't be brought because no server answers; the message says where to put the file."""


class CheckpointError(ModelError):
    """A file that is no checkpoint of weights, or one that can't be read safely."""
