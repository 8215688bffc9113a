"""Chapter 2, why convolution for images: local connectivity, shared weights, and translation."""

from __future__ import annotations

import streamlit as st

from pages.lesson.why import local, position, sharing, stack, translation
from pages.reading import read

st.markdown(
    "A network could connect every pixel with every output and learn each connection by itself. A "
    "convolution makes three promises instead. Try to break each of them."
)
st.markdown(
    "[Look locally](#local) · [Share the weights](#sharing) · [Move along](#translation) · "
    "[A cat anywhere?](#position)"
)
reading = read()
local.show(reading)
stack.show(reading)
sharing.show(reading)
translation.show(reading)
position.show(reading)
