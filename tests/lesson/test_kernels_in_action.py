"""Kernels in a row, taken apart, and on waves: against numbers on paper, SciPy and the definition."""

import math

import numpy as np
import pytest
import scipy.fft
import scipy.signal
import torch
import torch.nn.functional as F

from explorer.kernels import KERNELS
from explorer.lesson.composition import compose
from explorer.lesson.frequency import factor, frequency_response
from explorer.lesson.matrices import LessonError
from explorer.lesson.separability import separate

CATALOGUE = [kernel.weight() for kernel in KERNELS.values()]


def matrix(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def laid_over(picture, kernel):
    return F.conv2d(picture[None, None], kernel[None, None])[0, 0]


def test_a_smoothing_column_after_a_difference_is_sobel():
    both = compose([matrix([-1, 0, 1]), matrix([1], [2], [1])])
    assert torch.equal(both.kernel, KERNELS["sobel_x"].weight())
    assert (both.products_apart, both.products_together) == (6, 9)


def test_two_boxes_make_a_pyramid():
    both = compose([torch.ones(2, 2), torch.ones(2, 2)])
    assert torch.equal(both.kernel, matrix([1, 2, 1], [2, 4, 2], [1, 2, 1]))
    assert (both.products_apart, both.products_together) == (8, 9)


def test_one_after_the_other_is_the_composition():
    picture = torch.randn(31, 27, dtype=torch.float64)
    kernels = [torch.randn(3, 2), KERNELS["emboss"].weight(), torch.randn(1, 4), torch.randn(5, 3)]
    stepwise = picture
    for kernel in kernels:
        stepwise = laid_over(stepwise, kernel.double())
    whole = compose(kernels)
    assert whole.kernel.shape == (9, 9)
    torch.testing.assert_close(laid_over(picture, whole.kernel), stepwise)
    torch.testing.assert_close(compose(kernels[::-1]).kernel, whole.kernel)


@pytest.mark.parametrize("name", KERNELS)
def test_composition_is_scipys_full_convolution(name):
    one, other = KERNELS[name].weight(), torch.randn(4, 3, dtype=torch.float64)
    expected = scipy.signal.convolve2d(one.numpy(), other.numpy())
    np.testing.assert_allclose(compose([one, other]).kernel, expected, atol=1e-12)


def test_compositions_that_are_not_possible():
    with pytest.raises(LessonError, match="at least one"):
        compose([])
    with pytest.raises(LessonError, match=r"got shape \(3,\)"):
        compose([torch.ones(3)])
    with pytest.raises(LessonError, match="must be finite"):
        compose([torch.tensor([[float("nan")]])])
    with pytest.raises(LessonError, match="together these kernels have 1×199 taps"):
        compose([torch.ones(1, 100), torch.ones(1, 100)])
    own = torch.ones(2, 2)
    compose([own]).kernel.mul_(1)
    assert torch.equal(own, torch.ones(2, 2))


@pytest.mark.parametrize("kernel", CATALOGUE, ids=KERNELS)
def test_rank_is_numpys_and_the_pairs_add_up(kernel):
    apart = separate(kernel)
    assert apart.rank == np.linalg.matrix_rank(kernel.numpy())
    torch.testing.assert_close(apart.approximation(apart.rank), kernel, atol=1e-12, rtol=1e-9)
    assert apart.shares.sum() == pytest.approx(1)
    assert apart.products_apart == apart.rank * sum(kernel.shape)


@pytest.mark.parametrize("name", KERNELS)
def test_single_precision_has_the_same_rank(name):
    weight = KERNELS[name].weight()
    assert separate(weight.float()).rank == separate(weight).rank


def test_ranks_on_paper():
    ranks = {name: separate(KERNELS[name].weight()).rank for name in KERNELS}
    assert (
        ranks["box"] == ranks["gaussian"] == ranks["sobel_x"] == ranks["scharr_y"] == ranks["identity"] == 1
    )
    assert ranks["laplacian"] == ranks["sharpen"] == ranks["unsharp"] == ranks["edge_diagonal"] == 2
    gaussian = separate(KERNELS["gaussian"].weight())
    torch.testing.assert_close(gaussian.columns, matrix([1, 2, 1]))
    torch.testing.assert_close(gaussian.rows, matrix([1, 2, 1]) / 16)
    wide = separate(KERNELS["gaussian_sigma"].weight(sigma=1.5))  # 13×13
    assert (wide.rank, wide.products, wide.products_apart, wide.saves) == (1, 169, 26, True)
    assert not separate(KERNELS["laplacian"].weight()).saves  # 2 · (3 + 3) = 12 products instead of 9


def test_separate_passes_do_the_same_to_a_picture():
    picture = torch.randn(20, 17, dtype=torch.float64)
    kernel = torch.randn(4, 3, dtype=torch.float64)
    apart = separate(kernel)
    assert apart.rank == 3
    passes = sum(
        laid_over(laid_over(picture, column[:, None]), row[None])
        for column, row in zip(apart.columns, apart.rows, strict=True)
    )
    torch.testing.assert_close(passes, laid_over(picture, kernel))


def test_the_nearest_kernel_of_lower_rank():
    kernel = torch.randn(6, 5, dtype=torch.float64)
    apart = separate(kernel)
    left = (kernel - apart.approximation(2)).square().sum()
    assert left.item() == pytest.approx((apart.singular_values[2:] ** 2).sum().item())  # Eckart and Young
    assert (left / kernel.square().sum()).item() == pytest.approx(apart.shares[2:].sum().item())
    with pytest.raises(LessonError, match="rank 5; an approximation has 0 to that, got 6"):
        apart.approximation(6)


def test_zeros_a_single_tap_and_a_constant_have_a_rank_too():
    nothing = separate(torch.zeros(3, 2))
    assert (nothing.rank, nothing.products_apart) == (0, 0)
    assert torch.equal(nothing.approximation(0), torch.zeros(3, 2, dtype=torch.float64))
    assert torch.equal(nothing.shares, torch.zeros(2, dtype=torch.float64))
    assert separate(matrix([-2])).rows.item() == -2
    assert separate(torch.full((3, 5), 7)).rank == 1


@pytest.mark.parametrize("kernel", CATALOGUE, ids=KERNELS)
def test_the_response_is_scipys_transform_and_the_definition(kernel):
    response = frequency_response(kernel, 65)
    expected = np.abs(scipy.fft.fftshift(scipy.fft.fft2(kernel.numpy(), (65, 65))))
    np.testing.assert_allclose(response.magnitude, expected, atol=1e-12)
    vertical, horizontal, most = response.strongest
    assert factor(kernel, vertical, horizontal) == pytest.approx(most)
    assert most == pytest.approx(expected.max())
    assert response.constant == pytest.approx(abs(kernel.sum().item()), abs=1e-9)


@pytest.mark.parametrize("name", ["sobel_x", "gaussian", "laplacian", "edge_diagonal", "gabor"])
def test_a_wave_comes_out_by_that_factor(name):
    kernel, (vertical, horizontal) = KERNELS[name].weight(), (3 / 48, -7 / 48)
    y, x = torch.meshgrid(*[torch.arange(96, dtype=torch.float64)] * 2, indexing="ij")
    wave = torch.cos(2 * math.pi * (vertical * y + horizontal * x))
    out = laid_over(wave, kernel)[:48, :48]  # whole periods
    amplitude = math.sqrt(2 * out.square().mean())
    assert amplitude == pytest.approx(factor(kernel, vertical, horizontal), abs=1e-9)


def test_responses_on_paper():
    difference = frequency_response(matrix([-1, 0, 1]), 129)
    assert difference.constant == 0
    assert difference.strongest[2] == pytest.approx(2, abs=1e-3)
    assert difference.wavelength == pytest.approx(4, rel=0.02)
    box = frequency_response(KERNELS["box"].weight(), 63)
    assert box.constant == pytest.approx(1)
    assert box.wavelength == math.inf
    assert box.magnitude[31, 31 + 21].item() == pytest.approx(0, abs=1e-12)  # a third of a cycle per pixel
    gabor = frequency_response(KERNELS["gabor"].weight(angle=0, wavelength=6))
    assert gabor.wavelength == pytest.approx(6, rel=0.1)
    assert gabor.strongest[0] == pytest.approx(0, abs=0.02)


def test_responses_multiply_when_kernels_are_composed_and_do_not_mind_a_turn():
    one, other = torch.randn(3, 4), torch.randn(2, 5)
    product = frequency_response(one, 33).magnitude * frequency_response(other, 33).magnitude
    whole = compose([one, other]).kernel
    torch.testing.assert_close(frequency_response(whole, 33).magnitude, product)
    torch.testing.assert_close(frequency_response(whole.flip(0, 1), 33).magnitude, product)


@pytest.mark.parametrize("size", [64, 3, 513])
def test_sizes_that_are_not_possible(size):
    with pytest.raises(LessonError, match=f"odd and between 5 and 512, got {size}"):
        frequency_response(torch.ones(5, 2), size)


def test_the_strongest_waves_run_where_the_kernel_looks():
    ways = {
        name: frequency_response(KERNELS[name].weight(**values)).direction
        for name, values in (
            ("sobel_x", {}),
            ("sobel_y", {}),
            ("edge_diagonal", {}),
            ("laplacian", {}),
            ("laplacian_of_gaussian", {}),
            ("box", {}),
        )
    }
    assert list(ways.values()) == ["across", "down", "falling", "several", "several", "none"]
    assert frequency_response(KERNELS["gabor"].weight(angle=135)).direction == "rising"


def test_what_is_left_of_the_finest_stripes():
    level = torch.full((1, 3), 1 / 3, dtype=torch.float64)
    assert frequency_response(level).finest == pytest.approx(1)
    assert frequency_response(level.T @ level).finest == pytest.approx(1 / 3, abs=0.01)
