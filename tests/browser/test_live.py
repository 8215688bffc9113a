"""Pictures made in a browser: one watches them form, stops, takes them along; on a phone, for everybody."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from explorer.visualization.runs import read_run
from tests.browser.checks import serious, sideways
from tests.browser.conftest import PHONE

Visit = Callable[..., Page]

PICTURE = ".st-key-looks_pictures .figures img"
DETAIL = ".st-key-looks_natural img"
STARTED = 90_000  # another process begins and imports PyTorch, on a machine with much else to do


def test_one_watches_a_picture_form_stops_it_and_takes_it_along(visit: Visit) -> None:
    page = visit("/looks?class=1", last=DETAIL)
    page.get_by_role("button", name="Make it").click()
    stop = page.get_by_role("button", name="Stop, and keep what there is")
    expect(stop).to_be_visible()
    expect(page.get_by_text(re.compile(r"goldfish: step [1-9]\d* of \d+"))).to_be_visible(timeout=STARTED)
    picture = page.locator(PICTURE)
    expect(picture).to_have_attribute("src", re.compile("^data:image/webp"))
    before = picture.get_attribute("src")
    expect(picture).not_to_have_attribute("src", before, timeout=STARTED)  # it forms
    stop.click()
    expect(page.get_by_text(re.compile(r"Stopped after \d+ of \d+ steps"))).to_be_visible()
    expect(picture).to_have_attribute("src", re.compile("^data:image/png"))
    expect(page.get_by_role("img", name=re.compile("Curve of the answer"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Recipe (JSON)").click()
    run = read_run(Path(download.value.path()).read_bytes())
    told = page.get_by_text(re.compile("Stopped after")).inner_text()
    assert run.stopped == int(re.search(r"after (\d+) of", told)[1])
    expect(page.get_by_role("button", name="Make it")).to_be_enabled()


def test_the_detail_on_a_phone_and_for_assistive_technology(visit: Visit) -> None:
    page = visit("/looks?layer=blocks.3.2&channel=17", last=DETAIL)
    page.get_by_text("Advanced: how it is made").click()
    expect(page.get_by_role("spinbutton", name="Steps")).to_be_visible()
    assert not serious(page)
    page.set_viewport_size(PHONE)
    expect(page.get_by_role("button", name="Make it")).to_be_visible()
    assert sideways(page) <= 0
