"""Work in a process of its own, where it shares neither interpreter lock nor memory with a server.

A row of small operations, such as a training or a measurement, would wait for the interpreter's lock at every
step in a server's process, and the pages of other visitors would wait for it.

    def count(send: Callable[[int], None], last: int) -> None:
        for number in range(last):
            send(number)

    for number in run_apart(count, 3):
        ...

Stop iterating, or close the iterator, to end the process.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Concatenate, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")
_ROOT = Path(__file__).parents[1]
_END = b"end"
_UNREADABLE = 65  # the exit code of a process that could not read its task


class ApartError(RuntimeError):
    """The process ended before its work was done; the message has its last words."""


class UnsendableError(ApartError):
    """What was to be worked on can't travel to another process: it can't be pickled, or not be read there."""


def run_apart(
    work: Callable[Concatenate[Callable[[T], None], P], None], *arguments: P.args, **options: P.kwargs
) -> Iterator[T]:
    """What `work` sends, as it comes.

    Args:
        work: A function of a module. Its first argument is a function that takes what it has to tell.
        arguments: The others; like what is sent, anything that can be pickled.
        options: Keywords of `work`.

    Raises:
        UnsendableError: If the work or its arguments can't be handed over.
        ApartError: If the process does not come to its end.
    """
    given = packed((work, arguments, options))
    # All that can be imported here: a network's class may be in a folder that was added later.
    paths = dict.fromkeys([str(_ROOT), *filter(None, sys.path)])
    surroundings = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    with (
        tempfile.TemporaryFile() as task,
        tempfile.TemporaryFile() as words,
        subprocess.Popen(
            [sys.executable, "-m", "explorer.apart"],
            stdin=_filled(task, given),
            stdout=subprocess.PIPE,
            stderr=words,
            env=surroundings,
        ) as process,
    ):
        try:
            yield from _received(cast("IO[bytes]", process.stdout))
        except EOFError:
            kind = UnsendableError if process.wait() == _UNREADABLE else ApartError
            words.seek(0)
            last = words.read().decode(errors="replace").strip()
            raise kind(f"the process ended early: {last[-500:]}") from None
        finally:
            process.kill()


def packed(given: object) -> bytes:
    """An object as bytes, for what must be read in another process only when something is prepared there.

    Raises:
        UnsendableError: If it can't be pickled.
    """
    try:
        return pickle.dumps(given)
    except (pickle.PicklingError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise UnsendableError(f"this can't be handed to another process: {error}") from error


def unpacked(data: bytes) -> Any:
    """What `packed` made bytes of; only for bytes of one's own.

    Raises:
        UnsendableError: If it can't be read here.
    """
    try:
        return pickle.loads(data)
    except Exception as error:  # classes of others may do anything when they are read
        raise UnsendableError(f"this can't be read in another process: {error}") from error


def _filled(file: IO[bytes], data: bytes) -> IO[bytes]:
    """The file with the data, at its beginning: unlike a pipe it holds any amount."""
    file.write(data)
    file.seek(0)
    return file


def _received(pipe: IO[bytes]) -> Iterator[Any]:
    while (told := pickle.load(pipe)) != _END:
        yield pickle.loads(told)


def _main() -> None:
    """Do the work that stands in the standard input."""
    pipe, sys.stdout = sys.stdout.buffer, sys.stderr  # what a library prints is no answer

    def send(told: object) -> None:
        _write(pipe, pickle.dumps(told))

    try:
        work, arguments, options = unpacked(sys.stdin.buffer.read())
        work(send, *arguments, **options)
    except UnsendableError:
        traceback.print_exc()
        sys.exit(_UNREADABLE)
    _write(pipe, _END)


def _write(pipe: IO[bytes], data: bytes) -> None:
    pickle.dump(data, pipe)
    pipe.flush()


if __name__ == "__main__":
    from explorer import apart

    apart._main()  # of the module as others import it, whose errors are the same classes as theirs
