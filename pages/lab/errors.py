"""How far the two are apart, in numbers: outputs and gradients, from each other and from float64."""

from __future__ import annotations

import streamlit as st
import torch

from explorer.convolution.comparison import Comparison
from explorer.rendering import number

MEANING = """
**What the numbers mean.** Every sum is rounded, and each algorithm adds in another order, so small
differences are no mistake. Which is nearer to the truth? Both are computed once more with twice the digits,
in float64: PyTorch's error is not zero either. Errors are relative to the largest value that numbers of this
size could make. Gradients are those that training would use, for one random direction.
"""


def show(result: Comparison) -> None:
    """The table, and what it means."""
    numbers, meaning = st.columns([7, 5], gap="large")
    with numbers:
        st.markdown(table(result))
        st.markdown(f":small[{footnote(result)}]")
    meaning.markdown(MEANING)


def table(result: Comparison) -> str:
    """Relative errors of output and gradients."""
    exact = result.ours.dtype == torch.float64
    rows = [("Output", result.max_relative_error, result.our_error, result.their_error)]
    rows += [
        (f"Gradient, {name}", each.apart, each.ours, each.theirs) for name, each in result.gradients.items()
    ]
    lines = [
        f"| Relative error | between the two | {result.algorithm}, to float64 | PyTorch, to float64 |",
        "|:--|--:|--:|--:|",
    ]
    lines += [
        f"| {name} | {number(apart)} | {number(ours)} | {'the reference' if exact else number(theirs)} |"
        for name, apart, ours, theirs in rows
    ]
    return "\n".join(lines)


def footnote(result: Comparison) -> str:
    """The largest absolute difference, what is promised, and what is left out."""
    kind = "float64" if result.ours.dtype == torch.float64 else "float32"
    told = (
        f"Largest absolute difference: {number(result.max_absolute_error)}. In {kind} {result.algorithm} "
        f"promises relative errors of at most {number(result.bound)}."
    )
    return told if result.gradients else f"{told} The loops carry no gradients."
