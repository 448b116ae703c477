"""What the tests of the local AWS share: one server for the whole run, and a database of its own for each test."""

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from athena_project import LONG_AGO, SCATTERED, AthenaProject
from local_aws import LocalAws
from recording import RecordingAws

from helpers.bad_messages import messages
from helpers.project import Project, nasty_exports
from helpers.rule_cases import exports, utf8_cases
from private_analytics.samples.writer import write_sample_logs

RESULTS_BUCKET = "athena-results"
DATA_BUCKET = "athena-data"

Row = tuple[str | None, ...]
RunQuery = Callable[..., list[Row]]


class QueryFailedError(Exception):
    """A query that Athena reports as FAILED or CANCELLED; the message is its StateChangeReason."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__(status.get("StateChangeReason", status["State"]))
        self.error = status.get("AthenaError")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests without the server first: they are quick, and moto's mock_aws throws away what the server keeps."""
    items.sort(key=lambda item: "aws" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def aws() -> Iterator[RecordingAws]:
    """The server, with a bucket for results and one for data."""
    with RecordingAws() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        for bucket in (RESULTS_BUCKET, DATA_BUCKET):
            boto3.client("s3").create_bucket(Bucket=bucket)
        yield server


@pytest.fixture(scope="session")
def athena(aws: LocalAws) -> Any:
    return boto3.client("athena")


@pytest.fixture(scope="session")
def glue(aws: LocalAws) -> Any:
    return boto3.client("glue")


@pytest.fixture(scope="session")
def s3(aws: LocalAws) -> Any:
    return boto3.client("s3")


@pytest.fixture
def database(glue: Any, s3: Any) -> Iterator[str]:
    """The name of an empty Glue database, whose tables are dropped after the test; its data is under `data_uri`."""
    name = f"test_{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": name, "LocationUri": f"s3://{DATA_BUCKET}/{name}/"})
    yield name
    for page in glue.get_paginator("get_tables").paginate(DatabaseName=name):
        for table in page["TableList"]:
            glue.delete_table(DatabaseName=name, Name=table["Name"])
    glue.delete_database(Name=name)


@pytest.fixture
def data_uri(database: str) -> str:
    """Where the test's tables may keep their files; ends with a slash."""
    return f"s3://{DATA_BUCKET}/{database}/"


@pytest.fixture
def execute(athena: Any, database: str) -> Callable[..., dict[str, Any]]:
    """Run a statement to its end and return its QueryExecution, whatever its state; keywords go to StartQueryExecution."""

    def run(sql: str, **more: Any) -> dict[str, Any]:
        request = {
            "QueryString": sql,
            "QueryExecutionContext": {"Database": database},
            "ResultConfiguration": {"OutputLocation": f"s3://{RESULTS_BUCKET}/{database}/"},
        }
        query = athena.start_query_execution(**request | more)["QueryExecutionId"]
        while True:
            execution = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            if execution["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
                return execution
            time.sleep(0.05)

    return run


@pytest.fixture
def run_query(athena: Any, execute: Callable[..., dict[str, Any]]) -> RunQuery:
    """Run a statement and return its rows as the texts that Athena sends, for queries without the row of column names.

    Raises QueryFailedError with Athena's reason.
    """

    def run(sql: str, **more: Any) -> list[Row]:
        execution = execute(sql, **more)
        if execution["Status"]["State"] != "SUCCEEDED":
            raise QueryFailedError(execution["Status"])
        rows: list[Row] = []
        for page in athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution["QueryExecutionId"]):
            rows += [tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in page["ResultSet"]["Rows"]]
        return rows[1:] if execution.get("SubstatementType") == "SELECT" else rows

    return run


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Every kind of line: a storefront's days up to the day before yesterday, exports that overlap, bad messages, many days."""
    work = tmp_path_factory.mktemp("parity")
    project = Project(work / "lake", work / "analytics.duckdb")
    last_day = datetime.now(UTC).date() - timedelta(days=2)
    write_sample_logs(project.lake, days=5, events_per_day=400, seed=3, end_date=last_day)
    nasty_exports(project, 4)
    for day in LONG_AGO:
        project.export({"s": [f'{day}T12:00:00.000Z {{"eventName":"long_ago"}}']}, task_id=f"long-ago-{day}", day=day)
    scattered = [f'{{"timestamp":"{day}T12:00:00Z","eventName":"scattered","userId":"u-scattered"}}' for day in SCATTERED]
    scattered.append(scattered[0].replace("12:00", "12:40"))  # two sessions, unless session_gap_minutes is set to more
    project.export({"s": scattered}, task_id="scattered", line_format="plain")
    for line_format, streams in exports(utf8_cases()).items():
        project.export(streams, task_id=f"rules-{line_format}", line_format=line_format)
    odd = {f"stream {n}": [line] for n, (line, _) in enumerate(messages().values())}
    project.export(odd, task_id="odd", log_group='it\'s "odd" - {{ 1/0 }}')
    return project


@pytest.fixture(scope="session")
def athena_project(aws: LocalAws, lake: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AthenaProject]:
    """The project built twice: first without half of the exports, then, after a run that stopped half way, with all.

    The tests of test_project.py change it, one after the other; those of other modules only read it, at whatever stage.
    """
    project = AthenaProject(aws, tmp_path_factory.mktemp("athena"))
    project.client("s3").create_bucket(Bucket=project.bucket)
    project.client("glue").create_database(DatabaseInput={"Name": project.schema})  # as the stack does
    records = sorted((lake.lake / "exports").rglob("*.json"))
    others = [record for record in records if not record.name.startswith(("long-ago", "scattered"))]
    scattered = [record for record in records if record.name.startswith("scattered")]
    later = [record.rename(record.with_suffix(".later")) for record in others[1::2] + scattered]
    project.upload(lake.lake)
    for name in project.objects("exports/"):
        if name.endswith(".later"):
            project.client("s3").delete_object(Bucket=project.bucket, Key=name)
    project.make_tables(LONG_AGO[0])
    project.build()
    for record in later:
        record.rename(record.with_suffix(".json"))
    project.upload(lake.lake)
    assert project.dbt("run", "--select", "+fct_events").returncode == 0
    project.build("--exclude-resource-type", "unit_test")
    yield project
