"""A case: everything that one convolution takes, ready to be run by hand and by PyTorch."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from explorer.convolution.geometry import ConvolutionError, Geometry, Padding, Size, sizes_of
from explorer.convolution.padding import pad

LONGEST = 320
"""Longest side, in pixels, of a picture in the laboratory: every algorithm then answers while one waits."""

LOOPS = 1_000_000
"""Multiplications that the pure-Python loops are given: about a fifth of a second."""

MOST = 3_000_000_000
"""Multiplications of the largest case that is run while one waits."""


@dataclass(frozen=True, eq=False)
class Case:
    """One convolution with its tensors.

    Attributes:
        input: (1, C, H, W), float32 or float64.
        weight: (O, C / groups, kH, kW).
        bias: (O,) or None.
        stride: An int or a pair (rows, columns).
        padding: An int, a pair, "valid", "same" or "same_tensorflow".
        dilation: An int or a pair.
        groups: Number of groups.
        padding_mode: "zeros", "reflect", "replicate" or "circular".
        flipped: Whether the kernel is turned by 180 degrees first: true convolution.
    """

    input: Tensor
    weight: Tensor
    bias: Tensor | None = None
    stride: Size = 1
    padding: Padding = 0
    dilation: Size = 1
    groups: int = 1
    padding_mode: str = "zeros"
    flipped: bool = False

    @cached_property
    def sizes(self) -> Geometry:
        """Every size of it.

        Raises:
            ConvolutionError: If the parameters don't fit together.
        """
        shapes = self.input.shape, self.weight.shape
        return sizes_of(*shapes, self.stride, self.padding, self.dilation, self.groups)

    @cached_property
    def digest(self) -> str:
        """A digest of all numbers and parameters: equal digests are equal cases."""
        tensors = [self.input, self.weight, *([] if self.bias is None else [self.bias])]
        seal = hashlib.sha256(repr((self.parameters, self.flipped, self.input.dtype)).encode())
        for tensor in tensors:
            seal.update(repr(tuple(tensor.shape)).encode())
            seal.update(tensor.detach().contiguous().numpy().tobytes())
        return seal.hexdigest()

    @property
    def parameters(self) -> dict[str, Any]:
        """The keywords of `explorer.convolution.conv2d`, its tensors aside."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
            "padding_mode": self.padding_mode,
        }

    @cached_property
    def kernel(self) -> Tensor:
        """The weight as it is laid on: turned where true convolution is asked for."""
        return self.weight.flip(-2, -1) if self.flipped else self.weight

    @cached_property
    def padded(self) -> Tensor:
        """The input with its padding, (1, C, H + top + bottom, W + left + right).

        Raises:
            ConvolutionError: If the picture is too small for so much padding of this mode.
        """
        return pad(self.input, self.sizes.padding, self.padding_mode)

    @cached_property
    def plain(self) -> Case:
        """The same case in what `F.conv2d` offers: the kernel turned, and what is no zero padded before."""
        if self.padding_mode == "zeros" and not self.flipped:
            return self
        if self.padding_mode == "zeros":
            return replace(self, weight=self.kernel, flipped=False)
        return replace(
            self, input=self.padded, weight=self.kernel, padding=0, padding_mode="zeros", flipped=False
        )


def luminance(rgb: NDArray[np.uint8]) -> Tensor:
    """A picture's brightness, float32 (1, 1, H, W) in 0..1.

    Source: ITU-R BT.601, the weights of Pillow's and OpenCV's grey pictures.
    """
    weights = torch.tensor([0.299, 0.587, 0.114])
    return (colours(rgb) * weights[:, None, None]).sum(1, keepdim=True)


def colours(rgb: NDArray[np.uint8]) -> Tensor:
    """A picture's red, green and blue, float32 (1, 3, H, W) in 0..1."""
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1)[None].float().div(255).contiguous()


def reduced(rgb: NDArray[np.uint8], longest: int = LONGEST) -> NDArray[np.uint8]:
    """A picture (H, W, 3) with its long side at most `longest` pixels."""
    height, width = rgb.shape[:2]
    scale = min(1.0, longest / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)) if scale < 1 else rgb


def of_picture(
    rgb: NDArray[np.uint8], kernel: Tensor, *, grey: bool, groups: int = 1, bias: float = 0, **parameters: Any
) -> Case:
    """A kernel over a picture.

    Args:
        rgb: The picture, uint8 (H, W, 3).
        kernel: (kH, kW).
        grey: One channel of brightness in place of three colours.
        groups: With as many groups as channels every colour is filtered by itself; with one group the
            colours are mixed evenly into one output.
        bias: Added to every output value; 0 is none.
        parameters: The other parameters of `Case`.
    """
    picture = luminance(rgb) if grey else colours(rgb)
    channels = picture.shape[1]
    outputs, per_group = (groups, max(1, channels // groups)) if groups > 1 else (1, channels)
    weight = kernel.float().expand(outputs, per_group, *kernel.shape) / per_group
    added = torch.full((outputs,), float(bias)) if bias else None
    return Case(picture, weight.contiguous(), added, groups=groups, **parameters)


def converted(case: Case, dtype: torch.dtype) -> Case:
    """The case with its tensors in another type."""
    bias = None if case.bias is None else case.bias.to(dtype)
    return replace(case, input=case.input.to(dtype), weight=case.weight.to(dtype), bias=bias)


def cut(case: Case, most: int = LOOPS) -> Case:
    """The middle of a case, with at most `most` multiplications where that is possible.

    The picture is cut first, down to twice the kernel's reach; then output channels are left out.

    Args:
        case: Any case.
        most: Multiplications of the definition.
    """
    work = case.sizes.multiplications
    if work <= most:
        return case
    share = math.sqrt(most / work)
    rows, columns = (
        min(size, max(math.ceil(size * share), 2 * reach))
        for size, reach in zip(case.sizes.size, case.sizes.span, strict=True)
    )
    top, left = (case.sizes.size[0] - rows) // 2, (case.sizes.size[1] - columns) // 2
    middle = case.input[..., top : top + rows, left : left + columns].contiguous()
    smaller = _with_picture(case, middle)
    kept = max(1, case.sizes.out_channels * most // max(1, smaller.sizes.multiplications))
    return _with_outputs(smaller, kept)


def _with_picture(case: Case, picture: Tensor) -> Case:
    """The case on another picture; as it was if the padding does not fit that one."""
    smaller = replace(case, input=picture)
    try:
        pad(picture[:, :1], smaller.sizes.padding, case.padding_mode)
    except ConvolutionError:
        return case
    return smaller


def _with_outputs(case: Case, kept: int) -> Case:
    """The first `kept` output channels, in whole groups."""
    per_group, outputs = case.sizes.channels_per_group
    if kept >= case.sizes.out_channels:
        return case
    groups = max(1, kept // outputs) if case.groups > 1 else 1
    kept = groups * outputs if case.groups > 1 else kept
    return replace(
        case,
        input=case.input[:, : groups * per_group].contiguous(),
        weight=case.weight[:kept],
        bias=None if case.bias is None else case.bias[:kept],
        groups=groups,
    )
