"""A chapter of the lesson without the app's frame."""

from functools import partial

from streamlit.testing.v1 import AppTest

from tests.pages.test_pages import PAGES

# A link to another page needs the frame, so it is only noted here.
ALONE = """
import runpy
import streamlit as st
from pages import state
state.sync({name!r})
if "given" in st.session_state:
    state.choose_own(st.session_state.pop("given"), "given.png")
st.session_state["links"] = []
st.page_link = lambda page, **given: st.session_state["links"].append((page, given))
runpy.run_path({page!r})
"""


def chapter_named(name: str) -> partial[AppTest]:
    """What opens a chapter: `chapter = chapter_named("kernels")`, then `chapter(data, kernel="box")`."""
    return partial(_opened, ALONE.format(name=name, page=str(PAGES / "lesson" / name / "page.py")))


def _opened(script: str, given: bytes | None = None, **query: str) -> AppTest:
    """The page as a link opens it, with a picture of one's own if it is given."""
    test = AppTest.from_string(script, default_timeout=90)
    test.query_params.update(query)
    if given is not None:
        test.session_state["given"] = given
    return test.run()
