"""Pooling and ReLU step by step, against numbers on paper and against PyTorch."""

import pytest
import torch
import torch.nn.functional as F

from explorer.lesson.matrices import LessonError
from explorer.lesson.pooling import walk_pool, walk_relu

PAPER = [[1, 3, -2, 0], [4, 2, 5, 5], [-1, -6, -3, -8]]


def test_max_pooling_by_hand():
    pooled = walk_pool(PAPER)
    assert pooled.output == ((4, 5),)
    assert pooled.at(0, 0).text == "max(1, 3, 4, 2) = 4"
    assert pooled.at(0, 1).sentence == (
        "Output row 0, column 1. The window holds minus 2, 0, 5, 5. The largest is 5, at row 1, column 2."
    )


def test_average_pooling_by_hand():
    pooled = walk_pool(PAPER, kind="average")
    assert pooled.output == ((2.5, 2),)
    assert pooled.at(0, 0).winner is None
    assert pooled.at(0, 0).sentence.endswith("The window holds 1, 3, 4, 2. Their mean is 2.5.")


def test_all_negative_windows_keep_the_largest():
    pooled = walk_pool([[-5, -4, -9]] * 3, 3)
    assert pooled.output == ((-4,),)


@pytest.mark.parametrize(
    ("size", "pool", "stride"), [((3, 7), 1, 1), ((7, 5), 2, 1), ((12, 9), 3, 2), ((6, 8), 2, 5)]
)
def test_equal_to_pytorch_with_the_same_winners(size, pool, stride):
    # Few different numbers, so that windows have ties.
    input = torch.randint(-2, 3, size).double()
    expected, indices = F.max_pool2d(input[None], pool, stride, return_indices=True)
    pooled = walk_pool(input, pool, stride)
    assert torch.equal(torch.tensor(pooled.output, dtype=torch.float64), expected[0])
    winners = [step.winner.row * size[1] + step.winner.column for step in pooled]
    assert winners == indices.flatten().tolist()
    mean = torch.tensor(walk_pool(input, pool, stride, "average").output, dtype=torch.float64)
    torch.testing.assert_close(mean, F.avg_pool2d(input[None], pool, stride)[0])


def test_relu_by_hand():
    steps = walk_relu(PAPER)
    assert steps.output == ((1, 3, 0, 0), (4, 2, 5, 5), (0, 0, 0, 0))
    assert steps.silenced == 5
    assert steps.at(0, 2).text == "max(0, −2) = 0"
    assert steps.at(0, 2).sentence == "Row 0, column 2: minus 2 is not positive and becomes 0."
    assert steps.at(0, 3).sentence == "Row 0, column 3: 0 stays 0."
    assert steps.at(1, 0).sentence == "Row 1, column 0: 4 is positive and stays."
    assert [step.result for step in steps] == F.relu(torch.tensor(PAPER)).flatten().tolist()


def test_what_cannot_be_shown_says_why():
    with pytest.raises(LessonError, match=r"3×4 can be 1 to 3 wide .* got 4 with stride 4"):
        walk_pool(PAPER, 4)
    with pytest.raises(LessonError, match="got 2 with stride 0"):
        walk_pool(PAPER, 2, 0)
    with pytest.raises(LessonError, match="'max' or 'average', got 'min'"):
        walk_pool(PAPER, 2, kind="min")
    with pytest.raises(LessonError, match="rows 0 to 0 and columns 0 to 1, got row 1"):
        walk_pool(PAPER).at(1, 0)
    with pytest.raises(LessonError, match="input can have 3 to 12"):
        walk_relu([[1]])
    with pytest.raises(LessonError, match="columns 0 to 3, got row 0, column 4"):
        walk_relu(PAPER).at(0, 4)
