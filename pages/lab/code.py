"""The code behind the result: the algorithm's own file, and a script that makes the comparison again."""

from __future__ import annotations

import inspect

import streamlit as st

from explorer.convolution import ALGORITHMS, rows
from explorer.laboratory.cases import Case
from explorer.laboratory.script import script
from pages import state
from pages.lab.subject import Subject
from pages.widgets import laboratory as widgets


def show(subject: Subject, case: Case, algorithm: str) -> None:
    """Any algorithm's source, with the one at work first, and the script."""
    st.header("The code")
    names = list(ALGORITHMS)
    shown = state.choice("code", names, default=algorithm)
    st.radio(
        "Algorithm", names, horizontal=True, label_visibility="collapsed",
        **state.follow("lab_code", shown, lambda value: state.choose(code=value)),
    )  # fmt: skip
    source, again = st.tabs([f"{shown}, as it runs here", "This comparison as a script"])
    with source:
        widgets.code("lab_source", source_of(shown, case), label=f"Source of {shown}")
    with again:
        st.markdown("The same case outside the app: copy it into a file in the explorer's folder and run it.")
        text = script(case, subject.title, algorithm, subject.recipe, whole=subject.case)
        widgets.code("lab_script", text, label="The comparison as a script")


def source_of(algorithm: str, case: Case) -> str:
    """The whole file of an algorithm, as it is imported, and that of a way of its own that the case takes."""
    modules = [inspect.getmodule(ALGORITHMS[algorithm].run)]
    if algorithm == "shift" and case.sizes.channels_per_group[0] == 1:
        modules.append(rows)
    return "\n\n".join(inspect.getsource(module) for module in modules if module)
