"""What channels look for, in a real browser: beneath the tiles, and as an atlas to wander."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.checks import serious, sideways
from tests.browser.conftest import PHONE, settled

Visit = Callable[..., Page]

ATLAS = ".st-key-atlas .tile"
LOUPE = ".loupe:popover-open"


def test_what_a_channel_looks_for_is_enlarged_by_mouse_and_keyboard(visit: Visit) -> None:
    page = visit("/")
    tile = page.get_by_role("listbox").first.get_by_role("option").nth(1)
    channel = re.match(r"Channel (\d+) of", tile.get_attribute("aria-label"))[1]
    look = tile.locator(".look")
    # The picture of every tile of the first screen is there, all of a layer's on a few sheets.
    expect(page.get_by_role("option").locator(".look:not(.missing)").nth(23)).to_be_attached()
    laid_out = "tile => [tile.offsetLeft, tile.offsetTop, tile.offsetWidth, tile.offsetHeight]"
    before = tile.evaluate(laid_out)
    look.hover()
    expect(page.locator(LOUPE)).to_contain_text(f"channel {channel} looks for")
    assert tile.evaluate(laid_out) == before
    page.mouse.move(0, 0)
    expect(page.locator(LOUPE)).to_have_count(0)
    page.get_by_role("listbox").first.get_by_role("option").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(LOUPE)).to_contain_text(f"channel {channel} looks for")
    page.keyboard.press("Escape")
    expect(page.locator(LOUPE)).to_have_count(0)
    expect(tile).to_be_focused()


def test_the_atlas_is_wandered_and_searched_and_a_picture_opens(visit: Visit) -> None:
    fetched: list[str] = []
    page = visit("/looks", last=ATLAS)
    page.on("request", lambda request: fetched.append(request.url))
    rows = page.locator(".st-key-atlas section")
    first = rows.first.get_by_role("option").first
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    below = rows.nth(1).locator("[role=option]:focus")
    expect(below).to_have_count(1)
    channel, layer = re.match(r"Channel (\d+) of (\S+)", below.get_attribute("aria-label")).groups()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"layer={re.escape(layer)}&channel={channel}"))
    expect(page.get_by_role("heading", name=f"Channel {channel} of {layer}")).to_be_visible()
    expect(page.locator(f"{ATLAS}[aria-selected=true]")).to_have_count(1)
    # The classes, far below, were not on the screen so far.
    page.get_by_role("searchbox", name=re.compile("Find a class")).fill("flaming")
    expect(page.locator(".st-key-atlas [role=option]:visible")).to_have_count(1)
    expect(page).to_have_url(re.compile("find=flaming"))
    page.get_by_role("option", name=re.compile("^flamingo")).click()
    expect(page).to_have_url(re.compile("class=130"))
    expect(page.get_by_role("heading", name="flamingo")).to_be_visible()
    sheets = [url for url in fetched if "/sheets/" in url]
    assert len(sheets) == len(set(sheets))


def test_axe_finds_nothing_serious_in_the_atlas(visit: Visit) -> None:
    page = visit("/looks?shown=early", last=ATLAS)
    assert not serious(page)


def test_a_finger_that_stays_enlarges_and_opens_nothing(visit: Visit) -> None:
    page = visit("/looks?shown=early", last=ATLAS, viewport=PHONE, has_touch=True, is_mobile=True)
    assert sideways(page) <= 0
    tile = page.locator(ATLAS).nth(2)
    tile.scroll_into_view_if_needed()
    box = tile.bounding_box()
    finger = {"x": box["x"] + 20, "y": box["y"] + 20}
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [finger]})
    expect(page.locator(LOUPE)).to_be_visible()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(LOUPE)).to_be_visible()
    settled(page, ATLAS)
    assert "channel=" not in page.url


def test_where_there_is_no_picture_a_tile_leads_to_where_one_is_made(visit: Visit) -> None:
    page = visit("/?layer=bn1")
    tile = page.locator(".st-key-depth").get_by_role("option").nth(1)
    channel = re.match(r"Channel (\d+) of bn1", tile.get_attribute("aria-label"))[1]
    tile.get_by_text("make it").click()
    expect(page).to_have_url(re.compile(rf"/looks\?.*layer=bn1&channel={channel}"))
    expect(page.get_by_role("heading", name=f"Channel {channel} of bn1")).to_be_visible()
    page.go_back()
    tile = page.locator(".st-key-depth").get_by_role("option").nth(1)
    tile.press("m")
    expect(page.get_by_role("heading", name=f"Channel {channel} of bn1")).to_be_visible()
