"""Any model in the pages: shown or told why not, its untrained twin, and its way from a server."""

from __future__ import annotations

import hashlib
import io
import re
import time
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

import models
from models import torchvision_models
from models.building import quietly
from pages import cache
from pages.model.bringing import Bringing, fetch
from tests.models.conftest import caches, server  # noqa: F401
from tests.models.server import Files
from tests.pages.test_pages import PAGES, answers, opened, said, text

TINY = "timm/test_resnet.r160_in1k@untrained"
NETS = """
import torch
from torch import nn

def maps(channels, classes, *more):
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 7, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(7, 8, 3, padding=1), nn.ReLU(), *more)

def grey():
    return maps(1, 0, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))

def twelve():
    return maps(12, 0)

def vectors():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 9), nn.ReLU(), nn.Linear(9, 4))

def unet():
    return maps(3, 0, nn.Upsample(scale_factor=4), nn.Conv2d(8, 2, 1))

class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = maps(3, 0, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    def forward(self, x):
        return self.body(x) * float("nan")
"""
EVERY_PAGE = ("layer.py", "laboratory.py", "lesson/why/page.py", "lesson/networks/page.py", "looks/page.py")


@pytest.fixture
def started_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Start the app on a network of `NETS`, as the command line does."""
    (tmp_path / "nets_of_test.py").write_text(NETS)

    def start(name: str, channels: int = 3) -> None:
        prepared = models.Preprocessing(32, 32, (0.5,) * channels, (0.25,) * channels)
        own = models.OwnModel(f"nets_of_test.py:{name}", preprocessing=prepared, folder=tmp_path)
        monkeypatch.setenv(models.STARTED_ON, own.to_json())
        monkeypatch.setattr(cache, "MODELS", models.ModelStore())

    return start


def every_page(test: AppTest) -> None:
    for page in EVERY_PAGE:
        test.switch_page(str(PAGES / page)).run()
        assert not test.exception, (page, [each.value for each in test.exception])
        assert not test.error, (page, [each.value for each in test.error])


def plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def test_a_model_of_a_library_is_on_every_page() -> None:
    test = opened(model=TINY)
    assert not test.exception
    assert len(answers(test)) == 5
    assert "test_resnet (r160_in1k) read 160 × 160 pixels" in plain(text(test))
    every_page(test)


def test_grey_and_small_pictures_are_on_every_page(started_on) -> None:
    started_on("grey", channels=1)
    test = opened()
    assert len(answers(test)) == 5
    assert all(answer.startswith("class ") for answer in answers(test))
    assert "read 32 × 32 pixels" in text(test)
    every_page(test)


def test_a_network_without_classes_shows_its_maps_and_says_so(started_on) -> None:
    started_on("unet")
    test = opened()
    assert not test.exception
    assert answers(test) == []
    assert "does not tell classes apart" in text(test)
    every_page(test)


def test_answers_that_are_no_numbers_are_told(started_on) -> None:
    started_on("Broken")
    test = opened()
    assert not test.exception
    assert answers(test) == []
    assert "values that are no numbers" in text(test)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("twelve", "a picture of 1 × 3 × 32 × 32 does not pass through it"),
        ("vectors", "no layer has feature maps"),
    ],
)
def test_a_network_that_cant_be_shown_is_told_and_the_bundled_one_is_shown(started_on, name, why) -> None:
    started_on(name)
    test = opened()
    assert not test.exception
    assert why in said(test)
    assert "EfficientNet-Lite0 is shown instead" in said(test)
    assert len(answers(test)) == 5


def test_the_untrained_twin_and_back() -> None:
    test = opened()
    trained = answers(test)
    test.toggle(key="twin_toggle").set_value(True).run()
    assert not test.exception
    assert test.query_params["model"] in ("efficientnet_lite0@untrained", ["efficientnet_lite0@untrained"])
    assert "random weights, seed 0" in text(test)
    untrained = answers(test)
    assert untrained != trained
    every_page(test)
    assert "random weights, seed 0" in text(test)
    test.button(key="another_seed").click().run()
    assert "random weights, seed 1" in text(test)
    test.toggle(key="twin_toggle").set_value(False).run()
    assert "model" not in test.query_params
    assert "random weights" not in text(test)
    test.switch_page(str(PAGES / "hierarchy.py")).run()
    assert answers(test) == trained


def test_switching_between_loaded_models_loads_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    test = opened(model=TINY)
    there = opened()
    built = []
    monkeypatch.setattr(models.ModelSpec, "build", lambda spec: built.append(spec))
    for name in (TINY, None, TINY):
        again = opened(model=name) if name else opened()
        assert not again.exception
        assert answers(again) == answers(test if name else there)
    assert built == []


def test_a_twin_without_trained_weights_has_no_way_back() -> None:
    test = opened(model="timm/test_resnet.r160_in1k@untrained=3")
    assert "random weights, seed 3" in text(test)
    assert not test.toggle(key="twin_toggle").disabled
    test = opened(model=next(name for name in models.search("test") if name.endswith("@untrained")))
    assert test.toggle(key="twin_toggle").disabled


@pytest.fixture
def on_server(server: Files, monkeypatch: pytest.MonkeyPatch) -> Files:  # noqa: F811
    """The weights of torchvision's squeezenet1_1, as its server would send them."""
    with quietly(4):
        state = torchvision_models.build("squeezenet1_1").state_dict()
    file = io.BytesIO()
    torch.save(state, file)
    data = file.getvalue()
    path = f"/squeezenet1_1-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    server.content[path] = data
    weights = models.import_torchvision().models.get_model_weights("squeezenet1_1")
    monkeypatch.setattr(weights.IMAGENET1K_V1.value, "url", server.address + path)
    return server


NAME = "torchvision/squeezenet1_1.IMAGENET1K_V1"


def until(test: AppTest, done, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not done(test):
        assert time.monotonic() < end, text(test)
        time.sleep(0.05)
        test.run()


def test_a_link_to_weights_that_are_elsewhere_offers_the_download_with_its_size(on_server: Files) -> None:
    test = opened(model="squeezenet1_1")
    assert not test.exception
    assert "is not on this computer" in text(test)
    assert "Chelsea the cat** · EfficientNet" in plain(text(test))
    assert test.button(key="begin_download").label == "Download 5.0 MB"
    assert on_server.sent() == []
    test.button(key="begin_download").click().run()
    until(test, lambda test: test.query_params.get("model"))
    assert not test.exception
    assert not test.error
    assert "squeezenet1_1 (IMAGENET1K_V1)" in plain(text(test))
    with quietly(4):
        same = torchvision_models.build("squeezenet1_1").eval()
    loaded = models.load(NAME)
    x = torch.rand(loaded.spec.input_shape)
    assert torch.equal(loaded.module(x), same(x))


def test_without_a_network_it_is_said_at_once_and_what_there_is(on_server: Files) -> None:
    on_server.shutdown()
    on_server.server_close()
    test = opened(model="squeezenet1_1")
    test.button(key="begin_download").click().run()
    until(test, lambda test: test.error)
    assert "can't be reached" in said(test)
    assert "Without a network there is efficientnet_lite0" in said(test)
    assert "can be put at" in said(test)
    assert "· EfficientNet-Lite0" in plain(text(test))


def test_an_offer_can_be_declined_or_seen_untrained(on_server: Files) -> None:
    test = opened(model="squeezenet1_1")
    test.button(key="end_offer").click().run()
    assert "is not on this computer" not in text(test)
    test = opened(model="squeezenet1_1")
    test.button(key="show_picked_untrained").click().run()
    assert "random weights, seed 0" in text(test)
    assert on_server.sent() == []


def test_a_download_that_is_given_up_can_be_resumed(on_server: Files) -> None:
    spec = models.find(NAME)
    bringing = Bringing(NAME, None)  # type: ignore[arg-type]
    assert fetch(spec, bringing, lambda: bringing.done > 500_000) == ""
    assert not spec.available_offline
    assert 500_000 < bringing.done < bringing.total
    assert fetch(spec, bringing, lambda: False) == ""
    assert spec.available_offline
    assert on_server.asked[-1][2].startswith("bytes=")


def test_the_list_says_what_is_loaded_and_what_it_takes() -> None:
    test = opened()
    test.button(key="change_model").click().run()
    assert not test.exception
    assert re.search(r"loaded and takes? [\d.]+ MB; beyond 1000 MB", text(test))
    assert any(button.key == "loaded efficientnet_lite0" and button.disabled for button in test.button)


def test_modules_have_the_layers_that_the_table_tells() -> None:
    """The key of results tells networks apart that have the same weights."""
    spec = models.find(TINY)
    one, digest = spec.build()
    relu = models.LoadedModel(spec, one, digest)
    other, _ = spec.build()
    other.act1 = nn.SiLU()
    assert relu.key != models.LoadedModel(spec, other, digest).key
    assert relu.key == models.LoadedModel(spec, spec.build().module, digest).key
