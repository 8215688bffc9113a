"""The animation: a window that slides, with numbers, sizes and steps to change."""

from __future__ import annotations

import streamlit as st

from explorer.lesson.walkthrough import worked_example
from pages.lesson.convolution import definition, link, presets
from pages.widgets.stepper import Setting


@st.fragment
def show() -> None:
    """The section."""
    st.header("Watch it, step by step", anchor="steps")
    st.markdown(
        "Press **Step** and follow the :blue[**window**]: what is computed at this position is written out. "
        "**Play** runs by itself, the arrow keys work too, and pointing at (or tapping) a cell of the "
        ":green[**output**] jumps there. Every number of the input and of the :orange[**kernel**] can be "
        "changed: type `2`, `-0.5` or `1/16`."
    )
    link.stepper(
        "convolution_steps",
        "walk",
        Setting.of(worked_example()).as_typed(),
        label="A convolution, step by step",
        changes=["input", "kernel", "sizes", "stride", "padding", "dilation", "flipped", "random"],
        inputs=presets.inputs(),
        kernels=presets.kernels(),
    )
    definition.general()
