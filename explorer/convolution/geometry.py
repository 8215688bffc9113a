"""The sizes of a convolution: what goes in, what comes out, and which parameters are possible.

Along each axis, an input of `size` pixels with `before` and `after` pixels of padding is covered by a
kernel whose taps lie `dilation` apart, and which moves on by `stride`:

    span   = dilation * (kernel - 1) + 1                        pixels from the first tap to the last
    output = floor((size + before + after - span) / stride) + 1

Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016 (section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

Pair: TypeAlias = tuple[int, int]
Size: TypeAlias = "int | Sequence[int]"
Padding: TypeAlias = "int | Sequence[int] | str"

PADDINGS = ("valid", "same", "same_tensorflow")
DTYPES = (torch.float32, torch.float64)


class ConvolutionError(ValueError):
    """A convolution that cannot be made; the message names the numbers and what is possible."""


@dataclass(frozen=True)
class Geometry:
    """Every size of one convolution, checked: what all algorithms and the cost model work from.

    Attributes:
        batch: Number of pictures N.
        in_channels: Channels C of the input, and `out_channels` O of the output.
        size: Height and width of the input, in pixels.
        kernel_size: Height and width of the kernel, in taps.
        stride: Pixels from one window to the next (rows, columns).
        padding: Pixels added at the (top, bottom, left, right).
        dilation: Pixels from one tap to the next (rows, columns); 1 is a kernel without holes.
        groups: Number of groups; each joins C / groups input channels with O / groups output channels.
    """

    batch: int
    in_channels: int
    out_channels: int
    size: Pair
    kernel_size: Pair
    stride: Pair
    padding: tuple[int, int, int, int]
    dilation: Pair
    groups: int

    @cached_property
    def span(self) -> Pair:
        """Pixels that the kernel reaches over, from its first tap to its last (rows, columns)."""
        return span(self.kernel_size[0], self.dilation[0]), span(self.kernel_size[1], self.dilation[1])

    @cached_property
    def padded_size(self) -> Pair:
        """Height and width of the input with its padding."""
        top, bottom, left, right = self.padding
        return self.size[0] + top + bottom, self.size[1] + left + right

    @cached_property
    def output_size(self) -> Pair:
        """Height and width of the output."""
        (height, width), (rows, columns) = self.padded_size, self.span
        return (height - rows) // self.stride[0] + 1, (width - columns) // self.stride[1] + 1

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        """(N, O, OH, OW)."""
        return self.batch, self.out_channels, *self.output_size

    @cached_property
    def channels_per_group(self) -> Pair:
        """Input and output channels of one group."""
        return self.in_channels // self.groups, self.out_channels // self.groups

    @property
    def taps(self) -> int:
        """Weights of one kernel in one channel: kH * kW."""
        return self.kernel_size[0] * self.kernel_size[1]

    @property
    def multiplications(self) -> int:
        """Multiplications of the definition: one per output value, input channel of its group and tap."""
        height, width = self.output_size
        return (
            self.batch * self.out_channels * height * width * self.channels_per_group[0] * self.taps
        )  # N O OH OW (C/g) kH kW

    def explain(self, axis: int = 0) -> str:
        """The output size along one axis (0 rows, 1 columns), worked out in words and numbers.

        Example:
            >>> sizes_of((1, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3).explain()
            'floor((224 + 3 + 3 - 7) / 2) + 1 = floor(223 / 2) + 1 = 112'
        """
        before, after = self.padding[2 * axis : 2 * axis + 2]
        reach, step = self.span[axis], self.stride[axis]
        free = self.padded_size[axis] - reach
        whole = f"floor(({self.size[axis]} + {before} + {after} - {reach}) / {step}) + 1"
        return f"{whole} = floor({free} / {step}) + 1 = {self.output_size[axis]}"


def span(kernel: int, dilation: int = 1) -> int:
    """Pixels from the first tap of a kernel to its last, both included."""
    return dilation * (kernel - 1) + 1


def output_size(size: int, kernel: int, stride: int = 1, padding: int | Pair = 0, dilation: int = 1) -> int:
    """Pixels that come out along one axis; zero or less means that the kernel does not fit.

    Example:
        >>> output_size(224, 7, stride=2, padding=3)
        112
    """
    before, after = (padding, padding) if isinstance(padding, int) else padding
    return (size + before + after - span(kernel, dilation)) // stride + 1


def same_padding(kernel: int, dilation: int = 1) -> Pair:
    """PyTorch's SAME along one axis, (before, after): the output keeps the input's size at stride 1.

    An even span leaves an odd pixel over; PyTorch adds it after.

    Example:
        >>> same_padding(3), same_padding(4)
        ((1, 1), (1, 2))
    """
    total = span(kernel, dilation) - 1
    return total // 2, total - total // 2


def same_padding_tensorflow(size: int, kernel: int, stride: int = 1, dilation: int = 1) -> Pair:
    """TensorFlow's SAME along one axis, (before, after): ceil(size / stride) pixels come out.

    Unlike PyTorch's it is defined for any stride, and depends on the input's size: an even size under a
    3-tap kernel with stride 2 is padded only after, which shifts every window by one pixel.

    Source: the TensorFlow API documentation of `tf.nn.convolution` ("Notes on padding").

    Example:
        >>> same_padding_tensorflow(224, 3, stride=2), same_padding_tensorflow(225, 3, stride=2)
        ((0, 1), (1, 1))
    """
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + span(kernel, dilation) - size, 0)
    return total // 2, total - total // 2


def sizes_of(
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Geometry:
    """Check the sizes of a convolution and put them together.

    Args:
        input_shape: (N, C, H, W) or (C, H, W).
        weight_shape: (O, C / groups, kH, kW).
        stride: Step of the window, an int or a pair (rows, columns), at least 1.
        padding: An int or a pair (rows, columns), at least 0, or one of `PADDINGS`: "valid" (none), "same"
            (PyTorch's, for stride 1), "same_tensorflow".
        dilation: Distance of the taps, an int or a pair, at least 1.
        groups: Number of groups; divides C and O.

    Raises:
        ConvolutionError: If the numbers don't fit together; the message names them.
    """
    if len(input_shape) not in (3, 4):
        raise ConvolutionError(f"input must be (N, C, H, W) or (C, H, W), got shape {tuple(input_shape)}")
    if len(weight_shape) != 4:
        raise ConvolutionError(f"weight must be (O, C / groups, kH, kW), got shape {tuple(weight_shape)}")
    batch = input_shape[0] if len(input_shape) == 4 else 1
    in_channels, height, width = input_shape[-3:]
    out_channels, _, *kernel = weight_shape
    _check_channels(in_channels, weight_shape, groups)
    steps, holes = _pair("stride", stride, 1), _pair("dilation", dilation, 1)
    sides = _sides(padding, (height, width), (kernel[0], kernel[1]), steps, holes)
    sizes = Geometry(
        batch, in_channels, out_channels, (height, width), (kernel[0], kernel[1]), steps, sides, holes, groups
    )
    _check_fit(sizes)
    return sizes


def check_tensors(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Check what shapes don't say: types, devices, and the length of the bias.

    Raises:
        ConvolutionError: If dtypes or devices differ or are not supported, or the bias has not O values.
    """
    for name, tensor in (("input", input), ("weight", weight), ("bias", bias)):
        if tensor is None:
            continue
        if tensor.dtype not in DTYPES:
            raise ConvolutionError(f"{name} is {tensor.dtype}; float32 and float64 are possible")
        if tensor.dtype != input.dtype:
            raise ConvolutionError(f"input is {input.dtype} but {name} is {tensor.dtype}; they must be equal")
        if tensor.device != input.device:
            raise ConvolutionError(f"input is on {input.device} but {name} is on {tensor.device}")
    if bias is not None and (bias.dim() != 1 or len(bias) != len(weight)):
        raise ConvolutionError(
            f"bias must hold one value for each of the {len(weight)} output channels, "
            f"got shape {tuple(bias.shape)}"
        )


def _pair(name: str, value: Size, least: int) -> Pair:
    """A (rows, columns) pair of ints from an int or a sequence of one or two."""
    values = list(value) if isinstance(value, Sequence) else [value]
    if len(values) not in (1, 2) or not all(isinstance(v, int) for v in values):
        raise ConvolutionError(f"{name} must be an int or a pair of ints, got {value!r}")
    if min(values) < least:
        raise ConvolutionError(f"{name} must be at least {least}, got {value!r}")
    return values[0], values[-1]


def _sides(
    padding: Padding, size: Pair, kernel: Pair, stride: Pair, dilation: Pair
) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) from any way to write a padding."""
    if not isinstance(padding, str):
        vertical, horizontal = _pair("padding", padding, 0)
        return vertical, vertical, horizontal, horizontal
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        if stride != (1, 1):
            raise ConvolutionError(
                f"padding 'same' is defined for stride 1 only, got stride {stride}; "
                "'same_tensorflow' keeps ceil(size / stride)"
            )
        return *same_padding(kernel[0], dilation[0]), *same_padding(kernel[1], dilation[1])
    if padding == "same_tensorflow":
        rows, columns = (
            same_padding_tensorflow(*axis) for axis in zip(size, kernel, stride, dilation, strict=True)
        )
        return *rows, *columns
    raise ConvolutionError(f"padding {padding!r} is unknown; possible are numbers and {', '.join(PADDINGS)}")


def _check_channels(in_channels: int, weight_shape: Sequence[int], groups: int) -> None:
    out_channels, per_group = weight_shape[:2]
    if groups < 1:
        raise ConvolutionError(f"groups must be at least 1, got {groups}")
    if in_channels % groups or out_channels % groups:
        raise ConvolutionError(
            f"groups (={groups}) must divide the input's {in_channels} and the output's {out_channels} "
            "channels"
        )
    if per_group * groups != in_channels:
        raise ConvolutionError(
            f"a weight of shape {tuple(weight_shape)} with groups={groups} needs an input of "
            f"{per_group * groups} channels, got {in_channels}"
        )
    if in_channels < 1 or out_channels < 1:
        raise ConvolutionError(f"at least one channel is needed, got {in_channels} in and {out_channels} out")


def _check_fit(sizes: Geometry) -> None:
    if min(sizes.kernel_size) < 1:
        raise ConvolutionError(f"the kernel must have at least one tap, got {sizes.kernel_size}")
    if min(sizes.output_size) > 0:
        return
    height, width = sizes.padded_size
    raise ConvolutionError(
        f"a kernel of {_by(sizes.kernel_size)} taps with dilation {_by(sizes.dilation)} reaches over "
        f"{_by(sizes.span)} pixels and does not fit into the padded input of {height}×{width} "
        f"({_by(sizes.size)} with padding {sizes.padding}); pad more, or take a smaller kernel or dilation"
    )


def _by(pair: Pair) -> str:
    return f"{pair[0]}×{pair[1]}"
