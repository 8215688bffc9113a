"""A network's blocks as one short text, which fits into a link: `8.3.1.same.max2_16.3.1.same.max2`.

Blocks are joined by `_`. Each has channels, kernel, stride, padding ("same" or a number) and pooling ("none",
or "max" or "average" with the window's size), joined by points.

Example:
    >>> write_blocks((Block(8), Block(16, 5, stride=2, padding=0, pool="none")))
    '8.3.1.same.max2_16.5.2.0.none'
    >>> read_blocks("4.7.1.3.average4")
    (Block(channels=4, kernel_size=7, stride=1, padding=3, pool='average', pool_size=4),)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast

from explorer.lesson.builder import MOST_BLOCKS, Block, Pool, outside
from explorer.lesson.matrices import LessonError

_BLOCK = re.compile(
    r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})\.(same|\d{1,4})\.(?:(none)|(max|average)(\d{1,4}))", re.A
)
_SHOWN = 40
"""Letters of an unreadable text that a message repeats."""


def write_blocks(blocks: Sequence[Block]) -> str:
    """Write blocks; `read_blocks` makes the same ones of it."""
    return "_".join(map(_written, blocks))


def read_blocks(text: str) -> tuple[Block, ...]:
    """Read blocks. Whether they fit onto each other is for `explorer.lesson.builder.problems` to say.

    Raises:
        LessonError: If the text is none, or a number lies outside what is possible anywhere.
    """
    parts = text.split("_")
    if len(parts) > MOST_BLOCKS:
        raise LessonError(f"1 to {MOST_BLOCKS} blocks are possible, got {len(parts)}")
    return tuple(_read(number, part) for number, part in enumerate(parts, 1))


def _written(block: Block) -> str:
    padding = "same" if block.padding is None else block.padding
    pool = "none" if block.pool == "none" else f"{block.pool}{block.pool_size}"
    return f"{block.channels}.{block.kernel_size}.{block.stride}.{padding}.{pool}"


def _read(number: int, text: str) -> Block:
    found = _BLOCK.fullmatch(text)
    if found is None:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise LessonError(
            f"block {number} reads {shown!r}; channels, kernel, stride, padding and pooling are needed, "
            "as in 8.3.1.same.max2"
        )
    channels, kernel, stride, padding, _, pool, pool_size = found.groups()
    block = Block(
        int(channels),
        int(kernel),
        int(stride),
        None if padding == "same" else int(padding),
        cast("Pool", pool or "none"),
        int(pool_size or 2),
    )
    if reasons := outside(block):
        raise LessonError(f"block {number}: {'; '.join(reasons)}")
    return block
