"""The weights of a first layer as what they are: small colour patterns."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.channels import feature_maps
from explorer.rendering.colormaps import RGB
from explorer.rendering.grid import Grid, columns_for
from explorer.rendering.png import encode_png

_GREY = 128
_BROKEN = (
    255,
    0,
    255,
)  # a weight that is NaN or infinite; no filter of finite weights is drawn in a warning colour


def filters_rgb(weight: Tensor | np.ndarray) -> NDArray[np.uint8]:
    """Turn convolution weights into colours, each filter stretched evenly around mid grey.

    A zero weight is exactly (128, 128, 128) and the filter's largest weight, of either sign, reaches 255 or
    1: a bright red spot means that red there makes the response larger, a dark (cyan) one that it makes it
        smaller.

    Args:
        weight: (O, 3, kH, kW) for colours, or (O, 1, kH, kW) for grey, e.g. `conv.weight` of a first layer.

    Returns:
        uint8 (O, kH, kW, 3). A filter of zeros is grey; NaN and infinite weights are magenta.

    Raises:
        TypeError: The weights are not real numbers.
        ValueError: They have another number of input channels; only three are colours.
    """
    shape = tuple(getattr(weight, "shape", ()))
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise ValueError(
            f"filters are drawn from weights (O, 3, kH, kW), or (O, 1, kH, kW) in grey, got {shape}: "
            "only a layer that reads the picture has colours as its input channels"
        )
    out, depth, height, width = shape
    values = feature_maps(weight.reshape(out, depth * height, width)).reshape(shape).double()
    finite = values.isfinite()
    values = values.where(finite, 0.0)
    largest = values.abs().amax(dim=(1, 2, 3), keepdim=True)
    values = values / largest.where(largest > 0, 1.0) * (255 - _GREY) + _GREY
    colors = values.round().to(torch.uint8).expand(out, 3, height, width).permute(0, 2, 3, 1).contiguous()
    broken = ~finite.all(dim=1)  # (O, kH, kW)
    colors[broken] = torch.tensor(_BROKEN, dtype=torch.uint8)
    drawn: NDArray[np.uint8] = colors.numpy()
    return drawn


def filters_rgb_png(
    weight: Tensor | np.ndarray,
    *,
    columns: int | None = None,
    gap: int = 2,
    zoom: int = 8,
    background: RGB | None = None,
) -> bytes:
    """Draw the filters of a first layer side by side; see `filters_rgb` for colours and errors.

    Args:
        weight: (O, 3, kH, kW) or (O, 1, kH, kW).
        columns: Filters per row; None for a picture about as wide as high.
        gap: Pixels between filters.
        zoom: Side of the square of pixels for one weight.
        background: RGB of the gaps, None for transparent.

    Returns:
        An RGBA PNG file.
    """
    colors = filters_rgb(weight)
    count, height, width, _ = colors.shape
    if columns is None:
        columns = columns_for(count, height * zoom + gap, width * zoom + gap)
    grid = Grid(count, height, width, columns, gap, zoom)
    opaque = np.concatenate([colors, np.full_like(colors[..., :1], 255)], axis=3)
    rows, repeats = grid.lines(opaque, 0)
    picture = np.repeat(rows, repeats, axis=0)
    if background is not None:
        picture[picture[..., 3] == 0] = (*background, 255)
    return encode_png(picture)
