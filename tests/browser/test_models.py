"""Models in a browser: found as one types, untrained and back, weights of one's own."""

import io

import torch
from playwright.sync_api import Page, expect

import models
from models import timm_models
from models.building import quietly
from tests.browser.checks import serious, sideways
from tests.browser.conftest import PHONE, settled

QUERIES = ("", "ConvNeXt tiny", "resnet-18", "squeezenet1_1 v1", "efficientnet b0", "no such network")


def dialog(page: Page):
    """The choice of models, opened; the first time in a server's life its libraries are imported."""
    page.locator(".st-key-change_model").get_by_role("button").click()
    opened = page.get_by_role("dialog")
    expect(opened.get_by_role("option").first).to_be_visible(timeout=60_000)
    return opened


def test_names_are_found_as_one_types_as_the_library_finds_them(visit) -> None:
    opened = dialog(visit())
    field, rows = opened.get_by_role("combobox"), opened.get_by_role("option")
    for query in QUERIES[1:]:
        field.fill(query)
        found = models.search(query, 60)
        expect(rows).to_have_count(len(found))
        names = [row.partition("on this computer")[0] for row in rows.all_text_contents()]
        assert tuple(names) == found
    expect(opened.get_by_text("has all of these words")).to_be_visible()
    field.fill("squeezenet1_1 v1")
    field.press("ArrowDown")
    field.press("Enter")
    expect(opened.get_by_role("button", name="Download 5.0 MB")).to_be_visible()
    opened.get_by_role("button", name="Show it untrained").click()
    page = opened.page
    expect(page.get_by_text("random weights, seed 0")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "squeezenet1_1" in page.url


def test_untrained_and_back_by_one_click_each(visit) -> None:
    page = visit()
    first = page.get_by_test_id("stProgress").first.get_by_test_id("stMarkdownContainer")
    trained = first.inner_text()
    switch = page.locator(".st-key-twin_toggle")
    switch.get_by_text("Untrained").click()
    expect(page.get_by_text("random weights, seed 0")).to_be_visible()
    expect(first).not_to_have_text(trained)
    assert "untrained" in page.url
    switch.get_by_text("Untrained").click()
    expect(page.get_by_text("random weights, seed 0")).to_have_count(0)
    expect(first).to_have_text(trained)


def test_weights_of_ones_own_are_refused_with_a_reason_and_taken(visit) -> None:
    page = visit()
    opened = dialog(page)
    opened.get_by_text("Your own weights").click()
    field = opened.get_by_role("combobox", name="The architecture")
    field.fill("timm test_resnet")
    field.press("Enter")
    expect(opened.get_by_text("Still needed: a file.")).to_be_visible()
    with quietly(5):
        state = timm_models.build("test_resnet", 3).state_dict()
    for name, content, then in (
        ("wrong.pth", {"conv1.0.weight": torch.zeros(1)}, "does not fit the network"),
        ("mine.pth", state, ""),
    ):
        file = io.BytesIO()
        torch.save(content, file)
        upload = opened.locator(".st-key-own_weights input[type=file]")
        upload.set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": file.getvalue()}
        )
        opened.get_by_role("button", name=f"Open {name}").click()
        if then:
            expect(opened.get_by_text(then)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_text("test_resnet (mine.pth) read 160 × 160")).to_be_visible()
    settled(page)
    page.get_by_test_id("stTopNav").get_by_role("link", name="Layer", exact=True).click()
    expect(page.locator(".st-key-bar").get_by_text("test_resnet (mine.pth)")).to_be_visible()


def test_the_choice_of_models_is_fit_for_everybody(visit) -> None:
    page = visit(viewport=PHONE)
    opened = dialog(page)
    opened.get_by_role("combobox").fill("resnet18")
    opened.get_by_role("option").first.click()
    expect(opened.get_by_role("button", name="Show it untrained")).to_be_visible()
    assert sideways(page) == 0
    assert serious(page) == []
    opened.get_by_text("Your own weights").click()
    expect(opened.get_by_text("Still needed")).to_be_visible()
    assert sideways(page) == 0
    assert serious(page) == []
