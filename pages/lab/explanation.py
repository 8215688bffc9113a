"""Why the library wins, and where it loses."""

from __future__ import annotations

import streamlit as st


def show() -> None:
    """The reasons, each with a number that can be checked."""
    st.header("Why the library usually wins, and where it loses")
    wins, loses = st.columns(2, gap="large")
    with wins, st.container(border=True, height="stretch"):
        st.markdown(WINS)
    with loses, st.container(border=True, height="stretch"):
        st.markdown(LOSES)


WINS = """
### Why it wins
- **Vector units.** One AVX-512 instruction multiplies and adds 16 float32 pairs. The Python loops spend about
  150 nanoseconds on a single pair: the time of thousands.
- **Cache.** A processor computes far faster than memory delivers. oneDNN, which PyTorch calls, cuts picture
  and weights into blocks that stay in the cache until they have been used up.
- **Memory traffic.** im2col writes each pixel kH · kW times before anything is multiplied; the library reads
  the windows straight from the picture.
- **Threads.** The blocks are shared among all cores. One sequence of tensor operations in Python waits for
  each to end before the next begins.
- On a large 3×3 convolution it reaches 85–100 % of what the same machine does in a plain matrix product.
"""

LOSES = """
### Where it loses
- **Large kernels.** The definition's work grows with kH · kW, the FFT's hardly. With one channel of 256
  pixels and a 63×63 kernel `F.conv2d` took 1.1 s; the FFT needs a thousandth of that.
- **Many channels, 3×3.** Winograd needs 2.25 to 4 times fewer multiplications and pays with one to two
  digits of accuracy; with 256 channels of 56 pixels that was 0.6 of the library's time with kept weights.
- **1×1 with a stride.** Slicing first and multiplying then took 0.7 of its time.
- **One channel per group.** Little is computed per byte: depthwise layers reach 2–11 % of the peak in the
  library too. Memory is the limit, not arithmetic.

:small[Figures: torch 2.13, one AVX-512 thread, float32, medians by turns. The button above measures yours.]
"""
