"""The stack: how the region that one position depends on grows, layer by layer, in the loaded model."""

from __future__ import annotations

import streamlit as st

from explorer.layers import Layer
from explorer.lesson.locality import Growth, Repaint, first_whole, growth, noisy, positions
from explorer.lesson.painting import pixels
from explorer.rendering import number
from pages import cache, media, state
from pages.lesson.why import charts
from pages.reading import Reading
from pages.widgets import PictureView, why

FIELDS = "why_fields"


@st.fragment
def show(reading: Reading) -> None:
    """The section; another layer runs only this again."""
    st.subheader("Layer upon layer, the region grows", anchor="stack")
    rows = growth(reading.table)
    if not rows:
        st.info(f"{reading.loaded.spec.title} has no layers whose region could be followed.")
        return
    st.markdown(
        "A network stacks convolutions. The second looks at outputs of the first, and so at more of the "
        "picture, and so on. **Move the slider** through the network and **point at the picture**: the box "
        "is all that one position of the layer can know."
    )
    whole = first_whole(reading.table)
    names = [row.name for row in rows] + ([whole.name] if whole else [])
    name = state.choice("grown", names, names[len(names) // 3])
    point = chosen_point()

    def take() -> None:
        sent = state.sent(FIELDS, "settled") or {}
        moved, layer = (
            why.pair_of(sent.get("point"), (100, 100)),
            why.pair_of([sent.get("layer"), 0], (len(names), 1)),
        )
        if moved is not None and layer is not None:
            state.choose(grown=names[layer[0]], point=f"{moved[0]}.{moved[1]}")

    why.fields(
        FIELDS,
        seen_picture(reading),
        [of_row(reading, row) for row in rows] + ([of_whole(whole)] if whole else []),
        layer=names.index(name),
        point=point,
        on_settled=take,
    )
    st.markdown(summary(reading, rows, whole))
    prove(reading, reading.table[name], point)
    charts.growth(rows, reading.loaded.spec.input_size, name)


def chosen_point() -> tuple[int, int]:
    """The place in the picture, in hundredths of its height and width; the middle at first."""
    try:
        row, column = map(int, (state.text("point") or "")[:9].split("."))
    except ValueError:
        row, column = 50, 50
    return min(max(row, 0), 99), min(max(column, 0), 99)


def seen_picture(reading: Reading) -> PictureView:
    """The model's input as a picture."""
    rgb = pixels(reading.x, reading.loaded.preprocess.mean, reading.loaded.preprocess.std)
    url = media.data_url(media.webp(rgb), "webp")
    return PictureView(url, rgb.shape[0], rgb.shape[1], reading.current.alt)


def of_row(reading: Reading, row: Growth) -> why.Field:
    """A layer in which the region grows."""
    rows, columns = positions(reading.table[row.name])
    note = f"{row.kind}: neighbouring positions lie {by(row.step)} pixels apart. "
    height, width = reading.loaded.spec.input_size
    if row.exceeds(height, width):
        note += f"That is more than the picture's {height} × {width}: the rest of the box is padding."
    else:
        note += f"In the middle it sees {percent(row.share)} of the picture."
    if row.gated:
        note += " Besides, a gate in the network lets it know something of the whole picture."
    return why.Field(row.name, f"{by(row.size)} pixels", note, row.positions, rows, columns)


def of_whole(layer: Layer) -> why.Field:
    """The layer behind which there are no positions any more."""
    note = f"{layer.kind}: from here on every value depends on every pixel, and there are no positions left."
    return why.Field(layer.name, "the whole picture", note, (1, 1))


def summary(reading: Reading, rows: tuple[Growth, ...], whole: Layer | None) -> str:
    """From which layer on the picture is seen as a whole."""
    height, width = reading.loaded.spec.input_size
    name = reading.loaded.spec.title
    text = f"In {name} the region grows from **{by(rows[0].size)}** to **{by(rows[-1].size)}** pixels."
    beyond = next((row for row in rows if row.exceeds(height, width)), None)
    if beyond:
        text += f" From `{beyond.name}` on it is larger than the {height} × {width} picture."
    if whole:
        text += f" Behind `{whole.name}` nothing has a place any more: each value sees the whole picture."
    return text


def prove(reading: Reading, layer: Layer, point: tuple[int, int]) -> None:
    """Noise outside and inside the region of one position, through the real network."""
    st.toggle(
        "Prove it: fill with noise, outside and inside the box",
        **state.follow("why_probe", state.flag("probe"), lambda on: state.choose(probe=on or None)),
    )
    if not state.flag("probe"):
        return
    if not layer.is_map or layer.receptive_field is None:
        st.markdown("Here every value depends on the whole picture: there is no outside left to fill.")
        return
    if layer.receptive_field.whole:
        st.markdown(
            "Through a gate in the network, such as squeeze-and-excite, this layer knows something of the "
            "whole picture: there is no outside left to fill."
        )
        return
    height, width = layer.output_shape[-2:]
    row, column = point[0] * height // 100, point[1] * width // 100
    x, digest, sha256 = reading.x, reading.loaded.key, reading.current.picture.sha256
    found = cache.probed(digest, sha256, layer.name, row, column, reading.loaded, x)
    preprocess = reading.loaded.preprocess
    pictures = noisy(x, found[0].box)
    with st.container(horizontal=True, gap="medium"):
        for where, result, picture in zip(("outside", "inside"), found, pictures, strict=True):
            with st.container(width=340):
                rgb = pixels(picture, preprocess.mean, preprocess.std)
                st.image(media.webp(rgb), width=224, alt=f"The picture with noise {where} the box")
                st.markdown(told(where, result))


def told(where: str, found: Repaint) -> str:
    """What noise did to a position."""
    painted = found.outside if where == "outside" else found.inside
    if not painted:
        return f"**Noise {where}**: the box holds the whole picture, so there is nothing {where} it."
    change = number(found.change) if found.change else "exactly 0"
    result = f"changes by up to **{change}**" if found.changed else f"stays: largest change **{change}**"
    if not found.changed and found.change:
        result += ", which is rounding"
    return (
        f"**Noise {where}**, on {painted:,} pixels: position {found.position[0]}, {found.position[1]} of "
        f"`{found.layer}` {result}, over its {len(found.before)} channels."
    )


def by(pair: tuple[object, object]) -> str:
    """Two numbers as rows × columns."""
    return f"{pair[0]} × {pair[1]}"


def percent(share: float) -> str:
    """A share of the picture, which may be tiny."""
    return f"{number(100 * share)}\u00a0%"
