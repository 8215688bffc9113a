"""What this machine could do at best: the roof that a convolution's speed is held against.

Source: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for multicore
architectures", 2009. A program that does `intensity` operations for each byte that it moves can reach
min(peak, intensity × bandwidth) operations per second, and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch

from explorer.convolution.geometry import Geometry

SIDE = 768
"""Side of the square matrices whose product is timed: large enough to reach the peak, 5 ms or so."""

COPIED = 2**24
"""Values that are copied to measure the memory: far more than any cache holds."""


@dataclass(frozen=True)
class Machine:
    """The two limits of a machine, as measured with PyTorch on its current number of threads.

    Attributes:
        peak: Of a large matrix product, in thousand million additions and multiplications per second.
        bandwidth: Of a large copy, reading and writing together, in thousand million bytes per second.
        threads: That PyTorch uses.
        dtype: Of the numbers.
    """

    peak: float
    bandwidth: float
    threads: int
    dtype: torch.dtype

    def roof(self, intensity: float) -> float:
        """The most GFLOP/s at `intensity` operations per byte.

        Example:
            >>> Machine(160.0, 14.0, 1, torch.float32).roof(2.0)
            28.0
        """
        return min(self.peak, intensity * self.bandwidth)


def measure_machine(dtype: torch.dtype = torch.float32, seconds: float = 0.4) -> Machine:
    """Time matrix products and copies; the best run counts, since a limit is asked for.

    Args:
        dtype: Of the numbers.
        seconds: How long to measure, both together.
    """
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(SIDE, SIDE, generator=generator).to(dtype) for _ in range(2))
    source = torch.zeros(COPIED, dtype=dtype)
    target = torch.zeros_like(source)
    product = _best(lambda: torch.mm(left, right), seconds / 2)
    copy = _best(lambda: target.copy_(source), seconds / 2)
    moved = 2 * source.nbytes  # read once, written once
    return Machine(2 * SIDE**3 / product / 1e9, moved / copy / 1e9, torch.get_num_threads(), dtype)


def arithmetic_intensity(sizes: Geometry, dtype: torch.dtype = torch.float32) -> float:
    """Operations of the definition for each byte that must be moved at least: input, weight and output, once.

    Example:
        >>> from explorer.convolution import sizes_of
        >>> round(arithmetic_intensity(sizes_of((1, 64, 56, 56), (64, 64, 3, 3), padding=1)), 1)
        131.9
    """
    values = (
        sizes.batch * sizes.in_channels * sizes.size[0] * sizes.size[1]
        + sizes.out_channels * sizes.channels_per_group[0] * sizes.taps
        + sizes.batch * sizes.out_channels * sizes.output_size[0] * sizes.output_size[1]
    )
    return 2 * sizes.multiplications / (values * dtype.itemsize)


def _best(run: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest run."""
    run()
    times: list[float] = []
    start = perf_counter()
    while len(times) < 5 or perf_counter() - start < seconds:
        begin = perf_counter()
        run()
        times.append(perf_counter() - begin)
    return min(times)
