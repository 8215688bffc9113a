"""Reading checkpoints without ever running code from them, and fitting them to a network.

A `.pth`, `.pt`, `.ckpt` or `.bin` file is a pickle, which may hold instructions to run anything. PyTorch's
restricted reader (`weights_only=True`) builds tensors and plain containers and refuses everything else; there
is no other way in here, also not on request. A `.safetensors` file holds tensors only. What a file is, its
content tells, not its name.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.download import megabytes
from models.errors import CheckpointError

MAX_BYTES = 4 << 30
"""Larger files are not opened. The largest CNN of timm, with 0.85 billion parameters, has 3.4 GB."""

SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors")

_WRAPPERS = (
    *("state_dict_ema", "model_ema"),  # weights averaged over training, which are the ones to use
    *("state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params"),
)
"""Under which names training programs keep the weights in a checkpoint, in the order of preference."""

_BESIDE = ("num_batches_tracked", "total_ops", "total_params", "n_averaged")
"""Ends of names that have no influence on what a network computes."""

_SHOWN = 12


class Mismatch(NamedTuple):
    """A tensor that does not fit.

    Attributes:
        key: Its name in the network.
        given: Its shape in the file; None where the file has no such tensor.
        needed: Its shape in the network; None where the network has none.
    """

    key: str
    given: tuple[int, ...] | None
    needed: tuple[int, ...] | None

    def __str__(self) -> str:
        if self.given is None:
            return f"{self.key}: missing in the file, the network needs {self.needed}"
        if self.needed is None:
            return f"{self.key}: {self.given} in the file, unknown to the network"
        return f"{self.key}: {self.given} in the file, {self.needed} in the network"


class MismatchError(CheckpointError):
    """Weights of another network; `mismatches` has every tensor that does not fit."""

    def __init__(self, mismatches: tuple[Mismatch, ...], fitting: int) -> None:
        self.mismatches = mismatches
        more = len(mismatches) - _SHOWN
        lines = [str(mismatch) for mismatch in mismatches[:_SHOWN]] + [f"and {more} more"] * (more > 0)
        super().__init__(
            f"The checkpoint does not fit the network: {fitting} tensors fit, {len(mismatches)} don't.\n"
            + "\n".join(f"  {line}" for line in lines)
        )


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a file.

    Attributes:
        state: By the names that they have in the file.
        notes: What was left aside, a sentence each.
    """

    state: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()


def read_checkpoint(source: Path | bytes, limit: int = MAX_BYTES) -> Checkpoint:
    """Read the weights in a file, or in the bytes of one.

    A file is mapped into memory where its format allows it, so that one of gigabytes costs no more memory
    than the tensors that are used. Lightning's checkpoints and others that keep the weights under a name
    beside the optimizer's state are understood.

    Args:
        source: The file, or its content.
        limit: How many bytes it may have at most.

    Raises:
        CheckpointError: If it can't be read, is too large, damaged or no checkpoint, or holds anything but
            weights and plain data.
    """
    try:
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if size > limit:
            raise CheckpointError(
                f"The file has {megabytes(size)}, more than the {megabytes(limit)} that are read. A "
                "checkpoint with the "
                "weights alone, torch.save(model.state_dict(), ...), is smaller."
            )
        if size == 0:
            raise CheckpointError("The file is empty.")
        loaded = _tensors_of_safetensors(source) if _is_safetensors(source) else _unpickled(source)
    except OSError as error:
        raise CheckpointError(f"The file can't be read: {error.strerror or error}.") from error
    return _weights_in(loaded)


def fit(checkpoint: Checkpoint, module: nn.Module) -> tuple[str, ...]:
    """Load a checkpoint into a network of the same architecture.

    A prefix that all names of the network have in the file (`module.` of parallel training, `model.` of
    Lightning, `_orig_mod.` of a compiled model, or any other) is taken off. Every tensor of the network must
    be in the file with its shape, and every tensor in the file under that prefix in the network; otherwise
    nothing is loaded.

    Returns:
        What was left aside, a sentence each.

    Raises:
        MismatchError: If a tensor is missing, superfluous or of another shape.
    """
    needed = {name: value for name, value in module.state_dict().items() if isinstance(value, Tensor)}
    state, notes = _under_prefix(checkpoint.state, needed)
    wrong = tuple(
        Mismatch(name, _shape(state.get(name)), _shape(needed.get(name)))
        for name in dict.fromkeys((*needed, *state))
        if _shape(state.get(name)) != _shape(needed.get(name)) and not name.endswith(_BESIDE)
    )
    if wrong:
        raise MismatchError(wrong, sum(_shape(state.get(name)) == _shape(needed[name]) for name in needed))
    module.load_state_dict({name: state.get(name, value) for name, value in needed.items()}, strict=False)
    return (*checkpoint.notes, *notes)


def outputs_of(checkpoint: Checkpoint, module: nn.Module) -> int | None:
    """How many classes a checkpoint has: the outputs of what is the last layer with weights in `module`.

    Returns:
        The number, or None where the file has no such layer.
    """
    needed = module.state_dict()
    state, _ = _under_prefix(checkpoint.state, needed)
    weights = [name for name, value in needed.items() if isinstance(value, Tensor) and value.ndim >= 2]
    last = state.get(weights[-1]) if weights else None
    return None if last is None or last.ndim != needed[weights[-1]].ndim else last.shape[0]


def _is_safetensors(source: Path | bytes) -> bool:
    """Eight bytes with the length of a JSON header, and then its opening brace."""
    head = source[:9] if isinstance(source, bytes) else _first_bytes(source, 9)
    return len(head) == 9 and head[8:] == b"{"


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


def _tensors_of_safetensors(source: Path | bytes) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load, load_file

    try:
        found: dict[str, Tensor] = load(source) if isinstance(source, bytes) else load_file(source)
    except (SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"The safetensors file is damaged or incomplete: {error}.") from error
    return found


def _unpickled(source: Path | bytes) -> Any:
    _check_archive(source)
    given: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    mapped = isinstance(source, Path) and zipfile.is_zipfile(source)
    try:
        return torch.load(given, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # a hostile or damaged file can make the reader raise anything
        raise CheckpointError(_why_unreadable(error)) from error


def _check_archive(source: Path | bytes) -> None:
    """torch.save compresses nothing; what is compressed could unpack to any size."""
    file: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            packed = any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise CheckpointError(f"The file is damaged or incomplete: {error}.") from error
    if packed:
        raise CheckpointError("The file is a compressed archive. Unpack it, and give the checkpoint in it.")


def _why_unreadable(error: Exception) -> str:
    if found := re.search(r"GLOBAL ([\w.]+)", str(error)):
        return (
            f"The file holds {found[1]}, which is code or an object of a program, and loading it could run "
            "anything. It "
            "was not loaded. Save the weights alone: torch.save(model.state_dict(), 'weights.pth')."
        )
    return "The file is damaged, incomplete or no checkpoint of PyTorch."


def _weights_in(loaded: Any) -> Checkpoint:
    notes: tuple[str, ...] = ()
    for _ in range(3):  # as deep as training programs nest them
        if not isinstance(loaded, Mapping):
            break
        tensors = {str(name): value for name, value in loaded.items() if isinstance(value, Tensor)}
        inner = next((name for name in _WRAPPERS if isinstance(loaded.get(name), Mapping)), None)
        if tensors and inner is None:
            return Checkpoint(tensors, notes)
        if inner is None:
            break
        if beside := [str(name) for name in loaded if name != inner]:
            notes = (*notes, f"Of the file only {inner!r} was used, not {', '.join(map(repr, beside[:5]))}.")
        loaded = loaded[inner]
    kind = type(loaded).__name__
    keys = f" with {', '.join(map(repr, list(loaded)[:5]))}" if isinstance(loaded, Mapping) and loaded else ""
    raise CheckpointError(
        f"The file holds no weights by name but a {kind}{keys}. Save torch.save(model.state_dict(), "
        "'weights.pth')."
    )


def _under_prefix(
    state: Mapping[str, Tensor], needed: Mapping[str, Any]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The tensors under the prefix that most of the network's names have in the file, without it."""
    counts = Counter(prefix for name in state if (prefix := _prefix(name, needed)) is not None)
    prefix = counts.most_common(1)[0][0] if counts else ""
    own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    others = [name for name in state if not name.startswith(prefix) and not name.endswith(_BESIDE)]
    if not others:
        return own, ()
    shown = ", ".join(others[:3]) + (" …" if len(others) > 3 else "")
    return own, (f"{len(others)} tensors outside {prefix!r} were not used: {shown}.",)


def _prefix(name: str, needed: Mapping[str, Any]) -> str | None:
    """What stands before the longest end of `name` that the network knows."""
    at = 0
    while name[at:] not in needed:
        at = name.find(".", at) + 1
        if not at:
            return None
    return name[:at]


def _shape(tensor: Any) -> tuple[int, ...] | None:
    return None if tensor is None else tuple(tensor.shape)
