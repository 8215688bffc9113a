"""What a person does in the explorer, with mouse, keyboard and phone, in a real browser."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.checks import serious
from tests.browser.conftest import PHONE, settled
from tests.browser.serving import serve

Visit = Callable[..., Page]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """A picture of green stripes, 120 x 180."""
    pixels = np.zeros((120, 180, 3), dtype=np.uint8)
    pixels[:, ::12] = (20, 220, 60)
    Image.fromarray(pixels).save(tmp_path / "stripes.png")
    return tmp_path / "stripes.png"


def bar(page: Page) -> str:
    return page.locator(".st-key-bar").inner_text()


def answers(page: Page) -> list[str]:
    return page.get_by_test_id("stProgress").all_inner_texts()


def painted(page: Page, selector: str) -> int:
    """How many different colours the first matching canvas shows."""
    return page.locator(selector).first.evaluate(
        """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return new Set(new Uint32Array(data.buffer)).size;
        }"""
    )


def navigation(page: Page, title: str) -> Locator:
    return page.get_by_test_id("stTopNav").get_by_role("link", name=title)


def test_the_first_visit_paints_a_real_result(visit: Visit) -> None:
    page = visit("/")
    assert "Chelsea the cat" in bar(page)
    assert any("cat" in answer or "tabby" in answer for answer in answers(page)[:3])
    expect(page.get_by_role("option")).to_have_count(4 * 8)
    assert painted(page, "[role=option] canvas") > 20


def test_an_upload_changes_picture_prediction_and_maps(visit: Visit, stripes: Path) -> None:
    page = visit("/")
    before = answers(page), page.locator("[role=option]").first.get_attribute("aria-label")
    page.locator("input[type=file]").set_input_files(stripes)
    expect(page.locator(".st-key-bar")).to_contain_text("stripes.png")
    settled(page)
    after = answers(page), page.locator("[role=option]").first.get_attribute("aria-label")
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_a_broken_upload_is_told_and_the_picture_stays(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    page = visit("/")
    page.locator("input[type=file]").set_input_files(tmp_path / "broken.png")
    expect(page.get_by_role("alert")).to_contain_text("broken.png")
    assert "Traceback" not in page.inner_text("body")
    assert "Chelsea the cat" in bar(page)


def test_a_sample_is_chosen_by_click_and_stands_in_the_link(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("button", name="Coffee cup").click()
    expect(page.locator(".st-key-bar")).to_contain_text("Coffee cup")
    expect(page).to_have_url(re.compile("picture=coffee"))


def test_a_tile_opens_its_channel_on_the_layer_page(visit: Visit) -> None:
    page = visit("/")
    tile = page.get_by_role("listbox").nth(2).get_by_role("option").nth(1)
    label = tile.get_attribute("aria-label")
    channel, layer = re.match(r"Channel (\d+) of (\S+):", label).groups()
    tile.click()
    expect(page).to_have_url(re.compile(r"/layer\?"))
    expect(page.get_by_label("Channel", exact=True)).to_have_value(channel)
    expect(page).to_have_url(re.compile(f"layer={re.escape(layer)}"))


def test_a_tile_is_opened_by_keyboard(visit: Visit) -> None:
    page = visit("/")
    tiles = page.get_by_role("listbox").first.get_by_role("option")
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/layer\?"))


def test_pointing_at_a_tile_reads_out_value_and_receptive_field(visit: Visit) -> None:
    page = visit("/")
    stage = page.get_by_role("listbox").first
    tile = stage.get_by_role("option").nth(2).locator("canvas")
    box = page.locator(".box").first
    tile.hover(position={"x": 4, "y": 4})
    first = page.locator(".readout").first.inner_text()
    left = box.evaluate("element => element.style.left")
    width = tile.bounding_box()["width"]
    tile.hover(position={"x": width - 4, "y": 4})
    second = page.locator(".readout").first.inner_text()
    assert re.fullmatch(r"Channel \d+, row \d+, column \d+: −?[\d.e−-]+", first)
    assert first != second
    assert left != box.evaluate("element => element.style.left")


def test_the_depth_slider_moves_by_keyboard(visit: Visit) -> None:
    page = visit("/")
    slider = page.get_by_role("slider", name="Layer")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"layer="))
    settled(page)
    page.keyboard.press("Home")
    expect(page).not_to_have_url(re.compile(r"layer=(?!conv_stem)"))


def test_a_channel_is_picked_in_the_mosaic_by_mouse_and_keyboard(visit: Visit) -> None:
    page = visit("/layer?layer=blocks.2.0.conv_dw&sort=index&channel=0")
    mosaic = page.get_by_role("slider", name=re.compile("All maps of"))
    channel = page.get_by_label("Channel", exact=True)
    expect(channel).to_have_value("0")
    mosaic.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(channel).to_have_value("2")
    expect(page).to_have_url(re.compile("channel=2"))
    mosaic.click(position={"x": 5, "y": 5})
    expect(channel).to_have_value("0")


def test_smoothing_and_opacity_work_in_the_browser_and_stand_in_the_link(visit: Visit) -> None:
    page = visit("/layer")
    overlay = page.locator("canvas.overlay")
    assert overlay.evaluate("canvas => getComputedStyle(canvas).imageRendering") == "pixelated"
    page.get_by_label("Smooth").check()
    assert overlay.evaluate("canvas => getComputedStyle(canvas).imageRendering") == "auto"
    page.get_by_role("slider", name="Opacity").fill("25")
    assert overlay.evaluate("canvas => canvas.style.opacity") == "0.25"
    expect(page).to_have_url(re.compile("smooth=1"))
    expect(page).to_have_url(re.compile("opacity=25"))


def test_the_large_map_is_read_out_by_keyboard(visit: Visit) -> None:
    page = visit("/layer?layer=blocks.2.0.conv_dw&channel=4")
    page.get_by_role("application").focus()
    readout = page.locator(".st-key-channel .readout")

    def position() -> tuple[int, int]:
        row, column = re.fullmatch(r"Row (\d+), column (\d+): −?[\d.e−]+", readout.inner_text()).groups()
        return int(row), int(column)

    for _ in range(30):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
    assert position() == (0, 0)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert position() == (1, 2)


def test_a_deep_link_on_a_fresh_visit_opens_the_right_screen(visit: Visit) -> None:
    page = visit("/layer?picture=rocket&layer=blocks.4.1.conv_pw&channel=17&sort=active&scale=layer")
    assert "Rocket" in bar(page)
    expect(page.get_by_label("Channel", exact=True)).to_have_value("17")
    expect(page.get_by_label("Sort by")).to_be_visible()
    assert "all maps share one scale" in page.locator(".note").first.inner_text()
    assert "Page not found" not in page.inner_text("body")


def test_the_back_button_takes_back_a_choice(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("button", name="Coffee cup").click()
    expect(page).to_have_url(re.compile("picture=coffee"))
    page.goto(page.url.replace("picture=coffee", "picture=rocket"))
    expect(page.locator(".st-key-bar")).to_contain_text("Rocket")
    page.go_back()
    expect(page.locator(".st-key-bar")).to_contain_text("Coffee cup")


def test_the_uploaded_picture_stays_on_every_page(visit: Visit, stripes: Path) -> None:
    page = visit("/")
    page.locator("input[type=file]").set_input_files(stripes)
    expect(page.locator(".st-key-bar")).to_contain_text("stripes.png")
    navigation(page, "Layer").click()
    expect(page.get_by_text("Colour scale")).to_be_visible()
    assert "stripes.png" in bar(page)
    navigation(page, "Hierarchy").click()
    expect(page.get_by_text("The network's answer")).to_be_visible()
    assert "stripes.png" in bar(page)


def test_two_visitors_with_different_pictures_never_mix(visit: Visit, stripes: Path) -> None:
    first, second = visit("/"), visit("/?picture=coffee")
    expected = answers(visit("/")), answers(visit("/?picture=coffee"))
    for _ in range(3):
        first.get_by_role("slider", name="Layer").press("ArrowRight")
        second.get_by_role("slider", name="Layer").press("ArrowRight")
    second.locator("input[type=file]").set_input_files(stripes)
    expect(second.locator(".st-key-bar")).to_contain_text("stripes.png")
    second.get_by_role("button", name="Coffee cup").click()
    expect(second.locator(".st-key-bar")).to_contain_text("Coffee cup")
    settled(first)
    settled(second)
    assert (answers(first), answers(second)) == expected


@pytest.mark.parametrize("path", ["/", "/layer", "/layer?layer=conv_head"])
def test_a_phone_has_no_horizontal_scroll(visit: Visit, path: str) -> None:
    page = visit(path, viewport=PHONE, has_touch=True, is_mobile=True)
    wide = page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('html, [data-testid=stMain]')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )
    assert wide <= 0


@pytest.mark.parametrize("kind", ["PDF", "SVG", "PNG"])
def test_the_figure_is_downloaded(visit: Visit, kind: str) -> None:
    page = visit("/")
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).click()
    data = Path(download.value.path()).read_bytes()
    assert data.startswith({"PDF": b"%PDF", "SVG": b"<?xml", "PNG": b"\x89PNG"}[kind])


def test_the_mosaic_and_the_activations_are_downloaded(visit: Visit) -> None:
    page = visit("/layer?layer=blocks.2.0.conv_dw&sort=index")
    with page.expect_download() as download:
        page.get_by_role("button", name="This layer (NPZ)").click()
    with np.load(download.value.path(), allow_pickle=False) as file:
        assert file["blocks.2.0.conv_dw"].shape == (1, 144, 28, 28)
    with page.expect_download() as download:
        page.get_by_role("button", name="Mosaic (PNG)").click()
    with Image.open(download.value.path()) as picture:
        # 12 columns of 28 positions, each two pixels wide, with gaps of two pixels between them.
        assert picture.size == (12 * 56 + 11 * 2, 12 * 56 + 11 * 2)


@pytest.mark.parametrize("path", ["/", "/layer"])
def test_axe_finds_nothing_serious(visit: Visit, path: str) -> None:
    page = visit(path)
    assert not serious(page)


def test_a_deep_link_is_right_as_the_very_first_visit_of_a_server(browser: Browser, tmp_path: Path) -> None:
    with serve(tmp_path / "log") as address:
        page = browser.new_page()
        page.goto(f"{address}/layer?picture=coffee&layer=blocks.1.0.conv_pw&channel=7&smooth=1")
        settled(page)
        assert "Coffee cup" in bar(page)
        expect(page.get_by_label("Channel", exact=True)).to_have_value("7")
        expect(page.get_by_label("Smooth")).to_be_checked()
        assert "Page not found" not in page.inner_text("body")
        page.close()


def test_a_link_cannot_put_markdown_on_the_page(visit: Visit) -> None:
    page = visit(
        "/?picture=![x](https://evil.example/a.png) [click](https://evil.example/)&model=[m](http://m)"
    )
    expect(page.get_by_role("alert")).to_contain_text("![x](https:")
    assert page.locator("a[href*=evil]").count() == 0
    assert page.locator("img[src*=evil]").count() == 0


def test_a_file_name_cannot_put_markdown_on_the_page(visit: Visit, stripes: Path) -> None:
    page = visit("/")
    file = {"name": "![x](http:evil).png", "mimeType": "image/png", "buffer": stripes.read_bytes()}
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator(".st-key-bar")).to_contain_text("![x](http:evil).png")


@pytest.mark.parametrize("by", ["click", "Enter"])
def test_a_tile_below_the_slider_opens_its_channel_too(visit: Visit, by: str) -> None:
    page = visit("/")
    tile = page.locator(".st-key-depth").get_by_role("option").nth(1)
    channel = re.match(r"Channel (\d+) of", tile.get_attribute("aria-label"))[1]
    if by == "click":
        tile.click()
    else:
        tile.press("Enter")
    expect(page).to_have_url(re.compile(rf"/layer\?.*channel={channel}"))
    navigation(page, "Hierarchy").click()
    expect(page.get_by_text("The network's answer")).to_be_visible()
    page.get_by_role("button", name="Coffee cup").click()
    expect(page.locator(".st-key-bar")).to_contain_text("Coffee cup")
    assert "/layer" not in page.url


def test_opening_a_tile_is_one_step_back(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("listbox").first.get_by_role("option").first.click()
    expect(page).to_have_url(re.compile(r"/layer\?"))
    settled(page)
    page.go_back()
    expect(page.get_by_text("The network's answer")).to_be_visible()


@pytest.mark.parametrize("pause_ms", [150, 260])
def test_no_key_is_lost_while_the_server_is_at_work(visit: Visit, pause_ms: int) -> None:
    page = visit("/layer?layer=blocks.2.0.conv_dw&sort=index&channel=10")
    mosaic = page.get_by_role("slider", name=re.compile("All maps of"))
    mosaic.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(pause_ms)
    expect(page.get_by_label("Channel", exact=True)).to_have_value("30")
    expect(mosaic).to_have_attribute("aria-valuenow", "30")


def test_no_step_of_the_channel_input_is_lost(visit: Visit) -> None:
    page = visit("/layer?layer=blocks.2.0.conv_dw&sort=index&channel=10")
    for _ in range(12):
        page.get_by_role("button", name="Increment value").or_(
            page.get_by_test_id("stNumberInputStepUp")
        ).click()
        page.wait_for_timeout(120)
    expect(page.get_by_label("Channel", exact=True)).to_have_value("22")
    expect(page).to_have_url(re.compile("channel=22"))


def test_a_picked_channel_that_the_filter_hides_is_said_to_be_hidden(visit: Visit) -> None:
    page = visit("/layer?layer=act2&sort=index&dead=1")
    mosaic = page.get_by_role("slider", name=re.compile("All maps of"))
    shown = int(mosaic.get_attribute("aria-valuemax")) + 1
    assert shown < 1280
    page.goto(page.url.replace("dead=1", "sort=mean"))
    settled(page)
    mosaic.press("End")
    expect(page).to_have_url(re.compile("channel="))
    page.get_by_text(re.compile(r"Hide \d+ dead")).click()
    page.mouse.move(0, 0)  # else the mosaic may come to lie under the pointer, and reads out what that is on
    expect(page.locator(".st-key-mosaic .readout")).to_contain_text("hidden here")
    expect(page.locator(".mark.picked")).to_be_hidden()


def test_a_tap_reads_out_a_value_and_a_phone_scrolls_to_the_picked_channel(visit: Visit) -> None:
    page = visit("/layer?layer=blocks.2.0.conv_dw", viewport=PHONE, has_touch=True, is_mobile=True)
    page.get_by_role("slider", name=re.compile("All maps of")).tap(position={"x": 40, "y": 40})
    large = page.get_by_role("application")
    expect(large).to_be_in_viewport()
    large.tap(position={"x": 3, "y": 3})
    expect(page.locator(".st-key-channel .readout")).to_contain_text("Row 0, column 0:")


def test_going_back_from_a_sample_brings_the_own_picture_back(visit: Visit, stripes: Path) -> None:
    page = visit("/")
    page.locator("input[type=file]").set_input_files(stripes)
    expect(page.locator(".st-key-bar")).to_contain_text("stripes.png")
    page.get_by_role("button", name="Coffee cup").click()
    expect(page.locator(".st-key-bar")).to_contain_text("Coffee cup")
    page.locator("button[title='stripes.png']").click()
    expect(page.locator(".st-key-bar")).to_contain_text("stripes.png")
    page.go_back()
    expect(page.locator(".st-key-bar")).to_contain_text("Coffee cup")
    page.go_back()
    expect(page.locator(".st-key-bar")).to_contain_text("stripes.png")
