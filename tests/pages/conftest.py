"""Fixtures of the page tests."""

import pytest
import streamlit


@pytest.fixture(autouse=True)
def restored_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page alone replaces `st.page_link` (see `chapters`); the next test has the real one again."""
    monkeypatch.setattr(streamlit, "page_link", streamlit.page_link)
