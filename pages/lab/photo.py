"""The current picture under a kernel."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.laboratory.cases import of_picture, reduced
from explorer.laboratory.numbers import format_matrix
from explorer.laboratory.script import picture_recipe
from pages import state
from pages.lab import kernel, parameters
from pages.lab.subject import START, Subject, dtype, settled


def of_current_picture(top: DeltaGenerator) -> Subject:
    """The picture at work under a kernel."""
    current = state.current()
    colours = state.flag("colours")
    defaults = START | {"padding": "same", "groups": 3 if colours else 1}
    with top:
        weight, title, code = kernel.pick_kernel(small=False)
        if not isinstance(code, str):
            now = state.text("own") or format_matrix(weight)
            st.text_input(
                "Its weights, row by row", width=330, max_chars=600,
                help="Rows end with ; and a fraction such as 1/9 is possible. At most 15 × 15.",
                **state.follow("lab_own", now, lambda new: state.choose(own=new)),
            )  # fmt: skip
        st.toggle("In colour", **state.follow("lab_colours", colours, choose_colours))
    if isinstance(code, str):
        about = kernel.pick()
        st.markdown(f"{about.does} {about.use} :small[Source: {about.source}.]")
    parameters.show(defaults, with_bias=True)
    groups, bias = parameters.chosen("groups", defaults["groups"]), parameters.chosen_bias()
    case = of_picture(
        reduced(current.picture.rgb), weight, grey=not colours, groups=max(1, groups), bias=bias
    )
    recipe = picture_recipe(
        current.sample, code, grey=not colours, groups=max(1, groups), bias=bias, dtype=dtype()
    )
    return Subject("picture", f"{title} over {current.title}", settled(case, defaults), recipe)


def choose_colours(value: bool) -> None:
    """Grey or colour, with the groups that suit."""
    state.choose(colours=value or None, groups=None)
