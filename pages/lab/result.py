"""The result: both outputs, their difference, how large it is, and what that means."""

from __future__ import annotations

import streamlit as st
import torch

from explorer.convolution import ALGORITHMS, ConvolutionError
from explorer.convolution.comparison import Comparison
from explorer.kernels import keeps_brightness
from explorer.laboratory.cases import LOOPS, Case, cut
from explorer.laboratory.comparing import compare_case
from explorer.rendering import Scale, layer_scale, mosaic, number
from pages import state
from pages.lab.subject import take_numbers
from pages.widgets import Maps
from pages.widgets import laboratory as widgets

NAMES = ("auto", *ALGORITHMS)
MEANING = """
**What the numbers mean.** Every sum is rounded, and each algorithm adds in another order, so small
differences are no mistake. Which is nearer to the truth? Both are computed once more with twice the digits,
in float64; PyTorch's error is not zero either. Errors are relative to the largest output that numbers of this
size could make. Gradients are those that training would use, for one random direction.
"""


def algorithm_title(name: str) -> str:
    """An algorithm's name for people."""
    return "auto: the cost model chooses" if name == "auto" else ALGORITHMS[name].title


def pick_algorithm() -> str:
    """By which algorithm the hand-written side computes."""
    name = state.choice("algorithm", NAMES, default="auto")
    st.selectbox(
        "By hand with", NAMES, format_func=algorithm_title, width=300,
        **state.follow("lab_algorithm", name, lambda value: state.choose(algorithm=value)),
    )  # fmt: skip
    return name


def manageable(case: Case, algorithm: str) -> Case:
    """The case, or where the loops would take too long its middle, said so on the page."""
    if algorithm != "loops" or case.sizes.multiplications <= LOOPS:
        return case
    middle = cut(case)
    work, less = case.sizes.multiplications, middle.sizes.multiplications
    shapes = " and ".join(str(tuple(part.shape)) for part in (middle.input, middle.weight))
    st.info(
        f"The loops would take {work:,} multiplications, one at a time. Here they run on the middle: "
        f"{less:,}, with input and weight of {shapes}.",
        icon=":material/content_cut:",
    )
    return middle


def show(case: Case, kind: str, algorithm: str) -> Comparison | None:
    """Everything about the two outputs; None, and a reason on the page, if the algorithm does not fit."""
    try:
        result = compared(case, algorithm)
    except ConvolutionError as error:
        st.error(f"Not possible: {error}.", icon=":material/block:")
        return None
    tell, icon = (st.success, "check_circle") if result.agrees else (st.error, "cancel")
    tell(result.verdict, icon=f":material/{icon}:")
    if kind == "numbers":
        show_numbers(case, result)
    else:
        show_maps(case, result)
    show_errors(result)
    return result


def compared(case: Case, algorithm: str) -> Comparison:
    """The comparison; the last one is kept for as long as nothing of the case changes."""
    kept: dict[str, Comparison] = state.kept("lab_comparison", dict)
    key = f"{algorithm} {case.digest}"
    if key not in kept:
        result = compare_case(case, algorithm)
        kept.clear()
        kept[key] = result
    return kept[key]


def show_numbers(case: Case, result: Comparison) -> None:
    """Every number on the page; input and kernel can be edited."""
    widgets.numbers(
        "lab_numbers", case, case.padded[0, 0], result.ours[0, 0], result.theirs[0, 0],
        title=f"By hand ({result.algorithm})", on_edit=take_numbers,
    )  # fmt: skip


def show_maps(case: Case, result: Comparison) -> None:
    """One output channel of both, and where they differ."""
    channels = result.ours.shape[1]
    channel = state.number("channel", 0, channels - 1, 0)
    if channels > 1:
        st.number_input(
            f"Output channel, of {channels}", 0, channels - 1, width=180,
            **state.follow("lab_channel", channel, lambda value: state.choose(channel=value)),
        )  # fmt: skip
    pair = torch.stack([result.ours[0, channel], result.theirs[0, channel]])
    grey = keeps_brightness(case.weight[channel].sum(0)) and not (pair < 0).any() and case.input.shape[1] <= 3
    outputs = mosaic(pair, scale="layer", colormap="grey" if grey else None)
    apart = result.difference[:, channel]
    most = layer_scale(apart).high
    differences = mosaic(apart, scale=Scale(-most, most, "diverging"))
    widgets.compare(
        "lab_maps",
        Maps(pair.float().numpy(), outputs.tiles, outputs.palette),
        Maps(apart.float().numpy(), differences.tiles, differences.palette),
        titles=[f"By hand ({result.algorithm})", "PyTorch", "Difference"],
        legends=[outputs.legend, differences.legend],
    )


def show_errors(result: Comparison) -> None:
    """How far apart the two are, and how far each is from the same computed with twice the digits."""
    gradients = ", ".join(f"{name} {number(error)}" for name, error in result.gradients.items())
    rows = [
        ("Largest difference", number(result.max_absolute_error)),
        ("…relative to the largest possible output", number(result.max_relative_error)),
        (f"{result.algorithm}'s own error, against float64", number(result.our_error)),
        ("PyTorch's own error, against float64", number(result.their_error)),
        ("Gradients apart, relative", gradients or "the loops carry none"),
        (f"What {result.algorithm} promises", f"{result.bound:.0e}".replace("-", "−")),
    ]
    numbers, meaning = st.columns([3, 3], gap="large")
    numbers.markdown(
        "\n".join(["| Measured | Value |", "|:--|--:|", *(f"| {name} | {value} |" for name, value in rows)])
    )
    meaning.markdown(MEANING)
