"""An emulator for the whole run, and in it an account for each test."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from private_analytics.stack import settings, target, template

HERE = Path(__file__).resolve().parent
REGION = "eu-central-1"
SERVICES = ("cloudformation", "s3", "sts", "logs", "glue")
numbers = itertools.count(1)


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


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with emulator() as url:
        yield url


@dataclass
class Account:
    """An AWS account of its own: clients, and the environment for a command line."""

    endpoint: str
    number: str
    region: str = REGION
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=self.number,
                aws_secret_access_key="local",  # noqa: S106
                config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
            )
        return self._clients[service]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.number,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": self.region,
        }

    def aws(self, around: Callable[[Any], Any] = lambda client: client) -> target.StackClients:
        return target.StackClients(*(around(self.client(service)) for service in SERVICES), pause=lambda: time.sleep(0.02))


@pytest.fixture
def account(endpoint: str) -> Account:
    return Account(endpoint, f"{next(numbers):012}")


def make_settings(folder: Path, stack: str = "shop", **parameters: str) -> settings.StackSettings:
    """Settings as a user writes them."""
    lines = [f"  {name}: {value!r}" for name, value in ({"FirstDay": "2026-10-01", "NamePrefix": stack} | parameters).items()]
    file = folder / f"{stack}.yaml"
    file.write_text("\n".join([f"Stack: {stack}", "Parameters:", *lines]))
    return settings.read(file, template.merge(template.read_parts())["Parameters"])
