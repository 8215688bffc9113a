"""Drawn tasks: the figures are what their labels say."""

import math

import pytest
import torch

from explorer.lesson.matrices import LessonError
from explorer.lesson.tasks import SIDE, TASKS


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def figures(name, count=400, noise=0.0):
    pictures, labels = TASKS[name].draw(count, generator(3), noise)
    return pictures[:, 0], labels


def moments(picture):
    """Area, and the second moments about the middle of the figure."""
    mass = picture.abs().double()
    y, x = torch.meshgrid(*[torch.arange(SIDE, dtype=torch.float64)] * 2, indexing="ij")
    area = mass.sum()
    dx, dy = x - (mass * x).sum() / area, y - (mass * y).sum() / area
    return area, (mass * dx * dx).sum() / area, (mass * dy * dy).sum() / area, (mass * dx * dy).sum() / area


def test_bars_lie_as_their_labels_say():
    angles = {"—": 0, "/": -45, "|": 90, "\\": 45}  # downwards, as rows are counted
    pictures, labels = figures("bars")
    for picture, label in zip(pictures, labels, strict=True):
        _, xx, yy, xy = moments(picture)
        angle = math.degrees(0.5 * math.atan2(2 * xy, xx - yy))
        expected = angles[TASKS["bars"].classes[label]]
        assert abs((angle - expected + 90) % 180 - 90) < 12


def test_shapes_fill_as_much_of_their_box_as_they_should():
    pictures, labels = figures("shapes", count=1000)
    lit = pictures.abs() > 0.5
    boxes = lit.any(1).sum(1) * lit.any(2).sum(1)
    shares = lit.sum((1, 2)) / boxes
    assert boxes.max() <= 18 * 18
    # A turn by 0.1 makes the square's box larger by (cos 0.1 + sin 0.1)² = 1.2.
    arms = 2 * 0.3 - 0.3**2  # two bars, each 0.3 of the cross's width, and the middle counted once
    expected = {"disc": math.pi / 4, "square": 0.85, "triangle": 0.5, "cross": arms}
    for label, name in enumerate(TASKS["shapes"].classes):
        assert shares[labels == label].mean().item() == pytest.approx(expected[name], abs=0.06)


def test_a_triangle_has_its_point_up_and_its_base_down():
    pictures, labels = figures("shapes")
    for picture in pictures[labels == TASKS["shapes"].classes.index("triangle")]:
        rows = (picture.abs() > 0.5).sum(1)
        present = rows[rows > 0]
        assert present[: len(present) // 3].max() < present[-len(present) // 3 :].max()


@pytest.mark.parametrize("name", TASKS)
def test_figures_are_whole_light_or_dark_and_of_all_classes(name):
    pictures, labels = figures(name)
    assert pictures.shape == (400, SIDE, SIDE)
    assert torch.bincount(labels).min() > 60
    assert len(TASKS[name].classes) == int(labels.max()) + 1
    signs = pictures.flatten(1).sum(1).sign()
    assert 150 < (signs > 0).sum() < 250
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert pictures.abs().max() == 1
    assert (pictures.abs().amax((1, 2)) > 0.9).all()


@pytest.mark.parametrize("name", TASKS)
def test_noise_has_its_deviation_and_seeds_decide(name):
    clean, labels = TASKS[name].draw(64, generator(1), 0)
    noisy, same = TASKS[name].draw(64, generator(1), 0.7)
    assert torch.equal(labels, same)
    assert (noisy - clean).std().item() == pytest.approx(0.7, rel=0.02)
    state = torch.random.get_rng_state()
    assert torch.equal(TASKS[name].draw(64, generator(1), 0.7)[0], noisy)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not torch.equal(TASKS[name].draw(64, generator(2), 0.7)[0], noisy)


def test_what_cannot_be_drawn():
    with pytest.raises(LessonError, match=r"at least one picture with noise of 0 or more, got 0 with 0\.5"):
        TASKS["bars"].draw(0, generator(), 0.5)
    with pytest.raises(LessonError, match="got 3 with -1"):
        TASKS["bars"].draw(3, generator(), -1)
