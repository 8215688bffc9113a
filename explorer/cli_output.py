"""What the command line writes: lines above a progress bar, whole files, and bars for downloads."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from explorer.cli_arguments import STDOUT
from explorer.cli_pictures import shown


class OutputError(Exception):
    """A file that can't be written; the message says which and why."""


def put(target: str, text: str) -> None:
    """Write to the terminal, where `target` is a dash, or to a file.

    Raises:
        OutputError: If the file can't be written.
    """
    if target == STDOUT:
        sys.stdout.write(text)
    else:
        write(Path(target), text.encode())


def write(path: Path, data: bytes) -> None:
    """Write a whole file or none; folders are made, an earlier file of the name is replaced.

    Raises:
        OutputError: If it can't be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{shown(str(path))} can't be written: {error.strerror or error}.") from error


def say(words: str) -> None:
    """A line on standard output, above the progress bar."""
    from tqdm import tqdm

    tqdm.write(words, file=sys.stdout)


def complain(words: str) -> None:
    """A line on standard error, above the progress bar."""
    from tqdm import tqdm

    tqdm.write(words, file=sys.stderr)


@contextlib.contextmanager
def download_bar(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """A callback for a download; it draws a bar, where standard error is a terminal, once it is called."""
    from tqdm import tqdm

    bars: list[tqdm] = []

    def progress(done: int, total: int | None) -> None:
        if not bars:
            bars.append(
                tqdm(desc=title, total=total, unit="B", unit_scale=True, file=sys.stderr, disable=None)
            )
        bars[0].update(done - bars[0].n)

    try:
        yield progress
    finally:
        for bar in bars:
            bar.close()


def abandon_output() -> None:
    """Let Python's own flush at exit succeed, which would otherwise print an error."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
