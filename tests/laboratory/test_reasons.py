"""The reasons tell what was measured, and nothing where nothing was or it speaks against them."""

import re
from pathlib import Path

import pytest
import torch

from explorer.convolution.timing import PEER, Timing
from explorer.laboratory.curves import Curve, Point, Shape
from explorer.laboratory.machine import Machine
from explorer.laboratory.reasons import loses, wins
from explorer.laboratory.speed import Measurement
from explorer.laboratory.stored import Row, stored_rows

STORED = Path(__file__).parents[2] / "benchmarks" / "convolution.json"


def row(group, ours, theirs, algorithm="im2col", threads=1, case="a"):
    return Row(case, group, threads, algorithm, ours, "F.conv2d", theirs, ours / theirs, 1.0)


def timing(name, milliseconds, gflops=50.0):
    return Timing(name, milliseconds, milliseconds, milliseconds, 5, milliseconds, gflops)


def measured():
    points = tuple(Point(k, (timing(PEER, k**2), timing("fft", 100.0))) for k in (1, 4, 25, 40))
    curves = {"kernel size": Curve("kernel size", Shape(1, 1, 64, 3, 1), points)}
    timings = timing(PEER, 1.0), timing("im2col", 2.0), timing("loops", 100.0)
    held = {PEER: 1000, "im2col": 9000, "loops": 3}
    return Measurement(
        timings, "im2col", held, Machine(100.0, 10.0, 2, torch.float32), 1_000_000, 4.0, curves
    )


def told(reasons):
    return {reason.title: reason.here for reason in reasons}


def test_without_anything_measured_no_figure_of_a_time_is_told():
    here = told(wins([], None)) | told(loses([], None))
    assert {title for title, text in here.items() if text} == {"One channel per group"}
    # That one is counted, not measured: 2 · 9 · 64 of each pixel over about 2 · 4 bytes for 64 channels.
    assert here["One channel per group"] == (
        "A 3×3 over 64 channels of 56×56 has 132 operations per byte, depthwise 2.2."
    )


def test_a_live_measurement_by_hand():
    here = told(wins([], measured())) | told(loses([], measured()))
    assert here["Vector units"] == "Here a product took them 100 ns, F.conv2d 1 ns."
    assert "does 10 operations" in here["Cache"]
    assert "this case has 4 for each byte" in here["Cache"]
    assert "reaches 50% of a matrix product" in here["Cache"]
    assert here["Memory traffic"] == "Here im2col held 9 times the memory of F.conv2d."
    assert here["Large kernels"].startswith("Here it was ahead from about 10×10 on (1 → 1 channels")


def test_the_stored_benchmark_by_hand():
    rows = [
        row("one channel, large", 5, 5000, "fft", case="1→1, 63×63, 512 px"),
        row("one channel, large", 1, 20, "fft", case="1→1, 15×15, 256 px"),
        row("VGG 3×3", 3, 4, "winograd"), row("3×3", 1, 3, "winograd"),
        row("1×1 stride 2", 3, 2),
        row("depthwise 3×3", 5, 2), row("depthwise 5×5", 1, 2),
    ]  # fmt: skip
    here = told(wins(rows, None)) | told(loses(rows, None))
    assert here["Large kernels"] == "1→1, 63×63, 512 px: F.conv2d took 5000 ms, fft 5 ms."
    assert here["Small kernels over many channels"] == (
        "On the 2 stored ones it took 0.50 of F.conv2d's time, 0.33 at best."
    )
    assert here["1×1 with a stride"] is None, "it lost, and bears nothing out"
    assert here["A single channel"] is None
    assert here["One channel per group"].endswith("By hand it took 2.5 times as long (depthwise 3×3).")
    assert here["Threads"] is None


def test_threads_are_compared_over_the_cases_measured_with_both():
    rows = [
        row("1×1", 6, 8, case="a"), row("1×1", 6, 2, threads=2, case="a"),
        row("1×1", 9, 9, case="b"), row("1×1", 9, 9, threads=2, case="b"), row("1×1", 1, 99, case="c"),
    ]  # fmt: skip
    assert told(wins(rows, None))["Threads"] == (
        "Over the 2 stored convolutions a second thread made F.conv2d 2.00 times as fast, the hand-written "
        "ones 1.00 times."
    )


@pytest.mark.parametrize("live", [None, measured()])
def test_what_is_true_on_any_machine_holds_no_measured_number(live):
    for reason in (*wins(stored_rows(STORED), live), *loses(stored_rows(STORED), live)):
        numbers = re.findall(r"\d[\d.]*", re.sub(r"float\d+|conv2d|im2col|\d×\d", "", reason.why))
        # Lanes of a vector register, and Winograd's multiplications, which are counted.
        assert set(numbers) <= {"8", "16", "2.25", "4"}, reason
