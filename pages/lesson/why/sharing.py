"""Parameter sharing: how many weights a convolution needs, and what other layers would need in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from explorer.convolution import Geometry, sizes_of
from explorer.lesson.sharing import LayerWeights, WeightCounts, count_weights, memory, rough, wirings
from pages import cache, state
from pages.lesson.why import charts
from pages.reading import Reading
from pages.widgets import why

TAPS, INPUTS = 3, 7


@dataclass(frozen=True)
class Size:
    """A number that the visitor chooses.

    Attributes:
        name: In the link.
        title: On the page.
        high: The largest; the smallest is 1.
        default: Where none was chosen.
    """

    name: str
    title: str
    high: int
    default: int


SIZES = (
    Size("in_height", "Input height", 4096, 224),
    Size("in_width", "Input width", 4096, 224),
    Size("in_channels", "Input channels", 4096, 3),
    Size("out_maps", "Output maps", 4096, 64),
    Size("window_size", "Kernel side", 15, 3),
    Size("window_step", "Stride", 8, 1),
)


@st.fragment
def show(reading: Reading) -> None:
    """The section; another size runs only this again."""
    st.header("2 · Share the weights", anchor="sharing")
    st.markdown(
        "An edge is an edge at every place. So a convolution uses **the same few weights at every "
        "position**. Choose an output and see which weights it uses; then choose sizes and count."
    )
    ways = wirings(INPUTS, TAPS)
    why.strip("why_strip", INPUTS, len(ways[0].reads), ways)
    count()
    model(reading)


def count() -> None:
    """The counts for sizes of the visitor's choice."""
    st.subheader("Count them", anchor="counts")
    with st.container(horizontal=True, gap="small"):
        chosen = [choose(size) for size in SIZES]
    sizes = geometry(*chosen)
    counts = count_weights(sizes)
    st.markdown(sentence(counts))
    charts.bars("why_counts", counts)
    with st.expander("How these are counted"):
        st.latex(formulas(sizes))
        st.markdown(
            "Each output value has a bias, or in a convolution each output map. The picture is padded so "
            "that at stride 1 the output is as large as the input. :small[Goodfellow, Bengio and Courville, "
            "Deep Learning, 2016, sections 9.2 and 9.5.]"
        )


def choose(size: Size) -> int:
    """The field of one number."""
    now = state.number(size.name, 1, size.high, size.default)
    st.number_input(
        size.title, 1, size.high, width=150,
        **state.follow(f"why_{size.name}", now, lambda value: take(size, value)),
    )  # fmt: skip
    return now


def take(size: Size, value: int | None) -> None:
    """Another number; an emptied field goes back to where it began."""
    state.choose(**{size.name: None if value in (None, size.default) else value})


def geometry(height: int, width: int, channels: int, maps: int, side: int, stride: int) -> Geometry:
    """The sizes of a padded convolution."""
    return sizes_of((1, channels, height, width), (maps, channels, side, side), stride, "same_tensorflow")


def sentence(counts: WeightCounts) -> str:
    """The comparison in words."""
    channels, height, width = counts.input_size
    maps, rows, columns = counts.output_size
    one, local, full = charts.three(counts)
    return (
        f"From {height} × {width} × {channels} to {rows} × {columns} × {maps}: the convolution has "
        f"**{one:,}** weights ({memory(one)}). With a kernel of its own at every position it would have "
        f"**{local:,}** ({memory(local)}); with every input connected to every output **{full:,}** "
        f"({memory(full)}), which is {rough(full / one)} times as many."
    )


def formulas(sizes: Geometry) -> str:
    """The three products with the numbers put in."""
    (height, width), (rows, columns) = sizes.size, sizes.output_size
    channels, maps, (down, across) = sizes.in_channels, sizes.out_channels, sizes.kernel_size
    window = rf"({channels} \cdot {down} \cdot {across} + 1)"
    lines = (
        rf"\text{{convolution}} &= {maps} \cdot {window}",
        rf"\text{{locally connected}} &= {rows} \cdot {columns} \cdot {maps} \cdot {window}",
        rf"\text{{fully connected}} &= {maps} \cdot {rows} \cdot {columns} "
        rf"\cdot ({channels} \cdot {height} \cdot {width} + 1)",
    )
    return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"


def model(reading: Reading) -> None:
    """The same for every convolution of the loaded model."""
    title = reading.loaded.spec.title
    st.subheader(f"In every layer of {title}", anchor="layers")
    rows = cache.weights(reading.loaded.key, reading.loaded)
    if not rows:
        st.info(f"{title} has no convolutions to count.")
        return
    st.markdown(totals(rows))
    charts.weights(rows)
    with st.expander(f"All {len(rows)} convolutions in numbers"):
        st.markdown(listing(rows))


def totals(rows: Sequence[LayerWeights]) -> str:
    """The sums over all layers, in words."""
    convolution, local, full = map(sum, zip(*(charts.three(row.counts) for row in rows), strict=True))
    return (
        f"Its {len(rows)} convolutions have **{convolution:,}** weights together ({memory(convolution)}). "
        f"Locally connected, they would have {local:,} ({memory(local)}); fully connected "
        f"**{full:,}** ({memory(full)})."
    )


def listing(rows: Sequence[LayerWeights]) -> str:
    """Every layer with its sizes and counts."""
    lines = [
        "| Layer | Input | Output | Convolution | Locally connected | Fully connected |",
        "|:--|:--|:--|--:|--:|--:|",
    ]
    for row in rows:
        sizes = (
            f"{height} × {width} × {channels}"
            for channels, height, width in (row.counts.input_size, row.counts.output_size)
        )
        counts = (f"{weights:,}" for weights in charts.three(row.counts))
        lines.append(f"| `{row.name}` | {' | '.join((*sizes, *counts))} |")
    return "\n".join(lines)
