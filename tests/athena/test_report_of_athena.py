"""The report and `check events` say of Athena what they say of DuckDB, from the same exports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner

from helpers import oracle
from helpers.athena_project import DBT_CALLS, AthenaProject
from helpers.project import Project
from helpers.report_page import Page
from local_aws import LocalAws
from private_analytics.cli import cli
from private_analytics.demo import build
from private_analytics.project import paths
from private_analytics.project.engine import Engine, open_engine
from private_analytics.report.page import QUERIES, find_period, read_marts
from private_analytics.samples.writer import write_sample_logs

LAST_DAY = date(2026, 10, 20)
APPROXIMATE = {"latency_p95_ms", "p50", "p95", "p99"}  # Athena's percentiles may be 2 % off
LATENCY = re.compile(r"([\d,]+(?:\.\d)?) (ms|s)\b")
CHANGE_OF_LATENCY = re.compile(r"(7 days: [\d,.]+ m?s).*")


@pytest.fixture(scope="module")
def report_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """16 days with an incident, bad logins, odd names, a day that is missing and dates that logs made up; built on DuckDB."""
    work = tmp_path_factory.mktemp("report")
    project = Project(work / "lake", work / "analytics.duckdb")
    write_sample_logs(project.lake, days=16, events_per_day=1500, seed=5, end_date=LAST_DAY)
    odd = [
        {"eventName": "</script>{{ 7*7 }}\u2028", "statusCode": 503, "method": "GET", "path": '/"quoted"/\'s', "userId": "é"},
        {"eventName": "old", "timestamp": "2026-09-05T00:00:00Z"},
        {"eventName": "purchased", "statusCode": 200, "latencyMs": 0.25},
    ]
    lines = [f"2026-10-07T12:00:00.00{n}Z {json.dumps(record)}" for n, record in enumerate(odd)]
    lines += [lines[0], "no time", "2026-10-07T12:00:01.000Z no JSON"]
    project.export({"s": lines}, day=date(2026, 10, 7), log_group="/odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICS_DB", str(project.database))
        patch.setenv("DBT_TARGET_PATH", str(work / "target"))
        patch.setenv("DBT_LOG_PATH", str(work / "logs"))
        project.run()
    return project


@pytest.fixture(scope="module")
def report_project(local_aws: LocalAws, report_lake: Project, tmp_path_factory: pytest.TempPathFactory) -> AthenaProject:
    project = AthenaProject(local_aws, tmp_path_factory.mktemp("athena"), bucket="report-exports", schema="report")
    project.client("s3").create_bucket(Bucket=project.bucket)
    project.upload(report_lake.lake)
    project.make_tables(date(2026, 10, 1))
    project.build("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    return project


@contextmanager
def opened(environment: dict[str, str]) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with open_engine() as engine:
            yield engine


def report(environment: dict[str, str], out: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "private_analytics", "report", "--out", str(out)]
    return subprocess.run(command, env=environment, cwd=paths.root(), capture_output=True, text=True, check=False)


def test_every_query_has_the_rows_that_it_has_on_duckdb(report_project: AthenaProject, report_lake: Project) -> None:
    """With the same columns, in the same order, of the same types."""
    with opened({"ANALYTICS_DB": str(report_lake.database)}) as duckdb, opened(report_project.environment) as athena:
        period, outside = find_period(duckdb)
        assert period
        assert outside
        assert find_period(athena) == (period, outside)
        expected, found = read_marts(duckdb, period), read_marts(athena, period)
    for name in QUERIES:
        assert expected[name], name
        columns = list(expected[name][0])
        assert list(found[name][0]) == columns, name
        assert oracle.types_by_column(found[name]) == oracle.types_by_column(expected[name]), name
        rough = APPROXIMATE & set(columns)
        key = tuple(column for column in columns if column not in rough)
        assert not oracle.compare(expected[name], found[name], key, rough, relative=0.02), name
        if "order by" in QUERIES[name].rpartition("from")[2]:
            assert [[row[column] for column in key] for row in found[name]] == [
                [row[column] for column in key] for row in expected[name]
            ], name


def test_the_page_has_the_words_of_that_of_duckdb(report_project: AthenaProject, report_lake: Project, tmp_path: Path) -> None:
    """The command as people run it; it asks AWS for nothing that dbt's role is not tested with."""
    with report_project.aws.recording() as report_project.calls:
        done = report(report_project.environment, tmp_path / "athena.html")
    assert done.returncode == 0, done.stderr
    assert report_project.permissions()
    assert not report_project.permissions() - set(DBT_CALLS.read_text().splitlines())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICS_DB", str(report_lake.database))
        build.build_report(tmp_path / "duckdb.html")
    expected, found = (CHANGE_OF_LATENCY.sub(r"\1", Page(tmp_path / f"{name}.html").text) for name in ("duckdb", "athena"))
    assert "Server errors peaked" in expected
    assert "was above the alarm threshold of" in expected
    assert LATENCY.sub("LATENCY", found) == LATENCY.sub("LATENCY", expected)
    for one, other in zip(LATENCY.finditer(expected), LATENCY.finditer(found), strict=True):
        assert milliseconds(one) == pytest.approx(milliseconds(other), rel=0.02, abs=rounding(one)), (one, other)


def test_check_events_says_what_it_says_of_duckdb(report_project: AthenaProject, report_lake: Project) -> None:
    """It asks AWS for nothing that dbt's role is not tested with."""
    command = [sys.executable, "-m", "private_analytics", "check", "events", "--json", "--days", "20"]
    with report_project.aws.recording() as report_project.calls:
        done = subprocess.run(
            command, env=report_project.environment, cwd=paths.root(), capture_output=True, text=True, check=False
        )
    assert report_project.permissions()
    assert not report_project.permissions() - set(DBT_CALLS.read_text().splitlines())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICS_DB", str(report_lake.database))
        expected = CliRunner().invoke(cli, command[3:])
    assert (done.returncode, expected.exit_code) == (1, 1)
    results = json.loads(done.stdout)["results"]
    assert results == json.loads(expected.output)["results"]
    assert [(line["name"], line["status"]) for line in results] == [
        ("/odd", "failed"),
        ("/storefront/api", "ok"),
        ("/storefront/auth", "ok"),
    ]


def milliseconds(latency: re.Match) -> float:
    digits, unit = latency.groups()
    return float(digits.replace(",", "")) * (1000 if unit == "s" else 1)


def rounding(latency: re.Match) -> float:
    digits, unit = latency.groups()
    return (0.1 if "." in digits else 1) * (1000 if unit == "s" else 1)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"ATHENA_SCHEMA": "nowhere"}, r"Athena's database nowhere .* cannot be read: .* not exist\. .*run `dbt build`\."),
        ({"ATHENA_WORKGROUP": "nowhere"}, r"Could not read Athena's database report \(workgroup nowhere\): .* not found\."),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    report_project: AthenaProject, tmp_path: Path, setting: dict[str, str], says: str
) -> None:
    done = report(report_project.environment | setting, tmp_path / "report.html")
    assert done.returncode == 1
    assert re.fullmatch(f"Error: {says}\n", done.stderr), done.stderr


class Expired(BaseHTTPRequestHandler):
    """What AWS answers to a token that is too old."""

    def do_POST(self) -> None:
        answer = b'{"__type": "ExpiredTokenException", "message": "The security token included in the request is expired"}'
        self.send_response(400)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def test_expired_credentials(report_project: AthenaProject, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Expired) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        done = report(report_project.environment | {"AWS_ENDPOINT_URL": endpoint}, tmp_path / "report.html")
        server.shutdown()
    assert done.returncode == 1
    assert re.fullmatch(
        r"Error: Could not read .*ExpiredTokenException.* is expired\. Your credentials .* sign in .*\n", done.stderr
    ), done.stderr
