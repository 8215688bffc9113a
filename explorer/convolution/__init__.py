"""Convolution by hand: seven algorithms with the contract of `torch.nn.functional.conv2d`.

No convolution of PyTorch is called beneath; each algorithm is a short file of plain tensor operations.
"""

from __future__ import annotations

from explorer.convolution.algorithms import ALGORITHMS, Algorithm, DomainError, fitting
from explorer.convolution.api import conv2d, convolve2d
from explorer.convolution.comparison import Comparison, compare
from explorer.convolution.dispatch import choose
from explorer.convolution.geometry import ConvolutionError, Geometry, sizes_of
from explorer.convolution.kept import fresh_weights
from explorer.convolution.timing import Timing, time_algorithms

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "Comparison",
    "ConvolutionError",
    "DomainError",
    "Geometry",
    "Timing",
    "choose",
    "compare",
    "conv2d",
    "convolve2d",
    "fitting",
    "fresh_weights",
    "sizes_of",
    "time_algorithms",
]
