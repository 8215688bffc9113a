"""Several kernels in a row, and the single one that does the same."""

from __future__ import annotations

import streamlit as st
import torch

from explorer.kernels import KERNELS
from explorer.lesson.filtering import Chain, chained, displayed, pixels, suited
from explorer.rendering import number
from pages import state
from pages.lesson.kernels import controls
from pages.widgets import kernels as widgets

PLACES = ("First", "Then", "Then, third", "Then, fourth")
NOTHING = "nothing"
START = "gaussian,sobel_x"
TITLES = {NOTHING: "nothing"} | {name: kernel.title for name, kernel in KERNELS.items()}
ALIKE = 1e-6
"""Grey levels: a difference below is rounding."""


@st.fragment
def show() -> None:
    """The section."""
    st.header("Several in a row are one", anchor="compose")
    st.markdown(
        "Apply one kernel, then another to the result: a single kernel does the same in one go. "
        "Choose what comes after what."
    )
    names = chosen()
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        for place, label in enumerate(PLACES[: len(names) + 1]):
            pick(place, label, names)
    relu = controls.switch("relu_between", "A ReLU between them", "Negative numbers become 0 after each step")
    weights = [KERNELS[name].weight() for name in names]
    picture = pixels(state.current().picture.rgb, grey=True)
    chain = chained(picture, weights, relu=relu)
    titles = [KERNELS[name].title for name in names]
    whole = chain.composition.kernel
    size = f"{whole.shape[0]}×{whole.shape[1]}"
    widgets.equation(
        "kernels_chain", list(zip(titles, weights, strict=True)), (f"The single one, {size}", whole),
        sign=("∗", "convolved with"),
    )  # fmt: skip
    show_pictures(chain, titles)
    st.markdown(verdict(chain, relu=relu and len(names) > 1))


def chosen() -> list[str]:
    """The kernels in their order: one to four."""
    names = (state.text("chain") or START).split(",")[: len(PLACES)]
    return [name for name in names if name in KERNELS] or START.split(",")


def pick(place: int, label: str, names: list[str]) -> None:
    """One place in the row; the first cannot be empty, and one more can be added at the end."""
    options = [name for name in TITLES if place > 0 or name != NOTHING]
    now = names[place] if place < len(names) else NOTHING

    def take(new: str) -> None:
        kept = [*names[:place], new, *names[place + 1 :]]
        state.choose(chain=",".join(name for name in kept if name != NOTHING))

    st.selectbox(
        label, options, format_func=TITLES.__getitem__, width=230,
        **state.follow(f"kernels_chain_{place}", now, take),
    )  # fmt: skip


def show_pictures(chain: Chain, titles: list[str]) -> None:
    """Both results, shown alike."""
    how = suited(chain.composition.kernel)
    both = displayed(torch.stack([chain.stepwise[0], chain.together[0]]), how)
    one, other = st.columns(2, gap="medium")
    with one:
        st.markdown("**One after the other**")
        st.image(both.pixels[0], width="stretch", alt=f"The picture after {', then '.join(titles)}")
    with other:
        st.markdown("**The single kernel**")
        st.image(both.pixels[1], width="stretch", alt="The picture after the single equivalent kernel")


def verdict(chain: Chain, *, relu: bool) -> str:
    """Whether both are the same, and what each costs."""
    parts = chain.composition
    cost = (
        f"Per pixel {parts.products_apart} products one after the other, "
        f"{parts.products_together} with the single kernel."
    )
    apart = number(chain.difference)
    if relu and chain.difference > ALIKE:
        return (
            f"**Not the same any more: up to {apart} grey levels apart.** A ReLU between two kernels "
            "does what no single kernel can. That is why networks put one behind each convolution: "
            "without it, all their layers would collapse into one."
        )
    why = ", rounding in the last digits" if chain.difference else ""
    return f"**The same picture: the largest difference is {apart} grey levels**{why}. {cost}"
