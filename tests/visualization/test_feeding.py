"""Which channels feed a class: only where that can be said, and exactly."""

import pytest
import torch
from torch import nn

from explorer.activations import capture
from explorer.visualization.feeding import LinearHead, fed, feeders, linear_head


class Net(nn.Module):
    """Maps, their means, and a last layer."""

    def __init__(self, last: nn.Module, channels: int = 5) -> None:
        super().__init__()
        self.maps = nn.Conv2d(3, channels, 3)
        self.act = nn.ReLU()
        self.last = last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.act(self.maps(x)).mean((2, 3)))


def looked_at(net: nn.Module, layer: str = "act") -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    activations = capture(net, torch.randn(1, 3, 9, 12), [layer])
    return activations[layer][0], activations.output[0]


@pytest.mark.parametrize("bias", [True, False])
def test_the_parts_of_a_score_and_the_bias_sum_up_to_it(bias: bool) -> None:
    torch.manual_seed(1)
    net = Net(nn.Linear(5, 7, bias=bias))
    maps, scores = looked_at(net)
    head = linear_head(net, maps, scores)
    assert head is not None
    for index in range(7):
        assert float(head.parts(maps, index).sum() + head.bias[index]) == pytest.approx(
            float(scores[index].detach()), abs=1e-5
        )


def test_dropout_of_a_network_at_work_changes_nothing() -> None:
    torch.manual_seed(2)
    net = Net(nn.Sequential(nn.Dropout(0.5), nn.Linear(5, 7))).eval()
    assert linear_head(net, *looked_at(net)) is not None


@pytest.mark.parametrize(
    "last",
    [
        nn.Sequential(nn.Linear(5, 7), nn.Tanh()),
        nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 7)),
        nn.Sequential(nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 7)),
    ],
    ids=["something follows", "something comes before", "two layers"],
)
def test_there_is_no_answer_where_the_scores_are_no_such_sum(last: nn.Module) -> None:
    torch.manual_seed(3)
    net = Net(last)
    assert linear_head(net, *looked_at(net)) is None


def test_the_maps_of_an_earlier_layer_are_not_taken_for_the_last() -> None:
    torch.manual_seed(4)
    net = Net(nn.Linear(5, 7))
    maps, scores = looked_at(net, "maps")
    assert linear_head(net, maps, scores) is None


def test_scores_that_are_no_numbers_have_no_head() -> None:
    net = Net(nn.Linear(5, 7))
    maps, scores = looked_at(net)
    assert linear_head(net, maps, scores * torch.nan) is None


def test_feeders_come_by_weight_and_only_from_those_asked_for() -> None:
    head = LinearHead(torch.tensor([[0.0, 3.0, -1.0, 2.0, 3.0], [1.0, 0.0, 0.0, 0.0, 0.0]]), torch.zeros(2))
    assert feeders(head, 0, range(5), 2) == (1, 4)
    assert feeders(head, 0, (0, 2, 3), 3) == (3,)
    assert feeders(head, 1, (4, 3), 3) == ()
    assert feeders(head, 0, (), 3) == ()


def test_the_classes_that_a_channel_feeds_come_by_weight_and_none_that_it_lowers() -> None:
    head = LinearHead(torch.tensor([[0.5, 1.0], [2.0, -1.0], [0.5, 0.0]]), torch.zeros(3))
    assert fed(head, 0, 2) == ((1, 2.0), (0, 0.5))
    assert fed(head, 0, 9) == ((1, 2.0), (0, 0.5), (2, 0.5))
    assert fed(head, 1, 3) == ((0, 1.0),)
