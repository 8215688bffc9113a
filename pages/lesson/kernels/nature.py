"""What a kernel is like, whatever the picture: its answer to waves, and whether it can be taken apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from explorer.lesson.frequency import FrequencyResponse, frequency_response
from explorer.lesson.separability import Separability, separate
from explorer.rendering import mosaic
from pages.lesson.kernels import words
from pages.lesson.kernels.choosing import Chosen
from pages.widgets import Maps
from pages.widgets import kernels as widgets

READABLE = 7
FINE = 257
"""Frequencies on a side, for what is said in numbers; fewer are enough for the picture."""
NOTE = (
    "The lighter, the stronger a wave comes out. In the middle the even picture, at the rim the finest "
    "stripes."
)


def show(chosen: Chosen) -> None:
    """Both, side by side."""
    waves, parts = st.columns(2, gap="large")
    with waves:
        show_waves(chosen)
    with parts:
        show_parts(separate(chosen.weight))


def show_waves(chosen: Chosen) -> None:
    """The frequency response."""
    st.subheader("What it does to waves", anchor="waves")
    st.markdown(words.waves(frequency_response(chosen.weight, FINE)))
    response = frequency_response(chosen.weight)
    sheet = mosaic(response.magnitude[None].float(), scale="layer")
    widgets.response(
        "kernels_response",
        Maps(response.magnitude[None].float().numpy(), sheet.tiles, sheet.palette),
        start=strongest(response),
        label=f"Frequency response of {chosen.title}",
        legend=replace(sheet.legend, note=NOTE),
    )


def strongest(response: FrequencyResponse) -> tuple[int, int]:
    """Row and column of the strongest wave."""
    vertical, horizontal, _ = response.strongest
    row, column = (int(np.abs(response.frequencies.numpy() - at).argmin()) for at in (vertical, horizontal))
    return row, column


def show_parts(apart: Separability) -> None:
    """Rank, and the column and row where there is one of each."""
    st.subheader("A column times a row?", anchor="separable")
    st.markdown(words.separable(apart))
    if apart.separable and max(apart.kernel.shape) <= READABLE:
        widgets.equation(
            "kernels_parts", [("Column", apart.columns.T), ("Row", apart.rows)], ("Kernel", apart.kernel),
            sign=("·", "times"),
        )  # fmt: skip
