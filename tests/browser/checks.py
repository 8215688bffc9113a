"""What every page must pass in the browser."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def sideways(page: Page) -> int:
    """Pixels by which the page scrolls sideways; what scrolls within a frame of its own does not count."""
    wide: int = page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('html, [data-testid=stMain]')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )
    return wide


def serious(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds that keeps somebody from using the page: the rule, and the elements that break it."""
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]])
        for each in Axe().run(page).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
