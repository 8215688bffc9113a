"""The store of loaded models is bounded and asks once; devices are found; memory is told in a sentence."""

import threading
import time
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import models
from models.devices import Device, mixed_precision, telling_memory
from models.store import ModelStore, nbytes


def loader(made, wait=0.0):
    def load(name, progress=None):
        time.sleep(wait)
        made.append(name)
        if name == "broken":
            raise models.ModelError("no such weights")
        return SimpleNamespace(module=nn.Linear(10, int(name), bias=False))  # 40 bytes for each output

    return load


class TestStore:
    def test_switching_costs_no_reload(self):
        made = []
        store = ModelStore(10_000, loader(made))
        one, other = store.get("1"), store.get("2")
        assert (store.get("1"), store.get("2"), store.get("1")) == (one, other, one)
        assert made == ["1", "2"]
        assert store.nbytes == 120

    def test_the_least_recently_used_goes(self):
        made = []
        store = ModelStore(400, loader(made))
        for name in ("3", "4", "3", "5"):
            store.get(name)
        assert store.names == ("3", "5")
        assert store.nbytes == 320
        store.get("4")
        assert made == ["3", "4", "5", "4"]

    def test_a_model_beyond_the_limit_is_kept_alone(self):
        store = ModelStore(100, loader([]))
        store.get("1")
        store.get("9")
        assert store.names == ("9",)
        assert "1 model is loaded and takes" in store.describe()

    def test_many_visitors_load_once(self):
        made, got = [], []
        store = ModelStore(10_000, loader(made, wait=0.05))
        threads = [threading.Thread(target=lambda: got.append(store.get("3"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == ["3"]
        assert len({id(model) for model in got}) == 1

    def test_what_fails_is_asked_again(self):
        made = []
        store = ModelStore(10_000, loader(made))
        for _ in range(2):
            with pytest.raises(models.ModelError):
                store.get("broken")
        assert made == ["broken", "broken"]
        assert store.names == ()

    def test_the_same_model_again_counts_once(self):
        store = ModelStore(10_000, loader([]))
        model = store.get("2")
        store.put("2", model)
        assert store.nbytes == 80

    def test_shared_weights_count_once(self):
        layer = nn.Conv2d(2, 2, 3)
        assert nbytes(nn.Sequential(layer, nn.ReLU(), layer)) == (36 + 2) * 4
        assert nbytes(nn.BatchNorm2d(3)) == 4 * 3 * 4 + 8


class TestDevices:
    @pytest.fixture
    def two_gpus(self, monkeypatch):
        about = [
            SimpleNamespace(name="New", total_memory=80 * 2**30, major=9, minor=0),
            SimpleNamespace(name="Old", total_memory=16 * 2**30, major=7, minor=5),
        ]
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        monkeypatch.setattr(torch.cuda, "get_device_properties", about.__getitem__)

    def test_the_cpu_is_always_there(self):
        assert models.available_devices()[-1] == models.choose_device("CPU") == Device("cpu", "CPU")

    def test_gpus_come_first(self, two_gpus, monkeypatch):
        new, old, *_ = models.available_devices()
        assert (new.name, new.title, new.mixed_precision) == ("cuda:0", "New", True)
        assert (old.name, old.memory, old.mixed_precision) == ("cuda:1", 16 * 2**30, False)
        assert models.choose_device() == models.choose_device("cuda") == new
        monkeypatch.setenv("EXPLORER_DEVICE", "cuda:1")
        assert models.choose_device() == old
        assert models.choose_device("cpu").name == "cpu"

    def test_an_apple_gpu(self, monkeypatch):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
        assert models.choose_device("mps").title == "Apple GPU"

    def test_a_device_that_is_not_here(self):
        with pytest.raises(models.DeviceError, match=r"no device 'cuda:7' here; there is .*cpu"):
            models.choose_device("cuda:7")

    def test_mixed_precision_only_where_it_is_safe(self):
        net, x = nn.Conv2d(1, 1, 3), torch.rand(1, 1, 5, 4)
        with mixed_precision(Device("cpu", "CPU")):
            assert net(x).dtype == torch.float32
        with mixed_precision(Device("cpu", "CPU", None, mixed_precision=True)):
            assert net(x).dtype == torch.bfloat16
        assert net(x).dtype == torch.float32

    @pytest.mark.parametrize(
        "error",
        [
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
            ),
            RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
            MemoryError(),
        ],
    )
    def test_too_little_memory_is_told_in_a_sentence(self, error):
        device = Device("mps", "Apple GPU", 8 * 2**30)
        with pytest.raises(models.NoMemoryError) as raised, telling_memory("Looking at resnet152", device):
            raise error
        assert str(raised.value) == (
            "Looking at resnet152 needs more memory than is free on Apple GPU, which has 8 GiB. A smaller "
            "picture, fewer layers at a time, a smaller network or the CPU needs less."
        )

    def test_memory_really_asked_for(self):
        with (
            pytest.raises(models.NoMemoryError, match="on CPU"),
            telling_memory("A map", Device("cpu", "CPU")),
        ):
            torch.empty(1 << 60, dtype=torch.uint8)

    def test_other_errors_pass(self):
        with pytest.raises(RuntimeError, match="shapes"), telling_memory("A map", Device("cpu", "CPU")):
            raise RuntimeError("shapes do not fit")
