"""Zeros, NaN and infinities: where they propagate as in PyTorch, and where a tile of neighbours is lost."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from explorer.convolution import ALGORITHMS, conv2d, fitting, sizes_of
from explorer.convolution.fft import tile_size
from explorer.convolution.winograd import winograd
from tests.convolution.cases import Case

DIRECT = ("loops", "im2col", "shift", "strided")
CASES = {
    "dense": Case(2, 1, (3, 4), (11, 13), (3, 3), (1, 1), (1, 1), (1, 1)),
    "strided": Case(1, 1, (2, 3), (9, 14), (3, 2), (2, 3), (1, 1), (1, 1)),
    "depthwise": Case(1, 5, (1, 1), (12, 7), (3, 3), (1, 1), (1, 1), (1, 1)),
    "depthwise, small": Case(1, 300, (1, 1), (4, 5), (3, 3), (1, 1), (1, 1), (1, 1)),
}


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "auto"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_zeros_make_exact_zeros(algorithm, dtype):
    picture, weight = torch.zeros(2, 3, 8, 9, dtype=dtype), torch.ones(4, 3, 3, 3, dtype=dtype)
    assert not conv2d(picture, weight, padding=1, algorithm=algorithm).any()
    assert not conv2d(picture + 1, weight * 0, padding=1, algorithm=algorithm).any()


@pytest.mark.parametrize("algorithm", DIRECT)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", CASES)
def test_a_special_pixel_reaches_exactly_the_windows_over_it(name, value, algorithm):
    case = CASES[name]
    input, weight, _ = case.tensors()
    for row, column in ((0, 0), (3, 4), (case.size[0] - 1, case.size[1] - 1)):
        special = input.clone()
        special[0, 1, row, column] = value
        ours = conv2d(special, weight, **case.parameters, algorithm=algorithm)
        torch.testing.assert_close(
            ours, F.conv2d(special, weight, **case.parameters), rtol=0, atol=1e-10, equal_nan=True
        )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("tile", [2, 4])
@pytest.mark.parametrize("size", [(11, 13), (12, 14), (40, 66)])
def test_winograd_loses_the_tiles_that_hold_the_pixel_and_no_other(tile, size, value):
    generator = torch.Generator().manual_seed(0)
    input = torch.randn(1, 2, *size, generator=generator, dtype=torch.float64)
    weight = torch.randn(3, 2, 3, 3, generator=generator, dtype=torch.float64)
    sizes = sizes_of(input.shape, weight.shape, padding=1)
    expected = F.conv2d(input, weight, padding=1)
    for row, column in ((0, 0), (6, 8), (size[0] - 1, size[1] - 1), (5, 0)):
        special = input.clone()
        special[0, 1, row, column] = value
        ours = winograd(special, weight, sizes, tile)
        lost = torch.zeros(size, dtype=torch.bool)
        for y, x in ((y, x) for y in range(0, size[0], tile) for x in range(0, size[1], tile)):
            # The tile at (y, x) reads the rows y - 1 to y + tile, and the columns likewise.
            if y - 1 <= row <= y + tile and x - 1 <= column <= x + tile:
                lost[y : y + tile, x : x + tile] = True
        torch.testing.assert_close(ours[..., ~lost], expected[..., ~lost], rtol=0, atol=1e-10)
        theirs = F.conv2d(special, weight, padding=1)
        assert ours[~theirs.isfinite()].isfinite().logical_not().all(), "a special value was hidden"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_fft_loses_the_tiles_that_hold_the_pixel_and_no_other(value):
    generator = torch.Generator().manual_seed(0)
    input = torch.randn(1, 1, 90, 80, generator=generator, dtype=torch.float64)
    weight = torch.randn(2, 1, 5, 4, generator=generator, dtype=torch.float64)
    sizes = sizes_of(input.shape, weight.shape)
    rows, columns = tile_size(sizes)
    kept = rows - 4, columns - 3
    assert kept[0] < sizes.output_size[0], "the case should have several tiles"
    special = input.clone()
    special[0, 0, 2, 3] = value  # in the first tile, and too near the corner to be in another
    ours = conv2d(special, weight, algorithm="fft")
    lost = torch.zeros(sizes.output_size, dtype=torch.bool)
    lost[: kept[0], : kept[1]] = True
    assert ours[..., lost].isnan().all()
    torch.testing.assert_close(ours[..., ~lost], F.conv2d(input, weight)[..., ~lost], rtol=0, atol=1e-10)


def test_a_special_picture_leaves_the_others_of_its_batch_alone():
    case = CASES["dense"]
    input, weight, _ = case.tensors()
    special = input.clone()
    special[0, 0, 5, 5] = float("nan")
    for algorithm in fitting(case.sizes):
        ours = conv2d(special, weight, **case.parameters, algorithm=algorithm)
        torch.testing.assert_close(ours[1], F.conv2d(input, weight, **case.parameters)[1], rtol=0, atol=1e-10)


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, "auto"])
def test_one_pixel(algorithm):
    picture, weight = torch.full((1, 1, 1, 1), 3.0), torch.arange(9.0).reshape(1, 1, 3, 3)
    torch.testing.assert_close(
        conv2d(picture, weight, padding=1, algorithm=algorithm), torch.full((1, 1, 1, 1), 12.0)
    )
