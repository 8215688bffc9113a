"""Parametrizations: the statistics of what they draw, what they keep, and that they can be inverted."""

import json
import math

import numpy as np
import pytest
import torch

from explorer.images import decode
from explorer.samples import SAMPLES, sample_bytes
from explorer.visualization import Fourier, Maco, Pixels, VisualizationError, natural
from explorer.visualization.parametrizations import from_json

ALL = [Pixels(), Pixels(natural_colours=False), Fourier(), Fourier(decay=0), Maco()]
SIZES = [(24, 32), (33, 17), (16, 15), (8, 9)]


def drawn(parametrization, height, width, count=1):
    source = torch.Generator().manual_seed(1)
    return torch.stack([parametrization.start(height, width, source) for _ in range(count)])


def slope(pictures):
    """How the mean magnitude of a frequency falls with it: the exponent of 1 / f."""
    height, width = pictures.shape[-2:]
    magnitudes = torch.fft.rfft2(pictures - pictures.mean((-2, -1), keepdim=True)).abs().mean((0, 1))
    f = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None])
    inner = (f > 0.05) & (f < 0.45)
    x, y = f[inner].log(), magnitudes[inner].log()
    x, y = x - x.mean(), y - y.mean()
    return float(-(x * y).sum() / x.square().sum())


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("parametrization", ALL, ids=str)
def test_pictures_of_every_size(parametrization, size):
    pictures = parametrization.pictures(drawn(parametrization, *size, count=2), size[1])
    assert pictures.shape == (2, 3, *size)
    assert 0 < pictures.min() < pictures.max() < 1
    assert pictures.mean((2, 3)) == pytest.approx(torch.full((2, 3), 0.5), abs=0.12)


@pytest.mark.parametrize("decay", [0.0, 1.0, 2.0])
def test_fourier_falls_as_one_over_f(decay):
    # Little contrast, so that the logistic curve is straight.
    parametrization = Fourier(spread=0.02, decay=decay)
    pictures = parametrization.pictures(drawn(parametrization, 64, 80, count=8), 80)
    assert slope(pictures) == pytest.approx(decay, abs=0.05)


def test_pixels_are_white_noise():
    pictures = Pixels(spread=0.02).pictures(drawn(Pixels(spread=0.02), 64, 80, count=8), 80)
    assert slope(pictures) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("parametrization", [Pixels(spread=0.5), Fourier(spread=0.5)], ids=str)
def test_the_spread_is_that_of_the_logits(parametrization):
    plain = type(parametrization)(spread=0.5, natural_colours=False)
    logits = torch.logit(plain.pictures(drawn(plain, 48, 64, count=20), 64).double())
    assert logits.std() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("parametrization", [Pixels(spread=0.3), Fourier(spread=0.3)], ids=str)
def test_colours_go_together_as_in_nature(parametrization):
    logits = torch.logit(parametrization.pictures(drawn(parametrization, 32, 40, count=60), 40).double())
    found = torch.corrcoef(logits.transpose(0, 1).flatten(1)).numpy()
    colours = natural.stored().colours.astype(float)
    covariance = colours @ colours.T
    deviations = np.sqrt(np.diag(covariance))
    assert found == pytest.approx(covariance / np.outer(deviations, deviations), abs=0.06)
    assert found.min() > 0.3  # red, green and blue rise and fall together


def test_maco_keeps_the_magnitudes_whatever_happens_to_the_phases():
    phases = drawn(Maco(), 40, 50)
    spectra = []
    for change in (0.0, 1.0):
        pictures = Maco(contrast=0.4).pictures(phases + change * torch.randn_like(phases), 50)
        own = torch.linalg.solve(torch.from_numpy(natural.stored().colours), torch.logit(pictures).flatten(2))
        spectra.append(torch.fft.rfft2(own.unflatten(2, (40, 50)), norm="ortho").abs()[0])
    expected = natural.spectrum_at(40, 50) * 0.4
    inner = (slice(None), slice(1, 19), slice(1, 24))  # the others are their own mirror images
    for spectrum in spectra:
        assert torch.allclose(spectrum[inner], expected[inner], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("parametrization", ALL[:4], ids=str)
def test_a_given_picture_comes_out_again(parametrization, size):
    picture = torch.rand(3, *size) * 0.98 + 0.01
    again = parametrization.pictures(parametrization.encode(picture)[None], size[1])[0]
    assert torch.allclose(again, picture, atol=1e-4)


def test_black_and_white_come_out_as_nearly_black_and_white():
    picture = torch.zeros(3, 8, 10)
    picture[:, 4:] = 1
    again = Fourier().pictures(Fourier().encode(picture)[None], 10)[0]
    assert (again - picture).abs().max() < 0.005


def test_maco_keeps_a_given_picture_recognisable():
    picture = torch.full((3, 32, 32), 0.3)
    picture[:, 8:20, 12:26] = 0.8
    again = Maco().pictures(Maco().encode(picture)[None], 32)[0]
    assert torch.corrcoef(torch.stack([again.flatten(), picture.flatten()]))[0, 1] > 0.4


@pytest.mark.parametrize("parametrization", ALL, ids=str)
def test_written_and_read_again(parametrization):
    assert from_json(json.loads(json.dumps(parametrization.to_json()))) == parametrization


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Fourier(decay=9),
        lambda: Fourier(spread=math.nan),
        lambda: from_json({"kind": "wavelet"}),
        lambda: from_json({"kind": "maco", "decay": 1}),
    ],
)
def test_what_is_no_parametrization(wrong):
    with pytest.raises(VisualizationError):
        wrong()


def test_the_stored_statistics_are_those_of_the_samples():
    measured = natural.measure(decode(sample_bytes(name)).rgb for name in SAMPLES)
    stored = natural.stored()
    assert stored.colours == pytest.approx(measured.colours, abs=1e-4)
    assert stored.spectrum == pytest.approx(measured.spectrum, rel=2e-3, abs=1e-3)


def test_statistics_of_a_known_picture():
    rng = np.random.default_rng(0)
    light = rng.uniform(60, 190, (140, 150, 1))
    picture = np.clip(light + rng.normal(0, 12, (140, 150, 3)), 0, 255).astype(np.uint8)
    found = natural.measure([picture])
    axis = found.colours[:, 0] / np.linalg.norm(found.colours[:, 0])
    assert axis == pytest.approx(np.full(3, 3**-0.5), abs=0.02)  # light and dark vary most
    assert np.linalg.norm(found.colours, axis=0)[1:].max() < 0.35
    flat = found.spectrum[:, 5:60, 5:60].mean((1, 2))
    assert flat == pytest.approx(flat.mean(), rel=0.1)  # white noise in each colour


def test_the_spectrum_at_another_size():
    same = natural.spectrum_at(natural.WINDOW, natural.WINDOW)
    inner = (slice(None), slice(1, 60), slice(1, 60))
    assert same[inner] == pytest.approx(natural.stored().spectrum[inner], rel=0.02)
    larger = natural.spectrum_at(96, 200)
    assert larger.shape == (3, 96, 101)
    assert natural.full_plane_power(larger, 200) == pytest.approx(1, rel=1e-4)
    assert larger[0, 5, 10] > larger[0, 20, 40] > larger[0, 45, 90] > 0


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (np.zeros((20, 300, 3), np.uint8), "none of the pictures has 128 × 128"),
        (np.full((200, 150, 3), 90, np.uint8), "colours"),
    ],
)
def test_pictures_without_statistics(picture, says):
    with pytest.raises(ValueError, match=says):
        natural.measure([picture])
