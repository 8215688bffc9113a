"""The layer table: published numbers, arithmetic, and every column checked by hand."""

import csv
import io

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from explorer.activations import UnknownLayerError
from explorer.layers import Window, layer_table
from models.efficientnet_lite0 import Conv2dSame
from models.torchvision_ops import import_torchvision


def torchvision_table(name, size=224):
    """The table of a torchvision model on the meta device: every operation runs, nothing is computed."""
    import_torchvision()
    from torchvision.models import get_model

    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.device("meta"):
        return layer_table(get_model(name, weights=None, **options), torch.empty(1, 3, size, size))


def table_of(net, *shape, seed=0):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return layer_table(net, x)


class TestAgainstTheLiterature:
    @pytest.mark.parametrize(
        ("model", "layer", "size", "stride"),
        [
            ("vgg16", "features.30", 212, 32),
            ("alexnet", "features.12", 195, 32),
            ("resnet18", "layer4", 435, 32),
            ("resnet50", "layer4", 427, 32),  # torchvision strides in the 3 × 3; 483 where the 1 × 1 strides
            ("mobilenet_v2", "features", 491, 32),
        ],
    )
    def test_receptive_field(self, model, layer, size, stride):
        row = torchvision_table(model)[layer]
        assert row.receptive_field.size == (size, size)
        assert row.stride == row.receptive_field.stride == (stride, stride)
        assert row.kind == "Sequential" or row.is_leaf

    @pytest.mark.parametrize(
        ("model", "billions", "millions"),
        [
            ("resnet50", 4.089, 25.557),
            ("vgg16", 15.470, 138.358),
            ("alexnet", 0.714, 61.101),
            ("mobilenet_v2", 0.301, 3.505),
        ],
    )
    def test_published_costs(self, model, billions, millions):
        table = torchvision_table(model)
        assert round(table.macs / 1e9, 3) == billions
        assert round(table.parameters / 1e6, 3) == millions

    @pytest.mark.parametrize(
        "model", ["mobilenet_v3_small", "densenet121", "convnext_tiny", "shufflenet_v2_x0_5", "googlenet"]
    )
    def test_macs_are_half_of_pytorchs_flop_count(self, model):
        import_torchvision()
        from torchvision.models import get_model

        options = {"init_weights": False} if model == "googlenet" else {}
        with torch.device("meta"):
            net, x = get_model(model, weights=None, **options).eval(), torch.empty(1, 3, 96, 64)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(x)
        table, counts = layer_table(net, x), counter.get_flop_counts()
        assert 2 * table.macs == counter.get_total_flops()
        prefix = type(net).__name__
        compared = [row for row in table if row.calls == 1 and f"{prefix}.{row.name}" in counts]
        assert len(compared) > 20
        for row in compared:
            assert 2 * row.macs == sum(counts[f"{prefix}.{row.name}"].values()), row.name

    def test_squeeze_and_excite_sees_the_whole_image(self):
        table = torchvision_table("mobilenet_v3_small")
        assert str(table["features.0"].receptive_field) == "3 × 3"
        gated = table["features.1.block.1"]  # the first squeeze-and-excite
        assert gated.receptive_field.whole
        assert gated.receptive_field.box(5, 7) == (0, 0, 224, 224)
        assert gated.local_field.size == (7, 7)
        assert gated.stride == (4, 4)


class TestRows:
    def test_by_hand(self):
        net = nn.Sequential(
            nn.Conv2d(3, 8, (3, 5), stride=(1, 2), padding=(1, 2)),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Sequential(nn.Conv2d(8, 8, 3, dilation=2, groups=8, bias=False), nn.BatchNorm2d(8)),
            nn.Flatten(),
            nn.Linear(8 * 7 * 6, 10),
        )
        table = table_of(net, 2, 3, 21, 37)
        assert table.names == ("0", "1", "2", "3.0", "3.1", "3", "4", "5")
        assert [row.kind for row in table[:3]] == ["Conv2d", "ReLU", "MaxPool2d"]
        assert table["0"].output_shape == table["1"].output_shape == (2, 8, 21, 19)
        assert table["0"].window == Window((3, 5), (1, 2), (1, 2), (1, 1), 1)
        assert table["2"].window == Window((2, 2), (2, 2), (0, 0), (1, 1), 1)
        assert table["3.0"].window == Window((3, 3), (1, 1), (0, 0), (2, 2), 8)
        assert [table[name].window for name in ("1", "3.1", "3", "4", "5")] == [None] * 5
        assert [table[name].stride for name in ("0", "2", "3", "4", "5")] == [
            (1, 2),
            (2, 4),
            (2, 4),
            None,
            None,
        ]
        assert [row.parameters for row in table] == [3 * 15 * 8 + 8, 0, 0, 72, 16, 88, 0, 3370]
        macs = [21 * 19 * 8 * 3 * 15, 0, 0, 7 * 6 * 8 * 9, 0, 7 * 6 * 8 * 9, 0, 3360]
        assert [row.macs for row in table] == macs
        assert table.macs == macs[0] + macs[3] + macs[7]
        assert [row.depth for row in table] == [1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 1.0]
        assert [row.is_leaf for row in table] == [True] * 5 + [False, True, True]
        assert [row.is_map for row in table] == [True] * 6 + [False, False]
        fields = [str(row.receptive_field) for row in table]
        assert fields == [
            "3 × 5",
            "3 × 5",
            "4 × 7",
            "12 × 23",
            "12 × 23",
            "12 × 23",
            "12 × 23",
            "whole image",
        ]
        assert table["3"].receptive_field.offset == (-1, -2)

    def test_costs_add_up(self):
        table = torchvision_table("resnet18", 64)
        leaves = [row for row in table if row.is_leaf]
        assert sum(row.macs for row in leaves) == table.macs
        assert sum(row.parameters for row in leaves) == table.parameters
        assert table[-1].depth == max(row.depth for row in table) == 1.0
        assert all(0 < row.depth <= 1 for row in table)

    def test_containers_follow_their_parts_and_the_model_has_no_row(self):
        names = torchvision_table("resnet50", 64).names
        assert "" not in names
        assert (
            names.index("layer4.2.bn3") < names.index("layer4.2") < names.index("layer4") < names.index("fc")
        )

    def test_per_sample(self):
        net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
        one, five = table_of(net, 1, 2, 9, 7), table_of(net, 5, 2, 9, 7)
        assert [row.macs for row in one] == [row.macs for row in five]
        assert [row.receptive_field for row in one] == [row.receptive_field for row in five]

    def test_transposed_convolution(self):
        net = nn.Sequential(nn.ConvTranspose2d(3, 6, (2, 4), stride=2, padding=(0, 1), groups=3))
        (row,) = table_of(net, 1, 3, 5, 7)
        assert row.output_shape == (1, 6, 10, 14)
        assert row.macs == 5 * 7 * 6 * 8  # every input value meets two outputs' kernels of 2 × 4
        assert row.window == Window((2, 4), (2, 2), (0, 1), (1, 1), 3)
        assert row.stride == (0.5, 0.5)
        assert row.receptive_field.size == (1, 2)

    @pytest.mark.parametrize(
        ("convolution", "padding"),
        [
            (nn.Conv2d(1, 1, 3, padding="same", dilation=2), (2, 2)),
            (nn.Conv2d(1, 1, (2, 3), padding="same"), "same"),
            (nn.Conv2d(1, 1, 3, padding="valid"), (0, 0)),
            (nn.Conv2d(1, 1, 3, padding=(1, 2), padding_mode="reflect"), (1, 2)),
        ],
    )
    @pytest.mark.filterwarnings("ignore:Using padding='same'")
    def test_padding_as_the_module_says_it(self, convolution, padding):
        (row,) = table_of(nn.Sequential(convolution), 1, 1, 8, 9)
        assert row.window.padding == padding
        assert str(row.receptive_field) == (
            "5 × 5" if padding == (2, 2) else f"{row.window.kernel_size[0]} × 3"
        )

    def test_padding_that_depends_on_the_input_is_called_same(self):
        """TensorFlow's SAME with stride 2: 0 above and 1 below for 224 pixels, 1 and 1 for 223."""
        net = nn.Sequential(Conv2dSame(3, 4, 3, stride=2))
        (row,) = table_of(net, 1, 3, 224, 223)
        assert row.window.padding == "same"
        assert row.receptive_field.offset == (0, -1)

    def test_one_pixel_and_one_channel(self):
        (row,) = table_of(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1)), 1, 1, 1, 1)
        assert (row.output_shape, row.stride, row.depth, row.macs) == ((1, 1, 1, 1), (1, 1), 1.0, 9)
        assert row.receptive_field.seen_box(0, 0) == (0, 0, 1, 1)

    def test_nothing_with_weights(self):
        assert [row.depth for row in table_of(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), 1, 2, 6, 4)] == [
            0,
            0,
        ]

    def test_csv(self):
        net = nn.Sequential(nn.Conv2d(3, 4, (3, 5), padding=1), nn.AdaptiveAvgPool2d(1))
        rows = list(csv.DictReader(io.StringIO(table_of(net, 1, 3, 9, 7).to_csv())))
        assert [row["name"] for row in rows] == ["0", "1"]
        assert (rows[0]["output_shape"], rows[0]["kernel_size"], rows[0]["padding"]) == (
            "1x4x9x5",
            "3x5",
            "1x1",
        )
        assert (rows[0]["receptive_field"], rows[0]["offset"], rows[0]["groups"]) == ("3x5", "-1,-1", "1")
        assert (rows[1]["receptive_field"], rows[1]["offset"], rows[1]["kernel_size"]) == (
            "whole image",
            "",
            "",
        )

    def test_look_up(self):
        table = table_of(nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU()), 1, 2, 9, 8)
        assert table[0] is table[table.names[0]] is table[:1][0]
        assert len(table) == len(list(table)) == len(table.names)


class TestErrors:
    def test_unknown_layer_lists_close_names(self):
        table = table_of(nn.Sequential(nn.Conv2d(1, 1, 1)), 1, 1, 2, 3)
        with pytest.raises(
            UnknownLayerError, match=r"no layer 'conv1' that runs; there are 1, for example '0'"
        ):
            table["conv1"]

    @pytest.mark.parametrize("x", [(), [torch.zeros(1)], (torch.zeros(1), 3), "x"])
    def test_input_that_is_no_tensor(self, x):
        with pytest.raises(TypeError, match="a tensor or a tuple of tensors"):
            layer_table(nn.Identity(), x)

    def test_model_that_is_no_module(self):
        with pytest.raises(TypeError, match="Module is needed, not function"):
            layer_table(lambda x: x, torch.zeros(1))

    def test_parameters_without_shape(self):
        with pytest.raises(ValueError, match="run the model once"):
            layer_table(nn.Sequential(nn.LazyLinear(3)), torch.zeros(2, 3))

    def test_nothing_seen_running(self):
        net = nn.ModuleList([nn.ReLU()])
        net.forward = lambda x: x + 1
        with pytest.raises(ValueError, match=r"before torch\.compile"):
            table_of(net, 1, 1, 2, 3)
