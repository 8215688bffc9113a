"""The worked example: two cells shown, the others to be filled in."""

from __future__ import annotations

import streamlit as st

from explorer.lesson.exercises import worked_exercise
from explorer.lesson.matrices import written
from explorer.lesson.walkthrough import Position, Walkthrough
from pages.lesson.convolution import answers

KEY = "worked_exercise"
UNBROKEN = "\u00a0"
"""A space at which no line ends."""


@st.fragment
def show() -> None:
    """The section."""
    task = worked_exercise()
    steps = task.steps
    st.header("The worked example", anchor="example")
    st.markdown(
        f"The input has {steps.sizes.size[0]} equal rows, {_row(steps.input[0])}: bright on the left, dark "
        f"on the right. Each row of the kernel is {_row(steps.kernel[0])}: what lies on its left counts for, "
        "what lies on its right counts against, the middle not at all. The window moves one cell at a time. "
        "Here are its first two positions:"
    )
    first, second = st.columns(2, gap="medium")
    with first:
        _worked(steps.at(0, 0), _flat(steps))
    with second:
        _worked(steps.at(0, 1), _edge(steps))
    st.subheader("Now the other cells", anchor="example-your-turn", divider=False)
    st.markdown(
        f"Fill in the {len(task.asked)} open cells and check them, one at a time or all at once. The blue "
        "window shows where the kernel lies for the cell that you are in."
    )
    answers.show(KEY, task, window=True, solved=_meaning(steps))


def _worked(step: Position, meaning: str) -> None:
    """One position, term by term, and what its result says."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**Output row {step.row}, column {step.column}**")
        st.code(step.text, language=None, wrap_lines=True)
        st.markdown(meaning)


def _flat(steps: Walkthrough) -> str:
    step = steps.at(0, 0)
    return (
        f"Everything under the window is {written(step.terms[0].value)}: left and right cancel each other. "
        f"The result is **{written(step.result)}**."
    )


def _edge(steps: Walkthrough) -> str:
    step = steps.at(0, 1)
    sums = ", ".join(written(row.sum) for row in step.rows)
    return (
        f"The window's right column is dark, so nothing counts against its left: {sums} from the three rows. "
        f"The result is **{written(step.result)}**."
    )


def _meaning(steps: Walkthrough) -> str:
    return (
        f"Every row of the output is {_row(steps.output[0])}: nothing where all is equally bright, "
        f"{written(max(steps.output[0]))} where the window sees bright turn into dark. The kernel answers to "
        "the **vertical edge**, wherever it is."
    )


def _row(values: tuple[float, ...]) -> str:
    return f"`{UNBROKEN.join(map(written, values))}`"
