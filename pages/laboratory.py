"""Laboratory: hand-written convolutions held against PyTorch's."""

from __future__ import annotations

import streamlit as st

from pages.lab import choosing, code, explanation, result, speed


@st.fragment
def body() -> None:
    """Everything below the title; a choice runs only this again."""
    top = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    with top:
        choosing.pick_kind()
        algorithm = result.pick_algorithm()
    chosen = choosing.choose(top)
    if chosen is None:
        return
    case = result.manageable(chosen.case, algorithm)
    compared = result.show(case, chosen.kind, algorithm)
    if compared is None:
        return
    measured = speed.show(chosen)
    code.show(chosen, case, compared.algorithm)
    explanation.show(measured)


st.markdown(
    "A convolution lays a small kernel over every window of a picture, multiplies what lies on top of each "
    "other, and adds up. Here it is done twice, by hand and by PyTorch's `F.conv2d`: **the same numbers? as "
    "fast?**"
)
body()
