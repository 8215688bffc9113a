"""Chapter 3: stride and padding, what SAME means, and a playground of kernels on one's own picture."""

from __future__ import annotations

import streamlit as st

from pages.lesson.kernels import playground, row, same, sizes

st.markdown(
    "[Stride and padding](#stride-and-padding) · [What SAME means](#same) · "
    "[Kernels on your picture](#kernels) · [Several in a row](#compose)"
)
sizes.show()
same.show_two_libraries()
even, dilation = st.columns(2, gap="large")
with even:
    same.show_even()
with dilation:
    same.show_dilation()
playground.show()
row.show()
