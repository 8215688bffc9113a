"""What the server does around the pages."""

import logging

import pytest
from starlette.requests import Request
from starlette.routing import Match
from streamlit.testing.v1 import AppTest

from pages.serving import apologise, routes


def test_a_fault_is_told_in_a_sentence_and_its_traceback_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def script() -> None:
        from pages.serving import apologise

        apologise(ValueError("internal detail"))

    with caplog.at_level(logging.ERROR):
        test = AppTest.from_function(script).run()
    assert len(test.error) == 1
    assert "internal detail" not in test.error[0].value
    assert "internal detail" in caplog.text


def test_a_fault_is_not_shown_by_streamlit_as_well() -> None:
    assert apologise(ValueError("internal detail")) is True


@pytest.mark.parametrize("part", ["health", "host-config"])
def test_a_deep_link_is_sent_to_the_server_without_an_error_in_the_console(part: str) -> None:
    scope = {"type": "http", "method": "GET", "path": f"/layer/_stcore/{part}", "headers": []}
    (route,) = [each for each in routes if each.matches(scope)[0] is Match.FULL]
    answer = route.endpoint(Request(scope))
    # Streamlit's client goes on after any answer but 2xx; the console logs those from 400.
    assert 300 <= answer.status_code < 400
    assert "location" not in answer.headers
