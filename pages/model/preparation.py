"""How pictures are prepared for a model of one's own, as fields to fill in."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import streamlit as st

import models
from models.architectures import Architecture, architecture
from models.preprocessing import FILTERS

CHANNELS = {3: "3, in colour", 1: "1, in grey"}
LARGEST = 2048


@dataclass(frozen=True)
class Fields:
    """What stands in the fields, unchecked.

    Attributes:
        channels: Of the input, 1 or 3.
        resize: Length of the short side after resizing, in pixels.
        crop: Side of the central square, in pixels.
        interpolation: One of `models.preprocessing.FILTERS`.
        mean: Numbers on a scale of 0 to 1, separated by commas or spaces; one for all channels, or one each.
        std: Likewise.
    """

    channels: int
    resize: int
    crop: int
    interpolation: str
    mean: str
    std: str

    def preprocessing(self, kind: Architecture) -> models.Preprocessing:
        """The preparation.

        Raises:
            ModelError: If the fields do not fit together.
        """
        mean, std = (numbers(text, self.channels) for text in (self.mean, self.std))
        usual = kind.preprocessing
        try:
            return models.Preprocessing(self.resize, self.crop, mean, std, self.interpolation, usual.squash)
        except ValueError as error:
            raise models.ModelError(f"The preparation of pictures can't be right: {error}.") from error


def fields(name: str) -> Fields:
    """The fields, filled with what is usual for an architecture."""
    usual = architecture(name).preprocessing
    with st.expander("How pictures are prepared for it", key="own_preparation"):
        st.markdown(
            ":small[As they were in training. Filled in is what is usual for this architecture; for 32 × 32 "
            "pixels set both sizes to 32.]"
        )
        first, second, third, fourth = st.columns(4)
        channels = first.selectbox(
            "Channels", list(CHANNELS), format_func=lambda count: CHANNELS.get(count, ""), required=True,
            index=list(CHANNELS).index(len(usual.mean)), key=f"own_channels {name}",
        )  # fmt: skip
        resize = second.number_input("Short side", 1, LARGEST, usual.resize, key=f"own_resize {name}")
        crop = third.number_input("Central square", 1, LARGEST, usual.crop, key=f"own_crop {name}")
        interpolation = fourth.selectbox(
            "Resized by", FILTERS, index=FILTERS.index(usual.interpolation), required=True,
            key=f"own_interpolation {name}",
        )  # fmt: skip
        left, right = st.columns(2)
        about = "On a scale of 0 to 1; one number for all channels, or one for each."
        mean = left.text_input("Mean", written(usual.mean), help=about, key=f"own_mean {name}", max_chars=100)
        std = right.text_input(
            "Standard deviation", written(usual.std), help=about, key=f"own_std {name}", max_chars=100
        )
    return Fields(channels or 3, resize, crop, interpolation or usual.interpolation, mean, std)


def numbers(text: str, channels: int) -> tuple[float, ...]:
    """Numbers that somebody typed, one for each channel.

    Raises:
        ModelError: If they are no numbers, or neither one nor as many as there are channels.

    Example:
        >>> numbers("0.485, 0.456 0.406", 3), numbers("0.5", 3)
        ((0.485, 0.456, 0.406), (0.5, 0.5, 0.5))
    """
    try:
        given = tuple(float(part) for part in re.split(r"[\s,;]+", text.strip(" ,;()[]")) if part)
    except ValueError:
        given = ()
    if len(given) == 1:
        given *= channels
    if len(given) != channels or not all(map(math.isfinite, given)):
        one = "a number" if channels == 1 else f"one number, or {channels}"
        raise models.ModelError(f"Mean and deviation are {one}, such as 0.5; {text!r} is not.")
    return given


def written(values: tuple[float, ...]) -> str:
    """Numbers as they are typed."""
    return ", ".join(f"{value:g}" for value in (values if len(set(values)) > 1 else values[:1]))
