"""Bringing a file of weights to this computer: with progress, resumed after a break, checked before it
counts.

A file is written beside its place under the name `….part` and moved there only when it is whole and, where
the address tells its sha256, has that content. A killed download therefore leaves no file that a library
would take for weights; the next one goes on where it broke off. The place is PyTorch's own cache
(`$TORCH_HOME/hub/checkpoints`), so that torchvision and timm find what was fetched here, and the reverse.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerError
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlparse

from models.errors import DownloadError, ModelError, OfflineError

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and those of the whole file, None where the server doesn't say. What it
raises ends the download, which can be resumed."""

PATIENCE = 5.0
"""Seconds until a server that does not answer counts as out of reach."""

T = TypeVar("T")
_ATTEMPTS = 4
_BLOCK = 1 << 18
_SHA256_IN_NAME = re.compile(r"-([a-f0-9]{8,64})\.")  # torch.hub's convention


class RemoteFile(Protocol):
    """A file of weights that a server has, and perhaps this computer."""

    @property
    def address(self) -> str:
        """Where it comes from."""

    @property
    def place(self) -> Path:
        """Where a file that was fetched by other means can be put."""

    @property
    def traces(self) -> frozenset[str]:
        """What stands in one of the caches' folders if it is here: names of files and folders."""

    def path(self) -> Path | None:
        """Where it is on this computer, or None; nothing is fetched."""

    def size(self) -> int | None:
        """Its size in bytes, asked of the server; None where the server doesn't say."""

    def fetch(self, progress: Progress | None = None) -> Path:
        """Bring it here unless it is here; returns where it is."""

    def digest(self) -> str:
        """The sha256 of the file that is here, checked where it is known beforehand."""


@dataclass(frozen=True)
class WebFile:
    """A file at an address whose name tells the sha256, as torch.hub's do (`resnet18-f37072fd.pth`).

    Attributes:
        address: Its URL.
    """

    address: str

    @property
    def place(self) -> Path:
        """Where torch.hub keeps it."""
        return checkpoints_folder() / Path(urlparse(self.address).path).name

    @cached_property
    def traces(self) -> frozenset[str]:
        """The name of the file."""
        return frozenset([Path(urlparse(self.address).path).name])

    @property
    def sha256(self) -> str:
        """The beginning of its sha256 in hexadecimal; empty where the name doesn't tell."""
        found = _SHA256_IN_NAME.search(self.place.name)
        return found[1] if found else ""

    def path(self) -> Path | None:
        """Where it is on this computer, or None."""
        return self.place if self.place.is_file() else None

    def size(self) -> int | None:
        """Its size in bytes, asked of the server; None where the server doesn't say.

        Raises:
            OfflineError: If no server answers.
            DownloadError: If the server doesn't have it.
        """
        with self._opened("HEAD") as answer:
            return _length(answer)

    def fetch(self, progress: Progress | None = None) -> Path:
        """Bring it here unless it is here.

        Args:
            progress: Told of every block that arrives.

        Raises:
            OfflineError: If no server answers; at once, or after `PATIENCE` seconds.
            DownloadError: If the server doesn't have it, the connection breaks again and again, the disk is
                full, or what arrived has another sha256.
        """
        with lock_of(self.place):
            if self.path() is None:
                self._download(progress or _unseen)
        return self.place

    def digest(self) -> str:
        """The sha256 of the file that is here.

        Raises:
            ModelError: If it can't be read or its name tells another sha256.
        """
        return checked_digest(self.place, self.sha256)

    def _download(self, progress: Progress) -> None:
        part = self.place.with_name(f"{self.place.name}.part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            self._complete(part, progress)
            if not sha256_of(part).startswith(self.sha256):
                part.unlink()
                raise DownloadError(
                    f"What {self.address} sent is damaged: its sha256 does not begin with {self.sha256}. "
                    "Nothing was kept; try again."
                )
            part.replace(self.place)
        except OSError as error:
            raise DownloadError(f"{self.place} can't be written: {error.strerror or error}.") from error

    def _complete(self, part: Path, progress: Progress) -> None:
        """Append what is missing; a connection that breaks is taken up again while it brings anything."""
        for _ in range(_ATTEMPTS):
            before = _bytes_in(part)
            wanted = self._append(part, before, progress)
            if wanted is None:
                return
            if _bytes_in(part) <= before:
                break
        raise DownloadError(
            f"The download of {self.place.name} broke off after {megabytes(_bytes_in(part))} of "
            f"{megabytes(wanted)}; what is here is kept, and the next try goes on from there."
        )

    def _append(self, part: Path, start: int, progress: Progress) -> int | None:
        """One connection. Returns None when the file is whole, else how many bytes it should have."""
        with self._opened("GET", start) as answer:
            if answer.status == 416:  # nothing is left to send, or the server has another file now
                if self.sha256 and sha256_of(part).startswith(self.sha256):
                    return None
                part.unlink()
                return self._append(part, 0, progress)
            if answer.status != 206:
                start = 0
            length = _length(answer)
            total = None if length is None else start + length
            _make_sure_of_room(part, length or 0)
            with part.open("ab" if start else "wb") as file:
                done = start
                for block in _blocks(answer):
                    file.write(block)
                    done += len(block)
                    progress(done, total)
        return None if total is None or done >= total else total

    def _opened(self, method: str, start: int = 0) -> HTTPResponse:
        headers = {"User-Agent": "feature-hierarchy-explorer", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        request = urllib.request.Request(self.address, headers=headers, method=method)
        try:
            answer: HTTPResponse = within(lambda: urllib.request.urlopen(request, timeout=PATIENCE))
        except urllib.error.HTTPError as error:
            if error.code == 416 and start:
                return error  # type: ignore[return-value]
            error.close()
            raise DownloadError(
                f"{self.address} can't be downloaded: the server answered {error.code} {error.reason}."
            ) from error
        except (OSError, HTTPException, NoAnswerError) as error:
            raise out_of_reach(self) from error
        return answer


def checkpoints_folder() -> Path:
    """PyTorch's folder for downloaded weights, `$TORCH_HOME/hub/checkpoints`."""
    from torch import hub

    return Path(hub.get_dir()) / "checkpoints"


def out_of_reach(file: RemoteFile) -> OfflineError:
    """The error for a server that doesn't answer."""
    host = urlparse(file.address).netloc
    return OfflineError(
        f"{host} can't be reached, so these weights can't be downloaded. The file {file.address}, fetched "
        f"elsewhere, can be put at {file.place}."
    )


def within(call: Callable[[], T], seconds: float | None = None) -> T:
    """The result of `call`, or `TimeoutError`: the lookup of a host's name obeys no timeout of its own."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return future.result(PATIENCE if seconds is None else seconds)
    except NoAnswerError:
        future.add_done_callback(_let_go)
        raise


def _let_go(future: Future[T]) -> None:
    """Close a connection that came after nobody waited for it any more."""
    if future.exception() is None and hasattr(result := future.result(), "close"):
        result.close()


def sha256_of(path: Path) -> str:
    """The sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked_digest(path: Path, expected: str) -> str:
    """The sha256 of a file, which must begin with `expected`.

    Raises:
        ModelError: If the file can't be read, or is another one.
    """
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise ModelError(f"The weights in {path} can't be read: {error.strerror or error}.") from error
    if not digest.startswith(expected):
        raise ModelError(
            f"The weights in {path} are damaged or another version: their sha256 begins {digest[:8]} in "
            "place "
            f"of {expected[:8]}. Delete the file, and it will be downloaded again."
        )
    return digest


def megabytes(size: int | None) -> str:
    """A size for people.

    Example:
        >>> megabytes(18_826_032), megabytes(2_000_000_000), megabytes(None)
        ('18.8 MB', '2000 MB', 'an unknown size')
    """
    if size is None:
        return "an unknown size"
    return f"{size / 1e6:.1f} MB" if size < 1e8 else f"{size / 1e6:.0f} MB"


_locks: dict[Path, threading.Lock] = {}
_locks_lock = threading.Lock()


def lock_of(place: Path) -> threading.Lock:
    """One lock per file, so that two visitors who want the same weights download them once."""
    with _locks_lock:
        return _locks.setdefault(place, threading.Lock())


def _blocks(answer: HTTPResponse) -> Iterator[bytes]:
    """What arrives, block by block, until the end or until the connection breaks."""
    try:
        while block := answer.read(_BLOCK):
            yield block
    except (OSError, HTTPException):
        return


def _make_sure_of_room(part: Path, more: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if more > free:
        raise DownloadError(
            f"The disk of {part.parent} has {megabytes(free)} left, and the file needs {megabytes(more)}; "
            "make room, or let TORCH_HOME name a folder on another disk."
        )


def _length(answer: HTTPResponse) -> int | None:
    length = answer.headers.get("Content-Length")
    return int(length) if length and length.isdigit() else None


def _bytes_in(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _unseen(_done: int, _total: int | None) -> None:
    return None
