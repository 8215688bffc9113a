"""A device that every computer has, and that is not the CPU to this program."""

import pytest

import models
from models import devices
from models.devices import CPU, Device
from pages import cache

SECOND = Device("cpu:0", "Second CPU", 4 * 2**30, mixed_precision=True)
TINY = "timm/test_resnet.r160_in1k@untrained"


@pytest.fixture
def two_devices(monkeypatch):
    # In this order: the package takes its names from the module when they are first asked for.
    monkeypatch.setattr(models, "available_devices", lambda: (SECOND, CPU))
    monkeypatch.setattr(devices, "available_devices", lambda: (SECOND, CPU))
    monkeypatch.setattr(cache, "_ELSEWHERE", {})
    monkeypatch.setattr(cache, "MODELS", models.ModelStore())
    monkeypatch.delenv(models.CHOSEN_DEVICE, raising=False)
