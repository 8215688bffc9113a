"""A server of files on this computer that misbehaves on demand."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Files(ThreadingHTTPServer):
    """Serves `content` by path.

    Attributes:
        content: Path to bytes.
        breaks: How many bytes an answer to GET gets through before the connection breaks, one number for each
            answer to come; afterwards all do.
        ranges: Whether `Range` is obeyed.
        etags: Path to an ETag that is not the sha256 of the content.
        asked: (method, path, range header) of every request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.etags, self.breaks, self.ranges, self.asked = {}, {}, [], True, []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def sent(self):
        """Files that were asked for, without what huggingface_hub asks on its own account."""
        asked = (path for method, path, _ in self.asked if method == "GET")
        return [path for path in asked if not path.startswith("/api/")]


class _Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self._answer("HEAD")

    def do_GET(self):
        self._answer("GET")

    def _answer(self, method):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append((method, self.path, wanted))
        data = server.content.get(self.path.partition("?")[0])
        if data is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
        if start >= len(data) and start:
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", f'"{server.etags.get(self.path, hashlib.sha256(data).hexdigest())}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if method == "GET":
            end = start + server.breaks.pop(0) if server.breaks else len(data)
            self.wfile.write(data[start:end])
            self.close_connection = True

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    server = Files()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
