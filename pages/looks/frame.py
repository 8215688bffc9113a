"""The honest frame around a made picture: what natural pictures reach, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

import explorer
from explorer.images import Picture
from explorer.rendering import number
from explorer.visualization import Objective, Recipe, VisualizationError
from explorer.visualization.beside import Beside, values_of
from explorer.visualization.objectives import OUTPUT
from explorer.visualization.store import pixels_digest
from pages import cache, media
from pages.looks import natural
from pages.looks.chosen import Chosen
from pages.reading import Reading

CURRENT = ""
"""The name of the current picture among those that are compared, where it is none of the samples."""
TRUST = (
    "**How far to trust such a picture.** It was made by optimisation: nothing like it need exist in the "
    "world, and it shows what raises the answer most, not all that raises it. People who were shown such "
    "pictures predicted which of two photographs a channel answers to in 82\u00a0% of cases; shown the "
    "photographs that raise it most instead, in 92\u00a0% (Borowski et al. 2021). Nor did such pictures tell "
    "them better than photographs what covering a part of a photograph does to a channel (Zimmermann et al. "
    "2021). Networks can be built whose visualizations show anything at all, whatever they do with "
    "photographs, and ordinary networks, too, process such pictures very differently from photographs "
    "(Geirhos et al. 2023). So look at both."
)
SOURCES = {
    "Borowski et al. 2021": "https://arxiv.org/abs/2010.12606",
    "Zimmermann et al. 2021": "https://arxiv.org/abs/2106.12447",
    "Geirhos et al. 2023": "https://arxiv.org/abs/2306.04719",
}


@dataclass(frozen=True, eq=False)
class Frame:
    """What natural pictures do to a channel or class.

    Attributes:
        what: The channel or class.
        beside: What its layer answers to the samples, and to the current picture at the end.
    """

    what: Chosen
    beside: Beside

    @property
    def layer(self) -> str:
        """The layer's name; that of the output for a class."""
        return OUTPUT if self.what.layer is None else self.what.layer


def compared(reading: Reading, layer: str) -> Beside:
    """What a layer answers to the samples and to the current picture.

    Raises:
        VisualizationError: If it has no channels, or its values are not finite.
        CaptureError: If there is no such layer.
    """
    loaded, current = reading.loaded, reading.current
    samples = cache.beside(loaded.key, layer, loaded)
    if current.sample is not None:
        return samples
    return samples + cache.beside_one(loaded.key, layer, current.picture.sha256, loaded, reading.x)


def level(reading: Reading, objective: Objective, sign: int) -> float | None:
    """What the strongest natural picture reaches of an objective; None where that means nothing.

    Args:
        reading: The picture and the model.
        objective: What is raised.
        sign: -1 where it is the negative of what is told.
    """
    try:
        found = values_of(objective, {layer: compared(reading, layer) for layer in objective.layers})
    except (VisualizationError, explorer.CaptureError):
        return None
    return None if found is None else sign * float(found.max())


def answer_to(reading: Reading, layer: str, picture: NDArray[np.uint8], recipe: Recipe) -> Beside:
    """What a layer answers to a made picture, as the network saw it while it was made.

    Raises:
        VisualizationError: If its values are not finite.
    """
    loaded = reading.loaded
    x = recipe.normalised(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255)
    return cache.beside_one(loaded.key, layer, f"made {pixels_digest(picture)}", loaded, x)


def probability(beside: Beside, picture: int, index: int) -> tuple[float, int]:
    """How probable a class is, from 0 to 1, and its place among all, from 1.

    Args:
        beside: What the output answers.
        picture: Which of the pictures.
        index: The class.
    """
    logits = torch.from_numpy(beside.mean[picture])
    place = int((logits > logits[index]).sum()) + 1
    return float(logits.softmax(0)[index]), place


def show_natural(reading: Reading, frame: Frame) -> None:
    """The natural picture that raises it most, and the current one; the next best where they are one."""
    order = [int(k) for k in frame.beside.highest[:, frame.what.index].argsort(kind="stable")[::-1]]
    here = frame.beside.pictures.index(reading.current.sample or CURRENT)
    with st.container(horizontal=True, gap="medium", key="looks_natural"):
        if order[0] == here:
            _card(reading, frame, here, "Strongest: this picture")
            if len(order) > 1:
                _card(reading, frame, order[1], "Next")
        else:
            _card(reading, frame, order[0], "Strongest sample picture")
            _card(reading, frame, here, "This picture")


def _card(reading: Reading, frame: Frame, which: int, heading: str) -> None:
    beside, index = frame.beside, frame.what.index
    name = beside.pictures[which]
    title, picture = _picture(reading, name)
    size = reading.spec.input_size
    where = None
    if frame.what.layer is not None:
        row, column = int(beside.row[which, index]), int(beside.column[which, index])
        where = natural.place(reading.table[frame.what.layer], row, column, size)
    shown = natural.seen(picture, reading.spec.preprocessing)
    with st.container(width=220, gap="xsmall"):
        st.markdown(f"**{heading}**")
        mark = "" if where is None else ", a ring where" if where.whole else ", a frame around where"
        alt = f"{title} as the network sees it{mark and f'{mark} it answers most strongly'}"
        st.image(natural.marked(shown, where, size), width=220, alt=alt)
        if where is not None and not where.whole:
            st.image(natural.part(shown, where, size), width=110, alt="What is framed, enlarged")
        st.markdown(f"{media.plain(title)}: {_reached(frame, which)}")


def _reached(frame: Frame, which: int) -> str:
    """What a natural picture reaches, in words."""
    if frame.what.layer is None:
        share, _ = probability(frame.beside, which, frame.what.index)
        return f"**{_percent(share)}**, logit {number(frame.beside.mean[which, frame.what.index])}"
    highest, mean = frame.beside.highest[which, frame.what.index], frame.beside.mean[which, frame.what.index]
    return f"highest **{number(highest)}**, mean {number(mean)}"


def _picture(reading: Reading, name: str) -> tuple[str, Picture]:
    if name == (reading.current.sample or CURRENT):
        return reading.current.title, reading.current.picture
    return explorer.SAMPLES[name].title, cache.sample(name)


def verdict(frame: Frame, made: Beside, highest: float | None = None) -> str:
    """What a made picture reaches, next to what natural ones do, in words.

    Args:
        frame: What natural pictures do.
        made: What the layer answers to the made one.
        highest: At any position, where that is known from the picture before it was compressed.
    """
    what, beside = frame.what, frame.beside
    if what.layer is None:
        share, place = probability(made, 0, what.index)
        best = max(probability(beside, k, what.index)[0] for k in range(len(beside)))
        words = "its first choice" if place == 1 else f"number {place} among its answers"
        return (
            f"The network gives this class **{_percent(share)}** for the made picture, {words}; for none of "
            f"the {len(beside)} natural pictures here more than {_percent(best)}."
        )
    top = float(made.highest[0, what.index]) if highest is None else highest
    natural_top, natural_mean = (each[:, what.index].max() for each in (beside.highest, beside.mean))
    told = (
        f"The made picture raises this channel to **{number(top)}** at the highest and to a mean of "
        f"**{number(made.mean[0, what.index])}**. Of {len(beside)} natural pictures none gets beyond "
        f"{number(natural_top)} and {number(natural_mean)}."
    )
    return f"{told} {_ranked(beside.rank(made, what.index), made.mean.shape[1])}"


def _ranked(rank: int | None, channels: int) -> str:
    if rank is None:
        return "It is silent on all of them, so that nothing can be said about how far it stands out."
    if rank == 1:
        return f"Of the layer's {channels} channels it raises this one furthest above what is natural for it."
    others = "1 of the layer's" if rank == 2 else f"{rank - 1} of the layer's"
    return (
        f"It raises {others} {channels} channels even further above what is natural for them: it is not this "
        "channel's alone."
    )


def show_trust() -> None:
    """What is known about such pictures."""
    st.markdown(TRUST)
    with st.container(horizontal=True):
        for title, address in SOURCES.items():
            st.link_button(title, address, type="tertiary", icon=":material/article:")


def _percent(share: float) -> str:
    if share < 0.001:
        return "less than 0.1\u00a0%"
    return "more than 99.9\u00a0%" if share > 0.999 else f"{100 * share:.1f}\u00a0%"
