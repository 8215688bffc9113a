"""One word, two meanings: SAME in PyTorch and in TensorFlow; and kernels without a middle, and with holes."""

from __future__ import annotations

import streamlit as st

from explorer.lesson.windows import Axis, axis, same_twice
from pages.lesson.kernels import controls, words
from pages.lesson.kernels.sizes import digits
from pages.widgets.kernels import Row, windows

WEIGHTS = {"middle": "the middle pixel only", "sum": "the sum of all"}


@st.fragment
def show_two_libraries() -> None:
    """Where the zeros go in PyTorch and in TensorFlow."""
    st.header("SAME is not the same everywhere", anchor="same")
    st.markdown(
        "At stride 1 PyTorch's `'same'` and TensorFlow's `SAME` agree. At stride 2 they may put the zeros in "
        "different places, and a network moved from one to the other looks at every second pixel, but at "
        "the *other* ones. Point at an output: the same output lights up on both sides."
    )
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        size = controls.slide("same_size", "Input size", 3, 12, 8)
        kernel = controls.slide("same_kernel", "Kernel size", 1, 7, 3)
        stride = controls.slide("same_stride", "Stride", 1, 4, 2)
        taken = controls.pick("same_weights", "The kernel takes", WEIGHTS, "middle")
    ours, theirs = same_twice(size, kernel, stride)
    taps = middle(kernel) if taken == "middle" else (1.0,) * kernel
    titles = [f"{name}: {words.zeros(each)}" for name, each in (("PyTorch", ours), ("TensorFlow", theirs))]
    rows = [Row(title, each, digits(size), taps) for title, each in zip(titles, (ours, theirs), strict=True)]
    windows("same_strip", rows)
    st.markdown(words.two_libraries(ours, theirs))


def middle(kernel: int) -> tuple[float, ...]:
    """Weights that pick the middle pixel; an even kernel has two, and takes their mean."""
    if kernel % 2:
        return tuple(float(tap == kernel // 2) for tap in range(kernel))
    return tuple(0.5 * (tap in (kernel // 2 - 1, kernel // 2)) for tap in range(kernel))


@st.fragment
def show_even() -> None:
    """Kernels without a middle."""
    st.subheader("Even kernels have no middle", anchor="even-kernels")
    kernel = controls.slide("even_kernel", "Kernel size", 2, 6, 4)
    st.markdown(words.even(axis(7, kernel, padding="same")))
    one("even_strip", f"SAME with {kernel} taps", axis(7, kernel, padding="same"), middle(kernel))


@st.fragment
def show_dilation() -> None:
    """Kernels with holes."""
    st.subheader("Dilation pulls the taps apart", anchor="dilation")
    dilation = controls.slide("dilated", "Dilation", 1, 4, 2)
    sizes = axis(11, 3, dilation=dilation)
    st.markdown(words.dilation(sizes))
    one("dilation_strip", f"3 taps, dilation {dilation}", sizes, (1.0,) * 3)


def one(key: str, title: str, sizes: Axis, taps: tuple[float, ...]) -> None:
    """A single row."""
    windows(key, [Row(title, sizes, digits(sizes.size), taps)])
