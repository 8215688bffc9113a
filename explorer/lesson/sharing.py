"""Parameter sharing: how many weights a convolution needs, and what other layers of its sizes would need.

For an input of C × H × W and an output of O × OH × OW, each output value with a bias:

    convolution         O · (C/g · kH · kW + 1)             one kernel for all positions
    locally connected   OH · OW · O · (C/g · kH · kW + 1)   the same windows, a kernel for each position
    fully connected     O · OH · OW · (C · H · W + 1)       every output value sees the whole input

with g groups. All numbers are exact integers.

Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, sections 9.2 and 9.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from explorer.convolution import Geometry
from explorer.placement import to_device_of
from explorer.tracing.private_copy import private_copy


@dataclass(frozen=True)
class WeightCounts:
    """Weights, biases included, of three layers with the same input and output sizes.

    Attributes:
        input_size: (C, H, W).
        output_size: (O, OH, OW).
        window: Weights of one kernel: C / groups · kH · kW.
        biases: 1 where each output channel (or value) has a bias, otherwise 0.
    """

    input_size: tuple[int, int, int]
    output_size: tuple[int, int, int]
    window: int
    biases: int

    @property
    def convolution(self) -> int:
        """One kernel for each output channel."""
        return self.output_size[0] * (self.window + self.biases)

    @property
    def locally_connected(self) -> int:
        """A kernel for each output value."""
        return self.output_size[1] * self.output_size[2] * self.convolution

    @property
    def fully_connected(self) -> int:
        """A weight for each pair of an input and an output value."""
        channels, height, width = self.input_size
        outputs, rows, columns = self.output_size
        return outputs * rows * columns * (channels * height * width + self.biases)


@dataclass(frozen=True)
class LayerWeights:
    """The counts of one convolution of a model.

    Attributes:
        name: The layer's.
        counts: What it has and what others would have.
    """

    name: str
    counts: WeightCounts


def count_weights(sizes: Geometry, bias: bool = True) -> WeightCounts:
    """Count the weights of a convolution and of the layers that it stands in for.

    Args:
        sizes: From `explorer.convolution.sizes_of`.
        bias: Whether there are biases.

    Example:
        >>> from explorer.convolution import sizes_of
        >>> first = count_weights(sizes_of((3, 224, 224), (64, 3, 3, 3), padding=1))
        >>> f"{first.convolution:,} {first.locally_connected:,} {first.fully_connected:,}"
        '1,792 89,915,392 483,388,358,656'
    """
    window = sizes.channels_per_group[0] * sizes.taps
    return WeightCounts(
        (sizes.in_channels, *sizes.size), (sizes.out_channels, *sizes.output_size), window, int(bias)
    )


def weights_of(module: nn.Module, x: Tensor) -> tuple[LayerWeights, ...]:
    """Count for every two-dimensional convolution of a model.

    The model runs once, as a private copy that shares its parameters, so that nobody else who uses it
    notices. A layer that runs several times is counted at its first sizes.

    Args:
        module: The model.
        x: Its input, (N, C, H, W).

    Returns:
        In the order in which the layers run; empty for a model without convolutions.
    """
    twin, rows = private_copy(module), dict[str, WeightCounts]()
    for name, part in twin.named_modules():
        if isinstance(part, nn.Conv2d):
            part.register_forward_hook(partial(_count, rows, name))
    with torch.no_grad():
        twin(to_device_of(twin, x))
    return tuple(LayerWeights(name, counts) for name, counts in rows.items())


@dataclass(frozen=True)
class Wiring:
    """How a row of inputs is connected with a row of outputs.

    Attributes:
        title: The kind of layer.
        shared: Whether outputs share their weights.
        reads: The inputs that each output reads.
        weights: The number of the weight on each of these connections, from 1; equal numbers are one weight.
    """

    title: str
    shared: bool
    reads: tuple[tuple[int, ...], ...]
    weights: tuple[tuple[int, ...], ...]

    @property
    def count(self) -> int:
        """How many different weights there are."""
        return len({weight for row in self.weights for weight in row})


def wirings(inputs: int, taps: int) -> tuple[Wiring, Wiring, Wiring]:
    """The three kinds of layer along one row, without padding and biases.

    Args:
        inputs: Length of the row.
        taps: Length of the window.

    Example:
        >>> [(way.title, way.count) for way in wirings(7, 3)]
        [('Convolution', 3), ('Locally connected', 15), ('Fully connected', 35)]
    """
    outputs = inputs - taps + 1
    windows = tuple(tuple(range(at, at + taps)) for at in range(outputs))
    everything = (tuple(range(inputs)),) * outputs
    same = (tuple(range(1, taps + 1)),) * outputs
    return (
        Wiring("Convolution", True, windows, same),
        Wiring("Locally connected", False, windows, _numbered(outputs, taps)),
        Wiring("Fully connected", False, everything, _numbered(outputs, inputs)),
    )


def memory(weights: int) -> str:
    """What so many weights take as 32-bit numbers.

    Example:
        >>> memory(1_792), memory(483_388_358_656)
        ('7.17 kB', '1.93 TB')
    """
    units = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
    power = min(len(units) - 1, (len(str(4 * weights)) - 1) // 3)
    return f"{4 * weights / 1000**power:.3g} {units[power]}"


def rough(count: float) -> str:
    """A number as one says it: three digits, and a word for the thousands.

    Example:
        >>> rough(1_792), rough(89_915_392), rough(2.6975e8), rough(483_388_358_656), rough(1.5)
        ('1,792', '89.9 million', '270 million', '483 billion', '1.5')
    """
    words = (
        "",
        " thousand",
        " million",
        " billion",
        " trillion",
        " quadrillion",
        " quintillion",
        " sextillion",
    )
    if count < 1e6:
        return f"{count:,.0f}" if count >= 100 else f"{count:.3g}"
    power = min(len(words) - 1, (len(f"{count:.0f}") - 1) // 3)
    return f"{count / 1000**power:.3g}{words[power]}"


def _numbered(rows: int, columns: int) -> tuple[tuple[int, ...], ...]:
    """1, 2, 3 ... row by row."""
    return tuple(tuple(range(1 + row * columns, 1 + (row + 1) * columns)) for row in range(rows))


def _count(
    rows: dict[str, WeightCounts], name: str, part: nn.Conv2d, given: tuple[Tensor, ...], output: Tensor
) -> None:
    """Note a layer's counts when it first runs."""
    channels, height, width = given[0].shape[-3:]
    outputs, down, right = output.shape[-3:]
    window, biases = part.weight[0].numel(), int(part.bias is not None)
    rows.setdefault(name, WeightCounts((channels, height, width), (outputs, down, right), window, biases))
