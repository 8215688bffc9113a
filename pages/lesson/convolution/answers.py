"""An exercise with its answers: what was said to them is kept for as long as the visit lasts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from explorer.laboratory.numbers import NumbersError, parse_number
from explorer.lesson.exercises import Exercise, Report, check_all
from explorer.lesson.matrices import LessonError
from pages import state
from pages.widgets.exercise import exercise, identity

MOST_KEPT = 30
"""Exercises whose answers are remembered."""


@dataclass(frozen=True)
class Judged:
    """The last answers to an exercise.

    Attributes:
        report: What is to be said to them.
        checks: How often answers were checked.
    """

    report: Report
    checks: int


def show(key: str, task: Exercise, *, window: bool, solved: str) -> None:
    """The exercise with what was said to the last answers, and the way out for whoever is stuck.

    Args:
        key: Streamlit's key of the component.
        task: The exercise.
        window: Whether the window is shown from the start.
        solved: What is to be said when all is right.
    """
    judged = kept().get(identity(task))
    exercise(
        key,
        task,
        judged.report if judged else None,
        summary(task, judged.report) if judged else "",
        checks=judged.checks if judged else 0,
        window=window,
        on_answers=partial(_take, key, task),
    )
    if judged and judged.report.solved:
        st.success(solved, icon=":material/celebration:")
    with st.expander("Stuck? See every step of the open cells"):
        for row, column in task.asked:
            st.markdown(f"Row {row}, column {column}")
            st.code(task.steps.at(row, column).text, language=None, wrap_lines=True)


def summary(task: Exercise, report: Report) -> str:
    """How far the learner has come, in a sentence."""
    count, right = len(task.asked), len(task.asked) - len(report.left)
    if report.solved:
        return f"All {count} cells are right."
    wrong = sum(not verdict.right for verdict in report.verdicts)
    still = count - right - wrong
    parts = [f"{right} of {count} right"]
    if wrong:
        parts.append(f"{wrong} not yet")
    if still:
        parts.append(f"{still} still open")
    return f"{', '.join(parts)}."


def kept() -> dict[str, Judged]:
    """What was said to the answers of this visit, by exercise."""
    return state.kept("lesson_answers", dict)


def judge(task: Exercise, sent: Any) -> Report | None:
    """The report on whatever a browser sent; None if it is no answer, or one to another exercise."""
    try:
        if sent["id"] != identity(task):
            return None
        cells = {(int(row), int(column)): parse_number(str(text)) for row, column, text in sent["cells"]}
        asked = {cell: answer for cell, answer in cells.items() if cell in task.asked}
        return check_all(task, asked) if asked else None
    except (NumbersError, LessonError, TypeError, KeyError, ValueError):
        return None


def _take(key: str, task: Exercise) -> None:
    report = judge(task, state.sent(key, "answers"))
    if report is None:
        return
    mine, name = kept(), identity(task)
    before = mine.pop(name, None)
    mine[name] = Judged(report, (before.checks if before else 0) + 1)
    while len(mine) > MOST_KEPT:
        mine.pop(next(iter(mine)))
