"""The pages without a browser: what a visitor reads, and that bad input leaves everything as it was."""

import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import explorer
import models

FRAME = str(Path(__file__).parents[2] / "pages" / "frame.py")
PAGES = Path(__file__).parents[2] / "pages"


def opened(**query: str) -> AppTest:
    test = AppTest.from_file(FRAME, default_timeout=60)
    test.query_params.update(query)
    return test.run()


def png(height: int, width: int, seed: int = 0) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def upload(test: AppTest, name: str, data: bytes) -> AppTest:
    test.file_uploader(key="upload").upload(name, data, "image/png")
    return test.run()


def text(test: AppTest) -> str:
    return "\n".join(part.value for part in test.markdown)


def said(test: AppTest) -> str:
    """The one alert, as Markdown shows it."""
    (alert,) = test.error
    return re.sub(r"\\(.)", r"\1", alert.value)


def answers(test: AppTest) -> list[str]:
    return [bar.proto.text for bar in test.get("progress")]


def test_the_first_visit_shows_the_sample_and_its_prediction() -> None:
    test = opened()
    assert not test.exception
    picture = explorer.decode(explorer.sample_bytes("chelsea"))
    model = models.load()
    best = models.top_predictions(model.module(model.preprocess(picture)), model.labels)
    assert answers(test) == [f"{p.label} · {100 * p.probability:.1f}\u00a0%" for p in best]
    assert "Chelsea the cat" in text(test)
    assert [heading.value.split()[0] for heading in test.subheader][:3] == ["Early", "Middle", "Deep"]


def test_an_upload_replaces_the_picture_and_stays_on_the_other_page() -> None:
    test = upload(opened(), "mine.png", png(60, 90))
    assert not test.exception
    assert "mine\\.png" in text(test)
    test.switch_page(str(PAGES / "layer.py")).run()
    assert not test.exception
    assert "mine\\.png" in text(test)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("broken.png", png(40, 50)[:200]),
        ("text.png", b"this is not a picture"),
        ("empty.png", b""),
        ("page.png", b"<html><script>alert(1)</script></html>"),
    ],
    ids=["truncated", "text", "empty", "page"],
)
def test_a_file_that_is_no_picture_is_told_in_a_sentence_and_the_picture_stays(
    name: str, data: bytes
) -> None:
    before = opened()
    test = upload(before, name, data)
    assert not test.exception
    assert said(test).startswith(f"{name}: ")
    assert "Traceback" not in said(test)
    assert "Chelsea the cat" in text(test)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 700), (700, 1), (33, 47)])
def test_pictures_of_odd_shapes_are_shown(height: int, width: int) -> None:
    test = upload(opened(), "odd.png", png(height, width))
    assert not test.exception
    assert not test.error
    assert len(answers(test)) == 5


def test_a_constant_picture_is_shown() -> None:
    file = io.BytesIO()
    Image.new("L", (90, 60), 128).save(file, "PNG")
    test = upload(opened(), "grey.png", file.getvalue())
    assert not test.exception
    assert not test.error


def test_a_link_chooses_sample_layer_and_channel() -> None:
    test = opened(picture="coffee", layer="blocks.2.0.conv_dw")
    assert not test.exception
    assert "Coffee cup" in text(test)
    assert test.select_slider(key="depth_slider").value == "blocks.2.0.conv_dw"


def test_a_link_to_what_does_not_exist_says_so_and_shows_the_default() -> None:
    test = opened(picture="nothing", layer="no.such.layer", channel="99999999999")
    assert not test.exception
    assert "There is no sample picture 'nothing'" in said(test)
    assert "Chelsea the cat" in text(test)


def test_a_link_names_the_model_and_an_unknown_one_is_told() -> None:
    assert not opened(model="efficientnet_lite0").error
    test = opened(model="resnet9000")
    assert "There is no model 'resnet9000'; did you mean" in said(test)
    assert len(answers(test)) == 5


def test_the_depth_slider_reaches_every_layer_with_maps() -> None:
    test = opened()
    slider = test.select_slider(key="depth_slider")
    model = models.load()
    for name in (slider.options[0], slider.options[len(slider.options) // 2], slider.options[-1]):
        test.select_slider(key="depth_slider").set_value(name).run()
        assert not test.exception
        assert f"**{name}".replace(".", "\\.").replace("_", "\\_") in text(test).replace("\\*\\*", "**")
    convolutions = {n for n, m in model.module.named_modules() if type(m).__name__.startswith("Conv2d")}
    assert convolutions <= set(slider.options)


def on_layer_page(**query: str) -> AppTest:
    test = opened(**query)
    return test.switch_page(str(PAGES / "layer.py")).run()


def test_the_layer_page_offers_every_layer_by_stage() -> None:
    test = on_layer_page()
    assert not test.exception
    seen = []
    for title in ("early", "middle", "deep"):
        test.segmented_control(key="stage_control").set_value(title).run()
        assert not test.exception
        seen += test.selectbox(key="layer_box").options
    assert len(seen) == len(set(seen)) == len(opened().select_slider(key="depth_slider").options)


@pytest.mark.parametrize("pick", [5, None])
def test_sorting_and_scaling_keep_the_channel_that_is_shown(pick: int | None) -> None:
    test = on_layer_page()
    if pick is not None:
        test.number_input(key="channel_input").set_value(pick).run()
    shown = test.number_input(key="channel_input").value
    assert pick in (shown, None)
    for sort in ("max", "active", "index"):
        test.selectbox(key="sort_box").set_value(sort).run()
        assert not test.exception
        assert test.number_input(key="channel_input").value == shown
    test.selectbox(key="scale_box").set_value("layer").run()
    assert not test.exception
    assert test.number_input(key="channel_input").value == shown


def test_the_numbers_of_a_channel_are_those_of_its_map() -> None:
    test = on_layer_page()
    test.number_input(key="channel_input").set_value(5).run()
    model = models.load()
    x = model.preprocess(explorer.decode(explorer.sample_bytes("chelsea")))
    layer = explorer.stages(explorer.layer_table(model.module, x))[0].representative
    values = explorer.capture(model.module, x, layer.name)[layer.name][0, 5]
    assert f"mean **{values.mean().item():.4g}**" in text(test)
    assert f"highest **{values.max().item():.4g}**" in text(test)


def test_opening_layers_of_the_same_picture_runs_the_model_once(monkeypatch: pytest.MonkeyPatch) -> None:
    captures = []
    genuine = explorer.activations.capture

    def counting(*arguments: object, **options: object) -> object:
        captures.append(arguments)
        return genuine(*arguments, **options)

    monkeypatch.setattr(explorer.activations, "capture", counting)
    test = upload(opened(), "mine.png", png(61, 91, seed=7))
    assert len(captures) == 1
    captures.clear()
    test.switch_page(str(PAGES / "layer.py")).run()
    test.segmented_control(key="stage_control").set_value("deep").run()
    test.selectbox(key="sort_box").set_value("max").run()
    assert not test.exception
    assert captures == []


def test_the_first_picture_is_shown_without_the_heavy_libraries() -> None:
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"test = AppTest.from_file({FRAME!r}, default_timeout=60).run()\n"
        "assert not test.exception and len(test.get('progress')) == 5\n"
        "print([name for name in ('torchvision', 'timm', 'captum', 'matplotlib.pyplot', 'skimage', 'scipy')\n"
        "       if name in sys.modules])\n"
    )
    root = Path(FRAME).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
