"""What a person does in the chapter on stride, padding and kernels, with mouse, keyboard and phone."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.checks import choose, serious
from tests.browser.conftest import PHONE

Open = Callable[..., Page]
LAST = ".st-key-kernels_chain .grid"
SUM = re.compile(
    r"Row (\d+), column (\d+), (\w+): (.+) = (\S+)\. conv2d gave (\S+); it is shown as (\d+) of 255\."
)


@pytest.fixture
def chapter(visit: Open) -> Open:
    """Open the chapter: `chapter("?kernel=box", viewport=PHONE)`."""
    return partial(_open, visit)


def _open(visit: Open, query: str = "", **options: object) -> Page:
    return visit("/kernels" + query, last=LAST, **options)


def value(text: str) -> float:
    above, _, below = text.strip("()").replace("−", "-").partition("/")
    return float(above) / float(below or 1)


def readout(page: Page) -> Locator:
    return page.locator(".st-key-kernels_picture .readout")


def test_patch_times_kernel_is_the_sum_that_conv2d_gave(chapter: Open) -> None:
    page = chapter("?looked_at=50,40,60,0")
    expect(readout(page)).to_contain_text("Row 40, column 60, grey:")
    row, column, _, terms, total, theirs, _ = SUM.match(readout(page).inner_text()).groups()
    products = [term.split("·") for term in terms.split(" + ")]
    assert len(products) == 9
    assert sum(value(pixel) * value(weight) for pixel, weight in products) == value(total) == value(theirs)
    page.get_by_role("application", name=re.compile("before and after")).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(readout(page)).to_contain_text(f"Row {int(row) + 1}, column {int(column) + 1}, grey:")
    expect(page).to_have_url(re.compile("looked_at=50%2C41%2C61%2C0"))


def test_the_line_between_before_and_after_moves_by_keyboard_and_by_mouse(chapter: Open) -> None:
    page = chapter()
    line = page.get_by_role("slider", name="Line between before and after")
    line.focus()
    page.keyboard.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuenow", "52")
    page.keyboard.press("Home")
    expect(line).to_have_attribute("aria-valuenow", "0")
    expect(page).to_have_url(re.compile("looked_at=0%2C"))
    page.keyboard.press("PageUp")
    expect(line).to_have_attribute("aria-valuetext", "10 % before, 90 % after")
    frame, knob = page.locator(".stageframe").bounding_box(), page.locator(".knob").bounding_box()
    page.mouse.move(knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.75 * frame["width"], frame["y"] + 30, steps=4)
    page.mouse.up()
    expect(line).to_have_attribute("aria-valuenow", "75")


def test_a_kernel_is_chosen_and_edited_and_both_stand_in_the_link(chapter: Open) -> None:
    page = chapter()
    choose(page, "kernels_kernel", "Sharpen")
    expect(page).to_have_url(re.compile("kernel=sharpen"))
    middle = page.get_by_label("Kernel, row 1, column 1", exact=True)
    expect(middle).to_have_value("5")
    middle.fill("19/2")
    expect(page).to_have_url(re.compile("kernel=own"))
    expect(page.get_by_text("add up to 5.5")).to_be_visible()
    expect(middle).to_be_focused()
    expect(middle).to_have_value("19/2")
    middle.fill("much")
    expect(middle).to_have_attribute("aria-invalid", "true")
    page.get_by_label("rows").select_option("4")
    page.reload()
    expect(page.get_by_label("Kernel, row 1, column 1", exact=True)).to_have_value("19/2")


def test_a_kernel_grows_to_11_rows(chapter: Open) -> None:
    page = chapter("?kernel=own&weights=1 2; 3 4")
    page.get_by_label("rows").select_option("11")
    expect(page.get_by_text("11×2 weights")).to_be_visible()
    expect(page.get_by_label("rows")).to_be_focused()
    page.get_by_label("Kernel, row 10, column 1", exact=True).fill("-10")
    expect(page.get_by_text("The weights add up to 0")).to_be_visible()


def test_same_at_stride_2_lights_up_other_pixels_in_the_two_libraries(chapter: Open) -> None:
    page = chapter("?same_size=8")
    sides = page.locator(".st-key-same_strip .axis")
    expect(sides.first.locator(".out")).to_have_text(["1", "3", "5", "7"])
    expect(sides.last.locator(".out")).to_have_text(["2", "4", "6", "8"])
    sides.first.locator(".out").first.focus()
    page.keyboard.press("ArrowRight")
    expect(sides.first.locator(".readout")).to_have_text(
        "Window 2 of 4 lies over 2, 3, 4: 2·0 + 3·1 + 4·0 = 3"
    )
    expect(sides.last.locator(".readout")).to_have_text(
        "Window 2 of 4 lies over 3, 4, 5: 3·0 + 4·1 + 5·0 = 4"
    )
    expect(sides.last.locator(".cell.lit")).to_have_text(["3", "4", "5"])


def test_the_animation_and_the_formula_follow_an_example(chapter: Open) -> None:
    page = chapter()
    page.get_by_role("button", name="Stride 2 halves it").click()
    expect(page.get_by_text("6 × 6 pixels become 3 × 3.")).to_be_visible()
    expect(page.locator(".st-key-sizes_stepper .where")).to_have_text("Position 1 of 9")
    page.locator(".st-key-sizes_stepper").get_by_role("button", name="Step", exact=True).click()
    expect(page.locator(".st-key-sizes_stepper .where")).to_have_text("Position 2 of 9")
    expect(page.locator(".st-key-sizes_strip .out")).to_have_text(["3", "9", "15"])


def test_two_kernels_are_composed(chapter: Open) -> None:
    page = chapter("?chain=box")
    choose(page, "kernels_chain_1", "Prewitt →")
    expect(page.get_by_text("The single one, 5×5")).to_be_visible()
    expect(page.get_by_text("The same picture: the largest difference is")).to_be_visible()
    expect(page).to_have_url(re.compile("chain=box%2Cprewitt_x"))
    page.get_by_text("A ReLU between them").click()
    expect(page).to_have_url(re.compile("relu_between=1"))
    expect(
        page.get_by_text("The same picture: the largest difference is")
    ).to_be_visible()  # nothing negative yet
    page.goto(page.url.replace("box%2Cprewitt_x", "prewitt_x%2Cbox"))
    expect(page.get_by_text("Not the same any more")).to_be_visible()


def test_the_laboratory_opens_with_the_same_kernel_and_picture(chapter: Open) -> None:
    page = chapter("?kernel=own&weights=1 -1&picture=coffee")
    page.get_by_role("link", name="Hold it against PyTorch").click()
    expect(page).to_have_url(re.compile(r"/laboratory\?.*kernel=own"))
    expect(page.locator(".st-key-bar")).to_contain_text("Coffee cup")
    expect(page.get_by_role("textbox", name="Its weights, row by row")).to_have_value("1 -1")


def test_a_phone_taps_a_pixel_and_has_no_horizontal_scroll(chapter: Open) -> None:
    page = chapter("?kernel=gabor&wavelength=3&colours=1", viewport=PHONE, has_touch=True, is_mobile=True)
    page.get_by_role("application", name=re.compile("before and after")).tap(position={"x": 3, "y": 3})
    expect(readout(page)).to_contain_text(re.compile(r"Row [0-3], column [0-3], red: row by row"))
    page.get_by_role("button", name="blue").tap()
    expect(readout(page)).to_contain_text(
        re.compile(r"column \d, blue: .* All three: red .*, green .*, blue")
    )
    wide = page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('html, [data-testid=stMain]')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )
    assert wide <= 0


def test_axe_finds_nothing_serious(chapter: Open) -> None:
    assert not serious(chapter("?colours=1"))
