"""A small picture to paint on, under one kernel: what an output value notices of the paint.

The picture is square and has few pixels, so that each can be seen and hit. Its values are grey levels from 0
(black) to 255 (white). Paint turns a dark pixel white and a light one black: a painted pixel has always
changed, whatever it was.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from explorer.laboratory.cases import luminance
from explorer.lesson.matrices import LessonError

SIDE = 48
"""Pixels of a side: few enough to hit one with a finger, enough to recognise a face."""

Levels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def grid(rgb: NDArray[np.uint8], side: int = SIDE) -> Levels:
    """A picture (H, W, 3) as grey levels, uint8 (side, side)."""
    grey = (luminance(rgb)[0, 0] * 255).round().clamp(0, 255).to(torch.uint8).numpy()
    # The mean of the pixels that become one, or of the nearest ones where the picture is smaller.
    return np.array(Image.fromarray(grey).resize((side, side), Image.Resampling.BOX))


def painted(levels: Levels, mask: Mask) -> Levels:
    """The picture with paint where the mask says so; dark becomes white, light black.

    Example:
        >>> painted(np.array([[0, 90, 200]], np.uint8), np.array([[True, False, True]])).tolist()
        [[255, 90, 0]]
    """
    return np.where(mask, np.where(levels < 128, 255, 0), levels).astype(np.uint8)


def pixels(x: Tensor, mean: Sequence[float], std: Sequence[float]) -> NDArray[np.uint8]:
    """A model's input as a picture again, uint8 (H, W, 3): the opposite of the normalisation.

    Args:
        x: (1, 3, H, W), or (1, 1, H, W) for a network that takes grey; normalised.
        mean: Of each channel, on a scale of 0 to 1.
        std: The same.
    """
    scaled = x[0] * torch.tensor(std)[:, None, None] + torch.tensor(mean)[:, None, None]
    coloured = (scaled * 255).round().clamp(0, 255).byte().expand(3, -1, -1)
    levels: NDArray[np.uint8] = coloured.permute(1, 2, 0).contiguous().numpy()
    return levels


def as_input(levels: Levels) -> Tensor:
    """Grey levels (H, W) as a model takes them, float32 (1, 1, H, W) from 0 to 255."""
    return torch.from_numpy(levels.astype(np.float32))[None, None]


def one_kernel(kernel: Tensor) -> nn.Sequential:
    """A network of one convolution without padding, its layer named "0".

    Args:
        kernel: Its weights, (kH, kW).
    """
    made = nn.Conv2d(1, 1, (kernel.shape[0], kernel.shape[1]), bias=False)
    with torch.no_grad():
        made.weight.copy_(kernel)
    return nn.Sequential(made).eval().requires_grad_(False)


def reach(kernel: Tensor, outputs: Tensor) -> tuple[float, float]:
    """The values between which a map is drawn: around 0 for a kernel with negative weights, else from 0.

    Args:
        kernel: (kH, kW).
        outputs: What it makes of the picture; where that is 0 everywhere, what it could make counts.
    """
    high = float(outputs.abs().max()) or float(kernel.abs().sum()) * 255 or 1.0
    return (-high if bool((kernel < 0).any()) else 0.0), high


def encode(mask: Mask) -> str:
    """Which pixels are painted, as it stands in a link; "" for none. Empty ends are left out.

    Example:
        >>> encode(np.array([[False, True], [True, False]]))
        'YA'
    """
    packed = np.packbits(mask).tobytes().rstrip(b"\0")
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(text: str, side: int = SIDE) -> Mask:
    """The mask (side, side) that `encode` wrote.

    Raises:
        LessonError: If it is none.
    """
    length = -(-side * side // 8)
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise LessonError(f"what is painted cannot be read from {text[:20]!r}") from error
    if len(packed) > length:
        raise LessonError(f"there are {side}×{side} pixels to paint, got {8 * len(packed)}")
    bits = np.unpackbits(np.frombuffer(packed.ljust(length, b"\0"), np.uint8))[: side * side]
    return bits.astype(bool).reshape(side, side)
