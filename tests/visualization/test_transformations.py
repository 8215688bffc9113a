"""Transformations: where each pixel goes, how far, and that the seed alone decides."""

import json
import math

import pytest
import torch

from explorer.visualization import Jitter, Pad, Rotate, Scale, VisualizationError
from explorer.visualization.transformations import from_json, transform, warp


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def dot(row, column, height=21, width=27):
    """A black picture with a white spot of 3 × 3 pixels."""
    picture = torch.zeros(1, 3, height, width)
    picture[..., row - 1 : row + 2, column - 1 : column + 2] = 1
    return picture


def centre(picture):
    """(row, column) of the centre of mass."""
    mass = picture[0].mean(0).double()
    rows, columns = torch.arange(mass.shape[0]), torch.arange(mass.shape[1])
    return float((mass.sum(1) * rows).sum() / mass.sum()), float((mass.sum(0) * columns).sum() / mass.sum())


def test_a_shift_moves_whole_pixels_exactly():
    picture = torch.rand(1, 3, 12, 17)
    matrix = torch.eye(3, dtype=torch.float64)[None].clone()
    matrix[0, 0, 2], matrix[0, 1, 2] = 4, -3  # shows what lies 4 to the right and 3 above
    moved = warp(picture, matrix)
    assert torch.allclose(moved[..., 3:, :13], picture[..., :9, 4:], atol=1e-6)


def test_jitter_reaches_its_whole_range_and_no_more():
    source = generator()
    drawn = torch.stack([Jitter(3).matrix(source)[:2, 2] for _ in range(300)])
    assert set(drawn.flatten().tolist()) == {-3, -2, -1, 0, 1, 2, 3}


def test_a_quarter_turn_is_exact_and_turns_the_right_way():
    source = generator()
    angles = [
        math.degrees(math.atan2(m[1, 0], m[0, 0])) for m in (Rotate(30).matrix(source) for _ in range(200))
    ]
    assert -30 <= min(angles) < -25
    assert 25 < max(angles) <= 30
    quarter = torch.tensor([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]], dtype=torch.float64)
    picture = torch.rand(1, 3, 9, 9)
    # What is shown at (x, y) is what was at (-y, x): the picture has turned to the left.
    assert torch.allclose(warp(picture, quarter), picture.rot90(1, (2, 3)), atol=1e-5)


def test_scale_enlarges_about_the_middle():
    twice = torch.diag(torch.tensor([0.5, 0.5, 1.0], dtype=torch.float64))[None]
    enlarged = warp(dot(8, 15), twice)  # 2 above and 2 to the right of the middle
    assert centre(enlarged) == pytest.approx((10 - 4, 13 + 4), abs=0.05)
    assert enlarged.sum() == pytest.approx(4 * dot(8, 15).sum(), rel=0.02)
    source = generator()
    factors = [1 / Scale(0.5, 2).matrix(source)[0, 0].item() for _ in range(300)]
    assert 0.5 <= min(factors) < 0.55
    assert 1.8 < max(factors) <= 2
    assert sum(factor > 1 for factor in factors) == pytest.approx(150, abs=30)  # halves as often as doubles


def test_padding_grey_and_mirrored():
    picture = torch.rand(2, 3, 6, 8)
    grey = Pad(3).apply(picture)
    assert grey.shape == (2, 3, 12, 14)
    assert torch.equal(grey[..., 3:-3, 3:-3], picture)
    assert (grey[..., :3, :] == 0.5).all()
    mirrored = Pad(2, "reflect").apply(picture)
    assert torch.equal(mirrored[..., 1, 2:-2], picture[..., 1, :])
    with pytest.raises(VisualizationError, match="can't mirror"):
        Pad(6, "reflect").apply(picture)


def test_composed_in_their_order_and_sampled_once():
    steps = (Jitter(4), Rotate(20), Scale(0.8, 1.3))
    picture = dot(10, 13)
    drawn = [step.matrix(source) for source in [generator(7)] for step in steps]
    composed = transform(picture, steps, [generator(7)])
    assert torch.allclose(composed, warp(picture, (drawn[0] @ drawn[1] @ drawn[2])[None]))
    one_by_one = picture
    for matrix in drawn:
        one_by_one = warp(one_by_one, matrix[None])
    assert centre(one_by_one) == pytest.approx(centre(composed), abs=0.1)
    # Sampled three times, it would be blurred.
    assert composed.square().sum() > 1.05 * one_by_one.square().sum()


def test_a_frame_in_between_grows_the_canvas():
    steps = (Jitter(2), Pad(5), Rotate(10))
    assert transform(torch.rand(2, 3, 11, 14), steps, [generator(0), generator(1)]).shape == (2, 3, 21, 24)
    assert torch.equal(transform(dot(9, 9), (), [generator()]), dot(9, 9))


def test_the_seed_decides_and_nothing_else():
    picture = torch.rand(2, 3, 15, 18)
    steps = (Jitter(5), Scale(0.9, 1.1), Rotate(15))
    before = torch.get_rng_state()
    shared = generator(3)
    alike = transform(picture[:1].repeat(2, 1, 1, 1), steps, [shared, shared])
    assert torch.equal(alike[0], alike[1])  # one generator moves its pictures alike
    both = transform(picture, steps, [generator(3), generator(4)])
    alone = transform(picture[1:], steps, [generator(4)])
    assert torch.equal(both[1], alone[0])  # whoever else is in the batch
    assert not torch.equal(both[1], transform(picture[1:], steps, [generator(5)])[0])
    assert torch.equal(before, torch.get_rng_state())


def test_gradients_go_back_through_it():
    picture = torch.rand(1, 3, 6, 7, dtype=torch.float64, requires_grad=True)
    steps = (Jitter(1), Pad(1), Rotate(10), Scale(0.9, 1.1))
    assert torch.autograd.gradcheck(lambda x: transform(x, steps, [generator(1)]), picture)


@pytest.mark.parametrize("step", [Pad(3, "reflect"), Jitter(4), Scale(0.5, 2.0), Rotate(30.0)], ids=str)
def test_written_and_read_again(step):
    assert from_json(json.loads(json.dumps(step.to_json()))) == step


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Jitter(-1),
        lambda: Scale(2, 1),
        lambda: Scale(0, 1),
        lambda: Rotate(200),
        lambda: Rotate(math.nan),
        lambda: Pad(3, "blue"),
        lambda: from_json({"kind": "shake"}),
        lambda: from_json({"kind": "jitter", "degrees": 3}),
    ],
)
def test_what_is_no_transformation(wrong):
    with pytest.raises(VisualizationError):
        wrong()
