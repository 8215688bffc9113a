"""Colour tables against matplotlib and against how people see them; scales by hand."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from explorer.rendering import (
    COLORMAPS,
    GAP,
    INFINITE,
    LEVELS,
    NAN,
    Scale,
    channel_scales,
    colormap,
    colormap_for,
    layer_scale,
)

ALL = [name for names in COLORMAPS.values() for name in names]

# Machado, Oliveira and Fernandes 2009, full severity, on linear RGB: protanopia, deuteranopia, tritanopia.
SIGHT = {
    "trichromat": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}


def oklab(rgb, sight="trichromat"):
    """uint8 sRGB (..., 3) to OKLab, from Ottosson's forward matrices."""
    srgb = np.asarray(rgb, dtype=np.float64) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.array(SIGHT[sight]).T).clip(0, 1)
    cones = (
        seen
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    return (
        np.cbrt(cones)
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )


@pytest.mark.parametrize("name", ["magma", "inferno", "viridis", "gray"])
def test_tables_equal_matplotlib(name):
    import matplotlib as mpl

    expected = (mpl.colormaps[name](np.arange(256))[:, :3] * 255).round()
    np.testing.assert_array_equal(colormap(name.replace("gray", "grey")).table, expected)


@pytest.mark.parametrize("name", COLORMAPS["sequential"])
def test_sequential_maps_get_steadily_lighter(name):
    lightness = oklab(colormap(name).table)[:, 0]
    assert (np.diff(lightness) > -0.004).all()
    assert lightness[-1] - lightness[0] > 0.5


@pytest.mark.parametrize("name", COLORMAPS["diverging"])
def test_diverging_maps_change_evenly_on_both_sides_of_zero(name):
    lightness = oklab(colormap(name).table)[:, 0]
    steps = np.diff(lightness)
    away_from_zero = np.concatenate([-steps[:127], steps[128:]])
    assert np.ptp(away_from_zero) < 0.006
    assert abs(away_from_zero.mean()) > 0.004
    np.testing.assert_allclose(lightness, lightness[::-1], atol=0.006)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("name", COLORMAPS["diverging"])
def test_the_two_signs_stay_apart_for_the_colour_blind(name, sight):
    seen = oklab(colormap(name).table, sight)
    apart = np.linalg.norm(seen - seen[::-1], axis=1)
    assert apart[:64].min() > 0.08


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("name", ALL)
def test_missing_values_have_a_colour_of_their_own(name, sight):
    chosen = colormap(name)
    table, nan, infinite = (oklab(c, sight) for c in (chosen.table, chosen.nan, chosen.infinite))
    assert np.linalg.norm(table - nan, axis=1).min() > 0.07
    assert np.linalg.norm(table - infinite, axis=1).min() > 0.07
    assert np.linalg.norm(nan - infinite) > 0.07


def test_middle_of_a_diverging_palette_is_its_zero():
    palette = colormap("ember").palette()
    assert LEVELS % 2 == 1
    red, _, blue = palette[LEVELS // 2, :3].astype(int)
    assert abs(red - blue) < 12  # neither blue nor amber
    assert palette[0, 2] > palette[0, 0]
    assert palette[LEVELS - 1, 0] > palette[LEVELS - 1, 2]


def test_palette_reserves_the_last_entries():
    chosen = colormap("viridis")
    palette = chosen.palette()
    assert palette.shape == (256, 4)
    np.testing.assert_array_equal(palette[[0, LEVELS - 1], :3], chosen.table[[0, -1]])
    assert tuple(palette[NAN]) == (*chosen.nan, 255)
    assert tuple(palette[INFINITE]) == (*chosen.infinite, 255)
    assert palette[GAP, 3] == 0
    assert (palette[:GAP, 3] == 255).all()
    assert tuple(chosen.palette((10, 20, 30))[GAP]) == (10, 20, 30, 255)


def test_sampling_interpolates_between_entries():
    np.testing.assert_array_equal(colormap("grey").sample(256), colormap("grey").table)
    assert colormap("grey").sample(3).tolist() == [[0] * 3, [128] * 3, [255] * 3]
    assert colormap("grey").sample(1).tolist() == [[0, 0, 0]]


def test_tables_cannot_be_changed_by_accident():
    for name in ALL:
        assert not colormap(name).table.flags.writeable


def test_unknown_or_unfitting_colour_maps_are_explained():
    with pytest.raises(ValueError, match=r"'jet'; there are: magma, inferno, viridis, grey, ember, paper"):
        colormap("jet")
    with pytest.raises(ValueError, match=r"need a diverging colour map \(ember, paper\), but 'magma'"):
        colormap_for("diverging", "magma")


def test_drawing_needs_no_matplotlib():
    code = (
        "import sys, torch, explorer.rendering as r\n"
        "r.mosaic_png(torch.rand(3, 4, 5))\n"
        "print(sorted({'matplotlib', 'torchvision', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_layer_scale_starts_at_zero_or_lies_around_it():
    assert layer_scale(torch.tensor([[[2.0, 5.0]]])) == Scale(0.0, 5.0, "sequential")
    assert layer_scale(torch.tensor([[[-7.0, 5.0]]])) == Scale(-7.0, 7.0, "diverging")
    assert layer_scale(torch.tensor([[[-1.0, 5.0]]])) == Scale(-5.0, 5.0, "diverging")
    assert layer_scale(torch.zeros(2, 3, 4)) == Scale(0.0, 0.0, "sequential")
    assert layer_scale(torch.tensor([[[float("nan"), float("inf"), 3.0]]])) == Scale(0.0, 3.0, "sequential")
    assert layer_scale(torch.full((1, 1, 2), float("nan"))) == Scale(0.0, 0.0, "sequential")


def test_saturation_leaves_out_the_largest_share():
    maps = torch.arange(1.0, 101.0).reshape(2, 5, 10)
    assert layer_scale(maps, saturate=0.1).high == 90.0
    assert layer_scale(-maps, saturate=0.02) == Scale(-98.0, 98.0, "diverging")
    assert layer_scale(torch.full((1, 1, 2), float("nan")), saturate=0.5).high == 0.0
    with pytest.raises(ValueError, match="below 1, got 1"):
        layer_scale(maps, saturate=1)


def test_channel_scales_are_all_of_the_layers_kind():
    scales = channel_scales(torch.tensor([[[-1.0, 3.0]], [[0.5, 2.0]], [[0.0, 0.0]]]))
    assert len(scales) == 3
    assert [scales[i] for i in range(3)] == [Scale(-v, v, "diverging") for v in (3.0, 2.0, 0.0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, 0.0), "low not above high"),
        ((0.0, float("inf")), "must be finite"),
        ((float("nan"), 1.0), "must be finite"),
        ((-1.0, 2.0, "diverging"), "evenly around zero"),
        ((0.0, 1.0, "logarithmic"), "'sequential' or 'diverging'"),
    ],
)
def test_impossible_scales_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Scale(*arguments)
