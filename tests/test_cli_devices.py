"""The device in the terminal: chosen, not there, too small, and in mixed precision."""

import numpy as np
import pytest
import torch

from tests.second_device import TINY, two_devices  # noqa: F401
from tests.terminal import run


@pytest.mark.parametrize("command", ["layers", "predict sample:chelsea", "run"])
def test_a_device_that_is_not_here(capsys, command):
    code, _, err = run(capsys, *command.split(), "--model", TINY, "--device", "cuda:9")
    assert (code, err) == (2, "There is no device 'cuda:9' here; there is cpu.\n")


def test_the_environment_chooses(capsys, monkeypatch):
    monkeypatch.setenv("EXPLORER_DEVICE", "cuda:9")
    assert run(capsys, "layers", "--model", TINY)[0] == 2
    assert run(capsys, "layers", "--model", TINY, "--device", "CPU")[0] == 0


@pytest.mark.usefixtures("two_devices")
def test_mixed_precision_changes_what_is_saved(capsys, tmp_path):
    command = ["activations", "sample:chelsea", "--model", TINY, "--layers", "conv1"]
    for folder, more in (("exact", []), ("mixed", ["--mixed-precision"])):
        assert run(capsys, *command, "--device", "cpu:0", "--out", str(tmp_path / folder), *more)[0] == 0
    exact, mixed = (
        torch.from_numpy(np.load(tmp_path / each / "chelsea.npz")["conv1"]) for each in ("exact", "mixed")
    )
    assert mixed.dtype == torch.float32
    assert 0 < (exact - mixed).abs().max() < 0.05 * exact.abs().max()


def test_too_little_memory_is_told(capsys, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr("explorer.activations.capture", full)
    code, _, err = run(capsys, "activations", "sample:chelsea", "--model", TINY, "--all")
    assert code == 1
    assert "needs more memory than is free on CPU. A smaller picture, fewer layers at a time" in err
    assert "Traceback" not in err
