"""Galleries: made, killed and gone on with, read, and damage named."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.activations import capture
from explorer.channels import strongest
from explorer.visualization import VisualizationError, assembling, making
from explorer.visualization.assembling import assemble
from explorer.visualization.making import Settings, make_pictures
from explorer.visualization.manifest import MANIFEST, GalleryError, read_gallery
from explorer.visualization.plan import plan_gallery, with_recipes
from explorer.visualization.selection import TILES_RULE
from explorer.visualization.sheets import encode_sheets
from explorer.visualization.store import Store
from tests.visualization.nets import broken_subject, small_net, subject

ROOT = Path(__file__).resolve().parents[2]


def samples():
    torch.manual_seed(1)
    return {name: torch.randn(1, 3, 24, 28) for name in ("one", "two")}


def planned(**changes):
    settings = {"layers": ["0", "2", "4"], "channels": 4, "strongest": 0, "classes": 3, **changes}
    return with_recipes(plan_gallery(subject(), samples(), **settings), 3, 16)


SETTINGS = Settings(batch=3)


def make(folder, plan=None, settings=SETTINGS, report=lambda standing: None):
    plan = planned() if plan is None else plan
    make_pictures(subject, plan, folder / "parts", settings, report)
    pictures = {"one": "1" * 64}
    return assemble(subject(), plan, folder / "parts", folder / "gallery", settings, pictures)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    return make(tmp_path_factory.mktemp("gallery"))


@pytest.fixture
def copied(gallery, tmp_path):
    for path in gallery.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_what_is_planned():
    plan = planned()
    assert [(p.kind, p.layer, len(p.indices), p.total) for p in plan] == [
        ("channels", "0", 4, 6),
        ("channels", "2", 4, 6),
        ("channels", "4", 4, 5),
        ("classes", "", 3, 7),
    ]
    costs = [p.cost for p in plan[:3]]
    assert costs == sorted(costs)
    assert plan[0].natural[0].sample in ("one", "two")
    with pytest.raises(VisualizationError, match="at least one channel"):
        planned(channels=0)
    with pytest.raises(VisualizationError, match="0 to 16 can be had, not 17"):
        planned(strongest=17)


def test_the_strongest_channels_of_every_sample_are_there():
    few = planned(channels=1, strongest=2)[1]
    alone = planned(channels=1)[1]
    maps = [capture(subject().module, x, ["2"])["2"] for x in samples().values()]
    wanted = {channel for each in maps for channel in strongest(each, 2)}
    assert few.indices[:1] == alone.indices
    assert set(few.indices) == wanted | set(alone.indices)
    assert len(few.indices) == len(set(few.indices)) == len(few.natural) > 1
    assert TILES_RULE in few.rule
    assert TILES_RULE not in alone.rule


def test_made_and_read_again(gallery):
    again = read_gallery(gallery.folder)
    assert again == gallery
    assert again.check() == []
    assert (again.model, again.weights) == ("small", "abc")
    section = again.section("2")
    entry = section.entries[2]
    assert section.find(entry.index) == entry
    assert section.find(99) is None
    assert again.section("nothing") is None
    assert again.classes.total == 7
    stored = Store(gallery.folder.parent / "parts").get(
        making.origin_in(planned()[1], entry.index, subject(), SETTINGS)
    )
    assert np.array_equal(again.picture(section, entry), stored.picture)  # small tiles lose nothing
    assert entry.value == pytest.approx(stored.value, rel=1e-5)
    x = torch.from_numpy(stored.picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        assert entry.highest == pytest.approx(small_net()[:3](x)[0, entry.index].max().item(), rel=1e-4)


def test_what_was_made_is_not_made_again(tmp_path, gallery):
    standings = []
    make(tmp_path, report=standings.append)
    assert standings[0].done == 0
    assert standings[0].seconds_left is None
    assert standings[-1].done == standings[-1].total == 15
    assert standings[-1].seconds_left == 0
    assert [s.done for s in standings] == sorted(s.done for s in standings)
    again = []
    made = make(tmp_path, report=again.append)
    assert [(s.done, s.total) for s in again] == [(15, 15)]
    assert manifest(made.folder) == manifest(gallery.folder)


def manifest(folder):
    return (folder / MANIFEST).read_bytes()


class StopError(Exception):
    pass


def test_stopped_and_gone_on_with(tmp_path, gallery):
    def stop(standing):
        if standing.done >= 6:
            raise StopError

    with pytest.raises(StopError):
        make(tmp_path, report=stop)
    assert len(Store(tmp_path / "parts")) == 6
    assert not (tmp_path / "gallery").exists()
    standings = []
    made = make(tmp_path, report=standings.append)
    assert standings[0].done == 6
    assert manifest(made.folder) == manifest(gallery.folder)


CHILD = """if True:
    import sys, torch
    from pathlib import Path
    from tests.visualization.test_gallery import SETTINGS, planned, subject
    from explorer.visualization.making import make_pictures
    torch.set_num_threads(1)
    make_pictures(subject, planned(), Path(sys.argv[1]), SETTINGS, lambda s: print(s.done, flush=True))
    print("end", flush=True)
"""


def test_killed_and_gone_on_with(tmp_path, gallery):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "parts")],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    for line in child.stdout:
        if line.strip() in ("3", "6", "9"):
            child.send_signal(signal.SIGKILL)
            break
    child.wait(30)
    child.stdout.close()
    kept = len(Store(tmp_path / "parts"))
    standings = []
    made = make(tmp_path, report=standings.append)
    assert 3 <= kept <= 15
    assert kept - SETTINGS.batch < standings[0].done <= kept  # at most one batch was lost
    assert manifest(made.folder) == manifest(gallery.folder)


def test_two_processes_make_the_same(tmp_path, gallery):
    made = make(tmp_path, settings=dataclasses.replace(SETTINGS, processes=2))
    assert manifest(made.folder) == manifest(gallery.folder)


def test_what_goes_wrong_in_a_process_is_said(tmp_path):
    settings = dataclasses.replace(SETTINGS, processes=2, batch=4)
    with pytest.raises(VisualizationError, match="no layer"):
        make_pictures(broken_subject, planned()[1:2], tmp_path, settings)


@pytest.mark.parametrize(
    ("name", "damage", "says"),
    [
        ("01-2-1.webp", lambda data: data[:-7], "the sheet 01-2-1.webp is damaged"),
        ("00-0-1.webp", lambda data: b"", "the sheet 00-0-1.webp is damaged"),
        ("03-classes-1.webp", None, "the sheet 03-classes-1.webp can't be read"),
    ],
)
def test_a_damaged_sheet_is_named(copied, name, damage, says):
    path = copied / name
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    found = read_gallery(copied)
    problems = found.check()
    assert len(problems) == 1
    assert says in problems[0]
    whole = next(section for section in found.sections if section.sheets[0].file != name)
    assert found.picture(whole, whole.entries[0]).shape == (16, 16, 3)  # the others still work
    hurt = next(section for section in found.sections if section.sheets[0].file == name)
    with pytest.raises(GalleryError, match=name):
        found.picture(hurt, hurt.entries[0])


def edited(change):
    def damage(text):
        value = json.loads(text)
        change(value)
        return json.dumps(value)

    return damage


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text[:100], "manifest.json is damaged"),
        (lambda text: "[]", "manifest.json is damaged"),
        (edited(lambda v: v.update(format=99)), "format 99, and 1 can be read"),
        (edited(lambda v: v["sections"][0].pop("recipe")), "manifest.json is damaged"),
        (edited(lambda v: v["sections"][0]["entries"][0].update(place=40)), "no such tile"),
        (edited(lambda v: v["sections"][0]["entries"][0].update(index=77)), "no such tile"),
        (edited(lambda v: v["sections"][0]["sheets"][0].update(file="../x.webp")), "no sheet"),
        (edited(lambda v: v["sections"][0].update(kind="birds")), "no kind 'birds'"),
    ],
)
def test_a_damaged_manifest_is_named(copied, damage, says):
    path = copied / MANIFEST
    path.write_text(damage(path.read_text()))
    with pytest.raises(GalleryError, match=says):
        read_gallery(copied)


def test_no_gallery(tmp_path):
    with pytest.raises(GalleryError, match="there is no gallery in"):
        read_gallery(tmp_path)


def test_pictures_that_have_not_been_made(tmp_path):
    with pytest.raises(VisualizationError, match="has not been made"):
        assemble(subject(), planned(), tmp_path, tmp_path / "g", SETTINGS, {})


def test_too_large_to_be_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(assembling, "MAX_BYTES", 500)
    with pytest.raises(VisualizationError, match="choose a lower quality"):
        make(tmp_path)
    assert not (tmp_path / "gallery").exists()


def test_sheets_that_are_no_longer_needed_go(tmp_path):
    make(tmp_path)
    smaller = make(tmp_path, planned(layers=["2"], classes=0))
    assert sorted(path.name for path in smaller.folder.iterdir()) == ["00-2-1.webp", MANIFEST]


def test_tiles_on_sheets():
    rng = np.random.default_rng(0)
    tiles = [rng.integers(0, 256, (9, 11, 3), dtype=np.uint8) for _ in range(70)]
    (first, _), (second, _) = encode_sheets(tiles, "x")
    assert (first.count, second.count) == (64, 6)
    assert first.size == (8 * 9, 8 * 11)
    assert second.size == (9, 66)
    assert first.box(9) == (9, 11, 18, 22)
    with pytest.raises(ValueError, match="all of one size"):
        encode_sheets([tiles[0], tiles[1][:5]], "x")
    with pytest.raises(ValueError, match="all of one size"):
        encode_sheets([], "x")
