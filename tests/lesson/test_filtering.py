"""Kernels over whole pictures: against SciPy and OpenCV, in a row, and as a screen shows them."""

import cv2
import numpy as np
import pytest
import scipy
import scipy.ndimage
import torch

from explorer.kernels import KERNELS, random
from explorer.lesson.filtering import chained, displayed, laid_over, pixels, suited, weight_texts
from explorer.lesson.matrices import LessonError
from explorer.lesson.peers import PEERS, peer
from explorer.lesson.separability import separate

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (37, 53, 3), dtype=np.uint8)
GREY = pixels(RGB, grey=True).double()


def called(call, kernel):
    """What a peer's call gives, run as it stands there."""
    names = {"scipy": scipy, "cv2": cv2, "picture": GREY[0].numpy(), "kernel": kernel.numpy()}
    return eval(call, names)


@pytest.mark.parametrize("name", KERNELS)
def test_the_whole_picture_is_scipys_or_opencvs(name):
    for end in ("default", "low"):
        values = {each.name: getattr(each, end) for each in KERNELS[name].parameters}
        kernel = KERNELS[name].weight(**values)
        expected = called(peer(name, kernel, **values), kernel)
        np.testing.assert_allclose(laid_over(GREY, kernel)[0].numpy(), expected, atol=2e-10)


def test_named_peers_are_of_the_catalogue_and_ones_own_kernel_has_one_too():
    assert set(PEERS) < set(KERNELS)
    own = random(5, 4)
    np.testing.assert_allclose(laid_over(GREY, own)[0].numpy(), called(peer("own", own), own), atol=1e-10)


def test_pixels_are_whole_numbers_and_grey_is_opencvs():
    assert torch.equal(pixels(RGB, grey=False), torch.from_numpy(RGB).permute(2, 0, 1).float())
    theirs = cv2.cvtColor(RGB, cv2.COLOR_RGB2GRAY).astype(float)
    assert np.abs(GREY[0].numpy() - theirs).max() <= 1  # OpenCV rounds its weights first
    assert torch.equal(GREY, GREY.round())


def test_large_pictures_are_reduced_to_320_pixels():
    assert pixels(np.zeros((400, 640, 3), np.uint8), grey=False).shape == (3, 200, 320)


def test_zeros_beyond_the_edge_by_hand():
    row, kernel = torch.tensor([[[1.0, 2, 3]]]), torch.tensor([[1.0, 1, 1]])
    assert laid_over(row, kernel, "zeros").tolist() == [[[3, 6, 5]]]
    assert laid_over(row, kernel).tolist() == [[[4, 6, 8]]]


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 7), (1, 9, 1)])
@pytest.mark.parametrize("edge", ["replicate", "zeros"])
def test_tiny_pictures_keep_their_size_under_large_kernels(shape, edge):
    out = laid_over(torch.ones(shape), KERNELS["gaussian_sigma"].weight(sigma=7.5), edge)
    assert out.shape == shape
    if edge == "replicate":
        torch.testing.assert_close(out, torch.ones(shape))


def test_every_colour_is_filtered_by_itself():
    colour, kernel = pixels(RGB, grey=False), KERNELS["emboss"].weight()
    whole = laid_over(colour, kernel)
    for channel in range(3):
        torch.testing.assert_close(whole[channel], laid_over(colour[channel][None], kernel)[0])


def test_clip_counts_what_it_cuts_off():
    shown = displayed(torch.tensor([[-3.0, -0.4, 0, 128.4, 255.4, 256, 999, -1]]), "clip")
    assert shown.pixels.tolist() == [[0, 0, 0, 128, 255, 255, 255, 0]]
    assert (shown.below, shown.above, shown.clipped) == (2 / 8, 2 / 8, 4 / 8)


def test_centre_puts_zero_at_middle_grey_and_cuts_nothing():
    shown = displayed(torch.tensor([-510.0, 0, 255, 510]), "centre")
    assert shown.pixels.tolist() == [0, 128, 191, 255]
    assert (shown.clipped, shown.divisor) == (0, 4)


def test_absolute_drops_the_sign():
    shown = displayed(torch.tensor([-100.0, 100, -300, 0]), "absolute")
    assert shown.pixels.tolist() == [100, 100, 255, 0]
    assert (shown.below, shown.above) == (0, 1 / 4)


@pytest.mark.parametrize("how", ["clip", "centre", "absolute"])
def test_a_constant_zero_is_shown_without_dividing_by_it(how):
    assert (displayed(torch.zeros(2, 3), how).pixels == (128 if how == "centre" else 0)).all()


def test_a_display_suits_its_kernel():
    assert suited(KERNELS["gaussian"].weight()) == suited(KERNELS["sharpen"].weight()) == "clip"
    assert suited(KERNELS["sobel_x"].weight()) == suited(KERNELS["laplacian"].weight()) == "centre"


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 37, 53), (3, 5, 4)])
def test_kernels_in_a_row_and_the_single_one_give_the_same_picture(shape):
    generator = torch.Generator().manual_seed(1)
    picture = torch.rand(shape, generator=generator) * 255
    kernels = [KERNELS[name].weight() for name in ("gaussian", "edge_diagonal", "sobel_y")]
    chain = chained(picture, kernels)
    assert chain.stepwise.shape == chain.together.shape == shape
    assert chain.difference < 1e-10
    assert chain.composition.kernel.shape == (6, 6)


def test_a_single_kernel_in_a_chain_is_laid_over_as_usual():
    for name in ("sobel_x", "edge_diagonal", "gaussian"):
        kernel = KERNELS[name].weight()
        torch.testing.assert_close(chained(GREY, [kernel]).stepwise, laid_over(GREY, kernel))


def test_with_a_relu_between_no_single_kernel_does_the_same():
    kernels = [KERNELS["sobel_x"].weight(), KERNELS["box"].weight()]
    assert chained(GREY, kernels, relu=True).difference > 10
    assert chained(GREY, kernels[::-1], relu=True).difference < 1e-10  # nothing negative before the second


def test_random_kernels_are_seeded_of_unit_length_and_leave_the_generator_alone():
    before = torch.random.get_rng_state()
    assert torch.equal(random(4, 5), random(4, 5))
    assert not torch.equal(random(4, 5), random(5, 5))
    assert random(4, 11).norm().item() == pytest.approx(1, abs=0.01)
    assert random(0, 1).abs().item() == 1
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_is_not_possible_is_told():
    with pytest.raises(LessonError, match=r"replicate or zeros, got 'mirror'"):
        laid_over(GREY, torch.ones(3, 3), "mirror")
    with pytest.raises(LessonError, match="must be finite"):
        laid_over(GREY, torch.tensor([[float("inf")]]))
    with pytest.raises(LessonError, match="clip, centre, absolute, got 'x'"):
        displayed(GREY, "x")


def test_weights_are_written_as_short_fractions_also_when_they_come_from_a_decomposition():
    apart = separate(KERNELS["gaussian"].weight())
    assert weight_texts(apart.rows) == [["1/16", "1/8", "1/16"]]
    assert weight_texts(KERNELS["gabor"].weight(angle=45, wavelength=3))[5][5] == "0.1238"
    assert weight_texts(torch.zeros(1, 2)) == [["0", "0"]]
    assert len(weight_texts(torch.full((20, 20), 1 / 7))[0][0]) == 6
