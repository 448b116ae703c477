"""The emulator of AWS, running."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent


@contextlib.contextmanager
def emulator(**more: str) -> Iterator[str]:
    """One of its own, with these environment variables."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "PATH": os.environ["PATH"], "LOG_LEVEL": "ERROR"}
    variables |= {"IOT_MTLS_ENABLED": "0"} | more  # else it listens on a port that is not free for two
    server = subprocess.Popen([sys.executable, str(HERE / "emulator.py")], env=variables, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{url}/_ministack/health", timeout=5).close()  # noqa: S310
                break
            except OSError:
                assert server.poll() is None, "the emulator ended"
                assert time.monotonic() < deadline, "the emulator does not answer"
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(30)
