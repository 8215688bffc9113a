"""Controls that show a choice of the link and change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages import state


def slide(name: str, label: str, low: int, high: int, default: int, about: str | None = None) -> int:
    """A whole number on a slider."""
    value = state.number(name, low, high, default)
    st.slider(
        label, low, high, width=150, help=about,
        **state.follow(f"kernels_{name}", value, lambda new: state.choose(**{name: new})),
    )  # fmt: skip
    return value


def pick(
    name: str, label: str, titles: dict[str, str], default: str, take: Callable[[str], None] | None = None
) -> str:
    """One of a few, all in sight."""
    value = state.choice(name, list(titles), default)
    st.segmented_control(
        label, list(titles), format_func=titles.__getitem__, required=True,
        **state.follow(f"kernels_{name}", value, take or (lambda new: state.choose(**{name: new}))),
    )  # fmt: skip
    return value


def switch(name: str, label: str, about: str | None = None) -> bool:
    """Yes or no."""
    value = state.flag(name)
    st.toggle(
        label, help=about,
        **state.follow(f"kernels_{name}", value, lambda new: state.choose(**{name: new or None})),
    )  # fmt: skip
    return value


def examples(label: str, offered: Sequence[tuple[str, dict[str, str | int]]], key: str) -> None:
    """Buttons that set several choices at once."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(label, width="content")
        for at, (title, choices) in enumerate(offered):
            st.button(title, key=f"{key}_{at}", on_click=state.choose, kwargs=choices)
