"""Two runs at once on one schema: one loads, the other is refused before it builds anything, and no export is loaded twice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import pytest
from pyathena.error import OperationalError

from helpers.athena_project import RUN_DBT, AthenaProject
from helpers.project import Project
from local_aws import LocalAws
from private_analytics.project import paths

DAY = date(2026, 10, 1)
LINES = 5  # of each export
LOAD = ("run", "--select", "tag:loads")
SHORT_LOAD = ("run", "--select", "tag:loads,config.materialized:view")  # takes the lock, but builds a view only
NO_LOAD = ("build", "--select", "event_catalog", "int_events", "daily_events", "--exclude-resource-type", "unit_test", "test")
FREE = ("run-operation", "free_run_lock", "--args", "{whoever: true}")
NOW = "cast(current_timestamp at time zone 'UTC' as timestamp(6))"


@dataclass
class Run:
    """A dbt process."""

    user: str
    process: subprocess.Popen[str]

    @property
    def name(self) -> str:
        return f"{self.user}@laptop"

    def end(self) -> None:
        """Wait for its end, and keep what it said."""
        self.output, _ = self.process.communicate(timeout=120)
        self.succeeded = self.process.returncode == 0

    def assert_refused(self, holder: str) -> None:
        assert not self.succeeded, self.output
        assert "Another run is loading exports into two_runs" in self.output, self.output
        moment = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"
        assert re.search(rf"{re.escape(holder)} started it at {moment}", self.output), self.output
        assert re.search(rf"its lock expires at {moment}", self.output), self.output
        assert "free_run_lock --args" in self.output, self.output
        assert "START" not in self.output, self.output  # of no model, and no hook


@dataclass
class Team:
    """People with one project on Athena, each of whom starts dbt on a machine of their own."""

    project: AthenaProject
    lake: Project
    exports: int = 0
    started: list[Run] = field(default_factory=list)

    def start(self, user: str, *command: str) -> Run:
        place = self.project.work / user
        if not place.exists():
            shutil.copytree(self.project.work / "target", place / "target")  # it is parsed
        places = {"DBT_TARGET_PATH": str(place / "target"), "DBT_LOG_PATH": str(place / "logs")}
        process = subprocess.Popen(
            [sys.executable, str(RUN_DBT), "--no-use-colors", *command],
            env=self.project.environment | places | {"USER": user, "HOSTNAME": "laptop"},
            cwd=paths.root(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(Run(user, process))
        return self.started[-1]

    def run(self, user: str, *command: str) -> Run:
        run = self.start(user, *command)
        run.end()
        return run

    def export(self) -> None:
        """One more export, which no run has loaded."""
        self.exports += 1
        lines = [f'{DAY}T12:{self.exports:02}:00.{n:03}Z {{"eventName":"searched"}}' for n in range(LINES)]
        self.lake.export({"s": lines}, task_id=f"task-{self.exports}", day=DAY)
        self.project.upload(self.lake.lake)

    def assert_each_export_is_loaded_once(self) -> None:
        events = self.project.query("select event_at, count(*) as copies from fct_events group by event_at")
        assert len(events) == LINES * self.exports
        assert {row["copies"] for row in events} == {1}

    def holders(self) -> list[str]:
        try:
            return [row["holder"] for row in self.project.query("select holder from run_lock order by holder")]
        except OperationalError as error:
            assert "TABLE_NOT_FOUND" in str(error)
            return []

    def hold(self, holder: str, hours: int = 1) -> None:
        """Take the lock as somebody else, even if it is taken. Negative hours: it has expired."""
        values = f"1, 'the run of {holder}', '{holder}', {NOW}, {NOW} + {hours} * interval '1' hour"
        self.project.query(f"insert into run_lock (id, run_id, holder, taken_at, expires_at) values ({values})")

    def expire(self) -> None:
        self.project.query(f"update run_lock set expires_at = {NOW}")


@pytest.fixture(scope="module")
def project(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> AthenaProject:
    """Only the seeds are loaded: there has been no run, and there is no run_lock."""
    project = AthenaProject(local_aws, tmp_path_factory.mktemp("two_runs"), bucket="two-runs", schema="two_runs")
    project.client("s3").create_bucket(Bucket=project.bucket)
    project.client("glue").create_database(DatabaseInput={"Name": project.schema})
    project.make_tables(DAY)
    seeded = project.dbt("seed")
    assert seeded.returncode == 0, seeded.stdout
    return project


@pytest.fixture(scope="module")
def people(project: AthenaProject) -> Team:
    return Team(project, Project(project.work / "lake", project.work / "analytics.duckdb"))


@pytest.fixture
def team(people: Team) -> Iterator[Team]:
    """After the test nobody holds the lock, and nothing runs."""
    yield people
    for run in people.started:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()
    people.started.clear()
    if people.holders():
        people.project.query("delete from run_lock")


@pytest.mark.parametrize("delay", [0, 1.5], ids=["the first runs ever", "later runs"])
def test_one_of_two_runs_loads(team: Team, delay: float) -> None:
    team.export()
    runs = [team.start("ann", *LOAD)]
    time.sleep(delay)
    runs.append(team.start("ben", *LOAD))
    for run in runs:
        run.end()
    assert [run.succeeded for run in runs].count(True) == 1, [run.output for run in runs]
    loaded, refused = sorted(runs, key=lambda run: not run.succeeded)
    refused.assert_refused(loaded.name)
    team.assert_each_export_is_loaded_once()
    assert not team.holders()


def test_a_killed_run_holds_the_lock_until_it_expires(team: Team) -> None:
    team.export()
    killed = team.start("ann", *LOAD)
    assert killed.process.stdout
    assert any("OK created" in line for line in killed.process.stdout)  # reads up to its first model
    killed.process.kill()
    team.run("ben", *LOAD).assert_refused(killed.name)
    assert team.holders() == [killed.name]
    team.expire()
    next_run = team.run("ben", *LOAD)
    assert next_run.succeeded, next_run.output
    team.assert_each_export_is_loaded_once()
    assert not team.holders()


def test_what_loads_nothing_needs_no_lock(team: Team) -> None:
    team.hold("somebody")
    run = team.run("ann", *NO_LOAD)
    assert run.succeeded, run.output
    assert team.holders() == ["somebody"]


def test_a_person_can_free_the_lock(team: Team) -> None:
    """Also where run_lock has two rows. The refused run takes the expired one, and gives it back."""
    team.hold("somebody")
    team.hold("somebody else", hours=-1)
    team.run("ann", *SHORT_LOAD).assert_refused("somebody")
    assert team.holders() == ["somebody"]
    freed = team.run("ann", *FREE)
    assert "The lock is free" in freed.output, freed.output
    assert not team.holders()
