"""Starting the server and ending it: what is left behind must be nothing."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from local_aws import LocalAws
from local_aws.workspace import RESULTS_BUCKET

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
def front(scratch: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m local_aws`, with `scratch` for its temporary files."""
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "local_aws", *options],
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
        if "AWS_REGION" in variables:
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
        ResultConfiguration={"OutputLocation": f"s3://{RESULTS_BUCKET}/"},
    )["QueryExecutionId"]

    def status() -> dict[str, str]:
        return athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]

    eventually("the query is over", lambda: status()["State"] not in ("QUEUED", "RUNNING"))
    assert status()["State"] == "SUCCEEDED", status()
    return athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1]["Data"][0]["VarCharValue"]


def is_taken(url: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) == 0


def test_a_front_beside_another_from_its_exports_to_ctrl_c(local_aws: LocalAws, tmp_path: Path) -> None:
    with front(tmp_path / "scratch", "--region=eu-central-1", f"--dbt-profile={tmp_path}/dbt") as process:
        variables = exported(process)
        assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "eu-central-1"
        assert "region_name: eu-central-1" in (tmp_path / "dbt" / "profiles.yml").read_text()
        assert variables["AWS_ENDPOINT_URL"] != local_aws.endpoint
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
    assert local_aws.trino.is_running()


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
def test_everything_listens_on_loopback_only(local_aws: LocalAws) -> None:
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    assert listening_addresses(os.getpid()) <= loopback
    assert listening_addresses(java_of(os.getpid())) <= loopback
    assert listening_addresses(java_of(os.getpid()))


def test_a_taken_port_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        command = [sys.executable, "-m", "local_aws", "--port", str(other.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "is in use by another program" in done.stderr
    assert "Traceback" not in done.stderr
