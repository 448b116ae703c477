"""Two runs at once on one DuckDB file: DuckDB lets one process open it, so the second run stops at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.project import Project
from private_analytics.project import paths

LINES = 200
LOAD = ("build", "--exclude-resource-type", "unit_test", "test")


@pytest.fixture
def running(project: Project) -> Iterator[subprocess.Popen[str]]:
    """A run that loads an export, in its first seconds."""
    lines = [f'2026-10-01T12:00:00.{n:03}Z {{"eventName":"searched"}}' for n in range(LINES)]
    project.export({"s": lines})
    with start() as process:
        wait_for("START", process)
        yield process
        process.kill()


def start() -> subprocess.Popen[str]:
    dbt = Path(sys.executable).with_name("dbt")
    command = [str(dbt), "--no-use-colors", *LOAD]
    return subprocess.Popen(command, cwd=paths.root(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(word: str, process: subprocess.Popen[str]) -> None:
    """Read what the process says up to the first line with this word."""
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if word in line:
            return
    raise AssertionError("".join(said))


def assert_loaded_once(project: Project) -> None:
    events = project.query("select count(*) as events, count(distinct event_at) as times from fct_events")
    assert events == [{"events": LINES, "times": LINES}]


def test_the_second_run_stops_at_once(project: Project, running: subprocess.Popen[str]) -> None:
    running.send_signal(signal.SIGSTOP)  # it would be over before the second run has started
    with start() as second:
        output, _ = second.communicate()
    running.send_signal(signal.SIGCONT)
    assert second.returncode != 0
    assert "Conflicting lock is held in" in output, output
    assert f"(PID {running.pid})" in output, output
    assert "START" not in output, output
    output, _ = running.communicate()
    assert running.returncode == 0, output
    assert_loaded_once(project)


def test_a_killed_run_leaves_nothing_to_remove(project: Project, running: subprocess.Popen[str]) -> None:
    wait_for("OK created", running)
    running.kill()
    running.wait()
    project.run()
    assert_loaded_once(project)
