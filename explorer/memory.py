"""Memory: let the C library keep what was freed, since getting it back costs more than a layer's arithmetic.

A capture holds every feature map until the caller drops it, 44 MB for the convolutions of a ResNet-50. Freed,
glibc returns that to the system, and the next capture gets it back page by page, each page zeroed: a fifth of
the time of the forward pass. A process that captures again and again is better off keeping it.
"""

from __future__ import annotations

import ctypes
import functools
import os

# Names and numbers of <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGEST_MMAP_THRESHOLD = 32 << 20


DEFAULT_HEAP = "EXPLORER_DEFAULT_HEAP"
"""The environment variable that leaves the C library as it is, whatever its value."""


@functools.cache
def keep_freed_memory_once() -> bool:
    """What the first `capture` of a process does: `keep_freed_memory()`, unless `DEFAULT_HEAP` is set."""
    return DEFAULT_HEAP not in os.environ and keep_freed_memory()


def keep_freed_memory(limit: int = 256 << 20, heaps: int | None = None) -> bool:
    """Tell glibc to keep up to `limit` bytes of freed memory at the end of each heap, and to use heaps.

    It concerns the whole process, for good. Threads may have heaps of their own, each of at most 64 MiB.

    Args:
        limit: In bytes, from 0 to 2 GiB - 1.
        heaps: How many heaps all threads share, at least 1; None leaves glibc's rule, 8 for each core. A
            server with many threads bounds with it what they keep.

    Returns:
        Whether it took effect; False where the C library is another one, which then does as it always did.

    Raises:
        ValueError: If `limit` or `heaps` is out of range.

    Source: mallopt(3), `M_TRIM_THRESHOLD` and `M_MMAP_THRESHOLD`.
    """
    if not 0 <= limit < 2**31:
        raise ValueError(f"the limit must be from 0 to {2**31 - 1} bytes, not {limit}")
    if heaps is not None and not 1 <= heaps < 2**31:
        raise ValueError(f"the number of heaps must be at least 1, not {heaps}")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, musl and Windows, in their own ways
        return False
    if heaps is not None:
        mallopt(_M_ARENA_MAX, heaps)
    # Larger blocks bypass the heaps; glibc accepts no larger number than half a thread's heap.
    return bool(mallopt(_M_TRIM_THRESHOLD, limit)) and bool(
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
    )
