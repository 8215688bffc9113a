"""Networks on another device than the CPU: what runs them moves their input there, and results come back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import explorer
import models
from explorer.placement import device_of, to_device_of
from models.devices import CPU
from models.untrained import untrained_spec
from tests.on_another_device import CHECKS, SAME
from tests.second_device import SECOND

ROOT = Path(__file__).parents[2]


def loaded():
    found = models.find("efficientnet_lite0")
    return models.LoadedModel(untrained_spec(found), nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval(), "d")


@pytest.fixture(scope="module")
def on_another_device():
    """What `tests.on_another_device` found; the device concerns a whole process, so it has one of its own."""
    command = [sys.executable, "-m", "tests.on_another_device"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


class TestAnotherDevice:
    @pytest.mark.parametrize("name", [*CHECKS, "pages"])
    def test_input_goes_there_and_results_come_back(self, on_another_device, name):
        assert on_another_device[name] == SAME

    def test_without_the_move_it_refuses(self, on_another_device):
        assert "should be the same" in on_another_device["without the move"]

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
    def test_a_real_one(self):
        model = models.load()
        x = model.preprocess(explorer.decode(explorer.sample_bytes("chelsea")))
        here = explorer.capture(model.module, x, nn.Conv2d)
        moved = model.on(models.choose_device("cuda"))
        there = explorer.capture(moved.module, x, nn.Conv2d)
        for name in here:
            assert there[name].is_cpu
            torch.testing.assert_close(there[name], here[name], rtol=1e-3, atol=1e-3)
        assert explorer.layer_table(moved.module, x).names


class TestPlacement:
    def test_what_lies_there_already_is_not_copied(self):
        net, x = nn.Conv2d(3, 4, 3), torch.rand(1, 3, 5, 6)
        assert device_of(net) == torch.device("cpu")
        assert to_device_of(net, x) is x

    def test_a_structure_is_moved_as_a_whole(self):
        net = nn.Conv2d(3, 4, 3, device="meta")
        x, (y, number) = to_device_of(net, (torch.rand(1, 3, 5, 6), [torch.rand(2), 3]))
        assert x.is_meta
        assert y.is_meta
        assert number == 3

    def test_a_network_on_two_devices_takes_its_input_on_either(self):
        net = nn.Sequential(nn.Conv2d(3, 4, 3, device="meta"), nn.Linear(2, 2))
        x = torch.rand(1, 3, 5, 6)
        assert to_device_of(net, x) is x

    def test_a_network_without_parameters_takes_what_it_is_given(self):
        assert device_of(nn.ReLU()) is None
        x = torch.rand(2, 3)
        assert to_device_of(nn.ReLU(), x) is x


class TestModelOnADevice:
    def test_it_knows_where_it_is_and_results_are_kept_apart(self):
        model = loaded()
        before, moved = model.key, model.on(SECOND)
        assert (model.device, moved.device) == (CPU, SECOND)
        assert len({before, moved.key, moved.in_mixed_precision.key}) == 3
        assert moved.on(SECOND) is moved
        assert moved.in_mixed_precision is moved.in_mixed_precision
        assert moved.in_mixed_precision.module is moved.module

    def test_mixed_precision_rounds_to_eight_bits_and_results_are_float32(self):
        model = loaded().on(SECOND).in_mixed_precision
        x = torch.rand(1, 3, 9, 8, generator=torch.Generator().manual_seed(0))
        exact = explorer.capture(model.module, x)
        with model.at_work("Capturing layers of"):
            rough = explorer.capture(model.module, x)
        assert rough["0"].dtype == torch.bfloat16
        wide = rough.in_float32()
        assert {t.dtype for t in (*wide.values(), wide.output)} == {torch.float32}
        assert torch.equal(wide["0"], rough["0"].float())
        assert not torch.equal(wide["0"], exact["0"])
        # 27 products of inputs and weights that are each rounded by up to 2 ** -8, and the sum once more.
        with torch.no_grad():
            size = nn.functional.conv2d(x.abs(), model.module[0].weight.abs(), model.module[0].bias.abs())
        assert ((wide["0"] - exact["0"]).abs() <= 3.1 * 2**-8 * size).all()
        assert wide.nbytes == exact.nbytes

    def test_where_it_is_not_safe_nothing_changes(self):
        model = loaded()
        assert model.in_mixed_precision is model
        with model.at_work("Capturing layers of"):
            assert explorer.capture(model.module, torch.rand(1, 3, 5, 6))["0"].dtype == torch.float32

    def test_too_little_memory_names_model_and_device(self):
        model = loaded().on(SECOND)
        with (
            pytest.raises(
                models.NoMemoryError,
                match=r"^Capturing layers of Untrained EfficientNet-Lite0 needs more memory than is free on "
                r"Second CPU, which has 4 GiB\. .* or the CPU needs less\.$",
            ),
            model.at_work("Capturing layers of"),
        ):
            torch.empty(1 << 60, dtype=torch.uint8)

    def test_a_store_brings_models_to_its_device(self):
        store = models.ModelStore(load=lambda *_: loaded(), device=SECOND)
        assert store.get("one").device == SECOND
        assert "on Second CPU; beyond" in store.describe()

    def test_where_there_is_no_room_the_others_go_first(self, monkeypatch):
        store = models.ModelStore(load=lambda *_: loaded(), device=SECOND)
        store.get("one")

        def full(*_):
            if store.names:
                raise models.NoMemoryError("full")

        monkeypatch.setattr("models.spec.move", full)
        store.get("two")
        assert store.names == ("two",)
