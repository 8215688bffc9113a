"""A cat is a cat anywhere? The probability of the answer against the object's position."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
import torch

import explorer
from explorer.lesson.equivariance import Axis
from explorer.lesson.painting import pixels
from explorer.lesson.position import PositionCurve, paste, position_curve, positions_along, reduced
from pages import cache, media, state
from pages.lesson.why import curves
from pages.lesson.why.measuring import Stop, Tell, offer
from pages.lesson.why.translation import AXES
from pages.reading import Reading

WAYS = {"right": "From left to right", "down": "From top to bottom"}
SHARES = {"3": "3/8 of the side", "4": "1/2 of the side", "5": "5/8 of the side", "6": "3/4 of the side"}
EIGHTHS = 8
COARSE = 6
"""Steps of the first, quick look."""


@dataclass(frozen=True, eq=False)
class Scene:
    """An object that is moved over an even grey picture.

    Attributes:
        side: Of the object, in pixels of the model's input.
        axis: Along which it moves.
        classes: Whose probabilities are asked for.
        names: Of these classes.
        whole: Their probability for the picture as it is.
    """

    side: int
    axis: Axis
    classes: tuple[int, ...]
    names: tuple[str, ...]
    whole: float

    @property
    def title(self) -> str:
        """The names in a row: a, b or c."""
        *most, last = self.names
        return f"{', '.join(most)} or {last}" if most else last


@st.fragment
def show(reading: Reading) -> None:
    """The section; another object runs only this again."""
    st.subheader("A cat is a cat anywhere?", anchor="position")
    st.markdown(
        "Convolutions move along, and the pooling at the end forgets the place: so the answer should not "
        "depend on where the object is. Here the object is the picture, made smaller. It **slides over even "
        "grey**, and at every stop the network is asked. Choose its size and its way."
    )
    probabilities = answer(reading)
    if probabilities is None:
        st.info(f"{reading.loaded.spec.title} does not answer with classes, so it cannot be asked.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        scene = choose(reading, probabilities)
    coarse = look(reading, scene)
    fine = measured(reading, scene)
    curve = coarse if fine is None else fine
    curves.positions(curve, scene.title, scene.names, scene.axis, scene.whole)
    show_ends(reading, scene, curve)
    st.markdown(words(reading, scene, curve))
    st.markdown(
        ":small[Such jumps were measured in many networks:] "
        "[Azulay and Weiss, Why do deep convolutional networks generalize so poorly to small image "
        "transformations?, JMLR 2019](https://arxiv.org/abs/1805.12177)"
    )


def choose(reading: Reading, probabilities: torch.Tensor) -> Scene:
    """The object's size and its way."""
    share = state.choice("object", list(SHARES), "4")
    st.selectbox(
        "Size of the object", list(SHARES), format_func=lambda value: SHARES.get(value, ""), width=220,
        **state.follow("why_object", share, lambda value: state.choose(object=value)),
    )  # fmt: skip
    along = state.choice("along", list(WAYS), "right")
    st.selectbox(
        "Way", list(WAYS), format_func=lambda value: WAYS.get(value, ""), width=220,
        **state.follow("why_along", along, lambda value: state.choose(along=value)),
    )  # fmt: skip
    classes = classes_of(reading, int(probabilities.argmax()))
    side = max(1, min(reading.loaded.spec.input_size) * int(share) // EIGHTHS)
    names = tuple(label(reading, each) for each in classes)
    return Scene(side, AXES[along], classes, names, float(probabilities[list(classes)].sum()))


def answer(reading: Reading) -> torch.Tensor | None:
    """The probability of each class, (classes,); None where the model answers with something else."""
    output: object = reading.activations.output
    logits = isinstance(output, torch.Tensor) and output.dim() == 2
    return output[0].double().softmax(0) if isinstance(output, torch.Tensor) and logits else None


def label(reading: Reading, index: int) -> str:
    """What a class is called."""
    labels = reading.loaded.labels
    return labels[index] if index < len(labels) else f"class {index}"


def classes_of(reading: Reading, top: int) -> tuple[int, ...]:
    """The most probable class; with it the others that are right, where a sample's are known."""
    sample = reading.current.sample
    right = explorer.SAMPLES[sample].expected if sample else ()
    return right if top in right and len(reading.loaded.labels) > max(right) else (top,)


def look(reading: Reading, scene: Scene) -> PositionCurve:
    """A few positions, while one waits."""
    free = min(reading.loaded.spec.input_size) - scene.side
    return cache.coarse_positions(
        reading.loaded.key,
        reading.current.picture.sha256,
        scene.side,
        scene.axis,
        scene.classes,
        max(1, free // COARSE),
        reading.loaded,
        reading.x,
    )


def measured(reading: Reading, scene: Scene) -> PositionCurve | None:
    """Every position, as a job; None until it is done."""
    loaded, picture = reading.loaded, reading.current.picture

    def work(tell: Tell, stop: Stop) -> PositionCurve | None:
        x = loaded.preprocess(picture)
        canvas, patch = torch.zeros_like(x), reduced(x, scene.side)
        places = positions_along((x.shape[-2], x.shape[-1]), (scene.side, scene.side), scene.axis)
        done = position_curve(
            loaded.module, canvas, patch, scene.classes, places, batch=4,
            progress=lambda count, of: tell(count / of), cancelled=stop,
        )  # fmt: skip
        return done if done.complete else None

    key = (loaded.key, picture.sha256, scene.side, scene.axis, scene.classes)
    return offer("positions", key, "Measure every pixel", work)


def show_ends(reading: Reading, scene: Scene, curve: PositionCurve) -> None:
    """Where the network is least and most sure."""
    x, preprocess = reading.x, reading.loaded.preprocess
    patch = reduced(x, scene.side)
    with st.container(horizontal=True, gap="medium"):
        for word, value in (("least", curve.lowest), ("most", curve.highest)):
            at = curve.probabilities.index(value)
            picture = paste(torch.zeros_like(x), patch, *curve.positions[at])
            answer = label(reading, curve.strongest[at])
            rgb = pixels(picture, preprocess.mean, preprocess.std)
            caption = f"{word.capitalize()} sure, {percent(value)}: says {answer}"
            st.image(
                media.webp(rgb), width=150, caption=media.plain(caption), alt=f"The object where {caption}"
            )


def words(reading: Reading, scene: Scene, curve: PositionCurve) -> str:
    """What the curve shows, in numbers."""
    text = (
        f"*{media.plain(scene.title)}* gets between **{percent(curve.lowest)}** and "
        f"**{percent(curve.highest)}**, depending on the place alone (dashed: the whole picture, "
        f"{percent(scene.whole)}). "
    )
    if len(scene.names) > 1:
        name, low, high = widest(scene, curve)
        text += f"Of the names alone, *{media.plain(name)}* wanders from {percent(low)} to {percent(high)}. "
    said = [label(reading, each) for each in dict.fromkeys(curve.strongest)]
    if len(said) > 1:
        text += f"The first answer changes on the way: {media.plain(', '.join(said))}. "
    if gap := curve.spacing:
        text += (
            f"From one stop to the next, {gap} pixel{'s' if gap > 1 else ''} on, it jumps by up to "
            f"{100 * curve.largest_jump:.1f} percentage points. "
        )
    return text


def widest(scene: Scene, curve: PositionCurve) -> tuple[str, float, float]:
    """The single class that changes most, with its lowest and highest probability."""
    ranges = [(name, min(row), max(row)) for name, row in zip(scene.names, curve.single, strict=True)]
    return max(ranges, key=lambda each: each[2] - each[1])


def percent(probability: float) -> str:
    """A probability for people."""
    return f"{100 * probability:.1f}\u00a0%"
