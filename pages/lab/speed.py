"""Speed: every algorithm against `F.conv2d` on this machine, and what that says."""

from __future__ import annotations

import streamlit as st

from explorer.convolution.timing import PEER, Timing
from explorer.laboratory.curves import Curve
from explorer.laboratory.speed import Measurement
from explorer.laboratory.ways import AUTO, LOOPS
from explorer.rendering import number
from pages import media
from pages.lab import charts, stored
from pages.lab.measuring import mine, offer, watch
from pages.lab.subject import Subject
from pages.lab.wide import wide_table

NOTE = (
    ":small[**quartiles**: half of the runs lie between. **ratio**: to F.conv2d's time in the same rounds. "
    "**of peak**: of the speed of a matrix product, counting the definition's work; Winograd, Toom-Cook and "
    "FFT do less and may exceed it. **memory**: the most that was held at once, output included, to "
    "F.conv2d's; the loops' is worked out, a Python number being an object in a list. The weights stay the "
    "same from run to run: Winograd and Toom-Cook keep the form that they made of them.{estimated}]"
)
ESTIMATED = " **≈**: estimated from the loops' pace on a smaller part, and dashed below."


def show(subject: Subject) -> Measurement | None:
    """Start, watch or cancel a measurement, and everything that was measured; what is shown last."""
    st.header("How fast?")
    own = mine()
    own.collect()
    own.recall(subject)
    if own.job is not None:
        watch()
    else:
        offer(subject)
    shown = pick(subject)
    if shown is not None:
        show_measurement(*shown)
    stored.show()
    return shown[1] if shown else None


def pick(subject: Subject) -> tuple[str, Measurement] | None:
    """The measurement to show, by default that of the present case, and its title."""
    finished = mine().finished
    if not finished:
        return None
    digest = subject.case.digest if subject.case.digest in finished else next(reversed(finished))
    if len(finished) > 1:
        digest = st.selectbox(
            "Measured in this session", list(finished), index=list(finished).index(digest), width=560,
            format_func=lambda digest: finished[digest][0] if digest in finished else "",
        )  # fmt: skip
    return finished.get(digest)


def show_measurement(title: str, measured: Measurement) -> None:
    """Ratios, the roof, and the curves."""
    threads = f"{measured.machine.threads} thread{'s' if measured.machine.threads > 1 else ''}"
    st.markdown(f"**{media.plain(title)}**, {threads}: **{measured.winner}**.")
    if measured.disturbed:
        st.warning(
            "Something else kept this machine busy: the spread is wide. Measure again for clean numbers.",
            icon=":material/warning:",
        )
    left, right = st.columns([4, 5], gap="medium")
    with left:
        charts.ratios(measured)
    with right:
        wide_table(table(measured), "lab_times")
    guessed = any(timing.estimated for timing in measured.timings)
    st.markdown(NOTE.format(estimated=ESTIMATED if guessed else ""))
    st.markdown(roof(measured))
    for column, curve in zip(
        st.columns(len(measured.curves), gap="medium"), measured.curves.values(), strict=True
    ):
        with column:
            st.markdown(
                f"**Time against {curve.axis}**  \n:small[{curve.base.words}, of which one number varies]"
            )
            charts.growth(curve)
    st.markdown(overtaking(measured.curves["kernel size"]))


def table(measured: Measurement) -> str:
    """Time, spread, ratio, speed and memory of each, the fastest first."""
    rows = ["| Way | ms | quartiles | ratio | GFLOP/s | of peak | memory |", "|:--|--:|--:|--:|--:|--:|--:|"]
    rows += [row(timing, measured) for timing in sorted(measured.timings, key=lambda each: each.ratio)]
    return "\n".join(rows)


def row(timing: Timing, measured: Measurement) -> str:
    """One line of the table."""
    names = {PEER: "**F.conv2d**", AUTO: f"auto: {measured.chosen}"}
    spread = "≈" if timing.estimated else f"{number(timing.low)} – {number(timing.high)}"
    about = "≈ " if timing.name == LOOPS else ""
    return (
        f"| {names.get(timing.name, timing.name)} | {number(timing.milliseconds)} | {spread} "
        f"| {number(timing.ratio)} | {number(timing.gflops)} | {measured.of_peak(timing):.2%} "
        f"| {about}×{number(measured.memory_ratio(timing.name))} |"
    )


def roof(measured: Measurement) -> str:
    """How near to the machine's limits, in words."""
    machine, peer = measured.machine, measured.peer
    bound = "memory" if measured.roof < machine.peak else "arithmetic"
    return (
        f"This machine multiplies matrices at **{number(machine.peak)} GFLOP/s** and copies memory at "
        f"**{number(machine.bandwidth)} GB/s**. The case has an arithmetic intensity of at most "
        f"**{number(measured.intensity)} operations per byte**, so {bound} limits it, to "
        f"{number(measured.roof)} GFLOP/s; `F.conv2d` reaches {number(peer.gflops)}, "
        f"{measured.of_roof:.0%} of that."
    )


def overtaking(curve: Curve) -> str:
    """Where the FFT overtakes."""
    first, last = (f"{point.value}×{point.value}" for point in (curve.points[0], curve.points[-1]))
    at, base = curve.crossover(), curve.base.words
    if at is None:
        return f"From {first} to {last} **the FFT does not overtake `F.conv2d`** for good here ({base})."
    if at <= curve.points[0].value:
        return f"**The FFT is faster than `F.conv2d`** all the way from {first} to {last} here ({base})."
    return f"**The FFT overtakes `F.conv2d`** from kernels of about {at:.0f}×{at:.0f} on ({base})."
