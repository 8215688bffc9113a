"""The measure of edge detectors: what must pass, what must not, and how seldom noise does."""

import math

import pytest
import torch

from explorer.kernels import KERNELS
from explorer.lesson.edges import LEAST_FIT, LEAST_SELECTIVITY, by_chance, edge_fits, edge_share
from explorer.lesson.matrices import LessonError


def grid(size):
    positions = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    return positions[:, None], positions[None, :]


def derivative(degrees, size=7, sigma=1.4):
    """The derivative of a bell in a direction: the textbook edge detector."""
    y, x = grid(size)
    along = x * math.cos(math.radians(degrees)) + y * math.sin(math.radians(degrees))
    return (along * torch.exp(-(x**2 + y**2) / (2 * sigma**2)))[None, None]


def spot(size=7, sigma=1.4):
    y, x = grid(size)
    return torch.exp(-(x**2 + y**2) / (2 * sigma**2))[None, None]


def middle(weight):
    start = (len(weight) - 7) // 2
    return weight[start : start + 7, start : start + 7][None, None]


def placed(name, **values):
    weight = KERNELS[name].weight(**values)
    if len(weight) > 7:
        return middle(weight)
    full = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    top, left = ((7 - side) // 2 for side in weight.shape)
    full[0, 0, top : top + weight.shape[0], left : left + weight.shape[1]] = weight
    return full


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 135, 170])
@pytest.mark.parametrize("size", [5, 7, 11])
def test_an_edge_of_any_direction_passes(degrees, size):
    (edge,) = edge_fits(-3 * derivative(degrees, size, size / 5))
    assert edge.fit > 0.85
    assert edge.selectivity == pytest.approx(0.5, abs=0.08)
    assert (edge.angle - degrees + 90) % 180 - 90 == pytest.approx(0, abs=3)
    assert edge.is_edge


def test_the_power_of_a_derivative_gives_exactly_one_half():
    # Its spectrum is cos² of the angle: the mean of cos 2a over it is (1/4) / (1/2).
    (edge,) = edge_fits(derivative(0, 15, 2.2))
    assert edge.selectivity == pytest.approx(0.5, abs=0.005)


def test_sobel_and_gabor_pass():
    for name in ("sobel_x", "sobel_y", "prewitt_x", "scharr_y"):
        assert edge_fits(placed(name))[0].is_edge
    assert edge_fits(placed("gabor", wavelength=5, angle=60))[0].is_edge
    assert edge_fits(placed("sobel_x"))[0].angle == pytest.approx(0, abs=1e-6)
    assert edge_fits(placed("sobel_y"))[0].angle == pytest.approx(90, abs=1e-6)


def test_spots_and_blurs_and_single_taps_do_not():
    for weight in (spot(), placed("laplacian"), placed("box"), placed("gaussian"), placed("identity")):
        (edge,) = edge_fits(weight)
        assert not edge.is_edge
        assert edge.selectivity < 0.05
    assert not edge_fits(torch.ones(1, 1, 7, 7))[0].is_edge


def test_noise_hardly_ever_passes():
    assert by_chance(7) == 0
    assert by_chance(9, in_channels=3, count=300) == 0
    assert by_chance(5) < 0.05
    noise = edge_fits(torch.randn(400, 1, 7, 7))
    assert sum(edge.fit >= LEAST_FIT for edge in noise) < 4
    assert sum(edge.selectivity >= LEAST_SELECTIVITY for edge in noise) < 12


def test_sign_and_size_of_a_filter_do_not_matter_and_colours_count_together():
    weight = torch.randn(4, 2, 7, 7)
    for one, other in zip(edge_fits(weight), edge_fits(-0.01 * weight), strict=True):
        assert (one.fit, one.selectivity) == pytest.approx((other.fit, other.selectivity))
    opponent = torch.cat([derivative(30), -derivative(30), 0 * spot()], 1)
    assert edge_fits(opponent)[0].fit == pytest.approx(edge_fits(derivative(30))[0].fit)
    half = torch.cat([derivative(30), torch.randn(1, 1, 7, 7).double() * derivative(30).std()], 1)
    assert edge_fits(half)[0].fit < 0.8


def test_zeros_fit_nothing_and_shares_count():
    (nothing,) = edge_fits(torch.zeros(1, 1, 5, 5))
    assert (nothing.fit, nothing.selectivity, nothing.is_edge) == (0, 0, False)
    both = torch.cat([derivative(10), spot(), derivative(80), torch.zeros(1, 1, 7, 7)])
    assert edge_share(both) == 0.5


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (torch.zeros(1, 1, 3, 3), "5×5 to 15×15 can be measured, got 3×3"),
        (torch.zeros(1, 1, 7, 5), r"got shape \(1, 1, 7, 5\)"),
        (torch.zeros(7, 7), r"got shape \(7, 7\)"),
        (torch.full((1, 1, 7, 7), float("nan")), "must be finite"),
    ],
)
def test_what_cannot_be_measured_says_why(weight, message):
    with pytest.raises(LessonError, match=message):
        edge_fits(weight)
