"""The command line with models of libraries and of one's own, and the app started on one."""

import csv
import io
import json
import sys
import urllib.request

import pytest
import torch

import models
from explorer import cli_run
from models import torchvision_models
from models.building import quietly
from models.own import CHECKPOINTS
from tests.models.conftest import caches, server  # noqa: F401
from tests.models.test_own import CODE
from tests.terminal import process, run, save_picture


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with one's own network, its weights and labels."""
    (tmp_path / "mypkg").mkdir()
    (tmp_path / "mypkg/__init__.py").touch()
    (tmp_path / "mypkg/mymodule.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.syspath_prepend(tmp_path)
    from mypkg.mymodule import Small

    torch.manual_seed(2)
    torch.save({"state_dict": {f"module.{k}": v for k, v in Small().state_dict().items()}}, "w.pth")
    (tmp_path / "labels.json").write_text('["ant", "bee", "cat"]')
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mypkg", "mymodule")]:
        del sys.modules[name]


OWN = ("--model", "mypkg.mymodule:Small", "--weights", "w.pth", "--size", 24, "--mean", 0.5, "--std", 0.5)


def test_the_layers_of_ones_own_network(capsys, folder):
    code, out, err = run(capsys, "layers", "--csv", "-", *OWN)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["name"], row["output_shape"]) for row in rows] == [("conv", "1x4x22x22"), ("head", "1x3")]


def test_its_predictions(capsys, folder):
    save_picture("a.png")
    code, out, _ = run(capsys, "predict", "a.png", "--json", "-", "--labels", "labels.json", *OWN)
    assert code == 0
    (entry,) = json.loads(out)["pictures"]
    assert {each["label"] for each in entry["predictions"]} == {"ant", "bee", "cat"}
    code, out, _ = run(capsys, "predict", "a.png", *OWN)
    assert "class 1" in out


def test_its_activations(capsys, folder):
    save_picture("a.png")
    assert (
        run(capsys, "activations", "a.png", "--layers", "conv", "--format", "png", "--out", "maps", *OWN)[0]
        == 0
    )
    assert (folder / "maps/a/conv.png").exists()


def test_a_twin_of_a_librarys_network(capsys, tmp_path):
    code, out, err = run(capsys, "layers", "--json", "-", "--model", "timm/test_resnet@untrained")
    assert (code, err) == (0, "")
    table = json.loads(out)
    assert table["model"]["name"] == "timm/test_resnet.r160_in1k@untrained"
    assert len(table["layers"]) > 50


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--model", "resnet1"), 2, "no model 'resnet1'; did you mean"),
        (("--model", "vit_b_16"), 2, "is a transformer"),
        (("--model", "mypkg.mymodule:nothing"), 1, "has no 'nothing'"),
        (
            ("--model", "squeezenet1_1", "--weights", "missing.pth"),
            1,
            "missing.pth: The file can't be read: No such file",
        ),
        (("--model", "nothing", "--weights", "w.pth"), 2, "no architecture 'nothing'"),
        (("--model", "squeezenet1_1", "--weights", "w.pth"), 1, "missing in the file, the network needs"),
        (
            ("--model", "squeezenet1_1", "--classes", "3"),
            2,
            "--weights or --model mypkg.mymodule:build gives",
        ),
        (("--labels", "labels.json"), 2, "describe a model of your own"),
        ((*OWN, "--labels", "w.pth"), 1, "no text in UTF-8"),
        ((*OWN, "--classes", "0"), 2, "'0' is not a whole number"),
    ],
)
def test_what_is_wrong_is_said(capsys, folder, arguments, code, said):
    found, out, err = run(capsys, "layers", *arguments)
    assert (found, out) == (code, "")
    assert said in err


ODD = """
from torch import nn

def twelve():
    return nn.Conv2d(12, 4, 3)

def fussy():
    net = nn.Sequential(nn.Conv2d(3, 4, 3))
    net.register_forward_hook(lambda *_: {}["no such feature"])
    return net

class Strict(nn.Module):
    def forward(self, x):
        raise ValueError("squares only")
"""


@pytest.mark.parametrize("command", ["layers", "predict", "activations"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("twelve", "A picture of 1 × 3 × 20 × 20 does not pass through own (RuntimeError: Given groups=1"),
        ("fussy", "does not pass through own (KeyError: 'no such feature')"),
        ("Strict", "does not pass through own (ValueError: squares only)"),
        ("ending", "can't be imported: SystemExit: 3"),
    ],
)
def test_a_network_that_takes_no_such_picture(capsys, folder, command, name, said):
    (folder / "odd.py").write_text(ODD)
    (folder / "ending.py").write_text("raise SystemExit(3)")
    save_picture("a.png")
    more = {"layers": (), "predict": ("a.png",), "activations": ("a.png", "--all")}[command]
    model = "ending.py:net" if name == "ending" else f"odd.py:{name}"
    code, out, err = run(capsys, command, *more, "--model", model, "--size", 20)
    assert (code, out) == (1, "")
    assert said in err
    assert "Traceback" not in err


def test_a_download_tells_its_progress(capsys, server, tmp_path, monkeypatch):  # noqa: F811
    import hashlib

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    with quietly(1):
        torch.save(torchvision_models.build("squeezenet1_1").state_dict(), tmp_path / "saved")
    data = (tmp_path / "saved").read_bytes()
    path = f"/squeezenet1_1-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    server.content[path] = data
    _, weights = torchvision_models._entries()["torchvision/squeezenet1_1.IMAGENET1K_V1"]
    monkeypatch.setattr(weights.value, "url", server.address + path)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert run(capsys, "layers", "--model", "squeezenet1_1")[0] == 0
    assert "torchvision/squeezenet1_1.IMAGENET1K_V1: 100%" in sys.stderr.getvalue()


def test_without_a_network_at_once(capsys, server):  # noqa: F811
    server.shutdown()
    server.server_close()
    code, out, err = run(capsys, "layers", "--model", "timm/test_resnet")
    assert (code, out) == (1, "")
    assert "Without a network there is efficientnet_lite0" in err


class TestRun:
    @pytest.fixture
    def started(self, monkeypatch):
        calls = []

        def serve(port, environment, url, browser=True):
            calls.append((port, environment, url, browser))
            return 0

        monkeypatch.setattr(cli_run, "serve", serve)
        monkeypatch.setattr(cli_run, "free", lambda port: port != 1)
        return calls

    def test_on_ones_own_network(self, capsys, folder, started):
        code, out, _ = run(capsys, "run", "--port", 8123, "--no-browser", *OWN)
        assert (code, out) == (0, "http://127.0.0.1:8123/?model=own\n")
        ((port, environment, url, browser),) = started
        assert (port, url, browser) == (8123, out.strip(), False)
        own = models.OwnModel.from_json(environment[models.STARTED_ON])
        assert own.weights == folder / "w.pth"
        assert own.preprocessing == models.Preprocessing(24, 24, (0.5,), (0.5,), "bilinear")

    def test_on_a_librarys_model(self, capsys, started):
        code, out, _ = run(capsys, "run", "--model", "timm/test_resnet@untrained")
        assert (code, out) == (0, "http://127.0.0.1:8501/?model=timm%2Ftest_resnet.r160_in1k%40untrained\n")
        assert started[0][1] == {models.STARTED_ON: "timm/test_resnet.r160_in1k@untrained"}

    def test_with_a_folder_of_checkpoints(self, capsys, tmp_path, started):
        code, _, _ = run(capsys, "run", "--model", "efficientnet_lite0", "--checkpoints", tmp_path)
        assert code == 0
        assert started[0][1][CHECKPOINTS] == str(tmp_path.resolve())
        code, _, err = run(capsys, "run", "--checkpoints", tmp_path / "none")
        assert (code, "is no folder" in err, len(started)) == (2, True, 1)

    def test_what_is_wrong_is_said_before_anything_starts(self, capsys, folder, started):
        code, _, err = run(capsys, "run", "--model", "squeezenet1_1", "--weights", "w.pth")
        assert code == 1
        assert "does not fit the network" in err
        code, _, err = run(capsys, "run", "--port", 1)
        assert (code, "Something listens on port 1" in err) == (1, True)
        assert started == []

    def test_the_browser_opens_when_the_app_listens(self, monkeypatch):
        opened, answers = [], iter([True, True, False])
        monkeypatch.setattr(cli_run, "free", lambda _port: next(answers))
        monkeypatch.setattr(cli_run.webbrowser, "open", opened.append)

        class Running:
            def poll(self):
                return None

        cli_run._open(Running(), 8123, "the address")
        assert opened == ["the address"]

    def test_no_browser_opens_for_an_app_that_ended(self, monkeypatch):
        monkeypatch.setattr(cli_run, "free", lambda _port: True)
        monkeypatch.setattr(cli_run.webbrowser, "open", pytest.fail)

        class Ended:
            def poll(self):
                return 1

        cli_run._open(Ended(), 8123, "the address")

    def test_a_real_app(self, folder):
        import socket

        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        with process("run", "--no-browser", "--port", port, *OWN, cwd=folder) as running:
            try:
                assert running.stdout.readline() == f"http://127.0.0.1:{port}/?model=own\n"
                answer = _answer(f"http://127.0.0.1:{port}/_stcore/health", running)
            finally:
                running.terminate()
                running.communicate(timeout=30)
        assert answer == "ok"
        assert cli_run.free(port)


def _answer(url, running):
    import time

    for _ in range(600):
        assert running.poll() is None
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the app did not answer within a minute")
