"""Getting Trino, starting the server and ending it: what is left behind must be nothing."""

import hashlib
import io
import os
import shlex
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from local_aws import LocalAws, trino_server
from local_aws.trino_server import TrinoError, install

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120  # until something that must happen counts as not happening; far more than it takes


def eventually(what: str, happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.1)


# --- processes ----------------------------------------------------------------------------------------------------------


def processes() -> dict[int, tuple[int, str]]:
    """The parent and the command of every process; zombies, which only wait to be counted, are left out."""
    command = ["ps", "-axww", "-o", "pid=", "-o", "ppid=", "-o", "stat=", "-o", "args="]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split(None, 3) for line in lines]
    return {int(pid): (int(parent), *rest) for pid, parent, stat, *rest in rows if not stat.startswith("Z") and rest}


def descendants(pid: int) -> dict[int, str]:
    found: dict[int, str] = {}
    everything = processes()
    while new := {p: args for p, (parent, args) in everything.items() if parent in {pid, *found} and p not in found}:
        found |= new
    return found


def java_of(pid: int) -> int | None:
    return next((p for p, args in descendants(pid).items() if args.split()[0].endswith("/java")), None)


def listening_addresses(pid: int) -> set[str]:
    """The addresses, as hexadecimal numbers of the kernel, on which a process listens for TCP."""
    sockets = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]]
    return {line[1].split(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


@contextmanager
def front(scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """`python -m local_aws`, with `scratch` for its temporary files."""
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "local_aws"],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def exported(process: subprocess.Popen[str]) -> dict[str, str]:
    """What the front tells to export, which it does once it is ready."""
    variables: dict[str, str] = {}
    for line in process.stdout:
        words = shlex.split(line, comments=True)
        if words:
            assert words[0] == "export"
            name, _, value = words[1].partition("=")
            variables[name] = value
        if "ATHENA_DATA" in variables:
            return variables
    pytest.fail(f"the front ended: {process.stderr.read()}")


def answer_of(variables: dict[str, str], sql: str) -> str:
    """The first value of the first row, from a client that knows nothing but the exported variables."""
    session = boto3.Session(
        variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name=variables["AWS_REGION"]
    )
    athena = session.client("athena", endpoint_url=variables["AWS_ENDPOINT_URL"])
    query = athena.start_query_execution(
        QueryString=sql,
        WorkGroup=variables["ATHENA_WORKGROUP"],
        ResultConfiguration={"OutputLocation": variables["ATHENA_RESULTS"]},
    )["QueryExecutionId"]

    def status() -> dict[str, str]:
        return athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]

    eventually("the query is over", lambda: status()["State"] not in ("QUEUED", "RUNNING"))
    assert status()["State"] == "SUCCEEDED", status()
    return athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1]["Data"][0]["VarCharValue"]


def is_taken(url: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) == 0


def test_a_front_beside_another_from_its_exports_to_ctrl_c(aws: LocalAws, tmp_path: Path) -> None:
    with front(tmp_path / "scratch") as process:
        variables = exported(process)
        assert variables["ANALYTICS_TARGET"] == "athena"
        assert variables["AWS_ENDPOINT_URL"] != aws.endpoint
        assert answer_of(variables, "select 40 + 2") == "42"

        # The next query after Trino's death works.
        first_java = java_of(process.pid)
        os.kill(first_java, signal.SIGKILL)
        eventually("Trino is dead", lambda: first_java not in processes())
        assert answer_of(variables, "select 40 + 3") == "43"
        assert java_of(process.pid) not in (None, first_java)

        started = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert not started.keys() & processes().keys()
        assert not is_taken(variables["AWS_ENDPOINT_URL"])
        assert not any((tmp_path / "scratch").iterdir())
        assert "Trino ended" in process.stderr.read()
    assert aws.trino.is_running()


def test_a_front_that_is_killed_takes_trino_with_it(tmp_path: Path) -> None:
    with front(tmp_path / "scratch") as process:
        eventually("Java runs", lambda: java_of(process.pid))
        started = descendants(process.pid)
        process.kill()
        eventually("all it started is gone", lambda: not started.keys() & processes().keys())


def test_sigterm_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with front(tmp_path / "scratch") as process:
        eventually("Java runs", lambda: java_of(process.pid))
        started = descendants(process.pid)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
        assert not started.keys() & processes().keys()
        assert not any((tmp_path / "scratch").iterdir())
        assert process.stdout.read() == ""


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_everything_listens_on_loopback_only(aws: LocalAws) -> None:
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    assert listening_addresses(os.getpid()) <= loopback
    assert listening_addresses(java_of(os.getpid())) <= loopback
    assert listening_addresses(java_of(os.getpid()))


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        command = [sys.executable, "-m", "local_aws", "--port", str(other.getsockname()[1])]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "is in use by another program" in done.stderr
    assert "Traceback" not in done.stderr


# --- getting Trino ------------------------------------------------------------------------------------------------------


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a script in mvn's place; in it, $directory is where the tarball belongs. Without a script there is no mvn."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/bin:/usr/bin")
    monkeypatch.setattr(trino_server.shutil, "which", lambda name: str(programs / name) if (programs / name).exists() else None)

    def put(script: str) -> None:
        mvn = programs / "mvn"
        mvn.write_text(
            f"#!/bin/sh\nfor word; do case $word in -DoutputDirectory=*) directory=${{word#*=}};; esac; done\n{script}\n"
        )
        mvn.chmod(0o755)

    return put


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def left_in(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()} - {".lock"}


def test_no_maven(cache: Path, maven: Callable[[str], None]) -> None:
    with pytest.raises(TrinoError, match=r"^Trino is fetched with Maven, .*: apt-get install maven, or brew install maven$"):
        install(cache, print)
    assert not left_in(cache)


def test_maven_s_own_error_is_passed_on(cache: Path, maven: Callable[[str], None]) -> None:
    maven(
        "echo '[INFO] Scanning'; echo '[ERROR] Unknown host repo.example'; echo '[ERROR] To see the full stack trace ...'; exit 1"
    )
    with pytest.raises(TrinoError, match=r"Unknown host repo\.example$"):
        install(cache, print)
    assert not left_in(cache)


def test_a_damaged_tarball_is_refused(cache: Path, maven: Callable[[str], None]) -> None:
    maven(f'echo damaged > "$directory/trino-server-{trino_server.VERSION}.tar.gz"')
    with pytest.raises(TrinoError, match="is not the published one"):
        install(cache, print)
    assert not left_in(cache)


def small_tarball(path: Path) -> None:
    """A tarball like the real one: hive's jar is a link to a jar of a plugin that is trimmed."""
    root = f"trino-server-{trino_server.VERSION}"
    with tarfile.open(path, "w:gz") as archive:
        for name in (f"{root}/lib/main.jar", f"{root}/plugin/accumulo/shared.jar", f"{root}/plugin/iceberg/own.jar"):
            member = tarfile.TarInfo(name)
            member.size = 3
            archive.addfile(member, io.BytesIO(b"jar"))
        link = tarfile.TarInfo(f"{root}/plugin/hive/shared.jar")
        link.type, link.linkname = tarfile.LNKTYPE, f"{root}/plugin/accumulo/shared.jar"
        archive.addfile(link)


def test_two_installs_at_once_after_one_that_was_killed(
    cache: Path, maven: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tarball = tmp_path / "small.tar.gz"
    small_tarball(tarball)
    monkeypatch.setattr(trino_server, "TARBALL_SHA256", hashlib.sha256(tarball.read_bytes()).hexdigest())
    maven(f'echo run >> "{tmp_path}/runs"; sleep 1; cp "{tarball}" "$directory/trino-server-{trino_server.VERSION}.tar.gz"')
    (cache / ".unpack-killed" / "plugin").mkdir(parents=True)

    both_ready = threading.Barrier(2)

    def install_with_the_other(_: int) -> Path:
        both_ready.wait()
        return install(cache, print)

    with ThreadPoolExecutor(2) as pool:
        homes = set(pool.map(install_with_the_other, range(2)))

    assert homes == {cache / f"trino-{trino_server.VERSION}"}
    home = homes.pop()
    assert left_in(cache) == {home.name}
    assert (tmp_path / "runs").read_text() == "run\n"
    assert sorted(str(path.relative_to(home)) for path in home.rglob("*.jar")) == [
        "lib/main.jar",
        "plugin/hive/shared.jar",
        "plugin/iceberg/own.jar",
    ]
    assert (home / "plugin/hive/shared.jar").read_bytes() == b"jar"
