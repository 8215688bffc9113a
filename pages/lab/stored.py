"""The stored benchmark beside the live measurement."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.laboratory.stored import Group, stored_groups
from explorer.rendering import number

FILE = Path(__file__).parents[2] / "benchmarks" / "convolution.json"


def show() -> None:
    """The layers of well-known networks, if they have been measured; else nothing."""
    try:
        groups = stored_groups(FILE)
    except ValueError as error:
        st.warning(str(error), icon=":material/warning:")
        return
    if groups:
        with st.expander(
            "The stored benchmark: layers of well-known networks", icon=":material/table_chart:"
        ):
            st.markdown(table(groups))
            st.markdown("`python -m benchmarks.convolution` measures it again.")


def table(groups: tuple[Group, ...]) -> str:
    """One line for each kind of layer."""
    rows = ["| Layers | Threads | Shapes | Ratio, mean | Range | By |", "|:--|--:|--:|--:|--:|:--|"]
    rows += [
        f"| {each.name} | {each.threads} | {each.shapes} | {number(each.mean)} "
        f"| {number(each.least)} – {number(each.most)} | {', '.join(each.algorithms)} |"
        for each in groups
    ]
    return "\n".join(rows)
