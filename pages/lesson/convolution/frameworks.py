"""What frameworks compute: cross-correlation beside true convolution, on the same numbers."""

from __future__ import annotations

import streamlit as st

from pages.lesson.convolution import link
from pages.lesson.convolution.definition import READABLE
from pages.widgets.stepper import Setting

CORRELATION = r"O(r, c) = \sum_{i} \sum_{j} I(r + i,\; c + j) \, K(i, j)"
CONVOLUTION = r"""
\begin{gathered} O(r, c) = \sum_{i} \sum_{j} I(r + i,\; c + j) \\
\cdot \; K(k_h - 1 - i,\; k_w - 1 - j) \end{gathered} \;
"""
START = Setting(
    [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
    [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
    at=(1, 1),
).as_typed()


@st.fragment
def show() -> None:
    """The section."""
    st.header("What frameworks compute", anchor="frameworks")
    st.markdown(
        "In mathematics, convolution **turns the kernel by 180°** before it slides. Deep-learning libraries "
        "leave that out. What `torch.nn.functional.conv2d`, TensorFlow and JAX call convolution is, "
        "strictly, **cross-correlation**:"
    )
    plain, flipped = st.columns(2, gap="medium")
    with plain, st.container(border=True, height="stretch"):
        st.markdown("**Cross-correlation**: the kernel as it stands")
        st.latex(CORRELATION)
    with flipped, st.container(border=True, height="stretch"):
        st.markdown("**True convolution**: the kernel turned")
        st.latex(CONVOLUTION)
    st.markdown(
        "Turn the kernel on and off and compare the two outputs. The input begins as a single 1: true "
        "convolution puts a copy of the kernel where the 1 is; cross-correlation puts it there turned "
        "around."
    )
    link.stepper(
        "both_operations",
        "turn",
        START,
        label="Cross-correlation and true convolution on the same numbers",
        changes=["input", "kernel", "flipped"],
        filled=True,
        both=True,
    )
    with st.container(width=READABLE):
        st.markdown(MATTERS)


MATTERS = """
**When does it matter?**
- **Not for training.** A network learns its kernels. If the library turned them, it would learn them turned,
  and compute the same.
- **Not for symmetric kernels.** A box, a Gaussian or a Laplacian looks the same after half a turn, so both
  outputs are equal.
- **For kernels that you write down.** The worked example's kernel changes its sign when it is turned: what
  answered to bright before dark now answers to dark before bright.
- **When you move between libraries.** `scipy.signal.convolve2d` and `scipy.ndimage.convolve` turn the kernel;
  `scipy.signal.correlate2d`, OpenCV's `filter2D` and PyTorch's `conv2d` do not.
- **For the algebra.** True convolution is commutative, $f * g = g * f$, and associative, so that two kernels
  can be merged into one, and the Fourier transform turns it into a product. Cross-correlation is not
  commutative: when input and kernel change places, the output is turned around.
"""
