"""Chapter 2 without a browser: what it says is what the network and the kernels do."""

import base64
import io
import json
import re
import threading
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from streamlit.testing.v1 import AppTest

import explorer
import models
from explorer.kernels import KERNELS
from explorer.lesson.equivariance import ShiftError, measure, shifted
from explorer.lesson.painting import SIDE, as_input, decode, encode, grid, painted, pixels
from explorer.lesson.position import position_curve, positions_along, reduced
from explorer.rendering import number
from pages import choices as known
from pages.lesson.why import words
from pages.lesson.why.translation import followed_layers
from tests.pages.test_pages import PAGES, opened, png, text, upload

PAGE = str(PAGES / "lesson" / "why" / "page.py")
ALONE = """
from pages import state
from pages.reading import read
from pages.lesson.why import {section}
state.sync("why")
{section}.show(read())
"""


def section(name: str, **query: str) -> AppTest:
    """One section of the page, as a link opens it."""
    test = AppTest.from_string(ALONE.format(section=name), default_timeout=120)
    test.query_params.update(query)
    test.run()
    assert not test.exception
    return test


def sent(test: AppTest, name: str) -> dict:
    """What the page gives a component."""
    (component,) = [each for each in test.get("bidi_component") if each.proto.component_name.endswith(name)]
    return json.loads(component.proto.json)


@pytest.fixture(scope="module")
def model() -> models.LoadedModel:
    return models.load()


@pytest.fixture(scope="module")
def x(model: models.LoadedModel) -> torch.Tensor:
    return model.preprocess(explorer.decode(explorer.sample_bytes("chelsea")))


@pytest.fixture(scope="module")
def levels(model: models.LoadedModel, x: torch.Tensor) -> np.ndarray:
    return grid(pixels(x, model.preprocess.mean, model.preprocess.std))


def said(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"


def off(error: float) -> str:
    return f"{number(100 * error)}\u00a0%"


# Local connectivity


@pytest.mark.parametrize("name", ["gaussian", "edge_vertical", "unsharp"])
@pytest.mark.parametrize(("paint", "changes"), [((30, 2), False), ((11, 21), True)])
def test_the_number_before_and_after_is_the_convolutions(levels, name, paint, changes) -> None:
    kernel = KERNELS[name].weight().float()
    mask = np.zeros((SIDE, SIDE), bool)
    mask[paint] = True
    test = section("local", window=name, spot="11.21", paint=encode(mask))
    before, after = (
        F.conv2d(as_input(each), kernel[None, None])[0, 0, 11, 21].item()
        for each in (levels, painted(levels, mask))
    )
    verdict = "changed" if changes else "unchanged"
    inside = int(changes)
    assert (before != after) == changes
    shown = text(test)
    assert f"gives {said(before)} before and {said(after)} after, {verdict}" in shown
    assert f"Painted pixels: {inside} inside, {1 - inside} outside" in shown
    data = sent(test, "local")
    assert (data["spot"], decode(data["paint"]).tolist()) == ([11, 21], mask.tolist())
    assert data["kernel"] == kernel.tolist()


@pytest.mark.parametrize("spot", ["99.99", "-3.4", "", "1.2.3", "9" * 400])
def test_a_link_cannot_pick_what_does_not_exist(spot: str) -> None:
    row, column = sent(section("local", spot=spot, paint="?!", window="nothing"), "local")["spot"]
    assert 0 <= row < SIDE - 2
    assert 0 <= column < SIDE - 2


# The stack


def test_the_region_grows_as_the_layer_table_says(model: models.LoadedModel, x: torch.Tensor) -> None:
    table = explorer.layer_table(model.module, x)
    test = section("stack", grown="blocks.3.0.conv_dw", point="20.70")
    shown = text(test)
    assert "grows from **3 × 3** to **851 × 851** pixels" in shown
    assert "From `blocks.4.1.conv_dw` on it is larger than the 224 × 224 picture" in shown
    assert "Behind `global_pool` nothing has a place any more" in shown
    data = sent(test, "fields")
    assert data["layers"][data["layer"]]["name"] == "blocks.3.0.conv_dw"
    for layer in data["layers"][:-1]:
        row = table[layer["name"]]
        height, width = row.output_shape[2:]
        assert layer["positions"] == [height, width]
        assert layer["words"] == "{} × {} pixels".format(*row.local_field.size)
        box = row.local_field.box(height - 1, width // 2)
        assert (layer["rows"][height - 1], layer["columns"][width // 2]) == (
            [box[0], box[2]],
            [box[1], box[3]],
        )
    assert data["layers"][-1]["whole"]
    assert [layer["name"] for layer in data["layers"] if "more than the picture's" in layer["note"]] == [
        each["name"] for each in data["layers"][10:-1]
    ]


def test_noise_outside_the_box_changes_nothing_and_inside_it_does(model, x) -> None:
    shown = text(section("stack", grown="blocks.1.0.conv_dw", point="50.50", probe="1"))
    outside, inside = (
        next(part for part in shown.split("\n") if part.startswith(f"**Noise {where}**"))
        for where in ("outside", "inside")
    )
    assert "on 50,055 pixels" in outside
    assert "stays: largest change **exactly 0**" in outside
    assert "on 121 pixels" in inside
    assert re.search(r"changes by up to \*\*[\d.]+\*\*", inside)
    assert 224 * 224 - 11 * 11 == 50_055
    everything = text(section("stack", grown="blocks.6.0.conv_dw", probe="1"))
    assert "so there is nothing outside it" in everything
    assert "there is no outside left" in text(section("stack", grown="global_pool", probe="1"))


# Shared weights


def test_the_counts_of_the_lesson() -> None:
    shown = text(section("sharing"))
    for count in ("**1,792**", "**89,915,392**", "**483,388,358,656**", "270 million times", "1.93 TB"):
        assert count in shown


def test_the_counts_of_ones_own_sizes_are_those_of_real_layers() -> None:
    test = section("sharing", in_height="6", in_width="9", in_channels="2", out_maps="4")
    test.number_input(key="why_window_size").set_value(5).run()
    test.number_input(key="why_window_step").set_value(2).run()
    conv = torch.nn.Conv2d(2, 4, 5, 2, padding=2)
    out = conv(torch.zeros(1, 2, 6, 9))
    dense = torch.nn.Linear(2 * 6 * 9, out.numel())
    one, full = (sum(each.numel() for each in layer.parameters()) for layer in (conv, dense))
    shown = text(test)
    assert "From 6 × 9 × 2 to 3 × 5 × 4" in shown
    assert f"**{one:,}** weights" in shown
    assert f"**{one * 15:,}**" in shown
    assert f"every output **{full:,}**" in shown
    assert "2" in test.query_params["window_step"]


def test_the_largest_sizes_are_counted() -> None:
    test = section("sharing", **dict.fromkeys(("in_height", "in_width", "in_channels", "out_maps"), "4096"))
    assert f"**{4096**3 * (4096**3 + 1):,}** (18.9 ZB)" in text(test)


def test_every_convolution_of_the_model_is_counted(model: models.LoadedModel) -> None:
    convolutions = [each for each in model.module.modules() if isinstance(each, torch.nn.Conv2d)]
    total = sum(parameter.numel() for each in convolutions for parameter in each.parameters())
    shown = text(section("sharing"))
    assert f"Its {len(convolutions)} convolutions have **{total:,}** weights together" in shown
    assert shown.count("\n| `") == len(convolutions)


def test_the_drawing_numbers_each_weight_once() -> None:
    data = sent(section("sharing"), "strip")
    assert [way["count"] for way in data["ways"]] == [3, 15, 35]
    assert (data["inputs"], data["outputs"]) == (7, 5)


# Translation


def errors_of(model, x, layer: str, shift: int, **options: str):
    (curve,) = measure(model.module, x, [layer], [shift], **options).curves
    return curve.points[0]


def test_a_whole_position_follows_to_the_last_digit_but_for_the_border(model, x) -> None:
    shown = text(section("translation"))
    point = errors_of(model, x, "blocks.2.1.conv_dw", 8)
    assert (
        "`blocks.2.1.conv_dw` has a position every 8 pixels: its map should move by **1 position**" in shown
    )
    assert "Away from the border it does, **to the last digit**" in shown
    assert point.inner_error < 1e-6
    assert (
        f"With the border, where padding and new pixels come in, it is off by **{off(point.error)}**" in shown
    )
    top = model.module(torch.cat([x, shifted(x, 8)])).double().softmax(1)[:, 282]
    assert f"*tiger cat* goes from {percent(top[0])} to {percent(top[1])}" in shown


def test_between_two_positions_it_does_not(model, x) -> None:
    shown = text(
        section("translation", followed="blocks.3.0.conv_dw", shift="-4", axis="down", border="zeros")
    )
    point = errors_of(model, x, "blocks.3.0.conv_dw", -4, axis="rows", border="zeros")
    assert "should move by **−1/4 position**" in shown
    assert f"its map is off by **{off(point.error)}**" in shown
    assert "**Stride breaks it.**" in shown


def test_where_every_position_sees_the_border_only_padding_is_to_blame(model, x) -> None:
    shown = text(section("translation", followed="blocks.4.2.conv_dw", shift="16"))
    assert "should move by **1 position**" in shown
    assert "Every one of its positions sees the border by now" in shown
    assert errors_of(model, x, "blocks.4.2.conv_dw", 16).inner_error is None


def test_the_maps_on_the_page_are_the_networks(model, x) -> None:
    data = sent(section("translation", followed="blocks.1.0.conv_dw", followed_map="5", shift="12"), "follow")
    values = np.frombuffer(base64.b64decode(data["maps"]["values"]), np.float32).reshape(2, 56, 56)
    layer = "blocks.1.0.conv_dw"
    still, after = explorer.capture(model.module, torch.cat([x, shifted(x, 12)]), layer)[layer][:, 5]
    np.testing.assert_allclose(values[0], after, atol=1e-4)
    np.testing.assert_allclose(values[1][:, 3:], still[:, :-3], atol=1e-4)
    assert np.isnan(values[1][:, :3]).all()
    assert data["legends"][0]["specials"][0]["name"] == "nothing to move here"


@pytest.mark.parametrize("shift", ["33", "--4", "9" * 99, "٣"])
def test_a_link_cannot_shift_too_far(shift: str) -> None:
    data = sent(
        section("translation", shift=shift, axis="in", border="sky", followed="x", followed_map="-1"),
        "follow",
    )
    assert (data["shift"], data["axis"], data["border"]) == (8, "columns", "circular")


def test_each_way_to_follow_has_its_words() -> None:
    def told(moved: Fraction, error: float, inner: float | None) -> str:
        return words.of_layer("a", ShiftError(8, moved, error, inner, 0.5, 1.0), 4)

    assert "border and all" in told(Fraction(2), 0, 0)
    assert "breaks it" not in told(Fraction(1, 2), 0, 0)
    assert "by **2 positions**. Away from the border it does, **to the last digit**" in told(
        Fraction(2), 0.1, 0
    )
    assert "**but for rounding**" in told(Fraction(2), 0.1, 1e-7)
    assert "**to within 2\u00a0%**" in told(Fraction(2), 0.1, 0.02)
    assert "sees the border by now" in told(Fraction(2), 0.1, None)
    assert "by **−1/2 position**" in told(Fraction(-1, 2), 0.1, None)
    assert "no positions that could move; it changes by 10\u00a0%" in words.of_layer(
        "a", ShiftError(8, Fraction(0), 0.1, None, 0.1, 1.0), None
    )


def test_not_shifted_says_so() -> None:
    assert "both maps are the same" in text(section("translation", shift="0"))


# Position


def test_the_cats_probability_by_position(model, x) -> None:
    shown = text(section("position", object="5"))
    places = positions_along((224, 224), (140, 140), step=14)
    curve = position_curve(
        model.module, torch.zeros_like(x), reduced(x, 140), (281, 282, 285), places, batch=4
    )
    assert f"gets between **{percent(curve.lowest)}** and **{percent(curve.highest)}**" in shown
    whole = model.module(x).double().softmax(1)[0, [281, 282, 285]].sum()
    assert f"the whole picture, {percent(whole)}" in shown
    assert f"14 pixels on, it jumps by up to {100 * curve.largest_jump:.1f} percentage points" in shown


def test_a_picture_without_known_names_is_asked_for_its_own_answer(model) -> None:
    test = section("position", picture="astronaut", object="6")
    x = model.preprocess(explorer.decode(explorer.sample_bytes("astronaut")))
    top = int(model.module(x).argmax())
    assert f"*{model.labels[top]}* gets between" in text(test)


# Measurements in the background


def wait(done: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)


def test_all_shifts_are_measured_in_the_background_and_kept(model, x, monkeypatch) -> None:
    from pages.lesson.why import translation

    looked = threading.Event()

    def held(*given, **named):
        looked.wait(60)
        return measure(*given, **named)

    monkeypatch.setattr(translation, "SHIFTS", range(0, 9, 4))
    monkeypatch.setattr(translation, "measure", held)
    test = section("translation")
    test.button(key="why_measure_shifts").click().run()
    job = test.session_state["kept_why_shifts_job"]["job"]
    assert test.button(key="why_shifts_cancel").label == "Cancel"
    looked.set()
    wait(lambda: job.done)
    assert not job.failed
    test.run()
    shown = text(test)
    layers = followed_layers(explorer.layer_table(model.module, x))
    curves = {each.name: each for each in measure(model.module, x, layers[:-1], range(0, 9, 4)).curves}
    between = curves["blocks.2.0.conv_dw"].points[1].inner_error
    assert "`blocks.2.0.conv_dw`, step 8: off by **0\u00a0%** at multiples of its step" in shown
    assert f"by {off(between)} to {off(between)} between them" in shown
    test.selectbox(key="why_followed").set_value("conv_stem").run()
    assert "`blocks.2.0.conv_dw`, step 8" in text(test)


def test_a_measurement_is_cancelled_and_nothing_is_kept() -> None:
    test = section("position")
    test.button(key="why_measure_positions").click().run()
    job = test.session_state["kept_why_positions_job"]["job"]
    test.button(key="why_positions_cancel").click().run()
    wait(lambda: job.done)
    test.run()
    assert "Cancelled; nothing was kept." in text(test)
    assert test.button(key="why_measure_positions").label == "Measure every pixel"


# The whole page

NAMES = known.PAGES["why"]
NONSENSE = ("<b>", "](x)", "%00", "-1", "1e9", "NaN", "0", "-5", "9" * 4000, "½", "∞", "1;2", "'", "{}", "[]")


@pytest.mark.parametrize("turn", [0, 7])
def test_a_hostile_link_shows_the_page_as_it_begins(turn: int) -> None:
    test = AppTest.from_string(
        f"import runpy\nfrom pages import state\nstate.sync('why')\nrunpy.run_path({PAGE!r})",
        default_timeout=120,
    )
    test.query_params.update({name: NONSENSE[(at + turn) % len(NONSENSE)] for at, name in enumerate(NAMES)})
    test.run()
    assert not test.exception
    assert not test.error
    assert "**1,792**" in text(test)
    assert [each.value for each in test.header] == [
        "1 · Look locally",
        "2 · Share the weights",
        "3 · Move along",
    ]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (33, 47)])
def test_odd_pictures_are_shown(size: tuple[int, int]) -> None:
    test = upload(opened(), "odd.png", png(*size)).switch_page(PAGE).run()
    assert not test.exception
    assert not test.error
    assert "gets between" in text(test)


def test_a_constant_picture_is_shown() -> None:
    file = io.BytesIO()
    Image.new("L", (90, 60), 128).save(file, "PNG")
    test = upload(opened(), "grey.png", file.getvalue()).switch_page(PAGE).run()
    assert not test.exception
    assert not test.error
    test.selectbox(key="why_window").set_value("sobel_x").run()
    assert not test.exception
    assert "gives 0 before and 0 after, unchanged" in text(test)
    # An even picture shows nothing but the padding, which does not move along.
    assert "**Padding breaks it.**" in text(test)
