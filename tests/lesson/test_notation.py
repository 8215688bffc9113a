"""Blocks as text: what is written is read again, and what is no network is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.lesson.builder import MOST_BLOCKS, MOST_CHANNELS, MOST_KERNEL, Block
from explorer.lesson.matrices import LessonError
from explorer.lesson.notation import read_blocks, write_blocks

SIDES = st.integers(1, MOST_KERNEL)
BLOCKS = st.builds(
    Block,
    st.integers(1, MOST_CHANNELS),
    SIDES,
    SIDES,
    st.none() | st.integers(0, MOST_KERNEL),
    st.sampled_from(["max", "average"]),
    SIDES,
) | st.builds(Block, st.integers(1, MOST_CHANNELS), SIDES, pool=st.just("none"))


@given(st.lists(BLOCKS, min_size=1, max_size=MOST_BLOCKS))
def test_what_is_written_is_read_again(blocks):
    assert read_blocks(write_blocks(blocks)) == tuple(blocks)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "block 1 reads ''"),
        ("8.3.1.same.max2_", "block 2 reads ''"),
        ("8.3.1.same", "block 1 reads '8.3.1.same'; channels, kernel"),
        ("8.3.1.same.min2", "reads '8.3.1.same.min2'"),
        ("8.3.1.same.none2", "reads '8.3.1.same.none2'"),
        ("8.3.1.-1.max2", "reads '8.3.1.-1.max2'"),
        ("٨.3.1.same.max2", "block 1 reads"),
        ("8.3.1.same.max2_500.3.1.same.max2", "block 2: channels can be 1 to 128, got 500"),
        ("8.0.0.12.max0", "kernel can be 1 to 11, got 0; stride can be 1 to 11, got 0; padding can be 0"),
        ("_".join(["8.3.1.same.max2"] * 7), "1 to 6 blocks are possible, got 7"),
        ("9" * 5000, f"reads '{'9' * 40}…'"),
        ("8.3.1.same.max" + "9" * 5000, "block 1 reads"),
    ],
)
def test_what_is_no_network_is_told_and_not_repeated_at_length(text, reason):
    with pytest.raises(LessonError) as told:
        read_blocks(text)
    assert reason in str(told.value)
    assert len(str(told.value)) < 250
