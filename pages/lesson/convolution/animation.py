"""The animation: a window that slides, with numbers, sizes and steps to change."""

from __future__ import annotations

import streamlit as st

from explorer.lesson.walkthrough import worked_example
from pages import media
from pages.lesson.convolution import definition, link, presets
from pages.widgets.stepper import Setting, sent_setting, stepper

KEY = "convolution_steps"
PREFIX = "walk"
START = Setting.of(worked_example()).as_typed()
LABEL = "A convolution, step by step"


@st.fragment
def show() -> None:
    """The section."""
    st.header("Watch it, step by step", anchor="steps")
    st.markdown(
        "Press **Step** and follow the :blue[**window**]: below the tables stands what is computed at this "
        "position. **Play** runs by itself, the arrow keys work too, and pointing at (or tapping) a cell of "
        "the :green[**output**] jumps there. Every number of the input and of the :orange[**kernel**] can "
        "be changed: type `2`, `-0.5` or `1/16`."
    )
    setting, problems = link.setting(PREFIX, START)
    for problem in problems:
        st.warning(media.plain(problem), icon=":material/link_off:")
    stepper(
        KEY,
        setting,
        label=LABEL,
        changes=["input", "kernel", "sizes", "stride", "padding", "dilation", "flipped", "random"],
        inputs=presets.inputs(),
        kernels=presets.kernels(),
        on_settle=_take,
    )
    definition.general()


def _take() -> None:
    if changed := sent_setting(KEY):
        link.keep(PREFIX, START, changed)
