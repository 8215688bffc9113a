"""A visitor's measurement: started, watched, cancelled, and kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import streamlit as st
import torch

from explorer.apart import run_apart
from explorer.laboratory.cases import Case
from explorer.laboratory.speed import Measurement, report
from pages import state
from pages.jobs import QUEUE, Job
from pages.lab.results import RESULTS
from pages.lab.subject import Subject

KEPT = 8
SECONDS = 8.0
"""How long a measurement takes, about."""

EVERY = 1.0
"""Seconds between two looks at the progress: each costs the measurement a moment."""


@dataclass
class Mine:
    """What one visitor measures and has measured.

    Attributes:
        job: The measurement under way, if there is one.
        title: What it measures.
        digest: Of its case.
        told: What became of the last one, if it came to nothing.
        finished: Title and result by the case's digest, the latest last.
    """

    job: Job[Measurement] | None = None
    title: str = ""
    digest: str = ""
    told: str = ""
    finished: dict[str, tuple[str, Measurement]] = field(default_factory=dict)

    def collect(self) -> None:
        """Take over what the measurement under way has come to."""
        job = self.job
        if job is None or not job.done:
            return
        self.job, self.told = None, ""
        if job.result is not None:
            RESULTS.put(self.digest, job.result)
            self.keep(self.digest, self.title, job.result)
        elif job.failed:
            self.told = "The measurement failed; the server's log says why."
        else:
            self.told = "Cancelled; nothing was kept."

    def recall(self, subject: Subject) -> None:
        """Find what was measured before, perhaps in another session, such as before a reload."""
        known = RESULTS.get(subject.case.digest)
        if known is not None and subject.case.digest not in self.finished:
            self.keep(subject.case.digest, subject.title, known)

    def keep(self, digest: str, title: str, measured: Measurement) -> None:
        """Keep a result, and forget the oldest of too many."""
        self.finished.pop(digest, None)
        self.finished[digest] = (title, measured)
        while len(self.finished) > KEPT:
            self.finished.pop(next(iter(self.finished)))


def mine() -> Mine:
    """This session's."""
    return state.kept("lab_measuring", Mine)


def offer(subject: Subject) -> None:
    """The button that starts a measurement, and what became of the last one."""
    st.markdown(
        "Each algorithm runs by turns with `F.conv2d`, so that a busy moment of the machine meets all alike; "
        "then image, channels and kernel grow. It takes ten seconds or two; look around meanwhile."
    )
    label = "Measure again" if subject.case.digest in mine().finished else "Measure on this machine"
    st.button(label, on_click=partial(begin, subject), icon=":material/timer:", key="lab_measure")
    if mine().told:
        st.markdown(mine().told)


def begin(subject: Subject) -> None:
    """Put a measurement into the queue."""
    case, own = subject.case, mine()
    job: Job[Measurement] = Job(partial(work, case))
    if QUEUE.start(job):
        own.job, own.title, own.digest, own.told = job, subject.title, case.digest, ""
    else:
        own.told = "Many visitors are measuring just now; please try again in a minute."


def work(case: Case, tell: Callable[[float], None], cancelled: Callable[[], bool]) -> Measurement | None:
    """Measure in a process of its own, where the pages of other visitors neither wait nor disturb it."""
    with closing(run_apart(report, case, torch.get_num_threads(), SECONDS)) as told:
        for each in told:
            if cancelled():
                break
            if isinstance(each, Measurement):
                return each
            tell(each)
    return None


@st.fragment(run_every=EVERY)
def watch() -> None:
    """Progress and a way out; the page runs again when it is over."""
    own = mine()
    job = own.job
    if job is None or job.done:
        st.rerun()
    job.look()
    before = QUEUE.before(job)
    others = f"{before} other measurement{'s' if before > 1 else ''}"
    waiting = f"Waiting for {others}: two at once would disturb each other"
    text = waiting if before and not job.running else f"Measuring {own.title} …"
    st.progress(job.progress, text=text)
    st.button("Cancel", on_click=job.cancel, key="lab_cancel")
