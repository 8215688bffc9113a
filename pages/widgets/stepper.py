"""The stepper: a window that slides over a small matrix, the computation at every position written out.

It works in the browser, without the server: steps, play, numbers, sizes. What a visitor has changed is sent
once it has settled, as the trigger `settled`, which `sent_setting` checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias

from explorer.laboratory.numbers import NumbersError, parse_number
from explorer.lesson.matrices import LessonError, typed
from explorer.lesson.walkthrough import INPUT_SIDES, Walkthrough
from pages import state
from pages.widgets import register

Mode: TypeAlias = Literal["convolution", "max", "average", "relu"]
Change: TypeAlias = Literal[
    "input", "kernel", "sizes", "window", "stride", "padding", "dilation", "flipped", "random"
]
Rows: TypeAlias = "Sequence[Sequence[float | str]]"
Texts: TypeAlias = tuple[tuple[str, ...], ...]
Pair: TypeAlias = tuple[int, int]

TRIGGER = "settled"
LARGEST_SIDE = INPUT_SIDES[1]
LONGEST_NUMBER = 24
"""Signs of a number: as many as Python may need to write one."""
_STEPPER = register("stepper", "walkthrough", "matrices", "controls", "settings", "computation")


@dataclass(frozen=True)
class Setting:
    """What the stepper walks through, and where it stands.

    Attributes:
        input: Rows of numbers; texts are shown as they are typed, such as 1/16.
        kernel: Rows of weights, of a convolution.
        window: Rows and columns of the window, of pooling.
        stride: Cells from one window to the next (rows, columns).
        padding: Cells of zeros at the (top, bottom, left, right); only a convolution has any.
        dilation: Distance of the taps (rows, columns); only a convolution's can be more than 1.
        flipped: True convolution: the kernel is turned by 180 degrees first.
        seed: Of the random numbers drawn last, if any.
        at: Row and column of the output to start at; those before it are filled.
    """

    input: Rows
    kernel: Rows = (("1",),)
    window: Pair = (2, 2)
    stride: Pair = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    flipped: bool = False
    seed: int | None = None
    at: Pair = (0, 0)

    @classmethod
    def of(cls, steps: Walkthrough) -> Setting:
        """The setting of a convolution's walkthrough."""
        sizes = steps.sizes
        return cls(
            steps.input,
            steps.kernel,
            stride=sizes.stride,
            padding=sizes.padding,
            dilation=sizes.dilation,
            flipped=steps.flipped,
        )

    def as_typed(self) -> Setting:
        """The same with every number as a text, as the browser shows it and sends it back."""
        return replace(self, input=_texts(self.input), kernel=_texts(self.kernel))


@dataclass(frozen=True)
class Preset:
    """Numbers to choose: a title and rows."""

    title: str
    rows: Rows


def stepper(
    key: str,
    setting: Setting,
    *,
    label: str,
    mode: Mode = "convolution",
    changes: Sequence[Change] = (),
    inputs: Sequence[Preset] = (),
    kernels: Sequence[Preset] = (),
    filled: bool = False,
    both: bool = False,
    on_settle: Callable[[], None] | None = None,
) -> None:
    """The stepper; what cannot be computed it says itself, with the reason.

    Args:
        key: Streamlit's key of this instance.
        setting: What to begin with, or what the link says now.
        label: What it is, for assistive technology.
        mode: What becomes of the numbers under the window.
        changes: What a visitor may change: numbers by typing ("input", "kernel"), "sizes" of both, and so on;
            "random" draws numbers from a seed.
        inputs: Inputs to choose from.
        kernels: Kernels to choose from.
        filled: Show the whole output from the start.
        both: Show the outputs of cross-correlation and true convolution beside each other.
        on_settle: Called before the page runs again; `sent_setting(key)` has the new setting. Without it the
            server is told nothing.
    """
    data = {
        "setting": as_data(setting),
        "mode": mode,
        "label": label,
        "changes": list(changes),
        "inputs": [{"title": each.title, "rows": _texts(each.rows)} for each in inputs],
        "kernels": [{"title": each.title, "rows": _texts(each.rows)} for each in kernels],
        "filled": filled,
        "both": both,
        "reports": on_settle is not None,
    }
    # Streamlit takes a callback for the trigger, also where nobody listens.
    _STEPPER(key=key, data=data, on_settled_change=on_settle or _nothing)


def sent_setting(key: str) -> Setting | None:
    """The setting that the stepper `key` just sent; None if it is none that a stepper would send."""
    return read_setting(state.sent(key, TRIGGER))


def read_setting(sent: Any) -> Setting | None:
    """A setting from whatever a browser sent as one; None if it is none."""
    try:
        return _checked(sent)
    except (NumbersError, LessonError, TypeError, KeyError, ValueError):
        return None


def _nothing() -> None:
    """For a trigger that nobody waits for."""


def _texts(rows: Rows) -> Texts:
    return tuple(tuple(value if isinstance(value, str) else typed(value) for value in row) for row in rows)


def as_data(setting: Setting) -> dict[str, Any]:
    """A setting as the browser gets it."""
    return asdict(setting.as_typed())


def _checked(sent: Any) -> Setting:
    """The setting with its numbers checked; sizes are checked where they are used."""
    seed, (top, bottom, left, right) = sent["seed"], map(int, sent["padding"])
    return Setting(
        _checked_rows(sent["input"]),
        _checked_rows(sent["kernel"]),
        _pair(sent["window"]),
        _pair(sent["stride"]),
        (top, bottom, left, right),
        _pair(sent["dilation"]),
        bool(sent["flipped"]),
        None if seed is None else int(seed),
        _pair(sent["at"]),
    )


def _checked_rows(rows: Any) -> Texts:
    texts = tuple(tuple("".join(str(text).split()) for text in row) for row in rows)
    (columns,) = {len(row) for row in texts}
    if not 0 < columns <= LARGEST_SIDE or len(texts) > LARGEST_SIDE:
        raise LessonError(f"a matrix has 1 to {LARGEST_SIDE} rows and columns")
    for text in (text for row in texts for text in row):
        if len(text) > LONGEST_NUMBER:
            raise NumbersError(f"a number has at most {LONGEST_NUMBER} signs, got {len(text)}")
        parse_number(text)
    return texts


def _pair(values: Any) -> Pair:
    rows, columns = map(int, values)
    return rows, columns
