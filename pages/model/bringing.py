"""Downloads of weights, which go on while the visitor looks around."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

import models
from models.download import megabytes
from pages import media, state
from pages.jobs import Job, Queue

DOWNLOADS = Queue("download", at_once=4)
"""Of all visitors; the network is shared, so more at once would not end sooner."""

EVERY = 0.5
"""Seconds between two looks at the progress."""


class _StoppedError(Exception):
    """Raised within a download to end it."""


@dataclass
class Bringing:
    """One visitor's download.

    Attributes:
        name: The model's.
        job: What becomes of it: the problem in a sentence, "" where there is none.
        done: Bytes that are here.
        total: Bytes of the whole file; None where nobody knows.
    """

    name: str
    job: Job[str]
    done: int = 0
    total: int | None = None


def under_way() -> Bringing | None:
    """This visitor's download, if there is one."""
    return state.kept("model_bringing", dict[str, Bringing]).get("now")


def begin(name: str) -> None:
    """Download a model's weights, and then show it; another download of this visitor ends."""
    end()
    spec, _ = state.spec(name)
    bringing = Bringing(name, Job(lambda _tell, cancelled: fetch(spec, bringing, cancelled)))
    bringing.total = spec.size_in_bytes
    state.offer_model(None)
    if DOWNLOADS.start(bringing.job):
        state.kept("model_bringing", dict[str, Bringing])["now"] = bringing
    else:
        state.tell("Many visitors are downloading just now; please try again in a minute.")


def end() -> None:
    """Give a download up; what is here of it is kept, and the next one goes on from there."""
    if (bringing := under_way()) is not None:
        bringing.job.cancel()
        del state.kept("model_bringing", dict[str, Bringing])["now"]


def fetch(spec: models.ModelSpec, bringing: Bringing, cancelled: Callable[[], bool]) -> str:
    """Bring the weights; returns what went wrong, in a sentence."""

    def progress(done: int, total: int | None) -> None:
        bringing.done, bringing.total = done, total or bringing.total
        if cancelled():
            raise _StoppedError

    try:
        spec.fetch(progress)
    except _StoppedError:
        return ""
    except models.OfflineError as error:
        return f"{error} {models.without_network()}"
    except models.ModelError as error:
        return str(error)
    return ""


@st.fragment(run_every=EVERY)
def watch() -> None:
    """The progress and a way out; when it is over the page runs again and shows the model."""
    bringing = under_way()
    if bringing is None:
        st.rerun()
    bringing.job.look()
    if bringing.job.done:
        finish(bringing)
        st.rerun()
    waiting = DOWNLOADS.place(bringing.job)
    how_far = "waiting for others\u2019 downloads" if waiting else amount(bringing)
    share = min(1.0, bringing.done / bringing.total) if bringing.total else 0.0
    with st.container(horizontal=True, vertical_alignment="center", key="bringing"):
        st.progress(share, text=f"Downloading {media.plain(bringing.name)}: {how_far}")
        st.button("Cancel", on_click=end, key="cancel_download")


def finish(bringing: Bringing) -> None:
    """Show the model whose weights are here now, or tell why they are not."""
    end()
    if bringing.job.failed:
        state.tell(f"The download of {bringing.name} failed; the server's log says why.")
    elif bringing.job.result:
        state.tell(f"{bringing.name}: {bringing.job.result}")
    elif bringing.job.result is not None:
        state.choose_model(bringing.name)


def amount(bringing: Bringing) -> str:
    """How much of it is here, in words."""
    return f"{megabytes(bringing.done)} of {megabytes(bringing.total)}"


def button(name: str, size: int | None) -> bool:
    """The button that begins a download and says how large it is; whether it was pressed."""
    label = f"Download {megabytes(size)}" if size else "Download"
    return st.button(
        label, on_click=partial(begin, name), type="primary", icon=":material/download:",
        key="begin_download",
    )  # fmt: skip
