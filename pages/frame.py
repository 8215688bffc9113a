"""The frame around every page: navigation, the current picture and model, and the way to another picture."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

import models
from pages import media, state
from pages.lesson.chapters import CHAPTERS
from pages.picture import bar

HERE = Path(__file__).parent
LOGO = str(HERE / "logo.svg")
HEADINGS = {
    "": "What a network sees, layer by layer",
    "layer": "All maps of one layer",
    "looks": "What every channel looks for",
    "laboratory": "Convolution by hand, against PyTorch",
} | {chapter.path: chapter.heading for chapter in CHAPTERS}


def ways_on() -> None:
    """At a page's foot: the chapters before and after, or the other pages. A phone hides the navigation."""
    st.divider()
    with st.container(horizontal=True, horizontal_alignment="distribute", key="ways_on"):
        if page not in lesson:
            for other in (hierarchy, layer, looks, laboratory):
                if other != page:
                    st.page_link(other)
            st.page_link(lesson[0], label="Lesson: what is convolution?")
            return
        here = lesson.index(page)
        before, after = lesson[here - 1] if here else hierarchy, lesson[here + 1 :] or [laboratory]
        st.page_link(before, icon=":material/arrow_back:")
        st.page_link(after[0], icon=":material/arrow_forward:", icon_position="right")


st.set_page_config(page_title="Feature hierarchy explorer", page_icon=LOGO, layout="wide")
st.logo(LOGO, size="large")
hierarchy = st.Page(HERE / "hierarchy.py", title="Hierarchy", default=True)
layer = st.Page(HERE / "layer.py", title="Layer", url_path="layer")
looks = st.Page(HERE / "looks" / "page.py", title="What it looks for", url_path="looks")
lesson = [
    st.Page(HERE / "lesson" / chapter.path / "page.py", title=chapter.title, url_path=chapter.path)
    for chapter in CHAPTERS
]
laboratory = st.Page(HERE / "laboratory.py", title="Laboratory", url_path="laboratory")
page = st.navigation({"": [hierarchy, layer, looks, laboratory], "Lesson": lesson}, position="top")
if (opening := state.pop_opening()) is not None and opening[0] != page.url_path:
    path, choices = opening
    st.switch_page(looks if path == looks.url_path else layer, query_params=choices)
state.sync(page.url_path)
bar(HEADINGS[page.url_path], with_chooser=page != hierarchy)
try:
    page.run()
except models.ModelError as error:  # too little memory, as a rule; another model can still be chosen
    st.error(media.plain(str(error)), icon="⚠️")
ways_on()
