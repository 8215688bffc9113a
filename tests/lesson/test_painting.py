"""Paint on a small picture: what changes, what stands in a link, and what one kernel makes of it."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from explorer.kernels import KERNELS
from explorer.lesson.locality import repaint
from explorer.lesson.matrices import LessonError
from explorer.lesson.painting import SIDE, as_input, decode, encode, grid, one_kernel, painted, pixels, reach

RGB = np.random.default_rng(2).integers(0, 256, (61, 94, 3), dtype=np.uint8)


def test_a_painted_pixel_has_always_changed():
    every = np.arange(256, dtype=np.uint8).reshape(8, 32)
    changed = painted(every, np.ones_like(every, bool))
    assert (np.abs(changed.astype(int) - every) >= 127).all()
    assert set(np.unique(changed)) == {0, 255}
    assert (painted(every, np.zeros_like(every, bool)) == every).all()


@pytest.mark.parametrize("shape", [(61, 94), (1, 1), (1, 300), (700, 2), (48, 48)])
def test_any_picture_becomes_a_grid(shape):
    rgb = np.full((*shape, 3), 77, np.uint8)
    levels = grid(rgb)
    assert levels.shape == (SIDE, SIDE)
    assert levels.dtype == np.uint8
    assert (levels == 77).all()


def test_the_grid_is_the_mean_brightness_of_blocks():
    rgb = RGB[:60, :60]
    grey = rgb @ np.array([0.299, 0.587, 0.114])
    blocks = grey.reshape(4, 15, 4, 15).mean((1, 3))
    assert np.abs(grid(rgb, 4) - blocks).max() <= 1


def test_masks_travel_in_a_link():
    random = np.random.default_rng(5)
    for share in (0, 0.01, 0.5, 1):
        mask = random.random((SIDE, SIDE)) < share
        text = encode(mask)
        assert (decode(text) == mask).all()
        assert re.fullmatch(r"[\w-]*", text)
    assert encode(np.zeros((SIDE, SIDE), bool)) == ""
    assert len(encode(np.ones((SIDE, SIDE), bool))) == 384


@pytest.mark.parametrize("text", ["?", "a b", "é", "A" * 385, "A" * 4000, "<script>", "AAAAA"])
def test_what_is_no_mask_says_so(text):
    with pytest.raises(LessonError, match=r"painted|pixels to paint"):
        decode(text)


@pytest.mark.parametrize("name", [name for name, kernel in KERNELS.items() if not kernel.parameters])
def test_paint_changes_the_outputs_whose_window_holds_it_and_no_other(name):
    kernel = KERNELS[name].weight().float()
    levels = grid(RGB)
    mask = np.zeros((SIDE, SIDE), bool)
    mask[20, 31] = True
    x, changed = as_input(levels), as_input(painted(levels, mask))
    net = one_kernel(kernel)
    before, after = net(x)[0, 0], net(changed)[0, 0]
    torch.testing.assert_close(before, F.conv2d(x, kernel[None, None])[0, 0])
    height, width = kernel.shape
    rows, columns = torch.where((after - before).abs() > 1e-3)
    assert len(rows) == int((kernel != 0).sum())
    assert rows.min() >= 20 - height + 1
    assert rows.max() <= 20
    assert columns.min() >= 31 - width + 1
    assert columns.max() <= 31
    result = repaint(net, x, changed, "0", 20, 31)
    assert result.box == (20, 31, 20 + height, 31 + width)
    assert (result.inside, result.outside) == (1, 0)
    assert result.changed == (kernel[0, 0] != 0)


def test_the_colours_of_a_map():
    blur, edges = KERNELS["box"].weight(), KERNELS["sobel_x"].weight()
    assert reach(blur, torch.tensor([[3.0, 200]])) == (0, 200)
    assert reach(edges, torch.tensor([[-30.0, 20]])) == (-30, 30)
    # A constant picture has no edges: then the largest value that paint can make.
    assert reach(edges, torch.zeros(2, 2)) == (-8 * 255, 8 * 255)
    assert reach(torch.zeros(3, 3), torch.zeros(2, 2)) == (0, 1)


def test_a_models_input_becomes_the_picture_again():
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.5)
    x = torch.from_numpy(RGB).permute(2, 0, 1)[None] / 255
    for channel in range(3):
        x[:, channel] = (x[:, channel] - mean[channel]) / std[channel]
    assert (pixels(x, mean, std) == RGB).all()
    assert pixels(torch.full((1, 3, 2, 5), 99.0), mean, std).min() == 255
    grey = pixels(torch.tensor([[[[0.0, 1, -1]]]]), (0.5,), (0.25,))
    assert grey.tolist() == [[[128] * 3, [191] * 3, [64] * 3]]
