"""Files of weights in the one folder that whoever started the app allows its visitors to read."""

from __future__ import annotations

import os
from pathlib import Path

import models
from models.checkpoint import SUFFIXES
from models.own import CHECKPOINTS

MOST = 500
"""Files that are listed."""


def allowed() -> Path | None:
    """The folder that `$EXPLORER_CHECKPOINTS` names, as `python -m explorer run --checkpoints` sets it.

    None where there is none, and files can only be uploaded.
    """
    given = os.environ.get(CHECKPOINTS)
    folder = Path(given).resolve() if given else None
    return folder if folder is not None and folder.is_dir() else None


def files(folder: Path) -> list[str]:
    """The files of weights in a folder and its folders, as paths within it."""
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES)
    names = (path.relative_to(folder).as_posix() for path in found if path.resolve().is_relative_to(folder))
    return [name for name, _ in zip(names, range(MOST), strict=False)]


def inside(folder: Path, name: str) -> Path:
    """The file of that name within the folder.

    Raises:
        ModelError: If it is not one of `files(folder)`, such as a way out of the folder.
    """
    if name not in files(folder):
        raise models.ModelError(f"There is no file {name!r} in the folder of checkpoints.")
    return folder / name
