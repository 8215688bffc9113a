"""The page "What it looks for" and the galleries of the other pages, without a browser."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

import explorer
import models
from explorer.visualization.manifest import MANIFEST
from pages import galleries
from pages.looks import detail, words
from pages.looks.words import HINTS
from pages.serving import routes
from tests import small_galleries

PAGES = Path(__file__).parents[2] / "pages"
LAYER = "blocks.0.0.act1"
LAST = "act2"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of galleries in the place of the bundled one."""
    monkeypatch.setattr(galleries, "FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def gallery(folder: Path) -> Path:
    """A small gallery of the bundled model."""
    return small_galleries.write(
        folder / "efficientnet_lite0",
        models.load().digest,
        {LAYER: (32, (0, 2, 31)), LAST: (1280, (5, 451, 1236))},
        classes=(1, 130),
    )


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more of a channel than its name: what natural pictures show has tests of its own."""
    monkeypatch.setattr(detail, "body", lambda *_: None)


def opened(page: str = "looks/page.py", **query: str) -> AppTest:
    path = {"looks/page.py": "looks", "layer.py": "layer", "hierarchy.py": ""}[page]
    # The page without the frame, whose home page would read the whole picture first.
    alone = f"""
import runpy
from pages import state
state.sync({path!r})
runpy.run_path({str(PAGES / page)!r})
"""
    test = AppTest.from_string(alone, default_timeout=60)
    test.query_params.update(query)
    return test.run()


def read(test: AppTest) -> str:
    """All text of the page, as it is read."""
    parts = [*test.markdown, *test.subheader, *test.warning, *test.error]
    return re.sub(r"\\(.)", r"\1", "\n".join(part.value for part in parts))


def given(test: AppTest, component: str) -> list[dict[str, Any]]:
    """What the components of one kind were given to show, in the page's order."""
    parts = test.get("bidi_component")
    return [json.loads(each.proto.json) for each in parts if each.proto.component_name.endswith(component)]


def served(url: str) -> tuple[int, bytes, str]:
    """What the server answers to a request: status, body, how long it may be kept."""
    answer = TestClient(Starlette(routes=routes)).get("/" + url)
    return answer.status_code, answer.content, answer.headers.get("cache-control", "")


# ---- The atlas ----


def test_the_atlas_has_a_row_for_each_layer_in_network_order_and_one_for_the_classes(gallery: Path) -> None:
    test = opened()
    assert not test.exception
    (atlas,) = given(test, "atlas")
    assert [row["layer"] for row in atlas["rows"]] == [LAYER, LAST, None]
    assert [row["stage"] for row in atlas["rows"]] == ["early", "deep", "classes"]
    assert [[item[0] for item in row["items"]] for row in atlas["rows"]] == [
        [0, 2, 31],
        [5, 451, 1236],
        [1, 130],
    ]
    assert atlas["rows"][0]["facts"] == "3 of 32 channels · a value sees 7 × 7 of the 224 × 224 pixels"
    assert atlas["selected"] is None


def test_classes_have_their_names_and_the_channels_with_the_largest_weights(gallery: Path) -> None:
    (atlas,) = given(opened(), "atlas")
    weight = models.load().module.classifier.weight
    for index, _, _, label, beside in atlas["rows"][-1]["items"]:
        assert label == {1: "goldfish", 130: "flamingo"}[index]
        among = [channel for channel in (5, 451, 1236) if weight[index, channel] > 0]
        assert beside == sorted(among, key=lambda channel: -float(weight[index, channel]))[:2]
    assert atlas["feeding"] == LAST
    assert [1, "goldfish"] not in atlas["others"]
    assert [0, "tench"] in atlas["others"]
    assert len(atlas["others"]) == 998


def test_every_sheet_is_served_by_its_digest_and_may_be_kept(gallery: Path) -> None:
    (atlas,) = given(opened(), "atlas")
    for row in atlas["rows"]:
        for sheet in row["sheets"]:
            status, body, keep = served(sheet["url"])
            assert status == 200
            assert hashlib.sha256(body).hexdigest() in sheet["url"]
            assert "immutable" in keep
    assert served("base/" + atlas["rows"][0]["sheets"][0]["url"])[0] == 200


@pytest.mark.parametrize("name", ["0" * 64, "manifest.json", "..%2Fmanifest", "%00", "a" * 3000])
def test_nothing_but_sheets_is_served(gallery: Path, name: str) -> None:
    assert served(f"sheets/{name}.webp")[0] == 404


def test_a_link_filters_the_atlas_and_what_is_not_possible_is_not_taken(gallery: Path) -> None:
    assert given(opened(shown=LAST, find="fish"), "atlas")[0]["view"] == {"shown": LAST, "find": "fish"}
    (atlas,) = given(opened(shown="<b>", find="x" * 900), "atlas")
    assert atlas["view"] == {"shown": "", "find": "x" * 40}


def test_the_words_for_a_row_follow_how_much_a_value_sees() -> None:
    table = explorer.layer_table(models.load().module, torch.zeros(1, 3, 224, 224))
    hints = [
        words.hint(table[name], (224, 224)) for name in (LAYER, "blocks.1", "blocks.2", "blocks.4", LAST)
    ]
    assert hints == [HINTS[0][1], HINTS[1][1], HINTS[2][1], HINTS[4][1], HINTS[5][1]]
    assert words.facts(table["blocks.1"], 24, (224, 224)).startswith("all 24 channels")
    assert words.facts(table["blocks.1"], 23, (224, 224)).startswith("23 of 24 channels")


# ---- What is chosen ----


def test_a_channel_is_shown_in_detail_above_the_atlas(gallery: Path, briefly: None) -> None:
    test = opened(layer=LAYER, channel="2")
    assert not test.exception
    assert not test.warning
    assert f"Channel 2 of {LAYER}" in read(test)
    assert given(test, "atlas")[0]["selected"] == [LAYER, 2]


def test_a_class_is_shown_with_the_channels_that_feed_it_here(gallery: Path, briefly: None) -> None:
    test = opened(**{"class": "130", "layer": LAYER, "channel": "2"})
    assert not test.exception
    assert "What feeds flamingo on this picture" in read(test)
    tiles = given(test, "tiles")[-1]
    model = models.load()
    x = model.preprocess(explorer.decode(explorer.sample_bytes("chelsea")))
    activations = explorer.capture(model.module, x, [LAST])
    parts = model.module.classifier.weight[130] * activations[LAST][0].mean((1, 2))
    assert tiles["channels"] == parts.topk(8).indices.tolist()
    assert f"**{float(activations.output[0, 130]):.2f}**" in read(test)
    told = dict(re.findall(r"(\d+) adds (\d+\.\d\d)", read(test)))
    assert told == {str(channel): f"{float(parts[channel]):.2f}" for channel in tiles["channels"]}
    rest = re.search(r"together ([+−])(\d+\.\d\d)", read(test))
    remains = float(activations.output[0, 130] - parts.topk(8).values.sum())
    assert (rest[1], rest[2]) == ("+" if remains >= 0 else "−", f"{abs(remains):.2f}")


def test_a_channel_of_the_last_maps_is_shown_with_the_classes_that_it_feeds(
    gallery: Path, briefly: None
) -> None:
    model = models.load()
    weights = model.module.classifier.weight[:, 451]
    told = read(opened(layer=LAST, channel="451"))
    for index in weights.topk(8).indices.tolist():
        assert f"{model.labels[index]} ({float(weights[index]):.2f})" in told
    assert "What it feeds" not in read(opened(layer=LAYER, channel="2"))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"layer": "blocks.99", "channel": "1"}, "no layer 'blocks.99'"),
        ({"layer": LAYER, "channel": "32"}, "no channel '32'; it has 32 of them"),
        ({"layer": LAYER, "channel": "9" * 5000}, "no channel '9999"),
        ({"layer": "classifier", "channel": "1"}, "no layer 'classifier'"),
        ({"layer": "![x](http://evil.example)", "channel": "1"}, "no layer '![x](http:"),
        ({"class": "1000"}, "no class '1000'; it has 1000 of them"),
    ],
    ids=["layer", "channel", "huge", "no maps", "markdown", "class"],
)
def test_what_does_not_exist_is_told_and_the_atlas_is_there(
    gallery: Path, query: dict[str, str], told: str
) -> None:
    test = opened(**query)
    assert not test.exception
    (warning,) = test.warning
    assert told in re.sub(r"\\(.)", r"\1", warning.value).replace("\u2060", "")
    assert len(given(test, "atlas")[0]["rows"]) == 3


def test_any_other_channel_or_class_can_be_asked_for(gallery: Path, briefly: None) -> None:
    test = opened()
    test.selectbox(key="asked_layer").set_value("conv_head").run()
    assert not test.exception
    test.number_input(key="asked_channel_conv_head").set_value(1279).run()
    test.button(key="show_channel").click().run()
    assert not test.exception
    assert "Channel 1279 of conv_head" in read(test)
    test.selectbox(key="asked_class").set_value(7).run()
    test.button(key="show_class").click().run()
    assert not test.exception
    assert models.load().labels[7] in [heading.value for heading in test.subheader]


# ---- Other weights, and damage ----


def test_a_gallery_of_other_weights_is_not_shown(folder: Path) -> None:
    small_galleries.write(folder / "efficientnet_lite0", "ab" * 32, {LAYER: (32, (0,))}, classes=(1,))
    test = opened()
    assert not test.exception
    assert not given(test, "atlas")
    assert "There is no gallery of pictures for the weights of EfficientNet-Lite0" in read(test)


def test_the_untrained_twin_has_no_gallery(gallery: Path) -> None:
    test = opened(model=models.untrained_name("efficientnet_lite0"))
    assert not test.exception
    assert not given(test, "atlas")
    assert "There is no gallery of pictures for the weights of" in read(test)


def test_without_any_gallery_the_pages_offer_to_make_pictures(folder: Path) -> None:
    assert "There is no gallery" in read(opened())
    home = opened("hierarchy.py")
    assert all(not any(tiles["looks"]) for tiles in given(home, "tiles"))
    layer = opened("layer.py", layer=LAYER)
    assert not layer.exception
    assert given(layer, "mosaic")[0]["looks"] == {"sheets": [], "at": {}}
    assert given(layer, "channel")[0]["look"]["more"] == "Make it"


def test_a_damaged_sheet_is_told_in_a_sentence_and_the_rest_is_shown(gallery: Path) -> None:
    (gallery / "act2-1.webp").write_bytes(b"RIFF")
    test = opened()
    assert not test.exception
    assert "act2-1.webp is damaged" in read(test)
    (atlas,) = given(test, "atlas")
    assert [row["layer"] for row in atlas["rows"]] == [LAYER, None]
    assert not opened("layer.py", layer=LAST).exception
    assert not opened("hierarchy.py").exception


@pytest.mark.parametrize("text", ["[1, 2", '{"format": 1, "sections": 3}'])
def test_a_damaged_manifest_is_told_in_a_sentence(gallery: Path, briefly: None, text: str) -> None:
    (gallery / MANIFEST).write_text(text)
    test = opened(layer=LAYER, channel="2")
    assert not test.exception
    assert "The gallery of EfficientNet-Lite0 is damaged" in read(test)
    assert not given(test, "atlas")


def test_a_gallery_that_is_made_later_is_found_without_a_new_start(folder: Path) -> None:
    assert not given(opened(), "atlas")
    small_galleries.write(folder / "mine", models.load().digest, {LAYER: (32, (4,))})
    (atlas,) = given(opened(), "atlas")
    assert [item[0] for item in atlas["rows"][0]["items"]] == [4]


def test_a_layer_of_the_gallery_that_the_model_does_not_have_is_left_out(folder: Path) -> None:
    small_galleries.write(
        folder / "mine", models.load().digest, {"gone": (3, (1,)), LAYER: (32, (4,))}, classes=(2,)
    )
    test = opened()
    assert not test.exception
    (atlas,) = given(test, "atlas")
    assert [row["layer"] for row in atlas["rows"]] == [LAYER, None]
    assert [item[4] for item in atlas["rows"][-1]["items"]] == [[]]


# ---- The Hierarchy and Layer pages ----


def test_tiles_have_their_pictures_beneath_and_the_others_none(gallery: Path) -> None:
    tiles = given(opened("hierarchy.py"), "tiles")
    pictured = {LAYER: (0, 2, 31), LAST: (5, 451, 1236)}
    for each in tiles[:3]:
        layer = each["label"].removeprefix("The strongest channels of ")
        there = [channel for channel in each["channels"] if channel in pictured.get(layer, ())]
        shown = [c for c, look in zip(each["channels"], each["looks"], strict=True) if look]
        assert shown == there
    (early,) = [each for each in tiles if each["label"].endswith(LAYER)]
    for channel, look in zip(early["channels"], early["looks"], strict=True):
        if look:
            assert look["place"] == (0, 2, 31).index(channel)
            assert look["tile"] == [18, 20]
            assert look["grid"] == [1, 3]


def test_the_mosaic_has_the_pictures_of_its_channels(gallery: Path) -> None:
    test = opened("layer.py", layer=LAYER, channel="31")
    (mosaic,) = given(test, "mosaic")
    assert mosaic["looks"]["at"] == {"0": [0, 0], "2": [0, 1], "31": [0, 2]}
    assert mosaic["beneath"]
    (channel,) = given(test, "channel")
    assert channel["look"]["piece"]["place"] == 2
    test.toggle(key="beneath_toggle").set_value(False).run()
    assert not test.exception
    assert not given(test, "mosaic")[0]["beneath"]


def test_a_channel_that_nothing_wakes_is_told_as_such(folder: Path) -> None:
    small_galleries.write(folder / "mine", models.load().digest, {LAYER: (32, (4,))}, highest=0.0)
    (channel,) = given(opened("layer.py", layer=LAYER, channel="4"), "channel")
    assert channel["look"]["words"] == "Nothing was found that channel 4 answers to."


def test_a_large_layer_begins_without_pictures_beneath_its_maps(gallery: Path) -> None:
    test = opened("layer.py", layer=LAST, channel="0")
    assert not given(test, "mosaic")[0]["beneath"]
    assert given(test, "channel")[0]["look"]["piece"] is None
    test.toggle(key="beneath_toggle").set_value(True).run()
    assert given(test, "mosaic")[0]["beneath"]
