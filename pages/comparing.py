"""Side by side on the Hierarchy page: two models on one picture, or one model on two pictures.

What stands on the left is called A: the model and picture at work. What it is compared with is B, on the
right; a narrow screen shows each B below its A.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

import explorer
import models
from explorer.channels import strongest
from explorer.hierarchy import Stage
from explorer.layers import Layer
from explorer.side_by_side import (
    common_scales,
    corresponding,
    overlap,
    tell_answers,
    tell_filters,
    tell_maps,
)
from explorer.story import extent
from models.untrained import without_mark
from pages import against, cache, media, state, widgets
from pages.against import Second
from pages.parts import TILES, show_answer, show_picture, show_tiles
from pages.picture import FORMATS, LARGEST, chooser
from pages.reading import Reading, layer_words
from pages.widgets.finder import finder

UPLOAD = "upload_besides"
GALLERY = "gallery_besides"
FINDER = "finder_besides"
_PICKED = "model_besides"
_TAKEN = "picture_besides_taken"


def find(first: Reading) -> Second | None:
    """What the visitor compares with; a comparison that can't be made is told, and ends."""
    try:
        second = against.second(first)
        if second is not None:
            _ = second.reading.activations  # there may be no room for them
        return second
    except (against.NothingToCompareError, models.ModelError) as error:
        against.choose()
        st.error(media.plain(str(error)), icon="⚠️")
        return None


def offer(second: Second | None) -> None:
    """The ways to compare, in a line, and back."""
    plain, seed = without_mark(state.model())
    twin = plain if seed is not None else models.untrained_name(plain)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="compare"):
        if second is None:
            st.markdown("Compare with", width="content")
        else:
            what = "two models, one picture" if second.other_model else "two pictures, one model"
            st.markdown(f"**Side by side:** {what}", width="content")
        possible = seed is None or state.spec(plain)[0].available_offline
        if possible and (second is None or second.reading.spec.name != twin):
            st.button(
                "the untrained twin" if seed is None else "the trained network",
                on_click=partial(against.choose, model=twin), key="compare_twin", type="tertiary",
                icon=":material/casino:" if seed is None else ":material/school:",
                help="The same network with random weights: what it shows as well, the architecture does "
                "alone, without having learned." if seed is None else None,
            )  # fmt: skip
        if st.button("another model", key="compare_model", type="tertiary", icon=":material/hub:"):
            choose_model()
        if st.button("another picture", key="compare_picture", type="tertiary", icon=":material/image:"):
            choose_picture()
        if second is not None:
            st.button("End the comparison", on_click=against.choose, key="compare_end")


@st.dialog("Compare with another model", width="medium")
def choose_model() -> None:
    """Any model that is on this computer, or the untrained twin of any at all."""
    with st.spinner("Asking torchvision and timm what they have …", show_time=True):
        given = list(state.given_models())
        names, here = [*given, *models.search()], frozenset([*given, *models.installed()])
    picked = state.kept(_PICKED, dict[str, str])

    def take() -> None:
        name = state.sent(FINDER, "pick")
        if isinstance(name, str) and name in names:
            picked["name"] = name

    finder(
        FINDER, names, marked=here, mark="on this computer", kind="models", selected=picked.get("name"),
        label="Search by name, as in “resnet 50” or “convnext tiny in22k”", on_pick=take,
    )  # fmt: skip
    if "name" in picked:
        ways(state.spec(picked["name"])[0])


def ways(spec: models.ModelSpec) -> None:
    """The buttons for a model that was picked: as it was trained, and untrained."""
    st.markdown(f"**{media.plain(spec.title)}** · {media.plain(spec.description)}")
    if not spec.available_offline:
        st.markdown("Its weights are not on this computer; “Change model” can download them.")
    twin = models.untrained_name(spec.name)
    with st.container(horizontal=True):
        pressed = spec.available_offline and st.button(
            "Compare with it", on_click=partial(against.choose, model=spec.name), type="primary",
            key="compare_picked",
        )  # fmt: skip
        pressed |= st.button(
            "Compare with it untrained", on_click=partial(against.choose, model=twin),
            key="compare_picked_untrained",
        )  # fmt: skip
    if pressed:
        st.rerun()


@st.dialog("Compare with another picture", width="medium")
def choose_picture() -> None:
    """A sample, or another picture of one's own."""
    if state.kept(_TAKEN, dict[str, bool]).pop("now", False):
        st.rerun()
    own = against.own()
    pictures = [
        (name, sample.title, cache.sample_thumbnail(name))
        for name, sample in explorer.SAMPLES.items()
        if name != state.current().sample
    ]
    if own is not None:
        pictures.insert(0, (against.OWN, own.title, media.thumbnail(own.picture.rgb)))
    samples = [(name, title, media.data_url(thumbnail, "webp")) for name, title, thumbnail in pictures]
    widgets.gallery(GALLERY, samples, selected=state.text(against.PICTURE), on_pick=take_sample)
    st.file_uploader(
        "Another picture of your own", type=FORMATS, key=UPLOAD, max_upload_size=LARGEST, on_change=take_file
    )


def take_sample() -> None:
    """A picture in the dialog was clicked."""
    picked = state.sent(GALLERY, "pick")
    if picked in explorer.SAMPLES or picked == against.OWN:
        against.choose(picture=picked)
        state.kept(_TAKEN, dict[str, bool])["now"] = True


def take_file() -> None:
    """A picture was given in the dialog."""
    file = state.sent(UPLOAD)
    if file is not None:
        against.take_own(file.getvalue(), file.name)
        state.kept(_TAKEN, dict[str, bool])["now"] = True


def show(first: Reading, second: Second) -> None:
    """Both readings: pictures and answers, corresponding depths, and stage by stage."""
    heads(first, second)
    offer(second)
    depth(first, second)
    for stage in first.stages:
        other = counterpart(stage, second.reading)
        st.subheader(f"{stage.title.capitalize()} layers", anchor=False)
        row(first, second, (stage.representative, other), f"stage_{stage.title}")


def heads(first: Reading, second: Second) -> None:
    """What A and B are, what they answer, how the answers differ, and beside it other pictures.

    On a narrow screen the columns stand one below the other: what is said of both answers comes after both,
    and only then the choice of another picture.
    """
    compared, choice = st.columns([8, 4], gap="medium")
    with compared:
        pairs = zip(st.columns(2, gap="medium"), (first, second.reading), headings(second), strict=True)
        for column, reading, heading in pairs:
            with column:
                st.subheader(heading, anchor=False)
                show_picture(reading)
                show_answer(reading)
        st.markdown(difference(first, second))
    with choice:
        chooser()


def difference(first: Reading, second: Second) -> str:
    """How the answers differ, and where the models do, their first filters too."""
    one, other = first.predictions, second.reading.predictions
    classes = tuple(each.activations.output.shape[-1] for each in (first, second.reading) if each.predictions)
    told = [tell_answers([p.probability for p in one], [p.probability for p in other], classes)]
    if second.other_model:
        filters = [cache.first_filters(each.loaded.key, each.loaded) for each in (first, second.reading)]
        chance = cache.edges_by_chance(filters[0].kernel_size, 1000) if filters[0] else 0
        told.append(tell_filters(*filters, chance))
    return " ".join(filter(None, told))


def headings(second: Second) -> tuple[str, str]:
    """What stands above A and above B."""
    return f"A · {media.plain(second.first)}", f"B · {media.plain(second.title)}"


@st.fragment
def depth(first: Reading, second: Second) -> None:
    """One slider for both: a layer of A, and the layer of B that stands as deep."""
    if state.opening_page():  # a tile was clicked; only the frame can turn the page
        st.rerun(scope="app")
    st.subheader(
        "Move through both networks" if second.other_model else "Move through the network", anchor=False
    )
    names = [layer.name for layer in first.layers]
    name = state.choice("layer", names, default=names[0])
    follow = state.follow("depth_slider", name, lambda name: state.choose(layer=name, channel=None))
    st.select_slider("Layer of A", names, **follow, label_visibility="collapsed")
    layer = first.table[name]
    if second.other_model:
        st.markdown(
            ":small[Each side shows its own strongest channels: the numbers of two networks' channels have "
            "nothing to do with each other, not even those of a network and its untrained twin.]"
        )
    else:
        st.toggle(
            "The same channels for both, each with one scale of colours",
            **state.follow("same_toggle", state.flag(against.SAME), lambda on: state.choose(same=on or None)),
        )
    row(first, second, (layer, corresponding(layer, second.reading.layers)), "depth")


def counterpart(stage: Stage, reading: Reading) -> Layer:
    """The layer that represents a stage of A in B: that of the same stage, else the one as deep."""
    same = [each.representative for each in reading.stages if each.title == stage.title]
    return same[0] if same else corresponding(stage.representative, reading.layers)


def row(first: Reading, second: Second, layers: tuple[Layer, Layer], key: str) -> None:
    """One layer of A beside its counterpart of B, and how their maps differ."""
    maps = first.maps(layers[0].name), second.reading.maps(layers[1].name)
    same = key == "depth" and not second.other_model and state.flag(against.SAME)
    channels = strongest(maps[0], TILES) if same else None
    scale = common_scales(*maps, channels) if channels else "channel"
    seen = []
    sides = zip("AB", st.columns(2, gap="medium"), (first, second.reading), layers, maps, strict=True)
    for side, column, reading, layer, values in sides:
        with column, st.container(border=True, height="stretch", gap="xsmall"):
            st.markdown(f"**{headings(second)['AB'.index(side)]}**  \n{about(reading, layer)}")
            show_tiles(
                reading, layer, f"{side.lower()}_{key}", channels=channels, scale=scale, whose=f", {side}",
                opening=second.opening if side == "B" else dict,
            )  # fmt: skip
            seen.append(reading.observed(layer.name, channels or strongest(values, TILES)))
    st.markdown(tell_maps(*seen) if second.other_model else str(overlap(*maps, TILES)))


def about(reading: Reading, layer: Layer) -> str:
    """A layer in a line: name, kind, size, what a value sees, and how deep it stands."""
    sees = extent(layer.receptive_field, reading.spec.input_size)
    return f"{media.plain(layer.name)} · {layer_words(layer)} · a value sees {sees} · depth {layer.depth:.2f}"
