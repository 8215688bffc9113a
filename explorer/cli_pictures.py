"""Which pictures were meant on the command line, and what the files made from them are called.

Nothing heavy is imported until a picture is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

SAMPLE = "sample:"
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff")
"""What a picture's name ends with; decides only what is taken from a folder."""


class InputError(ValueError):
    """A picture that can't be read; the message is one sentence without the picture's name."""


@dataclass(frozen=True)
class Source:
    """A picture that was asked for.

    Attributes:
        name: As it was given, or the path inside a folder that was given.
        stem: What the files made from it begin with; no two sources of a command have the same.
        problem: Why it can't be read, where that is known already; otherwise None.
    """

    name: str
    stem: str
    problem: str | None = None

    @property
    def title(self) -> str:
        """What to call it in a figure."""
        if not self.name.startswith(SAMPLE):
            return shown(self.stem)
        from explorer.samples import SAMPLES

        return SAMPLES[self.name.removeprefix(SAMPLE)].title

    def read(self) -> bytes:
        """The picture's bytes, at most one more than `explorer.images.MAX_BYTES`.

        Raises:
            InputError: If it can't be read.
            SampleError: If there is no such sample picture.
        """
        if self.problem is not None:
            raise InputError(self.problem)
        if self.name.startswith(SAMPLE):
            from explorer.samples import sample_bytes

            return sample_bytes(self.name.removeprefix(SAMPLE))
        from explorer.images import MAX_BYTES

        try:
            with Path(self.name).open("rb") as file:
                # Bounded, because a device such as /dev/zero has no end.
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise InputError(f"It can't be read: {error.strerror or error}.") from error


def gather(given: Sequence[str], *, recursive: bool = False) -> list[Source]:
    """The pictures that are meant, in the order they were given; those of a folder sorted by name.

    What can't be found becomes a source with a `problem`, so that the others can go on.

    Args:
        given: Paths of files and folders, and `sample:NAME`.
        recursive: Whether to look into the folders' own folders as well; links to folders are not followed.
    """
    sources = [source for name in given for source in _expand(name, recursive)]
    stems = distinct(source.stem for source in sources)
    return [replace(source, stem=own) for source, own in zip(sources, stems, strict=True)]


def _expand(name: str, recursive: bool) -> Iterator[Source]:
    if name.startswith(SAMPLE):
        yield Source(name, name.removeprefix(SAMPLE))
        return
    if not Path(name).is_dir():
        missing = not os.path.lexists(name)
        yield Source(name, stem(name), "There is no such file or folder." if missing else None)
        return
    try:
        found = sorted(_pictures(name, recursive))
    except OSError as error:
        yield Source(name, stem(name), f"The folder can't be read: {error.strerror or error}.")
        return
    for path in found:
        yield Source(path, stem(path))
    if not found:
        deeper = "" if recursive else "; --recursive looks into its folders too"
        yield Source(name, stem(name), f"The folder has no picture files ({', '.join(SUFFIXES)}){deeper}.")


def _pictures(folder: str, recursive: bool) -> Iterator[str]:
    for entry in os.scandir(folder):
        # A dot hides a file: macOS puts a "._cat.jpg", no picture, beside every picture on a foreign disk.
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if recursive and not entry.is_symlink():
                yield from _pictures(entry.path, recursive)
        elif Path(entry.name).suffix.lower() in SUFFIXES:
            yield entry.path


def stem(name: str) -> str:
    """What the files made from the picture `name` begin with; never a name that means a folder.

    Example:
        >>> stem("holiday/cat.face.jpg"), stem("...png")
        ('cat.face', 'picture')
    """
    own = Path(name).stem
    return own if own.strip(". ") else "picture"


def file_name(layer: str) -> str:
    """A layer's name as part of a file's name: everything unusual becomes an underscore.

    Example:
        >>> file_name("blocks.2.0"), file_name("features/conv 1"), file_name("")
        ('blocks.2.0', 'features_conv_1', 'model')
    """
    safe = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in layer)[:80]
    return safe if safe.strip(".") else "model"


def distinct(names: Iterable[str]) -> list[str]:
    """The names, later ones with a number behind them where they would fall on an earlier one.

    Names that differ only in case count as the same, as they do on many disks.

    Example:
        >>> distinct(["cat", "dog", "Cat", "cat-2"])
        ['cat', 'dog', 'Cat-2', 'cat-2-2']
    """
    taken: set[str] = set()
    result = []
    for name in names:
        free, number = name, 1
        while free.casefold() in taken:
            number += 1
            free = f"{name}-{number}"
        taken.add(free.casefold())
        result.append(free)
    return result


def shown(name: str) -> str:
    """A name for the terminal: what can't be printed, or would steer the terminal, as an escape.

    Example:
        >>> shown("Zo\\xeb \\x1b[31m.png")
        'Zoë \\\\x1b[31m.png'
    """
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)
