"""What a person does in the chapter on networks: build, copy, look inside and train one, with keys too."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.checks import choose, serious
from tests.browser.conftest import PHONE

Open = Callable[..., Page]
LAST = ".st-key-net_train button"
LONG = 180_000
"""Milliseconds that a training may take on a machine that does much else."""


@pytest.fixture
def chapter(visit: Open) -> Open:
    """Open the chapter: `chapter("?net=8.3.1.same.max2", viewport=PHONE)`."""
    return partial(_open, visit)


def _open(visit: Open, query: str = "", **options: object) -> Page:
    page = visit("/networks" + query, last=LAST, **options)
    expect(part(page, "dense")).to_be_attached()
    return page


def part(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=re.compile(f"^{name}: "))


def test_a_network_is_built_and_an_impossible_one_says_why(chapter: Open) -> None:
    page = chapter("?net=8.3.1.same.max2_16.3.1.same.max2&side=32")
    expect(part(page, "conv3")).to_have_count(0)
    page.locator(".st-key-net_count").get_by_text("3", exact=True).click()
    expect(part(page, "conv3")).to_have_accessible_name(
        re.compile("Convolution 3×3, 32 by 8 by 8, 4,640 weights")
    )
    choose(page, "net_padding_3", "0")
    choose(page, "net_kernel_3", "9×9")
    reason = "Not possible. Block 3: a kernel of 9×9 does not fit into a map of 8×8 with padding 0"
    expect(page.get_by_text(reason)).to_be_visible()
    expect(page.get_by_text("The last network that was possible:")).to_be_visible()
    expect(part(page, "conv3")).to_have_accessible_name(re.compile("Convolution 3×3, 32 by 6 by 6"))
    choose(page, "net_padding_3", "1")
    expect(page.get_by_text("Not possible.")).to_have_count(0)
    expect(part(page, "conv3")).to_have_accessible_name(re.compile("Convolution 9×9, 32 by 2 by 2"))
    expect(page).to_have_url(re.compile(r"net=8\.3\.1\.same\.max2_16\.3\.1\.same\.max2_32\.9\.1\.1\.max2"))


def test_the_code_is_copied_and_counts_what_the_drawing_counts(chapter: Open) -> None:
    page = chapter("?net=4.3.1.same.max2&classes=3", permissions=["clipboard-read", "clipboard-write"])
    page.locator(".st-key-net_code").get_by_role("button", name="Copy").click()
    expect(page.locator(".st-key-net_code").get_by_role("button", name="Copied")).to_be_visible()
    names: dict = {"__name__": "copied"}
    exec(page.evaluate("() => navigator.clipboard.readText()"), names)
    weights = sum(each.numel() for each in names["network"].parameters())
    expect(page.locator(".totals")).to_have_text(re.compile(f"^{weights:,} weights"))


def test_every_stage_can_be_looked_into_by_keyboard_and_stands_in_the_link(chapter: Open) -> None:
    page = chapter()
    detail = page.locator(".detail")
    expect(detail.get_by_role("heading")).to_have_text("conv1 · Convolution 3×3")
    part(page, "conv1").focus()
    page.keyboard.press("ArrowRight")
    expect(part(page, "relu1")).to_be_focused()
    expect(detail.get_by_role("heading")).to_have_text("relu1 · ReLU")
    expect(detail.get_by_role("img", name="Its 8 maps after ReLU")).to_be_visible()
    page.keyboard.press("End")
    expect(detail).to_contain_text("10 · (4096 + 1) = 40,970")
    expect(detail.get_by_role("listitem")).to_have_count(10)
    expect(page).to_have_url(re.compile("part=dense"))
    expect(part(page, "dense")).to_be_focused()
    page.reload()
    expect(detail.get_by_role("heading")).to_have_text("dense · Dense layer")


def test_pooling_is_stepped_through_by_keyboard(chapter: Open) -> None:
    page = chapter()
    pool = page.locator(".st-key-net_pool")
    step = pool.get_by_role("button", name="Step", exact=True)
    expect(pool.get_by_text("max(3, 0, 0, 5) = 5")).to_be_visible()
    step.focus()
    page.keyboard.press("Enter")
    expect(pool.get_by_text("max(0, 2, 0, 1) = 2")).to_be_visible()
    page.get_by_text("Average-pooling").click()
    expect(pool.get_by_text("mean(0, 2, 0, 1) = 0.75")).to_be_visible()


def test_the_bridge_leads_to_the_layer_on_the_same_picture(chapter: Open) -> None:
    page = chapter("?picture=coffee")
    page.get_by_role("link", name=re.compile("All 1280 maps")).click()
    expect(page.get_by_role("heading", name="All maps of one layer")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/layer\?.*picture=coffee"))
    expect(page).to_have_url(re.compile(r"layer=act2"))
    expect(page.locator(".st-key-bar")).to_contain_text("Coffee")


def test_one_is_trained_to_the_end_on_a_phone_without_a_mouse(chapter: Open) -> None:
    page = chapter("?steps=80", viewport=PHONE)
    button = page.get_by_role("button", name="Train", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_role("button", name="Train again")).to_be_visible(timeout=LONG)
    filters = page.get_by_role("img", name=re.compile("^Filter \\d"))
    expect(filters).to_have_count(16)
    said = page.get_by_text("After 80 steps the trained network tells").inner_text()
    own, twin = re.search(r"tells ([\d.]+)\s%.* random filters ([\d.]+)\s%", said).groups()
    assert float(own) > float(twin) > 25
    readout = page.locator(".st-key-net_training .readout")
    expect(readout).to_have_text(re.compile(f"^Step 80 of 80: {own}"))
    page.get_by_role("slider", name="Step").focus()
    page.keyboard.press("Home")
    expect(readout).to_have_text(re.compile("^Step 0 of 80: .* 0 of 8 filters pass"))
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]


def test_a_training_is_cancelled(chapter: Open) -> None:
    page = chapter("?steps=400&task=shapes")
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text(re.compile(r"Cancelled after \d+ of 400 steps\."))).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()


def test_axe_finds_nothing_serious(chapter: Open) -> None:
    # High enough for the whole page: axe judges few of the things that have to be scrolled to.
    page = chapter(viewport={"width": 1280, "height": 5400})
    assert not serious(page)
