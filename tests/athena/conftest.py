"""What the tests on Athena share, besides the fixtures of local_aws: the project, built once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from helpers.athena_project import LONG_AGO, SCATTERED, AthenaProject
from helpers.bad_messages import messages
from helpers.project import Project, nasty_exports
from helpers.rule_cases import exports, utf8_cases
from local_aws import LocalAws
from private_analytics.samples.writer import write_sample_logs


@pytest.fixture(scope="session")
def glue(local_aws: LocalAws) -> Any:
    return boto3.client("glue")


@pytest.fixture(scope="session")
def s3(local_aws: LocalAws) -> Any:
    return boto3.client("s3")


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
def athena_project(local_aws: LocalAws, lake: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AthenaProject]:
    """The project built twice: first without half of the exports, then, after a run that stopped half way, with all.

    The tests of test_project.py change it, one after the other; those of other modules only read it, at whatever stage.
    """
    project = AthenaProject(local_aws, tmp_path_factory.mktemp("athena"))
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
