"""The figure of a hierarchy: what it shows is right, nothing overlaps, and it is always the same."""

import hashlib
import io
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

from explorer.channels import strongest
from explorer.figure import FORMATS, TILES, FigureRow, figure_rows, hierarchy_figure
from explorer.figure_sheet import DPI, Rectangle, Sheet, drawing, fit, printable, text_width
from explorer.images import Picture
from explorer.receptive_field import ReceptiveField
from explorer.rendering import colormap
from models import Prediction

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Spec:
    title: str = "TinyNet"
    input_size: tuple[int, int] = (40, 32)


@dataclass
class Crop:
    """Sees the middle of a picture, in the shape 40 : 32, with a margin."""

    def visible_box(self, height, width):
        scale = min(height / 50, width / 40)
        down, across = 40 * scale, 32 * scale
        top, left = (height - down) / 2, (width - across) / 2
        return top, left, top + down, left + across


@dataclass
class Model:
    spec: Spec = field(default_factory=Spec)
    digest: str = "0123456789abcdef" * 4
    preprocess: Crop = field(default_factory=Crop)


def picture(height, width, grey=None):
    rgb = np.random.default_rng(height + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    if grey is not None:
        rgb[:] = grey
    return Picture(rgb, "fedcba9876543210" * 4, (height, width), "PNG")


def maps(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


BEST = tuple(
    Prediction(at, label, share)
    for at, (label, share) in enumerate(
        [("tabby", 0.5), ("tiger cat", 0.25), ("lynx", 0.05), ("cock", 0.001), ("hen", 0.0)]
    )
)
STEM = ReceptiveField((7, 5), (-3, -2), (2, 2))
DEEP = ReceptiveField((90, 90), (-40, -40), (8, 8))
WHOLE = ReceptiveField((40, 32), (0, 0), (0, 0), whole=True)


def rows():
    early, middle, deep = maps(8, 20, 16), maps(12, 10, 8, seed=1).relu(), maps(9, 5, 4, seed=2)
    return (
        FigureRow("Early", "stem", early, strongest(early, TILES), STEM),
        FigureRow("Middle", "blocks.2", middle[None], strongest(middle, TILES), DEEP),
        FigureRow("Deep", "blocks.4", deep, strongest(deep, TILES), WHOLE),
    )


def figure(kind="png", of=None, best=BEST, parts=None, title="A cat"):
    of = of or picture(60, 90)
    return hierarchy_figure(of, best, parts or rows()[:1], model=Model(), title=title, kind=kind)


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def at(image, y, x):
    """The pixel at so many inches from the top left corner."""
    return tuple(image[round(y * DPI), round(x * DPI)])


def test_a_pdf_has_text_and_embedded_truetype_fonts_and_no_dates():
    data = figure("pdf")
    assert data.startswith(b"%PDF-")
    assert b"/FontFile2" in data
    assert b"/Type3" not in data
    assert b"/CIDFontType2" in data
    assert b"Date" not in data
    assert b"/Title (A cat: feature hierarchy of TinyNet)" in data


def test_an_svg_is_valid_and_needs_no_fonts():
    root = ElementTree.fromstring(figure("svg"))
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert {"svg", "path", "image"} <= tags
    assert "text" not in tags
    assert "date" not in tags
    links = [value for element in root.iter() for key, value in element.items() if key.endswith("}href")]
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def test_a_png_has_the_sheets_size_and_no_text_chunks():
    image = Image.open(io.BytesIO(figure("png")))
    assert image.width == 7.2 * DPI
    assert abs(image.info["dpi"][0] - DPI) < 0.1
    assert set(image.info) == {"dpi"}


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_input_gives_the_same_bytes_whatever_the_users_settings_are(kind):
    plain = figure(kind)
    users = {"pdf.fonttype": 3, "svg.fonttype": "none", "svg.hashsalt": None, "path.sketch": (1, 100, 2)}
    users |= {"font.size": 30, "axes.facecolor": "red", "savefig.bbox": "tight", "text.usetex": True}
    with matplotlib.rc_context(users):
        assert figure(kind) == plain
        assert {key: matplotlib.rcParams[key] for key in users} == users


def test_matplotlibs_settings_stay_as_they_were_after_an_error(monkeypatch):
    before = dict(matplotlib.rcParams)
    monkeypatch.setattr(Sheet, "save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        figure("svg")
    assert dict(matplotlib.rcParams) == before


def test_many_threads_draw_the_same():
    before = dict(matplotlib.rcParams)
    kinds = ["pdf", "svg", "svg"]
    alone = {kind: figure(kind) for kind in set(kinds)}
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(figure, kinds)) == [alone[kind] for kind in kinds]
    assert dict(matplotlib.rcParams) == before


def test_another_process_draws_the_same_without_pyplot():
    code = """if True:
        import hashlib, sys
        from tests.test_figure import figure
        sys.modules.pop("matplotlib.pyplot", None)
        print(hashlib.sha256(figure("pdf") + figure("svg")).hexdigest(), "matplotlib.pyplot" in sys.modules)
    """
    environment = {"PYTHONHASHSEED": "12345", "PATH": "", "HOME": str(Path.home()), "MPLBACKEND": "svg"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    expected = hashlib.sha256(figure("pdf") + figure("svg")).hexdigest()
    assert done.stdout.split() == [expected, "False"], done.stderr


def caught_sheet(monkeypatch, *arguments, **keywords):
    """The sheet that a figure is drawn on."""
    sheets = []

    def save(sheet, kind, title):
        sheets.append(sheet)
        return b""

    with monkeypatch.context() as patch:
        patch.setattr(Sheet, "save", save)
        figure(*arguments, **keywords)
    return sheets[0]


def boxes_of_texts(sheet):
    """(words, left, top, right, bottom) in inches of everything that is written."""
    found = []
    for text in sheet._axes.texts:
        box = text.get_window_extent().padded(-0.5)
        left, right = box.x0 / DPI, box.x1 / DPI
        found.append((text.get_text(), left, sheet.height - box.y1 / DPI, right, sheet.height - box.y0 / DPI))
    return found


@pytest.mark.parametrize("shape", [(60, 90), (90, 60), (1, 1), (1, 5000), (5000, 1)], ids=str)
def test_no_words_overlap_or_lie_on_a_picture_or_leave_the_sheet(monkeypatch, shape):
    long = tuple(Prediction(n, "a long name of a class " * 4, 1.0) for n in range(7))
    wide = FigureRow("Another one " * 3, "block." * 20, maps(1, 3, 30, seed=5) * 1e-6, (0,), DEEP)
    parts = (rows()[0], wide)
    sheet = caught_sheet(monkeypatch, of=picture(*shape), best=long, parts=parts, title="Some words " * 9)
    texts = boxes_of_texts(sheet)
    assert len(texts) > 30
    for words, left, top, right, bottom in texts:
        assert min(left, top, sheet.width - right, sheet.height - bottom) > 0.1, words
    for (one, l1, t1, r1, b1), (two, l2, t2, r2, b2) in combinations(texts, 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1, (one, two)
    images = [image.get_extent() for image in sheet._axes.images]
    assert len(images) == 1 + (1 + TILES + 1) + (
        1 + 1 + 1
    )  # the picture; what is seen, maps, colours of each row
    for words, left, top, right, bottom in texts:
        for l2, r2, b2, t2 in images:
            assert right <= l2 or r2 <= left or bottom <= t2 or b2 <= top, words


def test_what_is_written(monkeypatch):
    words = [text for text, *_ in boxes_of_texts(caught_sheet(monkeypatch, parts=rows()))]
    assert words[:2] == ["A cat", "What TinyNet makes of it, from its first layers to its last"]
    assert {"tabby", "50.0 %", "0.1 %", "Early", "Middle", "Deep"} <= set(words)
    assert "stem · 8 maps of 20 × 16 · each value sees 7 × 5 px" in words
    assert "blocks.4 · 9 maps of 5 × 4 · each value sees the whole picture" in words
    assert f"channel {rows()[0].channels[0]}" in words
    assert any("weights 01234567 · picture fedcba98" in text for text in words)


def test_of_a_very_long_picture_the_middle_is_shown(monkeypatch):
    words = [text for text, *_ in boxes_of_texts(caught_sheet(monkeypatch, of=picture(1, 5000)))]
    assert any(text.startswith("the middle of the picture, 5000 × 1 px") for text in words)
    sheet = caught_sheet(monkeypatch, of=picture(5000, 1))
    left, right, bottom, top = sheet._axes.images[0].get_extent()
    assert right - left > 0.5
    assert bottom - top > 0.5


def test_the_colours_are_those_of_the_colour_map():
    """The last colour for the largest value, the middle one for zero, the first for the lowest."""
    signed = torch.zeros(1, 2, 4)
    signed[0, 0, 0], signed[0, 1, 3] = 2.0, -2.0
    image = pixels(figure(parts=(FigureRow("Early", "stem", signed, (0,), None),)))
    colours = colormap("ember").sample(253)
    # The tile is 0.82 inches wide and stands in the middle of a square place.
    left, top, side = 0.2 + 0.82 + 0.17, 2.97 + 0.30 + 0.205, 0.205
    for row, column, entry in [(0, 0, 252), (1, 3, 0), (0, 1, 126), (1, 0, 126)]:
        seen = at(image, top + (row + 0.5) * side, left + (column + 0.5) * side)
        assert seen == tuple(colours[entry]), (row, column)


def test_the_bars_are_as_long_as_the_probabilities():
    image = pixels(figure())
    wide = picture(60, 90)
    first = [tuple(pixel) == (0xB5, 0x36, 0x7A) for pixel in image[round(1.16 * DPI)]]
    picture_right = 0.2 + min(2.9, 1.95 * wide.rgb.shape[1] / wide.rgb.shape[0])
    track = 7.2 - 0.2 - 0.45 - (picture_right + 0.4)
    assert sum(first) / DPI == pytest.approx(0.5 * track, abs=2 / DPI)


def test_the_receptive_field_of_the_strongest_response_is_framed():
    """On a grey picture every white pixel of the thumbnail belongs to the frame."""
    early = torch.zeros(2, 20, 16)
    early[1, 12, 9] = -5.0
    row = FigureRow("Early", "stem", early, (1, 0), STEM)
    assert row.peak() == (12, 9)
    image = pixels(figure(of=picture(60, 90, grey=90), parts=(row,)))
    # 40 x 32 input pixels in a square of 0.82 inches: 0.82 high, 0.656 wide.
    scale, top, left = 0.82 / 40, 2.97 + 0.30, 0.2 + (0.82 - 0.656) / 2
    thumbnail = image[round(top * DPI) :, round(left * DPI) :][: round(0.82 * DPI), : round(0.656 * DPI)]
    white = (thumbnail > 240).all(axis=2)
    white[[0, -1]] = white[:, [0, -1]] = False  # half of them are paper
    down, across = np.nonzero(white)
    expected = (12 * 2 - 3, 9 * 2 - 2, 12 * 2 - 3 + 7, 9 * 2 - 2 + 5)  # top, left, bottom, right
    found = np.array([down.min(), across.min(), down.max() + 1, across.max() + 1]) / DPI / scale
    np.testing.assert_allclose(found, expected, atol=0.45)  # half the line's width


@pytest.mark.parametrize(
    "values",
    [
        torch.full((2, 3, 4), torch.nan),
        torch.full((2, 3, 4), torch.inf),
        torch.zeros(2, 3, 4),
        torch.full((2, 3, 4), -7.0),
        maps(2, 1, 1),
        torch.tensor([[[torch.nan, 1.0], [-torch.inf, 0.5]], [[0.0, 2.0], [1.0, 0.0]]]),
        maps(2, 3, 400).half(),
    ],
    ids=["nan", "infinite", "zero", "constant", "one pixel", "mixed", "wide half"],
)
def test_odd_maps_are_drawn(values, monkeypatch):
    parts = (FigureRow("Early", "stem", values, (0, 1), STEM),)
    words = [text for text, *_ in boxes_of_texts(caught_sheet(monkeypatch, parts=parts))]
    assert ("not a number" in words) == bool(values.isnan().any())
    assert ("infinite" in words) == bool(values.isinf().any())


def test_the_strongest_response_is_a_finite_one():
    values = torch.tensor([[[torch.nan, 1.0, -3.0], [-torch.inf, 0.5, 2.0]]])
    assert FigureRow("Early", "stem", values, (0,), None).peak() == (0, 2)
    assert FigureRow("Early", "stem", torch.full((1, 3, 4), torch.nan), (0,), None).peak() == (1, 1)


def test_of_equally_strong_responses_the_one_nearest_to_the_middle_is_marked():
    values = torch.zeros(1, 5, 7)
    values[0, 0, 0] = values[0, 1, 4] = values[0, 4, 6] = 6.0
    assert FigureRow("Early", "stem", values, (0,), None).peak() == (1, 4)


@pytest.mark.parametrize(
    "title",
    [
        "",
        "$x^2$ and $\\frac{",
        "猫 🐈 cat",
        "a\nb\tc\x00\x1b[31m",
        "cat\udcff.jpg",
        "<&>\"'",
        "x" * 500,
        "  ",
    ],
    ids=["empty", "math", "no glyphs", "control", "not unicode", "markup", "long", "blank"],
)
@pytest.mark.parametrize("kind", FORMATS)
def test_any_title_is_possible(kind, title):
    with drawing():
        sheet = Sheet(2, 0.5)
        sheet.text(title, 0.1, 0.3)
        data = sheet.save(kind, title)
    assert data.startswith({"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[kind])
    if kind == "svg":
        ElementTree.fromstring(data)


def test_words_are_made_printable_and_fitted():
    assert printable("a\n b\t猫$\x00") == "a b □$□"
    with drawing():
        assert fit("short", 8, False, 2.0) == "short"
        cut = fit("many words that are too long", 8, False, 1.0)
        assert cut.endswith("…")
        assert text_width(cut, 8) <= 1.0 < text_width(cut[:-1] + "xx…", 8)
        assert fit("narrow", 8, False, 0.0) == "…"
        # At 72 points an em is an inch, and DejaVu Sans' M is 0.863 em wide.
        assert text_width("M", 72) == pytest.approx(0.863, abs=0.02)


def test_rectangles_keep_the_shape_of_what_they_hold():
    assert Rectangle(1.0, 2.0, 4.0, 2.0).holding(1, 1) == Rectangle(2.0, 2.0, 2.0, 2.0)
    assert Rectangle(0.0, 0.0, 3.0, 3.0).holding(1, 3) == Rectangle(0.0, 1.0, 3.0, 1.0)


def test_rows_come_from_stages():
    @dataclass
    class Row:
        name: str
        receptive_field: ReceptiveField

    @dataclass
    class Stage:
        title: str
        representative: Row

    activations = {"stem": maps(1, 8, 20, 16), "head": maps(1, 3, 5, 4)}
    made = figure_rows([Stage("early", Row("stem", STEM)), Stage("deep", Row("head", WHOLE))], activations, 5)
    assert [(row.title, row.layer, len(row.channels)) for row in made] == [
        ("Early", "stem", 5),
        ("Deep", "head", 3),
    ]
    assert made[0].channels == strongest(activations["stem"], 5)
    assert made[1].field is WHOLE


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="pdf, svg, png, not 'jpg'"):
        figure("jpg")
    with pytest.raises(ValueError, match="at least one row"):
        hierarchy_figure(picture(6, 9), BEST, (), model=Model(), title="A cat")
    with pytest.raises(ValueError, match="1 to 6 channels, got 7"):
        FigureRow("Early", "stem", maps(8, 4, 3), tuple(range(7)), None)
    with pytest.raises(ValueError, match="1 to 6 channels, got 0"):
        FigureRow("Early", "stem", maps(8, 4, 3), (), None)
    with pytest.raises(ValueError, match="has channels 0 to 7, got 9"):
        FigureRow("Early", "stem", maps(8, 4, 3), (9,), None)


def test_the_arguments_stay_as_they_are():
    of, parts = picture(60, 90), rows()
    before = of.rgb.copy(), [row.maps.clone() for row in parts]
    of.rgb.flags.writeable = False
    figure(of=of, parts=parts)
    assert (of.rgb == before[0]).all()
    assert all(torch.equal(row.maps, old) for row, old in zip(parts, before[1], strict=True))
