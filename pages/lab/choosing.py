"""Which kind of case is compared, and the controls of the chosen kind."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.convolution import ConvolutionError
from explorer.kernels import KernelError
from explorer.laboratory.cases import MOST, Case
from explorer.laboratory.layer_input import LayerError
from explorer.laboratory.numbers import NumbersError
from explorer.laboratory.remarks import beyond_pytorch
from pages import media, state
from pages.lab import ingredients, layer, numbers, parameters, photo
from pages.lab.subject import Subject

MAKE = {"numbers": numbers.of_numbers, "picture": photo.of_current_picture, "layer": layer.of_chosen_layer}
KINDS = {"numbers": "Small numbers", "picture": "Current picture", "layer": "Layer of the model"}


def kind() -> str:
    """Which kind of case was chosen."""
    return state.choice("case", list(KINDS), default="numbers")


def choose_kind(value: str | None) -> None:
    """Another kind of case, with its own parameters."""
    state.choose(**dict.fromkeys(parameters.NAMES), case=value)


def pick_kind() -> None:
    """The control for it."""
    st.radio(
        "What to convolve", list(KINDS), format_func=KINDS.__getitem__, horizontal=True,
        **state.follow("lab_case", kind(), choose_kind),
    )  # fmt: skip


def choose(top: DeltaGenerator) -> Subject | None:
    """The controls of the case and of the parameters; None, and a reason on the page, if it is impossible.

    Args:
        top: The row in which the kind of case is chosen; what belongs to the kind stands beside it.
    """
    try:
        subject = MAKE[kind()](top)
        check(subject.case)
    except (ConvolutionError, NumbersError, KernelError, LayerError) as error:
        refuse(error)
        return None
    ingredients.show(subject.case, readable=kind() == "numbers")
    for remark in beyond_pytorch(subject.case):
        st.markdown(remark)
    return subject


def check(case: Case) -> None:
    """Whether it can be computed while one waits.

    Raises:
        ConvolutionError: If the parameters don't fit together, or the case is too large.
    """
    work = case.sizes.multiplications
    if work > MOST:
        raise ConvolutionError(
            f"this takes {work:,} multiplications, and the laboratory goes up to {MOST:,}; "
            "take a larger stride or less padding"
        )
    case.padded  # noqa: B018 - a picture may be too small for its padding


def refuse(error: Exception) -> None:
    """Say why it is impossible, and offer the way back."""
    st.error(f"Not possible: {media.plain(str(error))}.", icon=":material/block:")
    numbers_too = ("given", "kernel", "own") if isinstance(error, NumbersError | KernelError) else ()
    st.button(
        "Back to what fits", icon=":material/undo:", key="lab_back",
        on_click=partial(state.choose, **dict.fromkeys((*parameters.NAMES, "algorithm", *numbers_too))),
    )  # fmt: skip
