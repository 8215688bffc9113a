"""The lesson's chapters in their order, and the way from one to the next."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage


@dataclass(frozen=True)
class Chapter:
    """A chapter of the lesson.

    Attributes:
        path: Of its page, and the name of its folder.
        title: In the navigation.
        heading: On its page.
    """

    path: str
    title: str
    heading: str


CHAPTERS = (
    Chapter("convolution", "1 · What is convolution?", "What is convolution?"),
    Chapter("why", "2 · Why for images?", "Why convolution for images?"),
    Chapter("kernels", "3 · Stride, padding, kernels", "Stride, padding, kernels"),
    Chapter("networks", "4 · Building CNNs", "From convolutions to networks"),
)


def footer(page: StreamlitPage, chapters: list[StreamlitPage]) -> None:
    """The ways to the chapter before and the one after, where the page is a chapter."""
    if page not in chapters:
        return
    here = chapters.index(page)
    st.divider()
    with st.container(horizontal=True, horizontal_alignment="distribute", key="chapters"):
        if here > 0:
            st.page_link(chapters[here - 1], icon=":material/arrow_back:")
        if here + 1 < len(chapters):
            st.page_link(chapters[here + 1], icon=":material/arrow_forward:", icon_position="right")
