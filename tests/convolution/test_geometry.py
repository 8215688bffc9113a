"""Sizes, paddings and the errors of impossible parameters."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from explorer.convolution import ConvolutionError, conv2d, sizes_of
from explorer.convolution.geometry import output_size, same_padding, same_padding_tensorflow
from explorer.convolution.padding import PADDING_MODES, pad
from tests.convolution.cases import small_cases


@given(small_cases)
def test_the_output_size_is_pytorchs(case):
    input, weight, _ = case.tensors()
    assert sizes_of(input.shape, weight.shape, **case.parameters).output_shape == tuple(
        F.conv2d(input, weight, **case.parameters).shape
    )


def test_numbers_checked_by_hand():
    alexnet = sizes_of((1, 3, 224, 227), (64, 3, 11, 11), stride=4, padding=(2, 0))
    assert alexnet.output_size == (55, 55)
    assert alexnet.multiplications == 64 * 55 * 55 * 3 * 121
    holes = sizes_of((2, 4, 9, 8), (6, 2, 3, 2), dilation=(2, 3), groups=2)
    assert holes.span == (5, 4)
    assert holes.output_shape == (2, 6, 5, 5)
    assert holes.channels_per_group == (2, 3)


def test_the_formula_is_worked_out_for_each_axis():
    sizes = sizes_of((1, 1, 10, 7), (1, 1, 3, 2), stride=(2, 1), padding=(1, 0), dilation=(2, 1))
    assert sizes.explain(0) == "floor((10 + 1 + 1 - 5) / 2) + 1 = floor(7 / 2) + 1 = 4"
    assert sizes.explain(1) == "floor((7 + 0 + 0 - 2) / 1) + 1 = floor(5 / 1) + 1 = 6"


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))
def test_tensorflows_same_keeps_the_size_over_the_stride(size, kernel, stride, dilation):
    before, after = same_padding_tensorflow(size, kernel, stride, dilation)
    assert after - before in (0, 1)
    assert output_size(size, kernel, stride, (before, after), dilation) == -(-size // stride)
    # and it pads no more than it must
    if before + after:
        less = output_size(size, kernel, stride, (before, after - 1), dilation)
        assert less < -(-size // stride)


@given(st.integers(1, 20), st.integers(1, 7), st.integers(1, 3))
def test_both_sames_agree_at_stride_1(size, kernel, dilation):
    assert same_padding(kernel, dilation) == same_padding_tensorflow(size, kernel, 1, dilation)


@pytest.mark.parametrize(("kernel", "dilation"), [((3, 3), 1), ((2, 4), 1), ((4, 3), (3, 2)), ((1, 6), 2)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_padding_by_name_is_pytorchs(kernel, dilation, padding):
    torch.manual_seed(0)
    input, weight = torch.randn(2, 3, 13, 17).double(), torch.randn(4, 3, *kernel).double()
    even = dilation if isinstance(dilation, tuple) else (dilation, dilation)
    expected = (
        F.conv2d(pad(input, sides(kernel, even)), weight, dilation=dilation)
        if padding == "same"
        else F.conv2d(input, weight, padding="valid", dilation=dilation)
    )
    torch.testing.assert_close(
        conv2d(input, weight, None, 1, padding, dilation), expected, rtol=0, atol=1e-12
    )


def sides(kernel, dilation):
    """PyTorch's SAME by its definition: the odd pixel at the bottom and right."""
    rows, columns = ((k - 1) * d for k, d in zip(kernel, dilation, strict=True))
    return rows // 2, rows - rows // 2, columns // 2, columns - columns // 2


def test_the_two_sames_differ_at_stride_2():
    picture = torch.arange(1.0, 5).reshape(1, 1, 1, 4)
    first = torch.tensor([[[[1.0, 0, 0]]]])
    tensorflow = conv2d(picture, first, stride=(1, 2), padding="same_tensorflow")
    torchs = conv2d(picture, first, stride=(1, 2), padding=(0, 1))
    assert tensorflow.tolist() == [[[[1, 3]]]]
    assert torchs.tolist() == [[[[0, 2]]]]


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (2, 2, 3, 3), (1, 3, 0, 2), (4, 0, 5, 1)])
def test_padding_modes_are_pytorchs(mode, padding):
    torch.manual_seed(0)
    picture = torch.randn(2, 3, 5, 6)
    top, bottom, left, right = padding
    expected = F.pad(picture, (left, right, top, bottom), "constant" if mode == "zeros" else mode)
    assert torch.equal(pad(picture, padding, mode), expected)


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_conv2d_pads_as_conv2d_modules_do(mode):
    torch.manual_seed(0)
    module = torch.nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(2, 1), padding_mode=mode).double()
    picture = torch.randn(2, 3, 7, 9).double()
    ours = conv2d(picture, module.weight, module.bias, (2, 1), (2, 1), padding_mode=mode)
    torch.testing.assert_close(ours, module(picture), rtol=0, atol=1e-12)


WRONG = [
    (((1, 3, 5, 6), (4, 3, 7, 2)), {}, r"7×2 taps.*7×2 pixels.*5×6.*pad more"),
    (((1, 3, 5, 6), (4, 3, 3, 3)), {"dilation": 3}, r"dilation 3×3 reaches over 7×7 pixels.*5×6"),
    (((1, 3, 5, 6), (4, 2, 3, 3)), {}, r"\(4, 2, 3, 3\).*needs an input of 2 channels, got 3"),
    (((1, 4, 5, 6), (4, 2, 3, 3)), {"groups": 3}, r"groups \(=3\) must divide.*4.*4"),
    (((1, 4, 5, 6), (4, 2, 3, 3)), {"groups": 0}, r"groups must be at least 1, got 0"),
    (((1, 3, 5, 6), (4, 3, 3, 3)), {"stride": 0}, r"stride must be at least 1, got 0"),
    (((1, 3, 5, 6), (4, 3, 3, 3)), {"stride": (1, 2, 3)}, r"stride must be an int or a pair.*\(1, 2, 3\)"),
    (((1, 3, 5, 6), (4, 3, 3, 3)), {"dilation": 0.5}, r"dilation must be an int or a pair.*0.5"),
    (((1, 3, 5, 6), (4, 3, 3, 3)), {"padding": -1}, r"padding must be at least 0, got -1"),
    (((1, 3, 5, 6), (4, 3, 3, 3)), {"padding": "full"}, r"'full' is unknown.*valid, same, same_tensorflow"),
    (
        ((1, 3, 5, 6), (4, 3, 3, 3)),
        {"padding": "same", "stride": 2},
        r"'same'.*stride 1 only, got.*2.*tensorflow",
    ),
    (((5, 6), (4, 3, 3, 3)), {}, r"input must be.*\(5, 6\)"),
    (((1, 3, 5, 6), (4, 3, 3)), {}, r"weight must be.*\(4, 3, 3\)"),
    (((1, 3, 5, 6), (0, 3, 3, 3)), {}, r"at least one channel.*0 out"),
    (((1, 3, 5, 6), (4, 3, 0, 3)), {}, r"at least one tap, got \(0, 3\)"),
    (((1, 3, 0, 6), (4, 3, 3, 3)), {}, r"does not fit into the padded input of 0×6"),
]


@pytest.mark.parametrize(("shapes", "parameters", "words"), WRONG)
def test_impossible_parameters_say_why(shapes, parameters, words):
    with pytest.raises(ConvolutionError, match=words):
        conv2d(torch.zeros(shapes[0]), torch.zeros(shapes[1]), **parameters)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ((torch.zeros(1, 3, 5, 6), torch.zeros(4, 3, 3, 3), torch.zeros(3)), r"4 output channels.*\(3,\)"),
        ((torch.zeros(1, 3, 5, 6), torch.zeros(4, 3, 3, 3), torch.zeros(4, 1)), r"4 output.*\(4, 1\)"),
        ((torch.zeros(1, 3, 5, 6), torch.zeros(4, 3, 3, 3).double()), r"float32 but weight is torch.float64"),
        ((torch.zeros(1, 3, 5, 6).int(), torch.zeros(4, 3, 3, 3)), r"torch.int32; float32 and float64"),
        ((torch.zeros(1, 3, 5, 6), torch.zeros(4, 3, 3, 3, device="meta")), r"input is on cpu.*meta"),
    ],
)
def test_unfit_tensors_say_why(tensors, words):
    with pytest.raises(ConvolutionError, match=words):
        conv2d(*tensors)


@pytest.mark.parametrize(
    ("mode", "padding", "words"),
    [
        ("reflect", 5, r"reflect padding of 5 pixels.*5 there are; at most 4"),
        ("circular", 6, r"circular padding of 6 pixels.*at most 5"),
        ("mirror", 1, r"'mirror' is unknown; possible are zeros, reflect, replicate, circular"),
    ],
)
def test_impossible_padding_modes_say_why(mode, padding, words):
    with pytest.raises(ConvolutionError, match=words):
        conv2d(torch.zeros(1, 1, 5, 7), torch.zeros(1, 1, 3, 3), padding=padding, padding_mode=mode)
