"""The parameters of `conv2d` as controls; what a link or a visitor says is checked here or by the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from explorer.convolution import ConvolutionError
from explorer.convolution.geometry import PADDINGS
from explorer.convolution.padding import PADDING_MODES
from explorer.laboratory.numbers import NumbersError, parse_number
from pages import state

LARGEST = 64
WORDS = {
    "valid": "none (valid)",
    "same": "same",
    "same_tensorflow": "same, as TensorFlow",
    "zeros": "zeros",
    "reflect": "mirrored",
    "replicate": "edge repeated",
    "circular": "circular",
}
NAMES = ("stride", "padding", "dilation", "groups", "padding_mode", "flipped", "float64", "bias")


def written(value: Any) -> str:
    """A size or padding as the controls and the link write it."""
    if isinstance(value, (tuple, list)):
        return str(value[0]) if len(set(value)) == 1 else ", ".join(map(str, value))
    return str(value)


def chosen(name: str, default: Any) -> Any:
    """The stride, padding, dilation or groups that were chosen: an int, a pair or a padding's name.

    Raises:
        ConvolutionError: If what was chosen is none of these.
    """
    text = state.text(name)
    if text is None:
        return default
    if name == "padding" and text in PADDINGS:
        return text
    parts = [part.strip() for part in text.split(",")]
    if not 1 <= len(parts) <= 2 or not all(part.lstrip("-").isdecimal() and len(part) < 9 for part in parts):
        raise ConvolutionError(f"{name} is a whole number or two (rows, columns), not {text[:30]!r}")
    values = [int(part) for part in parts]
    if max(values) > LARGEST and name != "groups":
        raise ConvolutionError(f"{name} goes up to {LARGEST} here, got {max(values)}")
    if name == "groups" and len(values) > 1:
        raise ConvolutionError(f"groups is one whole number, not {text[:30]!r}")
    return values[0] if len(values) == 1 else (values[0], values[1])


def chosen_bias() -> float:
    """The bias that was chosen; none by default.

    Raises:
        ConvolutionError: If it is no usable number.
    """
    try:
        return parse_number(state.text("bias") or "0")
    except NumbersError as error:
        raise ConvolutionError(f"the bias must be a number: {error}") from None


def show(defaults: dict[str, Any], *, with_bias: bool) -> None:
    """The controls.

    Args:
        defaults: The case's own stride, padding, dilation, groups and padding mode.
        with_bias: Whether the bias can be chosen; a layer has its own.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="parameters"):
        pair = "One number, or two for rows and columns: 2, 1"
        sizes("Stride", "stride", defaults, ["1", "2", "3", "4"], f"How far the window moves. {pair}")
        sizes(
            "Padding", "padding", defaults, [*PADDINGS, "0", "1", "2", "3"],
            f"What is put around the picture: a number of pixels, or a rule. {pair}", width=180,
        )  # fmt: skip
        sizes("Dilation", "dilation", defaults, ["1", "2", "3", "4"], f"How far apart the taps lie. {pair}")
        sizes("Groups", "groups", defaults, ["1", "2", "3"], "In how many groups the channels are kept apart")
        st.selectbox(
            "Beyond the edge",
            PADDING_MODES,
            format_func=WORDS.__getitem__,
            width=150,
            help="What stands in the padding. F.conv2d knows zeros; the others are padded before.",
            **follow("padding_mode", state.choice("padding_mode", PADDING_MODES, defaults["padding_mode"])),
        )
        if with_bias:
            st.text_input(
                "Bias", width=80, max_chars=12, help="Added to every output value",
                **follow("bias", state.text("bias") or "0"),
            )  # fmt: skip
        st.toggle(
            "True convolution",
            help="Turns the kernel by 180° first, as mathematics defines convolution. What deep learning "
            "calls convolution, F.conv2d too, leaves that out: it is cross-correlation.",
            **follow("flipped", state.flag("flipped")),
        )
        st.toggle("float64", help="Twice the digits", **follow("float64", state.flag("float64")))


def sizes(
    label: str, name: str, defaults: dict[str, Any], offered: Sequence[str], about: str, width: int = 100
) -> None:
    """One size: some are offered, any can be typed."""
    now = state.text(name) or written(defaults[name])
    options = list(dict.fromkeys([*offered, written(defaults[name]), now]))
    st.selectbox(
        label,
        options,
        format_func=lambda option: WORDS.get(option, option),
        accept_new_options=True,
        width=width,
        help=about,
        **follow(name, now, lambda value: str(value)[:30]),
    )


def follow(name: str, value: Any, clean: Callable[[Any], Any] = lambda value: value) -> dict[str, Any]:
    """The arguments that bind a widget to the choice `name`."""
    return state.follow(f"lab_{name}", value, lambda new: state.choose(**{name: clean(new)}))
