"""The terminal as a program: help, arguments, folders, exit codes, and messages instead of tracebacks."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import models
from explorer import channels, cli_arguments, figure, images
from explorer.cli import main
from explorer.cli_pictures import SUFFIXES, distinct, file_name, gather, shown, stem
from models import registry
from tests.terminal import ROOT, captured, loaded, once, process, run, save_picture  # noqa: F401

pytestmark = pytest.mark.usefixtures("once")


@pytest.mark.parametrize("command", [[], ["layers"], ["predict"], ["activations"], ["figure"]], ids=str)
def test_help_imports_nothing_heavy(command):
    code = f"""if True:
        import sys
        at_start = set(sys.modules)
        import runpy
        sys.argv = ["explorer", *{command!r}, "--help"]
        try:
            runpy.run_module("explorer", run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            print(stop.code, *sorted({{name.partition(".")[0] for name in sys.modules.keys() - at_start}}))
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    *help_text, last = done.stdout.splitlines()
    returned, *imported = last.split()
    assert returned == "0"
    assert help_text[0].startswith("usage: python -m explorer")
    assert "argparse" in imported
    assert set(imported) - sys.stdlib_module_names == {"explorer"}


def test_what_the_parser_repeats_is_what_the_others_say():
    assert cli_arguments.DEFAULT_MODEL == registry.DEFAULT
    assert cli_arguments.RANKINGS == channels.RANKINGS
    assert tuple(suffix[1:] for suffix in cli_arguments.FIGURE_SUFFIXES) == figure.FORMATS
    Image.init()
    pillows = {
        suffix for suffix, kind in Image.EXTENSION.items() if kind in {k.upper() for k in images.FORMATS}
    }
    assert set(SUFFIXES) <= pillows


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "required: COMMAND"),
        (["layer"], "invalid choice: 'layer'"),
        (["predict"], "required: PICTURE"),
        (["predict", "a.png", "--top", "0"], "'0' is not a whole number of at least 1"),
        (["predict", "a.png", "--top", "many"], "'many' is not a whole number of at least 1"),
        (
            ["predict", "--json", "cat.jpg", "dog.jpg"],
            "'cat.jpg' does not end in .json, or - for the terminal",
        ),
        (["activations", "a.png"], "one of the arguments --layers --all is required"),
        (["activations", "a.png", "--all", "--layers", "x"], "not allowed with"),
        (["activations", "a.png", "--all", "--format", "jpg"], "invalid choice: 'jpg'"),
        (["activations", "a.png", "--all", "--sort", "max"], "they need --format png"),
        (["activations", "a.png", "--all", "--per-channel"], "they need --format png"),
        (["figure", "a.png", "b.png"], "unrecognized arguments: b.png"),
        (["figure", "a.png", "--out", "b.jpg"], "'b.jpg' does not end in .pdf or .svg or .png"),
        (["layers", "--csv", "t.json"], "'t.json' does not end in .csv"),
        (["layers", "--csv", "-", "--json", "-"], "not allowed with"),
        (["layers", "--mod", "x"], "unrecognized arguments"),
        (
            ["layers", "--model", "efficientnet_lite"],
            "no model 'efficientnet_lite'; did you mean 'efficientnet_lite0'",
        ),
    ],
    ids=str,
)
def test_wrong_arguments(capsys, argv, message):
    code, out, err = run(capsys, *argv)
    assert code == 2
    assert message in " ".join(err.split())
    assert out == ""


def test_folders():
    for name in (
        "d/b.PNG",
        "d/a.jpg",
        "d/note.txt",
        "d/.hidden.png",
        "d/._b.png",
        "d/sub/c.webp",
        "d/sub.png/x.gif",
    ):
        save_picture(name)
    Path("d/loop").symlink_to(Path("d").resolve())
    assert [source.name for source in gather(["d"])] == ["d/a.jpg", "d/b.PNG"]
    assert [source.name for source in gather(["d/"], recursive=True)] == [
        *("d/a.jpg", "d/b.PNG", "d/sub.png/x.gif", "d/sub/c.webp")
    ]
    assert [source.name for source in gather(["d/note.txt", "d", "sample:chelsea"])] == [
        *("d/note.txt", "d/a.jpg", "d/b.PNG", "sample:chelsea")
    ]


def test_a_device_without_an_end_is_not_read_to_its_end(capsys, monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 1000)
    assert len(gather(["/dev/zero"])[0].read()) == 1001
    code, _, err = run(capsys, "predict", "/dev/zero")
    assert code == 1
    assert err.startswith("/dev/zero: The file")


@pytest.mark.parametrize(
    "argv",
    [
        ["activations", "a.png", "a.png", "--layers", "conv_stem", "--out", "file/below"],
        ["predict", "a.png", "--json", "file/p.json"],
        ["figure", "a.png", "--out", "folder.svg"],
        ["layers", "--csv", "file/t.csv"],
    ],
    ids=lambda argv: argv[0],
)
def test_what_cannot_be_written(capsys, argv):
    save_picture("a.png")
    Path("file").write_text("kept")
    Path("folder.svg").mkdir()
    code, _, err = run(capsys, *argv)
    assert code == 1
    assert err.count("\n") == 1
    assert " can't be written: " in err
    assert Path("file").read_text() == "kept"
    assert not list(Path().rglob("*.part"))


def test_a_failed_write_keeps_the_earlier_file(capsys, monkeypatch):
    save_picture("a.png")
    argv = ["activations", "a.png", "--layers", "conv_stem"]
    run(capsys, *argv)
    before = Path("a.npz").read_bytes()

    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        code, _, err = run(capsys, *argv)
    assert (code, err) == (1, "a.npz can't be written: No space left on device.\n")
    assert Path("a.npz").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["a.npz", "a.png"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_for_several_pictures_on_a_terminal_only(capsys, monkeypatch):
    for seed in range(3):
        save_picture(f"d/{seed}.png", seed)
    assert run(capsys, "predict", "d")[2] == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(["predict", "d", "missing.png"]) == 1
    shown_bar = sys.stderr.getvalue()
    assert "4/4" in shown_bar
    assert "\nmissing.png: There is no such file or folder.\n" in shown_bar.replace("\r", "\n")
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert main(["predict", "d/0.png"]) == 0
    assert sys.stderr.getvalue() == ""


def test_ctrl_c(capsys, monkeypatch):
    save_picture("a.png")
    monkeypatch.setattr(images, "decode", lambda data: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run(capsys, "predict", "a.png") == (130, "", "Stopped.\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BrokenPipeError(), 141, ""),
        (
            OSError(28, "No space left on device"),
            1,
            "The output can't be written: No space left on device.\n",
        ),
    ],
    ids=["broken pipe", "full disk"],
)
def test_an_output_that_fails(capsys, monkeypatch, error, code, said):
    class Broken(io.StringIO):
        def flush(self):
            raise error

    monkeypatch.setattr(sys, "stdout", Broken())
    assert main(["layers", "--csv", "-"]) == code
    monkeypatch.undo()
    assert capsys.readouterr().err == said


def test_missing_weights_are_said(capsys, monkeypatch):
    def load(name, progress):
        raise models.ModelError("The weights are not installed.")

    monkeypatch.setattr(models, "load", load)
    assert run(capsys, "layers") == (1, "", "The weights are not installed.\n")


def test_a_process_predicts(tmp_path):
    save_picture(tmp_path / "-two words ü.png")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with process("predict", "--json", "-", "--", "-two words ü.png", "bad.png", cwd=tmp_path) as running:
        out, err = running.communicate(timeout=100)
    assert running.returncode == 1
    good, bad = json.loads(out)["pictures"]
    best = models.top_predictions(
        captured(tmp_path / "-two words ü.png", "classifier").output, loaded().labels
    )
    assert good["predictions"][0]["index"] == best[0].index
    assert bad == {"picture": "bad.png", "error": bad["error"]}
    assert err == f"bad.png: {bad['error']}\n"


def test_a_process_whose_reader_goes_away():
    with process("layers", "--csv", cwd=ROOT) as running:
        running.stdout.close()
        err = running.stderr.read()
    assert (running.returncode, err) == (141, "")


@pytest.fixture
def heeded_interrupt():
    """A child heeds SIGINT even where the suite runs in the background, whose SIGINT a shell may ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_interrupt")
def test_a_process_is_stopped(tmp_path):
    """Opening a pipe waits for its other end, so the signal comes while the picture is being read."""
    os.mkfifo(tmp_path / "pipe.png")
    with process("predict", "pipe.png", cwd=tmp_path) as running:
        with (tmp_path / "pipe.png").open("wb"):
            running.send_signal(signal.SIGINT)
        # The pipe ends after the signal: one that came just before the reading began would not end that.
        out, err = running.communicate(timeout=100)
    assert (running.returncode, out, err) == (130, "", "Stopped.\n")


def test_names_for_files():
    assert distinct(["a", "A", "a-2", "b", "a"]) == ["a", "A-2", "a-2-2", "b", "a-3"]
    assert [stem(name) for name in ("x/cat.tar.png", ".png", "..png", "...png", "no suffix")] == [
        *("cat.tar", ".png", "picture", "picture", "no suffix")
    ]
    assert [file_name(layer) for layer in ("blocks.2", "a/b\\c:d", "..", "", "ü 1")] == [
        *("blocks.2", "a_b_c_d", "model", "model", "ü_1")
    ]
    assert len(file_name("x" * 500)) == 80
    assert shown("ok ü 猫") == "ok ü 猫"
    assert shown("\n\x1b\udcff\u202e") == "\\n\\x1b\\udcff\\u202e"
