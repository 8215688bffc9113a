"""What was measured on this machine, whoever asked for it: a reload or a link finds it again."""

from __future__ import annotations

import threading

from explorer.laboratory.speed import Measurement


class Results:
    """Measurements by the digest of their case; the oldest of too many are forgotten.

    Args:
        most: How many are kept: a few kilobytes each.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: dict[str, Measurement] = {}

    def put(self, digest: str, measured: Measurement) -> None:
        """Keep a measurement."""
        with self._lock:
            self._kept.pop(digest, None)
            self._kept[digest] = measured
            while len(self._kept) > self._most:
                self._kept.pop(next(iter(self._kept)))

    def get(self, digest: str) -> Measurement | None:
        """A measurement; None if it is not known."""
        with self._lock:
            return self._kept.get(digest)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()


RESULTS = Results(100)
