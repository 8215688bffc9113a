"""Starting the app from the command line, on a model of one's own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

APP = Path(__file__).resolve().parents[1] / "app.py"
HOST = "127.0.0.1"
_PATIENCE = 60.0  # seconds; a first start reads hundreds of megabytes from the disk


def address(port: int, model: str) -> str:
    """The app's address, with the model chosen.

    Example:
        >>> address(8501, "timm/resnet18.a1_in1k")
        'http://127.0.0.1:8501/?model=timm%2Fresnet18.a1_in1k'
    """
    return f"http://{HOST}:{port}/?{urlencode({'model': model})}"


def free(port: int) -> bool:
    """Whether nothing listens on the port yet."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def serve(port: int, environment: Mapping[str, str], url: str, browser: bool = True) -> int:
    """Run the app until it ends or Ctrl-C is pressed.

    Args:
        port: Where it listens, on this computer only.
        environment: What the app finds in its environment beside this process's own.
        url: What the browser is to open.
        browser: Whether to open it.

    Returns:
        The server's exit code.
    """
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    # The settings beside the app count, wherever the command was given.
    server = subprocess.Popen(
        [*command, "--server.headless", "true"], cwd=APP.parent, env={**os.environ, **environment}
    )
    if browser:
        threading.Thread(target=_open, args=(server, port, url), daemon=True).start()
    # Who ends this process means the app; without this it would go on alone.
    before = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        return server.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
        server.terminate()
        server.wait()


def _open(server: subprocess.Popen[bytes], port: int, url: str) -> None:
    until = time.monotonic() + _PATIENCE
    while free(port):
        if server.poll() is not None or time.monotonic() > until:
            return
        time.sleep(0.1)
    webbrowser.open(url)
