"""The parts of a network: every working on it is right, and its numbers are the module's."""

import math
import re

import pytest
import torch

from explorer.lesson.anatomy import anatomy
from explorer.lesson.builder import Block, NetworkSpec, build
from explorer.lesson.matrices import LessonError
from tests.lesson.test_builder import PAPER

SQUARE = NetworkSpec((1, 21, 21), (Block(5, 4, stride=3, padding=2, pool="none"), Block(7)), 3)


def worked(line: str) -> tuple[float, float]:
    """What a working comes to, and what it says that it comes to."""
    formula, result = line.split(": ", 1)[1].rsplit(" = ", 1)
    formula = formula.replace("·", "*").replace("−", "-").replace("floor", "math.floor")
    return eval(formula, {"math": math}), int(result.replace(",", ""))


@pytest.mark.parametrize("spec", [PAPER, SQUARE], ids=["paper", "square"])
def test_every_working_comes_to_its_number(spec):
    lines = [line for part in anatomy(spec) for line in part.workings if " = " in line]
    assert len(lines) >= 3 * len(spec.blocks)
    for line in lines:
        formula, result = worked(line)
        assert formula == result, line


@pytest.mark.parametrize("spec", [PAPER, SQUARE], ids=["paper", "square"])
def test_parts_are_the_modules_layers(spec):
    x, parts, network = torch.zeros(1, *spec.input_shape), anatomy(spec), build(spec)
    assert parts[0].shape == spec.input_shape
    assert [part.name for part in parts[1:]] == [name for name, _ in network.named_children()]
    for part, layer in zip(parts[1:], network, strict=True):
        x = layer(x)
        assert part.shape == tuple(x.shape[1:])
        assert part.parameters == sum(each.numel() for each in layer.parameters())


def test_a_part_on_paper():
    parts = {part.name: part for part in anatomy(PAPER)}
    first = parts["conv1"]
    assert (first.block, first.title, first.sees) == (1, "Convolution 5×5", "5 × 5 of the 40 × 33 pixels")
    assert first.workings == (
        "rows: floor((40 + 2 · 1 − 5) / 2) + 1 = 19",
        "columns: floor((33 + 2 · 1 − 5) / 2) + 1 = 16",
        "weights: 8 · (3 · 5 · 5 + 1) = 608",
        "multiplications: 8 · 19 · 16 · 75 = 182,400",
    )
    assert parts["pool1"].title == "Max-pooling 3×3"
    assert parts["pool3"].title == "Average-pooling 2×2"
    assert parts["flatten"].workings == ("size: 4 · 2 · 2 = 16",)
    assert parts["dense"].workings[0] == "weights: 7 · (16 + 1) = 119"
    assert parts["dense"].sees == "the whole picture"
    assert parts["input"].workings == ("40 rows and 33 columns of 3 colours",)


def test_one_working_where_rows_and_columns_are_alike():
    lines = next(part.workings for part in anatomy(SQUARE) if part.name == "conv1")
    assert lines[0] == "size: floor((21 + 2 · 2 − 4) / 3) + 1 = 8"
    assert not any(re.match("rows|columns", line) for line in lines)


def test_an_impossible_network_says_why():
    with pytest.raises(LessonError, match="block 1: a kernel of 11×11"):
        anatomy(NetworkSpec((1, 5, 6), (Block(2, 11, padding=0),), 2))
