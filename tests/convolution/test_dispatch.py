"""The cost model and the choice that is made by it."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from torch.utils._python_dispatch import TorchDispatchMode

from explorer.convolution import ALGORITHMS, choose, conv2d, fitting, sizes_of
from explorer.convolution.calibration import Sample, fit, random_sizes, regret, samples
from explorer.convolution.cost import NANOSECONDS, WORK, estimate, kind_of, work
from explorer.convolution.im2col import along_width
from tests.convolution.cases import Case, small_cases


def sizes(inputs, outputs, size, kernel, stride=1, padding=0, groups=1):
    return sizes_of((1, inputs, *size), (outputs, inputs // groups, *kernel), stride, padding, 1, groups)


# Where theory leaves no doubt: sizes of no benchmark, each with an order of magnitude to spare.
CLEAR = {
    "a matrix product needs no columns": (sizes(200, 300, (40, 33), (1, 1)), {"im2col"}),
    "many channels make Winograd's transforms cheap": (
        sizes(300, 300, (70, 62), (3, 3), padding=1),
        {"winograd"},
    ),
    "a large kernel on one channel": (sizes(1, 1, (300, 340), (41, 37)), {"fft"}),
    "depthwise has nothing for a matrix product": (
        sizes(200, 200, (50, 44), (3, 3), padding=1, groups=200),
        {"shift"},
    ),
    "Winograd cannot stride": (sizes(100, 120, (50, 44), (3, 3), 2, 1), {"im2col", "shift", "strided"}),
}


@pytest.mark.parametrize("reason", CLEAR)
def test_clear_cases(reason):
    convolution, right = CLEAR[reason]
    assert choose(convolution) in right


@settings(deadline=None)
@given(small_cases.filter(lambda case: case.batch))
def test_the_choice_fits_and_never_is_the_loops(case):
    chosen = choose(case.sizes)
    assert chosen in fitting(case.sizes)
    assert ALGORITHMS[chosen].differentiable


def test_every_kind_of_work_has_a_price_and_none_is_negative():
    assert list(NANOSECONDS) == list(WORK)
    for kind, prices in NANOSECONDS.items():
        assert len(prices) == len(WORK[kind])
        assert min(prices) >= 0
        assert max(prices) > 0


def test_more_work_never_costs_less():
    # Except by another tile size, of the transform or of Winograd's.
    generator = random.Random(1)
    for _ in range(100):
        one = random_sizes(generator)
        twice = sizes_of(
            (2, one.in_channels, *one.size),
            (one.out_channels, one.channels_per_group[0], *one.kernel_size),
            one.stride,
            (one.padding[0], one.padding[2]),
            groups=one.groups,
        )
        for name in fitting(one):
            if name != "loops" and kind_of(one, name) == kind_of(twice, name):
                assert estimate(twice, name) >= 0.999 * estimate(one, name) > 0


def test_multiplications_are_counted_as_the_definition_counts_them():
    convolution = sizes(6, 4, (9, 8), (3, 2), groups=2)
    assert work(convolution, "im2col")[1] == 4 * 7 * 7 * 3 * 6 == convolution.multiplications


def test_float32_training_is_kept_from_winograds_rounding():
    convolution, _ = CLEAR["many channels make Winograd's transforms cheap"]
    assert choose(convolution, torch.float32, gradients=True) != "winograd"
    assert choose(convolution, torch.float64, gradients=True) == "winograd"


def test_fresh_weights_cost_more_where_a_form_of_them_is_kept():
    convolution = sizes(200, 150, (20, 26), (3, 3), padding=1)
    assert estimate(convolution, "winograd", kept=False) > estimate(convolution, "winograd")
    for name in ("im2col", "shift", "strided", "fft"):
        assert estimate(convolution, name, kept=False) == estimate(convolution, name)


def test_windows_are_written_out_along_the_width_only_where_that_saves_more_than_it_costs():
    assert along_width(sizes(9, 20, (80, 90), (11, 11)))  # a tall kernel, few kernels
    assert not along_width(sizes(3, 300, (80, 90), (3, 3)))  # many sums to be read and written again
    assert not along_width(sizes(300, 300, (9, 9), (5, 5)))  # more weights than pixels
    assert not along_width(sizes(8, 8, (80, 90), (1, 7)))  # nothing above one another


def test_fit_finds_known_prices():
    generator = random.Random(0)
    works = [tuple(generator.uniform(1, 10 ** (3 * k)) for k in range(1, 4)) for _ in range(40)]
    prices = (70.0, 0.0, 0.002)
    timed = [Sample("any", done, sum(p * w for p, w in zip(prices, done, strict=True))) for done in works]
    assert fit(timed) == pytest.approx(prices, rel=0.02, abs=1e-5)
    assert fit(timed, [0, 0, 0.004])[2] == pytest.approx(0.004)


def test_samples_time_all_algorithms_that_fit():
    found = samples(4, seed=2)
    assert 4 <= len(found) <= 8  # once more with fresh weights, where an algorithm keeps a form of them
    for timed in found:
        assert {"im2col", "shift", "strided", "fft"} <= set(timed)
        assert all(
            sample.time > 0 and len(sample.work) == len(WORK[sample.kind]) for sample in timed.values()
        )
    assert 1 <= regret(found, NANOSECONDS) < 10


def test_regret_is_what_a_wrong_choice_costs():
    right, wrong = Sample("fft", (0.0,) * 4, 1.0), Sample("shift", (1.0,) * 5, 4.0)
    prices = {"fft": (1.0,) * 4, "shift": (1.0,) * 5}
    assert regret([{"fft": right, "shift": wrong}], prices) == 1
    misled = {"fft": right._replace(work=(9.0,) * 4), "shift": wrong}
    assert regret([misled], prices) == pytest.approx(4)


class Operations(TorchDispatchMode):
    """Collects the names of all operations that PyTorch runs, also inside others."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.add(function.name())
        return function(*args, **(kwargs or {}))


FORBIDDEN = ("conv", "unfold_", "im2col", "col2im", "mkldnn")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "case",
    [
        Case(1, 1, (8, 8), (20, 26), (3, 3), (1, 1), (1, 1), (1, 1)),
        Case(2, 9, (1, 1), (10, 16), (3, 3), (1, 1), (1, 1), (1, 1)),
        Case(1, 1, (3, 8), (70, 104), (7, 7), (2, 2), (3, 3), (1, 1)),
        Case(0, 1, (3, 8), (7, 10), (3, 3), (1, 1), (3, 3), (1, 1)),
    ],
    ids=["dense", "depthwise", "stem", "empty"],
)
def test_no_convolution_is_called_beneath(case, algorithm):
    if algorithm not in fitting(case.sizes) or (algorithm == "loops" and case.sizes.multiplications > 3e5):
        pytest.skip("not in its domain, or too slow")
    with torch.no_grad(), Operations() as seen:
        conv2d(*case.tensors(), **case.parameters, algorithm=algorithm)
    assert seen.names or algorithm == "loops"
    assert not [name for name in seen.names if any(word in name for word in FORBIDDEN)], seen.names


def test_the_watch_itself_sees_convolutions():
    with torch.no_grad(), Operations() as seen:
        torch.nn.functional.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3))
    assert any("conv" in name for name in seen.names)
