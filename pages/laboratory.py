"""Laboratory: hand-written convolutions held against PyTorch's."""

from __future__ import annotations

import streamlit as st

from pages.lab import code, explanation, result, speed, subject


@st.fragment
def body() -> None:
    """Everything below the title; a choice runs only this again."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        subject.pick_kind()
        algorithm = result.pick_algorithm()
    chosen = subject.choose()
    if chosen is None:
        return
    case = result.manageable(chosen.case, algorithm)
    compared = result.show(case, chosen.kind, algorithm)
    if compared is None:
        return
    speed.show(chosen)
    code.show(chosen, case, compared.algorithm)
    explanation.show()


st.markdown(
    "A convolution lays a small kernel over every window of a picture, multiplies what lies on top of each "
    "other, and adds up. Here hand-written ones meet `torch.nn.functional.conv2d`: the same numbers? as "
    "fast? "
    ":small[PyTorch's convolution is, strictly, cross-correlation: the kernel is not turned before.]"
)
body()
