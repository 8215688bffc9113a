"""ReLU and pooling on a few numbers, step by step."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer.laboratory.numbers import NumbersError, parse_matrix
from explorer.lesson.matrices import LessonError, Numbers
from explorer.lesson.pooling import PoolWalkthrough, ReluWalkthrough, walk_pool, walk_relu
from explorer.rendering import number
from pages import state
from pages.widgets.stepper import Setting, sent_setting, stepper

RELU, POOL = "net_relu", "net_pool"
SIGNED = ((3, -1, 0, 2), (-2, 5, -4, 1), (0, -3, 6, -1), (2, 1, -5, 4))
KINDS = {"max": "Max-pooling", "average": "Average-pooling"}
LARGEST_WINDOW, LARGEST_STRIDE = 4, 5


def show() -> None:
    """Both, one after the other as in a block."""
    st.header("ReLU and pooling, step by step", anchor="relu-and-pooling")
    st.markdown(
        "Between two convolutions stand two small operations without any weights. Press **Step** and follow "
        "one number after the other, or type numbers of your own."
    )
    left, right = st.columns(2, gap="large")
    with left:
        relu()
    with right:
        pool()


@st.fragment
def relu() -> None:
    """ReLU, cell by cell."""
    st.subheader("ReLU keeps what is positive", anchor="relu")
    st.latex(r"\operatorname{ReLU}(x) = \max(0, x)")
    walk = relu_walk()
    stepper(
        RELU, Setting(walk.input), mode="relu", changes=("input", "random"), on_settle=take_relu,
        label="ReLU, step by step",
    )  # fmt: skip
    st.markdown(told_relu(walk))


@st.fragment
def pool() -> None:
    """Pooling, window by window."""
    st.subheader("Pooling keeps one number for each window", anchor="pooling")
    kind = state.choice("pool", list(KINDS), default="max")
    st.segmented_control(
        "Pooling", list(KINDS), format_func=KINDS.__getitem__, required=True, label_visibility="collapsed",
        **state.follow("net_pool_kind", kind, lambda value: state.choose(pool=value)),
    )  # fmt: skip
    walk = pool_walk()
    setting = Setting(walk.input, window=(walk.size, walk.size), stride=(walk.stride, walk.stride))
    stepper(
        POOL, setting, mode=walk.kind, changes=("input", "window", "stride", "random"), on_settle=take_pool,
        label=f"{KINDS[walk.kind]}, step by step",
    )  # fmt: skip
    st.markdown(told_pool(walk))


def relu_walk() -> ReluWalkthrough:
    """The numbers of the link; the first ones where it holds none."""
    try:
        return walk_relu(parse_matrix(state.text("relu_input") or ""))
    except (NumbersError, LessonError):
        return walk_relu(SIGNED)


def pool_walk() -> PoolWalkthrough:
    """Numbers, window and stride of the link; else the first ones, as ReLU leaves them."""
    kind = "average" if state.choice("pool", list(KINDS), default="max") == "average" else "max"
    size = state.number("pool_window", 1, LARGEST_WINDOW, 2)
    stride = state.number("pool_stride", 1, LARGEST_STRIDE, 2)
    try:
        return walk_pool(parse_matrix(state.text("pool_input") or ""), size, stride, kind)
    except (NumbersError, LessonError):
        return walk_pool(walk_relu(SIGNED).output, 2, 2, kind)


def take_relu() -> None:
    """Other numbers for ReLU."""
    setting = sent_setting(RELU)
    if setting is not None:
        state.choose(relu_input=written(setting.input, SIGNED))


def take_pool() -> None:
    """Other numbers, window or stride for pooling."""
    setting = sent_setting(POOL)
    if setting is None:
        return
    numbers = written(setting.input, walk_relu(SIGNED).output)
    state.choose(pool_input=numbers, pool_window=setting.window[0], pool_stride=setting.stride[0])


def written(rows: Sequence[Sequence[float | str]], start: Numbers) -> str | None:
    """Numbers as the link holds them; None for those that the page begins with."""
    text = "; ".join(" ".join(map(str, row)) for row in rows)
    return None if parse_matrix(text).tolist() == [list(map(float, row)) for row in start] else text


def told_relu(walk: ReluWalkthrough) -> str:
    """What ReLU does, counted on the numbers shown."""
    count = len(walk.input) * len(walk.input[0])
    return (
        f"{walk.silenced} of these {count} numbers are negative and become 0. Without such a bend between "
        "them, two convolutions in a row would be no more than one larger convolution."
    )


def told_pool(walk: PoolWalkthrough) -> str:
    """What pooling does, counted on the numbers shown."""
    before = len(walk.input) * len(walk.input[0])
    after = walk.output_size[0] * walk.output_size[1]
    what = "the strongest answer survives" if walk.kind == "max" else "each window hands on its mean"
    return (
        f"{before} numbers become {after}, {number(100 * after / before)}\u00a0%: {what}, and where exactly "
        "it stood is forgotten."
    )
