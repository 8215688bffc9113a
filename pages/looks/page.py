"""What it looks for: pictures made so that one channel or class answers, from colours to objects."""

from __future__ import annotations

import streamlit as st

from pages.looks import atlas, detail
from pages.looks.chosen import chosen
from pages.reading import read


def page() -> None:
    """One channel or class in detail, where one is chosen; below it the atlas of all."""
    reading = read()
    st.markdown(
        "Every channel of the network answers to something. Here are pictures that were made, pixel by "
        "pixel, so that one channel answers as strongly as it can."
    )
    if (what := chosen(reading)) is not None:
        detail.show(reading, what)
    atlas.show(reading)


page()
