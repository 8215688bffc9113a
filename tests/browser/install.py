"""`python -m tests.browser.install`: find a Chromium for the browser tests, else install one, else fail."""

import sys

from tests.browser.chromium import find, install

if __name__ == "__main__":
    try:
        print(f"browser tests use {find() or install()}")
    except RuntimeError as error:
        sys.exit(str(error))
