import struct
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from explorer.images import decode
from explorer.pixels import to_rgb
from tests.picture_files import chunk, grey_tiff, png, random_rgb, saved

ALPHA_NOTE = "Transparent parts are shown over white."
FLOAT_NOTE = "Its values from 0 to 1 are shown from black to white."


def grey(picture):
    assert (picture.rgb == picture.rgb[..., :1]).all()
    return picture.rgb[..., 0]


def nearest(fraction):
    """The nearest whole number to an exact fraction; no test value lies half-way."""
    return int(fraction + Fraction(1, 2))


def over_white(colour, alpha):
    return nearest(Fraction(int(colour) * int(alpha) + 255 * (255 - int(alpha)), 255))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_grey_is_repeated_in_all_three_channels(kind):
    values = random_rgb(5, 7)[..., 0]
    np.testing.assert_array_equal(grey(decode(saved(values, kind))), values)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_black_and_white(kind):
    values = random_rgb(5, 11)[..., 0] > 127
    np.testing.assert_array_equal(grey(decode(saved(values, kind))), values * 255)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_a_palette_is_looked_up(kind):
    indices = np.arange(35, dtype=np.uint8).reshape(5, 7) % 4
    colours = np.array([[10, 20, 30], [250, 128, 0], [0, 0, 255], [77, 0, 88]], np.uint8)
    image = Image.new("P", (7, 5))
    image.putdata(indices.ravel().tolist())
    image.putpalette(colours.tobytes())
    np.testing.assert_array_equal(decode(saved(image, kind)).rgb, colours[indices])


def test_a_palette_with_transparency_is_mixed_with_white():
    indices = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    colours = np.array([[200, 40, 0], [10, 20, 30], [1, 2, 3]], np.uint8)
    chunks = chunk(b"PLTE", colours.tobytes()) + chunk(b"tRNS", bytes([128, 0]))  # the third stays opaque
    picture = decode(png(indices, depth=8, colour=3, chunks=chunks))
    expected = np.array([[over_white(v, 128) for v in colours[0]], [255] * 3, colours[2]])
    np.testing.assert_array_equal(picture.rgb, expected[indices])
    assert expected[0].tolist() == [227, 147, 127]
    assert picture.notes == (ALPHA_NOTE,)


def test_transparency_in_a_gif():
    image = Image.new("P", (7, 5), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((6, 4), 0)
    picture = decode(saved(image, "GIF", transparency=0))
    assert (picture.rgb[4, 6].tolist(), picture.rgb[0, 0].tolist()) == ([255, 255, 255], [0, 0, 255])
    assert picture.notes == (ALPHA_NOTE,)


@pytest.mark.parametrize("bands", [2, 4])
def test_alpha_is_mixed_with_white_exactly(bands):
    samples = np.stack(np.meshgrid(np.arange(0, 256, 5), np.arange(256), indexing="ij"), axis=-1).astype(
        np.uint8
    )
    if bands == 4:
        samples = samples[..., [0, 0, 0, 1]]
    picture = decode(png(samples, depth=8, colour={2: 4, 4: 6}[bands]))
    expected = [[over_white(colour, alpha) for *_, colour, alpha in row] for row in samples]
    np.testing.assert_array_equal(grey(picture), expected)
    assert picture.notes == (ALPHA_NOTE,)


def test_an_alpha_channel_that_is_opaque_everywhere_is_not_worth_a_note():
    rgba = np.dstack([random_rgb(5, 7), np.full((5, 7), 255, np.uint8)])
    picture = decode(saved(rgba, "PNG"))
    np.testing.assert_array_equal(picture.rgb, rgba[..., :3])
    assert picture.notes == ()


def test_another_background_shows_through():
    image = Image.new("RGBA", (3, 2), (200, 100, 0, 0))
    rgb, notes = to_rgb(image, background=(10, 20, 30))
    assert (rgb == (10, 20, 30)).all()
    assert notes == ("Transparent parts are shown over #0a141e.",)


def test_the_hidden_colour_of_transparent_pixels_does_not_leak_when_reduced():
    rgba = np.zeros((4, 6, 4), np.uint8)
    rgba[:, ::2] = (255, 0, 0, 0)  # fully transparent red beside opaque black
    rgba[:, 1::2] = (0, 0, 0, 255)
    rgb, _ = to_rgb(Image.fromarray(rgba), factor=2)
    assert rgb.shape == (2, 3, 3)
    assert np.unique(rgb).tolist() in ([127], [128])


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_transparent_grey_value_of_few_bits(depth):
    largest = 2**depth - 1
    row = int(f"{0:0{depth}b}" + f"{largest:0{depth}b}" * (8 // depth - 1), 2)
    data = png(None, depth=depth, colour=0, size=(1, 8 // depth), packed=[bytes([row])],
               chunks=chunk(b"tRNS", struct.pack(">H", largest)))  # fmt: skip
    picture = decode(data)
    assert grey(picture)[0].tolist() == [0] + [255] * (8 // depth - 1)
    assert picture.notes == (ALPHA_NOTE,)


def test_transparent_keys_of_grey_and_colour():
    values = np.array([[7, 8, 9]], np.uint8)
    assert grey(decode(png(values, depth=8, colour=0, chunks=chunk(b"tRNS", b"\0\x08")))).tolist() == [
        [7, 255, 9]
    ]
    pixels = np.array([[[1, 2, 3], [1, 2, 4]]], np.uint8)
    keyed = decode(png(pixels, depth=8, colour=2, chunks=chunk(b"tRNS", b"\0\1\0\2\0\3")))
    assert keyed.rgb.tolist() == [[[255, 255, 255], [1, 2, 4]]]
    deep = np.array([[1000, 2000, 65535]], np.uint16)
    keyed = decode(png(deep, depth=16, colour=0, chunks=chunk(b"tRNS", struct.pack(">H", 1000))))
    assert grey(keyed).tolist() == [[255, 8, 255]]  # 2000 / 257 = 7.8


def test_all_16_bit_grey_values_are_scaled_and_none_is_clipped():
    values = np.arange(65536, dtype=np.uint16).reshape(128, 512)
    expected = [nearest(Fraction(value, 257)) for value in range(65536)]
    for data in (
        png(values, depth=16, colour=0),
        grey_tiff(values, bits=16),
        saved(values, "TIFF", compression="tiff_lzw"),
    ):
        picture = decode(data)
        assert grey(picture).ravel().tolist() == expected
        assert picture.notes == ("Its 16-bit grey values are scaled to 8 bits.",)
    inverted = decode(grey_tiff(values, bits=16, photometric=0))
    assert (255 - grey(inverted)).ravel().tolist() == expected


def test_12_bit_grey_is_scaled_by_its_own_white():
    values = np.array([[0, 2048, 4095, 4000]])
    packed = bytes.fromhex("000800fffFA0")  # three hexadecimal digits a value
    picture = decode(grey_tiff(values, bits=12, packed=packed))
    assert grey(picture).tolist() == [[0, 128, 255, 249]]  # v * 255 / 4095


def test_16_bit_colour_keeps_the_upper_8_bits():
    samples = np.array([[[0x12FF, 0x3400, 0xFFFF], [0, 255, 256]]], np.uint16)
    assert decode(png(samples, depth=16, colour=2)).rgb.tolist() == [[[0x12, 0x34, 0xFF], [0, 0, 1]]]
    with_alpha = np.array([[[0x4000, 0xFFFF], [0x4000, 0]]], np.uint16)
    assert grey(decode(png(with_alpha, depth=16, colour=4))).tolist() == [[0x40, 255]]
    key = chunk(b"tRNS", struct.pack(">HHH", 0x12FF, 0x3400, 0xFFFF))
    assert decode(png(samples, depth=16, colour=2, chunks=key)).rgb.shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("values", "expected", "note"),
    [
        ([[0.0, 0.5, 1.0]], [[0, 128, 255]], FLOAT_NOTE),
        ([[0.25, 0.25, 0.25]], [[64, 64, 64]], FLOAT_NOTE),
        ([[-1.0, 0.0, 4.0]], [[0, 51, 255]], "Its values from -1 to 4 are shown from black to white."),
        ([[0.0, 100.0, 50.0]], [[0, 255, 128]], "Its values from 0 to 100 are shown from black to white."),
        ([[7.0, 7.0, 7.0]], [[128, 128, 128]], "All its values are 7, shown as middle grey."),
        ([[np.nan, 0.0, 1.0]], [[0, 0, 255]], FLOAT_NOTE),
        ([[np.inf, -np.inf, 0.4]], [[255, 0, 102]], FLOAT_NOTE),
        ([[np.nan, 5.0, np.inf]], [[0, 128, 255]], "All its values are 5, shown as middle grey."),
        ([[np.nan, np.nan, np.nan]], [[0, 0, 0]], "It holds no finite value: NaN is shown black."),
        (
            [[-3e38, 0.0, 3e38]],
            [[0, 128, 255]],
            "Its values from -3e+38 to 3e+38 are shown from black to white.",
        ),
    ],
)
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_floating_point(values, expected, note, compression):
    picture = decode(saved(np.array(values, np.float32), "TIFF", compression=compression))
    assert grey(picture).tolist() == expected
    assert picture.notes == (note,)


def test_floating_point_where_zero_is_white():
    picture = decode(
        grey_tiff(np.array([[0.0, 0.2, 1.0]], np.float32), bits=32, sample_format=3, photometric=0)
    )
    assert grey(picture).tolist() == [[255, 204, 0]]


@pytest.mark.parametrize("dtype", [np.int32, np.int16])
def test_signed_integers_go_from_their_smallest_to_their_largest(dtype):
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    values = np.array([[low, 0, high]], dtype)
    picture = decode(grey_tiff(values, bits=values.itemsize * 8, sample_format=2))
    assert grey(picture).tolist() == [[0, 128, 255]]
    constant = decode(grey_tiff(np.full((3, 2), -9, dtype), bits=values.itemsize * 8, sample_format=2))
    assert np.unique(constant.rgb).tolist() == [128]


# Inks of 255, and the light that they leave: 255 * (1 - ink) * (1 - black).
INKS = {(0, 0, 0, 0): (255, 255, 255), (255, 0, 0, 0): (0, 255, 255), (0, 255, 255, 0): (255, 0, 0),
        (0, 0, 0, 255): (0, 0, 0), (51, 102, 0, 0): (204, 153, 255), (0, 0, 0, 51): (204,) * 3}  # fmt: skip


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])  # Pillow writes CMYK JPEGs inverted with Adobe's marker
@pytest.mark.parametrize("inks", INKS)
def test_cmyk_becomes_the_light_that_its_inks_leave(kind, inks):
    data = saved(Image.new("CMYK", (7, 5), inks), kind, **({"quality": 100} if kind == "JPEG" else {}))
    if kind == "JPEG":
        assert b"Adobe" in data
    picture = decode(data)
    assert np.abs(picture.rgb.astype(int) - INKS[inks]).max() <= (2 if kind == "JPEG" else 0)
    assert picture.notes == ("Its printing inks (CMYK) are turned into RGB without a colour profile.",)


@pytest.mark.parametrize(
    ("mode", "pixel", "expected"),
    [
        ("YCbCr", (128, 128, 128), (128, 128, 128)),
        ("YCbCr", (76, 85, 255), (254, 0, 0)),  # JFIF: red is Y 76, Cb 85, Cr 255
        ("HSV", (0, 255, 200), (200, 0, 0)),
        ("HSV", (170, 255, 255), (0, 0, 255)),  # 240 degrees of 360, as 170 of 255
        ("La", (64, 128), (191, 191, 191)),  # premultiplied 64 at half: 128 over white
        ("RGBa", (64, 0, 128, 128), (191, 127, 255)),
        ("RGBX", (1, 2, 3, 0), (1, 2, 3)),
        ("LAB", (255, 0, 0), (255, 255, 255)),  # a* and b* are signed
        ("LAB", (0, 0, 0), (0, 0, 0)),
        ("LAB", (138, 81, 70), (255, 0, 0)),  # sRGB red is L* 54.3, a* 80.8, b* 69.9 under D50
        ("LA", (100, 0), (255, 255, 255)),
    ],
)
def test_other_colour_modes(mode, pixel, expected):
    image = Image.frombytes(mode, (7, 5), bytes(pixel) * 35)
    rgb, _ = to_rgb(image)
    assert rgb.shape == (5, 7, 3)
    tolerance = 5 if mode == "LAB" else 1  # eight bits of L*a*b* are coarse
    assert np.abs(rgb.astype(int) - expected).max() <= tolerance


def test_bands_join_without_a_seam():
    values = np.random.default_rng(3).integers(0, 256, (3001, 1500), dtype=np.uint8)  # three bands, one cut
    rgb, _ = to_rgb(Image.fromarray(values), factor=4)
    padded = np.pad(values.astype(float), ((0, 3), (0, 0)), constant_values=np.nan)
    means = np.nanmean(padded.reshape(751, 4, 375, 4), axis=(1, 3))
    assert rgb.shape == (751, 375, 3)
    assert np.abs(rgb[..., 0] - means).max() <= 0.51
