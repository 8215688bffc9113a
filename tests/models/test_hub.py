"""Repositories of a hub, on a server that answers as the Hub does."""

import hashlib
import socket
from pathlib import Path

import pytest

from models.errors import DownloadError, ModelError, OfflineError
from models.hub import HubFile

REPOSITORY = "somebody/net.v1"
DATA = bytes(range(256)) * 500
SHA = hashlib.sha256(DATA).hexdigest()


def at(name, revision="main"):
    return f"/{REPOSITORY}/resolve/{revision}/{name}"


@pytest.fixture
def file(server):
    server.content[at("model.safetensors")] = DATA
    return HubFile(REPOSITORY)


def test_a_file_lies_where_the_library_keeps_it(file, caches):
    from huggingface_hub import try_to_load_from_cache

    steps = []
    assert file.path() is None
    path = file.fetch(lambda done, total: steps.append((done, total)))
    assert path.read_bytes() == DATA
    assert str(path) == try_to_load_from_cache(REPOSITORY, "model.safetensors", caches / "hub")
    assert steps[-1] == (len(DATA), len(DATA))
    assert file.path() == path
    assert file.digest() == SHA


def test_what_is_here_is_not_asked_for_again(file, server):
    file.fetch()
    asked = len(server.asked)
    assert file.fetch() == file.path()
    assert len(server.asked) == asked


def test_the_size_is_known_before(file, server):
    assert file.size() == len(DATA)
    assert server.sent() == []


def test_the_second_name_where_the_first_is_missing(server):
    server.content[at("pytorch_model.bin")] = DATA
    assert HubFile(REPOSITORY).fetch().name == "pytorch_model.bin"


def test_neither_name(server):
    with pytest.raises(DownloadError, match=r"net.v1 has no model.safetensors and no pytorch_model.bin"):
        HubFile(REPOSITORY).fetch()


def test_a_revision(server):
    server.content[at("model.safetensors", "v2")] = DATA
    file = HubFile(f"{REPOSITORY}@v2")
    assert file.fetch().read_bytes() == DATA
    assert HubFile(REPOSITORY).path() is None


def test_put_there_by_hand(caches):
    file = HubFile(REPOSITORY)
    assert file.place == caches / "torch/hub/checkpoints/somebody--net.v1.safetensors"
    file.place.parent.mkdir(parents=True)
    file.place.write_bytes(DATA)
    assert file.path() == file.fetch() == file.place
    assert file.digest() == SHA


def test_damaged_on_the_way(file, server):
    server.etags[at("model.safetensors")] = "0" * 64
    with pytest.raises(DownloadError, match=r"is damaged: its sha256 is not 00000000.*Nothing was kept"):
        file.fetch()
    assert file.path() is None


def test_damaged_in_the_cache(file):
    Path(file.fetch()).resolve().write_bytes(DATA[:-1])
    with pytest.raises(ModelError, match="damaged or another version"):
        file.digest()


def test_a_connection_that_breaks_leaves_nothing(file, server, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    server.breaks = [1000] + [0] * 20
    with pytest.raises(DownloadError, match=r"broke off.*try again"):
        file.fetch()
    assert file.path() is None
    server.breaks = []
    assert file.fetch().read_bytes() == DATA


def test_no_server(caches, monkeypatch):
    from huggingface_hub import constants

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    file = HubFile(REPOSITORY)
    with pytest.raises(OfflineError) as raised:
        file.fetch()
    assert f"{file.address}, fetched elsewhere, can be put at {file.place}." in str(raised.value)


def test_the_librarys_own_offline_mode(file, server, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OfflineError):
        file.fetch()
    assert server.asked == []
