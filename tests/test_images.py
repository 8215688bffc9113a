import hashlib
import math
import random
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from explorer.images import MAX_BYTES, MAX_KEPT_PIXELS, Picture, PictureError, decode
from tests.picture_files import chunk, exif, png, random_rgb, saved, tiff

RGB = random_rgb(5, 7)

LOSSLESS = {
    "png": ("PNG", saved(RGB, "PNG")),
    "webp": ("WebP", saved(RGB, "WEBP", lossless=True, exact=True)),
    "bmp": ("BMP", saved(RGB, "BMP")),
    "tiff": ("TIFF", saved(RGB, "TIFF")),
    "tiff lzw": ("TIFF", saved(RGB, "TIFF", compression="tiff_lzw")),
    "tiff zip": ("TIFF", saved(RGB, "TIFF", compression="tiff_adobe_deflate")),
    "interlace-free png by hand": ("PNG", png(RGB, depth=8, colour=2)),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_a_lossless_file_is_read_back_exactly(name):
    kind, data = LOSSLESS[name]
    picture = decode(data)
    np.testing.assert_array_equal(picture.rgb, RGB)
    assert picture.rgb.dtype == np.uint8
    assert (picture.format, picture.source_size, picture.notes) == (kind, (5, 7), ())
    assert picture.sha256 == hashlib.sha256(data).hexdigest()


def test_a_picture_cannot_be_changed_by_accident():
    picture = decode(saved(RGB, "PNG"))
    with pytest.raises(ValueError, match="read-only"):
        picture.rgb[0, 0] = 0
    with pytest.raises(AttributeError):
        picture.rgb = RGB


@pytest.mark.parametrize("wrap", [bytearray, memoryview])
def test_other_bytes_like_objects_are_taken(wrap):
    assert decode(wrap(saved(RGB, "PNG"))).sha256 == decode(saved(RGB, "PNG")).sha256


def test_the_longest_side_is_possible():
    picture = decode(png(None, depth=1, colour=0, size=(1, 65_535), packed=[b"\xff" * 8192]))
    assert picture.rgb.shape == (1, 65_535, 3)
    assert (picture.rgb == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_thin_pictures_keep_their_size(kind, size):
    picture = decode(saved(np.full((*size, 3), 200, np.uint8), kind))
    assert picture.rgb.shape == (*size, 3)
    assert np.abs(picture.rgb.astype(int) - 200).max() <= 2


# EXIF 2.3, tag 0x0112: which row and column of the upright H x W picture the stored row i, column j is.
STORED_PIXEL = {
    1: lambda i, j, h, w: (i, j),
    2: lambda i, j, h, w: (i, w - 1 - j),
    3: lambda i, j, h, w: (h - 1 - i, w - 1 - j),
    4: lambda i, j, h, w: (h - 1 - i, j),
    5: lambda i, j, h, w: (j, i),
    6: lambda i, j, h, w: (j, w - 1 - i),
    7: lambda i, j, h, w: (h - 1 - j, w - 1 - i),
    8: lambda i, j, h, w: (h - 1 - j, i),
}


def stored_as(upright, orientation):
    height, width = upright.shape[:2]
    rows, columns = (height, width) if orientation < 5 else (width, height)
    where = STORED_PIXEL[orientation]
    return np.array([[upright[where(i, j, height, width)] for j in range(columns)] for i in range(rows)])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", STORED_PIXEL)
def test_exif_orientation_is_undone(orientation, order):
    stored = stored_as(RGB, orientation)
    block = exif(orientation, order)
    for data in (
        png(stored, depth=8, colour=2, chunks=chunk(b"eXIf", block[6:])),
        saved(stored, "WEBP", lossless=True, exact=True, exif=block),
        saved(stored, "TIFF", tiffinfo={0x0112: orientation}),
        saved(stored, "TIFF", tiffinfo={0x0112: orientation}, compression="tiff_lzw"),
    ):
        picture = decode(data)
        np.testing.assert_array_equal(picture.rgb, RGB)
        assert picture.source_size == (5, 7)


@pytest.mark.parametrize("orientation", STORED_PIXEL)
def test_exif_orientation_of_a_jpeg_is_undone_after_reduced_decoding(orientation):
    upright = np.kron(random_rgb(3, 4)[..., :1], np.ones((64, 64, 3), np.uint8))
    data = saved(stored_as(upright, orientation), "JPEG", quality=100, exif=exif(orientation))
    picture = decode(data, short_side=48)
    assert picture.source_size == (192, 256)
    assert picture.rgb.shape == (48, 64, 3)
    assert np.abs(picture.rgb.astype(int) - upright[::4, ::4]).max() <= 2


@pytest.mark.parametrize("size", [(2552, 2600), (2553, 2600), (641, 700), (639, 900), (638, 900), (320, 320)])
def test_a_jpeg_is_decoded_at_the_smallest_scale_that_keeps_its_short_side(size):
    data = saved(np.zeros(size, np.uint8), "JPEG")
    shape = decode(data, short_side=320).rgb.shape[:2]
    sizes = [tuple(math.ceil(side / scale) for side in size) for scale in (8, 4, 2, 1)]
    assert shape == next(scaled for scaled in sizes if min(scaled) >= 320)


def test_reduced_decoding_is_close_to_the_mean_of_the_full_picture():
    rows, columns = np.mgrid[0:1024, 0:1280]
    smooth = 128 + 80 * np.sin(rows / 61)[..., None] * np.cos(columns[..., None] / np.array([37, 53, 71]))
    data = saved(smooth.astype(np.uint8), "JPEG", quality=95)
    full = decode(data, short_side=1024).rgb
    assert full.shape == (1024, 1280, 3)
    reduced = decode(data, short_side=128)
    means = full.reshape(128, 8, 160, 8, 3).mean(axis=(1, 3))
    assert np.abs(reduced.rgb - means).mean() < 1
    assert reduced.notes == ("Reduced from 1280 x 1024 to 160 x 128 pixels.",)


def test_a_large_picture_is_kept_small_and_every_pixel_counts():
    values = np.zeros((2000, 4002), np.uint8)
    values[0, 0] = 250
    values[-1, -1] = 90
    picture = decode(saved(values, "PNG"))
    assert picture.rgb.shape == (1000, 2001, 3)
    assert picture.rgb.shape[0] * picture.rgb.shape[1] <= MAX_KEPT_PIXELS
    assert picture.source_size == (2000, 4002)
    assert picture.rgb[0, 0, 0] in (62, 63)  # 250 / 4
    assert picture.rgb[-1, -1, 0] in (22, 23)  # 90 / 4
    assert picture.rgb.any(axis=-1).sum() == 2
    assert picture.notes == ("Reduced from 4002 x 2000 to 2001 x 1000 pixels.",)


def test_fifty_megapixels_are_possible_and_one_row_more_is_not():
    rows = b"\0" + bytes(10_000 // 8)
    picture = decode(png(None, depth=1, colour=0, size=(5000, 10_000), packed=[rows[1:]] * 5000))
    assert picture.rgb.shape == (1250, 2500, 3)
    with pytest.raises(PictureError, match="10000 x 5001 pixels, and at most 50 megapixels"):
        decode(png(None, depth=1, colour=0, size=(5001, 10_000), packed=[b""]))


ANIMATED = {
    "GIF": saved(Image.new("RGB", (7, 5), "red"), "GIF", save_all=True,
                 append_images=[Image.new("RGB", (7, 5), c) for c in ("blue", "green")]),
    "WEBP": saved(Image.new("RGB", (7, 5), "red"), "WEBP", save_all=True, lossless=True,
                  append_images=[Image.new("RGB", (7, 5), c) for c in ("blue", "green")]),
    "PNG": saved(Image.new("RGB", (7, 5), "red"), "PNG", save_all=True,
                 append_images=[Image.new("RGB", (7, 5), c) for c in ("blue", "green")]),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANIMATED)
def test_an_animation_gives_its_first_frame_and_says_so(kind):
    picture = decode(ANIMATED[kind])
    assert np.unique(picture.rgb.reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]
    assert picture.notes == ("The first of 3 frames.",)


def test_a_tiff_gives_its_first_page_and_an_mpo_counts_as_jpeg():
    pages = [Image.new("RGB", (7, 5), colour) for colour in ("red", "blue")]
    document = decode(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert document.rgb[0, 0].tolist() == [255, 0, 0]
    assert document.notes == ("The first of 2 pages.",)
    stereo = decode(saved(pages[0], "MPO", save_all=True, append_images=pages[1:]))
    assert (stereo.format, stereo.rgb[0, 0, 0] > 250) == ("JPEG", True)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_colour_profile_is_reported_unless_it_is_srgb(kind):
    reported = "Its colour profile is not applied: colours are shown as if they were sRGB."
    assert reported in decode(saved(RGB, kind, icc_profile=b"header Display P3")).notes
    assert decode(saved(RGB, kind, icc_profile=b"header sRGB IEC61966-2.1")).notes == ()
    assert decode(saved(RGB, kind, icc_profile="sRGB".encode("utf-16-be"))).notes == ()


REFUSED = {
    "nothing": (b"", "file is empty: choose a PNG, JPEG, WebP, GIF, BMP or TIFF picture"),
    "text named .png": (b"This is not a picture.\n", "is text, and only PNG, JPEG, WebP, GIF, BMP and TIFF"),
    "html": (b"\xef\xbb\xbf\n<!DOCTYPE html><html></html>", "is a web page"),
    "svg": (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC picture"),
    "avif": (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "is an AVIF picture"),
    "video": (b"\0\0\0\x18ftypmp42\0\0\0\0", "is a video"),
    "pdf": (b"%PDF-1.7", "is a PDF document"),
    "noise": (bytes(range(200)), "is of an unknown kind"),
    "one byte": (b"\x89", "is of an unknown kind"),
    "large": (b"\x89PNG" + bytes(MAX_BYTES), "has 32.0 MB, and at most 32 MB are possible"),
    "gif canvas": (b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;", "at most 50 megapixels"),
    "png side": (png(None, depth=8, colour=0, size=(2**31 - 1,) * 2, packed=[b""]), "too many pixels"),
    "tiff": (tiff({t: (4, 1, v) for t, v in {256: 9000, 257: 9000, 258: 8, 262: 1}.items()}),
             "9000 x 9000 pixels, and at most 50"),
    "long": (png(None, depth=1, colour=0, size=(1, 65_536), packed=[bytes(8192)]), "at most 65535 on a side"),
    "lzma in tiff": (saved(RGB, "TIFF", compression="lzma"), "compressed as lzma, which cannot be read"),
    "bigtiff": (saved(RGB, "TIFF", big_tiff=True), "is a BigTIFF"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_one_sentence(name):
    data, reason = REFUSED[name]
    with pytest.raises(PictureError, match=reason) as refused:
        decode(data)
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert ". " not in sentence


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match="takes the bytes of a picture file, not str"):
        decode("cat.png")
    with pytest.raises(ValueError, match="short_side must be at least 1 pixel, not 0"):
        decode(saved(RGB, "PNG"), short_side=0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.8])
def test_a_file_cut_short_is_refused(kind, kept):
    data = saved(random_rgb(50, 70), kind)
    with pytest.raises(PictureError, match=r"(damaged|cut short|holds no picture)") as refused:
        decode(data[: int(len(data) * kept)])
    assert refused.value.__cause__ is not None


def test_metadata_bombs_cost_nothing():
    bomb = zlib.compress(bytes(2**26))
    for extra in (
        chunk(b"zTXt", b"a\0\0" + bomb),
        chunk(b"iTXt", b"a\0\1\0\0\0" + bomb),
        chunk(b"iCCP", b"a\0\0" + bomb),
    ):
        np.testing.assert_array_equal(decode(png(RGB, depth=8, colour=2, chunks=extra)).rgb, RGB)
    jpeg = saved(RGB, "JPEG")
    comments = b"".join(b"\xff\xfe\xff\xff" + bytes(0xFFFD) for _ in range(40))
    np.testing.assert_array_equal(decode(jpeg[:2] + comments + jpeg[2:]).rgb, decode(jpeg).rgb)


def test_a_progressive_jpeg_of_many_scans_is_refused():
    data = saved(RGB, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(PictureError, match="scans where at most 50 are possible"):
        decode(data[:-2] + last * 50 + data[-2:])


def broken_metadata():
    """Pictures whose pixels are fine, and whose metadata makes Pillow warn or fail."""
    points_past_the_end = struct.pack(">HHIHHI", 2, 0x010F, 2, 500, 0, 9999) + bytes(16)
    for block in (b"garbage", b"MM\0*\0\0\0\x08" + points_past_the_end, b"II*\0\xff\xff\xff\xff"):
        yield saved(RGB, "PNG", exif=b"Exif\0\0" + block)
        yield saved(RGB, "JPEG", exif=b"Exif\0\0" + block)
    tags = {256: 7, 257: 5, 258: 8, 259: 1, 262: 1, 277: 1, 278: 5}
    yield tiff({**{t: (3, 1, v) for t, v in tags.items()}, 305: (2, 60, 10**6)}, bytes(35))


@pytest.mark.parametrize("data", broken_metadata())
def test_broken_metadata_neither_warns_nor_costs_the_picture(data):
    assert decode(data).rgb.shape == (5, 7, 3)


def test_nothing_global_changes():
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    for data in (*broken_metadata(), b"", b"\x89PNG\r\n\x1a\n"):
        try:
            decode(data)
        except PictureError:
            continue
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    filters = len(warnings.filters)
    decode(saved(RGB, "PNG"))
    assert len(warnings.filters) == filters
    with pytest.warns(UserWarning, match="still heard"):
        warnings.warn("still heard", UserWarning, stacklevel=1)


def test_many_threads_decode_at_once():
    files = [
        saved(random_rgb(40 + n, 60), kind) for n in range(4) for kind in ("PNG", "JPEG", "TIFF", "WEBP")
    ]
    alone = [decode(data).rgb for data in files]
    wrong = []

    def visit(first):
        for turn in range(len(files)):
            at = (first + turn) % len(files)
            if not np.array_equal(decode(files[at]).rgb, alone[at]):
                wrong.append(at)

    threads = [threading.Thread(target=visit, args=(2 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


SEEDS = {
    "png": saved(random_rgb(9, 11), "PNG", exif=exif(6), icc_profile=b"P3"),
    "png palette": saved(random_rgb(9, 11), "PNG", mode="P", transparency=b"\0\x80"),
    "png 16": png(random_rgb(9, 11)[..., 0].astype(np.uint16) * 257, depth=16, colour=0),
    "apng": ANIMATED["PNG"],
    "jpeg": saved(random_rgb(9, 11), "JPEG", exif=exif(8)),
    "jpeg progressive": saved(random_rgb(9, 11), "JPEG", progressive=True),
    "jpeg cmyk": saved(random_rgb(9, 11), "JPEG", mode="CMYK"),
    "webp": saved(random_rgb(9, 11), "WEBP", exif=exif(3)),
    "webp animated": ANIMATED["WEBP"],
    "gif": ANIMATED["GIF"],
    "bmp": saved(random_rgb(9, 11), "BMP"),
    "bmp palette": saved(random_rgb(9, 11), "BMP", mode="P"),
    "tiff": saved(random_rgb(9, 11), "TIFF"),
    "tiff lzw": saved(random_rgb(9, 11), "TIFF", compression="tiff_lzw"),
    "tiff jpeg": saved(random_rgb(16, 16), "TIFF", compression="jpeg"),
    "tiff float": saved(random_rgb(9, 11)[..., 0].astype(np.float32), "TIFF"),
    "tiff lab": saved(random_rgb(9, 11), "TIFF", mode="LAB"),
    "tiff fax": saved(random_rgb(9, 11), "TIFF", mode="1", compression="group4"),
}


@pytest.mark.parametrize("name", SEEDS)
def test_damaged_files_give_a_picture_or_a_picture_error(name):
    rng = random.Random(name)
    outcomes = set()
    for _ in range(120):
        damaged = bytearray(SEEDS[name])
        for _ in range(rng.choice([1, 1, 2, 4, 16])):
            damaged[rng.randrange(len(damaged))] = rng.choice([0, 1, 0x7F, 0xFF, rng.randrange(256)])
        if rng.random() < 0.3:
            del damaged[rng.randrange(len(damaged)) :]
        try:
            picture = decode(bytes(damaged))
        except PictureError:
            outcomes.add("refused")
        else:
            assert isinstance(picture, Picture)
            assert picture.rgb.ndim == 3
            assert picture.rgb.shape[0] * picture.rgb.shape[1] <= MAX_KEPT_PIXELS
            outcomes.add("read")
    assert outcomes == {"read", "refused"}
