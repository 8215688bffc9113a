"""Your turn: exercises drawn from a number, at three levels."""

from __future__ import annotations

import streamlit as st

from explorer.lesson.exercises import LEVELS, exercise
from pages import state
from pages.lesson.convolution import answers

KEY = "exercise"
LAST = 9999
NAMES = {1: "1 · Warm up", 2: "2 · Stride or padding", 3: "3 · All together"}


@st.fragment
def show() -> None:
    """The section."""
    level, number = state.number("level", 1, len(LEVELS), 1), state.number("exercise", 1, LAST, 1)
    st.header("Your turn", anchor="your-turn")
    st.markdown(
        "A fresh exercise, as often as you like. Fill in the open cells; a wrong number tells which product "
        "was missed. The same level and number give the same exercise to everybody, and the link holds both."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            "Level", list(LEVELS), format_func=NAMES.__getitem__, required=True, wrap=True,
            **state.follow("lesson_level", level, _choose_level),
        )  # fmt: skip
        st.number_input(
            "Exercise number", 1, LAST, width=150,
            **state.follow("lesson_task", number, lambda value: state.choose(exercise=value)),
        )  # fmt: skip
        st.button(
            "Another exercise", icon=":material/casino:", on_click=_another, args=(number,), key="another"
        )
    task = exercise(level, number)
    st.markdown(f"**{task.task}** {LEVELS[level]}")
    answers.show(KEY, task, window=level == 1, solved=_praise(level))
    _progress()


def _choose_level(level: int) -> None:
    state.choose(level=level, exercise=1)


def _another(number: int) -> None:
    state.choose(exercise=number % LAST + 1)


def _praise(level: int) -> str:
    """What to do next, after an exercise is solved."""
    if level < len(LEVELS):
        return f"Well done. Take another one, or go on to level {level + 1}. {LEVELS[level + 1]}"
    return "Well done: this is as hard as it gets here. You can now work out any convolution by hand."


def _progress() -> None:
    """How many exercises of each level were solved in this visit."""
    solved = [name for name, judged in answers.kept().items() if judged.report.solved]
    counts = {level: sum(name.startswith(f"{level}/") for name in solved) for level in LEVELS}
    if any(counts.values()):
        told = ", ".join(f"level {level}: {count}" for level, count in counts.items() if count)
        st.markdown(f":small[Solved in this visit — {told}.]")
