"""Measurements that take long: started by a button, watched, cancelled, and kept in the session."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from pages import state
from pages.jobs import QUEUE, Job

KEPT = 12
EVERY = 0.4
T = TypeVar("T")
Tell = Callable[[float], None]
Stop = Callable[[], bool]


def offer(name: str, key: Hashable, label: str, work: Callable[[Tell, Stop], T | None]) -> T | None:
    """A button that starts a measurement, or its progress; the result once there is one.

    Args:
        name: Of the measurement, one under way at a time.
        key: What is measured: a result is kept for each.
        label: Of the button.
        work: Does it; is given whom to tell the progress, 0 to 1, and whom to ask whether to stop.
    """
    mine, finished = current(name), state.kept(f"why_{name}_finished", dict[Hashable, Any])
    collect(mine, finished)
    if mine["job"] is not None:
        watch(name)
    elif key not in finished:
        start = partial(begin, name, key, work)
        st.button(label, on_click=start, icon=":material/timer:", key=f"why_measure_{name}")
        if mine["told"]:
            st.markdown(mine["told"])
    result: T | None = finished.get(key)
    return result


def current(name: str) -> dict[str, Any]:
    """This session's measurement under way: {"job", "key", "told"}."""
    return state.kept(f"why_{name}_job", lambda: {"job": None, "key": None, "told": ""})


def begin(name: str, key: Hashable, work: Callable[[Tell, Stop], Any]) -> None:
    """Put a measurement into the queue."""
    mine = current(name)
    if mine["job"] is not None and not mine["job"].done:
        return
    job: Job[Any] = Job(work)
    if QUEUE.start(job):
        mine.update(job=job, key=key, told="")
    else:
        mine.update(told="Many visitors are measuring just now; please try again in a minute.")


@st.fragment(run_every=EVERY)
def watch(name: str) -> None:
    """Progress and a way out; the page runs again when it is over."""
    job = current(name)["job"]
    if job is None or job.done:
        st.rerun()
    job.look()
    before = QUEUE.before(job)
    waiting = f"Waiting for {before} other measurement{'s' if before > 1 else ''}"
    text = waiting if before and not job.running else "Measuring …"
    st.progress(job.progress, text=text)
    st.button("Cancel", on_click=job.cancel, key=f"why_{name}_cancel")


def collect(mine: dict[str, Any], finished: dict[Hashable, Any]) -> None:
    """Take over what a measurement under way has come to."""
    job = mine["job"]
    if job is None or not job.done:
        return
    if job.result is not None:
        finished[mine["key"]] = job.result
        while len(finished) > KEPT:
            finished.pop(next(iter(finished)))
    failed = "The measurement failed; the server's log says why."
    told = failed if job.failed else "" if job.result is not None else "Cancelled; nothing was kept."
    mine.update(job=None, told=told)
