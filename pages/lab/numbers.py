"""Small numbers: one channel in and one out, every number to be read and edited."""

from __future__ import annotations

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from explorer.laboratory.cases import Case
from explorer.laboratory.numbers import NumbersError, format_matrix, matrix, parse_matrix, resized
from explorer.laboratory.script import numbers_recipe
from pages import state
from pages.lab import kernel, parameters
from pages.lab.subject import START, Subject, settled

GIVEN = "0 0 0 9 9 9 9; 0 0 0 9 9 9 9; 0 0 3 9 9 9 9; 0 3 9 9 9 6 6; 3 9 9 9 6 6 6; 9 9 9 6 6 6 6"
MOST = {"given": 8, "own": 7}
"""Rows and columns that can be edited on a page, of the input and of the kernel."""

READABLE = 24
"""Rows and columns of the input with its padding, at most."""


def of_numbers(top: DeltaGenerator) -> Subject:
    """One channel of numbers to edit, with a kernel to edit."""
    defaults = START | {"padding": 0}
    with top:
        weight, title, _ = kernel.pick_kernel(small=True)
        given = parse_matrix(state.text("given") or GIVEN)
        size_of("Input", "given", given)
        if kernel.is_own():
            size_of("Kernel", "own", weight)
    parameters.show(defaults, with_bias=True)
    bias = parameters.chosen_bias()
    added = torch.tensor([bias]) if bias else None
    case = settled(Case(given.float()[None, None], weight.float()[None, None], added), defaults)
    check_readable(case)
    return Subject("numbers", f"{title} over small numbers", case, numbers_recipe(case))


def check_readable(case: Case) -> None:
    """Whether the padded input is small enough to be read.

    Raises:
        NumbersError: If it is not.
    """
    rows, columns = case.sizes.padded_size
    if max(rows, columns) > READABLE:
        raise NumbersError(
            f"with this padding the input has {rows} × {columns} numbers, and {READABLE} × {READABLE} can be "
            "read here; pad less, or take the picture"
        )


def size_of(label: str, name: str, values: torch.Tensor) -> None:
    """How many rows and columns a matrix that can be edited has.

    Raises:
        NumbersError: If a link gave it more than can be shown.
    """
    most = MOST[name]
    now = tuple(values.shape)
    sizes = {
        f"{rows} × {columns}": (rows, columns)
        for rows in range(1, most + 1)
        for columns in range(1, most + 1)
    }
    label_now = next((label for label, size in sizes.items() if size == now), None)
    if label_now is None:
        raise NumbersError(
            f"the {label.lower()} has at most {most} × {most} numbers, got {now[0]} × {now[1]}"
        )

    def take(chosen: str) -> None:
        if chosen in sizes:
            state.choose(**{name: format_matrix(resized(values, *sizes[chosen]))})

    st.selectbox(f"{label} size", list(sizes), width=110, **state.follow(f"lab_{name}_size", label_now, take))


def take_numbers() -> None:
    """Numbers were edited on the page."""
    sent = state.sent("lab_numbers", "edit")
    try:
        given, weight = matrix(sent["input"]), matrix(sent["kernel"])
    except (NumbersError, TypeError, KeyError):
        return
    state.choose(given=format_matrix(given))
    if kernel.is_own() or not torch.equal(weight.float(), kernel.pick().weight().float()):
        state.choose(kernel=kernel.OWN, own=format_matrix(weight))
