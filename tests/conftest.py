"""What every test shares: one thread, so that bits do not depend on the machine, and a seed."""

from __future__ import annotations

import sys

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(20240607)


@pytest.fixture(autouse=True)
def own_main():
    """Streamlit's AppTest leaves its script behind as `__main__`, which a spawned process would then run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
