"""Which Chromium the browser tests drive, and how one gets onto a machine without."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

# Without these Chromium looks for updates and accounts, which the tests would count as requests that leave.
QUIET = (
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
)


def find() -> str | None:
    """The path of an installed Chromium or Chrome, or of Playwright's own; None where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if Path(MAC).exists():
        return MAC
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def arguments() -> list[str]:
    """Chromium's command line here; its sandbox refuses to run as root."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*QUIET, *(["--no-sandbox"] if root else [])]


def install() -> str:
    """Install a Chromium where there is none, and return its path.

    Raises:
        RuntimeError: If no way led to one.
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and shutil.which("apt-get"):
        steps = [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]]
    else:
        steps = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    for step in steps:
        subprocess.run(step, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if path := find():
        return path
    raise RuntimeError(
        "the browser tests need Chromium or Chrome and none could be installed; install one by hand, "
        f"so that one of {', '.join(NAMES)} is on the PATH"
    )
