"""Toom-Cook along the height: its matrices, tall kernels with strides, strips of any size, where NaN goes."""

from __future__ import annotations

from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from explorer.convolution import ConvolutionError, DomainError, conv2d, fitting, sizes_of
from explorer.convolution.cost import WORK, work
from explorer.convolution.toom_cook import TILE, layout_of, toom_cook, transforms

CPU = torch.device("cpu")


def random(*shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


@pytest.mark.parametrize("taps", [3, 4, 5])
def test_the_matrices_make_four_outputs_of_a_row(taps):
    matrices = transforms(taps, torch.float64, CPU)
    pixels, kernel = random((TILE + taps - 1,), (taps,))
    at_points = (matrices.weight @ kernel) * (matrices.input @ pixels)
    expected = torch.stack([pixels[k : k + taps] @ kernel for k in range(TILE)])
    torch.testing.assert_close(matrices.output @ at_points, expected, rtol=0, atol=1e-13)


def test_three_taps_on_paper():
    # At 0 the other points 1, -1, 2, -2 give the denominator (-1)(1)(-2)(2) = 4; infinity takes the last tap.
    matrices = transforms(3, torch.float64, CPU)
    assert matrices.weight[0].tolist() == [0.25, 0, 0]
    assert matrices.weight[-1].tolist() == [0, 0, 1]
    # (x - 1)(x + 1)(x - 2)(x + 2) = 4 - 5x² + x⁴
    assert matrices.input[0].tolist() == [4, 0, -5, 0, 1, 0]
    assert matrices.output[3].tolist() == [0, 1, -1, 8, -8, 1]


tall = st.tuples(st.integers(1, 14), st.integers(1, 6))
few = st.tuples(st.integers(1, 4), st.integers(1, 3))


@settings(max_examples=150, deadline=None)
@given(
    kernel=tall,
    stride=few,
    padding=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    size=st.tuples(st.integers(1, 40), st.integers(1, 30)),
    groups=st.integers(1, 2),
    channels=st.tuples(st.integers(1, 12), st.integers(1, 4)),
    cuts=st.tuples(
        st.sampled_from([1, 500, 2**18]), st.sampled_from([1, 60, 256]), st.sampled_from([0, 8, 99])
    ),
)
def test_tall_kernels_strides_and_strips(kernel, stride, padding, size, groups, channels, cuts):
    inputs, outputs = channels
    shapes = (2, groups * inputs, *size), (groups * outputs, inputs, *kernel)
    try:
        sizes = sizes_of(*shapes, stride, padding, groups=groups)
    except ConvolutionError:
        assume(False)
    assume("toom_cook" in fitting(sizes))
    input, weight = random(*shapes)
    values, columns, deep = cuts
    parameters = {"stride": stride, "padding": padding, "groups": groups}
    with mock.patch.multiple("explorer.convolution.toom_cook", VALUES=values, COLUMNS=columns, DEEP=deep):
        layout_of.cache_clear()
        ours = toom_cook(input, weight, sizes)
    layout_of.cache_clear()
    largest = F.conv2d(input.abs(), weight.abs(), **parameters).max()
    assert (ours - F.conv2d(input, weight, **parameters)).abs().max() <= 1e-13 * largest


@pytest.mark.parametrize(("kernel", "stride"), [((3, 2), (1, 1)), ((7, 3), (2, 2)), ((5, 1), (1, 2))])
def test_gradients_of_tall_kernels(kernel, stride):
    input, weight = (tensor.requires_grad_() for tensor in random((1, 2, 11, 7), (2, 2, *kernel)))

    def run(*tensors):
        return conv2d(*tensors, stride=stride, padding=1, algorithm="toom_cook")

    assert torch.autograd.gradcheck(run, (input, weight))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("kernel", "stride", "channels"), [((3, 3), (1, 1), 2), ((3, 3), (1, 1), 40), ((11, 11), (4, 4), 3)]
)
def test_a_special_pixel_is_lost_within_its_tiles_and_nowhere_else(kernel, stride, channels, value):
    input, weight = random((1, channels, 45, 40), (3, channels, *kernel))
    expected = F.conv2d(input, weight, stride=stride, padding=1)
    layout = layout_of(sizes_of(input.shape, weight.shape, stride, 1))
    height, width = expected.shape[2:]
    for row, column in ((0, 0), (17, 21), (44, 39)):
        special = input.clone()
        special[0, 1, row, column] = value
        ours = conv2d(special, weight, stride=stride, padding=1, algorithm="toom_cook")
        # A tile reads n strides of rows, and a window all columns of its steps, maybe more than the kernel's.
        tops = torch.arange(height) // TILE * TILE * stride[0] - 1
        lefts = torch.arange(width) * stride[1] - 1
        rows = (tops <= row) & (row < tops + layout.points * stride[0])
        columns = (lefts <= column) & (column < lefts + layout.steps * layout.columns)
        lost = rows[:, None] & columns
        torch.testing.assert_close(ours[..., ~lost], expected[..., ~lost], rtol=0, atol=1e-10)
        theirs = F.conv2d(special, weight, stride=stride, padding=1)
        assert not ours[~theirs.isfinite()].isfinite().any(), "a special value was hidden"


@pytest.mark.parametrize(
    ("kernel", "stride", "words"),
    [
        ((2, 2), 1, "kernel 2 high, only 3 to 5 is possible at stride 1; these fit: loops.*fft$"),
        ((3, 3), 2, "kernel 3 high, only 5 to 10 is possible at stride 2"),
        ((13, 3), 2, "kernel 13 high, only 5 to 10"),
    ],
)
def test_outside_its_domain(kernel, stride, words):
    with pytest.raises(DomainError, match=words):
        conv2d(torch.zeros(1, 1, 20, 20), torch.zeros(1, 1, *kernel), stride=stride, algorithm="toom_cook")
    with pytest.raises(DomainError, match="dilation 2×2, only 1"):
        conv2d(torch.zeros(1, 1, 20, 20), torch.zeros(1, 1, 3, 3), dilation=2, algorithm="toom_cook")


@pytest.mark.parametrize(("kernel", "stride", "share"), [(3, 1, 0.5), (5, 1, 0.4), (8, 2, 7 / 16)])
def test_multiplications_are_saved(kernel, stride, share):
    shapes = (1, 64, 64 * stride + kernel - stride, 80), (64, 64, kernel, kernel)
    sizes = sizes_of(*shapes, stride)
    assert sizes.output_size[0] % TILE == 0
    counted = dict(zip(WORK["toom_cook"], work(sizes, "toom_cook"), strict=True))["multiplications"]
    # The last places of each row, whose windows begin in the next one, are multiplied as well.
    of_width = layout_of(sizes).width / sizes.output_size[1]
    assert counted == pytest.approx(share * of_width * sizes.multiplications)
