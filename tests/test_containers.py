import struct
import zlib

import pytest

from explorer import containers
from explorer.containers import ContainerError, Contents, exif_orientation, is_srgb
from tests.picture_files import chunk, exif, png, random_rgb, saved, tiff

RGB = random_rgb(5, 7)


def segment(marker, body=b""):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def test_a_jpeg_keeps_what_its_pixels_need():
    tables, scan = segment(0xDB, b"tables"), segment(0xDA, b"scan") + b"\x12\xff\0\x34\xff\xd0\x56"
    jfif, adobe = segment(0xE0, b"JFIF\0"), segment(0xEE, b"Adobe")
    thumbnail = segment(0xE1, exif(6) + b"\xff\xda\xff\xd9")
    profile = segment(0xE2, b"ICC_PROFILE\0\1\1Display P3")
    rest = scan + segment(0xC4, b"more") + scan + b"\xff\xd9" + b"video after the picture \xff\xda"
    data = b"\xff\xd8" + jfif + thumbnail + profile + segment(0xFE, b"hello") + adobe + tables + rest
    kept = b"\xff\xd8" + jfif + adobe + tables + rest
    assert containers.read_jpeg(data) == Contents(kept, orientation=6, profile=b"Display P3")


def test_scans_are_counted_in_the_picture_and_nowhere_else():
    scan = segment(0xDA, b"s") + b"\xff\0\xff\xd7"
    preview = segment(0xE1, b"\xff\xda" * 3000)
    allowed = b"\xff\xd8" + preview + scan * containers.MAX_SCANS + b"\xff\xd9" + scan * 1000
    assert containers.read_jpeg(allowed).data == allowed.replace(preview, b"")
    with pytest.raises(ContainerError, match="has 51 scans where at most 50 are possible"):
        containers.read_jpeg(b"\xff\xd8" + scan * (containers.MAX_SCANS + 1))


def test_a_jpeg_of_empty_segments_ends():
    with pytest.raises(ContainerError, match="more than 65,536 segments"):
        containers.read_jpeg(b"\xff\xd8" + segment(0xFE) * (containers.MAX_SEGMENTS + 1))
    with pytest.raises(ContainerError, match="is cut short"):
        containers.read_jpeg(b"\xff\xd8\xff\xe0")


def test_a_png_keeps_what_its_pixels_need():
    bare = png(RGB, depth=8, colour=2)
    profile = chunk(b"iCCP", b"wide\0\0" + zlib.compress(b"Display P3"))
    extra = (
        profile
        + chunk(b"tEXt", b"a\0b")
        + chunk(b"eXIf", exif(3)[6:])
        + chunk(b"acTL", struct.pack(">II", 4, 0))
    )
    assert containers.read_png(png(RGB, depth=8, colour=2, chunks=extra)) == Contents(
        bare, 3, 4, b"wideDisplay P3"
    )
    assert containers.read_png(bare + b"anything") == Contents(bare)
    with pytest.raises(ContainerError, match="is cut short"):
        containers.read_png(bare[:33] + chunk(b"acTL", bytes(8))[:11])
    with pytest.raises(ContainerError, match="more than 65,536 chunks"):
        containers.read_png(png(RGB, depth=8, colour=2, chunks=chunk(b"tEXt", b"") * containers.MAX_SEGMENTS))


@pytest.mark.parametrize("packed", [b"", b"\0garbage", b"\0" + zlib.compress(bytes(2**24))])
def test_a_profile_is_inflated_only_a_little(packed):
    contents = containers.read_png(png(RGB, depth=8, colour=2, chunks=chunk(b"iCCP", b"name\0" + packed)))
    assert contents.profile.startswith(b"name")
    assert len(contents.profile) <= 4 + 65_536


def gif(*blocks):
    return b"GIF89a\x07\0\x05\0\x80\0\0" + b"abcdef" + b"".join(blocks) + b";"


FRAME = b",\0\0\0\0\7\0\5\0\0\2\3abc\0"
CONTROL = b"!\xf9\4\1\0\0\1\0"


def test_a_gif_keeps_its_first_frame():
    comment = b"!\xfe\5hello\5there\0"
    local = b",\0\0\0\0\7\0\5\0\x81" + bytes(12) + b"\2\3abc\0"
    data = gif(comment, CONTROL, FRAME, comment, CONTROL, local, FRAME) + b"trailing" + FRAME
    assert containers.read_gif(data) == Contents(gif(CONTROL, FRAME), frames=3)
    assert containers.read_gif(gif(local)) == Contents(gif(local))
    assert containers.read_gif(gif(FRAME * 1500)).frames == containers.MAX_COUNTED_FRAMES


@pytest.mark.parametrize(
    "data", [gif(), gif(b"!\xfe\0" * 70_000, FRAME), gif(b"!\xfe" + b"\1a" * 1_000_001, b"\0", FRAME)]
)
def test_a_gif_without_a_frame_in_reach_is_refused(data):
    with pytest.raises(ContainerError, match=r"holds no picture|unreasonably small blocks"):
        containers.read_gif(data)


def test_a_webp_tells_its_metadata_and_frames():
    def riff(*chunks):
        return b"RIFF\0\0\0\0WEBP" + b"".join(
            k + struct.pack("<I", len(b)) + b + b"\0" * (len(b) % 2) for k, b in chunks
        )

    data = riff(
        (b"VP8X", bytes(10)), (b"ICCP", b"odd"), (b"ANMF", b"frame"), (b"ANMF", b""), (b"EXIF", exif(5))
    )
    assert containers.read_webp(data) == Contents(data, orientation=5, frames=2, profile=b"odd")
    plain = saved(RGB, "WEBP")
    assert containers.read_webp(plain) == Contents(plain)
    with pytest.raises(ContainerError, match="more than 65,536 chunks"):
        containers.read_webp(riff((b"JUNK", b"")) + (b"JUNK" + bytes(4)) * containers.MAX_SEGMENTS)


def test_a_tiff_directory_may_not_be_unreasonably_large():
    size = {256: (3, 1, 7), 257: (3, 1, 5)}
    data = tiff(size)
    assert containers.read_tiff(data) == Contents(data)
    with pytest.raises(ContainerError, match="300,004 numbers in one directory where at most 262,144"):
        containers.read_tiff(tiff({**size, 273: (4, 300_001, 8)}))
    with pytest.raises(ContainerError, match="bytes of metadata"):
        containers.read_tiff(tiff({**size, 34675: (7, 1000, 8)}))
    with pytest.raises(ContainerError, match="tiles larger than any possible picture"):
        containers.read_tiff(tiff({**size, 322: (4, 1, 2**16), 323: (4, 1, 2**16)}))
    inner = tiff({256: (5, 300_000, 0)})[8:]
    with pytest.raises(ContainerError, match="numbers in one directory"):
        containers.read_tiff(tiff({**size, 0x8769: (4, 1, 74)}).ljust(74, b"\0") + inner)


@pytest.mark.parametrize("order", "<>")
def test_tiff_pages_are_counted_and_a_loop_ends(order):
    last = struct.pack(order + "HI", 0, 0)
    first = len(tiff({}, order=order))
    assert containers.read_tiff(tiff({}, order=order, following=first) + last).frames == 2
    assert containers.read_tiff(tiff({}, order=order, following=8)).frames == 1
    assert containers.read_tiff(tiff({}, order=order, following=10**6)).frames == 1
    chain = b"".join(struct.pack(order + "HI", 0, first + 6 * n) for n in range(1, 1501))
    assert (
        containers.read_tiff(tiff({}, order=order, following=first) + chain).frames
        == containers.MAX_COUNTED_FRAMES
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", "<>")
def test_orientation_is_read_in_both_byte_orders(orientation, order):
    assert exif_orientation(exif(orientation, order)) == orientation
    assert exif_orientation(exif(orientation, order)[6:]) == orientation


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0", b"II*\0", b"II*\0\xff\xff\xff\xff", exif(0), exif(9), exif(6)[:-8]]
)
def test_an_unreadable_orientation_is_upright(block):
    assert exif_orientation(block) == 1


def test_srgb_profiles_are_known_by_their_name():
    assert is_srgb(b"desc...sRGB IEC61966-2.1")
    assert is_srgb(b"mluc\0s\0R\0G\0B")
    assert not is_srgb(b"Display P3")
