"""Measuring: in turns, by medians, with progress and a way out."""

from __future__ import annotations

import gc
from statistics import median

import pytest
import torch

from explorer.convolution import DomainError, fitting
from explorer.convolution.timing import LOOP_NANOSECONDS, PEER, interleave, time_algorithms
from tests.convolution.cases import Case

SMALL = Case(1, 1, (2, 3), (6, 7), (3, 3), (1, 1), (1, 1), (1, 1))
LARGE = Case(1, 1, (32, 32), (30, 31), (3, 3), (1, 1), (1, 1), (1, 1))


def timed(case, names=(), **options):
    input, weight, _ = case.tensors(torch.float32)
    return time_algorithms(input, weight, case.sizes, names, seconds=0.05, **options)


def test_all_that_fit_are_timed_against_pytorch():
    timings = timed(SMALL)
    assert timings[0].name == PEER
    assert timings[0].ratio == 1
    assert {timing.name for timing in timings[1:]} == set(fitting(SMALL.sizes))
    for timing in timings:
        assert 0 < timing.low <= timing.milliseconds <= timing.high
        assert timing.runs == timings[0].runs >= 5
        assert timing.gflops == pytest.approx(2 * SMALL.sizes.multiplications / timing.milliseconds / 1e6)
        assert not timing.estimated


def test_loops_too_long_to_wait_for_are_estimated():
    *_, loops = timed(LARGE)
    assert loops.name == "loops"
    assert loops.estimated
    assert loops.milliseconds == pytest.approx(LARGE.sizes.multiplications * LOOP_NANOSECONDS / 1e6)


def test_the_estimate_of_the_loops_is_about_right():
    case = Case(1, 1, (4, 4), (10, 12), (3, 3), (1, 1), (1, 1), (1, 1))
    input, weight, _ = case.tensors(torch.float32)
    _, loops = time_algorithms(input, weight, case.sizes, ["loops"], seconds=1.0)
    assert not loops.estimated
    expected = case.sizes.multiplications * LOOP_NANOSECONDS / 1e6
    assert expected / 8 < loops.low < expected * 40  # a busy machine can only be slower


def test_progress_rises_to_one():
    seen = []
    timed(SMALL, ["im2col"], progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert all(0 <= fraction <= 1 for fraction in seen)


def test_progress_ends_at_one_where_the_time_is_up_between_two_looks_at_the_clock(monkeypatch):
    looks = iter([0.0, 0.1, 0.2, 0.9, 0.99, 1.0])
    monkeypatch.setattr("explorer.convolution.timing.perf_counter", lambda: next(looks))
    seen = []
    interleave({"way": lambda: None}, 1.0, seen.append, least=1, clock=lambda: 0.0)
    assert seen == [0.1, 0.2, 0.99, 1.0]


def test_cancelling_keeps_the_rounds_there_are():
    rounds = iter([False, False, False, True])
    timings = timed(SMALL, ["im2col", "shift"], cancelled=lambda: next(rounds))
    assert [timing.runs for timing in timings] == [2, 2, 2]  # the first of the three only warms up
    assert timed(SMALL, cancelled=lambda: True) == ()


def test_ways_take_turns_and_the_collector_comes_back():
    calls = []
    times = interleave({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 0.0, least=3)
    assert calls == ["a", "b", "b", "a"] * 2
    assert [len(of_one) for of_one in times.values()] == [3, 3]
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError):
        interleave({"broken": lambda: 1 / 0})
    assert gc.isenabled()


def test_a_clock_of_ones_own_counts_milliseconds():
    ticks = iter(range(100))
    times = interleave({"a": lambda: None}, 0.0, least=4, clock=lambda: next(ticks))
    assert median(times["a"]) == 1000


def test_what_does_not_fit_says_so():
    with pytest.raises(DomainError, match="these fit"):
        timed(Case(1, 1, (2, 3), (6, 7), (3, 3), (2, 2), (1, 1), (1, 1)), ["winograd"])


def test_asymmetric_padding_is_part_of_the_work():
    case = Case(1, 1, (2, 3), (6, 7), (4, 4), (1, 1), (0, 0), (1, 1))
    from explorer.convolution import sizes_of

    input, weight, _ = case.tensors(torch.float32)
    timings = time_algorithms(input, weight, sizes_of(*case.shapes, padding="same"), seconds=0.02)
    assert len(timings) > 3
