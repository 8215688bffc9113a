"""The code behind the result: the algorithm's own file, and a script that makes the comparison again."""

from __future__ import annotations

import inspect

import streamlit as st

from explorer.convolution import ALGORITHMS
from explorer.laboratory.script import script
from pages import state
from pages.lab.subject import Subject


def show(subject: Subject, algorithm: str) -> None:
    """Any algorithm's source, with the one at work first, and the script."""
    st.subheader("The code")
    names = list(ALGORITHMS)
    shown = state.choice("code", names, default=algorithm)
    st.segmented_control(
        "Algorithm", names, required=True, label_visibility="collapsed",
        **state.follow("lab_code", shown, lambda value: state.choose(code=value)),
    )  # fmt: skip
    source, again = st.tabs([f"{shown}, as it runs here", "This comparison as a script"])
    with source:
        st.code(source_of(shown), language="python", height=420)
    with again:
        st.markdown("The same case outside the app: copy it into a file in the explorer's folder and run it.")
        st.code(script(subject.case, subject.title, algorithm, subject.recipe), language="python", height=420)


def source_of(algorithm: str) -> str:
    """The whole file of an algorithm, as it is imported."""
    module = inspect.getmodule(ALGORITHMS[algorithm].run)
    return inspect.getsource(module) if module else ""
