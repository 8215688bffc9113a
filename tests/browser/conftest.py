"""A real server and a real browser. A console error or a request that leaves the machine fails a test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.browser.chromium import arguments, find
from tests.browser.serving import serve

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

MAPS = ".st-key-depth canvas, .st-key-channel canvas"

# Two cores share a browser, a server and another test process.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")
            # A starved browser may miss a deadline; what fails twice is a fault. The summary names it.
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("server") / "log") as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find()
    assert path, "no Chromium or Chrome was found; `make test` installs one"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=arguments())
        yield running
        running.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a page in a session of its own: `visit("/layer?...", viewport=PHONE, color_scheme="dark")`.

    `last` selects what is drawn last on the page; it is there before the page is handed over.
    """
    contexts, faults = [], []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(f"console: {message.text}")

    def watch(request: Request) -> None:
        if not request.url.startswith((address, "data:", "blob:", address.replace("http", "ws"))):
            faults.append(f"request left the machine: {request.url}")

    def opened(path: str = "/", *, last: str = MAPS, **options: object) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", note)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("request", watch)
        page.goto((address if path.startswith("/") else "") + path)
        settled(page, last)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults, faults


def settled(page: Page, last: str = MAPS) -> None:
    """Wait until the app has run and drawn what `last` selects."""
    page.locator(last).first.wait_for()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-stale=true]')"
    )
