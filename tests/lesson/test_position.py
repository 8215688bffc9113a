"""The probability of a class against the object's position."""

import pytest
import torch
from torch import nn

from explorer.lesson.matrices import LessonError
from explorer.lesson.position import paste, position_curve, positions_along, reduced

CANVAS, PATCH = torch.zeros(1, 2, 11, 19), torch.ones(1, 2, 3, 5)


class Where(nn.Module):
    """Logits (0, number of lit pixels in the left half): it is not invariant."""

    def forward(self, x):
        lit = x[..., :9].sum((1, 2, 3))
        return torch.stack([torch.zeros_like(lit), lit], 1)


def mean_net():
    """Invariant: circular convolutions and a mean over all positions."""
    torch.manual_seed(4)
    conv = nn.Conv2d(2, 6, 3, padding=1, padding_mode="circular")
    return nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)).eval()


def test_positions_run_from_side_to_side():
    assert positions_along((11, 19), (3, 5), step=7) == ((4, 0), (4, 7), (4, 14))
    assert positions_along((11, 19), (3, 5), "rows", 4) == ((0, 7), (4, 7), (8, 7))
    assert positions_along((3, 5), (3, 5)) == ((0, 0),)


def test_an_invariant_network_answers_the_same_everywhere():
    curve = position_curve(mean_net(), CANVAS, PATCH, [1, 3], positions_along((11, 19), (3, 5)))
    assert len(curve.probabilities) == 15
    assert curve.highest - curve.lowest < 1e-6
    assert curve.largest_jump < 1e-6
    assert len(set(curve.strongest)) == 1
    assert 0 < curve.lowest < 1


def test_another_one_does_not_and_the_numbers_are_its_softmax():
    curve = position_curve(Where().eval(), CANVAS, PATCH, [1], [(0, 0), (8, 8), (8, 9)])
    # All 30 pixels, one column of 6, and none are in the left half.
    expected = torch.tensor([30.0, 6, 0]).double().sigmoid().tolist()
    assert curve.probabilities == pytest.approx(expected)
    assert curve.strongest == (1, 1, 0)
    assert curve.largest_jump == pytest.approx(expected[1] - 0.5)


def test_batches_progress_and_cancel():
    told, places = [], positions_along((11, 19), (3, 5))
    curve = position_curve(
        mean_net(), CANVAS, PATCH, [0], places, batch=4, progress=lambda *done: told.append(done)
    )
    assert curve.complete
    assert told == [(4, 15), (8, 15), (12, 15), (15, 15)]
    asked = iter([False, True])
    part = position_curve(mean_net(), CANVAS, PATCH, [0], places, batch=4, cancelled=lambda: next(asked))
    assert not part.complete
    assert part.positions == places[:4]
    assert part.probabilities == pytest.approx(curve.probabilities[:4])
    nothing = position_curve(mean_net(), CANVAS, PATCH, [0], places, cancelled=lambda: True)
    assert (nothing.lowest, nothing.highest, nothing.largest_jump) == (0, 0, 0)


def test_the_canvas_stays_and_the_patch_lies_where_it_should():
    pasted = paste(CANVAS, PATCH, 2, 3)
    assert pasted[0, :, 2:5, 3:8].min() == 1
    assert pasted.sum() == PATCH.sum()
    assert CANVAS.abs().sum() == 0


def test_what_is_not_possible():
    with pytest.raises(LessonError, match="patch of 12×5 on a canvas of 11×19"):
        positions_along((11, 19), (12, 5))
    with pytest.raises(LessonError, match="at row 9, column 0"):
        paste(CANVAS, PATCH, 9, 0)
    with pytest.raises(LessonError, match="classes 0 to 3, got \\[4\\]"):
        position_curve(mean_net(), CANVAS, PATCH, [4], [(0, 0)])
    with pytest.raises(LessonError, match="got \\[\\]"):
        position_curve(mean_net(), CANVAS, PATCH, [], [(0, 0)])
    with pytest.raises(LessonError, match=r"logits \(N, classes\), got \(1, 6, 11, 19\) for 1 pictures"):
        position_curve(mean_net()[:2].eval(), CANVAS, PATCH, [0], [(0, 0)])


def test_each_class_alone_adds_up():
    places = positions_along((11, 19), (3, 5), step=5)
    curve = position_curve(mean_net(), CANVAS, PATCH, [2, 0], places)
    assert len(curve.single) == 2
    assert [a + b for a, b in zip(*curve.single, strict=True)] == pytest.approx(curve.probabilities)
    alone = position_curve(mean_net(), CANVAS, PATCH, [0], places)
    assert alone.probabilities == pytest.approx(curve.single[1])


def test_a_smaller_picture():
    x = torch.rand(1, 3, 24, 30) - 0.5
    small = reduced(x, 8)
    assert small.shape == (1, 3, 8, 8)
    assert small.min() >= x.min()
    assert small.max() <= x.max()
    assert small.mean() == pytest.approx(float(x.mean()), abs=0.02)
    torch.testing.assert_close(reduced(torch.full((1, 3, 9, 7), 0.25), 5), torch.full((1, 3, 5, 5), 0.25))
    for side in (0, 25):
        with pytest.raises(LessonError, match=f"24×30 cannot be reduced to {side}×{side}"):
            reduced(x, side)


@pytest.mark.parametrize(("axis", "step", "spacing"), [("columns", 3, 3), ("rows", 2, 2), ("rows", 20, 0)])
def test_the_way_from_one_position_to_the_next(axis, step, spacing):
    places = positions_along((11, 19), (3, 5), axis, step)
    assert position_curve(mean_net(), CANVAS, PATCH, [0], places).spacing == spacing
