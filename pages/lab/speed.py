"""Speed: every algorithm against `F.conv2d` on this machine, measured in the background."""

from __future__ import annotations

from functools import partial

import streamlit as st

from explorer.convolution.timing import PEER, Timing
from explorer.laboratory.speed import Measurement, crossover, measure
from explorer.rendering import number
from pages import media, state
from pages.jobs import QUEUE, Job
from pages.lab import charts, stored
from pages.lab.subject import Subject

KEPT = 8
EVERY = 0.4

Finished = dict[str, tuple[str, Measurement]]


def show(subject: Subject) -> None:
    """Start, watch or cancel a measurement, and everything that was measured."""
    st.header("How fast?")
    finished: Finished = state.kept("lab_measured", dict)
    job = current_job()
    collect(job, finished)
    if job["job"] is not None:
        watch()
    else:
        offer(subject, finished)
    if finished:
        titles = {digest: title for digest, (title, _) in finished.items()}
        digest = subject.case.digest if subject.case.digest in titles else next(reversed(titles))
        if len(titles) > 1:
            digest = st.selectbox(
                "Measured in this session", list(titles), index=list(titles).index(digest), width=560,
                format_func=lambda digest: titles.get(digest, ""),
            )  # fmt: skip
        if digest in finished:
            show_measurement(*finished[digest])
    stored.show()


def current_job() -> dict:
    """This session's measurement under way: {"job", "title", "digest", "told"}."""
    return state.kept("lab_job", lambda: {"job": None, "title": "", "digest": "", "told": ""})


def offer(subject: Subject, finished: Finished) -> None:
    """The button that starts a measurement, and what became of the last one."""
    st.markdown(
        "Each algorithm runs by turns with `F.conv2d`, so that a busy moment of the machine meets all alike; "
        "then image, channels and kernel grow. It takes about ten seconds, and nobody else has to wait."
    )
    label = "Measure again" if subject.case.digest in finished else "Measure on this machine"
    st.button(label, on_click=partial(begin, subject), icon=":material/timer:", key="lab_measure")
    if told := current_job()["told"]:
        st.markdown(told)


def begin(subject: Subject) -> None:
    """Put a measurement into the queue."""
    case = subject.case
    job: Job[Measurement] = Job(lambda tell, stop: measure(case, progress=tell, cancelled=stop))
    mine = current_job()
    if QUEUE.start(job):
        mine.update(job=job, title=subject.title, digest=case.digest, told="")
    else:
        mine.update(told="Many visitors are measuring just now; please try again in a minute.")


@st.fragment(run_every=EVERY)
def watch() -> None:
    """Progress and a way out; the page runs again when it is over."""
    mine = current_job()
    job = mine["job"]
    if job is None or job.done:
        st.rerun()
    job.look()
    before = QUEUE.before(job)
    others = f"{before} other measurement{'s' if before > 1 else ''}"
    waiting = f"Waiting for {others}: two at once would disturb each other"
    text = waiting if before and not job.running else f"Measuring {mine['title']} …"
    st.progress(job.progress, text=text)
    st.button("Cancel", on_click=job.cancel, key="lab_cancel")


def collect(mine: dict, finished: Finished) -> None:
    """Take over what a measurement under way has come to."""
    job = mine["job"]
    if job is None or not job.done:
        return
    if job.result is not None:
        finished.pop(mine["digest"], None)
        finished[mine["digest"]] = (mine["title"], job.result)
        while len(finished) > KEPT:
            finished.pop(next(iter(finished)))
    failed = "The measurement failed; the server's log says why."
    mine.update(job=None, told=failed if job.failed else "" if job.result else "Cancelled; nothing was kept.")


def show_measurement(title: str, measured: Measurement) -> None:
    """Ratios, the roof, and the curves."""
    threads = f"{measured.machine.threads} thread{'s' if measured.machine.threads > 1 else ''}"
    st.markdown(f"**{media.plain(title)}**, {threads}: **{measured.winner}**.")
    if measured.disturbed:
        st.warning(
            "Something else kept this machine busy: the spread is wide. Measure again for clean numbers.",
            icon=":material/warning:",
        )
    left, right = st.columns([5, 4], gap="large")
    with left:
        charts.ratios(measured)
    with right:
        st.markdown(table(measured))
    st.markdown(roof(measured))
    for column, axis in zip(st.columns(len(measured.curves), gap="medium"), measured.curves, strict=True):
        with column:
            st.markdown(
                f"**Time against {axis}**  \n:small[{measured.bases[axis]}, of which one number varies]"
            )
            charts.growth(measured, axis)
    st.markdown(overtaking(measured))


def table(measured: Measurement) -> str:
    """Time, spread, ratio and speed of each."""
    rows = ["| Way | ms | quartiles | ratio | GFLOP/s | of peak |", "|:--|--:|--:|--:|--:|--:|"]
    rows += [row(timing, measured) for timing in measured.timings]
    return "\n".join(rows)


def row(timing: Timing, measured: Measurement) -> str:
    """One line of the table."""
    name = "F.conv2d" if timing.name == PEER else timing.name
    spread = "estimated" if timing.estimated else f"{number(timing.low)} – {number(timing.high)}"
    share = f"{measured.of_peak(timing):.2%}"
    return (
        f"| {name} | {number(timing.milliseconds)} | {spread} | {number(timing.ratio)} "
        f"| {number(timing.gflops)} | {share} |"
    )


def roof(measured: Measurement) -> str:
    """How near to the machine's limits, in words."""
    machine, peer = measured.machine, measured.peer
    bound = "memory" if measured.roof < machine.peak else "arithmetic"
    return (
        f"This machine multiplies matrices at **{number(machine.peak)} GFLOP/s** and copies memory at "
        f"**{number(machine.bandwidth)} GB/s**. The case needs at least {number(measured.intensity)} "
        f"operations per byte, so {bound} limits it, to {number(measured.roof)} GFLOP/s; "
        f"`F.conv2d` reaches {number(peer.gflops)}, {measured.of_roof:.0%} of that."
    )


def overtaking(measured: Measurement) -> str:
    """Where the FFT overtakes."""
    points = measured.curves["kernel size"]
    at = crossover(points)
    base = measured.bases["kernel size"]
    if at is not None:
        return f"**The FFT overtakes `F.conv2d`** from kernels of about {at:.0f}×{at:.0f} on ({base})."
    largest = points[-1].value if points else 0
    return f"Up to {largest}×{largest} the FFT and `F.conv2d` did not change places for good here ({base})."
