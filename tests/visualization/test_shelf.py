"""A folder of galleries: what is found, and what damage does to it."""

from pathlib import Path

import numpy as np
import pytest

from explorer.visualization.manifest import MANIFEST
from explorer.visualization.shelf import Shelved, read_galleries, stamp
from tests import small_galleries

WEIGHTS = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    small_galleries.write(
        tmp_path / "net",
        WEIGHTS,
        {"a": (70, range(70)), "b": (9, (7, 2))},
        classes=(3, 5),
        aliases={"a": ("block", "block.2")},
        total_classes=6,
    )
    return tmp_path


def only(folder: Path) -> Shelved:
    (shelved,) = read_galleries(folder)
    return shelved


def test_channels_and_classes_are_found_where_they_are(folder: Path) -> None:
    shelved = only(folder)
    assert shelved.problems == ()
    for layer, index in (("a", 0), ("a", 69), ("block", 64), ("block.2", 1), ("b", 2), (None, 5)):
        section, entry = shelved.find(layer, index)
        picture = shelved.gallery.picture(section, entry)
        assert abs(picture.astype(int) - small_galleries.plain(index)).max() <= 3
    assert shelved.find("a", 70) is None
    assert shelved.find("b", 0) is None
    assert shelved.find("c", 0) is None
    assert shelved.find(None, 4) is None


def test_the_order_is_that_of_the_gallery(folder: Path) -> None:
    assert only(folder).indices("b") == (7, 2)
    assert only(folder).indices("block") == tuple(range(70))
    assert only(folder).indices(None) == (3, 5)
    assert only(folder).indices("nothing") == ()


def test_a_damaged_sheet_takes_only_its_own_pictures_away(folder: Path) -> None:
    path = folder / "net" / "a-2.webp"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    shelved = only(folder)
    (problem,) = shelved.problems
    assert "a-2.webp" in problem
    assert shelved.find("a", 63) is not None
    assert shelved.find("a", 64) is None
    assert shelved.indices("block") == tuple(range(64))
    assert len(shelved.sheets) == 3


def test_a_missing_sheet_is_named(folder: Path) -> None:
    (folder / "net" / "classes-1.webp").unlink()
    shelved = only(folder)
    assert "classes-1.webp" in shelved.problems[0]
    assert shelved.indices(None) == ()
    assert shelved.indices("a") != ()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 99}'])
def test_a_damaged_manifest_leaves_a_gallery_with_nothing_in_it(folder: Path, text: str) -> None:
    (folder / "net" / MANIFEST).write_text(text)
    shelved = only(folder)
    assert shelved.gallery is None
    assert shelved.name == "net"
    assert MANIFEST in shelved.problems[0]
    assert shelved.find("a", 0) is None
    assert shelved.indices("a") == ()
    assert not shelved.sheets


def test_what_is_no_gallery_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert read_galleries(tmp_path) == ()
    assert read_galleries(tmp_path / "nowhere") == ()
    assert stamp(tmp_path / "nowhere") == ()


def test_the_stamp_follows_every_change_of_a_manifest(folder: Path) -> None:
    first = stamp(folder)
    assert first == stamp(folder)
    small_galleries.write(folder / "other", "cd" * 32, {"a": (4, (1,))})
    second = stamp(folder)
    assert [name for name, *_ in second] == ["net", "other"]
    (folder / "net" / MANIFEST).write_text("{}")
    assert stamp(folder)[1] == second[1]
    assert stamp(folder)[0] != second[0]


def test_pictures_of_a_sheet_do_not_mix(folder: Path) -> None:
    shelved = only(folder)
    section, _ = shelved.find("a", 0)
    pictures = [shelved.gallery.picture(section, entry)[0, 0] for entry in section.entries]
    assert len(np.unique(np.stack(pictures)[:, 0])) > 60
