"""What a person does in the lesson's second chapter, with mouse, keyboard and phone, in a real browser."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.checks import serious
from tests.browser.conftest import PHONE

Open = Callable[..., Page]
LAST = "text=Such jumps were measured in many networks"
SIDE = 48


@pytest.fixture
def why(visit: Open) -> Open:
    """Open the chapter: `why("?shift=4", viewport=PHONE)`."""
    return partial(_open, visit)


def _open(visit: Open, query: str = "", **options: object) -> Page:
    page = visit("/why" + query, last=LAST, **options)
    expect(page.locator(".st-key-why_local .readout")).to_be_visible()
    return page


def picture(page: Page) -> Locator:
    return page.locator(".st-key-why_local .input .stage")


def feature_map(page: Page) -> Locator:
    return page.locator(".st-key-why_local .output .stage")


def verdict(page: Page) -> Locator:
    return page.locator(".st-key-why_local .verdict")


def numbers(page: Page) -> list[str]:
    """Before and after."""
    return page.locator(".st-key-why_local .value strong").all_inner_texts()


def at(stage: Locator, row: int, column: int, count: int) -> dict[str, float]:
    """The middle of a cell of a square map, from its upper left corner."""
    side = stage.bounding_box()["width"]
    return {"x": (column + 0.5) * side / count, "y": (row + 0.5) * side / count}


def test_paint_outside_changes_nothing_and_inside_it_does(why: Open) -> None:
    page = why()
    feature_map(page).click(position=at(feature_map(page), 10, 30, SIDE - 2))
    expect(page.get_by_text("Output at row 10, column 30")).to_be_visible()
    before, _ = numbers(page)
    stage = picture(page)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.6 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
    page.mouse.up()
    readout = page.locator(".st-key-why_local .readout")
    expect(readout).to_have_text(re.compile(r"Painted: \d\d pixels outside its region, 0 inside"))
    expect(verdict(page)).to_have_text("unchanged")
    assert numbers(page) == [before, before]
    stage.click(position=at(stage, 11, 31, SIDE))
    expect(readout).to_have_text(re.compile(r"outside its region, 1 inside"))
    expect(verdict(page)).to_have_text(re.compile(r"changed by [+−][\d.]+"))
    after = numbers(page)
    assert after[0] == before != after[1]
    confirmed = page.get_by_text(f"gives {after[0]} before and {after[1]} after, changed")
    expect(confirmed).to_be_visible()
    page.reload()
    expect(confirmed).to_be_visible()
    expect(readout).to_have_text(re.compile(r"outside its region, 1 inside"))
    assert numbers(page) == after


def test_the_same_by_keyboard(why: Open) -> None:
    page = why("?spot=20.20")
    feature_map(page).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Output at row 20, column 21")).to_be_visible()
    picture(page).focus()
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.get_by_text("outside the region, painted. Space paints.")).to_be_visible()
    expect(verdict(page)).to_have_text("unchanged")
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect(page.get_by_text("inside the region, painted. Space paints.")).to_be_visible()
    expect(verdict(page)).to_have_text(re.compile("changed by"))
    page.get_by_role("button", name="Clear the paint").press("Enter")
    expect(verdict(page)).to_have_text("unchanged")
    page.get_by_role("button", name="Paint outside").press("Enter")
    expect(page.get_by_text("Painted: 25 pixels outside its region, 0 inside")).to_be_visible()
    page.get_by_role("button", name=re.compile("Pixel at row 21, column 22")).press("Enter")
    expect(verdict(page)).to_have_text(re.compile("changed by"))


def test_the_region_grows_by_keyboard_and_stands_in_the_link(why: Open) -> None:
    page = why("?grown=conv_stem")
    fields = page.locator(".st-key-why_fields")
    expect(fields.locator(".extent")).to_have_text("3 × 3 pixels")
    slider = fields.get_by_role("slider", name="Layer")
    slider.press("ArrowRight")
    expect(fields.locator(".extent")).to_have_text("7 × 7 pixels")
    slider.press("End")
    expect(fields.locator(".extent")).to_have_text("the whole picture")
    expect(page).to_have_url(re.compile("grown=global_pool"))
    fields.get_by_role("button", name="Layer before").click()
    expect(fields.locator(".readout")).to_contain_text("the rest of the box is padding")
    expect(page).to_have_url(re.compile(r"grown=blocks\.6\.0\.conv_dw"))


def test_the_weights_are_counted_for_ones_own_sizes(why: Open) -> None:
    page = why()
    expect(page.get_by_text("the convolution has 1,792 weights")).to_be_visible()
    for label, value in (("Input channels", "16"), ("Kernel side", "5")):
        field = page.get_by_label(label, exact=True)
        field.fill(value)
        field.press("Enter")
    expect(page.get_by_text("the convolution has 25,664 weights")).to_be_visible()
    expect(page).to_have_url(re.compile("in_channels=16.*window_size=5"))


def test_the_picture_is_shifted_and_every_shift_measured(why: Open) -> None:
    page = why("?shift=7")
    expect(page.get_by_text("Stride breaks it.")).to_be_visible()
    page.get_by_role("application", name=re.compile("The shifted picture")).press("ArrowRight")
    expect(page.get_by_text("its map should move by 1 position")).to_be_visible()
    expect(page).to_have_url(re.compile("shift=8"))
    page.get_by_role("slider", name=re.compile("Shift: 8 pixels to the right")).press("Home")
    expect(page.get_by_text("its map should move by −4 positions")).to_be_visible()
    page.get_by_role("button", name="Measure every pixel").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled; nothing was kept.")).to_be_visible()
    page.get_by_role("button", name="Measure all shifts").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    step = page.get_by_text(re.compile("step 8: off by 0\u00a0% at multiples of its step"))
    expect(step).to_be_visible(timeout=240_000)


def test_a_phone_paints_with_a_finger_and_has_no_horizontal_scroll(why: Open) -> None:
    page = why("?spot=9.9", viewport=PHONE, has_touch=True, is_mobile=True)
    stage = picture(page)
    stage.scroll_into_view_if_needed()
    stage.tap(position=at(stage, 30, 30, SIDE))
    expect(page.get_by_text("Painted: 1 pixel outside its region, 0 inside")).to_be_visible()
    expect(verdict(page)).to_have_text("unchanged")
    page.get_by_role("button", name="Paint inside").tap()
    expect(verdict(page)).to_have_text(re.compile("changed by"))
    wide = page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('html, [data-testid=stMain]')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )
    assert wide <= 0


def test_axe_finds_nothing_serious(why: Open) -> None:
    page = why("?probe=1")
    assert not serious(page)
