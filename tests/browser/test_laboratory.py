"""What a person does in the laboratory, with mouse, keyboard and phone, in a real browser."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import serious
from tests.browser.conftest import PHONE

Open = Callable[..., Page]
CODE = "[role=region][aria-label^='Source of']"
CASES = ["", "?case=picture", "?case=layer&layer=blocks.1.0.conv_dw"]


@pytest.fixture
def lab(visit: Open) -> Open:
    """Open the laboratory: `lab("?case=picture", viewport=PHONE)`."""
    return partial(_open, visit)


def _open(visit: Open, query: str = "", **options: object) -> Page:
    return visit("/laboratory" + query, last=CODE, **options)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_an_edited_number_changes_the_output_and_stands_in_the_link(lab: Open) -> None:
    page = lab()
    output = page.get_by_role("button", name=re.compile("By hand, row 0, column 0:"))
    expect(output).to_have_text("3")
    field = page.get_by_label("Input, row 2, column 2", exact=True)
    field.fill("7")
    expect(output).to_have_text("7")
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile("given="))
    page.get_by_label("Kernel, row 1, column 2", exact=True).fill("1/2")
    expect(page).to_have_url(re.compile("kernel=own"))
    expect(page.get_by_label("Kernel, row 1, column 2", exact=True)).to_have_value("1/2")
    page.reload()
    expect(page.get_by_label("Input, row 2, column 2", exact=True)).to_have_value("7")
    expect(page.get_by_label("Kernel, row 1, column 2", exact=True)).to_have_value("0.5")


def test_what_is_no_number_is_marked_and_changes_nothing(lab: Open) -> None:
    page = lab()
    field = page.get_by_label("Kernel, row 0, column 0", exact=True)
    field.fill("a lot")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.wait_for_timeout(800)
    assert "own" not in page.url


def test_a_sum_is_written_out_by_keyboard(lab: Open) -> None:
    page = lab("?given=1 2 3; 4 5 6&kernel=own&own=1 -1")
    page.get_by_role("button", name="By hand, row 0, column 0: −1").focus()
    readout = page.locator(".readout").first
    expect(readout).to_have_text("Row 0, column 0: 1·1 + 2·(−1) = −1")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(readout).to_have_text("Row 1, column 1: 5·1 + 6·(−1) = −1")
    expect(page.locator("td.lit input")).to_have_count(2)


def test_both_maps_and_their_difference_are_read_out_together(lab: Open) -> None:
    page = lab("?case=picture&algorithm=fft")
    readout = page.locator(".readout").last
    pattern = r"Row (\d+), column (\d+): by hand (\S+), PyTorch (\S+), difference (\S+)"
    page.locator(".map canvas").nth(1).hover(position={"x": 30, "y": 40})
    row, column, ours, theirs, difference = re.fullmatch(pattern, readout.inner_text()).groups()
    assert abs(number(ours) - number(theirs) - number(difference)) < 1e-6
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowRight")
    expect(readout).to_have_text(re.compile(rf"Row {row}, column {int(column) + 1}:"))


def test_an_impossible_parameter_can_be_typed_says_why_and_is_taken_back(lab: Open) -> None:
    page = lab()
    dilation = page.locator(".st-key-lab_dilation input")
    dilation.fill("9")
    dilation.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("does not fit into the padded input of 6×7")
    dilation.fill("1")
    dilation.press("Enter")
    expect(page.get_by_text("agree in every bit")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_case_is_changed_by_click_and_by_link(lab: Open) -> None:
    page = lab()
    page.get_by_text("Layer of the model").click()
    expect(page).to_have_url(re.compile("case=layer"))
    expect(page.locator(".map canvas")).to_have_count(3)
    page.get_by_text("Current picture").click()
    expect(page).to_have_url(re.compile("case=picture"))
    expect(page.get_by_text("213, 320").first).to_be_visible()


def test_the_source_is_copied(lab: Open) -> None:
    page = lab("?algorithm=winograd", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).first.click()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith('"""Winograd')
    assert "def winograd(" in copied
    page.get_by_role("tab", name="This comparison as a script").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    compile(page.evaluate("() => navigator.clipboard.readText()"), "script", "exec")


def overhang(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    return page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('html, [data-testid=stMain]')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )


def test_a_measurement_waits_its_turn_and_is_cancelled(lab: Open) -> None:
    first, second = lab(), lab("?case=picture")
    first.get_by_role("button", name="Measure on this machine").click()
    expect(first.get_by_text(re.compile("Measuring Sobel"))).to_be_visible()
    second.get_by_role("button", name="Measure on this machine").click()
    expect(second.get_by_text("Waiting for 1 other measurement")).to_be_visible()
    # Both end at once, before a slow machine has come to a result.
    second.get_by_role("button", name="Cancel").click()
    first.get_by_role("button", name="Cancel").click()
    for page in (first, second):
        expect(page.get_by_text("Cancelled; nothing was kept.")).to_be_visible()


def test_a_measurement_blocks_nobody_and_its_table_fits_a_phone(lab: Open) -> None:
    page, other = (
        lab("?kernel=laplacian", viewport=PHONE, has_touch=True, is_mobile=True),
        lab("?case=picture"),
    )
    page.get_by_role("button", name=re.compile("^Measure")).click()
    other.get_by_text("Layer of the model").click()
    expect(other.locator(".map canvas")).to_have_count(3)
    expect(page.get_by_role("button", name="Measure again")).to_be_visible(timeout=120_000)
    expect(page.locator(".st-key-lab_times table")).to_be_visible()
    assert overhang(page) <= 0


@pytest.mark.parametrize("query", CASES)
def test_a_phone_has_no_horizontal_scroll(lab: Open, query: str) -> None:
    page = lab(query, viewport=PHONE, has_touch=True, is_mobile=True)
    page.get_by_text("The stored benchmark:").click()
    expect(page.locator(".st-key-lab_stored_layers table")).to_be_visible()
    assert overhang(page) <= 0


@pytest.mark.parametrize("query", CASES)
def test_axe_finds_nothing_serious(lab: Open, query: str) -> None:
    page = lab(query)
    assert not serious(page)
