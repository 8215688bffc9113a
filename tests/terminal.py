"""What the tests of the terminal share."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
import models
from explorer import cli
from explorer.cli import main
from models import registry

ROOT = Path(__file__).resolve().parents[1]


@cache
def loaded():
    return registry.load()


@cache
def table():
    return explorer.layer_table(loaded().module, torch.zeros(1, 3, 224, 224))


@pytest.fixture
def once(monkeypatch, tmp_path):
    """The real model, loaded and traced once for all tests; every test in a folder of its own."""
    monkeypatch.setattr(
        models,
        "load",
        lambda name, *rest: loaded() if name == "efficientnet_lite0" else registry.load(name, *rest),
    )
    monkeypatch.setattr(cli, "_table", lambda model: table())
    monkeypatch.chdir(tmp_path)


def save_picture(path, seed=0, size=(37, 23)):
    """A small random picture (width, height)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, "PNG")
    return path


def captured(path, layers):
    picture = explorer.decode(Path(path).read_bytes())
    return explorer.capture(loaded().module, loaded().preprocess(picture), layers)


def run(capsys, *argv):
    """(exit code, standard output, standard error) of one command."""
    code = main([str(part) for part in argv])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, out, err


def process(*argv, **options):
    command = [sys.executable, "-m", "explorer", *map(str, argv)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, **options)
