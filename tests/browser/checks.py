"""What every page must pass in the browser, and what a person does on several of them."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect


def sideways(page: Page) -> int:
    """Pixels by which the page scrolls sideways; what scrolls within a frame of its own does not count."""
    wide: int = page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('html, [data-testid=stMain]')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )
    return wide


def serious(page: Page) -> list[tuple[str, str, list[str]]]:
    """What axe finds that keeps somebody from using the page, in light and in dark.

    The theme, the rule, and the elements that break it.
    """
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(SHOWN, arg=scheme)
        found += [
            (scheme, each["id"], [node["html"][:200] for node in each["nodes"]])
            for each in Axe().run(page).response["violations"]
            if each["impact"] in ("serious", "critical")
        ]
    return found


SHOWN = """scheme => {
    const { backgroundColor } = getComputedStyle(document.querySelector('[data-testid=stApp]'))
    return (Number(backgroundColor.match(/\\d+/)[0]) < 128) === (scheme === 'dark')
}"""
"""Whether the page has taken a theme: its background is bright or not."""


def choose(page: Page, key: str, title: str) -> None:
    """Open a select box by keyboard and take what it is to show; a page still at work may close it again."""
    box = page.locator(f".st-key-{key}").get_by_role("combobox")
    wanted = page.get_by_role("listbox").get_by_text(title, exact=True)
    for _ in range(10):
        box.press("ArrowDown")
        try:
            expect(wanted).to_be_visible(timeout=2000)
        except AssertionError:
            continue
        wanted.click()
        return
    pytest.fail(f"the select box {key} does not open by keyboard")
