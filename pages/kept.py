"""Results that are kept as long as there is room, for all visitors together."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The results used last; beyond the limit the one not used for longest goes.

    Streamlit's caches count entries, and results of different networks differ a hundredfold in size.

    Args:
        limit: In bytes, of all results together; the last one stays even where it exceeds that alone.
        nbytes: The size of a result.
    """

    def __init__(self, limit: int, nbytes: Callable[[T], int]) -> None:
        self.limit = limit
        self._nbytes = nbytes
        self._results: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result under `key`; made, once for all who ask meanwhile, where it is not here."""
        if (kept := self._find(key)) is not None:
            return kept[0]
        with self._lock:
            one_at_a_time = self._making.setdefault(key, threading.Lock())
        with one_at_a_time:
            if (kept := self._find(key)) is None:
                kept = self._put(key, make())
        return kept[0]

    def has(self, key: Hashable) -> bool:
        """Whether there is a result under `key`."""
        with self._lock:
            return key in self._results

    @property
    def nbytes(self) -> int:
        """What all results take, in bytes."""
        with self._lock:
            return self._total()

    def _find(self, key: Hashable) -> tuple[T, int] | None:
        with self._lock:
            if key not in self._results:
                return None
            self._results.move_to_end(key)
            return self._results[key]

    def _put(self, key: Hashable, result: T) -> tuple[T, int]:
        kept = result, self._nbytes(result)
        with self._lock:
            self._results[key] = kept
            while len(self._results) > 1 and self._total() > self.limit:
                self._results.popitem(last=False)
            self._making.pop(key, None)
        return kept

    def _total(self) -> int:
        return sum(size for _, size in self._results.values())
