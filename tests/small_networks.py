"""Small networks that each do one thing which makes capturing hard."""

from __future__ import annotations

import copy
from collections import namedtuple

import torch
import torch.nn.functional as F
from torch import nn

Pair = namedtuple("Pair", "low high")


class Residual(nn.Module):
    """A residual block as torchvision writes it: the sum is made in place, and so is the ReLU after it."""

    def __init__(self, channels=4):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return self.relu(out)


class After(nn.Module):
    """A convolution, and then `change`, which may overwrite its output in any way."""

    def __init__(self, change):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.change = change

    def forward(self, x):
        out = self.conv(x)
        result = self.change(out)
        return out if result is None else result


class Returns(nn.Module):
    """A layer whose output is whatever `make` builds of the convolution's output."""

    def __init__(self, make):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.inner = Apply(make)

    def forward(self, x):
        return self.inner(self.conv(x))


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


class Repeated(nn.Module):
    """One convolution three times, with an in-place ReLU in between, and a head that never runs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.unused = nn.Conv2d(3, 5, 1)

    def forward(self, x):
        for _ in range(3):
            x = self.relu(self.conv(x))
        return x


class TwoNames(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1)
        self.second = self.first
        self.outer = nn.Sequential(self.first)

    def forward(self, x):
        return self.second(F.relu(self.first(x)))


class KeywordCalled(nn.Module):
    """Calls its parts by keyword, an in-place one too."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.act = nn.ReLU6(inplace=True)

    def forward(self, x):
        return self.act(input=self.conv(input=x))


class Fails(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.act = nn.ReLU(inplace=True)
        self.error = error

    def forward(self, x):
        self.act(self.conv(x))
        raise self.error


def small_net(channels=6):
    """Nine kinds of what real networks have: strides, depthwise, residual, in-place, pooling, a head."""
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
        Residual(channels),
        nn.Conv2d(channels, channels, 5, padding=2, groups=channels),
        nn.ReLU(inplace=True),
        Residual(channels),
        nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 1),
        nn.SiLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * channels, 7),
    ).eval()


def picture(height=13, width=10, batch=2, channels=3):
    return torch.randn(batch, channels, height, width)


def copied_outputs(module, x, names):
    """The oracle: what each module returned, copied at once by hooks on a copy of the model."""
    module = copy.deepcopy(module)
    seen = {name: [] for name in names}
    for name, part in module.named_modules():
        if name in seen:
            part.register_forward_hook(lambda _m, _i, out, name=name: seen[name].append(out.clone()))
    with torch.no_grad():
        module(x.clone())
    return seen


def state_of(module):
    """Everything that a capture must leave as it was."""
    return {
        name: (
            part.training,
            tuple(part._forward_hooks),
            tuple(part._forward_pre_hooks),
            tuple(part._forward_hooks_with_kwargs),
            tuple(part._forward_pre_hooks_with_kwargs),
            tuple(
                (key, p.grad, p._version, p.requires_grad)
                for key, p in part._parameters.items()
                if p is not None
            ),
            tuple((key, b.clone().tolist(), b._version) for key, b in part._buffers.items() if b is not None),
            tuple(sorted(vars(part))),
        )
        for name, part in module.named_modules()
    }
