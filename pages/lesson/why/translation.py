"""Translation: shift the picture, and see how far the features of every layer shift along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
import torch

from explorer.channels import strongest
from explorer.layers import LayerTable
from explorer.lesson.equivariance import SHIFTS, Axis, Equivariance, Followed, ShiftError, follow, measure
from explorer.lesson.locality import first_whole, growth
from explorer.lesson.matrices import LessonError
from explorer.lesson.painting import pixels
from explorer.rendering import Legend, Scale, layer_scale
from pages import cache, state
from pages.lesson.why import curves, words
from pages.lesson.why.measuring import Stop, Tell, offer
from pages.lesson.why.stack import seen_picture
from pages.reading import Reading, drawn
from pages.widgets import why

FOLLOW = "why_follow"
LIMIT = 32
FIRST = 8
AXES: dict[str, Axis] = {"right": "columns", "down": "rows"}
BORDERS = {
    "circular": "What left on the other side",
    "replicate": "The edge, repeated",
    "reflect": "The picture, mirrored",
    "zeros": "Even grey",
}


@dataclass(frozen=True, eq=False)
class Shifted:
    """Every layer's outputs for the picture and for the shifted one.

    Attributes:
        shift: To the right or down, in pixels.
        axis: Along which.
        layers: Names in the network's order; "" is the model's own output.
        outputs: By name, for both pictures: (2, ...).
        table: The layer table.
    """

    shift: int
    axis: Axis
    layers: tuple[str, ...]
    outputs: dict[str, torch.Tensor]
    table: LayerTable

    def follow(self, name: str) -> Followed:
        """A layer's map, and the one it should be."""
        still, after = self.outputs[name]
        layer = self.table[name] if name else None
        return follow(still, after, layer, self.shift, self.table.input_shape, self.axis)

    def errors(self) -> list[ShiftError]:
        """How far each layer is from following."""
        return [self.follow(name).error for name in self.layers]


@st.fragment
def show(reading: Reading) -> None:
    """The section; another shift runs only this again."""
    st.header("3 · Move along", anchor="translation")
    st.markdown(
        "The same kernel everywhere: so if the picture moves, its features should move along, unchanged. "
        "**Shift the picture** with the slider, the arrow keys or by dragging it, and compare the network's "
        "map with the map it should be. :small[The mathematicians' word is *equivariance*.]"
    )
    layers = followed_layers(reading.table)
    if not isinstance(reading.activations.output, torch.Tensor):
        layers = layers[:-1]
    if len(layers) < 2:
        st.info(f"{reading.loaded.spec.title} has no layers whose maps could be followed.")
        return
    maps = [name for name in layers if name and reading.table[name].is_map]
    controls = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with controls:
        axis = AXES[pick("axis", "Direction", {"right": "Left and right", "down": "Up and down"}, "right")]
        border = pick("border", "What comes in at the edge", BORDERS, "circular")
        name = pick("followed", "Layer", {each: each for each in maps}, well_placed(maps, reading.table))
    shift = chosen_shift()
    try:
        found = shifted(reading, layers, shift, axis, border)
    except LessonError as error:
        st.error(f"Not possible: {error}.", icon=":material/block:")
        return
    with controls:
        channel = pick_map(found.outputs[name])
    show_maps(reading, found, (name, channel), border)
    errors = found.errors()
    step = reading.table[name].stride
    st.markdown(
        words.of_layer(name, found.follow(name).error, step[0 if axis == "rows" else 1] if step else None)
    )
    st.subheader("Every layer at once", anchor="depth")
    curves.depth(layers, errors, name)
    told = words.of_depth(layers, errors, *pooled(found))
    st.markdown(told + words.of_answer(found.outputs.get(""), reading.loaded.labels))
    show_all_shifts(reading, layers, axis, border)


def followed_layers(table: LayerTable) -> tuple[str, ...]:
    """Where the region grows or the step changes, the last map, what pools it, and the output ("")."""
    names = [row.name for row in growth(table)]
    maps = sorted((layer for layer in table if layer.is_map and layer.stride), key=lambda each: each.finished)
    whole = first_whole(table)
    more = [maps[-1].name] if maps else []
    return tuple(dict.fromkeys([*names, *more, *([whole.name] if whole else []), ""]))


def pick(name: str, label: str, titles: dict[str, str], default: str) -> str:
    """One of several, in a box."""
    now = state.choice(name, list(titles), default)
    st.selectbox(
        label, list(titles), format_func=lambda value: titles.get(value, value), width=250,
        **state.follow(f"why_{name}", now, lambda value: state.choose(**{name: value})),
    )  # fmt: skip
    return now


def well_placed(maps: Sequence[str], table: LayerTable) -> str:
    """The last layer that the first shift moves by whole positions."""
    steps = {name: table[name].stride for name in maps}
    fitting = [
        name for name, step in steps.items() if step and not any(FIRST % each for each in step if each)
    ]
    return (fitting or maps)[-1]


def pick_map(outputs: torch.Tensor) -> int:
    """The number of a layer's map; at first the strongest."""
    channels = outputs.shape[1]
    channel = state.number("followed_map", 0, channels - 1, strongest(outputs[0], 1)[0])
    st.number_input(
        f"Map, 0 to {channels - 1}", 0, channels - 1, width=150,
        **state.follow("why_followed_map", channel, lambda value: state.choose(followed_map=value)),
    )  # fmt: skip
    return channel


def chosen_shift() -> int:
    """To the right or down, in pixels."""
    given = state.text("shift") or str(FIRST)
    sign, digits = (-1, given[1:]) if given.startswith("-") else (1, given)
    readable = digits.isascii() and digits.isdigit() and len(digits) <= 3
    return sign * int(digits) if readable and int(digits) <= LIMIT else FIRST


def take() -> None:
    """The picture was shifted."""
    sent = state.sent(FOLLOW, "settled")
    if isinstance(sent, int) and abs(sent) <= LIMIT:
        state.choose(shift=sent)


def shifted(reading: Reading, layers: tuple[str, ...], shift: int, axis: Axis, border: str) -> Shifted:
    """Run the network on the picture and on the shifted one."""
    x, digest, sha256 = reading.x, reading.loaded.key, reading.current.picture.sha256
    found = cache.shifted_activations(digest, sha256, shift, axis, border, layers, reading.loaded, x)
    return Shifted(shift, axis, layers, {name: found[name] for name in layers}, reading.table)


def show_maps(reading: Reading, found: Shifted, shown: tuple[str, int], border: str) -> None:
    """The shifted picture, one map of a layer, the map as it should be, and the difference."""
    name, channel = shown
    followed = found.follow(name)
    both = torch.stack([followed.actual[channel], followed.expected[channel]])
    scale = layer_scale(found.outputs[name][:1, channel])
    maps, legend = drawn(both, (0, 1), scale)
    difference, difference_legend = drawn(
        both[:1] - both[1:], (0,), Scale(-scale.high, scale.high, "diverging")
    )
    preprocess = reading.loaded.preprocess
    grey = pixels(torch.zeros_like(reading.x), preprocess.mean, preprocess.std)[0, 0]
    why.follow(
        FOLLOW,
        why.Moved(
            seen_picture(reading), found.shift, LIMIT, found.axis, border, tuple(int(each) for each in grey)
        ),
        maps,
        difference,
        titles=(
            "The shifted picture: drag it",
            "Its map",
            "The map it should be: the first picture's, shifted",
            "Difference",
        ),
        legends=(explained(legend), explained(difference_legend)),
        on_settled=take,
    )


def explained(legend: Legend) -> Legend:
    """A legend that says what a position without a value means here."""
    return replace(
        legend, specials=tuple(replace(each, name="nothing to move here") for each in legend.specials)
    )


def pooled(found: Shifted) -> tuple[str, str]:
    """The last layer with positions, and the first one without ("" where there is none)."""
    maps = [name for name in found.layers if name and found.table[name].is_map]
    others = [name for name in found.layers if name and not found.table[name].is_map]
    return maps[-1], others[0] if others else ""


def show_all_shifts(reading: Reading, layers: tuple[str, ...], axis: Axis, border: str) -> None:
    """The measurement over all shifts, as a job."""
    st.subheader("Every shift at once", anchor="shifts")
    st.markdown(
        f"All shifts from {SHIFTS[0]} to {SHIFTS[-1]} pixels, each through the whole network. Where a shift "
        "is a multiple of a layer's step, the curve dips: there, and only there, its map can follow."
    )
    loaded, picture, table = reading.loaded, reading.current.picture, reading.table
    chosen = of_each_step(layers, table)

    def work(tell: Tell, stop: Stop) -> Equivariance | None:
        x = loaded.preprocess(picture)
        done = measure(
            loaded.module, x, chosen, SHIFTS, axis=axis, border=border, batch=4, table=table,
            progress=lambda count, of: tell(count / of), cancelled=stop,
        )  # fmt: skip
        return done if done.complete else None

    key = (loaded.key, picture.sha256, axis, border)
    result = offer("shifts", key, "Measure all shifts", work)
    if result is not None:
        curves.shifts(result)
        st.markdown(words.of_shifts(result))


def of_each_step(layers: Sequence[str], table: LayerTable) -> tuple[str, ...]:
    """For every step the first layer that has it: most of its positions see no border."""
    first = {table[name].stride: name for name in reversed(layers) if name and table[name].is_map}
    return tuple(name for name in layers if name in first.values())
