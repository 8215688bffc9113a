"""What a convolution is, in words and as a formula."""

from __future__ import annotations

import streamlit as st

DEFINITION = r"""
\begin{gathered} O(r, c) \;=\; (I * K)(r, c) \\[0.4em]
=\; \sum_{i=0}^{k_h - 1} \; \sum_{j=0}^{k_w - 1} I(r + i,\; c + j) \; K(i, j) \end{gathered} \;
"""
GENERAL = r"""
\begin{gathered} O(r, c) \;=\; \sum_{i} \sum_{j} \; I(y, x) \; K(i, j) \\[0.4em]
y = r\,s - p + i\,d, \quad x = c\,s - p + j\,d \end{gathered} \;
"""
OUTPUT_SIZE = r"""
\begin{gathered} \Bigl\lfloor \frac{n + 2p - d\,(k - 1) - 1}{s} \Bigr\rfloor + 1 \end{gathered} \;
"""
READABLE = 860
"""Pixels that a paragraph is wide at most."""


def show() -> None:
    """The idea, the formula, and what its letters mean."""
    st.header("Slide, multiply, add", anchor="idea")
    with st.container(width=READABLE):
        _words()


def _words() -> None:
    st.markdown(
        "To a computer, an image is a table of numbers, one for the brightness of each pixel. A "
        "**convolution** slides a much smaller table over it, the **kernel** (or **filter**). At every "
        "position three things happen:\n1. the kernel lies over a part of the image of its own size, the "
        ":blue[**window**];\n2. each number in the window is **multiplied** by the :orange[**kernel**]'s "
        "number on top of it;\n3. the products are **added up**. The sum is one number of the "
        ":green[**output**].\n\nThen the window moves on by one cell, and the same happens again with the "
        "same kernel. As a formula, with the input $I$, the kernel $K$ and the operator $*$:"
    )
    st.latex(DEFINITION)
    st.markdown(
        "Here $r$ and $c$ are the row and the column of the output, $i$ and $j$ those of the kernel, which "
        "has $k_h$ rows and $k_w$ columns. All are counted from 0. The two sums say: go through every cell "
        "of the kernel. Strictly, this formula is called *cross-correlation*; [the last "
        "section](#frameworks) tells the difference."
    )


def general() -> None:
    """The same with stride, padding and dilation."""
    with st.expander("The formula with stride, padding and dilation"), st.container(width=READABLE):
        st.latex(GENERAL)
        st.markdown(
            "The **stride** $s$ is how many cells the window moves at a time, the **padding** $p$ how many "
            "zeros stand around the input on each side, and the **dilation** $d$ how far apart the kernel's "
            "cells lie; with $s = 1$, $p = 0$ and $d = 1$ it is the formula above. From an input of $n$ rows "
            "and a kernel of $k$ rows comes an output of so many rows, and columns likewise:"
        )
        st.latex(OUTPUT_SIZE)
