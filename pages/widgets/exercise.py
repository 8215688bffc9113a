"""An exercise on the page: an output with open cells, a button to check, and what is said to every answer."""

from __future__ import annotations

from collections.abc import Callable

from explorer.lesson.exercises import Exercise, Report
from pages.widgets import register
from pages.widgets.stepper import Setting, as_data

_EXERCISE = register("exercise", "walkthrough", "matrices", "controls", "settings")


def exercise(
    key: str,
    task: Exercise,
    report: Report | None,
    summary: str,
    *,
    checks: int,
    window: bool,
    on_answers: Callable[[], None],
) -> None:
    """An exercise to be solved by typing; the button sends the answers as the trigger `answers`.

    Args:
        key: Streamlit's key of this instance.
        task: The exercise.
        report: What is to be said to the last answers, if there were any.
        summary: The same in a sentence.
        checks: How often answers were checked, which tells a new report from an old one.
        window: Whether the window over the input is shown from the start.
        on_answers: Called before the page runs again, with {"id": text, "cells": [row, column, text]} sent.
    """
    data = {
        "id": identity(task),
        "label": f"Exercise: {task.task}",
        "setting": as_data(Setting.of(task.steps)),
        "asked": task.asked,
        "known": _known(task),
        "window": window,
        "checks": checks,
        "verdicts": _verdicts(report),
        "solved": report is not None and report.solved,
        "summary": summary,
    }
    _EXERCISE(key=key, data=data, on_answers_change=on_answers)


def identity(task: Exercise) -> str:
    """What tells one exercise from another."""
    return f"{task.level}/{task.seed}"


def _known(task: Exercise) -> list[list[float | None]]:
    """The output's rows, without the cells that are asked for."""
    return [
        [None if (row, column) in task.asked else value for column, value in enumerate(values)]
        for row, values in enumerate(task.steps.output)
    ]


def _verdicts(report: Report | None) -> list[dict[str, object]]:
    return [
        {
            "row": each.row,
            "column": each.column,
            "answer": each.answer,
            "right": each.right,
            "sentence": each.sentence,
        }
        for each in (report.verdicts if report else ())
    ]
