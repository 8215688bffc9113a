"""From a picture to a model's input: resize, centre crop, normalise, as torchvision and timm evaluate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
FILTERS = tuple(_FILTERS)
"""The names of the interpolations."""

_WIDEST_FILTER = 3  # Lanczos reads 3 pixels to each side, bicubic 2

_LONGEST_WHOLE = 4096
"""Up to this long side (pixels after resizing) the whole picture is resized, then cropped. That is what
torchvision does, bit for bit. Beyond it only the crop is computed: resizing 1 x 5000 pixels to a short side
of 256 would make 256 x 1,280,000."""


class HasRgb(Protocol):
    """Anything with pixels: `rgb` is uint8 (H, W, 3)."""

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """The pixels, uint8 (H, W, 3)."""


class _Span(NamedTuple):
    """One axis: `source` pixels become `resized`, of which `crop` from `start` on are kept."""

    source: int
    resized: int
    start: int
    crop: int

    @property
    def scale(self) -> float:
        return self.source / self.resized

    @property
    def visible(self) -> tuple[float, float]:
        """First and last coordinate of the crop, in source pixels."""
        return self.start * self.scale, (self.start + self.crop) * self.scale

    def neighbourhood(self) -> tuple[int, int]:
        """The whole source pixels that the crop is computed from, half-open, the filter's reach included."""
        low, high = self.visible
        margin = math.ceil(_WIDEST_FILTER * max(self.scale, 1.0)) + 1
        return max(math.floor(low) - margin, 0), min(math.ceil(high) + margin, self.source)


@dataclass(frozen=True)
class Preprocessing:
    """Resize the short side, crop the centre, scale to 0..1, subtract `mean`, divide by `std`.

    Equal to `torchvision.transforms` (`Resize`, `CenterCrop`, `ToTensor`, `Normalize` on a Pillow picture),
    to which timm's evaluation transform comes down as well. The exception is pictures so long that they
    would exceed 4096 pixels after resizing: they are cropped before they are resized, and single values may
    be off by one grey level.

    Attributes:
        resize: Length of the short side after resizing, in pixels.
        crop: Side of the square centre crop, in pixels, at most `resize`.
        mean: Per channel (red, green, blue), on the scale 0..1; one number for a network that takes grey.
        std: Per channel, on the scale 0..1.
        interpolation: "bilinear", "bicubic" or "lanczos".
        squash: Both sides become `resize` pixels long, whatever the picture's proportions (timm's
            `crop_mode="squash"`).
    """

    resize: int
    crop: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"
    squash: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.crop <= self.resize:
            raise ValueError(
                f"the crop (={self.crop}) must be between 1 pixel and the resized short side (={self.resize})"
            )
        if self.interpolation not in _FILTERS:
            raise ValueError(f"interpolation is one of {', '.join(_FILTERS)}, not {self.interpolation!r}")
        if len(self.mean) not in (1, 3) or len(self.std) != len(self.mean) or min(self.std) <= 0:
            raise ValueError(
                "mean and std have one number per channel (3, or 1 for grey), std above 0, "
                f"not {self.mean} and {self.std}"
            )

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape of the model's input for one picture, (1, C, H, W)."""
        return 1, len(self.mean), self.crop, self.crop

    def __call__(self, picture: HasRgb) -> Tensor:
        """The model's input for one picture: float32 (1, 3, crop, crop), or (1, 1, crop, crop) in grey.

        Args:
            picture: Anything whose `rgb` is a uint8 array (H, W, 3) of any size; it is not changed.

        Raises:
            ValueError: If `rgb` is something else.
        """
        rgb = picture.rgb
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or not rgb.size:
            raise ValueError(f"a picture is a uint8 array (H, W, 3), not {rgb.dtype} {rgb.shape}")
        image = Image.fromarray(rgb) if len(self.mean) == 3 else Image.fromarray(rgb).convert("L")
        pixels = np.array(self._resize_and_crop(image))  # (crop, crop, 3), grey: (crop, crop)
        pixels = pixels.reshape(self.crop, self.crop, -1)
        x = torch.from_numpy(pixels).permute(2, 0, 1).contiguous().to(torch.float32).div_(255)
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.std))
        return x.sub_(mean).div_(std).unsqueeze(0)

    def visible_box(self, height: int, width: int) -> tuple[float, float, float, float]:
        """The part of a picture of `height` x `width` pixels that the crop shows.

        Returns:
            (top, left, bottom, right) in the picture's own pixels, 0 being its outer edge.

        Example:
            >>> Preprocessing(256, 224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)).visible_box(512, 1024)
            (32.0, 288.0, 480.0, 736.0)
        """
        rows, columns = self._spans(height, width)
        (top, bottom), (left, right) = rows.visible, columns.visible
        return top, left, bottom, right

    def describe(self) -> str:
        """What is done, in a sentence for people."""
        mean, std = (
            f"{values[0]:g}" if len(set(values)) == 1 else "({})".format(", ".join(f"{v:g}" for v in values))
            for values in (self.mean, self.std)
        )
        sides = "Both sides are" if self.squash else "The short side is"
        grey = "The picture is taken in grey. " if len(self.mean) == 1 else ""
        return (
            f"{grey}{sides} resized to {self.resize} pixels ({self.interpolation}), the central "
            f"{self.crop} × {self.crop} pixels are kept, and from each value on a scale of 0 to 1 the mean "
            f"{mean} is subtracted before dividing by {std}."
        )

    def _spans(self, height: int, width: int) -> tuple[_Span, _Span]:
        if self.squash:
            return self._span(height, height), self._span(width, width)
        short = min(height, width)
        return self._span(height, short), self._span(width, short)

    def _span(self, source: int, short: int) -> _Span:
        resized = self.resize * source // short  # torchvision cuts off the fraction ...
        return _Span(
            source, resized, round((resized - self.crop) / 2), self.crop
        )  # ... and rounds half to even

    def _resize_and_crop(self, image: Image.Image) -> Image.Image:
        rows, columns = self._spans(image.height, image.width)
        if max(rows.resized, columns.resized) > _LONGEST_WHOLE:
            return self._crop_then_resize(image, rows, columns)
        whole = image.resize((columns.resized, rows.resized), _FILTERS[self.interpolation])
        left, top = columns.start, rows.start
        return whole.crop((left, top, left + self.crop, top + self.crop))

    def _crop_then_resize(self, image: Image.Image, rows: _Span, columns: _Span) -> Image.Image:
        (top, bottom), (left, right) = rows.neighbourhood(), columns.neighbourhood()
        part = image.crop((left, top, right, bottom))
        box = (
            columns.visible[0] - left,
            rows.visible[0] - top,
            columns.visible[1] - left,
            rows.visible[1] - top,
        )
        return part.resize((self.crop, self.crop), _FILTERS[self.interpolation], box=box)
