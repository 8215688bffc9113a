"""Memory: let the C library keep what was freed, since getting it back costs more than a layer's arithmetic.

A capture holds every feature map until the caller drops it, 44 MB for the convolutions of a ResNet-50. Freed,
glibc returns that to the system, and the next capture gets it back page by page, each page zeroed: a fifth of
the time of the forward pass. A process that captures again and again is better off keeping it.
"""

from __future__ import annotations

import ctypes

# Names and numbers of <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_MMAP_THRESHOLD = 32 << 20


def keep_freed_memory(limit: int = 256 << 20) -> bool:
    """Tell glibc to keep up to `limit` bytes of freed memory at the end of each heap, and to use heaps.

    It concerns the whole process, for good: a program's start may call it, a library should not. Threads may
    have heaps of their own, each of at most 64 MiB.

    Args:
        limit: In bytes, from 0 to 2 GiB - 1.

    Returns:
        Whether it took effect; False where the C library is another one, which then does as it always did.

    Raises:
        ValueError: If `limit` is out of range.

    Source: mallopt(3), `M_TRIM_THRESHOLD` and `M_MMAP_THRESHOLD`.
    """
    if not 0 <= limit < 2**31:
        raise ValueError(f"the limit must be from 0 to {2**31 - 1} bytes, not {limit}")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, musl and Windows, in their own ways
        return False
    # Larger blocks bypass the heaps; glibc accepts no larger number than half a thread's heap.
    return bool(mallopt(_M_TRIM_THRESHOLD, limit)) and bool(
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
    )
