"""Small random networks whose gradient shows exactly what a position depends on.

All weights and inputs are positive and nothing saturates, so no dependence cancels; where max pooling would
hide some of its inputs from the gradient, the run replaces it by average pooling over the same windows.
No padding exceeds its kernel: the two axes are followed separately, which is exact as long as every position
on the way depends on some pixel.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Windows(nn.Module):
    """A convolution with any kernel, stride, dilation and padding, also different on each side."""

    def __init__(self, rng: random.Random, channels: int, mode: str = "constant") -> None:
        super().__init__()
        kernel = (rng.randint(1, 4), rng.randint(1, 3))
        step = (rng.randint(1, 3), rng.randint(1, 2))
        dilation = (rng.randint(1, 3), rng.randint(1, 2))
        rows, columns = ((k - 1) * d for k, d in zip(kernel, dilation, strict=True))
        self.sides = [rng.randint(0, min(2, most)) for most in (columns, columns, rows, rows)]
        groups = rng.choice([1, channels])
        self.conv = nn.Conv2d(channels, channels, kernel, step, dilation=dilation, groups=groups)
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, self.sides, mode=self.mode))


class Transposed(nn.Module):
    """A transposed convolution whose kernel leaves no gaps."""

    def __init__(self, rng: random.Random, channels: int) -> None:
        super().__init__()
        kernel = rng.randint(1, 4)
        stride, padding = rng.randint(1, kernel), rng.randint(0, (kernel - 1) // 2)
        self.conv = nn.ConvTranspose2d(channels, channels, kernel, stride, padding)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Pool(nn.Module):
    """Average or maximum pooling, with and without overhanging windows."""

    def __init__(self, rng: random.Random, channels: int) -> None:
        super().__init__()
        self.kernel = (rng.randint(2, 4), rng.randint(2, 3))
        self.settings = {"stride": rng.randint(1, 3), "padding": 1, "ceil_mode": rng.random() < 0.5}
        self.maximum = rng.random() < 0.5

    def forward(self, x: Tensor) -> Tensor:
        if self.maximum and not x.requires_grad:
            return F.max_pool2d(x, self.kernel, **self.settings)
        return F.avg_pool2d(x, self.kernel, **self.settings)


class Residual(nn.Module):
    """Two paths of equal size that are added."""

    def __init__(self, rng: random.Random, channels: int) -> None:
        super().__init__()
        reach = rng.randint(1, 2)
        self.conv = nn.Conv2d(channels, channels, 3, padding=reach, dilation=reach)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        y += x
        return y


class Branches(nn.Module):
    """Kernels of several sizes side by side, concatenated and mixed again."""

    def __init__(self, rng: random.Random, channels: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, channels, (1, 5), padding=(0, 2))
        self.tall = nn.Conv2d(channels, channels, (5, 1), padding=(2, 0))
        self.mix = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(torch.cat([self.wide(x), self.tall(x)], 1))


class Reshaped(nn.Module):
    """Slices, upsampling and space-to-depth: positions move, none is computed."""

    def __init__(self, rng: random.Random, channels: int) -> None:
        super().__init__()
        self.how = rng.choice(["slice", "nearest", "bilinear", "corners", "fold", "shuffle", "zeros"])
        self.mix = nn.Conv2d(4 * channels, channels, 1)
        self.blur = nn.Conv2d(channels, channels, 2)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        if self.how == "slice":
            return x[:, :, 1::2, : w - 1 : 2] + x[:, :, :-1:2, 1::2]
        if self.how == "nearest":
            return F.interpolate(x, scale_factor=(2, 3))
        if self.how == "bilinear":
            return F.interpolate(x, scale_factor=2, mode="bilinear")
        if self.how == "corners":
            return F.interpolate(x, size=(2 * h - 1, w), mode="bilinear", align_corners=True)
        if self.how == "fold":
            x = x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2)
            return self.mix(x.permute(0, 3, 5, 1, 2, 4).reshape(n, 4 * c, h // 2, w // 2))
        if self.how == "shuffle":
            return F.pixel_shuffle(torch.cat([x, x, x, x], 1), 2)
        return self.blur(torch.cat([x.new_zeros(n, c, 1, w), x], 2).flip(3)).flip(3)


class Mirrored(Windows):
    """Padding that repeats or mirrors the map instead of adding zeros."""

    def __init__(self, rng: random.Random, channels: int) -> None:
        super().__init__(rng, channels, rng.choice(["replicate", "reflect"]))


ZERO_PADDED = (Windows, Windows, Transposed, Pool, Residual, Branches, Reshaped)
ANY = (*ZERO_PADDED, Mirrored)


def random_net(
    seed: int, blocks: Sequence[Callable[..., nn.Module]] = ANY, channels: int = 2
) -> nn.Sequential:
    """Two to five random blocks with positive double-precision weights."""
    rng = random.Random(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(*(rng.choice(blocks)(rng, channels) for _ in range(rng.randint(2, 5)))).double()
        for parameter in net.parameters():
            nn.init.uniform_(parameter, 0.5, 1.5)
    return net


def gradient_supports(
    net: nn.Module, x: Tensor, positions: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], tuple[int, int, int, int]]:
    """By output position the box around the pixels that have a gradient there, (0, 0, 0, 0) if none has."""
    x = x.clone().requires_grad_()
    output = net(x).sum((0, 1))
    return {position: _support(x, output[position]) for position in positions}


def _support(x: Tensor, value: Tensor) -> tuple[int, int, int, int]:
    (gradient,) = torch.autograd.grad(value, x, retain_graph=True)
    rows = gradient.abs().sum((0, 1, 3)).nonzero().flatten().tolist()
    columns = gradient.abs().sum((0, 1, 2)).nonzero().flatten().tolist()
    return (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else (0, 0, 0, 0)
