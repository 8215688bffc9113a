"""The commands `visualize` and `gallery`."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer import cli_gallery, cli_visualization_arguments
from explorer.visualization import parametrizations
from explorer.visualization.manifest import MANIFEST, read_gallery
from explorer.visualization.store import from_png, to_png
from tests.terminal import ROOT, once, run, save_picture  # noqa: F401

pytestmark = pytest.mark.usefixtures("once")
QUICK = ("--steps", 2, "--side", 16)


def read(name):
    return from_png(Path(name).read_bytes())


@pytest.mark.parametrize("command", ["visualize", "gallery"])
def test_help_is_quick(command):
    code = f"""if True:
        import sys
        from explorer.cli import main
        print(main([{command!r}, "--help"]), *sorted({{name.partition(".")[0] for name in sys.modules}}))
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    returned, *imported = done.stdout.splitlines()[-1].split()
    assert returned == "0"
    assert not {"torch", "numpy", "PIL", "tqdm"} & set(imported)


def test_what_the_parser_repeats():
    assert cli_visualization_arguments.PARAMETRIZATIONS == parametrizations.NAMES


def test_pictures_with_their_records(capsys):
    code, out, err = run(capsys, "visualize", "blocks.0:3", "class:goldfish", *QUICK, "--out", "made")
    assert (code, err) == (0, "")
    assert out.count("reached") == 2
    with Image.open("made/blocks.0_3.png") as image:
        assert image.size == (16, 16)
    record = json.loads(Path("made/class_goldfish.json").read_text())
    assert record["objective"] == {"kind": "logit", "index": 1}
    assert record["model"] == "efficientnet_lite0"
    code, out, _ = run(capsys, "visualize", "--again", "made/blocks.0_3.png", "--out", "made")
    assert code == 0
    first, again = (read("made/blocks.0_3.png"), read("made/blocks.0_3-again.png"))
    assert np.array_equal(first.picture, again.picture)
    assert first.digest == again.digest


def test_from_a_picture_with_several_seeds(capsys):
    code, out, _ = run(
        capsys, "visualize", "dream:act1", "--from", "sample:chelsea", "--seeds", 3, 4, *QUICK, "--negative",
        "--parametrization", "pixels", "--rate", 0.01,
    )  # fmt: skip
    assert code == 0
    assert "negative-dream_act1-seed3.png" in out
    made = read("negative-dream_act1-seed4.png")
    assert made.origin.start is not None
    assert made.origin.recipe.parametrization.kind == "pixels"
    assert made.origin.recipe.learning_rate == 0.01
    for kind in ("png", "json"):
        code, _, _ = run(capsys, "visualize", "--again", f"negative-dream_act1-seed4.{kind}", "--out", kind)
        assert code == 0
        for seed in (3, 4):  # what is made together changes the last bits: both are made again
            again = read(f"{kind}/negative-dream_act1-seed4-again-seed{seed}.png")
            assert np.array_equal(again.picture, read(f"negative-dream_act1-seed{seed}.png").picture)


def test_a_picture_that_knows_no_run_needs_the_picture_it_was_started_from(capsys):
    run(capsys, "visualize", "dream:act1", "--from", "sample:chelsea", *QUICK)
    Path("old.png").write_bytes(to_png(read("dream_act1.png")))
    for given, says in ((), "give the same one with --from"), (("--from", "sample:coffee"), "not started"):
        code, _, err = run(capsys, "visualize", "--again", "old.png", *given)
        assert code == 2
        assert says in err
    code, _, _ = run(capsys, "visualize", "--again", "old.png", "--from", "sample:chelsea")
    assert code == 0
    assert np.array_equal(read("old-again.png").picture, read("dream_act1.png").picture)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((), "Say what to raise"),
        (("blocks.0:99",), "channels 0 to 15, not 99"),
        (("blocks.77:1",), "no layer 'blocks.77'"),
        (("flatten",), "means nothing here"),
        (("class:goldfsh",), "did you mean 'goldfish'"),
        (("act1:1", "--side", 4), "8 to 1024 pixels, not 4 × 4"),
        (("act1:1", "--steps", 10**7), "1 to 4096 steps"),
        (("act1:1", "--steps", 0), "'0' is not a whole number of at least 1"),
        (("act1:1", "--rate", "fast"), "'fast' is not a number above 0"),
        (("act1:1", "--device", "warp"), "no device 'warp'"),
        (("act1:1", "--from", "missing.png"), "no such file"),
        (("act1:1 + diversity:act1",), "needs at least 2 seeds"),
        (("--again", "missing.png"), "missing.png"),
        (("--again", __file__), "neither a recipe nor a picture with one inside"),
    ],
)
def test_what_cannot_be_made(capsys, argv, says):
    code, _, err = run(capsys, "visualize", *argv)
    assert code in (1, 2)
    assert says in err


def test_a_gallery_and_its_check(capsys, monkeypatch):
    monkeypatch.setattr(cli_gallery, "SAMPLES", ("chelsea", "coffee"))  # two will do
    small = (
        "--layers",
        "act1",
        "blocks.0",
        "--channels",
        2,
        "--strongest",
        0,
        *("--class-count", 2, "--batch", 2),
        *QUICK,
    )
    save_picture("p/a.png", size=(40, 30))
    code, out, err = run(capsys, "gallery", *small, "--out", "g", "--work", "w", "--pictures", "p")
    assert (code, err) == (0, "")
    assert "0 of 6 pictures are there already" in out
    assert "6 of 6 pictures" in out
    made = read_gallery(Path("g"))
    assert [section.layer for section in made.sections] == ["act1", "blocks.0", ""]
    assert "blocks.0.0" in made.section("blocks.0").aliases
    assert {"chelsea", "a.png"} < set(made.pictures)
    code, out, _ = run(capsys, "gallery", "--check", "--out", "g")
    assert code == 0
    assert "6 visualizations, all as they were made" in out
    (made.folder / made.sections[1].sheets[0].file).write_bytes(b"x")
    code, out, _ = run(capsys, "gallery", "--check", "--out", "g")
    assert code == 1
    assert "01-blocks.0-1.webp is damaged" in out
    code, out, _ = run(capsys, "gallery", *small, "--out", "g", "--work", "w", "--pictures", "p")
    assert code == 0  # made whole again from what is there
    assert "6 of 6 pictures are there already" in out
    (made.folder / MANIFEST).write_text("{")
    code, _, err = run(capsys, "gallery", "--check", "--out", "g")
    assert code == 2
    assert "manifest.json is damaged" in err


def test_layers_that_have_no_channels(capsys):
    code, _, err = run(capsys, "gallery", "--layers", "nope", "--out", "g", "--work", "w")
    assert code == 2
    assert "nope" in err
