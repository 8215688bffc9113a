"""Which kernel is at work: one of the catalogue with its parameters, the visitor's own, or a random one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
from torch import Tensor

from explorer.kernels import KERNELS, Kernel, Parameter, random
from explorer.laboratory.numbers import NumbersError, parse_matrix, parse_number
from explorer.lesson.filtering import weight_texts
from pages import media, state
from pages.lesson.kernels import controls

OWN, RANDOM = "own", "random"
DEFAULT = "sobel_x"
MOST = 11
EMPTY = "0 0 0; 0 1 0; 0 0 0"
MOST_SEED = 999_999
TITLES = {name: kernel.title for name, kernel in KERNELS.items()} | {
    OWN: "My own",
    RANDOM: "Random",
}


@dataclass(frozen=True, eq=False)
class Chosen:
    """A kernel and where it comes from.

    Attributes:
        name: In the catalogue, `OWN` or `RANDOM`.
        title: For people.
        weight: float64 (kH, kW).
        texts: Its weights as they are written.
        values: What it depends on, by name.
    """

    name: str
    title: str
    weight: Tensor
    texts: list[list[str]]
    values: dict[str, float]

    @property
    def about(self) -> Kernel | None:
        """What the catalogue knows of it."""
        return KERNELS.get(self.name)

    @property
    def in_laboratory(self) -> dict[str, str]:
        """The choices that show the same kernel in the laboratory."""
        if self.about:
            return {"kernel": self.name} | {name: f"{value:g}" for name, value in self.values.items()}
        own = "; ".join(" ".join(row) for row in self.texts)
        return {"kernel": OWN, "own": own}


def name() -> str:
    """Which kernel was chosen."""
    return state.choice("kernel", list(TITLES), DEFAULT)


def pick() -> Chosen:
    """The controls of the kernel, and the kernel."""
    now = name()
    st.selectbox(
        "Kernel", list(TITLES), format_func=TITLES.__getitem__, width=230,
        **state.follow("kernels_kernel", now, choose),
    )  # fmt: skip
    if now == OWN:
        return own()
    if now == RANDOM:
        return noise()
    kernel = KERNELS[now]
    values = {each.name: parameter(each) for each in kernel.parameters}
    weight = kernel.weight(**values)
    return Chosen(now, kernel.title, weight, weight_texts(weight), values)


def choose(new: str) -> None:
    """Another kernel, shown as suits it; one's own begins with the one before, where that can be edited."""
    if new == OWN and state.text("weights") is None and (before := KERNELS.get(name())):
        values = {each.name: chosen_value(each) for each in before.parameters}
        weight = before.weight(**values)
        if max(weight.shape) <= MOST:
            state.choose(weights=format_texts(weight_texts(weight)))
    state.choose(kernel=new, display=None)


def own() -> Chosen:
    """The visitor's own kernel; one that cannot be read is said so and replaced."""
    text = state.text("weights") or EMPTY
    try:
        weight = parse_matrix(text, MOST)
    except NumbersError as error:
        st.error(f"These weights cannot be used: {media.plain(str(error))}.", icon=":material/block:")
        text, weight = EMPTY, parse_matrix(EMPTY)
    texts = [line.replace(",", " ").split() for line in text.replace("\n", ";").split(";")]
    return Chosen(OWN, "My own kernel", weight, [row for row in texts if row], {})


def edit(sent: Any) -> None:
    """Take weights that were typed, if they are any."""
    try:
        text = format_texts(sent)
        parse_matrix(text, MOST)
    except (NumbersError, TypeError):
        return
    state.choose(kernel=OWN, weights=text)


def format_texts(rows: list[list[str]]) -> str:
    """Rows of texts as a link carries them."""
    return "; ".join(" ".join(row) for row in rows)


def noise() -> Chosen:
    """A random kernel of any size."""
    seed = state.number("noise", 0, MOST_SEED, 1)
    side = controls.slide("noise_side", "Size", 1, MOST, 5)
    st.button(
        "Draw another",
        key="kernels_noise",
        on_click=state.choose,
        kwargs={"noise": (seed + 1) % (MOST_SEED + 1)},
    )
    weight = random(seed, side)
    return Chosen(RANDOM, f"Random kernel, seed {seed}", weight, weight_texts(weight), {})


def parameter(each: Parameter) -> float:
    """One parameter of a kernel, as a slider."""
    value = chosen_value(each)
    st.slider(
        each.title, float(each.low), float(each.high), step=float(each.step), width=180,
        **state.follow(
            f"kernels_{each.name}", value, lambda new: state.choose(**{each.name: f"{new:g}"})
        ),
    )  # fmt: skip
    return value


def chosen_value(each: Parameter) -> float:
    """What the link says of a parameter, where that is possible; else its default."""
    try:
        value = parse_number(state.text(each.name) or str(each.default))
    except NumbersError:
        return float(each.default)
    return float(value) if each.low <= value <= each.high else float(each.default)
