"""Hand-made networks whose best input is known, and pictures to measure."""

import math
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from explorer.visualization import Fourier, Recipe
from explorer.visualization.plan import Subject


def recipe(**changes):
    """A small, quick recipe without transformations."""
    settings = {"size": (24, 32), "steps": 24, "learning_rate": 0.1, "transformations": ()}
    return Recipe(**{**settings, "parametrization": Fourier(spread=0.05), **changes})


def small_net(seed=3):
    """Two convolutions with batch norm and in-place rectifiers, then a classifier; any picture size."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 5, 3),
        nn.ReLU6(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 7),
    )
    net[1].running_mean.uniform_(-0.2, 0.2)
    return net.eval()


def subject():
    """The small net as galleries are made of it; also for other processes, which import this file only."""
    labels = tuple(f"class {k}" for k in range(7))
    half = (0.5, 0.5, 0.5)
    return Subject(small_net(), "small", "abc", labels, (1, 3, 24, 28), half, half, lambda picture: None)


def broken_subject():
    """A net without the layers of the other one."""
    return replace(subject(), module=nn.Sequential(nn.Flatten()))


def edge_filter(degrees, size=11, period=5.0):
    """A wave that runs in the direction `degrees`, counted from the right towards the bottom."""
    rows, columns = np.mgrid[:size, :size] - size // 2
    angle = math.radians(degrees)
    along = columns * math.cos(angle) + rows * math.sin(angle)
    bell = np.exp(-(rows**2 + columns**2) / (2 * (size / 4) ** 2))
    wave = np.cos(2 * math.pi * along / period) * bell
    return torch.tensor(wave - wave.mean(), dtype=torch.float32)


def edge_net(*angles):
    """A single convolution; channel k answers to the waves of angle `angles[k]`, in grey."""
    net = nn.Sequential(nn.Conv2d(3, len(angles), 11, bias=False), nn.ReLU())
    with torch.no_grad():
        for channel, degrees in enumerate(angles):
            net[0].weight[channel] = edge_filter(degrees) / 3
    return net


def colour_net(*colours):
    """A 1 × 1 convolution; channel k answers to the colour `colours[k]`, three numbers around 0."""
    net = nn.Sequential(nn.Conv2d(3, len(colours), 1, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor(colours)[:, :, None, None])
    return net


def orientation(picture):
    """The direction in which brightness changes most, 0 to 180 degrees: that of the structure tensor."""
    grey = picture[6:-6, 6:-6].astype(float).mean(2)  # the border is seen by few positions
    y, x = np.gradient(grey)
    return math.degrees(math.atan2(2 * (x * y).sum(), (x * x - y * y).sum()) / 2) % 180


def state(net):
    """All that must stay as it was."""
    return (
        {
            name: (value.clone(), value.requires_grad)
            for name, value in net.state_dict(keep_vars=True).items()
        },
        [part.training for part in net.modules()],
        [parameter.grad for parameter in net.parameters()],
        [(len(p._forward_hooks), len(p._forward_pre_hooks), len(p._backward_hooks)) for p in net.modules()],
        [vars(part).get("inplace") for part in net.modules()],
    )


def assert_untouched(net, before):
    after = state(net)
    assert after[1:] == before[1:]
    assert after[0].keys() == before[0].keys()
    for name, (value, wants) in after[0].items():
        assert torch.equal(value, before[0][name][0]), name
        assert wants == before[0][name][1], name
