"""Windows along one axis: hand-checked, against PyTorch, and against TensorFlow's rule."""

import math
from itertools import product

import pytest
import torch
import torch.nn.functional as F

from explorer.convolution import ConvolutionError
from explorer.lesson.windows import axis, same_twice

ROW = tuple(float(value) for value in range(1, 13))


def by_pytorch(row, taps, stride, sides, dilation):
    padded = F.pad(torch.tensor(row)[None, None], sides)
    return tuple(
        F.conv1d(padded, torch.tensor(taps)[None, None], stride=stride, dilation=dilation)[0, 0].tolist()
    )


def test_same_at_stride_1_keeps_the_size_and_valid_shrinks_it():
    same, valid = axis(7, 3, padding="same"), axis(7, 3, padding="valid")
    assert (same.output, same.before, same.after) == (7, 1, 1)
    assert (valid.output, valid.before, valid.after) == (5, 0, 0)
    assert valid.windows == ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 6))


def test_an_even_kernel_gets_its_odd_zero_after():
    even = axis(6, 4, padding="same")
    assert (even.before, even.after, even.output) == (1, 2, 6)


def test_dilation_widens_the_span_and_skips_pixels():
    wide = axis(7, 3, dilation=2)
    assert (wide.span, wide.output) == (5, 3)
    assert wide.windows[1] == (1, 3, 5)


def test_what_no_window_reads():
    strided = axis(8, 3, stride=2)
    assert (strided.left_over, strided.unread) == (1, (7,))
    holes = axis(6, 2, stride=3, dilation=2)
    assert holes.windows == ((0, 2), (3, 5))
    assert holes.unread == (1, 4)
    assert holes.left_over == 0


def test_the_formula_has_the_numbers_in_it():
    assert axis(224, 7, 2, 3).formula.endswith(
        r"&= \left\lfloor \frac{224 + (3 + 3) - 7}{2} \right\rfloor + 1 \\ "
        r"&= \left\lfloor \frac{223}{2} \right\rfloor + 1 = 112"
    )
    assert axis(9, 3, dilation=2).span_formula.endswith(r"&= 2 \cdot (3 - 1) + 1 = 5")


@pytest.mark.parametrize(("kernel", "stride", "dilation"), product((1, 2, 3, 5), (1, 2, 3), (1, 2)))
@pytest.mark.parametrize("padding", [0, 2, "valid", "same", "same_tensorflow"])
def test_every_output_is_pytorchs(kernel, stride, dilation, padding):
    if padding == "same" and stride > 1:
        return  # PyTorch refuses it; tested below
    for size in (9, 10):
        ours = axis(size, kernel, stride, padding, dilation)
        taps = tuple(0.5 + tap for tap in range(kernel))
        expected = by_pytorch(ROW[:size], taps, stride, (ours.before, ours.after), dilation)
        assert ours.apply(ROW[:size], taps) == expected
        assert ours.output == len(ours.windows) == len(expected)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation"), product((5, 6, 8, 9), (1, 2, 3, 4, 5), (1, 2, 3), (1, 2))
)
def test_same_twice_is_what_both_libraries_do(size, kernel, stride, dilation):
    pytorch, tensorflow = same_twice(size, kernel, stride, dilation)
    taps = tuple(1.0 + tap for tap in range(kernel))
    full = F.conv1d(
        torch.tensor(ROW[:size])[None, None],
        torch.tensor(taps)[None, None],
        padding="same",
        dilation=dilation,
    )
    assert pytorch.apply(ROW[:size], taps) == tuple(full[0, 0, ::stride].tolist())
    assert tensorflow.output == pytorch.output == math.ceil(size / stride)
    total = max((tensorflow.output - 1) * stride + tensorflow.span - size, 0)
    assert (tensorflow.before, tensorflow.after) == (total // 2, total - total // 2)


def test_an_odd_kernels_same_at_a_stride_is_the_usual_padding_of_half_the_kernel():
    for kernel in (1, 3, 5, 7):
        assert same_twice(8, kernel, 2)[0] == axis(8, kernel, 2, kernel // 2)


def test_pytorch_refuses_same_at_stride_2_as_the_page_says():
    with pytest.raises(RuntimeError, match="not supported for strided"):
        F.conv1d(torch.zeros(1, 1, 8), torch.zeros(1, 1, 3), stride=2, padding="same")
    with pytest.raises(ConvolutionError, match="stride 1 only"):
        axis(8, 3, 2, "same")


@pytest.mark.parametrize(
    "wrong", [{"size": 2, "kernel": 3}, {"size": 5, "kernel": 3, "dilation": 3}, {"size": 5, "kernel": 0}]
)
def test_what_does_not_fit_is_told(wrong):
    with pytest.raises(ConvolutionError):
        axis(**wrong)


def test_one_pixel():
    assert axis(1, 3, padding="same").windows == ((-1, 0, 1),)
