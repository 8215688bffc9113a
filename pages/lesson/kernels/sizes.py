"""Stride and padding: the window slides over the padded input, and the output's size is worked out."""

from __future__ import annotations

import streamlit as st

from explorer.convolution import ConvolutionError
from explorer.lesson.walkthrough import INPUT_SIDES, KERNEL_SIDES
from explorer.lesson.windows import Axis, axis
from pages.lesson.kernels import controls, words
from pages.widgets.kernels import Row, windows
from pages.widgets.stepper import Setting, stepper

PADDINGS = {
    "valid": "VALID",
    "same": "SAME (PyTorch)",
    "same_tensorflow": "SAME (TensorFlow)",
    "1": "1",
    "2": "2",
    "3": "3",
}
EXAMPLES: list[tuple[str, dict[str, str | int]]] = [
    ("SAME keeps the size", {"axis_padding": "same", "axis_stride": 1, "axis_kernel": 3, "axis_dilation": 1}),
    ("VALID shrinks it", {"axis_padding": "valid", "axis_stride": 1, "axis_kernel": 3, "axis_dilation": 1}),
    ("Stride 2 halves it", {"axis_padding": "1", "axis_stride": 2, "axis_kernel": 3, "axis_dilation": 1}),
    (
        "Dilation reaches wider",
        {"axis_padding": "valid", "axis_stride": 1, "axis_kernel": 3, "axis_dilation": 2},
    ),
]


@st.fragment
def show() -> None:
    """The section."""
    st.header("Stride and padding", anchor="stride-and-padding")
    st.markdown(
        "**Stride** is how many pixels the window moves at once. **Padding** puts zeros around the "
        "input, drawn with dashed lines, so that the window can reach over its border. Change a "
        "number, then press **Step** and watch the window."
    )
    controls.examples("Try:", EXAMPLES, "sizes_example")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="sizes"):
        size = controls.slide("axis_size", "Input size", *INPUT_SIDES, 6)
        kernel = controls.slide("axis_kernel", "Kernel size", *KERNEL_SIDES, 3)
        stride = controls.slide("axis_stride", "Stride", 1, 4, 1)
        dilation = controls.slide("axis_dilation", "Dilation", 1, 3, 1, "How far apart the kernel's taps lie")
    padding = controls.pick("axis_padding", "Padding", PADDINGS, "same")
    try:
        sizes = axis(size, kernel, stride, int(padding) if padding.isdecimal() else padding, dilation)
    except ConvolutionError as error:
        st.error(words.impossible(error, padding, stride), icon=":material/block:")
        return
    show_sizes(sizes, padding)


def show_sizes(sizes: Axis, padding: str) -> None:
    """The drawing, the formula and one row with all its windows."""
    walk(sizes)
    formula, row = st.columns(2, gap="large")
    with formula:
        st.subheader("The output's size, worked out", anchor="output-size")
        lines = rf"{sizes.span_formula} \\[1.5ex] {sizes.formula}"
        st.markdown(rf"$\displaystyle \begin{{aligned}} {lines} \end{{aligned}}$")
        st.markdown(words.told(sizes, padding))
    with row:
        st.subheader("One row, all its windows", anchor="windows")
        st.markdown(
            "Rows and columns behave alike, so one row tells all. Each bar is a window, with a block "
            "for each tap of the kernel; its output stands below its middle. Point at an output, or "
            "use ← and →."
        )
        title = f"{words.count(sizes.kernel, 'tap')} of weight 1"
        windows("sizes_strip", [Row(title, sizes, digits(sizes.size), (1.0,) * sizes.kernel)])


def walk(sizes: Axis) -> None:
    """The same numbers as a square that the window slides over."""
    numbers = tuple(
        tuple(float((3 * row + 5 * column + row * column) % 10) for column in range(sizes.size))
        for row in range(sizes.size)
    )
    before, after = sizes.before, sizes.after
    setting = Setting(
        numbers, ((1.0,) * sizes.kernel,) * sizes.kernel,
        stride=(sizes.stride,) * 2, padding=(before, after) * 2, dilation=(sizes.dilation,) * 2,
    )  # fmt: skip
    stepper("sizes_stepper", setting, label="A window of ones slides over the padded input", filled=True)


def digits(size: int) -> tuple[float, ...]:
    """Pixels that can be told apart: 1, 2, 3 and so on."""
    return tuple(float(pixel + 1) for pixel in range(size))
