"""Work in the background: a queue's jobs one at a time in the whole process, so that none disturbs another.

A visitor's page looks at its `Job` now and then. A job that nobody has looked at for a while ends by itself:
its visitor has left.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_WAITING = 20
"""Jobs in the queue; more are refused."""

FORGOTTEN = 70.0
"""Seconds without a look after which a job ends. Browsers wake a page in the background once a minute."""

logger = logging.getLogger(__name__)


class Job(Generic[T]):
    """One piece of work: waiting, running or done.

    Attributes:
        progress: From 0 to 1.
        result: What it returned; None until then, and if it was cancelled.
        failed: Whether it raised; the log has the reason.
    """

    def __init__(self, work: Callable[[Callable[[float], None], Callable[[], bool]], T | None]) -> None:
        self._work = work
        self._stop, self._begun, self._ended = (threading.Event() for _ in range(3))
        self._looked = monotonic()
        self.progress = 0.0
        self.result: T | None = None
        self.failed = False

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended."""
        return self._begun.is_set() and not self._ended.is_set()

    @property
    def done(self) -> bool:
        """Whether it has ended, in any way."""
        return self._ended.is_set()

    def look(self) -> None:
        """Say that somebody still waits for it."""
        self._looked = monotonic()

    def cancel(self) -> None:
        """End it as soon as possible."""
        self._stop.set()

    def cancelled(self) -> bool:
        """Whether it is to end."""
        return self._stop.is_set() or monotonic() - self._looked > FORGOTTEN

    def run(self) -> None:
        """Do the work, in the calling thread."""
        self._begun.set()
        try:
            if not self.cancelled():
                self.result = self._work(self._tell, self.cancelled)
        except Exception:  # whatever it is, the page must not wait for ever
            logger.exception("a job in the background failed")
            self.failed = True
        finally:
            self._ended.set()

    def _tell(self, fraction: float) -> None:
        self.progress = fraction


_QUEUES: weakref.WeakSet[Queue] = weakref.WeakSet()


def end_all() -> None:
    """Cancel every job of every queue."""
    for queue in _QUEUES:
        queue.end()


class Queue:
    """Runs jobs one after the other, in a thread of its own.

    Args:
        name: Of the thread.
        at_once: How many jobs may run side by side, where they do not disturb one another.
    """

    def __init__(self, name: str = "measurement", at_once: int = 1) -> None:
        self._at_once = at_once
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._jobs: list[Job] = []
        _QUEUES.add(self)

    def start(self, job: Job) -> bool:
        """Put a job at the end; False if too many wait already."""
        with self._lock:
            self._jobs = [each for each in self._jobs if not each.done]
            if len(self._jobs) > MOST_WAITING:
                return False
            self._jobs.append(job)
        self._pool.submit(job.run)
        return True

    def before(self, job: Job) -> int:
        """How many jobs must end before this one begins."""
        with self._lock:
            at = self._jobs.index(job) if job in self._jobs else 0
            return sum(not each.done and not each.cancelled() for each in self._jobs[:at])

    def end(self) -> None:
        """Cancel every job: the server stops, and a process that ends waits for its threads."""
        with self._lock:
            for job in self._jobs:
                job.cancel()

    def place(self, job: Job) -> int:
        """Its place among those that wait, from 1; 0 where it need not wait."""
        return 0 if job.running or job.done else max(self.before(job) - self._at_once + 1, 0)


QUEUE = Queue()
"""Of the measurements, which must not disturb one another."""

TRAINING = Queue("training", at_once=os.cpu_count() or 1)
"""Of the networks that visitors train, each in a process of its own that keeps one processor busy."""

VISUALIZING = Queue("visualization", at_once=os.cpu_count() or 1)
"""Of the pictures that visitors have made, each in a process of its own that keeps one processor busy."""
