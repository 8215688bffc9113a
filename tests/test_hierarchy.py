"""The cut into stages, for well-known networks and for small ones where it can be followed by hand."""

import pytest
import torch
from torch import nn

from explorer.hierarchy import stages
from explorer.layers import layer_table
from models.torchvision_ops import import_torchvision


def stages_of(net, *shape):
    return stages(layer_table(net, torch.zeros(shape)))


def names(found):
    return [(stage.title, stage.representative.name) for stage in found]


def block(channels=3, stride=1):
    return nn.Sequential(nn.Conv2d(channels, channels, 3, stride, 1), nn.BatchNorm2d(channels), nn.ReLU())


KNOWN = {
    "resnet18": ("relu", "layer3.1.relu", "layer4.1.relu"),
    "resnet50": ("relu", "layer3.5.relu", "layer4.2.relu"),
    "vgg16": ("features.3", "features.22", "features.29"),
    "alexnet": ("features.1", "features.4", "features.11"),
    "mobilenet_v3_large": ("features.1.block.0.2", "features.12.block.1.2", "features.16.2"),
    "efficientnet_b0": ("features.1.0.block.0.2", "features.5.2.block.1.2", "features.8.2"),
    "densenet121": (
        "features.relu0",
        "features.denseblock3.denselayer24.relu2",
        "features.denseblock4.denselayer16.relu2",
    ),
    # These two rectify by a function, so there is no module to show but the block.
    "googlenet": ("conv1", "inception4e", "inception5b"),
    "inception_v3": ("Conv2d_2b_3x3", "Mixed_6e", "Mixed_7c"),
    # Its activations work on (N, H, W, C), which is no map.
    "convnext_tiny": ("features.1", "features.5", "features"),
    "squeezenet1_1": ("features.1", "features.7.expand3x3_activation", "classifier.2"),
    "shufflenet_v2_x1_0": ("conv1.2", "stage3.7.branch2.7", "conv5.2"),
    "regnet_y_400mf": (
        "stem.2",
        "trunk_output.block3.block3-5.activation",
        "trunk_output.block4.block4-5.activation",
    ),
    "mnasnet1_0": ("layers.8.0.layers.2", "layers.11.1.layers.5", "layers.16"),
}


@pytest.mark.parametrize("model", KNOWN)
def test_known_networks(model):
    """Looked through by hand: the last activation of what each stage hands on, else the block."""
    import_torchvision()
    from torchvision.models import get_model

    options = {"init_weights": False} if model in ("googlenet", "inception_v3") else {}
    size = 299 if model == "inception_v3" else 224
    # On the meta device nothing is computed; RegNet reads numbers while it is built.
    with torch.device("cpu" if model.startswith("regnet") else "meta"):
        table = layer_table(get_model(model, weights=None, **options), torch.empty(1, 3, size, size))
    found = stages(table)
    assert names(found) == list(zip(("early", "middle", "deep"), KNOWN[model], strict=True))
    shown = [stage.representative for stage in found]
    assert all(layer.is_map for layer in shown)
    assert shown[0].depth < shown[1].depth < shown[2].depth
    assert shown[0].output_shape[2] > shown[1].output_shape[2] > shown[2].output_shape[2]
    assert shown[0].depth <= 0.4


def test_every_leaf_with_a_map_is_in_exactly_one_stage():
    net = nn.Sequential(
        *(block(stride=stride) for stride in (2, 2, 1, 2, 2)), nn.Flatten(), nn.Linear(3 * 6, 4)
    )
    table = layer_table(net, torch.zeros(1, 3, 40, 24))
    found = stages(table)
    listed = [layer.name for stage in found for layer in stage.layers]
    assert listed == [layer.name for layer in table if layer.is_leaf and layer.is_map]
    assert names(found) == [("early", "0.2"), ("middle", "3.2"), ("deep", "4.2")]


def test_a_last_pooling_belongs_to_the_stage_before():
    net = nn.Sequential(block(), block(stride=2), block(stride=2), nn.MaxPool2d(2))
    found = stages_of(net, 1, 3, 20, 28)
    assert names(found) == [("early", "0.2"), ("middle", "1.2"), ("deep", "2.2")]
    assert found[2].layers[-1].kind == "MaxPool2d"


def test_pooling_before_the_first_weights_belongs_to_the_first_stage():
    found = stages_of(
        nn.Sequential(nn.AvgPool2d(2), block(stride=2), block(stride=2), block(stride=2)), 1, 3, 40, 48
    )
    assert names(found) == [("early", "1.2"), ("middle", "2.2"), ("deep", "3.2")]
    assert found[0].layers[0].kind == "AvgPool2d"


def test_one_resolution_is_cut_by_depth():
    found = stages_of(nn.Sequential(*(block() for _ in range(6))), 1, 3, 6, 5)
    assert names(found) == [("early", "1.2"), ("middle", "3.2"), ("deep", "5.2")]
    assert [len(stage.layers) for stage in found] == [6, 6, 6]


def test_of_two_resolutions_the_one_with_more_layers_is_halved():
    found = stages_of(
        nn.Sequential(block(), *(block(stride=stride) for stride in (2, 1, 1, 1))), 1, 3, 12, 10
    )
    assert names(found) == [("early", "0.2"), ("middle", "2.2"), ("deep", "4.2")]


def test_flat_networks_show_activations_and_not_raw_convolutions():
    convolutions = [(nn.Conv2d(3, 3, 3, 2, 1), nn.BatchNorm2d(3), nn.ReLU(inplace=True)) for _ in range(3)]
    found = stages_of(nn.Sequential(*(layer for group in convolutions for layer in group)), 1, 3, 32, 24)
    assert names(found) == [("early", "2"), ("middle", "5"), ("deep", "8")]


def test_a_stem_of_the_same_resolution_does_not_represent_the_blocks_behind_it():
    net = nn.Sequential()
    net.stem = block(stride=2)
    net.stages = nn.Sequential(nn.Sequential(block(), block()), block(stride=2), block(stride=2))
    assert names(stages_of(net, 1, 3, 32, 24)) == [
        ("early", "stages.0.1.2"),
        ("middle", "stages.1.2"),
        ("deep", "stages.2.2"),
    ]


def test_a_decoder_belongs_to_the_deepest_stage():
    net = nn.Sequential(*(block(stride=2) for _ in range(4)), nn.Upsample(scale_factor=4), block())
    found = stages_of(net, 1, 3, 32, 48)
    assert names(found) == [("early", "0.2"), ("middle", "2.2"), ("deep", "3.2")]
    assert [layer.name for layer in found[2].layers[-4:]] == ["4", "5.0", "5.1", "5.2"]


@pytest.mark.parametrize(
    ("net", "titles"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), ["early"]),
        (nn.Sequential(nn.ReLU()), ["early"]),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3)), ["early", "deep"]),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3)), ["early", "deep"]),
        (nn.Sequential(nn.Flatten(), nn.Linear(120, 2)), []),
    ],
)
def test_small_networks_have_fewer_stages(net, titles):
    assert [stage.title for stage in stages_of(net, 1, 1, 12, 10)] == titles


def test_maps_behind_an_operation_that_is_not_understood_are_cut_by_size():
    class Shifted(nn.Module):
        def forward(self, x):
            return x.roll(1, 2)

    net = nn.Sequential(Shifted(), *(block(stride=2) for _ in range(3)))
    table = layer_table(net, torch.zeros(1, 3, 32, 24))
    assert table["3"].receptive_field is None
    assert names(stages(table)) == [("early", "1.2"), ("middle", "2.2"), ("deep", "3.2")]
