"""Judging visualizations: every figure against numbers that can be checked on paper."""

import math

import numpy as np
import pytest
import torch

from explorer.visualization import Recipe, VisualizationError
from explorer.visualization.faithfulness import (
    Answers,
    answers_to,
    answers_to_picture,
    bootstrap,
    chance_of_first,
    judge,
    reached,
    wilson,
    z_scores,
)
from tests.visualization.nets import small_net


def test_reached_counts_from_the_average_to_the_highest_natural_picture():
    natural = np.array([1.0, 2.0, 6.0])  # average 3, highest 6
    assert [reached(natural, value) for value in (3.0, 6.0, 12.0, 0.0)] == [0.0, 1.0, 3.0, -1.0]


def test_where_natural_pictures_all_get_the_same_there_is_no_scale():
    assert math.isnan(reached(np.array([2.0, 2.0]), 5.0))
    assert math.isnan(reached(np.array([2.0]), 5.0))


def test_z_scores_by_hand():
    natural = np.array([[0.0, 10.0, 5.0], [4.0, 10.0, 7.0]])  # means 2, 10, 6; deviations 2, 0, 1
    scores = z_scores(natural, np.array([8.0, 99.0, 5.0]))
    assert scores[[0, 2]].tolist() == [3.0, -1.0]
    assert math.isnan(scores[1])


def test_a_channel_that_rounding_alone_moves_has_no_score():
    natural = np.array([[1e6], [1e6 + 1e-5]])
    assert math.isnan(z_scores(natural, np.array([2e6]))[0])


@pytest.mark.parametrize(
    ("scores", "chance"),
    [
        ([9.0, 1.0, 2.0, 3.0, 4.0], 1.0),
        ([0.0, 1.0, 2.0, 3.0, 4.0], 0.0),
        ([3.5, 1.0, 2.0, 3.0, 4.0], 0.5),  # of the 6 pairs of others 3 are without the 4
        ([4.0, 1.0, 2.0, 3.0, 4.0], 0.5),  # a tie is lost
        ([2.5, 1.0, 2.0, 3.0, 4.0], 1 / 6),
        ([3.5, 1.0, math.nan, 3.0, 4.0], 1 / 3),  # one has no score: of 3 pairs one is without the 4
    ],
)
def test_the_chance_of_being_first_of_three(scores, chance):
    assert chance_of_first(np.array(scores), 0, among=3) == pytest.approx(chance)


def test_the_chance_is_that_of_many_draws():
    draw = np.random.default_rng(3)
    scores = draw.normal(size=40)
    index = int(np.argsort(scores)[-3])  # two are higher
    others = np.delete(scores, index)
    won = [max(draw.choice(others, 15, replace=False)) < scores[index] for _ in range(4000)]
    assert chance_of_first(scores, index) == pytest.approx(np.mean(won), abs=0.03)


def test_without_a_score_or_enough_others_there_is_no_chance():
    assert math.isnan(chance_of_first(np.array([math.nan, 1.0, 2.0]), 0, among=2))
    assert math.isnan(chance_of_first(np.array([5.0, 1.0, 2.0]), 0, among=4))


def test_judge_puts_it_together():
    natural = Answers(np.array([[0.0] * 16, [2.0] * 16]), np.array([[1.0] * 16, [3.0] * 16]))
    mean = np.arange(16.0)
    found = judge(natural, mean, mean + 5, 15)
    assert (found.reached_mean, found.reached) == (14.0, 18.0)  # (15 - 1) / 1 and (20 - 2) / 1
    assert (found.first, found.first_highest, found.top) == (1.0, 1.0, True)
    assert judge(natural, mean, mean, 3).first == 0.0
    assert not judge(natural, mean, mean, 3).top


def test_wilson_by_hand():
    """8 of 10 at 95 %: the figures that textbooks give; and the ends are not beyond 0 and 1."""
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 5) == pytest.approx((0.0, 0.4345), abs=1e-4)
    assert wilson(5, 5) == pytest.approx((0.5655, 1.0), abs=1e-4)


@pytest.mark.parametrize(("successes", "count"), [(1, 0), (3, 2), (-1, 2)])
def test_impossible_shares_are_told(successes, count):
    with pytest.raises(ValueError, match=f"{successes} successes among {count}"):
        wilson(successes, count)


def test_bootstrap_is_seeded_and_covers_the_mean():
    values = [1.0, 2.0, 3.0, 10.0]
    low, high = bootstrap(values)
    assert 1.0 <= low < 4.0 < high <= 10.0
    assert bootstrap(values) == (low, high)
    assert bootstrap([2.5]) == (2.5, 2.5)
    with pytest.raises(ValueError, match="no values"):
        bootstrap([])


def test_a_normal_mean_has_the_interval_of_the_textbook():
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap(values)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)


def test_answers_are_the_models_means_and_maxima():
    net = small_net()
    inputs = [torch.randn(1, 3, height, 21) for height in (17, 26)]
    found = answers_to(net, ["2", ""], inputs)
    for row, x in enumerate(inputs):
        maps = net[:3](x)[0]
        assert np.allclose(found["2"].mean[row], maps.mean((1, 2)).detach(), atol=1e-6)
        assert np.allclose(found["2"].highest[row], maps.amax((1, 2)).detach(), atol=1e-6)
        assert np.allclose(found[""].mean[row], net(x)[0].detach(), atol=1e-6)
    assert found["2"].mean.shape == (2, 6)


def test_nothing_to_look_at_is_told():
    with pytest.raises(VisualizationError, match="at least one picture"):
        answers_to(small_net(), ["2"], [])


def test_a_picture_is_judged_as_bytes_through_the_normalisation():
    net = small_net()
    picture = np.random.default_rng(1).integers(0, 256, (19, 23, 3), dtype=np.uint8)
    recipe = Recipe(mean=(0.5, 0.25, 0.0), std=(0.5, 1.0, 2.0))
    mean, highest = answers_to_picture(net, "2", picture, recipe)
    x = (torch.from_numpy(picture).float() / 255 - torch.tensor(recipe.mean)) / torch.tensor(recipe.std)
    maps = net[:3](x.permute(2, 0, 1)[None])[0].detach()
    assert np.allclose(mean, maps.mean((1, 2)), atol=1e-5)
    assert np.allclose(highest, maps.amax((1, 2)), atol=1e-5)
