"""What stands beside a visualization, against plain sums over what the layers put out."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.activations import capture
from explorer.visualization import (
    Channel,
    Direction,
    Diversity,
    Dream,
    Logit,
    Unit,
    VisualizationError,
)
from explorer.visualization.beside import answer, look, values_of
from tests.visualization.nets import assert_untouched, small_net, state

LAYERS = ("0", "3", "")


def pictures(count=3):
    generator = torch.Generator().manual_seed(5)
    return {f"p{k}": torch.randn(1, 3, 21 + 2 * k, 30, generator=generator) for k in range(count)}


@pytest.fixture(scope="module")
def net():
    return small_net()


@pytest.fixture(scope="module")
def found(net):
    return look(net, LAYERS, pictures())


def test_every_number_is_that_of_the_maps(net, found):
    before = state(net)
    for p, (name, x) in enumerate(pictures().items()):
        maps = capture(net, x, ["3"])["3"][0].double()
        own = found["3"]
        assert own.pictures[p] == name
        for c in range(5):
            assert own.mean[p, c] == pytest.approx(float(maps[c].mean()))
            assert own.square[p, c] == pytest.approx(float((maps[c] ** 2).mean()))
            assert own.highest[p, c] == float(maps[c].max())
            assert maps[c, own.row[p, c], own.column[p, c]] == maps[c].max()
    assert own.strongest(2) == int(own.highest[:, 2].argmax())
    assert_untouched(net, before)


def test_the_deviation_is_that_over_all_positions_where_the_pictures_are_alike_in_size(net):
    same = {name: x[:, :, :21] for name, x in pictures().items()}
    maps = torch.cat([capture(net, x, ["0"])["0"] for x in same.values()]).double()
    own = look(net, ["0"], same)["0"]
    assert own.deviation == pytest.approx(maps.std((0, 2, 3), correction=0).numpy())


@pytest.mark.parametrize(
    "objective",
    [
        Channel("3", 4),
        Dream("0"),
        Logit(6),
        Direction("3", (1.0, 0.0, -2.0, 0.0, 0.5)),
        2 * Channel("3", 1) - Logit(0) + 7,
        -Channel("0", 2),
    ],
    ids=lambda objective: objective.describe(),
)
def test_objectives_find_in_pictures_what_they_find_when_they_are_raised(net, found, objective):
    values = values_of(objective, found)
    for p, x in enumerate(pictures().values()):
        activations = capture(net, x, list(LAYERS))
        assert values[p] == pytest.approx(float(objective(activations)), rel=1e-5)


def test_a_unit_is_looked_for_everywhere_and_diversity_nowhere(found):
    assert values_of(Unit("3", 2, 0, 0), found).tolist() == found["3"].highest[:, 2].tolist()
    assert values_of(Diversity("3"), found) is None
    both = values_of(Channel("3", 1) + Diversity("3"), found)
    assert both.tolist() == found["3"].mean[:, 1].tolist()
    assert values_of(Channel("other", 1), found) is None


@pytest.mark.parametrize(
    "objective", [Channel("3", 5), Unit("3", 5), Unit("3", 5, 0, 0), Logit(7), Direction("3", (1.0, 2.0))]
)
def test_a_channel_that_is_not_there_is_told(found, objective):
    with pytest.raises(VisualizationError, match=r"0 to|5 channels"):
        values_of(objective, found)


def test_ranks_by_hand():
    natural = answer("a", "x", torch.tensor([[[[0.0, 2.0]], [[0.0, 20.0]], [[5.0, 5.0]]]]))
    assert natural.deviation.tolist() == [1.0, 10.0, 0.0]
    made = answer("made", "x", torch.tensor([[[[4.0]], [[30.0]], [[900.0]]]]))  # z: 3, 2, nothing to say
    assert [natural.rank(made, channel) for channel in range(3)] == [1, 2, None]
    alike = answer("made", "x", torch.tensor([[[[3.0]], [[30.0]], [[5.0]]]]))  # z: 2, 2
    assert [natural.rank(alike, channel) for channel in (0, 1)] == [2, 2]


def test_pictures_are_added_and_taken_out(found):
    own = found["3"]
    assert len(own + own.only(1)) == 4
    assert (own + own.only(1)).highest[3].tolist() == own.highest[1].tolist()
    assert own.only(1).pictures == ("p1",)


def test_what_cannot_be_compared_is_told(net):
    with pytest.raises(VisualizationError, match="at least one picture"):
        look(net, ["0"], {})
    with pytest.raises(VisualizationError, match="no channels"):
        answer("p", "x", torch.zeros(1, 4, 5))
    with pytest.raises(VisualizationError, match=r"not finite"):
        answer("p", "x", torch.tensor([[1.0, np.nan]]))
    broken = nn.Sequential(nn.Conv2d(3, 4, 1))
    nn.init.constant_(broken[0].weight, np.nan)
    with pytest.raises(VisualizationError, match="'0' puts out is not finite"):
        look(broken, ["0"], pictures(1))
