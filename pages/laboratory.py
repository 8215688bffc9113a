"""Laboratory: hand-written convolutions held against PyTorch's."""

from __future__ import annotations

import streamlit as st

from pages.lab import code, result, subject


@st.fragment
def body() -> None:
    """Everything below the title; a choice runs only this again."""
    chosen = subject.choose()
    if chosen is None:
        return
    algorithm = result.pick_algorithm()
    compared = result.show(chosen, algorithm)
    if compared is not None:
        code.show(chosen, compared.algorithm)


st.title("Convolution by hand, against PyTorch")
st.markdown(
    "A convolution lays a small kernel over every window of a picture, multiplies what lies on top of each "
    "other, and adds up. Here hand-written ones meet `torch.nn.functional.conv2d`: the same numbers? as fast?"
)
body()
