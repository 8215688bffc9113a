"""Single maps, overlays, filters, legends and PNG files, against PyTorch, Pillow and numbers by hand."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from explorer.rendering import (
    INFINITE,
    LEVELS,
    NAN,
    Scale,
    channel_scales,
    colormap,
    encode_png,
    filters_rgb,
    filters_rgb_png,
    legend,
    legend_png,
    map_png,
    mosaic,
    number,
    overlay,
    palette_png,
)

TOP = LEVELS - 1
ZERO = LEVELS // 2


def entries(png):
    picture = Image.open(io.BytesIO(png))
    assert picture.mode == "P"
    return np.array(picture)


def a_map(height=5, width=7, seed=1):
    return torch.randn(height, width, generator=torch.Generator().manual_seed(seed))


def a_picture(height=40, width=60, seed=2):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_nearest_map_by_hand():
    png = map_png(torch.tensor([[0.0, 2.0], [4.0, float("nan")]]), size=(4, 6))
    a, b = [0] * 3 + [126] * 3, [TOP] * 3 + [NAN] * 3
    assert entries(png).tolist() == [a, a, b, b]


def test_native_map_has_one_pixel_per_position():
    values = a_map()
    np.testing.assert_array_equal(entries(map_png(values)), mosaic(values[None]).indices())


def test_smaller_map_takes_the_nearest_positions():
    values = torch.arange(12.0).reshape(1, 3, 4)
    assert entries(map_png(values, size=(1, 2))).tolist() == [[round(5 * 252 / 11), round(7 * 252 / 11)]]


@pytest.mark.parametrize("size", [(5, 7), (20, 28), (33, 50), (1, 1), (3, 90)])
def test_bilinear_map_equals_interpolate(size):
    values = a_map()
    scale = Scale(-3.0, 3.0, "diverging")
    smooth = F.interpolate(values[None, None].double(), size=size, mode="bilinear", align_corners=False)[0, 0]
    expected = np.floor(smooth.numpy() / 3 * 126 + 126.5).clip(0, TOP)
    drawn = entries(map_png(values, size=size, interpolation="bilinear", scale=scale)).astype(int)
    assert drawn.shape == size
    assert np.abs(drawn - expected).max() <= 1
    assert (drawn == expected).mean() > 0.98


def test_bilinear_keeps_nan_and_infinity_visible():
    drawn = entries(map_png(torch.tensor([[float("nan"), 1.0, float("inf")]]), interpolation="bilinear"))
    assert drawn.tolist() == [[NAN, TOP, INFINITE]]
    values = torch.tensor([[1.0, float("nan"), 1.0, 0.0]])
    enlarged = entries(map_png(values, size=(1, 16), interpolation="bilinear"))
    # Next to the NaN the last known value holds; away from it the values go over into each other.
    assert enlarged[0, :10].tolist() == [TOP] * 4 + [NAN] * 4 + [TOP] * 2
    assert enlarged[0, 10:].tolist() == [221, 158, 95, 32, 0, 0]


def test_overlay_ends_of_opacity():
    picture, values = a_picture(), a_map()
    np.testing.assert_array_equal(overlay(picture, values, opacity=0.0), picture)
    painted = overlay(picture, values, opacity=1.0)
    palette = colormap("ember").palette()[:, :3]
    expected = entries(map_png(values, size=(40, 60), interpolation="bilinear", scale=symmetric(values)))
    np.testing.assert_array_equal(painted, palette[expected])


def symmetric(values):
    reach = values.abs().max().item()
    return Scale(-reach, reach, "diverging")


def test_overlay_mixes_by_opacity():
    picture = np.full((2, 3, 3), 100, dtype=np.uint8)
    mixed = overlay(picture, torch.ones(1, 1), opacity=0.25, colormap="grey")
    assert (mixed == 139).all()  # 0.75 * 100 + 0.25 * 255 = 138.75


def test_strength_leaves_the_picture_where_the_map_is_silent():
    picture = np.full((1, 4, 3), 100, dtype=np.uint8)
    values = torch.tensor([[0.0, 1.0, 2.0, float("nan")]])
    mixed = overlay(picture, values, opacity=0.5, blend="strength", interpolation="nearest", colormap="grey")
    # Half strength: share 0.25 of level 126 (128 on the grey table); full strength and NaN: share 0.5.
    assert mixed[0, :3, 0].tolist() == [100, 107, 178]
    assert mixed[0, 3].tolist() == [163, 50, 178]
    signed = overlay(
        picture, torch.tensor([[-1.0, 0.0, 0.0, 1.0]]), blend="strength", interpolation="nearest"
    )
    assert (signed[0, 1:3] == 100).all()
    assert (signed[0, [0, 3]] != 100).any(axis=1).all()


@pytest.mark.parametrize(("top", "left"), [(0, 0), (8, 12)])
def test_overlay_of_a_region_equals_interpolate_there(top, left):
    picture, values = a_picture(), a_map()
    region = (top, left, top + 20, left + 28)
    palette = colormap("ember").palette()[:, :3]
    drawn = entries(map_png(values, size=(20, 28), interpolation="bilinear"))
    expected = picture.copy()
    expected[top : top + 20, left : left + 28] = palette[drawn]
    np.testing.assert_array_equal(overlay(picture, values, opacity=1.0, region=region), expected)


def test_fractional_region_is_sampled_at_pixel_centres():
    picture = np.zeros((1, 5, 3), dtype=np.uint8)
    values = torch.tensor([[0.0, 252.0]])
    drawn = overlay(picture, values, opacity=1.0, region=(0, 0.75, 1, 4.25), colormap="grey")
    # Centres of the positions: 1.625 and 3.375; of the pixels inside: 1.5 (held), 2.5 (midway), 3.5 (held).
    assert drawn[0, :, 0].tolist() == [0, 0, 128, 255, 0]


def test_region_may_reach_beyond_the_picture_or_miss_it():
    picture, values = a_picture(10, 12), a_map()
    whole = overlay(np.zeros((30, 36, 3), dtype=np.uint8), values, opacity=1.0)
    inner = overlay(picture, values, opacity=1.0, region=(-10, -12, 20, 24))
    np.testing.assert_array_equal(inner, whole[10:20, 12:24])
    np.testing.assert_array_equal(overlay(picture, values, region=(50, 50, 60, 60)), picture)


def test_overlay_leaves_its_inputs_alone():
    picture, values = a_picture(), a_map().requires_grad_()
    kept, kept_values = picture.copy(), values.detach().clone()
    picture.flags.writeable = False
    result = overlay(picture, values)
    assert result.flags.writeable
    np.testing.assert_array_equal(picture, kept)
    assert torch.equal(values.detach(), kept_values)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rgb": np.zeros((4, 5), np.uint8)}, ValueError, r"\(H, W, 3\), got \(4, 5\)"),
        ({"rgb": np.zeros((4, 5, 4), np.uint8)}, ValueError, r"got \(4, 5, 4\)"),
        ({"rgb": np.zeros((4, 5, 3), np.float32)}, TypeError, "float32"),
        ({"opacity": 1.5}, ValueError, "between 0 and 1, got 1.5"),
        ({"opacity": float("nan")}, ValueError, "got nan"),
        ({"region": (3, 0, 3, 5)}, ValueError, "top < bottom"),
        ({"region": (0, 0, float("inf"), 5)}, ValueError, "top < bottom"),
        ({"interpolation": "cubic"}, ValueError, "'nearest' or 'bilinear', got 'cubic'"),
        ({"blend": "add"}, ValueError, "'even' or 'strength', got 'add'"),
        ({"feature_map": torch.ones(2, 3, 4)}, ValueError, "one map"),
    ],
)
def test_impossible_overlays_are_explained(arguments, error, message):
    given = {"rgb": np.zeros((4, 5, 3), np.uint8), "feature_map": torch.ones(2, 3)} | arguments
    with pytest.raises(error, match=message):
        overlay(given.pop("rgb"), given.pop("feature_map"), **given)


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (100_000, 100_000)])
def test_impossible_sizes_are_explained(size):
    with pytest.raises(ValueError, match=f"got {size[0]} x {size[1]}"):
        map_png(torch.ones(2, 3), size=size)


def test_filters_by_hand():
    weight = torch.zeros(2, 3, 1, 2)
    weight[0, 0, 0, 0], weight[0, 2, 0, 1] = 2.0, -1.0
    weight[1, 1, 0, 0] = -0.5
    assert filters_rgb(weight).tolist() == [
        [[[255, 128, 128], [128, 128, 64]]],  # -1 of 2: 128 - 63.5, rounded to even
        [[[128, 1, 128], [128, 128, 128]]],
    ]


def test_filters_scale_one_by_one():
    weight = torch.randn(6, 3, 4, 5, generator=torch.Generator().manual_seed(3))
    scaled = weight * torch.tensor([1.0, 10.0, 1e-3, 1e20, 1e-20, 7.0])[:, None, None, None]
    difference = filters_rgb(weight).astype(int) - filters_rgb(scaled)
    assert np.abs(difference).max() <= 1
    assert (difference == 0).mean() > 0.99


def test_filters_of_zeros_are_grey_and_broken_ones_magenta():
    weight = torch.zeros(2, 3, 2, 3)
    weight[1, 0, 0, 0], weight[1, 1, 1, 2] = float("nan"), float("inf")
    colors = filters_rgb(weight)
    assert (colors[0] == 128).all()
    assert colors[1, 0, 0].tolist() == colors[1, 1, 2].tolist() == [255, 0, 255]
    assert (colors[1, 0, 1:] == 128).all()


def test_one_input_channel_is_grey():
    colors = filters_rgb(torch.tensor([1.0, -1.0, 0.0, 0.5]).reshape(1, 1, 2, 2).requires_grad_())
    assert colors[0, ..., 0].tolist() == [[255, 1], [128, 192]]
    assert (colors == colors[..., :1]).all()


def test_filters_png_places_them():
    weight = torch.randn(5, 3, 2, 3, generator=torch.Generator().manual_seed(4))
    picture = np.array(Image.open(io.BytesIO(filters_rgb_png(weight, columns=3, gap=2, zoom=2))))
    assert picture.shape == (10, 22, 4)
    expected = np.kron(filters_rgb(weight)[4], np.ones((2, 2, 1)))
    np.testing.assert_array_equal(picture[6:10, 8:14, :3], expected)
    assert (picture[4:6, :, 3] == 0).all()
    assert (picture[6:10, 16:, 3] == 0).all()
    assert (picture[:4, :6, 3] == 255).all()
    filled = np.array(Image.open(io.BytesIO(filters_rgb_png(weight, columns=3, background=(7, 8, 9)))))
    assert filled[16, 0].tolist() == [7, 8, 9, 255]


@pytest.mark.parametrize("shape", [(4, 2, 3, 3), (3, 5, 5), (4, 64, 1, 1)])
def test_filters_that_are_no_colours_are_refused(shape):
    with pytest.raises(ValueError, match=r"\(O, 3, kH, kW\)"):
        filters_rgb(torch.ones(shape))


def test_legend_by_hand():
    explained = legend(Scale(0.0, 12.5))
    assert [(t.position, t.label) for t in explained.ticks] == [(0.0, "0"), (0.5, "6.25"), (1.0, "12.5")]
    assert (explained.stops[0], explained.stops[-1]) == ("#000004", "#fcfdbf")
    assert explained.css.startswith("linear-gradient(to right, #000004, ")
    assert explained.specials == ()
    assert explained.note == "The lighter, the stronger the response; all maps share one scale."
    signed = legend(Scale(-2000.0, 2000.0, "diverging"), "paper")
    assert [t.label for t in signed.ticks] == ["−2000", "0", "2000"]
    assert signed.note.startswith("The darker, the further from zero; blue is negative, amber positive")


def test_legend_of_constant_and_of_separate_scales():
    assert [(t.position, t.label) for t in legend(Scale(0.0, 0.0)).ticks] == [(0.0, "0")]
    assert legend(Scale(0.0, 0.0)).note == "All values are 0."
    assert [t.position for t in legend(Scale(0.0, 0.0, "diverging")).ticks] == [0.5]
    separate = legend(channel_scales(torch.tensor([[[-1.0, 2.0]], [[0.0, 1.0]]])))
    assert [t.label for t in separate.ticks] == ["−each map's largest", "0", "each map's largest"]
    assert separate.note.endswith("each map has its own scale.")


def test_legend_png_runs_from_low_to_high():
    drawn = entries(legend_png(Scale(-1.0, 1.0, "diverging"), width=5, height=3))
    assert drawn.tolist() == [[0, 63, ZERO, 189, TOP]] * 3
    assert entries(legend_png(Scale(0.0, 1.0))).shape == (12, LEVELS)
    with pytest.raises(ValueError, match="got 0 x 5"):
        legend_png(Scale(0.0, 1.0), width=5, height=0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.1234, "0.123"),
        (999.4, "999"),
        (12345.6, "12346"),
        (3e12, "3e12"),
        (-2e-7, "−2e−7"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3), (3, 5, 4), (1, 1)])
@pytest.mark.parametrize("compression", [0, 1, 9])
def test_encoded_pixels_come_back(shape, compression):
    pixels = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
    picture = Image.open(io.BytesIO(encode_png(pixels[::-1], compression=compression)))
    np.testing.assert_array_equal(np.array(picture), pixels[::-1])


def test_encode_png_refuses_other_arrays():
    with pytest.raises(ValueError, match=r"got \(3, 5, 2\)"):
        encode_png(np.zeros((3, 5, 2), np.uint8))
    with pytest.raises(ValueError, match=r"got \(0, 5\)"):
        encode_png(np.zeros((0, 5), np.uint8))
    with pytest.raises(TypeError, match="float64"):
        encode_png(np.zeros((3, 5)))


@pytest.mark.parametrize("repeats", [[1, 1, 1], [2, 0, 3], [0, 0, 1], [0, 4, 0]])
def test_palette_png_repeats_rows(repeats):
    rows = np.random.default_rng(6).integers(0, 256, (3, 7), dtype=np.uint8)
    palette = np.random.default_rng(7).integers(0, 256, (256, 4), dtype=np.uint8)
    png = palette_png(rows, palette, np.array(repeats))
    expected = np.repeat(rows, repeats, axis=0)
    np.testing.assert_array_equal(entries(png), expected)
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(png)).convert("RGBA")), palette[expected])


def test_palette_png_needs_a_pixel():
    with pytest.raises(ValueError, match="got 0 x 7"):
        palette_png(np.zeros((1, 7), np.uint8), colormap("grey").palette(), np.array([0]))
