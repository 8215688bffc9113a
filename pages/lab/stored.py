"""The stored benchmark beside the live measurement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer.laboratory.stored import LIBRARY, Group, Row, groups, stored_rows
from explorer.rendering import number
from pages.lab.wide import wide_table

FILE = Path(__file__).parents[2] / "benchmarks" / "convolution.json"


def rows() -> tuple[Row, ...]:
    """What is stored; nothing where the file is missing or none of ours."""
    try:
        return stored_rows(FILE)
    except ValueError:
        return ()


def show() -> None:
    """The layers of well-known networks, if they have been measured; else nothing."""
    try:
        every = groups(stored_rows(FILE))
    except ValueError as error:
        st.warning(str(error), icon=":material/warning:")
        return
    if not every:
        return
    with st.expander("The stored benchmark: layers of well-known networks", icon=":material/table_chart:"):
        st.markdown("`auto` against `F.conv2d`: ratios of times, below 1 is faster.")
        wide_table(table([group for group in every if group.peer == LIBRARY]), "lab_stored_layers")
        st.markdown("Single pictures, against what one would otherwise filter them with.")
        wide_table(table([group for group in every if group.peer != LIBRARY]), "lab_stored_pictures")
        st.markdown("`python -m benchmarks.convolution` measures it again.")


def table(of_peers: Sequence[Group]) -> str:
    """One line for each kind of layer, number of threads and peer."""
    lines = [
        "| Layers | Against | Threads | Shapes | Ratio, mean | Range | Memory | By |",
        "|:--|:--|--:|--:|--:|:--|--:|:--|",
    ]
    lines += [
        f"| {each.name} | {each.peer} | {each.threads} | {each.shapes} | {number(each.mean)} "
        f"| {number(each.least)} – {number(each.most)} "
        f"| {'' if each.memory is None else '≤ ×' + number(each.memory)} | {', '.join(each.algorithms)} |"
        for each in of_peers
    ]
    return "\n".join(lines)
