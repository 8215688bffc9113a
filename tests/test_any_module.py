"""The explorer takes any `nn.Module`: networks that no library has, each with something unusual."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import explorer
from explorer.channels import strongest
from explorer.side_by_side import corresponding
from explorer.story import observe
from models.untrained import reinitialized
from tests.small_networks import state_of


class HandMade(nn.Module):
    """Two branches, a module used twice, arithmetic between the layers."""

    def __init__(self, channels=3):
        super().__init__()
        self.stem = nn.Conv2d(channels, 6, (5, 3), stride=2)
        self.shared = nn.Conv2d(6, 6, 3, padding=1)
        self.wide = nn.Conv2d(6, 4, 1)
        self.head = nn.Linear(10, 7)

    def forward(self, x):
        x = F.relu(self.stem(x))
        x = x + self.shared(F.relu(self.shared(x)))
        x = torch.cat([x, self.wide(x).abs()], 1)
        return self.head(x.mean((2, 3)))


class UNet(nn.Module):
    """Down and up again, with connections across (Ronneberger et al., arXiv:1505.04597)."""

    def __init__(self, channels=3, width=4, classes=2):
        super().__init__()
        self.down1, self.down2 = self.pair(channels, width), self.pair(width, 2 * width)
        self.bottom = self.pair(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.merge2 = self.pair(4 * width, 2 * width)
        self.up1 = nn.Upsample(scale_factor=2, mode="bilinear")
        self.merge1 = self.pair(3 * width, width)
        self.out = nn.Conv2d(width, classes, 1)

    @staticmethod
    def pair(inputs, outputs):
        layers = (nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
        return nn.Sequential(*layers, nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(inplace=True))

    def forward(self, x):
        first = self.down1(x)
        second = self.down2(F.max_pool2d(first, 2))
        x = self.bottom(F.max_pool2d(second, 2))
        x = self.merge2(torch.cat([self.up2(x), second], 1))
        x = self.merge1(torch.cat([self.up1(x), first], 1))
        return self.out(x)


class Squared(torch.autograd.Function):
    """A function with a backward of its own, which no graph tracer sees through."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


class WithFunction(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.after = nn.Conv2d(4, 5, 3)

    def forward(self, x):
        return self.after(Squared.apply(self.conv(x)))


class TwoInputs(nn.Module):
    """A picture and a depth map of it, and a number for each picture."""

    def __init__(self):
        super().__init__()
        self.colour, self.depth = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(1, 4, 5, padding=2)
        self.scale = nn.Linear(1, 4)

    def forward(self, picture, depth, number):
        gate = self.scale(number)[:, :, None, None]
        return (self.colour(picture) + self.depth(depth)) * gate


class OnePicture(nn.Module):
    """A wrapper that makes the other inputs constant."""

    def __init__(self, module, *others):
        super().__init__()
        self.module, self.others = module, others

    def forward(self, picture):
        return self.module(picture, *self.others)


def deep(channels):
    """A ResNet-like network for small pictures, without pooling at its beginning."""
    stages = [nn.Conv2d(channels, 8, 3, padding=1)]
    for width in (8, 16, 32):
        stages += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.GroupNorm(2, 2 * width), nn.SiLU()]
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


CASES = {
    "hand-made": (HandMade(), torch.rand(1, 3, 41, 30)),
    "U-Net": (UNet(), torch.rand(1, 3, 24, 32)),
    "custom autograd function": (WithFunction(), torch.rand(2, 3, 17, 12)),
    "several inputs": (TwoInputs(), (torch.rand(1, 3, 14, 11), torch.rand(1, 1, 14, 11), torch.ones(1, 1))),
    "wrapped": (
        OnePicture(TwoInputs(), torch.rand(1, 1, 14, 11), torch.ones(1, 1)),
        torch.rand(1, 3, 14, 11),
    ),
    "grey": (UNet(channels=1), torch.rand(1, 1, 16, 20)),
    "12 channels": (HandMade(channels=12), torch.rand(1, 12, 29, 22)),
    "32 × 32": (deep(3), torch.rand(1, 3, 32, 32)),
    "28 × 28 in grey": (deep(1), torch.rand(1, 1, 28, 28)),
}


@pytest.mark.parametrize(("net", "x"), CASES.values(), ids=CASES)
def test_capture_layer_table_and_mosaic(net, x):
    net.eval()
    before = state_of(net)
    activations = explorer.capture(net, x)
    table = explorer.layer_table(net, x)
    assert set(table.names) <= set(activations)
    assert len(table) == len(activations)
    first = x[0] if isinstance(x, tuple) else x
    assert table.input_shape == tuple(first.shape)
    for layer in table:
        assert layer.output_shape == tuple(activations[layer.name].shape), layer.name
        if layer.is_map:
            assert layer.receptive_field is not None, layer.name
            assert explorer.mosaic_png(activations[layer.name][:1]).startswith(b"\x89PNG")
    assert any(layer.is_map for layer in table)
    assert state_of(net) == before


def test_the_values_are_the_networks_own():
    net, x = CASES["hand-made"]
    activations = explorer.capture(net.eval(), x)
    with torch.no_grad():
        stem = net.stem(x)
        first = net.shared(stem.relu())
        second = net.shared(first.relu())
    assert torch.equal(activations["stem"], stem)
    assert [
        torch.equal(made[0], wanted)
        for made, wanted in zip(activations.calls("shared"), (first, second), strict=True)
    ]
    assert torch.equal(activations["shared"], second)
    assert torch.equal(activations.output, net(x).detach())


@pytest.mark.parametrize("name", ["hand-made", "U-Net", "custom autograd function", "grey", "32 × 32"])
def test_receptive_fields_are_those_of_the_gradient(name):
    net, x = CASES[name]
    net = copy.deepcopy(net).double().eval()
    x = x.double().requires_grad_()
    table = explorer.layer_table(net, x.detach())
    layer = next(layer for layer in reversed(table) if layer.is_map and not layer.receptive_field.whole)
    outputs = []
    handle = net.get_submodule(layer.name).register_forward_hook(lambda _m, _i, out: outputs.append(out))
    net(x)
    handle.remove()
    row, column = (size // 2 for size in layer.output_shape[2:])
    # Pooling and ReLU pass no gradient to some of the pixels, so the support may be smaller than the field.
    (gradient,) = torch.autograd.grad((outputs[-1][:, :, row, column] ** 2).sum(), x)
    support = gradient.abs().sum((0, 1)).nonzero()
    top, left = support.min(0).values.tolist()
    bottom, right = (support.max(0).values + 1).tolist()
    seen = layer.receptive_field.seen_box(row, column)
    assert seen[0] <= top
    assert seen[1] <= left
    assert seen[2] >= bottom
    assert seen[3] >= right
    assert (bottom - top) * (right - left) >= 0.5 * (seen[2] - seen[0]) * (seen[3] - seen[1])


@pytest.mark.parametrize(("net", "x"), CASES.values(), ids=CASES)
def test_stages_and_what_their_maps_show(net, x):
    net.eval()
    stages = explorer.stages(explorer.layer_table(net, x))
    assert [stage.title for stage in stages] in (["early"], ["early", "deep"], ["early", "middle", "deep"])
    activations = explorer.capture(net, x, [stage.representative.name for stage in stages])
    for stage in stages:
        maps = activations[stage.representative.name][0]
        shown = strongest(maps, 3)
        seen = observe(maps[list(shown)], (x[0] if isinstance(x, tuple) else x)[:1])
        assert seen.maps == len(shown) == min(3, len(maps))
        assert seen.explained is None or 0 <= seen.explained <= 1


@pytest.mark.parametrize(("net", "x"), CASES.values(), ids=CASES)
def test_each_has_an_untrained_twin(net, x):
    torch.manual_seed(3)
    twin = reinitialized(net.eval())
    table = explorer.layer_table(twin, x)
    assert table.names == explorer.layer_table(net, x).names
    assert [corresponding(layer, table).name for layer in table] == list(table.names)
    weights = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in twin.parameters() if p.ndim > 1]
    assert weights
    assert not any(torch.equal(one, other) for one, other in zip(weights, others, strict=True))


def test_a_plain_tensor_is_no_network():
    with pytest.raises(explorer.CaptureError, match=r"only an nn.Module"):
        explorer.capture(torch.zeros(3), torch.zeros(1, 3, 8, 8))
