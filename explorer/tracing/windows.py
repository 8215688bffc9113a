"""Operations that slide over the last dimensions: convolution, pooling, padding, resampling."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from explorer.receptive_field import Border, Span, Taps
from explorer.tracing.axes import Axis
from explorer.tracing.call import Call, Change, each

Rule = Callable[[Call], Change]

NEAREST: Span = (0, 0)
LINEAR: Span = (0, 1)
CUBIC: Span = (-1, 2)


class Settings(NamedTuple):
    """Hyper-parameters of a convolution or pooling, one number per dimension it slides over."""

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


def slide(call: Call, taps: Sequence[Taps]) -> Change:
    """Windows over the last dimensions of the main input, one `Taps` for each."""
    shape, outputs = call.shape, call.result[-len(taps) :]

    def change(axis: Axis) -> Axis:
        for dim, one, size in zip(range(len(shape) - len(taps), len(shape)), taps, outputs, strict=True):
            axis = axis.read(dim, one, shape, size)
        return axis

    return change


def settings(call: Call) -> Settings | None:
    """The hyper-parameters of a convolution or pooling; None for other operations."""
    given = call.arguments
    if call.name == "convolution":
        kernel: Sequence[int] = tuple(given["weight"].shape[2:])
    elif "kernel_size" in given and (dims := re.search(r"pool(\d)d", call.name)):
        kernel = each(given["kernel_size"], int(dims[1]))
    else:
        return None
    stride = each(given["stride"], len(kernel)) or tuple(kernel)
    padding, dilation = (each(given.get(name, default), len(kernel)) for name, default in _DEFAULTS)
    return Settings(tuple(kernel), stride, padding, dilation, given.get("groups", 1))


_DEFAULTS = (("padding", 0), ("dilation", 1))


def convolution(call: Call) -> Change:
    """Convolutions and transposed convolutions in one, two or three dimensions; they mix all channels."""
    pattern = Taps.transposed if call.arguments["transposed"] else Taps.window
    windows = _sliding(call, pattern)
    return lambda axis: windows(axis.contracted({1}))


def pooling(call: Call) -> Change:
    """Maximum and average pooling; `ceil_mode` only adds positions whose windows overhang."""
    return _sliding(call, Taps.window)


def _sliding(call: Call, pattern: Callable[[int, int, int, int], Taps]) -> Change:
    found = settings(call)
    # A pooling of which nothing is known is left to the check that the place fits.
    sizes = zip(*found[:4], strict=True) if found else ()
    return slide(call, [pattern(*size) for size in sizes])


def adaptive_pooling(call: Call) -> Change:
    """Pooling to a wanted size; to size 1 it is a reduction."""
    wanted = call.result[len(call.result) - len(each(call.arguments["output_size"], 1)) :]
    first = len(call.shape) - len(wanted)
    windows = slide(call, [Taps.adaptive(*sizes) for sizes in zip(call.shape[first:], wanted, strict=True)])
    everything = {first + i for i, size in enumerate(wanted) if size == 1}
    return lambda axis: windows(axis.contracted(everything))


def padding(argument: str, border: Border) -> Rule:
    """Padding and, with negative amounts, cropping."""

    def rule(call: Call) -> Change:
        before = list(call.arguments[argument])[::2][::-1]  # given from the last dimension to the first
        return slide(call, [Taps.window(1, 1, amount, 1, border) for amount in before])

    return rule


def upsampling(reach: Span, half_pixel: bool) -> Rule:
    """Interpolation of both axes of a map, to a larger or smaller one.

    Args:
        reach: `NEAREST`, `LINEAR` or `CUBIC`.
        half_pixel: Coordinates mean the centres of pixels (all kinds but the old nearest neighbour).
    """

    def rule(call: Call) -> Change:
        given = call.arguments
        factors = given.get("scale_factors") or (given.get("scales_h"), given.get("scales_w"))
        taps = []
        for inputs, outputs, factor in zip(call.shape[-2:], call.result[-2:], factors, strict=True):
            if given.get("align_corners"):
                scale, shift = Fraction(inputs - 1, max(outputs - 1, 1)), Fraction(0)
            else:
                scale = _scale(inputs, outputs, factor)
                shift = (scale / 2 if reach == NEAREST else (scale - 1) / 2) if half_pixel else Fraction(0)
            taps.append(Taps.resampled(scale, shift, reach))
        return slide(call, taps)

    return rule


def _scale(inputs: int, outputs: int, factor: float | None) -> Fraction:
    """Input positions per output position: by a factor that was asked for, else by the sizes."""
    if factor and inputs * factor != outputs:
        return 1 / Fraction(factor).limit_denominator(1000)
    return Fraction(inputs, outputs)


def pixel_shuffle(call: Call) -> Change:
    """Groups of channels become the finer positions of a larger map."""
    factor = call.arguments["upscale_factor"]
    return _mixing_channels(call, Taps.resampled(Fraction(1, factor), Fraction(0), NEAREST))


def pixel_unshuffle(call: Call) -> Change:
    """Blocks of positions become channels of a smaller map."""
    factor = call.arguments["downscale_factor"]
    return _mixing_channels(call, Taps.window(factor, factor))


def _mixing_channels(call: Call, taps: Taps) -> Change:
    windows, channels = slide(call, [taps, taps]), {len(call.shape) - 3}
    return lambda axis: windows(axis.contracted(channels))
