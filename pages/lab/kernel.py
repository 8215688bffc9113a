"""The kernel of small numbers and of the picture: a classic one with its parameters, or the visitor's own."""

from __future__ import annotations

import streamlit as st
import torch

from explorer.kernels import KERNELS, Kernel, Parameter
from explorer.laboratory.numbers import NumbersError, format_matrix, parse_matrix, parse_number
from explorer.laboratory.script import kernel_code
from pages import state

OWN = "own"
MOST = 15
"""Rows and columns of one's own kernel, at most."""


def is_own() -> bool:
    """Whether the visitor's own kernel was chosen."""
    return state.text("kernel") == OWN


def pick() -> Kernel:
    """The classic kernel that was chosen, also where the visitor's own one is at work."""
    return KERNELS[state.choice("kernel", list(KERNELS), default="sobel_x")]


def pick_kernel(*, small: bool) -> tuple[torch.Tensor, str, str | torch.Tensor]:
    """A classic kernel with its parameters, or the visitor's own.

    Args:
        small: Only those that fit on a page of numbers.

    Returns:
        Its weights, its title, and what a script writes for it.

    Raises:
        NumbersError, KernelError: If what a link says is no kernel.
    """
    names = [name for name, kernel in KERNELS.items() if not (small and kernel.parameters)]
    now = state.choice("kernel", [*names, OWN], default="sobel_x")
    st.selectbox(
        "Kernel", [*names, OWN], width=210,
        format_func=lambda name: "My own" if name == OWN else KERNELS[name].title,
        **state.follow("lab_kernel", now, choose_kernel),
    )  # fmt: skip
    if now == OWN:
        own = parse_matrix(state.text("own") or "0 0 0; 0 1 0; 0 0 0", most=MOST)
        return own, "My own kernel", own
    kernel = KERNELS[now]
    values = {each.name: parameter(each) for each in kernel.parameters}
    return kernel.weight(**values), kernel.title, kernel_code(now, values)


def choose_kernel(name: str) -> None:
    """Another kernel; one's own begins with the numbers of the one before."""
    if name == OWN and state.text("own") is None:
        state.choose(own=format_matrix(pick().weight()) if not pick().parameters else None)
    state.choose(kernel=name)


def parameter(each: Parameter) -> float:
    """One parameter of a kernel, as a slider."""
    try:
        value = parse_number(state.text(each.name) or str(each.default))
    except NumbersError:
        value = each.default
    value = float(value) if each.low <= value <= each.high else each.default
    st.slider(
        each.title, float(each.low), float(each.high), step=float(each.step), width=170,
        **state.follow(f"lab_{each.name}", value, lambda new: state.choose(**{each.name: f"{new:g}"})),
    )  # fmt: skip
    return value
