"""Capture: every kept output is what its module returned, whatever overwrites it afterwards."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer.activations import capture
from models.torchvision_ops import import_torchvision
from tests.small_networks import After, Apply, Residual, copied_outputs, picture, small_net


def assert_convolutions_recompute(module, x):
    """Each captured convolution output equals that module on its captured input, bit for bit."""
    inputs = {}

    def keep_input(part, args):
        inputs[part] = args[0].clone()

    convolutions = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    handles = [part.register_forward_pre_hook(keep_input) for part in convolutions]
    activations = capture(module, x, nn.Conv2d)
    for handle in handles:
        handle.remove()
    assert len(activations) == len(inputs) > 0
    with torch.no_grad():
        for name, feature_map in activations.items():
            part = module.get_submodule(name)
            assert torch.equal(feature_map, part(inputs[part])), name


def write_slice(out):
    out[:, 1:3, 2:5] = 7.0


def change_view(out):
    out.flatten(2)[:, 0].mul_(-3)


def change_half(out):
    out.chunk(2, dim=1)[1].zero_()


def ignore_module(out):
    nn.ReLU(inplace=True)(out)


def plus_equals(out):
    out += 5.0


def plus_equals_then_inplace(out):
    out += 5.0
    return F.relu(out, inplace=True)


def inner_inference_mode(out):
    with torch.inference_mode():
        out.sub_(1.0)


class TestInPlace:
    @pytest.mark.parametrize(
        "change",
        [
            nn.ReLU(inplace=True),
            nn.Sequential(nn.ReLU6(inplace=True), nn.Dropout(0.5, inplace=True)),
            nn.Hardswish(inplace=True),
            lambda out: F.relu(out, inplace=True),
            lambda out: out.clamp_(max=0.1),
            lambda out: torch.add(out, 1, out=out),
            plus_equals,
            plus_equals_then_inplace,
            write_slice,
            change_view,
            change_half,
            ignore_module,
            inner_inference_mode,
        ],
    )
    def test_pre_activation_values_stay_what_they_were(self, change):
        net, x = After(change).eval(), picture()
        with torch.no_grad():
            expected = net.conv(x)
            answer = net(x.clone())
        activations = capture(net, x, "conv")
        assert torch.equal(activations["conv"], expected)
        assert torch.equal(activations.output, answer)
        assert not torch.equal(expected, answer)

    def test_sum_in_place_before_an_in_place_module(self):
        """The module announces its change too late: the sum has overwritten the output already."""
        net, x = Residual().eval(), picture(channels=4)
        names = ["conv1", "bn1", "conv2", "bn2"]
        activations = capture(net, x, names)
        for name, expected in copied_outputs(net, x, names).items():
            assert torch.equal(activations[name], expected[0]), name

    def test_every_module_of_a_net_full_of_in_place_changes(self):
        net, x = small_net(), picture()
        activations = capture(net, x)
        oracle = copied_outputs(net, x, list(activations))
        for name in activations:
            calls = [call[0] for call in activations.calls(name)]
            assert all(map(torch.equal, calls, oracle[name])), name

    def test_a_model_that_begins_in_place_leaves_the_callers_input(self):
        x = picture()
        before = x.clone()
        net = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3)).eval()
        activations = capture(net, x, ["0", "1"])
        assert torch.equal(x, before)
        assert x._version == 0
        assert torch.equal(activations["0"], before.relu())

    def test_views_of_one_tensor_are_kept_apart_from_later_changes(self):
        half = Apply(lambda t: t.chunk(2, dim=1)[0])
        net = nn.Sequential(nn.Conv2d(3, 4, 3), half, nn.ReLU(inplace=True)).eval()
        x = picture()
        activations = capture(net, x, ["0", "1"])
        with torch.no_grad():
            expected = net[0](x)
        assert torch.equal(activations["0"], expected)
        assert torch.equal(activations["1"], expected[:, :2])

    def test_a_run_that_changes_from_time_to_time_ends_unmutated(self):
        """The first run overwrites one layer, the second another."""
        turns = iter([0, 1, 0, 1])
        net = nn.ModuleDict({"a": nn.Conv2d(3, 3, 1), "b": nn.Conv2d(3, 3, 1)}).eval()

        def forward(x):
            outs = [net["a"](x), net["b"](x)]
            outs[next(turns)].zero_()
            return outs

        net.forward = forward
        x = picture()
        activations = capture(net, x, nn.Conv2d)
        with torch.no_grad():
            assert torch.equal(activations["a"], net["a"](x))
            assert torch.equal(activations["b"], net["b"](x))


class Crossed(nn.Module):
    """What overwrites its convolution's output stands before it, or behind another module."""

    def __init__(self) -> None:
        super().__init__()
        self.rectifier = nn.ReLU(inplace=True)
        self.first = nn.Conv2d(3, 4, 3)
        self.between = nn.Flatten()
        self.last = nn.Hardtanh(-0.1, 0.1, inplace=True)
        self.runs = 0

    def forward(self, x):
        self.runs += 1
        rectified = self.rectifier(self.first(x))
        self.last(rectified[:, 2:])  # a view that begins in the middle of what is kept
        return self.between(rectified)


class TestWhoOverwrites:
    @pytest.mark.parametrize(("layers", "runs"), [(nn.Conv2d, 2), ("first", 1), (None, 2)])
    def test_an_in_place_module_anywhere_leaves_what_is_kept_as_it_was(self, layers, runs):
        net, x = Crossed().eval(), picture()
        with torch.no_grad():
            expected = net.first(x)
        assert (expected < 0).any()
        assert (expected[:, 2:] > 0.1).any()
        assert torch.equal(capture(net, x, layers)["first"], expected)
        assert net.runs == runs

    def test_one_behind_a_kept_block_is_foreseen(self):
        net = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), nn.ReLU(inplace=True)
        ).eval()
        calls = []
        net.register_forward_pre_hook(lambda *_: calls.append(1))
        kept = capture(net, picture(), nn.Sequential)["0"]
        assert (kept < 0).any()
        assert len(calls) == 1


class TestOracle:
    @pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
    def test_small_net(self, layout):
        net = small_net()
        x = picture(21, 18).contiguous(memory_format=layout)
        assert_convolutions_recompute(net, x)
        if layout is torch.channels_last:
            assert capture(net, x, "0")["0"].is_contiguous(memory_format=layout)

    def test_double_precision(self):
        net = small_net().double()
        assert_convolutions_recompute(net, picture().double())
        assert capture(net, picture().double(), "0")["0"].dtype == torch.float64

    def test_efficientnet_lite0_of_timm(self):
        import_torchvision()
        timm = pytest.importorskip("timm")
        assert_convolutions_recompute(timm.create_model("tf_efficientnet_lite0").eval(), picture(70, 66, 1))

    @pytest.mark.parametrize("name", ["resnet18", "vgg11"])
    def test_torchvision(self, name):
        build = getattr(import_torchvision().models, name)
        # VGG's classifier alone has 120 million parameters that no convolution needs.
        net = build(weights=None) if name == "resnet18" else build(weights=None).features
        assert_convolutions_recompute(net.eval(), picture(66, 70, 1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_the_results_come_to_the_cpu():
    net, x = small_net().cuda(), picture().cuda()
    activations = capture(net, x)
    assert {tensor.device.type for tensor in (*activations.values(), activations.output)} == {"cpu"}
    oracle = copied_outputs(net, x, list(activations))
    for name in activations:
        calls = [call[0] for call in activations.calls(name)]
        assert all(torch.equal(call, one.cpu()) for call, one in zip(calls, oracle[name], strict=True)), name
