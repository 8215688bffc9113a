"""What goes into a convolution: the input, the kernel, and the sizes worked out."""

from __future__ import annotations

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from explorer.convolution import Geometry
from explorer.laboratory.cases import Case
from explorer.rendering import mosaic_png
from pages import state

MOST = 16
READABLE = 5
LONG = 12
"""Times that a picture may be longer than wide to be shown whole."""


def show(case: Case, *, readable: bool) -> None:
    """The sizes; beside them pictures of input and kernel where the numbers are too many to read."""
    if readable:
        show_sizes(case, *st.columns([3, 2], gap="medium", vertical_alignment="center"))
        return
    channel = state.number("channel", 0, case.sizes.out_channels - 1, 0)
    picture, kernel, sizes = st.columns([3, 3, 8], gap="medium")
    with picture:
        show_input(case.input[0], channel // case.sizes.channels_per_group[1], case)
    with kernel:
        show_kernel(case.kernel[channel])
    show_sizes(case, sizes, sizes)


def show_sizes(case: Case, formula: DeltaGenerator, shapes_at: DeltaGenerator) -> None:
    """The output's size, computed before the reader's eyes, and the shapes."""
    sizes = case.sizes
    formula.code(worked_out(sizes), language=None, wrap_lines=True)
    shapes = " ∗ ".join(str(tuple(part.shape)) for part in (case.input, case.weight))
    shapes_at.markdown(f":small[{shapes} → {sizes.output_shape} · {sizes.multiplications:,} multiplications]")


def worked_out(sizes: Geometry) -> str:
    """The formula and the numbers of both axes, in one line if they are equal."""
    height, width = sizes.explain(0), sizes.explain(1)
    both = f"height, width: {height}" if height == width else f"height: {height}\nwidth:  {width}"
    return f"output = floor((size + before + after - reach) / stride) + 1\n{both}"


def show_input(maps: torch.Tensor, group: int, case: Case) -> None:
    """The maps that the chosen output channel reads, or the first of them."""
    per_group = case.sizes.channels_per_group[0]
    own = maps[group * per_group : (group + 1) * per_group]
    grey = "grey" if len(maps) in (1, 3) and not (own < 0).any() else None
    told = caption("Input", "map", len(own), len(maps))
    # A line of pixels would shrink to nothing.
    height, width = maps.shape[1:]
    own = own[:MOST, : LONG * width, : LONG * height]
    st.image(mosaic_png(own, scale="layer", colormap=grey), width=170, alt=told)
    st.markdown(f":small[{told}]")


def show_kernel(weight: torch.Tensor) -> None:
    """The weights of the chosen output channel: as numbers if they are few, else as colours."""
    rows, columns = weight.shape[1:]
    if max(rows, columns) <= READABLE and len(weight) == 1:
        lines = (" ".join(f"{value:6.3g}" for value in row) for row in weight[0].tolist())
        st.code("\n".join(lines), language=None)
        st.markdown(":small[Kernel, as it is laid on]")
        return
    told = caption(f"Kernel {rows}×{columns}", "map", len(weight), len(weight))
    zoom = max(1, 96 // max(rows, columns))
    st.image(mosaic_png(weight[:MOST], scale="layer", zoom=zoom), width=170, alt=told)
    st.markdown(f":small[{told}]")


def caption(what: str, part: str, count: int, among: int) -> str:
    """How many there are and how many of them are shown."""
    shown = f"{min(count, MOST)} of {among} {part}s" if among > 1 else f"1 {part}"
    return f"{what}, {shown}"
