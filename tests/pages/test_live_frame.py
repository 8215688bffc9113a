"""The honest frame: the natural picture with its mark, and what is said of both, against plain sums."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest
from torch import nn

import explorer
import models
from explorer.layers import layer_table
from explorer.visualization.beside import answer
from pages.looks import natural
from pages.looks.chosen import Chosen
from pages.looks.frame import Frame, probability, verdict

INPUT = (24, 32)


def net():
    """Two convolutions; a position of the second sees 7 × 7 pixels, two apart."""
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Conv2d(4, 5, 3, padding=1))


@pytest.fixture(scope="module")
def layer():
    return layer_table(net(), torch.zeros(1, 3, *INPUT))["1"]


def test_a_position_sees_a_box_cut_to_the_input(layer) -> None:
    inside = natural.place(layer, 5, 6, INPUT)
    assert inside.box == (7, 9, 14, 16)  # 2 * 5 - 3 .. + 7
    assert inside.middle == (10.5, 12.5)
    corner = natural.place(layer, 0, 0, INPUT)
    assert corner.box == (0, 0, 4, 4)
    assert corner.middle == (0.5, 0.5)
    assert not inside.whole


def test_the_box_is_what_the_gradient_reaches(layer) -> None:
    x = torch.zeros(1, 3, *INPUT, requires_grad=True)
    net()(x)[0, 2, 5, 6].backward()
    rows, columns = torch.nonzero(x.grad[0].abs().sum(0), as_tuple=True)
    box = natural.place(layer, 5, 6, INPUT).box
    assert (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) == box


def opened(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_frame_is_drawn_around_the_box(layer) -> None:
    grey = np.full((240, 320, 3), 120, dtype=np.uint8)  # ten pixels for each of the input's
    changed = np.abs(opened(natural.marked(grey, natural.place(layer, 5, 6, INPUT), INPUT)) - 120).max(2) > 40
    rows, columns = np.nonzero(changed)
    box = np.array([70, 90, 140, 160])
    assert np.abs(np.array([rows.min(), columns.min(), rows.max(), columns.max()]) - box).max() <= 4
    assert not changed[80:130, 100:150].any()
    assert not (np.abs(opened(natural.marked(grey, None, INPUT)) - 120) > 4).any()


@pytest.mark.parametrize(("row", "column"), [(0, 0), (23, 31), (11, 15)])
def test_where_nearly_all_is_seen_a_ring_marks_the_middle_and_is_seen_whole(row, column) -> None:
    grey = np.full((240, 320, 3), 120, dtype=np.uint8)
    at = natural.Place((0, 0, *INPUT), (row, column), whole=True)
    rows, columns = np.nonzero(np.abs(opened(natural.marked(grey, at, INPUT)) - 120).max(2) > 40)
    assert rows.max() - rows.min() >= 18
    assert columns.max() - columns.min() >= 18
    near = abs(rows.mean() - 10 * row), abs(columns.mean() - 10 * column)
    assert max(near) <= 16


def test_what_a_position_sees_is_cut_out_and_enlarged(layer) -> None:
    picture = np.zeros((240, 320, 3), dtype=np.uint8)
    picture[70:140, 90:160] = (250, 20, 20)
    part = opened(natural.part(picture, natural.place(layer, 5, 6, INPUT), INPUT))
    assert part.shape == (natural.SIDE, natural.SIDE, 3)
    assert part[20:-20, 20:-20, 0].min() > 220
    steep = opened(natural.part(picture, natural.Place((0, 4, 20, 9), (0, 0), whole=False), INPUT))
    assert steep.shape == (natural.SIDE, natural.SIDE // 4, 3)


@pytest.mark.parametrize("side", [1, 3, 90])
def test_what_the_network_sees_of_pictures_of_any_size(side) -> None:
    prepare = models.Preprocessing(resize=40, crop=32, mean=(0.5,) * 3, std=(0.5,) * 3)
    file = BytesIO()
    Image.new("RGB", (2 * side, side), (10, 200, 30)).save(file, "PNG")
    seen = natural.seen(explorer.decode(file.getvalue()), prepare)
    assert seen.shape == (natural.SIDE, natural.SIDE, 3)
    assert np.abs(seen.astype(int) - (10, 200, 30)).max() <= 1


def of(layer_name, *pictures):
    both = [answer(f"p{k}", layer_name, torch.tensor(values)[None]) for k, values in enumerate(pictures)]
    return both[0] + both[1]


def test_what_is_said_of_a_channel() -> None:
    natural_answers = of("x", [[[0.0, 2.0]], [[0.0, 4.0]]], [[[1.0, 3.0]], [[2.0, 2.0]]])
    made = answer("made", "x", torch.tensor([[[[5.0, 9.0]], [[2.0, 2.0]]]]))
    words = verdict(Frame(Chosen("x", 0), natural_answers), made)
    assert "to **9** at the highest and to a mean of **7**" in words
    assert "Of 2 natural pictures none gets beyond 3 and 2." in words
    assert "Of the layer's 2 channels it raises this one furthest" in words
    other = verdict(Frame(Chosen("x", 1), natural_answers), made, highest=2.5)
    assert "to **2.5** at the highest" in other
    assert "It raises 1 of the layer's 2 channels even further" in other


def test_a_channel_that_is_always_silent_is_not_ranked() -> None:
    silent = of("x", [[[0.0, 0.0]]], [[[0.0, 0.0]]])
    made = answer("made", "x", torch.tensor([[[[5.0, 9.0]]]]))
    assert "silent on all of them" in verdict(Frame(Chosen("x", 0), silent), made)


def test_what_is_said_of_a_class() -> None:
    logits = of("", [0.0, 1.0, 2.0], [3.0, 3.0, 3.0])
    made = answer("made", "", torch.tensor([[9.0, 1.0, 12.0]]))
    share, place = probability(made, 0, 0)
    assert share == pytest.approx(np.exp(9) / (np.exp(9) + np.e + np.exp(12)), rel=1e-5)
    assert place == 2
    words = verdict(Frame(Chosen(None, 0), logits), made)
    assert "**4.7\u00a0%** for the made picture, number 2 among its answers" in words
    assert "for none of the 2 natural pictures here more than 33.3\u00a0%" in words
    assert "**95.3\u00a0%** for the made picture, its first choice" in verdict(
        Frame(Chosen(None, 2), logits), made
    )


PAGE = """
from pages import state
from pages.looks import frame
state.sync("looks")
frame.show_trust()
"""


def test_the_sources_are_named_with_their_figures() -> None:
    test = AppTest.from_string(PAGE).run()
    assert not test.exception
    (text,) = (part.value for part in test.markdown)
    assert "made by optimisation" in text
    for source in ("Borowski et al. 2021", "Zimmermann et al. 2021", "Geirhos et al. 2023"):
        assert source in text
    addresses = [part.proto.url for part in test.get("link_button")]
    assert addresses == [
        f"https://arxiv.org/abs/{number}" for number in ("2010.12606", "2106.12447", "2306.04719")
    ]
