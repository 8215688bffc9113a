"""What a gallery shows: the rules by hand on small nets."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from explorer.layers import layer_table
from explorer.visualization import VisualizationError, imagenet
from explorer.visualization.defaults import (
    NARROW,
    PART,
    PATTERN,
    TEXTURE,
    class_recipe,
    default_recipe,
    layer_recipe,
    starting_picture,
)
from explorer.visualization.objectives import Channel, Logit
from explorer.visualization.selection import (
    Responses,
    classifier_weights,
    gallery_classes,
    gallery_layers,
    measure_responses,
    spread,
)
from models import efficientnet_lite0, imagenet_labels

HALF = (0.5, 0.5, 0.5)


def shifts():
    """Three channels: the red of the picture; always 1; red at the power of three."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps = nn.Identity()

        def forward(self, x):
            red = x[:, :1]
            return self.maps(torch.cat([red, torch.ones_like(red), red**3], 1))

    return Net()


def pictures():
    torch.manual_seed(0)
    made = [torch.rand(1, 3, 5, 7) for _ in range(3)]
    made[1][0, 0, 2, 4] = 2.0
    return made


def test_responses_are_those_of_all_pictures_together():
    found = measure_responses(shifts(), ["maps"], pictures())["maps"]
    red = torch.cat([x[0, 0].flatten() for x in pictures()]).double()
    assert found.highest == pytest.approx([2, 1, 8])
    assert found.mean[0] == pytest.approx(red.mean().item())
    assert found.std == pytest.approx([red.std(correction=0).item(), 0, (red**3).std(correction=0).item()])
    assert (found.picture[0], found.row[0], found.column[0]) == (1, 2, 4)
    assert found.selectivity[0] == pytest.approx((2 - red.mean().item()) / red.std(correction=0).item())
    assert found.selectivity[1] == 0  # never changes
    assert found.most_selective(2) == (2, 0)
    assert found.most_selective(9) == (2, 0, 1)


def test_channels_that_hardly_answer_come_last():
    values = np.array([4.0, 0.1, 3.0, 0.0, 5.0])
    some = np.zeros(5, np.int64)
    spreads = np.array([1.0, 0.001, 0.5, 0.0, 2.0])
    found = Responses(values, np.zeros(5), spreads, some, some, some)
    assert found.selectivity == pytest.approx([4, 100, 6, 0, 2.5])
    assert found.most_selective(5) == (2, 0, 4, 1, 3)
    assert found.most_selective(2) == (2, 0)


def test_what_channels_cannot_be_chosen_by():
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(0))
    with pytest.raises(VisualizationError, match="at least one natural picture"):
        measure_responses(net, ["0"], [])
    with pytest.raises(VisualizationError, match="has no channels"):
        measure_responses(net, ["1"], pictures())
    with pytest.raises(VisualizationError, match="not finite"):
        measure_responses(net, ["0"], [torch.full((1, 3, 4, 5), torch.nan)])


@pytest.fixture(scope="module")
def table():
    torch.manual_seed(0)
    return layer_table(efficientnet_lite0.EfficientNetLite0().eval(), torch.zeros(1, 3, 224, 224))


def test_layers_from_stem_to_head(table):
    layers = gallery_layers(table)
    assert len(layers) == 15
    assert layers[:2] == ("conv_stem", "act1")
    assert layers[-1] == "act2"
    assert {"blocks.0.0.act1", "blocks.4.2.act2"} < set(layers)  # those that the hierarchy shows
    assert {f"blocks.{k}" for k in range(7)} < set(layers)
    finished = [table[name].finished for name in layers]
    assert finished == sorted(finished)
    assert len(set(finished)) == 15
    depths = [table[name].depth for name in layers]
    assert np.diff(depths).max() < 0.2
    assert len(gallery_layers(table, 3)) == 3


def test_a_net_of_a_few_layers():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU())
    found = gallery_layers(layer_table(net, torch.zeros(1, 3, 20, 24)))
    assert found == ("0", "1", "2", "3")  # all that there are
    assert gallery_layers(layer_table(net, torch.zeros(1, 3, 20, 24)), 2) == ("1", "3")
    with pytest.raises(VisualizationError, match="no layers with maps"):
        gallery_layers(layer_table(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), torch.zeros(1, 3, 2, 2)))


def test_recipes_grow_with_the_receptive_field(table):
    recipes = [layer_recipe(table[name], (224, 224), HALF, HALF) for name in gallery_layers(table)]
    sides = [recipe.size[0] for recipe in recipes]
    assert sides == sorted(sides)
    assert sides[0] < sides[-1] <= 224
    fields = [max(table[name].local_field.size) for name in gallery_layers(table)]
    assert fields[0] <= fields[3] <= NARROW < fields[4] <= TEXTURE < fields[6] <= PATTERN
    assert PATTERN < fields[7] <= fields[8] <= PART < fields[9]
    small = class_recipe((32, 48), (0.1,), (0.2,))
    assert small.size == (32, 48)
    assert small.grey
    assert default_recipe(Logit(1) + Channel("act1", 0), table, (224, 224), HALF, HALF) == class_recipe(
        (224, 224), HALF, HALF
    )
    both = Channel("act1", 0) + Channel("blocks.5", 1)
    assert default_recipe(both, table, (224, 224), HALF, HALF) == recipes[-1]


def test_the_middle_of_a_picture_to_start_from():
    picture = np.zeros((40, 90, 3), np.uint8)
    picture[:, 30:60] = 200
    start = starting_picture(picture, (20, 20))
    assert start.shape == (20, 20, 3)
    assert start.dtype == np.uint8
    assert start[:, 4:16].min() > 180
    assert start[:, :1].max() < 30


def test_classes_least_alike():
    rows = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 2.0], [-1.0, 0.0], [0.7, 0.7]])
    assert gallery_classes(rows, 1) == (2,)  # the longest
    assert gallery_classes(rows, 3) == (0, 2, 3)  # then the opposite ends of the other axis
    assert gallery_classes(rows, 99) == (0, 1, 2, 3, 4)
    net = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 5))
    assert torch.equal(classifier_weights(net, 5), net[1].weight)
    assert classifier_weights(net, 7) is None
    assert spread(10, 4) == (0, 2, 5, 7)
    assert spread(3, 9) == (0, 1, 2)


def test_the_classes_that_people_know():
    file = Path(find_spec("timm").origin).parent / "data" / "_info" / "imagenet_r_indices.txt"
    assert tuple(map(int, file.read_text().split())) == imagenet.IMAGENET_R
    labels = imagenet_labels()
    shown = {labels[k] for k in imagenet.well_known(labels)}
    assert {"goldfish", "hen", "flamingo", "tiger", "zebra", "balloon"} < shown
    assert len(shown) == 201
    assert imagenet.well_known(labels[:10]) is None
