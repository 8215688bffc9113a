"""What the chapter on kernels says in numbers: every kind of sentence against numbers on paper."""

import doctest
import re

import pytest
import torch

from explorer.convolution import ConvolutionError
from explorer.kernels import KERNELS
from explorer.lesson.filtering import displayed
from explorer.lesson.frequency import frequency_response
from explorer.lesson.separability import separate
from explorer.lesson.windows import axis, same_twice
from pages.lesson.kernels import nature, words


def test_the_examples_in_the_docstrings_hold():
    found = doctest.testmod(words)
    assert found.attempted
    assert not found.failed


def test_what_is_left_over_is_counted() -> None:
    assert "At the end 1 column is left over" in words.told(axis(8, 3, 2), "valid")
    assert "In each row 1 pixel is never read." in words.told(axis(8, 3, 2), "valid")
    assert "In each row 2 pixels are never read." in words.told(axis(6, 2, 3, 0, 2), "0")
    assert "left over" not in words.told(axis(7, 3, 2), "valid")


def test_the_sentence_on_two_libraries_is_right_for_all_numbers() -> None:
    for size in range(3, 13):
        for kernel in range(1, 8):
            for stride in range(2, 5):
                ours, theirs = same_twice(size, kernel, stride)
                shifts = {b[0] - a[0] for a, b in zip(ours.windows, theirs.windows, strict=True)}
                said = re.search(r"lies (\d+) pixels? further", words.two_libraries(ours, theirs))
                assert shifts == {int(said[1]) if said else 0}


def test_what_is_said_of_separability() -> None:
    assert "3 + 3 = 6 products per pixel in place of 3 · 3 = 9, 1.5 times fewer" in words.separable(
        separate(KERNELS["sobel_x"].weight())
    )
    assert "17 + 17 = 34 products per pixel in place of 17 · 17 = 289, 8.5 times fewer" in words.separable(
        separate(KERNELS["gaussian_sigma"].weight(sigma=2.0))
    )
    told = words.separable(separate(KERNELS["laplacian"].weight()))
    assert "Rank 2" in told
    assert "2 · (3 + 3) = 12 products per pixel in place of 9, so it is better applied whole" in told
    assert "already a single line: 3 products" in words.separable(separate(KERNELS["edge_vertical"].weight()))
    assert "which saves nothing" in words.separable(separate(torch.ones(2, 2)))


def test_what_is_said_of_the_display() -> None:
    values = torch.tensor([-300.0, -100, 0, 100, 300])
    assert "**40 % of the numbers are cut off** (40 % below, 20 % above)".replace(
        "**40", "**60"
    ) in words.display(displayed(values, "clip"), "clip")
    assert "**40 % of the numbers are cut off.**" in words.display(displayed(values, "absolute"), "absolute")
    assert "divided by 2.35" in words.display(displayed(values, "centre"), "centre")


def test_what_is_impossible_in_words() -> None:
    assert "the stride is 3" in words.impossible(ConvolutionError("x"), "same", 3)
    assert words.impossible(ConvolutionError("too small"), "1", 3) == "Not possible: too small."


EVEN, GONE = "An even picture comes out × 1", "An even picture vanishes (× 0)"


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("identity", {}, f"{EVEN}, and so does every wave"),
        (
            "sobel_x",
            {},
            f"{GONE}; the strongest answer, about × 8, is to waves of about 4 pixels that run across",
        ),
        ("sobel_y", {}, "that run down the picture."),
        (
            "gabor",
            {"angle": 45.0, "wavelength": 5},
            "about 5 pixels that run slantwise, to the right and down",
        ),
        (
            "gabor",
            {"angle": 135.0, "wavelength": 5},
            "about 5 pixels that run slantwise, to the right and up",
        ),
        ("gabor", {"angle": 0.0, "wavelength": 8}, "about 8 pixels that run across the picture"),
        (
            "sharpen",
            {},
            f"{EVEN}; the strongest answer, about × 9, is to waves of about 1.4 pixels that run in more",
        ),
        ("laplacian", {}, f"{GONE}; the strongest answer, about × 8"),
        ("gaussian", {}, f"{EVEN}, and no wave comes out stronger; of the finest stripes"),
    ],
)
def test_what_is_said_of_waves(name: str, parameters: dict, sentence: str) -> None:
    assert sentence in words.waves(frequency_response(KERNELS[name].weight(**parameters), nature.FINE))
