"""Side by side in a real browser: chosen by clicks, moved by keyboard, on a wide screen and on a phone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.checks import serious, sideways
from tests.browser.conftest import PHONE

Visit = Callable[..., Page]
BOTH = ".st-key-b_stage_deep canvas"
TWIN = "/?against=efficientnet_lite0@untrained"


def box(place: Locator) -> dict[str, float]:
    found = place.bounding_box()
    assert found is not None
    return found


def test_the_twin_stands_beside_the_network_and_both_move_together(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("button", name="the untrained twin").click()
    expect(page.get_by_role("heading", name="B · Untrained EfficientNet-Lite0")).to_be_visible()
    expect(page).to_have_url(re.compile("against=efficientnet_lite0"))
    page.locator(BOTH).first.wait_for()
    first, second = box(page.locator(".st-key-a_depth")), box(page.locator(".st-key-b_depth"))
    assert second["x"] >= first["x"] + first["width"]
    slider = page.get_by_role("slider", name="Layer of A")
    slider.press("End")
    about = page.get_by_text(re.compile(r"act2 · ReLU6 · 1280 maps of 7 × 7 · .* · depth 0\.98"))
    expect(about).to_have_count(4)  # of the slider and of the deep stage, on both sides
    tile = page.locator(".st-key-b_depth").get_by_role("option").first
    channel = re.match(r"Channel (\d+) of act2", tile.get_attribute("aria-label"))[1]
    tile.click()
    expect(page).to_have_url(re.compile(rf"/layer\?.*channel={channel}"))
    expect(page).to_have_url(re.compile("model=efficientnet_lite0%40untrained"))


def test_a_picture_is_chosen_and_the_same_channels_are_shown(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("button", name="another picture").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_title("Coffee cup").click()
    expect(page.get_by_role("heading", name="B · Coffee cup")).to_be_visible()
    expect(dialog).to_have_count(0)
    page.locator(BOTH).first.wait_for()
    page.get_by_text("The same channels for both").click()
    expect(page).to_have_url(re.compile("same=1"))
    expect(page.get_by_text("each channel has one scale for both pictures")).to_have_count(2)
    numbers = [
        page.locator(f".st-key-{side}_depth").get_by_role("option").all_text_contents() for side in "ab"
    ]
    assert numbers[0] == numbers[1]
    page.get_by_role("button", name="End the comparison").click()
    expect(page.get_by_text("Compare with")).to_be_visible()
    expect(page).not_to_have_url(re.compile("against|same"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_is_content_and_a_phone_shows_one_below_the_other(visit: Visit, scheme: str) -> None:
    page = visit(TWIN, last=BOTH, color_scheme=scheme)
    assert not serious(page)
    page.set_viewport_size(PHONE)
    # The page is built anew for a narrow screen, so elements are looked for each time.
    page.wait_for_function(
        "() => { const [a, b] = ['a', 'b'].map(side => document.querySelector(`.st-key-${side}_depth`)"
        "?.getBoundingClientRect()); return a?.height > 0 && b?.top >= a.bottom && b.left === a.left; }"
    )
    assert sideways(page) == 0
