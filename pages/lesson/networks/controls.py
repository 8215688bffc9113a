"""The builder's controls, and the network that they ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st

from explorer.lesson.builder import (
    MOST_BLOCKS,
    MOST_CHANNELS,
    MOST_CLASSES,
    MOST_KERNEL,
    Block,
    First,
    NetworkSpec,
    problems,
)
from explorer.lesson.matrices import LessonError
from explorer.lesson.notation import read_blocks, write_blocks
from pages import media, state

START = (Block(8), Block(16))
SIDES = [16, 24, 32, 48, 64, 96, 128]
SIDE = 64
CLASSES = 10
LARGEST_SEED = 999_999
FIRST = {"random": "Random weights", "edges": "Edge kernels"}
PADDINGS = ["same", *map(str, range(MOST_KERNEL + 1))]
POOLS = {
    f"{kind}{size}": f"{word} {size}×{size}"
    for kind, word in (("max", "Max"), ("average", "Average"))
    for size in (2, 3, 4)
} | {"none": "None"}


@dataclass(frozen=True)
class Wish:
    """A network with its weights.

    Attributes:
        spec: The network.
        first: What stands in its first layer.
        seed: Of its random weights.
    """

    spec: NetworkSpec
    first: First
    seed: int

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is impossible; empty if it is not."""
        found = tuple(problem.reason for problem in problems(self.spec))
        side = self.spec.blocks[0].kernel_size
        if self.first == "edges" and side < 3:
            found += (f"block 1: edge kernels need 3×3 taps, and its kernel is {side}×{side}",)
        return found


FIRST_WISH = Wish(NetworkSpec((3, SIDE, SIDE), START, CLASSES), "random", 0)


def show() -> Wish:
    """All controls; returns what they ask for."""
    blocks = chosen_blocks()
    pick_whole(blocks)
    for number, block in enumerate(blocks, 1):
        pick_block(blocks, number, block)
    return wish(blocks)


def wish(blocks: tuple[Block, ...]) -> Wish:
    """The network of these blocks with everything else as it was chosen."""
    spec = NetworkSpec((3, side(), side()), blocks, classes())
    return Wish(spec, first(), state.number("draw", 0, LARGEST_SEED, 0))


def chosen_blocks() -> tuple[Block, ...]:
    """The blocks of the link; where it holds no network, a reason on the page and the first ones."""
    text = state.text("net")
    if text is None:
        return START
    try:
        return read_blocks(text)
    except LessonError as error:
        st.error(
            f"The link holds no network: {media.plain(str(error))}. Here is the one to begin with.",
            icon=":material/block:",
        )
        return START


def side() -> int:
    """Pixels on a side of the network's input."""
    value = state.number("side", SIDES[0], SIDES[-1], SIDE)
    return value if value in SIDES else SIDE


def classes() -> int:
    """How many classes."""
    return state.number("classes", 2, MOST_CLASSES, CLASSES)


def first() -> First:
    """What stands in the first layer."""
    return "edges" if state.choice("first", list(FIRST), default="random") == "edges" else "random"


def pick_whole(blocks: tuple[Block, ...]) -> None:
    """Number of blocks, input, classes, and weights."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            "Blocks, N", list(range(1, MOST_BLOCKS + 1)), required=True,
            **state.follow("net_count", len(blocks), partial(resize, blocks)),
        )  # fmt: skip
        st.selectbox(
            "Picture", SIDES, format_func=lambda side: f"{side} × {side}", width=130,
            help="The current picture, cut to a square and reduced.",
            **state.follow("net_side", side(), lambda value: state.choose(side=value)),
        )  # fmt: skip
        st.number_input(
            "Classes", 2, MOST_CLASSES, width=130,
            **state.follow("net_classes", classes(), lambda value: state.choose(classes=value)),
        )  # fmt: skip
        st.segmented_control(
            "First layer", list(FIRST), format_func=FIRST.__getitem__, required=True,
            help="Random numbers, or Sobel's edge kernel, turned to a direction for each channel.",
            **state.follow("net_first", first(), lambda value: state.choose(first=value)),
        )  # fmt: skip
        st.number_input(
            "Seed of the random weights", 0, LARGEST_SEED, width=200,
            **state.follow(
                "net_draw", state.number("draw", 0, LARGEST_SEED, 0), lambda value: state.choose(draw=value)
            ),
        )  # fmt: skip


def resize(blocks: tuple[Block, ...], count: int) -> None:
    """More blocks, each like the last with twice the channels, or fewer."""
    while len(blocks) < count:
        last = blocks[-1]
        blocks += (replace(last, channels=min(2 * last.channels, MOST_CHANNELS), stride=1),)
    take(blocks[:count])


def pick_block(blocks: tuple[Block, ...], number: int, block: Block) -> None:
    """One block's controls, in a line."""
    change = partial(change_block, blocks, number)
    pool = "none" if block.pool == "none" else f"{block.pool}{block.pool_size}"
    pools = POOLS | {pool: POOLS.get(pool, f"{block.pool.capitalize()} {block.pool_size}×{block.pool_size}")}
    sides = list(range(1, MOST_KERNEL + 1))
    padding = "same" if block.padding is None else str(block.padding)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"net_block_{number}"):
        st.number_input(
            f"conv{number} channels", 1, MOST_CHANNELS, width=130,
            **follow(number, "channels", block.channels, lambda value: change(channels=value)),
        )  # fmt: skip
        st.selectbox(
            f"conv{number} kernel", sides, format_func=lambda side: f"{side}×{side}", width=100,
            **follow(number, "kernel", block.kernel_size, lambda value: change(kernel_size=value)),
        )  # fmt: skip
        st.selectbox(
            f"conv{number} stride", sides, width=95,
            **follow(number, "stride", block.stride, lambda value: change(stride=value)),
        )  # fmt: skip
        st.selectbox(
            f"conv{number} padding", PADDINGS, width=115,
            **follow(number, "padding", padding, lambda value: change(padding=read_padding(value))),
        )  # fmt: skip
        st.selectbox(
            f"pool{number}", list(pools), format_func=pools.__getitem__, width=140,
            **follow(number, "pool", pool, lambda value: change(**read_pool(value))),
        )  # fmt: skip


def follow(number: int, name: str, value: Any, change: Any) -> dict[str, Any]:
    """The arguments that bind a widget to one setting of a block."""
    return state.follow(f"net_{name}_{number}", value, change)


def change_block(blocks: tuple[Block, ...], number: int, **settings: Any) -> None:
    """One block with other settings."""
    take((*blocks[: number - 1], replace(blocks[number - 1], **settings), *blocks[number:]))


def take(blocks: tuple[Block, ...]) -> None:
    """These blocks from now on."""
    state.choose(net=write_blocks(blocks))


def read_padding(text: str) -> int | None:
    """A padding as the control offers it."""
    return None if text == "same" else int(text)


def read_pool(text: str) -> dict[str, Any]:
    """A pooling as the control offers it, as settings of a block."""
    kind = text.rstrip("0123456789")
    return {"pool": kind} if kind == "none" else {"pool": kind, "pool_size": int(text.removeprefix(kind))}
