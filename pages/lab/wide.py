"""Tables with more columns than a phone has room for."""

from __future__ import annotations

import streamlit as st


def wide_table(table: str, key: str) -> None:
    """Show a Markdown table that scrolls by itself where the screen is narrower, instead of the whole page.

    Args:
        table: In Markdown.
        key: Names its place on the page; each has one of its own.
    """
    st.html(f"<style>.st-key-{key} [data-testid=stMarkdownContainer] {{ overflow-x: auto; }}</style>")
    with st.container(key=key):
        st.markdown(table)
