"""Runs: watched, stopped, written down, and made again bit by bit, also by a script of their own."""

import dataclasses
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.visualization import (
    Channel,
    Diversity,
    Fourier,
    Jitter,
    Maco,
    Pad,
    Pixels,
    Recipe,
    Rotate,
    Scale,
    VisualizationError,
)
from explorer.visualization.runs import Run, make, read_run, run_json, snapshots
from explorer.visualization.script import load_line, script
from explorer.visualization.store import from_png, to_png
from tests.terminal import ROOT
from tests.visualization.nets import assert_untouched, recipe, small_net, state

CHANNEL = Channel("3", 2)
TRANSFORMED = (Pad(2), Jitter(2), Scale(0.9, 1.1), Rotate(5.0))


def run(**changes):
    settings = {"objectives": (CHANNEL, -CHANNEL), "recipe": recipe(transformations=TRANSFORMED)}
    return Run(**{**settings, "seeds": (0, 3), "model": "small", "weights": "abc", **changes})


def noise(height=24, width=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def same(one, other):
    pairs = [pair for rows in zip(one.made, other.made, strict=True) for pair in zip(*rows, strict=True)]
    return all(np.array_equal(a.picture, b.picture) and a.value == b.value for a, b in pairs)


def test_snapshots_begin_with_noise_and_end_with_the_last_step():
    net, wanted = small_net(), run()
    before = state(net)
    seen = list(snapshots(net, wanted, every=0.0))
    assert [each.step for each in seen] == list(range(25))
    for each in seen:
        assert [[len(made.curve) for made in row] for row in each.made] == [[each.step] * 2] * 2
        assert all(made.picture.shape == (24, 32, 3) for row in each.made for made in row)
    first, last = seen[0].made, seen[-1].made
    assert np.array_equal(first[0][0].picture, first[1][0].picture)
    assert last[0][0].value > first[0][0].value
    assert last[1][0].value > first[1][0].value  # of the negative
    assert seen[-1].seconds >= seen[0].seconds >= 0
    assert_untouched(net, before)


def test_looking_more_often_changes_nothing():
    net = small_net()
    *_, often = snapshots(net, run(), every=0.0)
    first, seldom = snapshots(net, run(), every=math.inf)
    assert (first.step, seldom.step) == (0, 24)
    assert same(often, seldom)


@pytest.mark.parametrize("stopped", [0, 1, 7, 24])
def test_a_stopped_run_keeps_the_pictures_of_its_last_step(stopped):
    net = small_net()
    then = list(snapshots(net, run(), every=0.0))[stopped]
    again = make(net, run(stopped=stopped))
    assert again.step == stopped
    assert same(then, again)


def test_making_leaves_the_number_of_threads():
    before = torch.get_num_threads()
    make(small_net(), run(threads=before + 1))
    assert torch.get_num_threads() == before
    with pytest.raises(VisualizationError, match="no layer 'nowhere'"):
        make(small_net(), run(objectives=(Channel("nowhere", 0),), threads=before + 1))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stopped": 5, "threads": 3, "device": "cuda"},
        {"start": noise()},
        {"objectives": (2 * CHANNEL + 0.1 * Diversity("0") - 3,)},
        {"recipe": recipe(parametrization=Maco())},
    ],
    ids=["whole", "stopped", "started", "combined", "maco"],
)
def test_a_run_comes_back_from_its_file(changes):
    written = run(**changes)
    snapshot = make(small_net(), dataclasses.replace(written, device="cpu"))
    text = run_json(written, snapshot)
    for data in (text.encode(), to_png(snapshot.made[0][1], written)):
        read = read_run(data)
        assert read.to_json() == written.to_json()
        assert (read.start is None) == (written.start is None)
        assert read.start is None or np.array_equal(read.start, written.start)
        assert same(make(small_net(), dataclasses.replace(read, device="cpu")), snapshot)
    assert len(json.loads(text)["made"]) == len(written.objectives) * 2


def test_a_picture_too_large_to_travel_in_a_png_is_left_out_of_it():
    large = run(
        objectives=(CHANNEL,), seeds=(0,), start=noise(600, 600), recipe=recipe(size=(600, 600), steps=1)
    )
    (((made,),),) = [make(small_net(), large).made]
    data = to_png(made, large)
    assert read_run(data) is None
    assert np.array_equal(from_png(data).picture, made.picture)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"", "neither a recipe nor a picture"),
        (b"\x89PNG and nothing else", "neither a recipe nor a picture"),
        (b'{"run": {}}', "no record of a run"),
        (b'{"run": {"objectives": 3}}', "no record of a run"),
        (b" " * (17 << 20), "at most 16 MB"),
    ],
)
def test_damaged_files_are_told(value, says):
    with pytest.raises(VisualizationError, match=says):
        read_run(value)
    assert read_run(b"[1, 2]") is None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("stopped", 25, "24 steps can't be stopped at 25"),
        ("stopped", -1, "can't be stopped at -1"),
        ("threads", 0, "at least one thread"),
        ("start_png", "AAAA", "to start from is damaged"),
        ("start_png", "!", "to start from is damaged"),
        ("seeds", None, "no record of a run"),
        ("objectives", [{"kind": "magic"}], "describes no objective"),
    ],
)
def test_impossible_records_are_told(name, value, says):
    record = {**run().to_json(), name: value}
    with pytest.raises(VisualizationError, match=says):
        Run.from_json(record)


NET = """
from types import SimpleNamespace
from tests.visualization.nets import small_net
model = SimpleNamespace(module=small_net(), digest="abc")
"""


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": recipe(steps=3, transformations=TRANSFORMED)},
        {
            "objectives": (0.5 * CHANNEL + Diversity("0"),),
            "recipe": recipe(parametrization=Pixels(), steps=4),
            "start": noise(),
            "stopped": 2,
            "weights": "another",
        },
    ],
    ids=["several", "started"],
)
def test_the_script_makes_the_same_pictures(tmp_path, changes):
    made = run(**changes)
    snapshot = make(small_net(), made)
    text = script(made, snapshot, title='A "title"\\', stem="a-picture", model=NET)
    file = tmp_path / "elsewhere" / "a-picture.py"
    file.parent.mkdir()
    file.write_text(text)
    code = (
        f"import os, runpy, sys; sys.path.insert(0, {str(ROOT)!r}); os.chdir({str(tmp_path)!r}); "
        f"runpy.run_path({str(file)!r})"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the same picture, bit by bit") == len(made.objectives) * 2
    assert ("Other weights" in done.stdout) == (made.weights != "abc")
    for number, row in enumerate(snapshot.made):
        for seed, each in zip(made.seeds, row, strict=True):
            with Image.open(tmp_path / f"a-picture-{number}-seed{seed}.png") as image:
                assert np.array_equal(np.array(image), each.picture)


def test_the_script_reads_like_python():
    wanted = Run((CHANNEL,), Recipe(parametrization=Fourier(0.02)), model="small", weights="abc")
    snapshot = make(small_net(), dataclasses.replace(wanted, stopped=1))
    text = script(wanted, snapshot, title="Channel 2", stem="c", model=load_line("small"))
    compile(text, "c.py", "exec")
    for line in ("model = models.load('small')", "    Channel(layer='3', channel=2),", "    steps=256,"):
        assert line in text.splitlines()
    assert max(map(len, text.splitlines())) <= 120
