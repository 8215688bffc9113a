"""The sentences of the stages follow from the numbers, and the numbers from the maps."""

import pytest
import torch

from explorer.receptive_field import ReceptiveField
from explorer.story import Observation, look_for, observe


def picture(height: int = 64, width: int = 80) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(3))


def noise(*shape: int, seed: int = 5) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_maps_made_of_the_pictures_colours_are_fully_explained() -> None:
    x = picture()
    maps = torch.stack([x[0, 0], 2 * x[0, 1] - x[0, 2] + 4, x[0].mean(0)])
    assert observe(maps, x).explained == pytest.approx(1.0)


def test_a_rectified_edge_is_explained() -> None:
    x = picture()
    grey = x[0].mean(0)
    edge = (grey - grey.roll(1, dims=1)).clamp(min=0)
    assert observe(edge[None], x).explained == pytest.approx(1.0)


def test_noise_is_not_explained_however_many_terms_the_fit_has() -> None:
    assert observe(noise(9, 20, 24), picture()).explained == pytest.approx(0.0, abs=0.03)


def test_maps_with_too_few_positions_are_not_judged() -> None:
    assert observe(noise(4, 7, 7), picture()).explained is None


def test_half_of_the_response_by_hand() -> None:
    one_spot = torch.zeros(1, 4, 5)
    one_spot[0, 2, 3] = 9.0
    assert observe(one_spot, picture()).half == pytest.approx(1 / 20)
    assert observe(torch.ones(1, 4, 5), picture()).half == pytest.approx(1 / 2)
    # 4 + 3 of 4 + 3 + 2 + 1 = 10 reach half; 4 alone does not: two of four positions.
    assert observe(torch.tensor([[[1.0, 4.0], [3.0, 2.0]]]), picture()).half == pytest.approx(2 / 4)


def test_negative_values_are_no_response() -> None:
    maps = torch.tensor([[[-9.0, 1.0], [-5.0, 0.0]]])
    assert observe(maps, picture()).half == pytest.approx(1 / 4)
    assert observe(-torch.ones(2, 4, 5), picture()).half is None


@pytest.mark.parametrize("value", [0.0, 2.5, float("nan"), float("inf")])
def test_constant_maps_and_pictures_divide_nothing_by_zero(value: float) -> None:
    for x in (picture(), torch.full((1, 3, 64, 80), 0.5)):
        seen = observe(torch.full((2, 30, 24), value), x)
        assert seen.maps == 2
        assert seen.explained == 0.0


def test_one_pixel_and_one_channel() -> None:
    seen = observe(torch.ones(1, 1, 1), torch.ones(1, 1, 1, 1))
    assert seen == Observation(maps=1, explained=None, half=1.0)


def test_the_callers_tensors_stay_as_they_are() -> None:
    maps, x = noise(3, 20, 24) - 0.5, picture()
    before = maps.clone(), x.clone()
    observe(maps, x)
    assert torch.equal(maps, before[0])
    assert torch.equal(x, before[1])


def test_the_sentence_states_what_was_measured() -> None:
    field = ReceptiveField(size=(19, 21), offset=(-9, -9), stride=(4, 4))
    early = look_for("early", field, (64, 80), Observation(maps=8, explained=0.534, half=0.2))
    assert early.startswith("Each value sees 19 × 21 of the 64 × 80 pixels: ")
    assert "explain 53\u00a0% of the variance" in early
    whole = ReceptiveField(size=(64, 80), offset=(0, 0), stride=(0, 0), whole=True)
    deep = look_for("deep", whole, (64, 80), Observation(maps=8, explained=0.9, half=0.04))
    assert deep.startswith("Each value sees the whole picture: ")
    wide = ReceptiveField(size=(99, 99), offset=(-40, -40), stride=(32, 32))
    assert "99 × 99 pixels, more than the 64 × 80 there are:" in look_for(
        "deep", wide, (64, 80), Observation(maps=8, explained=None, half=0.1)
    )
    assert "from 4\u00a0% of its positions" in deep
    assert "explain" not in deep
    assert "positive value" in look_for(
        "middle", None, (64, 80), Observation(maps=8, explained=None, half=None)
    )
