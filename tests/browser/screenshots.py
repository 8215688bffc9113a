"""`python -m tests.browser.screenshots`: take the README's pictures of the real app again."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.chromium import arguments, find
from tests.browser.conftest import MAPS, settled
from tests.browser.serving import ROOT, serve

ALL = "[data-testid=stApp]"
STEPS = ".st-key-convolution_steps"
SHOTS = {
    "hierarchy": ("/", MAPS, ALL, 1180, "light"),
    "layer": ("/layer?layer=blocks.4.2.act2&channel=64", MAPS, ALL, 1000, "dark"),
    "lesson": ("/convolution", STEPS, STEPS, 1400, "light"),
}
"""By name: the page, what is drawn last on it, which part is taken, the window's height and the colours."""


def main() -> None:
    folder = ROOT / "docs"
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as logs,
        serve(Path(logs) / "log") as address,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=find(), args=arguments())
        for name, (path, last, part, height, scheme) in SHOTS.items():
            page = browser.new_page(viewport={"width": 1280, "height": height}, color_scheme=scheme)
            page.goto(address + path)
            settled(page, last)
            page.wait_for_timeout(800)  # Streamlit fades its elements in
            page.locator(part).first.screenshot(path=folder / f"{name}.png")
            print(f"docs/{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
