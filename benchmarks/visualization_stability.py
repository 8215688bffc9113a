"""Does the gallery's making keep its promises? Each is tried out in a temporary folder.

The same seed gives the same bits; a process that is killed loses only the batch that it was at; a sheet or a
manifest that is not what was made is found, and named.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from explorer.visualization.manifest import MANIFEST, GalleryError, read_gallery

Row = dict[str, str | bool]

BATCH = 2
_CHANNELS = 10
_PATIENCE = 600.0


def measure() -> list[Row]:
    """A row for each promise: what was tried, what came out, and whether it was kept."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        kept, again = _killed(root)
        _make(root, "one")
        _make(root, "other", work="other_parts")
        return [
            _row(
                "killed with SIGKILL in the middle, then gone on with",
                f"of {_CHANNELS} pictures {kept} were there, {again} of them made once more",
                0 < kept < _CHANNELS and again < BATCH and read_gallery(root / "one").check() == [],
            ),
            _row(
                "made again from nothing with the same seed",
                "the same bytes" if _bytes(root / "one") == _bytes(root / "other") else "other bytes",
                _bytes(root / "one") == _bytes(root / "other"),
            ),
            _damaged(root / "one", "a bit of a sheet flipped", _flip_a_bit),
            _damaged(
                root / "one", "a sheet cut off", lambda path: path.write_bytes(path.read_bytes()[:-100])
            ),
            _damaged(root / "one", "a sheet deleted", Path.unlink),
            _damaged(
                root / "one",
                "the manifest cut off",
                lambda path: path.write_text(path.read_text()[:-9]),
                True,
            ),
        ]


def _row(tried: str, found: str, kept: bool) -> Row:
    return {"tried": tried, "found": found, "kept": kept}


def _command(root: Path, name: str, work: str) -> list[str]:
    return [
        *(sys.executable, "-m", "explorer", "gallery", "--layers", "blocks.0", "--channels", str(_CHANNELS)),
        *("--class-count", "0", "--steps", "40", "--batch", str(BATCH)),
        *("--out", str(root / name), "--work", str(root / work)),
    ]


def _make(root: Path, name: str, work: str = "parts") -> None:
    subprocess.run(_command(root, name, work), check=True, capture_output=True, timeout=_PATIENCE)


def _killed(root: Path) -> tuple[int, int]:
    """Kill the making after its first batches: how many pictures were there, and how many made once more."""
    parts = root / "parts"
    command = _command(root, "one", "parts")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _PATIENCE
        while len(_finished(parts)) <= BATCH and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = _finished(parts)
    _make(root, "one")
    after = _finished(parts)
    return len(before), sum(1 for name, made in before.items() if after[name] != made)


def _finished(parts: Path) -> dict[str, int]:
    """The pictures that are there, and when they were written."""
    return {path.name: path.stat().st_mtime_ns for path in parts.glob("*.png")}


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _damaged(folder: Path, tried: str, damage: Callable[[Path], object], manifest: bool = False) -> Row:
    """Damage one file, ask what is wrong, and put it back."""
    path = folder / MANIFEST if manifest else next(iter(sorted(folder.glob("*.webp"))))
    whole = path.read_bytes()
    try:
        damage(path)
        found = " ".join(_problems(folder))
    finally:
        path.write_bytes(whole)
    return _row(tried, found.replace(f"{folder}/", "") or "nothing was found", path.name in found)


def _problems(folder: Path) -> list[str]:
    try:
        return read_gallery(folder).check()
    except GalleryError as error:
        return [str(error)]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def table(rows: list[Row]) -> str:
    """Rows of `measure` as a Markdown table."""
    lines = ["| what was done | what was found | kept |", "|---|---|---|"]
    lines += [f"| {row['tried']} | {row['found']} | {'yes' if row['kept'] else '**no**'} |" for row in rows]
    return "\n".join(lines)
