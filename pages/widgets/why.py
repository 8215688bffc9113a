"""The components of the chapter "Why convolution for images?"."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explorer.lesson.sharing import Wiring
from explorer.rendering import LEVELS, Legend, Scale, colormap_for, legend
from pages.widgets import Maps, PictureView, legend_data, register

Pair = tuple[int, int]
_LOCAL, _FIELDS, _STRIP, _FOLLOW = map(register, ("local", "fields", "strip", "follow"))


@dataclass(frozen=True, eq=False)
class Canvas:
    """A small picture to paint on, and a kernel over it.

    Attributes:
        levels: Grey levels, uint8 (side, side).
        kernel: (kH, kW).
        title: The kernel's name.
        scale: The values with the first and the last colour of the map.
    """

    levels: NDArray[np.uint8]
    kernel: Tensor
    title: str
    scale: Scale


def local(key: str, canvas: Canvas, *, spot: Pair, paint: str, on_settled: Callable[[], None]) -> None:
    """A picture to paint on beside its feature map; sends {"spot", "paint"} as the trigger `settled`.

    Args:
        key: Streamlit's key of this instance.
        canvas: The picture and the kernel.
        spot: Row and column of the output that is picked.
        paint: The painted pixels, as `explorer.lesson.painting.encode` writes them.
        on_settled: Called before the page runs again.
    """
    colours = colormap_for(canvas.scale.kind)
    data: dict[str, Any] = {
        "levels": packed(canvas.levels),
        "side": len(canvas.levels),
        "kernel": canvas.kernel.tolist(),
        "title": canvas.title,
        "scale": {"low": canvas.scale.low, "high": canvas.scale.high, "steps": LEVELS},
        "palette": packed(colours.palette()),
        "legend": one_map(legend(canvas.scale, colours)),
    }
    data["digest"] = digest(data)
    _LOCAL(key=key, data=data | {"spot": list(spot), "paint": paint}, on_settled_change=on_settled)


@dataclass(frozen=True)
class Field:
    """What one position of a layer depends on.

    Attributes:
        name: The layer's.
        words: The size of the region.
        note: More about the layer, in sentences.
        positions: Rows and columns of its map.
        rows: For each row of the map the first pixel row and the one after the last; empty where every
            position depends on the whole picture.
        columns: The same for columns.
    """

    name: str
    words: str
    note: str
    positions: Pair
    rows: tuple[Pair, ...] = ()
    columns: tuple[Pair, ...] = ()


def fields(
    key: str,
    picture: PictureView,
    layers: Sequence[Field],
    *,
    layer: int,
    point: Pair,
    on_settled: Callable[[], None],
) -> None:
    """Boxes that grow on the picture; sends {"layer", "point"} as the trigger `settled`.

    Args:
        key: Streamlit's key of this instance.
        picture: The model's input.
        layers: In the network's order.
        layer: Which of them is shown.
        point: The place in the picture, in hundredths of its height and width.
        on_settled: Called before the page runs again.
    """
    data: dict[str, Any] = {
        "url": picture.url,
        "alt": picture.alt,
        "size": [picture.height, picture.width],
        "layers": [asdict(each) | {"whole": not each.rows} for each in layers],
    }
    data["digest"] = digest(data)
    _FIELDS(key=key, data=data | {"layer": layer, "point": list(point)}, on_settled_change=on_settled)


def strip(key: str, inputs: int, outputs: int, ways: Sequence[Wiring]) -> None:
    """Three ways to connect a row of inputs with a row of outputs, the weights of one output named.

    Args:
        key: Streamlit's key of this instance.
        inputs: How many inputs.
        outputs: How many outputs.
        ways: How they are connected.
    """
    data = {
        "inputs": inputs,
        "outputs": outputs,
        "ways": [asdict(way) | {"count": way.count} for way in ways],
    }
    _STRIP(key=key, data=data)


@dataclass(frozen=True, eq=False)
class Moved:
    """A shifted picture.

    Attributes:
        picture: The model's input, before it is shifted.
        shift: In pixels, to the right or down.
        limit: The farthest shift.
        axis: "columns" or "rows".
        border: What comes in, as in `explorer.lesson.equivariance.shifted`.
        fill: Red, green and blue where nothing comes in.
    """

    picture: PictureView
    shift: int
    limit: int
    axis: str
    border: str
    fill: tuple[int, int, int]


def follow(
    key: str,
    moved: Moved,
    maps: Maps,
    difference: Maps,
    *,
    titles: Sequence[str],
    legends: Sequence[Legend],
    on_settled: Callable[[], None],
) -> None:
    """A picture to shift, its feature map, and the map as it should be; sends the shift as `settled`.

    Args:
        key: Streamlit's key of this instance.
        moved: The picture.
        maps: The shifted picture's map, and the shifted map of the picture, (2, H, W).
        difference: One minus the other, (1, H, W).
        titles: Of the picture and the three maps.
        legends: Of the maps, and of the difference.
        on_settled: Called before the page runs again.
    """
    first, second = maps.as_data(), difference.as_data()
    data: dict[str, Any] = {
        "url": moved.picture.url,
        "size": [moved.picture.height, moved.picture.width],
        "shift": moved.shift,
        "limit": moved.limit,
        "axis": moved.axis,
        "border": moved.border,
        "fill": list(moved.fill),
        "maps": first,
        "difference": second,
        "titles": list(titles),
        "legends": [one_map(legend) for legend in legends],
        "digest": first["digest"] + second["digest"],
    }
    _FOLLOW(key=key, data=data, on_settled_change=on_settled)


def one_map(explained: Legend) -> dict[str, Any]:
    """A legend of a map that has no others beside it."""
    return legend_data(replace(explained, note=explained.note.split(";")[0].rstrip(".") + "."))


def packed(values: NDArray[np.uint8]) -> str:
    """Bytes as text."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def digest(data: dict[str, Any]) -> str:
    """Of everything that a component draws."""
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()


def pair_of(value: object, sizes: Sequence[int]) -> Pair | None:
    """Two whole numbers that a browser sent, each from 0 to less than its size; None where they are not."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    whole = all(isinstance(each, int) and not isinstance(each, bool) for each in value)
    if not whole or not all(0 <= each < size for each, size in zip(value, sizes, strict=True)):
        return None
    return value[0], value[1]
