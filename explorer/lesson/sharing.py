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
        twin(x)
    return tuple(LayerWeights(name, counts) for name, counts in rows.items())


def _count(
    rows: dict[str, WeightCounts], name: str, part: nn.Conv2d, given: tuple[Tensor, ...], output: Tensor
) -> None:
    """Note a layer's counts when it first runs."""
    channels, height, width = given[0].shape[-3:]
    outputs, down, right = output.shape[-3:]
    window, biases = part.weight[0].numel(), int(part.bias is not None)
    rows.setdefault(name, WeightCounts((channels, height, width), (outputs, down, right), window, biases))
