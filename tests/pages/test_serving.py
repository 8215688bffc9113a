"""What the server does around the pages."""

import asyncio
import gc
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.requests import Request
from starlette.routing import Match
from streamlit.testing.v1 import AppTest

from pages import cache, jobs
from pages.serving import apologise, routes, warm


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


def test_what_is_loaded_before_the_first_visit_is_no_work_for_the_garbage_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[list[int]] = []
    monkeypatch.setattr(cache, "warm", lambda: kept.append([1]))
    monkeypatch.setattr("explorer.memory.keep_freed_memory", lambda **_: None)
    monkeypatch.setattr(jobs, "end_all", lambda: None)

    async def served() -> int:
        async with warm(None):  # type: ignore[arg-type]
            assert not any(each is kept[0] for each in gc.get_objects())
            return gc.get_freeze_count()

    try:
        # In a thread of its own: this one may have a loop already, of the browser's driver.
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(asyncio.run, served()).result() > 10_000
    finally:
        gc.unfreeze()
