"""Downloads from a server on this computer: whole or not at all, resumed, checked, told."""

import hashlib
import random
import shutil
import socket
import threading
import time

import pytest

from models import download
from models.download import WebFile, megabytes
from models.errors import DownloadError, ModelError, OfflineError

DATA = random.Random(3).randbytes(700_001)
SHA = hashlib.sha256(DATA).hexdigest()
NAME = f"net-{SHA[:8]}.pth"


@pytest.fixture
def file(server):
    server.content[f"/{NAME}"] = DATA
    return WebFile(f"{server.address}/{NAME}")


def part(file):
    return file.place.with_name(f"{NAME}.part")


class TestAWholeDownload:
    def test_the_file_and_its_progress(self, file, caches):
        steps = []
        assert file.path() is None
        assert file.fetch(lambda done, total: steps.append((done, total))) == file.place == file.path()
        assert file.place == caches / "torch/hub/checkpoints" / NAME
        assert file.place.read_bytes() == DATA
        assert steps[-1] == (len(DATA), len(DATA))
        assert [done for done, _ in steps] == sorted({done for done, _ in steps})
        assert len(steps) == 3  # blocks of 256 KiB
        assert file.digest() == SHA
        assert not part(file).exists()

    def test_what_is_here_is_not_asked_for_again(self, file, server):
        file.fetch()
        asked = len(server.asked)
        file.fetch()
        assert len(server.asked) == asked

    def test_the_size_is_known_before(self, file, server):
        assert file.size() == len(DATA)
        assert server.sent() == []

    def test_two_visitors_download_once(self, file, server):
        threads = [threading.Thread(target=file.fetch) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.sent() == [f"/{NAME}"]

    def test_a_name_without_a_digest_is_taken_as_it_comes(self, server):
        server.content["/weights.pth"] = b"whatever"
        file = WebFile(f"{server.address}/weights.pth?download=1")
        assert file.sha256 == ""
        assert file.fetch().read_bytes() == b"whatever"
        assert file.place.name == "weights.pth"


class TestBroken:
    def test_a_broken_connection_is_taken_up_where_it_broke(self, file, server):
        server.breaks = [300_000, 200_000]
        file.fetch()
        assert file.place.read_bytes() == DATA
        assert [asked[2] for asked in server.asked] == [None, "bytes=300000-", "bytes=500000-"]

    def test_a_server_that_cannot_resume_starts_again(self, file, server):
        server.breaks, server.ranges = [300_000], False
        file.fetch()
        assert file.place.read_bytes() == DATA

    def test_breaking_again_and_again(self, file, server):
        server.breaks = [100_000, 0, 0, 0, 0]
        with pytest.raises(DownloadError, match=r"broke off after 0.1 MB of 0.7 MB.*goes on from there"):
            file.fetch()
        assert file.path() is None
        assert part(file).read_bytes() == DATA[:100_000]
        server.breaks = []
        file.fetch()
        assert file.place.read_bytes() == DATA

    def test_a_killed_download_leaves_no_file_and_is_resumed(self, file, server):
        def killed(done, _total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            file.fetch(killed)
        assert file.path() is None
        kept = part(file).stat().st_size
        assert 0 < kept < len(DATA)
        file.fetch()
        assert file.place.read_bytes() == DATA
        assert server.asked[-1][2] == f"bytes={kept}-"

    def test_killed_between_the_last_byte_and_the_name(self, file, server):
        part(file).parent.mkdir(parents=True)
        part(file).write_bytes(DATA)
        file.fetch()
        assert file.place.read_bytes() == DATA

    def test_a_part_that_is_longer_than_the_file(self, file):
        part(file).parent.mkdir(parents=True)
        part(file).write_bytes(DATA + b"more")
        file.fetch()
        assert file.place.read_bytes() == DATA

    @pytest.mark.parametrize("start", [0, 1000])
    def test_damaged_content_is_thrown_away(self, file, server, start):
        if start:
            part(file).parent.mkdir(parents=True)
            part(file).write_bytes(bytes(start))
        else:
            server.content[f"/{NAME}"] = DATA[:-1] + bytes([DATA[-1] ^ 1])
        with pytest.raises(DownloadError, match=f"damaged: its sha256 does not begin with {SHA[:8]}"):
            file.fetch()
        assert list(file.place.parent.iterdir()) == []

    def test_a_damaged_file_in_the_cache(self, file):
        file.fetch()
        file.place.write_bytes(DATA[:-1])
        with pytest.raises(ModelError, match=r"damaged or another version.*Delete the file"):
            file.digest()


class TestNothingToDownload:
    def test_not_there(self, server):
        file = WebFile(f"{server.address}/other-0123abcd.pth")
        with pytest.raises(DownloadError, match="the server answered 404"):
            file.fetch()
        with pytest.raises(DownloadError, match="404"):
            file.size()

    def test_no_server(self, caches):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            file = WebFile(f"http://127.0.0.1:{unused.getsockname()[1]}/{NAME}")
        with pytest.raises(OfflineError) as raised:
            file.fetch()
        assert "can't be reached" in str(raised.value)
        assert f"{file.address}, fetched elsewhere, can be put at {file.place}." in str(raised.value)

    def test_a_server_that_never_answers(self, caches, monkeypatch):
        monkeypatch.setattr(download, "PATIENCE", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            file = WebFile(f"http://127.0.0.1:{silent.getsockname()[1]}/{NAME}")
            start = time.monotonic()
            with pytest.raises(OfflineError):
                file.fetch()
        assert time.monotonic() - start < 10

    def test_a_full_disk_is_told_before(self, file, monkeypatch):
        usage = shutil.disk_usage("/")._replace(free=1000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(DownloadError, match=r"has 0.0 MB left, and the file needs 0.7 MB.*TORCH_HOME"):
            file.fetch()

    def test_a_folder_that_cannot_be_written(self, file, caches):
        (caches / "torch").write_text("a file where the folder should be")
        with pytest.raises(DownloadError, match="can't be written"):
            file.fetch()


def test_a_late_connection_is_closed():
    closed, go = threading.Event(), threading.Event()

    class Connection:
        def close(self):
            closed.set()

    def slow():
        go.wait(10)
        return Connection()

    with pytest.raises(TimeoutError):
        download.within(slow, 0.01)
    go.set()
    assert closed.wait(10)


def test_sizes_for_people():
    assert megabytes(123_456_789) == "123 MB"
