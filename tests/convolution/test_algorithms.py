"""Every algorithm against numbers worked out by hand, PyTorch, SciPy and the layers of real networks."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve2d as scipy_convolve2d
from scipy.signal import correlate2d as scipy_correlate2d

from explorer.convolution import ALGORITHMS, DomainError, conv2d, convolve2d, fitting, rows
from explorer.convolution.winograd import multiplications, winograd
from tests.convolution.cases import Case, every_small_case, scale, small_cases

NAMES = tuple(ALGORITHMS)
BY_HAND = ("loops", "im2col", "shift", "strided", "fft", "auto")


def close(ours, theirs, largest, bound=1e-12):
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert ours.is_contiguous()
    worst = (ours - theirs).abs().max().item() if ours.numel() else 0.0
    assert worst <= bound * largest, f"{worst:.2e} > {bound:.0e} · {largest:.2e}"


@pytest.mark.parametrize("algorithm", BY_HAND)
def test_a_sum_on_paper(algorithm):
    # 1 2 3      1  0      1·1 + 5·2 = 11   2·1 + 6·2 = 14
    # 4 5 6  by  0  2  is
    # 7 8 9                4·1 + 8·2 = 20   5·1 + 9·2 = 23
    picture = torch.arange(1.0, 10).reshape(1, 3, 3)
    kernel = torch.tensor([[[[1.0, 0], [0, 2]]]])
    result = conv2d(picture, kernel, torch.tensor([0.5]), algorithm=algorithm)
    torch.testing.assert_close(result, torch.tensor([[[11.5, 14.5], [20.5, 23.5]]]))


@pytest.mark.parametrize("algorithm", [*BY_HAND, "winograd", "toom_cook"])
def test_a_3_by_3_sum_on_paper(algorithm):
    # The kernel adds the pixels left and right and takes the one below away, twice.
    picture = torch.arange(1.0, 13).reshape(1, 1, 3, 4)
    kernel = torch.tensor([[[[0.0, 0, 0], [1, 0, 1], [0, -2, 0]]]])
    expected = torch.tensor([[[[-8.0, -8, -8, -13], [-12, -8, -8, -17], [10, 20, 22, 11]]]])
    torch.testing.assert_close(conv2d(picture, kernel, padding=1, algorithm=algorithm), expected)


def test_true_convolution_on_paper():
    impulse = torch.zeros(1, 1, 3, 3)
    impulse[..., 1, 1] = 1
    kernel = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
    assert torch.equal(convolve2d(impulse, kernel, padding=1, algorithm="loops"), kernel)
    assert torch.equal(conv2d(impulse, kernel, padding=1, algorithm="loops"), kernel.flip(-2, -1))


@pytest.mark.parametrize("algorithm", NAMES)
def test_every_combination_of_small_parameters(algorithm):
    cases = [case for case in every_small_case() if algorithm in fitting(case.sizes)]
    assert len(cases) > {"winograd": 20, "toom_cook": 90}.get(algorithm, 700)
    for case in cases:
        input, weight, bias = case.tensors()
        expected = F.conv2d(input, weight, bias, **case.parameters)
        ours = conv2d(input, weight, bias, **case.parameters, algorithm=algorithm)
        close(ours, expected, scale(input, weight, **case.parameters))


@settings(max_examples=150, deadline=None)
@given(small_cases, st.integers(0, 2**31))
def test_any_small_case_by_any_algorithm(case, seed):
    input, weight, bias = case.tensors(seed=seed)
    expected = F.conv2d(input, weight, bias, **case.parameters)
    for algorithm in ("auto", *fitting(case.sizes)):
        ours = conv2d(input, weight, bias, **case.parameters, algorithm=algorithm)
        close(ours, expected, scale(input, weight, **case.parameters))


@pytest.mark.parametrize("algorithm", [*BY_HAND, "winograd", "toom_cook"])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 5)])
def test_against_scipy(algorithm, kernel):
    if algorithm in ("winograd", "toom_cook") and kernel != (3, 3):
        kernel = (3, 3)
    generator = np.random.default_rng(0)
    picture, weight = generator.normal(size=(9, 12)), generator.normal(size=kernel)
    tensors = torch.from_numpy(picture)[None], torch.from_numpy(weight)[None, None]
    for ours, theirs in ((conv2d, scipy_correlate2d), (convolve2d, scipy_convolve2d)):
        expected = torch.from_numpy(theirs(picture, weight, mode="valid"))[None]
        torch.testing.assert_close(ours(*tensors, algorithm=algorithm), expected, rtol=0, atol=1e-12)


# Layers of AlexNet, ResNet-50, VGG-16, MobileNetV2 and a dilated DeepLab head, on smaller pictures.
LAYERS = {
    "stem": Case(1, 1, (3, 64), (31, 45), (7, 7), (2, 2), (3, 3), (1, 1)),
    "alexnet": Case(1, 1, (3, 24), (47, 39), (11, 11), (4, 4), (2, 2), (1, 1)),
    "bottleneck": Case(2, 1, (64, 32), (14, 9), (1, 1), (1, 1), (0, 0), (1, 1)),
    "projection": Case(1, 1, (32, 64), (15, 10), (1, 1), (2, 2), (0, 0), (1, 1)),
    "3x3": Case(2, 1, (48, 40), (13, 22), (3, 3), (1, 1), (1, 1), (1, 1)),
    "downsampling": Case(1, 1, (32, 48), (15, 20), (3, 3), (2, 2), (1, 1), (1, 1)),
    "depthwise": Case(2, 40, (1, 1), (29, 33), (3, 3), (1, 1), (1, 1), (1, 1)),
    "depthwise, small": Case(2, 80, (1, 1), (7, 5), (5, 5), (1, 1), (2, 2), (1, 1)),
    "depthwise, stride 2": Case(1, 32, (1, 1), (27, 30), (5, 5), (2, 2), (2, 2), (1, 1)),
    "grouped": Case(1, 8, (4, 6), (11, 14), (3, 3), (1, 1), (1, 1), (1, 1)),
    "dilated": Case(1, 1, (16, 24), (17, 23), (3, 3), (1, 1), (6, 6), (6, 6)),
    "picture": Case(1, 1, (1, 1), (310, 270), (3, 3), (1, 1), (1, 1), (1, 1)),
    "large kernel": Case(1, 1, (1, 1), (140, 95), (21, 18), (1, 1), (10, 9), (1, 1)),
}


@pytest.mark.parametrize("algorithm", NAMES)
@pytest.mark.parametrize("name", LAYERS)
def test_the_layers_of_real_networks(name, algorithm):
    case = LAYERS[name]
    if algorithm not in fitting(case.sizes):
        pytest.skip("not in its domain")
    if algorithm == "loops" and case.sizes.multiplications > 3e5:
        pytest.skip("pure Python would take minutes")
    parameters = case.parameters
    for dtype, bound in ((torch.float64, 1e-12), (torch.float32, ALGORITHMS[algorithm].float32_bound)):
        input, weight, bias = case.tensors(dtype)
        expected = F.conv2d(input.double(), weight.double(), bias.double(), **parameters)
        ours = conv2d(input, weight, bias, **parameters, algorithm=algorithm)
        assert ours.dtype == dtype
        close(ours.double(), expected, scale(input, weight, **parameters), bound)


@given(case=small_cases, table=st.sampled_from([40, 300, 2**21]), columns=st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_sums_of_rows_in_blocks_of_any_size(case, table, columns):
    case = replace(case, batch=max(case.batch, 1), per_group=(1, case.per_group[1]))
    input, weight, _ = case.tensors()
    expected = F.conv2d(input, weight, **case.parameters)
    with mock.patch.multiple(rows, TABLE=table, COLUMNS=columns):
        ours = rows.shift_rows(input, weight, case.sizes)
    close(ours, expected, scale(input, weight, **case.parameters))


@pytest.mark.parametrize("tile", [2, 4])
@pytest.mark.parametrize("size", [(3, 3), (4, 9), (7, 30), (65, 70)])
def test_both_winograd_tiles(tile, size):
    case = Case(2, 2, (3, 5), size, (3, 3), (1, 1), (1, 2), (1, 1))
    input, weight, _ = case.tensors()
    expected = F.conv2d(input, weight, **case.parameters)
    close(winograd(input, weight, case.sizes, tile), expected, scale(input, weight, **case.parameters))


def test_winograd_multiplies_less_where_there_are_many_channels():
    sizes = Case(1, 1, (256, 256), (56, 56), (3, 3), (1, 1), (1, 1), (1, 1)).sizes
    assert 1.8 < sizes.multiplications / multiplications(sizes, 2) < 2.25
    assert 3 < sizes.multiplications / multiplications(sizes, 4) < 4


@pytest.mark.parametrize("algorithm", [*BY_HAND, "winograd", "toom_cook"])
@pytest.mark.parametrize(
    "case", [LAYERS["depthwise, small"], Case(2, 1, (3, 4), (8, 9), (3, 3), (1, 1), (1, 1), (1, 1))]
)
def test_memory_layouts(case, algorithm):
    if algorithm not in (*fitting(case.sizes), "auto"):
        pytest.skip("not in its domain")
    input, weight, bias = case.tensors()
    expected = F.conv2d(input, weight, bias, **case.parameters)
    layouts = {
        "channels last": input.contiguous(memory_format=torch.channels_last),
        "transposed": input.transpose(2, 3).contiguous().transpose(2, 3),
        "every second": torch.stack([input, input], dim=-1).flatten(-2)[..., ::2],
        "expanded": input[:1].expand(2, -1, -1, -1),
        "offset": torch.cat([input, input])[2:],
    }
    for name, given_input in layouts.items():
        before = given_input.clone()
        ours = conv2d(given_input, weight, bias, **case.parameters, algorithm=algorithm)
        theirs = expected[:1].expand(2, -1, -1, -1) if name == "expanded" else expected
        close(ours, theirs, scale(input, weight, **case.parameters))
        assert torch.equal(given_input, before), "the caller's input changed"
    turned = weight.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1)
    ours = conv2d(input, turned, bias, **case.parameters, algorithm=algorithm)
    close(ours, expected, scale(input, weight, **case.parameters))


@pytest.mark.parametrize("algorithm", [*BY_HAND, "winograd", "toom_cook"])
def test_without_a_batch(algorithm):
    input, weight, bias = Case(1, 1, (2, 3), (6, 9), (3, 3), (1, 1), (1, 1), (1, 1)).tensors()
    batched = conv2d(input, weight, bias, padding=1, algorithm=algorithm)
    assert torch.equal(conv2d(input[0], weight, bias, padding=1, algorithm=algorithm), batched[0])


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"stride": 2}, r"winograd does not fit: stride 2×2, only 1.*loops, im2col, shift, strided, fft$"),
        ({"dilation": (1, 2)}, r"dilation 1×2, only 1.*these fit"),
    ],
)
def test_outside_winograds_domain(parameters, words):
    with pytest.raises(DomainError, match=words):
        conv2d(torch.zeros(1, 2, 9, 8), torch.zeros(3, 2, 3, 3), algorithm="winograd", **parameters)
    with pytest.raises(DomainError, match="kernel 3×2, only 3×3"):
        conv2d(torch.zeros(1, 2, 9, 8), torch.zeros(3, 2, 3, 2), algorithm="winograd")


def test_an_unknown_algorithm_lists_the_known():
    with pytest.raises(
        ValueError, match=r"'direct' is unknown; possible are loops, im2col.*winograd, toom_cook, auto"
    ):
        conv2d(torch.zeros(1, 2, 9, 8), torch.zeros(3, 2, 3, 2), algorithm="direct")
