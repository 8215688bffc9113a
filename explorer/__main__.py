"""`python -m explorer`: the explorer in a terminal."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from explorer.cli import main


def run() -> int:
    """Run the command line of this process; returns the exit code."""
    # A process can be started without an output (`>&-`).
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that can't show a letter gets an escape in place of a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    return main()


if __name__ == "__main__":
    sys.exit(run())
