"""Building a network: Input → [Conv → ReLU → Pool] × N → Flatten → Dense.

A `NetworkSpec` says what is wanted; `problems` says why something is impossible; `build` makes the module,
whose parts are called `conv1`, `relu1`, `pool1`, ..., `flatten`, `dense`; `describe` measures it.

Example:
    >>> spec = NetworkSpec((3, 32, 32), (Block(8), Block(16)), classes=10)
    >>> [(row.name, row.output_shape[1:], row.parameters) for row in describe(spec) if row.parameters]
    [('conv1', (8, 32, 32), 224), ('conv2', (16, 16, 16), 1168), ('dense', (10,), 10250)]
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from explorer.convolution.geometry import output_size
from explorer.kernels import KERNELS
from explorer.layers import LayerTable, layer_table
from explorer.lesson.matrices import LessonError

Pool = Literal["max", "average", "none"]
First = Literal["random", "edges"]

MOST_BLOCKS = 6
MOST_CHANNELS = 128
MOST_KERNEL = 11
MOST_CLASSES = 1000
MOST_SIDE = 512
MOST_PARAMETERS = 5_000_000
"""Weights of the largest network."""
MOST_MACS = 2_000_000_000
"""Multiply-accumulates of the largest network for one picture, so that it is run while one waits."""


@dataclass(frozen=True)
class Block:
    """One [Conv → ReLU → Pool].

    Attributes:
        channels: Feature maps that come out.
        kernel_size: Rows and columns of the kernels.
        stride: Of the convolution.
        padding: Zeros on every side; None keeps the size at stride 1 ("same"), which needs an odd kernel.
        pool: "max", "average" or "none".
        pool_size: Rows and columns of the pooling window, and its stride.
    """

    channels: int
    kernel_size: int = 3
    stride: int = 1
    padding: int | None = None
    pool: Pool = "max"
    pool_size: int = 2

    @property
    def zeros(self) -> int:
        """The padding as a number."""
        return (self.kernel_size - 1) // 2 if self.padding is None else self.padding


@dataclass(frozen=True)
class NetworkSpec:
    """A whole network.

    Attributes:
        input_shape: (C, H, W).
        blocks: From the input on.
        classes: Outputs of the dense layer.
    """

    input_shape: tuple[int, int, int]
    blocks: tuple[Block, ...]
    classes: int


@dataclass(frozen=True)
class Problem:
    """Why a network is impossible.

    Attributes:
        block: Number of the block from 1, or None where it is about the whole network.
        reason: A sentence.
    """

    block: int | None
    reason: str


def problems(spec: NetworkSpec) -> tuple[Problem, ...]:
    """Everything that makes a network impossible; empty if nothing does.

    Sizes are followed up to the first block that does not fit, since nothing can come behind it.

    Example:
        >>> small = NetworkSpec((1, 8, 8), (Block(4), Block(4), Block(4), Block(4)), 2)
        >>> print(problems(small)[0].reason)
        block 4: a pooling window of 2 does not fit into a map of 1×1; leave the pooling out
    """
    found = [Problem(None, reason) for reason in _whole(spec)]
    for number, block in enumerate(spec.blocks, 1):
        found += [Problem(number, f"block {number}: {reason}") for reason in _settings(block)]
    if found:
        return tuple(found)
    size = spec.input_shape[1:]
    for number, block in enumerate(spec.blocks, 1):
        try:
            size = _through(block, size)
        except LessonError as error:
            return (Problem(number, f"block {number}: {error}"),)
    return tuple(_heavy(spec))


def outside(block: Block) -> list[str]:
    """Which numbers of a block lie outside what is possible anywhere, a sentence each."""
    reasons = []
    for name, value, least, most in (
        ("channels", block.channels, 1, MOST_CHANNELS),
        ("kernel", block.kernel_size, 1, MOST_KERNEL),
        ("stride", block.stride, 1, MOST_KERNEL),
        ("padding", block.zeros, 0, MOST_KERNEL),
        ("pooling window", block.pool_size, 1, MOST_KERNEL),
    ):
        if not least <= value <= most:
            reasons.append(f"{name} can be {least} to {most}, got {value}")
    return reasons


def build(spec: NetworkSpec, seed: int = 0, first: First = "random") -> nn.Sequential:
    """Make the network, in evaluation mode; the global random numbers stay as they are.

    Weights are drawn with a standard deviation of sqrt(2 / fan-in), which keeps signals of one size through
    ReLUs (He et al., "Delving deep into rectifiers", 2015); biases are zero.

    Args:
        spec: What is wanted.
        seed: Of the weights: the same seed and spec give the same network.
        first: "random", or "edges" for a first layer of `edge_kernels` instead.

    Raises:
        LessonError: If the network is impossible; the message has all reasons.
    """
    if found := problems(spec):
        raise LessonError("; ".join(problem.reason for problem in found))
    if first not in get_args(First):
        raise LessonError(f"the first layer is {' or '.join(get_args(First))}, got {first!r}")
    network = _modules(spec)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in network:
            if isinstance(part, nn.Conv2d | nn.Linear):
                deviation = math.sqrt(2 / part.weight[0].numel())
                part.weight.normal_(0, deviation, generator=generator)
                nn.init.zeros_(cast("Tensor", part.bias))
        if first == "edges" and isinstance(network[0], nn.Conv2d):
            network[0].weight.copy_(edge_kernels(*network[0].weight.shape[:3]))
    return network.eval()


def edge_kernels(channels: int, in_channels: int, kernel_size: int) -> Tensor:
    """Edge kernels for a first layer: Sobel's, turned to evenly spaced directions, float32 (O, C, k, k).

    A gradient can be steered: turned by an angle it is cos · (gradient to the right) + sin · (gradient down).
    All colours get the same kernel, so that edges in brightness count. Sobel's weights are divided by the sum
    of their magnitudes: an upright or level edge between 0 and 1 gives an answer of 1/2.

    Source: Freeman and Adelson, "The design and use of steerable filters", 1991.

    Args:
        channels: Directions, from an edge that brightens to the right on, around the whole circle.
        in_channels: Colours.
        kernel_size: At least 3; larger kernels are zero around Sobel's 3×3.

    Raises:
        LessonError: If the kernel is smaller than 3×3.
    """
    if kernel_size < 3:
        raise LessonError(f"edge kernels need 3×3 taps, got {kernel_size}×{kernel_size}")
    angles = torch.arange(channels, dtype=torch.float64) * (2 * math.pi / channels)
    right, down = KERNELS["sobel_x"].weight(), KERNELS["sobel_y"].weight()
    turned = angles.cos()[:, None, None] * right + angles.sin()[:, None, None] * down  # (O, 3, 3)
    turned = turned / (right.abs().sum() * in_channels)
    weight = torch.zeros(channels, in_channels, kernel_size, kernel_size)
    start = (kernel_size - 3) // 2
    weight[:, :, start : start + 3, start : start + 3] = turned.float()[:, None]
    return weight


def describe(spec: NetworkSpec) -> LayerTable:
    """The network's layers: shapes, parameters, multiply-accumulates and receptive fields.

    Raises:
        LessonError: If the network is impossible.
    """
    return layer_table(build(spec), torch.zeros(1, *spec.input_shape))


def _modules(spec: NetworkSpec) -> nn.Sequential:
    """The parts by name, their weights not yet set."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    channels, size = spec.input_shape[0], spec.input_shape[1:]
    for number, block in enumerate(spec.blocks, 1):
        parts[f"conv{number}"] = _undrawn(
            nn.Conv2d, channels, block.channels, block.kernel_size, stride=block.stride, padding=block.zeros
        )
        parts[f"relu{number}"] = nn.ReLU()
        if block.pool != "none":
            make = nn.MaxPool2d if block.pool == "max" else nn.AvgPool2d
            parts[f"pool{number}"] = make(block.pool_size)
        channels, size = block.channels, _through(block, size)
    parts["flatten"] = nn.Flatten()
    parts["dense"] = _undrawn(nn.Linear, channels * size[0] * size[1], spec.classes)
    return nn.Sequential(parts)


def _undrawn(kind: type[nn.Module], *sizes: int, **options: int) -> nn.Module:
    """A layer whose weights are not yet set, so that no random numbers are drawn for them."""
    make: Any = skip_init
    layer: nn.Module = make(kind, *sizes, **options)
    return layer


def _through(block: Block, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width behind a block.

    Raises:
        LessonError: If its convolution or pooling does not fit.
    """
    height, width = _convolved(block, size)
    if min(height, width) < 1:
        raise LessonError(
            f"a kernel of {block.kernel_size}×{block.kernel_size} does not fit into a map of "
            f"{size[0]}×{size[1]} with padding {block.zeros}; take a smaller kernel or more padding"
        )
    if block.pool == "none":
        return height, width
    pooled = tuple(output_size(side, block.pool_size, block.pool_size) for side in (height, width))
    if min(pooled) < 1:
        raise LessonError(
            f"a pooling window of {block.pool_size} does not fit into a map of {height}×{width}; "
            "leave the pooling out"
        )
    return pooled[0], pooled[1]


def _whole(spec: NetworkSpec) -> list[str]:
    channels, height, width = spec.input_shape
    reasons = []
    if not (1 <= channels <= MOST_CHANNELS and 1 <= min(height, width) <= max(height, width) <= MOST_SIDE):
        reasons.append(
            f"the input can have 1 to {MOST_CHANNELS} channels and 1 to {MOST_SIDE} pixels on a side, got "
            f"{channels} channels of {height}×{width}"
        )
    if not 1 <= len(spec.blocks) <= MOST_BLOCKS:
        reasons.append(f"1 to {MOST_BLOCKS} blocks are possible, got {len(spec.blocks)}")
    if not 2 <= spec.classes <= MOST_CLASSES:
        reasons.append(f"2 to {MOST_CLASSES} classes are possible, got {spec.classes}")
    return reasons


def _settings(block: Block) -> list[str]:
    reasons = outside(block)
    if block.pool not in get_args(Pool):
        reasons.append(f"pooling is {', '.join(get_args(Pool))}, got {block.pool!r}")
    if block.padding is None and block.kernel_size % 2 == 0:
        reasons.append(
            f"an even kernel ({block.kernel_size}) cannot keep the size with equal padding on both sides; "
            "take an odd one, or give the padding as a number"
        )
    return reasons


def _heavy(spec: NetworkSpec) -> list[Problem]:
    """A network with more weights or more work than can be had while one waits."""
    (channels, *sides), weights, macs = spec.input_shape, 0, 0
    size = sides[0], sides[1]
    for block in spec.blocks:
        window = channels * block.kernel_size**2
        weights += block.channels * (window + 1)
        macs += block.channels * window * math.prod(_convolved(block, size))
        channels, size = block.channels, _through(block, size)
    dense = spec.classes * (channels * math.prod(size) + 1)
    found = []
    if weights + dense > MOST_PARAMETERS:
        found.append(
            f"the network would have {weights + dense:,} weights, {dense:,} of them in the dense layer, and "
            f"{MOST_PARAMETERS:,} are possible; pool more, or take fewer channels"
        )
    if macs > MOST_MACS:
        found.append(
            f"the convolutions would need {macs:,} multiplications for a picture, and {MOST_MACS:,} are "
            "possible; pool more, or take fewer channels or smaller kernels"
        )
    return [Problem(None, reason) for reason in found]


def _convolved(block: Block, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width behind a block's convolution."""
    height, width = (output_size(side, block.kernel_size, block.stride, block.zeros) for side in size)
    return height, width
