"""Speed: every way is timed, curves stay affordable, and it stops when told."""

import pytest
import torch

from explorer.convolution import sizes_of
from explorer.convolution.timing import PEER, Timing
from explorer.laboratory import speed
from explorer.laboratory.cases import Case
from explorer.laboratory.curves import AXES, Curve, Point, Shape, basis, shapes
from explorer.laboratory.machine import Machine, arithmetic_intensity, measure_machine
from explorer.laboratory.speed import LEAST, Measurement, measure
from explorer.laboratory.ways import estimated, timed


def timing(name, milliseconds, ratio=1.0, low=None, high=None, runs=5):
    return Timing(name, milliseconds, low or milliseconds, high or milliseconds, runs, ratio, 1.0)


def measurement(*timings):
    held = {each.name: 100 * (at + 1) for at, each in enumerate(timings)}
    return Measurement(timings, "shift", held, Machine(100.0, 10.0, 1, torch.float32), 500_000, 2.0, {})


@pytest.fixture(scope="module")
def measured():
    told = []
    case = Case(torch.randn(1, 2, 9, 12), torch.randn(3, 2, 3, 3), padding=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "perf_counter", lambda: 0.0)  # no curve ends early
        result = measure(case, seconds=0.2, progress=told.append)
    return result, told


def test_every_way_is_timed(measured):
    result, _ = measured
    assert result.timings[0].name == PEER
    assert {each.name for each in result.timings} == {
        PEER, "auto", "loops", "im2col", "shift", "strided", "fft", "winograd",
        "toom_cook",
    }  # fmt: skip
    assert result.chosen in {"im2col", "shift", "fft", "winograd", "toom_cook"}
    assert set(result.memory) == {each.name for each in result.timings}
    assert all(held >= 3 * 9 * 12 * 4 for held in result.memory.values()), "less than the output"
    assert all(0 < each.low <= each.milliseconds <= each.high for each in result.timings)
    assert result.machine.threads == torch.get_num_threads()
    assert result.roof <= result.machine.peak


def test_every_curve_has_points_in_order(measured):
    result, _ = measured
    assert set(result.curves) == set(AXES)
    for curve in result.curves.values():
        values = [point.value for point in curve.points]
        assert len(values) >= 3
        assert values == sorted(values)
        assert all(point.timings[0].name == PEER for point in curve.points)
    assert "winograd" not in {each.name for each in result.curves["kernel size"].points[0].timings}


def test_long_loops_are_estimated(measured):
    result, _ = measured
    (loops,) = [each for each in result.curves["image size"].points[-1].timings if each.name == "loops"]
    assert loops.estimated
    assert not result.timing("loops").estimated
    # At the pace of the case, 9 × 12 pixels, on 256 × 256 of them.
    assert loops.milliseconds == pytest.approx(result.timing("loops").low * 256 * 256 / (9 * 12))


def test_a_large_case_is_estimated_from_its_middle():
    case = Case(torch.randn(1, 8, 90, 80), torch.randn(16, 8, 3, 3), padding=1)
    result = measure(case, seconds=0.01)
    loops = result.timing("loops")
    assert loops.estimated
    assert 5 < result.nanoseconds(loops) < 5000
    assert loops.ratio == pytest.approx(loops.milliseconds / result.peer.milliseconds)


def test_only_the_named_ways_are_timed_and_a_cancelled_round_is_no_timing():
    case = Case(torch.randn(1, 1, 8, 9), torch.randn(1, 1, 3, 3))
    assert [each.name for each in timed(case, ["shift"], seconds=0, least=2)] == [PEER, "shift"]
    assert "loops" not in {each.name for each in timed(case, seconds=0, least=2)}
    asked = iter([False, False, True])
    assert timed(case, seconds=9, least=5, cancelled=lambda: next(asked)) == ()


def test_an_estimate_by_hand():
    # 16 × 16 pixels under 3 × 3 without padding: 14 · 14 · 9 = 1764 multiplications of 100 ns.
    loops = estimated(sizes_of((1, 1, 16, 16), (1, 1, 3, 3)), 100.0, timing(PEER, 0.5))
    assert loops.milliseconds == pytest.approx(0.1764)
    assert loops.ratio == pytest.approx(0.3528)
    assert loops.gflops == pytest.approx(2 * 1764 / 0.1764e-3 / 1e9)
    assert loops.estimated


def test_progress_rises_from_0_to_1(measured):
    _, told = measured
    assert told == sorted(told)
    assert told[0] < 0.1
    assert told[-1] == 1


def test_on_a_slow_machine_curves_end_sooner(monkeypatch):
    now = iter(range(10_000))
    monkeypatch.setattr(speed, "perf_counter", lambda: next(now))
    told = []
    case = Case(torch.randn(1, 1, 8, 9), torch.randn(1, 1, 3, 3))
    result = measure(case, seconds=1, progress=told.append)
    assert all(LEAST <= len(curve.points) < len(AXES[axis]) for axis, curve in result.curves.items())
    assert told[-1] == 1


def test_a_cancelled_measurement_ends_soon_and_is_none():
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > 4

    case = Case(torch.randn(1, 1, 8, 9), torch.randn(1, 1, 3, 3))
    assert measure(case, seconds=30, cancelled=cancelled) is None
    assert len(asked) < 12


@pytest.mark.parametrize(
    ("channels", "outputs", "size", "kernel", "groups"),
    [(1, 1, 6, 3, 1), (1152, 192, 7, 1, 1), (672, 672, 14, 5, 672), (3, 64, 224, 7, 1), (512, 512, 28, 3, 1)],
)
def test_curves_of_any_case_are_affordable_and_keep_its_kind(channels, outputs, size, kernel, groups):
    case = Case(
        torch.zeros(1, channels, size, size + 1), torch.zeros(outputs, channels // groups, kernel, kernel),
        padding="same", groups=groups,
    )  # fmt: skip
    for axis in AXES:
        along = shapes(case.sizes, axis)
        assert len(along) >= 3, axis
        assert all(shape.affordable for shape in along)
        assert all((shape.groups > 1) == (groups > 1 and shape.channels > 1) for shape in along)
        assert all(shape.channels % shape.groups == 0 for shape in along)
        base = basis(case.sizes, axis)
        fixed = {"image size": ("channels", "kernel"), "channels": ("size", "kernel")}.get(
            axis, ("channels", "size")
        )
        assert all(getattr(shape, name) == getattr(base, name) for shape in along for name in fixed)


def curve(*pairs):
    points = [Point(value, (timing(PEER, theirs), timing("fft", ours))) for value, theirs, ours in pairs]
    return Curve("kernel size", Shape(1, 1, 64, 3, 1), tuple(points))


def test_the_crossover_lies_where_the_lines_cross_on_log_axes():
    # Theirs grows as k², ours is flat at 100: they meet at k = 10.
    assert curve(*((k, k**2, 100) for k in (1, 4, 25, 40))).crossover() == pytest.approx(10)


def test_no_crossover_where_nothing_changes_for_good():
    assert curve((1, 1, 2), (3, 2, 3)).crossover() is None
    assert curve((1, 1, 2)).crossover() is None
    assert curve().crossover() is None
    assert curve((1, 2, 1), (3, 1, 2)).crossover() is None
    assert curve((1, 2, 1), (3, 1, 2), (9, 3, 1)).crossover() == pytest.approx(4.589, abs=1e-3)
    assert curve((1, 2, 1), (3, 3, 1)).crossover() == 1, "faster from the first on"


def test_intensity_by_hand():
    # 1 channel of 3 × 3 under 3 × 3: 9 multiplications, 9 + 9 + 1 values of 4 bytes.
    sizes = sizes_of((1, 1, 3, 3), (1, 1, 3, 3))
    assert arithmetic_intensity(sizes) == pytest.approx(18 / 76)
    assert arithmetic_intensity(sizes, torch.float64) == pytest.approx(18 / 152)


def test_the_machine_has_limits():
    machine = measure_machine(seconds=0.05)
    assert machine.peak > 0.1
    assert machine.bandwidth > 0.05
    assert machine.roof(1e9) == machine.peak
    assert machine.roof(1e-6) == pytest.approx(machine.bandwidth * 1e-6)


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0.5, "shift is 2 times as fast"),
        (1.01, "as fast as F.conv2d, ratio 1.01"),
        (3.0, "takes 3 times as long"),
    ],
)
def test_the_winner_in_words(ratio, words):
    result = measurement(timing(PEER, 1), timing("fft", 9, 9), timing("shift", ratio, ratio))
    assert words in result.winner


def test_auto_is_no_winner_of_its_own():
    result = measurement(timing(PEER, 1), timing("auto", 0.4, 0.4), timing("shift", 0.5, 0.5))
    assert result.fastest.name == "shift"


def test_memory_and_pace_by_hand():
    result = measurement(timing(PEER, 2), timing("shift", 1, 0.5))
    assert result.memory_ratio(PEER) == 1
    assert result.memory_ratio("shift") == 2
    assert result.nanoseconds(result.peer) == 4, "2 ms for half a million"


def test_a_busy_machine_is_noticed():
    assert measurement(timing(PEER, 2, low=1, high=9)).disturbed
    assert not measurement(timing(PEER, 2, low=1.9, high=2.2)).disturbed
