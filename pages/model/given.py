"""Models that visitors gave from files: seen by nobody else, and removed with their session."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import IO

import models

PREFIX = "given-"
"""What the names of such models begin with; they mean something in one session only."""

MAX_BYTES_ON_DISK = 16 << 30
"""Of all visitors' files together."""

MOST_PER_SESSION = 4

_FILES: weakref.WeakSet[GivenFile] = weakref.WeakSet()


class GivenFile:
    """A copy of a visitor's file on the disk, which goes when nobody holds this object any more.

    Args:
        name: What the visitor calls it; only its last part counts.
        content: Read from its beginning.

    Raises:
        ModelError: If there is no room for it.
    """

    def __init__(self, name: str, content: IO[bytes]) -> None:
        content.seek(0, 2)
        self.nbytes = content.tell()
        content.seek(0)
        if self.nbytes + sum(file.nbytes for file in _FILES) > MAX_BYTES_ON_DISK:
            raise models.ModelError("There is no room for another file now. Try again when others have left.")
        folder = Path(tempfile.mkdtemp(prefix="explorer-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        plain = "".join(sign for sign in Path(name).name if sign.isprintable())[-80:]
        self.path = folder / (plain.lstrip(".") or "weights")
        try:
            with self.path.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
        except OSError as error:
            raise models.ModelError(f"The file can't be kept: {error.strerror or error}.") from error
        _FILES.add(self)


@dataclass(frozen=True, eq=False)
class Given:
    """A model that a visitor gave.

    Attributes:
        spec: What it is; its name holds in the visitor's session only.
        file: Its weights, where they were uploaded.
        token: Nobody can guess it, so nobody else can ask for the loaded model.
    """

    spec: models.ModelSpec
    file: GivenFile | None = None
    token: str = field(default_factory=token_hex)
