"""Two models or two pictures side by side, without a browser."""

import re

import pytest
import torch
from streamlit.testing.v1 import AppTest

import explorer
import models
from explorer.side_by_side import corresponding
from pages import cache
from tests.pages.test_pages import answers, opened, png, said, text

TINY = "timm/test_resnet.r160_in1k@untrained"
OTHER = "timm/test_efficientnet.r160_in1k@untrained"


def plain(test: AppTest) -> str:
    return re.sub(r"\\(.)", r"\1", text(test))


def headings(test: AppTest) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", each.value) for each in test.subheader]


def module_of(name: str) -> torch.nn.Module:
    return cache.MODELS.get(name).module


def first_maps(name: str) -> explorer.LayerTable:
    model = cache.MODELS.get(name)
    return explorer.layer_table(model.module, torch.zeros(model.spec.input_shape))


def lines(test: AppTest) -> list[str]:
    """What is said about A's layer and about B's, at the slider's depth first."""
    return [re.sub(r"\\(.)", r"\1", each.value) for each in test.markdown if each.value.startswith("**")]


def test_one_click_compares_with_the_twin_and_the_link_says_so() -> None:
    test = opened(model=OTHER.removesuffix("@untrained") + "@untrained=3")
    # What is untrained is compared with the trained network, which is not on this computer.
    assert not [button for button in test.button if button.key == "compare_twin"]
    test = opened()
    test.button(key="compare_twin").click().run()
    assert not test.exception
    assert not test.error
    assert test.query_params["against"] == "efficientnet_lite0@untrained"
    assert headings(test)[:3] == [
        "A · EfficientNet-Lite0",
        "B · Untrained EfficientNet-Lite0",
        "Move through both networks",
    ]
    assert headings(test)[3:] == ["Early layers", "Middle layers", "Deep layers"]
    twin = models.load("efficientnet_lite0@untrained")
    picture = explorer.decode(explorer.sample_bytes("chelsea"))
    shares = torch.softmax(twin.module(twin.preprocess(picture))[0], 0).topk(5).values
    assert [float(bar.split("·")[1].strip("\u00a0% ")) for bar in answers(test)[5:]] == pytest.approx(
        (100 * shares).tolist(), abs=0.06
    )
    assert "they would hold 0.5\u00a0%." in text(test)


def test_two_models_meet_at_the_same_depth() -> None:
    table, other = first_maps(TINY), first_maps(OTHER)
    maps = [layer for layer in other if layer.is_map]
    names = [layer.name for layer in table if layer.is_map]
    for name in (names[0], names[len(names) // 2], names[-1]):
        test = opened(model=TINY, against=OTHER, layer=name)
        assert not test.exception
        assert test.select_slider(key="depth_slider").value == name
        wanted = corresponding(table[name], maps)
        about = [line for line in lines(test) if re.match(r"\*\*[AB] ·", line)]
        assert f"{name} · {table[name].kind} · " in about[0]
        assert f"{wanted.name} · {wanted.kind} · {wanted.output_shape[1]} maps" in about[1]
        assert about[0].endswith(f"depth {table[name].depth:.2f}")
        assert about[1].endswith(f"depth {wanted.depth:.2f}")
        assert abs(table[name].depth - wanted.depth) == min(abs(table[name].depth - m.depth) for m in maps)


def test_the_slider_moves_both() -> None:
    test = opened(model=TINY, against=OTHER)
    before = lines(test)
    names = test.select_slider(key="depth_slider").options
    test.select_slider(key="depth_slider").set_value(names[-1]).run()
    assert not test.exception
    assert test.query_params["layer"] == names[-1]
    assert test.query_params["against"] == OTHER
    assert lines(test)[:6] != before[:6]


def test_two_pictures_and_the_same_channels() -> None:
    test = opened(model=TINY, against_picture="coffee")
    assert not test.exception
    assert headings(test)[:3] == ["A · Chelsea the cat", "B · Coffee cup", "Move through the network"]
    assert re.search(r"Of the 8 strongest channels of each picture \d (are|is) the same", text(test))
    test.toggle(key="same_toggle").set_value(True).run()
    assert not test.exception
    assert test.query_params["same"] == "1"


def test_a_picture_of_ones_own_beside_a_sample_and_beside_another() -> None:
    test = opened(model=TINY)
    test.button(key="compare_picture").click().run()
    test.file_uploader(key="upload_besides").upload("mine.png", png(30, 41), "image/png")
    test.run()
    assert not test.exception
    assert test.query_params["against_picture"] == "own"
    assert headings(test)[:2] == ["A · Chelsea the cat", "B · mine.png"]
    test.file_uploader(key="upload").upload("first.png", png(50, 33, seed=2), "image/png")
    test.run()
    assert headings(test)[:2] == ["A · first.png", "B · mine.png"]


def test_a_file_that_is_no_picture_changes_nothing() -> None:
    test = opened(model=TINY)
    test.button(key="compare_picture").click().run()
    test.file_uploader(key="upload_besides").upload("broken.png", png(30, 41)[:90], "image/png")
    test.run()
    assert not test.exception
    assert said(test).startswith("broken.png: ")
    assert "against_picture" not in test.query_params


def test_the_end_of_a_comparison() -> None:
    test = opened(model=TINY, against=OTHER, same="1")
    test.button(key="compare_end").click().run()
    assert not test.exception
    assert set(test.query_params) == {"model"}
    assert headings(test)[0].startswith("Early")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"against": "no_such_model"}, "There is no model 'no_such_model'"),
        ({"against": TINY}, "is the model that you are looking at already"),
        ({"against": "torchvision/alexnet.IMAGENET1K_V1"}, "is not on this computer"),
        ({"against_picture": "<script>"}, "There is no sample picture '<script>'"),
        ({"against_picture": "chelsea"}, "Chelsea the cat is the picture that you are looking at already"),
        ({"against_picture": "own"}, "does not travel in a link"),
        ({"against": "given-1"}, "is here for that visit only"),
    ],
)
def test_a_link_that_asks_for_what_cannot_be_is_told(query: dict[str, str], told: str) -> None:
    test = opened(model=TINY, **query)
    assert not test.exception
    assert told in said(test)
    assert set(test.query_params) == {"model"}
    assert headings(test)[0].startswith("Early")


def test_of_two_differences_only_one_is_shown() -> None:
    test = opened(model=TINY, against=OTHER, against_picture="coffee")
    assert not test.exception
    assert "two models, one picture" in text(test)
    assert "Coffee" not in plain(test)


def test_a_second_model_without_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    opened(model=TINY)
    capture = explorer.capture

    def full(module: torch.nn.Module, *more: object) -> object:
        if module is module_of(OTHER):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return capture(module, *more)

    monkeypatch.setattr(cache, "ACTIVATIONS", type(cache.ACTIVATIONS)(1 << 20, lambda made: made.nbytes))
    monkeypatch.setattr(explorer, "capture", full)
    test = opened(model=TINY, against=OTHER)
    assert not test.exception
    assert "needs more memory than is free on CPU" in said(test)
    assert headings(test)[0].startswith("Early")
