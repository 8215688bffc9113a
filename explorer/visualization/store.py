"""A folder of finished visualizations, found by the digest of all that they follow from.

Each is a PNG file with its record inside, written whole or not at all, so that a folder may be shared by
several processes and survives being killed. A damaged file counts as missing and is made again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from explorer.visualization.errors import VisualizationError
from explorer.visualization.recipe import Origin, Visualization
from explorer.visualization.runs import Run

RECORD = "visualization"
"""The name of the PNG text that holds the record."""
_LONGEST_RECORD = 900_000  # Pillow reads a million letters of text


class Store:
    """Visualizations by digest, at most `limit` of them; the oldest go first."""

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        """Use `folder`, which is made when something is put into it.

        Raises:
            ValueError: If the limit is below 1.
        """
        if limit is not None and limit < 1:
            raise ValueError(f"a store holds at least one visualization, not {limit}")
        self.folder, self._limit = folder, limit

    def get(self, origin: Origin) -> Visualization | None:
        """The visualization of that origin; None where there is none or its file is damaged."""
        try:
            found = from_png(self._path(origin.digest).read_bytes())
        except (OSError, VisualizationError):
            return None
        return found if found.origin == origin else None

    def put(self, made: Visualization) -> Path:
        """Keep a visualization; returns its file.

        Raises:
            OSError: If it can't be written.
        """
        path = self._path(made.digest)
        write_whole(path, to_png(made))
        self._forget()
        return path

    def __contains__(self, origin: Origin) -> bool:
        return self.get(origin) is not None

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob("*.png"))

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.png"

    def _forget(self) -> None:
        if self._limit is None:
            return
        files = sorted(self.folder.glob("*.png"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        for path in files[: max(len(files) - self._limit, 0)]:
            path.unlink(missing_ok=True)


def to_png(made: Visualization, run: Run | None = None) -> bytes:
    """The picture as PNG, its record as text inside: everything needed to make it again.

    Args:
        made: The visualization.
        run: What it was made in; left out of the record where it starts from a picture too large for that.
    """
    record = {**made.to_json(), "pixels_sha256": pixels_digest(made.picture)}
    text = json.dumps(record | ({} if run is None else {"run": run.to_json()}), sort_keys=True)
    if len(text) > _LONGEST_RECORD:
        text = json.dumps(record, sort_keys=True)
    info = PngInfo()
    info.add_itxt(RECORD, text, zip=True)
    file = io.BytesIO()
    Image.fromarray(made.picture).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def from_png(data: bytes) -> Visualization:
    """The visualization that `to_png` wrote.

    Raises:
        VisualizationError: If the file is damaged, or another one.
    """
    with _damage():
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            picture = np.array(image.convert("RGB"))  # decodes, which reads text behind the pixels, too
            record: dict[str, Any] = json.loads(image.text[RECORD])  # type: ignore[attr-defined]
        if pixels_digest(picture) != record["pixels_sha256"]:
            raise VisualizationError("the pixels are not those that were stored")
        picture.flags.writeable = False
        curve = np.array(record["curve"], dtype=np.float32)
        return Visualization(picture, Origin.from_json(record), float(record["value"]), curve)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except VisualizationError:
        raise
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VisualizationError(f"this is no stored visualization: {error}") from error


def pixels_digest(picture: NDArray[np.uint8]) -> str:
    """sha256 of a picture's pixels, row by row, in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever finds half of it; folders are made.

    Raises:
        OSError: If it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
