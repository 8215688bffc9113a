"""A kernel on the current picture: before and after, read out pixel by pixel, and what the kernel is like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st
from torch import Tensor

from explorer.lesson.filtering import Display, displayed, laid_over, pixels, suited
from explorer.lesson.peers import peer
from pages import state
from pages.lesson.kernels import choosing, controls, nature, words
from pages.lesson.kernels.choosing import Chosen
from pages.widgets import kernels as widgets

EDGES = {"replicate": "the last pixel again", "zeros": "zeros"}
DISPLAYS = {"clip": "as it is, clipped", "centre": "zero as grey", "absolute": "without sign"}
LABORATORY = str(Path(__file__).parents[2] / "laboratory.py")


@st.fragment
def show() -> None:
    """The section."""
    st.header("Kernels on your picture", anchor="kernels")
    st.markdown(
        "The same sliding sum over a whole picture; only the weights differ. Choose a kernel, then drag "
        "the line between before and after. Point at a pixel, or move with the arrow keys (with Shift "
        "ten pixels at once), to see the patch under the kernel, its weights and their sum."
    )
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="kernel_controls"):
        chosen = choosing.pick()
        colour = controls.switch("colours", "In colour", "Red, green and blue are filtered one by one")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        how = controls.pick("display", "Shown", DISPLAYS, suited(chosen.weight))
        edge = controls.pick("padding_mode", "Beyond the edge", EDGES, "replicate")
    picture = pixels(state.current().picture.rgb, grey=not colour)  # (C, H, W)
    values = laid_over(picture.double(), chosen.weight, edge)
    shown = displayed(values, how)
    show_picture(picture, values, shown, chosen, edge)
    about, weights = st.columns(2, gap="large")
    with about:
        show_about(chosen, shown, how, edge, colour=colour)
    with weights:
        st.subheader("Its weights: edit them", anchor="weights")
        widgets.weights("kernels_weights", chosen.texts, on_edit=take_weights)
        st.markdown(
            f":small[{words.brightness(float(chosen.weight.sum()))} Fractions such as 1/9 are possible.]"
        )
    nature.show(chosen)


def show_picture(picture: Tensor, values: Tensor, shown: Display, chosen: Chosen, edge: str) -> None:
    """Before and after."""
    channels, height, width = picture.shape
    title = state.current().title
    widgets.filtered(
        "kernels_picture",
        widgets.Filtered(
            picture.numpy().astype(np.uint8), values.numpy(), shown, chosen.weight, chosen.texts, edge
        ),
        label=f"{title} before and after {chosen.title}",
        titles=("Before", f"After: {chosen.title}"),
        note=words.worked_on(state.current().picture.rgb.shape, (height, width)),
        view=looked_at(channels, height, width),
        on_view=take_view,
    )


def looked_at(channels: int, height: int, width: int) -> list[int]:
    """Where the line stands (0..100), and the row, column and channel that are read."""
    parts = (state.text("looked_at") or "").split(",")
    limits = (100, height - 1, width - 1, channels - 1)
    if len(parts) == len(limits) and all(part.isdecimal() and len(part) < 6 for part in parts):
        return [min(int(part), most) for part, most in zip(parts, limits, strict=True)]
    return [50, height // 2, width // 2, 0]


def take_view() -> None:
    """The line was moved, or another pixel was chosen."""
    sent = state.sent("kernels_picture", "view")
    if isinstance(sent, list) and len(sent) == 4 and all(isinstance(value, int) for value in sent):
        state.choose(looked_at=",".join(str(max(0, value)) for value in sent))


def take_weights() -> None:
    """A weight or the size was edited."""
    choosing.edit(state.sent("kernels_weights", "edit"))


def show_about(chosen: Chosen, shown: Display, how: str, edge: str, *, colour: bool) -> None:
    """What it does, where it is used, how it is shown, and who else has it."""
    st.subheader(chosen.title, anchor="about")
    if chosen.about:
        st.markdown(
            f"{chosen.about.does} **Used:** {chosen.about.use} :small[Source: {chosen.about.source}.]"
        )
    elif chosen.name == choosing.RANDOM:
        st.markdown(
            "Noise, as the kernels of a network are before they are trained: the edges that trained kernels "
            "find, they find only by accident."
        )
    else:
        st.markdown("Your own weights. Whatever you type, the picture follows.")
    st.markdown(f"**How it is shown.** {words.display(shown, how)}")
    if edge == "replicate":
        call = peer(chosen.name, chosen.weight, **chosen.values)
        st.markdown(f":small[Elsewhere the same: `{call}`]")
    st.page_link(
        LABORATORY, label="Hold it against PyTorch in the laboratory", icon=":material/science:",
        query_params=state.link(case="picture", padding_mode=edge, colours=colour, **chosen.in_laboratory),
    )  # fmt: skip
