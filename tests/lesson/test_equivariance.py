"""Translation: networks whose answer is known exactly, and one map on paper."""

import math

import pytest
import torch
from torch import nn

from explorer.activations import UnknownLayerError, capture
from explorer.layers import layer_table
from explorer.lesson.equivariance import follow, measure, relative_error, shifted
from explorer.lesson.matrices import LessonError
from tests.small_networks import Apply, small_net, state_of

X = torch.randn(1, 3, 24, 40, generator=torch.Generator().manual_seed(3))
SHIFTS = [0, 1, 2, 3, 4, 5, 8, 12, -4, -3]


def circular(stride=1, mode="circular"):
    return nn.Sequential(
        nn.Conv2d(3, 5, 3, padding=1, padding_mode=mode),
        nn.ReLU(),
        nn.Conv2d(5, 6, 5, stride=stride, padding=2, padding_mode=mode),
        nn.ReLU(),
        nn.Conv2d(6, 4, 3, stride=stride, padding=1, padding_mode=mode),
        nn.Tanh(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 7),
    ).eval()


def points(result, name):
    return next(curve.points for curve in result.curves if curve.name == name)


@pytest.mark.parametrize("axis", ["rows", "columns"])
def test_stride_one_on_a_circle_is_exactly_equivariant_and_its_mean_invariant(axis):
    result = measure(circular(), X, ["0", "5", "6", "8", ""], SHIFTS, axis=axis)
    assert result.complete
    for curve in result.curves:
        assert [point.shift for point in curve.points] == SHIFTS
        assert all(point.error < 1e-5 for point in curve.points)
        assert all(point.cosine > 1 - 1e-6 for point in curve.points)
        assert all(point.whole for point in curve.points)
    assert [curve.step for curve in result.curves] == [1, 1, None, None, None]
    # Without moving the first map along, it would not fit.
    assert all(point.unmoved_error > 0.5 for point in points(result, "0")[1:])


@pytest.mark.parametrize("axis", ["rows", "columns"])
def test_strides_are_equivariant_at_their_multiples_only(axis):
    result = measure(circular(stride=2), X, ["1", "3", "5"], SHIFTS, axis=axis)
    for curve, step in zip(result.curves, (1, 2, 4), strict=True):
        assert curve.step == step
        for point in curve.points:
            assert point.whole == (point.shift % step == 0)
            assert point.moved == point.shift / step
            assert (point.error < 1e-5) == point.whole
    fractional = [point for point in points(result, "5") if not point.whole]
    assert all(0.05 < point.error < math.sqrt(2) for point in fractional)


def test_zero_padding_breaks_it_at_the_border_only():
    inner, outer = [], []
    for point in points(measure(circular(mode="zeros"), X, ["5"], SHIFTS[1:]), "5"):
        inner.append(point.inner_error)
        outer.append(point.error)
    assert max(inner) < 1e-5
    assert min(outer) > 1e-2


def test_what_comes_in_at_the_border_does_not_reach_the_inner_positions():
    net = circular(stride=2, mode="zeros")
    for border in ("circular", "replicate", "reflect", "zeros"):
        by_shift = {
            point.shift: point for point in points(measure(net, X, ["5"], [4, 5], border=border), "5")
        }
        assert by_shift[4].inner_error < 1e-5
        assert by_shift[4].error > 1e-2
        assert by_shift[5].inner_error > 0.05


def test_the_inner_positions_on_paper():
    # A valid 3×1 mean over a picture 8 wide, shifted by 2 to the right with zeros: of 6 positions 2 to 5 see
    # pixels of the old picture only, position 2 those that position 0 saw.
    net = nn.Sequential(nn.Conv2d(1, 1, (1, 3), bias=False)).eval()
    nn.init.constant_(net[0].weight, 1 / 3)
    x = torch.tensor([[[[3.0, 6, 9, 0, 3, 3, 3, 6]]]])
    # The maps are 6 5 4 2 3 4, and 1 3 6 5 4 2.
    (point,) = points(measure(net, x, ["0"], [2], border="zeros"), "0")
    assert point.error == point.inner_error == pytest.approx(0, abs=1e-6)
    # Compared without moving: 4 2 3 4 with 6 5 4 2.
    assert point.unmoved_error == pytest.approx(math.sqrt(18 / ((45 + 81) / 2)), rel=1e-6)


def test_half_a_position_is_the_mean_of_two():
    # Every second pixel of a ramp; shifted by one pixel, the map lies halfway between its neighbours.
    net = nn.Sequential(nn.Conv2d(1, 1, 1, stride=2, bias=False)).eval()
    nn.init.ones_(net[0].weight)
    ramp = torch.arange(10.0).reshape(1, 1, 1, 10)
    (point,) = points(measure(net, ramp, ["0"], [1]), "0")
    assert point.moved == 0.5
    assert point.error == pytest.approx(0, abs=1e-6)
    # Of stripes one pixel wide it sees only the white ones, and after the shift only the black ones.
    stripes = (torch.arange(10) % 2 == 0).float().reshape(1, 1, 1, 10)
    (point,) = points(measure(net, stripes, ["0"], [1]), "0")
    assert point.error == pytest.approx(math.sqrt(2))
    assert point.cosine is None


def test_batches_progress_and_cancel():
    net, told = circular(), []
    whole = measure(net, X, ["3"], SHIFTS, batch=4, progress=lambda *done: told.append(done))
    assert told == [(4, 10), (8, 10), (10, 10)]
    alone = measure(net, X, ["3"], SHIFTS, batch=1)
    for one, other in zip(points(whole, "3"), points(alone, "3"), strict=True):
        assert one.error == pytest.approx(other.error, abs=1e-6)
    asked = iter([False, False, True])
    part = measure(net, X, ["3"], SHIFTS, batch=4, cancelled=lambda: next(asked))
    assert not part.complete
    assert points(part, "3") == points(whole, "3")[:8]


def test_nothing_is_left_behind():
    net, generator = small_net(), torch.random.get_rng_state()
    before, x = state_of(net), X.clone()
    result = measure(net, X, ["2", "6", "7"], [0, 3])
    assert state_of(net) == before
    assert torch.equal(X, x)
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert points(result, "2")[0].error == pytest.approx(0, abs=1e-6)


def test_a_shift_beyond_the_map_leaves_nothing_to_compare():
    net = nn.Sequential(nn.Conv2d(3, 2, 16, stride=16)).eval()
    (point,) = points(measure(net, X, ["0"], [39]), "0")
    assert (point.error, point.inner_error, point.cosine) == (None, None, None)


def test_a_constant_picture_and_a_dead_layer():
    dead = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    nn.init.constant_(dead[0].bias, -9)
    (point,) = points(measure(dead, torch.zeros(1, 3, 9, 7), ["1"], [2]), "1")
    assert (point.error, point.cosine) == (0, None)


@pytest.mark.parametrize(
    ("pixels", "axis", "border", "expected"),
    [
        (1, "columns", "circular", [[3, 1, 2], [6, 4, 5]]),
        (-2, "columns", "circular", [[3, 1, 2], [6, 4, 5]]),
        (-1, "columns", "zeros", [[2, 3, 0], [5, 6, 0]]),
        (2, "columns", "reflect", [[3, 2, 1], [6, 5, 4]]),
        (1, "rows", "replicate", [[1, 2, 3], [1, 2, 3]]),
        (-1, "rows", "circular", [[4, 5, 6], [1, 2, 3]]),
        (0, "rows", "zeros", [[1, 2, 3], [4, 5, 6]]),
    ],
)
def test_shifts_on_paper(pixels, axis, border, expected):
    assert shifted(torch.tensor([[1, 2, 3], [4, 5, 6]]), pixels, axis, border).tolist() == expected


def test_relative_errors_on_paper():
    assert relative_error(torch.tensor([3.0, 4]), torch.tensor([3.0, 4])) == 0
    assert relative_error(torch.tensor([3.0, 0]), torch.tensor([0.0, 4])) == pytest.approx(math.sqrt(2))
    assert relative_error(torch.zeros(3), torch.zeros(3)) == 0
    assert relative_error(torch.zeros(0), torch.zeros(0)) is None


def test_what_cannot_be_measured_says_why():
    net = circular()
    with pytest.raises(LessonError, match="40 columns can be shifted by up to 39, got 40"):
        measure(net, X, ["0"], [40])
    with pytest.raises(LessonError, match=r"got 'depth' and 'circular'"):
        shifted(X, 1, "depth")
    with pytest.raises(LessonError, match="one picture and at least one layer are needed, got 2 and 1"):
        measure(net, torch.cat([X, X]), ["0"])
    with pytest.raises(LessonError, match="evaluation mode"):
        measure(circular().train(), X, ["0"])
    with pytest.raises(LessonError, match="batch holds at least one"):
        measure(net, X, ["0"], batch=0)
    with pytest.raises(UnknownLayerError):
        measure(net, X, ["conv"])
    mixing = nn.Sequential(nn.Conv2d(3, 4, 3), Apply(lambda y: y.mean(0, keepdim=True))).eval()
    with pytest.raises(LessonError, match="layer '1' does not keep the pictures of a batch apart"):
        measure(mixing, X, ["1"], [1, 2])


@pytest.mark.parametrize("axis", ["rows", "columns"])
@pytest.mark.parametrize("shift", [0, 4, -4, 5, -2])
def test_the_map_that_should_be_and_the_one_that_is(axis, shift):
    net = circular(stride=2)
    table = layer_table(net, X)
    still, after = (capture(net, x, "5")["5"][0] for x in (X, shifted(X, shift, axis)))
    found = follow(still, after, table["5"], shift, X.shape, axis)
    assert found.expected.shape == found.actual.shape == still.shape
    known = ~found.expected[0].isnan()
    along = known.any(0 if axis == "columns" else 1)
    moved = abs(shift) / 4
    assert (~along).sum() == math.ceil(moved)
    assert found.error == points(measure(net, X, ["5"], [shift], axis=axis), "5")[0]
    apart = relative_error(found.expected[:, known], found.actual[:, known])
    assert apart == pytest.approx(found.error.error, abs=1e-6)
    if moved == 1:
        dim = -2 if axis == "rows" else -1
        rolled = still.roll(1 if shift > 0 else -1, dim)
        torch.testing.assert_close(found.expected[:, known], rolled[:, known])


def test_what_has_no_positions_is_expected_to_stay():
    net = circular()
    table = layer_table(net, X)
    still, after = (capture(net, x, "6")["6"][0] for x in (X, shifted(X, 3)))
    found = follow(still, after, table["6"], 3, X.shape)
    assert torch.equal(found.expected, still)
    assert found.error.error < 1e-5
