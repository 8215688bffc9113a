"""How much memory a convolution takes while it runs."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import torch
from torch._C import _autograd as profiling
from torch._C._profiler import ProfilerConfig, ProfilerState, _ExperimentalConfig

from explorer.convolution.geometry import Geometry


def peak_memory(run: Callable[[], object]) -> int:
    """The most bytes that PyTorch's allocator had handed out at once during a run, its result included.

    Only the calling thread is watched: what other visitors do at the same time does not count. What a
    library takes from elsewhere, such as oneDNN's reordered weights, is not seen.

    Example:
        >>> peak_memory(lambda: torch.zeros(1000).neg())  # the zeros and their negatives, 4 bytes each
        8000
    """
    run()  # what is set up once and kept belongs to no run
    # The profiler beneath `torch.profiler`: that one needs seconds to begin and writes to the server's log.
    settings = ProfilerConfig(ProfilerState.CPU, False, True, False, False, False, _ExperimentalConfig())
    profiling._enable_profiler_legacy(settings)
    try:
        result = run()
    finally:
        threads = profiling._disable_profiler_legacy()
    del result  # freed only when nobody counts any more
    held = most = 0
    for event in (event for events in threads for event in events if str(event.kind()) == "memory_alloc"):
        held += event.cpu_memory_usage()
        most = max(most, held)
    return most


def loops_memory(sizes: Geometry, dtype: torch.dtype = torch.float32) -> int:
    """The bytes that the pure-Python loops take, worked out: they keep every number as an object in a list.

    Example:
        >>> from explorer.convolution import sizes_of
        >>> loops_memory(sizes_of((1, 1, 2, 2), (1, 1, 1, 1)))  # 4 + 1 + 4 numbers, and 4 in a tensor
        304
    """
    output = math.prod(sizes.output_shape)
    given = sizes.batch * sizes.in_channels * math.prod(sizes.size)
    weights = sizes.out_channels * sizes.channels_per_group[0] * sizes.taps
    entry = 8  # a list holds addresses
    return (given + weights + output) * (entry + sys.getsizeof(1.0)) + output * dtype.itemsize
