"""The classic kernels against numbers on paper and against the operators of SciPy and OpenCV."""

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from explorer.kernels import KERNELS, KernelError, find, keeps_brightness

RNG = np.random.default_rng(7)
PICTURE = RNG.random((41, 53))


def applied(name, **parameters):
    """The kernel over the picture, away from the edge, and how far from it."""
    weight = KERNELS[name].weight(**parameters)
    return F.conv2d(torch.from_numpy(PICTURE)[None, None], weight[None, None])[0, 0].numpy()


def inner(array, shape):
    top, left = (array.shape[0] - shape[0]) // 2, (array.shape[1] - shape[1]) // 2
    return array[top : top + shape[0], left : left + shape[1]]


ORACLES = {
    "identity": lambda: PICTURE,
    "box": lambda: ndimage.uniform_filter(PICTURE, 3),
    "gaussian": lambda: cv2.GaussianBlur(PICTURE, (3, 3), 0),
    "sobel_x": lambda: ndimage.sobel(PICTURE, axis=1),
    "sobel_y": lambda: ndimage.sobel(PICTURE, axis=0),
    "prewitt_x": lambda: ndimage.prewitt(PICTURE, axis=1),
    "prewitt_y": lambda: ndimage.prewitt(PICTURE, axis=0),
    "scharr_x": lambda: cv2.Scharr(PICTURE, cv2.CV_64F, 1, 0),
    "scharr_y": lambda: cv2.Scharr(PICTURE, cv2.CV_64F, 0, 1),
    "laplacian": lambda: ndimage.laplace(PICTURE),
    "edge_vertical": lambda: 2 * np.gradient(PICTURE, axis=1),
    "edge_horizontal": lambda: 2 * np.gradient(PICTURE, axis=0),
    "sharpen": lambda: PICTURE - ndimage.laplace(PICTURE),
    "unsharp": lambda: 2 * PICTURE - cv2.GaussianBlur(PICTURE, (5, 5), 0),
}


@pytest.mark.parametrize("name", ORACLES)
def test_a_kernel_is_the_operator_of_scipy_or_opencv(name):
    own = applied(name)
    np.testing.assert_allclose(own, inner(ORACLES[name](), own.shape), atol=1e-12)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.5])
def test_gaussian_and_its_laplacian_are_scipys(sigma):
    own = applied("gaussian_sigma", sigma=sigma)
    np.testing.assert_allclose(own, inner(ndimage.gaussian_filter(PICTURE, sigma), own.shape), atol=1e-13)
    own = applied("laplacian_of_gaussian", sigma=sigma)
    np.testing.assert_allclose(own, inner(ndimage.gaussian_laplace(PICTURE, sigma), own.shape), atol=1e-12)


def test_roberts_diagonal_by_hand():
    picture = torch.tensor([[[[1.0, 2, 4], [3, 7, 5]]]], dtype=torch.float64)
    weight = KERNELS["edge_diagonal"].weight()[None, None]
    assert F.conv2d(picture, weight)[0, 0].tolist() == [[6, 3]]  # 7 - 1, 5 - 2


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_gabor_is_opencvs_without_its_constant_part(angle):
    wavelength = 6.0
    own = KERNELS["gabor"].weight(angle=angle, wavelength=wavelength).numpy()
    size = (own.shape[1], own.shape[0])
    theirs = cv2.getGaborKernel(size, wavelength / 2, np.radians(angle), wavelength, 1.0, 0)
    envelope = cv2.getGaborKernel(size, wavelength / 2, 0, 1e9, 1.0, 0)
    balanced = theirs - envelope * theirs.sum() / envelope.sum()
    np.testing.assert_allclose(own, balanced / np.abs(balanced).sum(), atol=1e-9)
    assert abs(own.sum()) < 1e-12


def test_gabor_answers_to_stripes_of_its_direction_and_width():
    x = np.arange(60)
    upright = torch.from_numpy(np.cos(2 * np.pi * x / 6)[None].repeat(50, 0))[None, None]
    reach = {
        angle: F.conv2d(upright, KERNELS["gabor"].weight(angle=angle, wavelength=6)[None, None]).max().item()
        for angle in (0, 45, 90)
    }
    assert reach[0] > 5 * reach[45]
    assert reach[0] > 5 * abs(reach[90])


@pytest.mark.parametrize(("angle", "axis"), [(0, 1), (90, 0)])
def test_motion_blur_along_the_axes_is_a_mean(angle, axis):
    own = applied("motion", length=7, angle=angle)
    mean = ndimage.uniform_filter1d(PICTURE, 7, axis=axis)
    np.testing.assert_allclose(own, inner(mean, own.shape), atol=1e-12)


def test_motion_blur_rises_to_the_right_at_45_degrees():
    weight = KERNELS["motion"].weight(length=9, angle=45)
    assert weight[:4, 5:].sum() > 0.3
    assert weight[:4, :4].sum() == 0


BLURS = ["identity", "box", "gaussian", "gaussian_sigma", "sharpen", "unsharp", "emboss", "motion"]


@pytest.mark.parametrize("name", KERNELS)
def test_weights_add_up_to_one_or_to_zero(name):
    weight = KERNELS[name].weight()
    assert weight.dtype == torch.float64
    assert weight.isfinite().all()
    assert keeps_brightness(weight) == (name in BLURS)
    assert weight.sum().item() == pytest.approx(float(name in BLURS), abs=2e-3)


@pytest.mark.parametrize("name", [name for name, kernel in KERNELS.items() if kernel.parameters])
def test_every_corner_of_the_parameters_makes_a_finite_kernel(name):
    kernel = KERNELS[name]
    for end in ("low", "high"):
        weight = kernel.weight(**{each.name: getattr(each, end) for each in kernel.parameters})
        assert weight.isfinite().all()
        assert all(side % 2 == 1 and 3 <= side <= 63 for side in weight.shape)


@pytest.mark.parametrize("name", KERNELS)
def test_each_says_what_it_does_where_it_is_used_and_where_it_is_from(name):
    kernel = KERNELS[name]
    assert kernel.name == name
    assert kernel.does.endswith(".")
    assert kernel.use.endswith(".")
    assert kernel.title
    assert kernel.source
    assert sum(other.title == kernel.title for other in KERNELS.values()) == 1


def test_mistakes_are_told_with_what_is_possible():
    with pytest.raises(KernelError, match=r"no kernel 'sobel'.*sobel_x"):
        find("sobel")
    with pytest.raises(KernelError, match=r"between 0\.5 and 7\.5, got 99"):
        KERNELS["gaussian_sigma"].weight(sigma=99)
    with pytest.raises(KernelError, match="no parameter 'sigma'; it has: none"):
        KERNELS["box"].weight(sigma=1)
    with pytest.raises(KernelError, match="got nan"):
        KERNELS["gabor"].weight(angle=float("nan"))
