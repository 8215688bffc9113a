"""Work in a process of its own: what it sends, an end when nobody listens, and its last words."""

import os
import subprocess
import sys

import numpy as np
import pytest

from explorer import apart
from explorer.apart import ApartError, UnsendableError, packed, run_apart, unpacked


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    processes = []
    real = subprocess.Popen

    def remembered(*args, **options):
        processes.append(real(*args, **options))
        return processes[-1]

    monkeypatch.setattr(apart.subprocess, "Popen", remembered)
    return processes


def doubled(send, array, *, times):
    print("a library that prints")
    for _ in range(times):
        array = array * 2
        send((os.getpid(), array))


def forever(send):
    while True:
        send("still here")


def broken(send):
    send(1)
    raise ValueError("no more today")


def test_everything_sent_arrives_in_order_from_another_process(started):
    told = list(run_apart(doubled, np.arange(100_000), times=3))
    assert [array[-1] for _, array in told] == [199_998, 399_996, 799_992]
    assert {pid for pid, _ in told} == {started[0].pid}
    assert started[0].poll() is not None


def test_the_process_ends_with_the_iterator(started):
    told = run_apart(forever)
    assert next(told) == "still here"
    assert started[0].poll() is None
    told.close()
    assert started[0].poll() is not None


def test_a_process_that_ends_early_is_told_with_its_last_words():
    told = run_apart(broken)
    assert next(told) == 1
    with pytest.raises(ApartError, match=r"(?s)ended early: .*ValueError: no more today"):
        next(told)


def test_bytes_that_look_like_the_end_are_not_the_end():
    assert list(run_apart(echo, apart._END)) == [apart._END]


def echo(send, value):
    send(value)


def test_what_cannot_be_pickled_is_told_before_a_process_starts(started):
    with pytest.raises(UnsendableError, match="can't be handed to another process"):
        next(run_apart(echo, lambda: None))
    assert not started


def here():
    return 1


def test_what_the_process_cannot_read_is_told_apart_from_its_failing(monkeypatch):
    monkeypatch.setattr(here, "__module__", "known_only_here")
    monkeypatch.setitem(sys.modules, "known_only_here", sys.modules[__name__])
    with pytest.raises(UnsendableError, match="No module named 'known_only_here'"):
        next(run_apart(echo, here))


def gives_up(send, data):
    unpacked(data)


def test_what_the_work_cannot_read_is_told_apart_too():
    with pytest.raises(UnsendableError, match="can't be read in another process"):
        next(run_apart(gives_up, b"no pickle"))
    assert unpacked(packed([1, 2])) == [1, 2]
