"""Publishing from Athena: PostgreSQL gets what Athena has, value by value."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pyathena
import pytest

from helpers.athena_project import AthenaProject
from helpers.postgres_server import PASSWORD, PostgresServer
from helpers.project import TABLES
from helpers.tiny_marts import MARTS, NEW, OLD, Tables, content
from local_aws import LocalAws
from private_analytics.project import paths
from private_analytics.publish import copying, postgres
from private_analytics.publish.source import Source

NOT_PUBLISHED = {"events", "fct_events", "rejected_log_lines", "loaded_exports"}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def test_types_nulls_and_times_survive(
    local_aws: LocalAws,
    athena_schema: str,
    athena_location: str,
    athena_query: Callable[..., Any],
    server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also the day in which two rows exchange a value, and one that does not change."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    marts = [replace(mart, relation=f'"awsdatacatalog"."{athena_schema}"."{mart.name}"') for mart in MARTS]
    for mart in marts:
        columns = ", ".join(f"{name} {GLUE.get(kind, kind)}" for name, kind in mart.columns.items())
        athena_query(f"create table {athena_schema}.{mart.name} ({columns}) location '{athena_location}{mart.name}/' {ICEBERG}")

    def hold(tables: Tables) -> None:
        for mart in marts:
            rows = ", ".join(f"({', '.join(map(literal, row))})" for row in tables[mart.name])
            athena_query(f"delete from {athena_schema}.{mart.name}")
            athena_query(f"insert into {athena_schema}.{mart.name} values {rows}")

    athena = pyathena.connect(
        s3_staging_dir=athena_location, endpoint_url=local_aws.endpoint, region_name=local_aws.region, poll_interval=0.05
    )
    with server.connect() as reader, closing(postgres.connect(server.url())) as connection:
        changes = []
        for tables in (OLD, OLD, NEW):
            if tables is not OLD or not changes:
                hold(tables)
            done = copying.publish(Source("athena", athena), connection, "analytics", marts)
            changes.append([(change.days, written) for _, change, written in done])
            assert {name: content(reader, name) for name in tables} == tables
        reader.execute("drop schema analytics cascade")
    days = [date(2026, 10, day) for day in (24, 25, 26, 27)]
    assert changes == [
        [(None, 4), (None, 3)],
        [([], 0), ([], 0)],
        [([days[0], days[2], days[3]], 4), (days[:3], 3)],
    ]


GLUE = {"varchar": "string", "timestamp(6)": "timestamp", "integer": "int"}
ICEBERG = "tblproperties ('table_type' = 'ICEBERG')"


def literal(value: object) -> str:
    match value:
        case None | bool() | int():
            return str(value).replace("None", "null")
        case float():
            return "infinity()" if math.isinf(value) else f"double '{value!r}'"
        case datetime():
            return f"timestamp '{value:%Y-%m-%d %H:%M:%S.%f}'"
        case date():
            return f"date '{value}'"
    return "'" + str(value).replace("'", "''") + "'"


def test_the_marts_of_the_project(athena_project: AthenaProject, server: PostgresServer) -> None:
    first = publish(athena_project, server)
    assert "unchanged" not in first
    with server.connect() as reader:
        for name in TABLES.keys() - NOT_PUBLISHED:
            expected = {tuple(map(stored, row.values())) for row in athena_project.table(name)}
            assert expected
            assert content(reader, name) == expected
    assert all(line.endswith("unchanged") for line in publish(athena_project, server).splitlines())


def stored(value: object) -> object:
    """PostgreSQL's text has no NUL."""
    return value.replace("\0", "␀") if isinstance(value, str) else value


def publish(project: AthenaProject, server: PostgresServer) -> str:
    """What the command says."""
    environment = project.environment | {"PGPASSWORD": PASSWORD}
    command = [sys.executable, "-m", "private_analytics", "publish", "--to", server.url()]
    done = subprocess.run(command, env=environment, cwd=paths.root(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
