"""The components of the chapter on kernels: windows along a row, a kernel over a picture, its weights."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explorer.lesson.filtering import Display, weight_texts
from explorer.lesson.windows import Axis
from explorer.rendering import Legend
from pages.widgets import Maps, legend_data, register

_WINDOWS, _RESPONSE = map(register, ("kernel_windows", "kernel_response"))
_PICTURE, _WEIGHTS, _CHAIN = (
    register(f"kernel_{name}", "kernel_grids") for name in ("picture", "weights", "chain")
)


@dataclass(frozen=True)
class Row:
    """A row of pixels under a kernel.

    Attributes:
        title: Above it.
        axis: Its sizes and windows.
        pixels: `axis.size` numbers.
        taps: `axis.kernel` weights.
    """

    title: str
    axis: Axis
    pixels: tuple[float, ...]
    taps: tuple[float, ...]

    def as_data(self) -> dict[str, Any]:
        """What the browser gets."""
        return {
            "title": self.title,
            "size": self.axis.size,
            "before": self.axis.before,
            "after": self.axis.after,
            "windows": self.axis.windows,
            "row": self.pixels,
            "taps": self.taps,
            "outputs": self.axis.apply(self.pixels, self.taps),
        }


@dataclass(frozen=True, eq=False)
class Filtered:
    """A picture before and after a kernel.

    Attributes:
        before: uint8 (C, H, W), one or three channels.
        values: float32 (C, H, W), what the kernel made of it.
        display: The same, as it is shown.
        kernel: (kH, kW).
        texts: Its weights as they are written.
        edge: What stood beyond the edge, "replicate" or "zeros".
    """

    before: NDArray[np.uint8]
    values: NDArray[np.float32]
    display: Display
    kernel: Tensor
    texts: Sequence[Sequence[str]]
    edge: str


def windows(key: str, rows: Sequence[Row]) -> None:
    """Rows of pixels with all windows of a kernel; pointing at an output shows its window in every row.

    Args:
        key: Streamlit's key of this instance.
        rows: At least one.
    """
    _WINDOWS(key=key, data=_sealed({"panels": [row.as_data() for row in rows]}))


def filtered(
    key: str,
    shown: Filtered,
    *,
    label: str,
    titles: tuple[str, str],
    note: str,
    view: Sequence[int],
    on_view: Callable[[], None],
) -> None:
    """A picture before and after; where the line stands and what is read is sent as the trigger `view`.

    Args:
        key: Streamlit's key of this instance.
        shown: The picture.
        label: What it is, for assistive technology.
        titles: Of the two sides.
        note: Below the picture.
        view: Where the line stands (0..100), and the row, column and channel that are read.
        on_view: Called before the page runs again, with such a list sent.
    """
    packed = {
        name: base64.b64encode(np.ascontiguousarray(part).tobytes()).decode()
        for name, part in (
            ("before", shown.before),
            ("after", shown.display.pixels),
            ("values", shown.values.astype(np.float32)),
        )
    }
    data = _sealed(
        packed
        | {
            "size": list(shown.before.shape),
            "kernel": shown.kernel.tolist(),
            "texts": [list(row) for row in shown.texts],
            "edge": shown.edge,
            "channels": ["grey"] if len(shown.before) == 1 else ["red", "green", "blue"],
            "label": label,
            "titles": list(titles),
            "note": note,
        }
    )
    _PICTURE(key=key, data=data | {"view": list(view)}, on_view_change=on_view)


def weights(key: str, texts: Sequence[Sequence[str]], *, on_edit: Callable[[], None]) -> None:
    """A kernel in fields; an edit is sent as the trigger `edit`: rows of texts, each a number or a fraction.

    Args:
        key: Streamlit's key of this instance.
        texts: Its numbers as they are written, row by row.
        on_edit: Called before the page runs again.
    """
    _WEIGHTS(key=key, data=_sealed({"texts": [list(row) for row in texts]}), on_edit_change=on_edit)


def response(key: str, maps: Maps, *, start: tuple[int, int], label: str, legend: Legend) -> None:
    """A frequency response to point at.

    Args:
        key: Streamlit's key of this instance.
        maps: The one map, (1, size, size), the constant in its middle.
        start: Row and column that are read first.
        label: What it is, for assistive technology.
        legend: What the colours mean.
    """
    data = {"maps": maps.as_data(), "start": list(start), "label": label, "legend": legend_data(legend)}
    _RESPONSE(key=key, data=data)


def equation(
    key: str, parts: Sequence[tuple[str, Tensor]], whole: tuple[str, Tensor], sign: tuple[str, str]
) -> None:
    """Matrices with a sign between them, and what they are together.

    Args:
        key: Streamlit's key of this instance.
        parts: Title and weights (kH, kW) of each.
        whole: Title and weights of the single one.
        sign: Between them, and how it is spoken.
    """
    data = {"parts": [_grid(*part) for part in parts], "whole": _grid(*whole), "sign": list(sign)}
    _CHAIN(key=key, data=_sealed(data))


def _grid(title: str, kernel: Tensor) -> dict[str, Any]:
    return {"title": title, "rows": kernel.tolist(), "texts": weight_texts(kernel)}


def _sealed(data: dict[str, Any]) -> dict[str, Any]:
    """With a digest that changes when anything does: the browser draws again only then."""
    return data | {"digest": hashlib.sha256(json.dumps(data).encode()).hexdigest()}
