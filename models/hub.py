"""Files of weights in repositories of the Hugging Face Hub, where timm's are.

They are fetched and kept by `huggingface_hub` itself, so they lie where timm looks for them (`$HF_HOME`), and
a file appears there only when it is whole. What is added here: an answer at once when there is no network,
the progress as a plain callback, and the check of the sha256, which the Hub tells but the client does not
verify.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.download import (
    PATIENCE,
    Progress,
    RemoteFile,
    checked_digest,
    checkpoints_folder,
    lock_of,
    out_of_reach,
    sha256_of,
    within,
)
from models.errors import DownloadError

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

NAMES = ("model.safetensors", "pytorch_model.bin")
"""What a repository's weights are called; timm looks for them in this order."""

_SHA256 = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True)
class HubFile:
    """The weights in a repository.

    Attributes:
        repository: Such as `timm/resnet18.a1_in1k`, with `@revision` behind it for one that is not `main`.
        names: What the file may be called; the first one that exists is taken.
    """

    repository: str
    names: tuple[str, ...] = NAMES

    @property
    def address(self) -> str:
        """Where it comes from."""
        return self._address(self.names[0])

    @property
    def place(self) -> Path:
        """Where a file fetched by other means can be put; the Hub's own cache is not made for that."""
        return checkpoints_folder() / (self.repository.replace("/", "--") + Path(self.names[0]).suffix)

    @cached_property
    def traces(self) -> frozenset[str]:
        """The repository's folder in the Hub's cache, and the name of a file put there by hand."""
        folder = "models--" + self._parts()[0].replace("/", "--")
        return frozenset([folder, self.repository.replace("/", "--") + Path(self.names[0]).suffix])

    def path(self) -> Path | None:
        """Where it is on this computer, in the Hub's cache or put there by hand; None where it isn't."""
        from huggingface_hub import constants, try_to_load_from_cache

        repository, revision = self._parts()
        # Most repositories were never fetched, and one look settles that.
        if Path(constants.HF_HUB_CACHE, "models--" + repository.replace("/", "--")).is_dir():
            for name in self.names:
                found = try_to_load_from_cache(repository, name, constants.HF_HUB_CACHE, revision)
                if isinstance(found, str):
                    return Path(found)
        return self.place if self.place.is_file() else None

    def size(self) -> int | None:
        """Its size in bytes, asked of the server; None where the server doesn't say.

        Raises:
            OfflineError: If no server answers.
            DownloadError: If the server doesn't have it.
        """
        return self._metadata()[1].size

    def fetch(self, progress: Progress | None = None) -> Path:
        """Bring it here unless it is here.

        Args:
            progress: Told of every block that arrives.

        Raises:
            OfflineError: If no server answers; at once, or after `models.download.PATIENCE` seconds.
            DownloadError: If the server doesn't have it, the connection breaks again and again, the disk is
                full, or what arrived has another sha256.
        """
        with lock_of(self.place):
            return self.path() or self._fetched(progress)

    def digest(self) -> str:
        """The sha256 of the file that is here.

        Raises:
            ModelError: If it can't be read, or the Hub told another sha256.
        """
        path = self.path() or self.place
        blob = path.resolve().name  # in the Hub's cache the sha256 is the name of what the link points to
        return checked_digest(path, blob if _SHA256.fullmatch(blob) else "")

    def _fetched(self, progress: Progress | None) -> Path:
        from huggingface_hub import constants, hf_hub_download

        name, metadata = self._metadata()
        repository, revision = self._parts()
        try:
            path = Path(
                hf_hub_download(
                    repository,
                    name,
                    revision=revision,
                    cache_dir=constants.HF_HUB_CACHE,
                    endpoint=constants.ENDPOINT,
                    tqdm_class=_reporting(progress, metadata.size),
                )
            )
        except _network_errors() as error:
            raise DownloadError(
                f"The download of {self.repository} broke off: {error}. Nothing incomplete was kept as "
                "weights; try "
                "again."
            ) from error
        expected = metadata.etag or ""
        if _SHA256.fullmatch(expected) and sha256_of(path) != expected:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise DownloadError(
                f"What was sent for {self.repository} is damaged: its sha256 is not {expected[:8]}…. Nothing "
                "was kept; "
                "try again."
            )
        return path

    def _metadata(self) -> tuple[str, HfFileMetadata]:
        """The first of the names that exists, and what the server tells about it."""
        from huggingface_hub import constants, get_hf_file_metadata
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

        for name in self.names:
            try:
                return name, within(
                    lambda name=name: get_hf_file_metadata(  # type: ignore[misc]
                        self._address(name), timeout=PATIENCE, endpoint=constants.ENDPOINT
                    )
                )
            except EntryNotFoundError:
                continue
            except HfHubHTTPError as error:
                raise DownloadError(f"{self.repository} can't be downloaded: {error}") from error
            except _network_errors() as error:  # no connection, no answer in time, the Hub's own offline mode
                raise out_of_reach(self) from error
        raise DownloadError(f"{self.repository} has no {' and no '.join(self.names)}.")

    def _address(self, name: str) -> str:
        from huggingface_hub import constants, hf_hub_url

        repository, revision = self._parts()
        return hf_hub_url(repository, name, revision=revision, endpoint=constants.ENDPOINT)

    def _parts(self) -> tuple[str, str | None]:
        repository, _, revision = self.repository.partition("@")
        return repository, revision or None


def present(files: Mapping[str, RemoteFile]) -> tuple[str, ...]:
    """Which of many files are on this computer.

    The caches' folders are read once, since a look for each file takes a thousand files a good part of a
    second.

    Args:
        files: By any name.
    """
    from huggingface_hub import constants

    found = _entries(checkpoints_folder()) | _entries(Path(constants.HF_HUB_CACHE))
    return tuple(name for name, file in files.items() if file.traces & found and file.path() is not None)


def _entries(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


def _network_errors() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    return OSError, HTTPError


def _reporting(progress: Progress | None, total: int | None) -> Any:
    """A class of progress bars for `hf_hub_download` that draws nothing and tells `progress`."""
    from huggingface_hub.utils.tqdm import tqdm

    class Reporting(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.arrived = kwargs.get("initial") or 0
            super().__init__(*args, **{**kwargs, "file": io.StringIO(), "disable": False})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> bool | None:
            self.arrived += int(n or 0)
            if progress is not None:
                progress(self.arrived, total)
            return None

    return Reporting
