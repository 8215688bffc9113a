"""Convolutions to test with, their tensors, and how far two results are apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
import torch.nn.functional as F
from hypothesis import strategies as st

from explorer.convolution import ConvolutionError, sizes_of

DIFFERENTIABLE = ("im2col", "shift", "strided", "fft", "winograd", "toom_cook")


@dataclass(frozen=True)
class Case:
    batch: int
    groups: int
    per_group: tuple[int, int]
    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]

    @property
    def shapes(self):
        (inputs, outputs), g = self.per_group, self.groups
        return (self.batch, inputs * g, *self.size), (outputs * g, inputs, *self.kernel)

    @property
    def parameters(self):
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    @property
    def sizes(self):
        return sizes_of(*self.shapes, **self.parameters)

    def possible(self):
        try:
            return bool(self.sizes)
        except ConvolutionError:
            return False

    def tensors(self, dtype=torch.float64, seed=0):
        generator = torch.Generator().manual_seed(seed)
        of_input, of_weight = self.shapes
        shapes = (of_input, of_weight, (of_weight[0],))
        return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


small_cases = st.builds(
    Case,
    batch=st.integers(0, 2),
    groups=st.integers(1, 4),
    per_group=pairs(1, 3),
    size=st.tuples(st.integers(1, 11), st.integers(1, 14)),
    kernel=st.one_of(st.just((3, 3)), pairs(1, 5)),
    stride=st.one_of(st.just((1, 1)), pairs(1, 3)),
    padding=pairs(0, 4),
    dilation=st.one_of(st.just((1, 1)), pairs(1, 3)),
).filter(Case.possible)


def every_small_case():
    """Every combination of these parameters that fits: 900 and more."""
    combinations = product(
        (1, 2),
        (1, 3),
        ((1, 1), (2, 1), (2, 3)),
        ((5, 4), (6, 9)),
        ((1, 1), (3, 3), (2, 4), (7, 5)),
        ((1, 1), (2, 1), (2, 3)),
        ((0, 0), (1, 2)),
        ((1, 1), (2, 1)),
    )
    return [case for case in (Case(*values) for values in combinations) if case.possible()]


def scale(input, weight, **parameters):
    """The largest output possible with these magnitudes: what errors are measured against."""
    if not input.numel():
        return 1.0
    largest = F.conv2d(input.abs().double(), weight.abs().double(), None, **parameters).max()
    # Windows that see padding alone make zeros, but a transform still rounds what lies beside them.
    return max(largest, input.abs().max() * weight.abs().max()).item()
