"""A stepper whose setting stands in the link, as far as it is not as it was at the start."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.laboratory.numbers import NumbersError, parse_matrix, parse_number
from explorer.lesson.matrices import typed
from explorer.lesson.walkthrough import INPUT_SIDES, KERNEL_SIDES, MOST_PADDING
from pages import media, state
from pages.widgets.stepper import LONGEST_NUMBER, Pair, Rows, Setting, Texts, sent_setting
from pages.widgets.stepper import stepper as plain_stepper

LARGEST_STEP = 5
LARGEST_SEED = 999_999


def stepper(key: str, prefix: str, start: Setting, **options: Any) -> None:
    """A stepper that shows what the link says, and keeps in the link what a visitor changes.

    Args:
        key: Streamlit's key of this instance.
        prefix: Of the names of its choices.
        start: What holds where the link says nothing; its numbers as they are typed.
        options: Of `pages.widgets.stepper.stepper`.
    """
    shown, problems = setting(prefix, start)
    for problem in problems:
        st.warning(media.plain(problem), icon=":material/link_off:")

    def take() -> None:
        if changed := sent_setting(key):
            keep(prefix, start, changed)

    plain_stepper(key, shown, on_settle=take, **options)


def setting(prefix: str, start: Setting) -> tuple[Setting, list[str]]:
    """What the link says of a stepper, and a sentence for everything in it that cannot be used.

    Args:
        prefix: Of the choices' names.
        start: What holds where the link says nothing; its numbers as they are typed.
    """
    problems: list[str] = []
    image = _matrix(f"{prefix}_input", "input", start.input, INPUT_SIDES, problems)
    kernel = _matrix(f"{prefix}_kernel", "kernel", start.kernel, KERNEL_SIDES, problems)
    stride, dilation = (
        state.number(f"{prefix}_{name}", 1, LARGEST_STEP, 1) for name in ("stride", "dilation")
    )
    padding = state.number(f"{prefix}_padding", 0, MOST_PADDING, 0)
    seed = state.number(f"{prefix}_seed", 0, LARGEST_SEED, -1)
    return Setting(
        image,
        kernel,
        stride=(stride, stride),
        padding=(padding,) * 4,
        dilation=(dilation, dilation),
        flipped=state.flag(f"{prefix}_turned"),
        seed=None if seed < 0 else seed,
        at=_cell(state.text(f"{prefix}_at") or "", start.at),
    ), problems


def keep(prefix: str, start: Setting, changed: Setting) -> None:
    """Put a stepper's setting into the link."""
    parts = {
        "input": write_matrix(changed.input) if changed.input != start.input else None,
        "kernel": write_matrix(changed.kernel) if changed.kernel != start.kernel else None,
        "stride": changed.stride[0] if changed.stride[0] != 1 else None,
        "padding": changed.padding[0] or None,
        "dilation": changed.dilation[0] if changed.dilation[0] != 1 else None,
        "turned": changed.flipped or None,
        "seed": changed.seed,
        "at": "{},{}".format(*changed.at) if changed.at != start.at else None,
    }
    state.choose(**{f"{prefix}_{name}": value for name, value in parts.items()})


def _matrix(name: str, title: str, start: Rows, sides: Pair, problems: list[str]) -> Rows:
    """The matrix that the link holds, as it is typed; the start's where it holds none, or none to use."""
    text = state.text(name)
    if text is None:
        return start
    try:
        return read_matrix(text, title, sides)
    except NumbersError as error:
        problems.append(f"The link's {title} cannot be used: {error}.")
        return start


def read_matrix(text: str, title: str, sides: Pair) -> Texts:
    """The texts of a matrix's numbers, which stay as they are typed: 1/9 says more than 0.111111.

    Args:
        text: Rows end with `;`, numbers with a space or comma.
        title: What it is, for messages.
        sides: Fewest and most rows and columns.

    Raises:
        NumbersError: If it is no matrix, or too small or too large.
    """
    rows, columns = parse_matrix(text).shape
    least, most = sides
    if not (least <= rows <= most and least <= columns <= most):
        raise NumbersError(
            f"the {title} can have {least} to {most} rows and columns, got {rows} rows and {columns} columns"
        )
    lines = [line.replace(",", " ").split() for line in text.replace("\n", ";").split(";")]
    return tuple(tuple(map(_short, line)) for line in lines if line)


def write_matrix(rows: Rows) -> str:
    """The text that `read_matrix` reads back."""
    return "; ".join(" ".join(map(str, row)) for row in rows)


def _short(word: str) -> str:
    return word if len(word) <= LONGEST_NUMBER else typed(parse_number(word))


def _cell(text: str, start: Pair) -> Pair:
    """Row and column of the output; the start's where the link names none."""
    parts = text.split(",")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 3 for part in parts):
        return start
    return int(parts[0]), int(parts[1])
