"""Caches of weights in a folder of the test, and a server of files."""

from __future__ import annotations

import pytest

from tests.models.server import serving


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """Empty caches; nothing that a developer has downloaded is seen."""
    from huggingface_hub import constants

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path


@pytest.fixture
def server(caches, monkeypatch):
    from huggingface_hub import constants

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as files:
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, files.address)
        monkeypatch.setattr(constants, "ENDPOINT", files.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield files
