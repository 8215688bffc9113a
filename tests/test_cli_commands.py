"""The commands of the terminal: what they print and write is what the library says."""

import json
import os
import weakref
from pathlib import Path

import numpy as np
import pytest
import safetensors
import torch

import explorer
import models
from explorer import channels, images
from explorer.rendering import mosaic_png
from tests.terminal import captured, loaded, once, run, save_picture, table  # noqa: F401

pytestmark = pytest.mark.usefixtures("once")


def test_layers_as_a_table(capsys):
    code, out, err = run(capsys, "layers")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split()[:2] == ["name", "kind"]
    assert [line.split()[0] for line in lines[1 : len(table()) + 1]] == list(table().names)
    assert "4,652,008 parameters" in lines[-1]


def test_layers_as_csv_and_json(capsys, tmp_path):
    assert run(capsys, "layers", "--csv") == (0, table().to_csv(), "")
    assert run(capsys, "layers", "--csv", "new/folder/table.csv") == (0, "", "")
    assert (tmp_path / "new/folder/table.csv").read_text() == table().to_csv()
    code, out, _ = run(capsys, "layers", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["model"] == {"name": "efficientnet_lite0", "weights_sha256": loaded().digest}
    assert [layer["name"] for layer in report["layers"]] == list(table().names)


def test_predict_prints_the_best_classes(capsys):
    code, out, err = run(capsys, "predict", "sample:chelsea", "--top", "3")
    assert (code, err) == (0, "")
    name, *lines = out.splitlines()
    assert name == "sample:chelsea"
    assert len(lines) == 3
    assert {"tabby", "tiger cat", "Egyptian cat"} >= {lines[0].split("%  ")[1]}
    shares = [float(line.split()[0]) for line in lines]
    assert shares == sorted(shares, reverse=True)


def test_predict_as_json_has_what_the_library_says(capsys, tmp_path):
    path = save_picture("a.png", size=(50, 41))
    code, out, _ = run(capsys, "predict", path, "--json", "-", "--top", "2")
    assert code == 0
    (entry,) = json.loads(out)["pictures"]
    best = models.top_predictions(captured(path, "classifier").output, loaded().labels, 2)
    assert (entry["picture"], entry["height"], entry["width"]) == ("a.png", 41, 50)
    assert entry["sha256"] == explorer.decode(path.read_bytes()).sha256
    assert [(each["index"], each["label"]) for each in entry["predictions"]] == [
        (b.index, b.label) for b in best
    ]
    assert [each["probability"] for each in entry["predictions"]] == pytest.approx(
        [b.probability for b in best]
    )
    code, out, _ = run(capsys, "predict", path, "--json", "made/p.json", "--top", "2")
    assert json.loads((tmp_path / "made/p.json").read_text())["pictures"] == [entry]
    assert out.startswith("a.png\n")


def test_a_bad_picture_is_reported_and_the_others_go_on(capsys):
    save_picture("first.png")
    save_picture("last.png", seed=1)
    Path("text.png").write_text("no picture")
    argv = ["first.png", "text.png", "missing.png", "sample:chelse", "last.png", "--json", "-"]
    code, out, err = run(capsys, "predict", *argv)
    assert code == 1
    entries = json.loads(out)["pictures"]
    assert [entry["picture"] for entry in entries] == argv[:5]
    assert ["error" in entry for entry in entries] == [False, True, True, True, False]
    lines = err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("text.png: The file is text")
    assert lines[1] == "missing.png: There is no such file or folder."
    assert "did you mean 'chelsea'?" in lines[2]


def test_without_any_readable_picture_the_model_is_not_loaded(capsys, monkeypatch):
    monkeypatch.setattr(models, "load", lambda name: 1 / 0)
    Path("empty").mkdir()
    code, out, err = run(capsys, "predict", "missing.png", "empty")
    assert (code, out) == (1, "")
    assert "empty: The folder has no picture files (.png, " in err
    assert "--recursive looks into its folders too" in err


def test_odd_names(capsys):
    """Spaces, other scripts, bytes that are no UTF-8, a leading dash, and what would steer the terminal."""
    names = ["two words.png", "Zoë 猫.png", "-dash.png", os.fsdecode(b"bytes\xff.png"), "\x1b[31mred.png"]
    for name in names:
        save_picture(Path(name))
    code, out, err = run(capsys, "predict", "--json", "-", "--", *names)
    assert (code, err) == (0, "")
    assert [entry["picture"] for entry in json.loads(out)["pictures"]] == names
    code, out, err = run(capsys, "predict", *(f"./{name}" for name in names), "--top", "1")
    assert (code, err) == (0, "")
    headings = out.splitlines()[::2]
    assert headings == [
        *("./two words.png", "./Zoë 猫.png", "./-dash.png", "./bytes\\udcff.png", "./\\x1b[31mred.png")
    ]
    code, out, err = run(capsys, "activations", ".", "--layers", "conv_stem", "--out", "maps")
    assert (code, err) == (0, "")
    assert {path.name for path in Path("maps").iterdir()} == {Path(name).stem + ".npz" for name in names}


def test_activations_as_npz(capsys, tmp_path):
    save_picture("a.png")
    code, out, _ = run(
        capsys, "activations", "a.png", "--layers", "blocks.2", "conv_stem", "--out", "new/maps"
    )
    assert code == 0
    assert out == "a.png: 2 layers in new/maps/a.npz\n"
    expected = captured("a.png", ["conv_stem", "blocks.2"])
    with np.load(tmp_path / "new/maps/a.npz", allow_pickle=False) as file:
        assert file.files == list(expected) == ["conv_stem", "blocks.2"]
        assert all(np.array_equal(file[name], expected[name]) for name in expected)
    assert [path.name for path in (tmp_path / "new/maps").iterdir()] == ["a.npz"]


def test_activations_of_all_layers_as_safetensors(capsys):
    save_picture("a.png")
    argv = ["activations", "a.png", "--all", "--format", "safetensors"]
    assert run(capsys, *argv)[0] == 0
    expected = captured("a.png", None)
    with safetensors.safe_open("a.safetensors", "pt") as file:
        assert set(file.keys()) == set(expected)
        assert all(torch.equal(file.get_tensor(name), expected[name]) for name in expected)
        metadata = file.metadata()
    assert metadata["model"] == "efficientnet_lite0"
    assert metadata["weights_sha256"] == loaded().digest
    assert metadata["picture_sha256"] == explorer.decode(Path("a.png").read_bytes()).sha256
    assert [layer["name"] for layer in json.loads(metadata["layers"])] == list(expected)


def test_activations_as_mosaics(capsys):
    save_picture("a.png")
    run(capsys, "activations", "a.png", "--layers", "blocks.4", "blocks.0", "--format", "png")
    expected = captured("a.png", ["blocks.0", "blocks.4"])
    assert sorted(path.name for path in Path("a").iterdir()) == ["blocks.0.png", "blocks.4.png"]
    assert Path("a/blocks.0.png").read_bytes() == mosaic_png(expected["blocks.0"])
    assert Path("a/blocks.4.png").read_bytes() == mosaic_png(expected["blocks.4"], zoom=48 // 14)
    argv = ["activations", "a.png", "--layers", "blocks.0", "--format", "png"]
    run(capsys, *argv, "--sort", "max", "--per-channel", "--out", "sorted")
    order = channels.rank(channels.statistics(expected["blocks.0"]), "max")
    drawn = mosaic_png(expected["blocks.0"], channels=order, scale="channel")
    assert Path("sorted/a/blocks.0.png").read_bytes() == drawn


def test_layers_without_maps_have_no_mosaic(capsys):
    save_picture("a.png")
    code, _, err = run(capsys, "activations", "a.png", "--layers", "classifier", "--format", "png")
    assert code == 2
    assert err == "Layer 'classifier' puts out (1, 1000), which are no maps: save it as npz.\n"
    assert not Path("a").exists()


def test_an_unknown_layer_gets_the_close_names(capsys):
    save_picture("a.png")
    code, _, err = run(capsys, "activations", "a.png", "a.png", "--layers", "blocks.22")
    assert code == 2
    assert err.count("\n") == 1
    assert "no layer 'blocks.22'; did you mean 'blocks.2'" in err


def test_pictures_of_the_same_name_do_not_overwrite_each_other(capsys):
    for seed, name in enumerate(["a/cat.png", "b/cat.png", "b/Cat.jpg", "b/cat-2.png"]):
        save_picture(name, seed)
    code, out, _ = run(capsys, "activations", "a", "b", "b/cat.png", "--layers", "conv_stem")
    assert code == 0
    written = dict(line.split(": 1 layer in ") for line in out.splitlines())
    assert len(out.splitlines()) == 5
    assert len({name.casefold() for name in written.values()}) == 4  # b/cat.png was given twice
    assert len(list(Path().glob("*.npz"))) == 5
    for picture, made in written.items():
        with np.load(made) as file:
            assert np.array_equal(file["conv_stem"], captured(picture, "conv_stem")["conv_stem"])


def test_pictures_are_handled_one_by_one(capsys, monkeypatch):
    alive, real = [], images.decode

    def decode(data):
        assert not any(reference() for reference in alive)
        alive.append(weakref.ref(picture := real(data)))
        return picture

    for seed in range(4):
        save_picture(f"d/{seed}.png", seed)
    monkeypatch.setattr(images, "decode", decode)
    assert run(capsys, "activations", "d", "--layers", "blocks.0", "--format", "safetensors")[0] == 0
    assert run(capsys, "predict", "d")[0] == 0
    assert len(alive) == 8


def test_figure(capsys):
    code, out, err = run(capsys, "figure", "sample:chelsea", "--out", "made/f.SVG")
    assert (code, out, err) == (0, "made/f.SVG\n", "")
    data = Path("made/f.SVG").read_bytes()
    assert data.startswith(b"<?xml")
    assert b"Chelsea the cat: feature hierarchy of EfficientNet-Lite0" in data


def test_a_figure_is_called_like_its_picture(capsys):
    save_picture("my cat.png")
    assert run(capsys, "figure", "my cat.png") == (0, "my cat-hierarchy.pdf\n", "")
    data = Path("my cat-hierarchy.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert b"/Title (my cat: feature hierarchy of EfficientNet-Lite0)" in data


def test_figures_that_cannot_be(capsys):
    before = save_picture("d/a.png").read_bytes()
    code, _, err = run(capsys, "figure", "d")
    assert (code, err) == (2, "d is a folder, and a figure shows one picture.\n")
    code, _, err = run(capsys, "figure", "d/a.png", "--out", "d/../d/a.png")
    assert code == 2
    assert "is the picture itself" in err
    assert Path("d/a.png").read_bytes() == before
    code, _, err = run(capsys, "figure", "missing.png")
    assert (code, err) == (1, "missing.png: There is no such file or folder.\n")
