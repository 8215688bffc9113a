"""One channel or class: its picture, made before or now, beside what natural pictures show."""

from __future__ import annotations

import streamlit as st

from pages import media
from pages.looks.chosen import Chosen
from pages.reading import Reading


def show(reading: Reading, what: Chosen) -> None:
    """What a channel or class looks for.

    Args:
        reading: The picture and the model.
        what: The channel or class, which exists in this model.
    """
    st.subheader(media.plain(what.title(reading.loaded.labels)), anchor=False)
