"""Mosaics decoded by Pillow against tiles placed by hand."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.rendering import (
    GAP,
    INFINITE,
    LEVELS,
    NAN,
    Grid,
    Scale,
    channel_scales,
    colormap,
    columns_for,
    layer_scale,
    mosaic,
    mosaic_png,
)

TOP = LEVELS - 1
ZERO = LEVELS // 2


def decoded(png):
    """Palette entries (height, width) and colours RGBA of a palette PNG, read by Pillow."""
    picture = Image.open(io.BytesIO(png))
    assert picture.mode == "P"
    picture.load()  # checks the checksums
    return np.array(picture), np.array(picture.convert("RGBA"))


def smooth_maps(channels, height, width, seed=0, signed=False):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(channels, 1, height + 4, width + 4, generator=generator)
    maps = torch.nn.functional.avg_pool2d(noise, 5, stride=1)[:, 0]
    return maps if signed else maps.relu()


def test_by_hand():
    maps = torch.tensor([[[0.0, 4.0]], [[1.0, 2.0]], [[3.0, 0.0]]])  # three maps of 1 x 2, largest 4
    entries, colors = decoded(mosaic_png(maps, columns=2, gap=1, zoom=2))
    a, b, c = 63, 126, 189  # a quarter, a half and three quarters of 252
    expected = [
        [0, 0, TOP, TOP, GAP, a, a, b, b],
        [0, 0, TOP, TOP, GAP, a, a, b, b],
        [GAP] * 9,
        [c, c, 0, 0, GAP, GAP, GAP, GAP, GAP],
        [c, c, 0, 0, GAP, GAP, GAP, GAP, GAP],
    ]
    assert entries.tolist() == expected
    assert colors[0, 2].tolist() == [252, 253, 191, 255]  # magma's last colour
    assert colors[2, 0, 3] == 0


def test_signed_values_by_hand():
    maps = torch.tensor([[[-2.0, 0.0, 1.0, 2.0]], [[-1.0, 0.0, 0.25, 0.5]]])
    entries, _ = decoded(mosaic_png(maps, columns=1, gap=0))
    assert entries.tolist() == [[0, ZERO, 189, TOP], [63, ZERO, 142, 158]]
    entries, _ = decoded(mosaic_png(maps, columns=1, gap=0, scale="channel"))
    assert entries.tolist() == [[0, ZERO, 189, TOP], [0, ZERO, 158, 189]]


def test_nan_and_infinity_have_their_own_entries():
    maps = torch.tensor([[[float("nan"), float("inf"), -float("inf"), 2.0]], [[float("nan")] * 4]])
    for scale in ("layer", "channel"):
        drawn = mosaic(maps, columns=1, gap=0, scale=scale)
        assert drawn.indices().tolist() == [[NAN, INFINITE, INFINITE, TOP], [NAN] * 4]
        assert [(s.name, s.positions) for s in drawn.legend.specials] == [
            ("not a number", 5),
            ("infinite", 2),
        ]
        entries, colors = decoded(drawn.png())
        np.testing.assert_array_equal(entries, drawn.indices())
        assert colors[0, 0].tolist() == [*colormap("magma").nan, 255]


@pytest.mark.parametrize(
    ("value", "entry"), [(0.0, 0), (3.0, TOP), (-3.0, 0), (1e-42, TOP), (-1e-42, 0), (3e38, TOP), (-3e38, 0)]
)
@pytest.mark.parametrize("scale", ["layer", "channel"])
def test_constant_maps_are_even(value, entry, scale):
    drawn = mosaic(torch.full((2, 3, 5), value), scale=scale)
    assert (drawn.tiles == entry).all()


def test_constant_zero_among_signed_maps_is_the_middle():
    drawn = mosaic(torch.tensor([[[0.0, 0.0]], [[-1.0, 1.0]]]), scale="channel")
    assert drawn.tiles.tolist() == [[[ZERO, ZERO]], [[0, TOP]]]


@pytest.mark.parametrize("channels", [1, 2, 7, 64, 2048])
@pytest.mark.parametrize(("gap", "zoom"), [(0, 1), (1, 1), (3, 2), (2, 5)])
def test_decoded_picture_equals_tiles_placed_one_by_one(channels, gap, zoom):
    height, width = 3, 4
    maps = smooth_maps(channels, height, width)
    drawn = mosaic(maps, gap=gap, zoom=zoom, aspect=1.7)
    entries, colors = decoded(drawn.png())
    columns = drawn.grid.columns
    rows = -(-channels // columns)
    expected = np.full((rows * (height * zoom + gap) - gap, columns * (width * zoom + gap) - gap), GAP)
    levels = np.floor(maps.double().numpy() / maps.max().item() * TOP + 0.5)
    for channel in range(channels):
        top = (channel // columns) * (height * zoom + gap)
        left = (channel % columns) * (width * zoom + gap)
        tile = np.kron(levels[channel], np.ones((zoom, zoom)))
        expected[top : top + height * zoom, left : left + width * zoom] = tile
    assert entries.shape == expected.shape
    assert ((entries == GAP) == (expected == GAP)).all()
    # float32 may land on the other side of a rounding boundary, never further.
    assert np.abs(entries.astype(int) - expected).max() <= 1
    assert (entries == expected).mean() > 0.999
    np.testing.assert_array_equal(entries, drawn.indices())
    np.testing.assert_array_equal(colors, drawn.rgba())


def test_opencv_reads_the_same_picture():
    cv2 = pytest.importorskip("cv2")
    drawn = mosaic(smooth_maps(6, 9, 11, signed=True), zoom=3, background=(9, 99, 199))
    bgr = cv2.imdecode(np.frombuffer(drawn.png(), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(bgr[..., ::-1], drawn.rgba()[..., :3])


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 30),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    columns=st.integers(1, 8),
    gap=st.integers(0, 3),
    zoom=st.integers(1, 4),
)
def test_every_pixel_is_found_again(count, size, columns, gap, zoom):
    numbers = np.arange(count)
    grid = Grid(count, *size, columns, gap, zoom)
    owner = np.full((grid.height, grid.width), -1)
    for tile in numbers:
        top, left, bottom, right = grid.box(int(tile))
        assert (owner[top:bottom, left:right] == -1).all()
        assert (bottom - top, right - left) == (size[0] * zoom, size[1] * zoom)
        owner[top:bottom, left:right] = tile
    for (y, x), tile in np.ndenumerate(owner):
        spot = grid.locate(y, x)
        assert (-1 if spot is None else spot.tile) == tile
        if spot is not None:
            box = grid.box(spot.tile)
            assert (spot.row, spot.column) == ((y - box.top) // zoom, (x - box.left) // zoom)


def test_positions_outside_are_none():
    grid = Grid(3, 2, 2, columns=2, gap=1, zoom=1)
    assert grid.locate(-1, 0) is grid.locate(0, 5) is grid.locate(5, 0) is None
    assert grid.locate(4, 4) is None  # the empty fourth place
    assert grid.locate(4.9, 1.2) == (2, 1, 1)
    with pytest.raises(IndexError, match="tiles 0 to 2, got 3"):
        grid.box(3)


def test_channels_choose_and_order_without_changing_the_scale():
    maps = torch.tensor([[[8.0]], [[4.0]], [[2.0]], [[6.0]]])
    drawn = mosaic(maps, channels=[2, 1], columns=2, gap=1)
    assert drawn.indices().tolist() == [[63, GAP, 126]]
    assert drawn.scale == layer_scale(maps)
    assert drawn.box(1) == (0, 2, 1, 3)
    assert drawn.locate(0, 2) == (1, 0, 0)
    assert drawn.locate(0, 1) is None
    with pytest.raises(ValueError, match="channel 0 is not among the 2 shown"):
        drawn.box(0)
    own = mosaic(maps, channels=np.array([3, 0]), scale="channel")
    assert [own.scale[i].high for i in range(2)] == [6.0, 8.0]


def test_a_given_scale_holds_across_layers_and_cuts_off():
    maps = torch.tensor([[[-1.0, 1.0, 2.0, 3.0, 9.0, float("inf")]]])
    assert mosaic(maps, scale=Scale(1.0, 3.0)).tiles.tolist() == [[[0, 0, ZERO, TOP, TOP, INFINITE]]]
    far_from_zero = torch.tensor([[[1e7, 1e7 + 1, 1e7 + 2]]])
    assert mosaic(far_from_zero, scale=Scale(1e7, 1e7 + 2)).tiles.tolist() == [[[0, ZERO, TOP]]]


def test_extreme_ranges_keep_their_steps():
    maps = torch.tensor([[[-3e38, -1.5e38, 0.0, 1.5e38, 3e38]], [[0.0, 0.0, 0.0, 0.0, 0.0]]])
    assert mosaic(maps).tiles[0].tolist() == [[0, 63, ZERO, 189, TOP]]
    tiny = torch.tensor([[[0.0, 1e-40, 2e-40]]])
    assert mosaic(tiny).tiles.tolist() == [[[0, ZERO, TOP]]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int16, torch.uint8])
def test_every_real_dtype_is_drawn_alike(dtype):
    maps = torch.arange(24).reshape(2, 3, 4)
    expected = mosaic(maps.float()).indices()
    np.testing.assert_array_equal(mosaic(maps.to(dtype)).indices(), expected)
    np.testing.assert_array_equal(mosaic(maps.numpy()).indices(), expected)
    np.testing.assert_array_equal(mosaic(maps[None]).indices(), expected)


def test_layouts_are_drawn_and_left_alone():
    maps = smooth_maps(3, 5, 7).permute(1, 2, 0).contiguous().permute(2, 0, 1).requires_grad_()
    before = maps.detach().clone()
    assert not maps.is_contiguous()
    rng = torch.get_rng_state()
    np.testing.assert_array_equal(mosaic(maps).indices(), mosaic(before.contiguous()).indices())
    assert torch.equal(maps.detach(), before)
    assert maps.grad is None
    assert torch.equal(torch.get_rng_state(), rng)
    array = before.numpy().copy()
    array[0, 0, 0] = np.nan
    kept = array.copy()
    mosaic(array, channels=[1, 0])
    np.testing.assert_array_equal(array, kept)


def test_one_pixel():
    entries, _ = decoded(mosaic_png(torch.ones(1, 1, 1)))
    assert entries.tolist() == [[TOP]]


def test_same_maps_make_the_same_bytes():
    maps = smooth_maps(5, 6, 7)
    assert mosaic_png(maps) == mosaic_png(maps.clone())


def test_background_and_colour_map():
    _, colors = decoded(mosaic_png(torch.ones(2, 2, 3), columns=2, background=(1, 2, 3), colormap="grey"))
    assert colors[0, 3].tolist() == [1, 2, 3, 255]
    assert colors[0, 0].tolist() == [255, 255, 255, 255]


@pytest.mark.parametrize(
    ("count", "height", "width", "aspect", "columns"),
    [
        (64, 10, 10, 1.0, 8),
        (1, 5, 5, 3.0, 1),
        (6, 10, 10, 1.5, 3),
        (12, 10, 30, 1.0, 2),
        (1280, 8, 8, 1.0, 36),
    ],
)
def test_columns_follow_the_aspect(count, height, width, aspect, columns):
    assert columns_for(count, height, width, aspect) == columns


def test_given_scales_make_two_pictures_comparable():
    one, other = torch.rand(3, 4, 5), 2 * torch.rand(3, 2, 5)
    scales = channel_scales(torch.cat([one, other], 1)[[2, 0]])
    drawn = [mosaic(maps, channels=[2, 0], scale=scales) for maps in (one, other)]
    for at, channel in enumerate((2, 0)):
        highest = max(one[channel].max(), other[channel].max())
        for maps, sheet in zip((one, other), drawn, strict=True):
            wanted = (maps[channel] / highest * (LEVELS - 1)).round().numpy()
            np.testing.assert_allclose(sheet.tiles[at], wanted, atol=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": 0}, "columns must be at least 1, got 0"),
        ({"gap": -1}, "gap must be at least 0, got -1"),
        ({"zoom": 0}, "zoom must be at least 1, got 0"),
        ({"zoom": 10_000}, "choose a smaller zoom or fewer channels"),
        ({"aspect": 0.0}, "above 0, got 0.0"),
        ({"aspect": float("nan")}, "above 0, got nan"),
        ({"channels": []}, "at least one whole number"),
        ({"channels": [0.5]}, "at least one whole number"),
        ({"channels": [0, 3]}, "channels 0 to 2, got 0 to 3"),
        ({"channels": [-1]}, "channels 0 to 2, got -1"),
        ({"scale": channel_scales(torch.rand(2, 3, 4))}, "3 channels need as many scales, got 2"),
        ({"scale": "picture"}, "'layer', 'channel', a Scale or ChannelScales, got 'picture'"),
        ({"colormap": "ember"}, "need a sequential colour map"),
    ],
)
def test_impossible_options_are_explained(options, message):
    with pytest.raises(ValueError, match=message):
        mosaic_png(torch.ones(3, 4, 5), **options)


@pytest.mark.parametrize(
    ("maps", "error"),
    [
        (torch.ones(0, 4, 5), ValueError),
        (torch.ones(4, 5), ValueError),
        (torch.ones(2, 3, 4, 5), ValueError),
        (torch.ones(3, 4, 5, dtype=torch.complex64), TypeError),
        ("maps", TypeError),
    ],
)
def test_what_is_not_feature_maps_is_refused(maps, error):
    with pytest.raises(error, match="got"):
        mosaic_png(maps)


def test_no_more_bytes_than_opencv():
    cv2 = pytest.importorskip("cv2")
    for channels, side, zoom in ((16, 56, 1), (256, 7, 7)):
        drawn = mosaic(smooth_maps(channels, side, side), zoom=zoom)
        colored = cv2.applyColorMap(drawn.indices(), cv2.COLORMAP_MAGMA)
        assert len(drawn.png()) <= len(cv2.imencode(".png", colored)[1])


def test_the_benchmark_notices_a_wrong_pixel(monkeypatch):
    from benchmarks import mosaics

    maps = mosaics.sample_maps(5, 9)
    assert 0.2 < (maps > 0).float().mean() < 0.8
    assert (maps.flatten(1).std(1) > 0).all()
    mosaics.check_pixels(maps, 2)
    monkeypatch.setattr(mosaics, "mosaic_png", lambda maps, zoom: mosaic_png(maps.flip(2), zoom=zoom))
    with pytest.raises(RuntimeError, match="channel 0 is not drawn"):
        mosaics.check_pixels(maps, 2)
