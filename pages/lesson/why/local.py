"""Local connectivity: paint on the picture, and see which outputs of one kernel notice."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch

from explorer.kernels import KERNELS, Kernel
from explorer.lesson.locality import Repaint, repaint
from explorer.lesson.matrices import LessonError
from explorer.lesson.painting import (
    SIDE,
    Mask,
    as_input,
    decode,
    encode,
    grid,
    one_kernel,
    painted,
    pixels,
    reach,
)
from explorer.rendering import Scale
from pages import state
from pages.reading import Reading
from pages.widgets import why

CANVAS = "why_local"
NAMES = [name for name, kernel in KERNELS.items() if not kernel.parameters]
DEFAULT = "gaussian"


@st.fragment
def show(reading: Reading) -> None:
    """The section; painting or picking runs only this again."""
    st.header("1 · Look locally", anchor="local")
    st.markdown(
        "A convolution's output value looks at one small region of the picture, and at nothing else. "
        "**Pick an output** in the feature map; its region lights up in blue. **Paint outside** the region, "
        "then **inside**, and watch the number."
    )
    kernel = pick_kernel()
    weight = kernel.weight().float()
    levels = grid(pixels(reading.x, reading.loaded.preprocess.mean, reading.loaded.preprocess.std))
    net = one_kernel(weight)
    with torch.no_grad():
        outputs = net(as_input(levels))[0, 0]
    spot, mask = chosen_spot(outputs), chosen_mask()
    low, high = reach(weight, outputs)
    scale = Scale(low, high, "diverging" if low < 0 else "sequential")
    why.local(
        CANVAS,
        why.Canvas(levels, weight, kernel.title, scale),
        spot=spot,
        paint=encode(mask),
        on_settled=take,
    )
    check(net, as_input(levels), as_input(painted(levels, mask)), spot)


def pick_kernel() -> Kernel:
    """The kernel that is laid over the picture."""
    name = state.choice("window", NAMES, DEFAULT)
    st.selectbox(
        "Kernel", NAMES, format_func=lambda name: KERNELS[name].title, width=280,
        **state.follow("why_window", name, lambda value: state.choose(window=value)),
    )  # fmt: skip
    return KERNELS[name]


def chosen_spot(outputs: torch.Tensor) -> tuple[int, int]:
    """The output that was picked; at first one in the middle."""
    rows, columns = outputs.shape
    try:
        row, column = map(int, (state.text("spot") or "")[:9].split("."))
    except ValueError:
        row, column = rows // 2, columns // 2
    return min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)


def chosen_mask() -> Mask:
    """The painted pixels; none where a link holds nonsense."""
    try:
        return decode(state.text("paint") or "")
    except LessonError:
        return np.zeros((SIDE, SIDE), dtype=bool)


def take() -> None:
    """An output was picked, or something was painted."""
    sent = state.sent(CANVAS, "settled") or {}
    spot = why.pair_of(sent.get("spot"), (SIDE, SIDE))
    try:
        mask = decode(str(sent.get("paint", "")))
    except LessonError:
        return
    if spot is not None:
        state.choose(spot=f"{spot[0]}.{spot[1]}", paint=encode(mask) or None)


def check(net: torch.nn.Module, x: torch.Tensor, changed: torch.Tensor, spot: tuple[int, int]) -> None:
    """The same number again, from PyTorch's own convolution."""
    st.markdown(f":small[{words(repaint(net, x, changed, '0', *spot))}]")


def words(found: Repaint) -> str:
    """What PyTorch says of the output."""
    before, after = (
        f"{float(values[0]) + 0:.4g}".replace("-", "−") for values in (found.before, found.after)
    )
    verdict = "changed" if found.changed else "unchanged"
    return (
        f"Asked on the server as well: PyTorch's `Conv2d` gives {before} before and {after} after, "
        f"{verdict}. Painted pixels: {found.inside} inside, {found.outside} outside."
    )
