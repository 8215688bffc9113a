"""The result: a verdict, both outputs, and their difference."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import streamlit as st
import torch

from explorer.convolution import ALGORITHMS, ConvolutionError
from explorer.convolution.comparison import Comparison
from explorer.kernels import keeps_brightness
from explorer.laboratory.cases import LOOPS, Case, cut
from explorer.laboratory.comparing import compare_case
from explorer.rendering import Scale, layer_scale, mosaic
from pages import state
from pages.lab import errors
from pages.lab.choosing import refuse
from pages.lab.numbers import take_numbers
from pages.widgets import Maps
from pages.widgets import laboratory as widgets

NAMES = ("auto", *ALGORITHMS)
LONG = 100_000_000
"""Multiplications from which on somebody waits long enough to be told."""

HINTS = {
    "numbers": "**Change any number** of input or kernel. Point at a result to see the sum behind it.",
    "picture": "**Try another kernel.** Point at a map to read out both results and their difference.",
    "layer": "**Try another layer.** Point at a map to read out both results and their difference.",
}


def algorithm_title(name: str) -> str:
    """An algorithm's name for people."""
    return "auto: the cost model chooses" if name == "auto" else ALGORITHMS[name].title


def pick_algorithm() -> str:
    """By which algorithm the hand-written side computes."""
    name = state.choice("algorithm", NAMES, default="auto")
    st.selectbox(
        "By hand with", NAMES, format_func=algorithm_title, width=250,
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
        with waiting(case):
            result = compared(case, algorithm)
    except ConvolutionError as error:
        refuse(error)
        return None
    tell, icon = (st.success, "check_circle") if result.agrees else (st.error, "cancel")
    tell(result.verdict, icon=f":material/{icon}:")
    st.markdown(HINTS[kind])
    if kind == "numbers":
        show_numbers(case, result)
    else:
        show_maps(case, result)
    errors.show(result)
    return result


def waiting(case: Case) -> AbstractContextManager[None]:
    """Something to look at where it takes long."""
    long = case.sizes.multiplications > LONG
    return st.spinner("Computing both, and once more with twice the digits …") if long else nullcontext()


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
