"""Objectives: their values by hand, their gradients against finite differences, and their arithmetic."""

import json
import math

import pytest
import torch

from explorer.visualization import (
    Channel,
    Direction,
    Diversity,
    Dream,
    Logit,
    Unit,
    VisualizationError,
)
from explorer.visualization.objectives import from_json

MAPS = torch.arange(2 * 3 * 4 * 5, dtype=torch.float64).reshape(2, 3, 4, 5)  # (S, C, H, W)
SHAPES = {"a": (1, 3, 4, 5), "b": (1, 6), "": (1, 7), "tokens": (1, 4, 6), "empty": (1, 0, 3, 3)}
ALL = [
    Channel("a", 1),
    Channel("b", 5),
    Unit("a", 2),
    Unit("a", 2, 3, 4),
    Direction("a", (1.0, -2.0, 0.5)),
    Logit(6),
    Dream("a"),
    Diversity("a"),
    2 * Channel("a", 0) - Unit("a", 1, 0, 0) * 0.5 + 3,
    -Logit(0),
]


def outputs(dtype=torch.float64, seeds=2):
    torch.manual_seed(5)
    return {name: torch.randn(seeds, *SHAPES[name][1:], dtype=dtype) for name in ("a", "b", "")}


def test_values_by_hand():
    given = {"a": MAPS, "": torch.tensor([[1.0, 5.0], [2.0, 7.0]]), "v": MAPS[:, :, 0, 0]}
    assert Channel("a", 1)(given).tolist() == [29.5, 89.5]  # 20..39 and 80..99
    assert Channel("v", 2)(given).tolist() == [40, 100]
    assert Unit("a", 0, 1, 3)(given).tolist() == [8, 68]
    assert Unit("a", 2)(given).tolist() == [52, 112]  # 40 + 2 * 5 + 2
    assert Logit(1)(given).tolist() == [5, 7]
    assert Dream("a")(given)[0].item() == pytest.approx(sum(n * n for n in range(60)) / 60)
    along = Direction("a", (3.0, 0.0, 4.0))(given)  # the same as (0.6, 0, 0.8)
    assert along.tolist() == pytest.approx([0.6 * 9.5 + 0.8 * 49.5, 0.6 * 69.5 + 0.8 * 109.5])


def test_diversity_by_hand():
    one, other = torch.zeros(2, 1, 2), torch.zeros(2, 1, 2)
    one[0], other[1] = 1.0, 1.0  # the first picture lives in channel 0, the second in channel 1
    assert Diversity("a")({"a": torch.stack([one, other])}).tolist() == [0, 0]
    assert Diversity("a")({"a": torch.stack([one, one])}).tolist() == pytest.approx([-1, -1])
    three = Diversity("a")({"a": torch.stack([one, one, other])})
    assert three.tolist() == pytest.approx([-0.5, -0.5, 0])


@pytest.mark.parametrize("objective", ALL, ids=lambda objective: objective.describe())
def test_gradients_against_finite_differences(objective):
    given = outputs()
    tensors = [given[name].requires_grad_() for name in sorted(objective.layers)]

    def value(*changed):
        return objective(dict(zip(sorted(objective.layers), changed, strict=True)))

    assert torch.autograd.gradcheck(value, tensors)


def test_arithmetic():
    given = outputs()
    a, b = Channel("a", 0), Channel("b", 2)
    assert torch.allclose((a + b)(given), a(given) + b(given))
    assert torch.allclose((a - 2 * b + 1)(given), a(given) - 2 * b(given) + 1)
    assert torch.allclose((1 - a)(given), 1 - a(given))
    assert torch.allclose((-(a - b) * 3)(given), 3 * (b(given) - a(given)))
    assert torch.allclose(sum([a, b])(given), a(given) + b(given))
    assert a + a == 2 * a
    assert 1 * a == a
    assert a - b != b - a
    assert (a + b).layers == {"a", "b"}
    assert Logit(3).layers == {""}


@pytest.mark.parametrize("objective", ALL, ids=lambda objective: objective.describe())
def test_written_and_read_again(objective):
    again = from_json(json.loads(json.dumps(objective.to_json())))
    assert again == objective
    assert hash(again) == hash(objective)
    objective.check(SHAPES, seeds=2)


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        (Channel("a", 3), "layer 'a' has the channels 0 to 2, not 3"),
        (Channel("a", -1), "channels 0 to 2, not -1"),
        (Channel("tokens", 0), "'tokens' has no channels"),
        (Channel("empty", 0), "'empty' has no channels"),
        (Unit("a", 0, 4, 0), "maps of 4 × 5 positions at this picture size, .* no position \\(4, 0\\)"),
        (Unit("a", 0, 0, -1), "no position"),
        (Direction("a", (1.0, 2.0)), "has 3 channels, and the direction 2 numbers"),
        (Logit(7), "classes 0 to 6, not 7"),
        (Diversity("a"), "at least 2 seeds"),
        (Channel("a", 0) + Channel("b", 6), "channels 0 to 5, not 6"),
    ],
)
def test_what_the_model_does_not_have(objective, says):
    with pytest.raises(VisualizationError, match=says):
        objective.check(SHAPES)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Channel("a", 0) * math.nan,
        lambda: Channel("a", 0) * "2",
        lambda: Channel("a", 0) + math.inf,
        lambda: Channel("a", 0) - Channel("a", 0),
        lambda: Direction("a", (0.0, 0.0)),
        lambda: Direction("a", (1.0, math.nan)),
        lambda: from_json({"kind": "smile"}),
        lambda: from_json({"kind": "channel", "layer": "a"}),
        lambda: from_json({"kind": "sum", "parts": [[1, {"kind": "sum", "parts": [], "constant": 0}]]}),
    ],
)
def test_what_is_no_objective(wrong):
    with pytest.raises(VisualizationError):
        wrong()


def test_words_for_people():
    assert Channel("blocks.3.2", 17).describe() == "channel 17 of blocks.3.2"
    words = (2 * Channel("a", 1) - Logit(3) + 1.5).describe()
    assert words == "2 × channel 1 of a − class 3 + 1.5"
    assert (-Unit("a", 1, 2, 3)).describe() == "−channel 1 of a at row 2, column 3"
