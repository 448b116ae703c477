"""The dbt project on Athena: the unmodified adapter, on the same exports as DuckDB, gives the same tables."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from helpers import oracle
from helpers.athena_project import DBT_CALLS, LONG_AGO, SCATTERED, AthenaProject
from helpers.project import TABLES, Project
from private_analytics.cost import scanned

APPROXIMATE = {"latency_p50_ms", "latency_p95_ms", "latency_p99_ms"}
# What the two engines call one type.
GLUE_TYPES = {"VARCHAR": "string", "INTEGER": "int", "BIGINT": "bigint", "DOUBLE": "double", "BOOLEAN": "boolean", "DATE": "date"}
GLUE_TYPES |= {"TIMESTAMP": "timestamp"}


def run_on_duckdb(lake: Project, *arguments: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICS_DB", str(lake.database))
        patch.setenv("DBT_TARGET_PATH", str(lake.database.with_name("target")))
        patch.setenv("DBT_LOG_PATH", str(lake.database.with_name("logs")))
        lake.run(*arguments)


@pytest.fixture(scope="module")
def duckdb_tables(lake: Project, athena_project: AthenaProject) -> Project:
    """The same exports on DuckDB, all at once."""
    run_on_duckdb(lake)
    return lake


def test_no_statement_grows_with_the_days_of_a_load(athena_project: AthenaProject) -> None:
    """Athena takes 256 KB. The last build loaded a thousand days, none next to another; each is in the tables."""
    statements = list((athena_project.work / "target" / "run").rglob("*.sql"))
    assert any(path.name == "sessions.sql" for path in statements)
    assert {path.name: path.stat().st_size for path in statements if path.stat().st_size > 200_000} == {}
    for name in ("fct_events", "int_users__active_days", "sessions"):
        loaded = {row["event_date"] for row in athena_project.table(name) if row["user_id"] == "u-scattered"}
        assert loaded == set(SCATTERED), name


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_that_of_duckdb(athena_project: AthenaProject, duckdb_tables: Project, name: str) -> None:
    """Row by row; percentiles are approximate on Athena, and may be 2 % off."""
    expected, found = duckdb_tables.table(name), athena_project.table(name)
    if name == "events":  # Athena folds names to lower case
        expected, found = (
            [{column.lower(): value for column, value in row.items()} for row in rows] for rows in (expected, found)
        )
    assert expected
    key = tuple(column.lower() for column in TABLES[name])
    rough, exact = set(key) | APPROXIMATE, set(expected[0]) - APPROXIMATE
    assert not oracle.compare(only(exact, expected), only(exact, found), key)
    assert not oracle.compare(only(rough, expected), only(rough, found), key, relative=0.02)


def only(columns: set[str], rows: list[dict]) -> list[dict]:
    return [{column: value for column, value in row.items() if column in columns} for row in rows]


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_the_type_that_it_has_on_duckdb(
    athena_project: AthenaProject, duckdb_tables: Project, name: str
) -> None:
    table = athena_project.client("glue").get_table(DatabaseName=athena_project.schema, Name=name)["Table"]
    found = {column["Name"].lower(): column["Type"] for column in table["StorageDescriptor"]["Columns"]}
    with duckdb.connect(str(duckdb_tables.database), read_only=True) as connection:
        described = connection.execute(f"describe {name}").fetchall()
    assert found == {column.lower(): GLUE_TYPES[kind] for column, kind, *_ in described}


@pytest.fixture(scope="module")
def catalog(athena_project: AthenaProject) -> str:
    """What dbt docs generate found in Athena."""
    done = athena_project.dbt("docs", "generate")
    assert done.returncode == 0, done.stdout
    return (athena_project.work / "target" / "catalog.json").read_text()


def test_docs_and_freshness(athena_project: AthenaProject, catalog: str) -> None:
    assert all(name in catalog for name in TABLES)
    done = athena_project.dbt("source", "freshness")
    assert done.returncode == 0, done.stdout


def test_a_run_leaves_nothing_behind(athena_project: AthenaProject) -> None:
    """No table of the adapter's, and no object that is not below the location of a table."""
    glue = athena_project.client("glue")
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=athena_project.schema)
    tables = [table for page in pages for table in page["TableList"]]
    manifest = json.loads((athena_project.work / "target" / "manifest.json").read_text())
    nodes = {node["alias"] for node in manifest["nodes"].values() if node["relation_name"]}
    assert {table["Name"] for table in tables} == {*nodes, "run_lock"}
    places = [table["StorageDescriptor"]["Location"] for table in tables if table["TableType"] != "VIRTUAL_VIEW"]
    homes = [place.removeprefix(f"s3://{athena_project.bucket}/").rstrip("/") + "/" for place in places]
    orphans = [key for key in athena_project.objects("tables/") if not key.startswith(tuple(homes))]
    assert not orphans


@pytest.fixture(scope="module")
def before_maintenance(athena_project: AthenaProject) -> list[dict]:
    """The rows of fct_events from before it was maintained, as it now is."""
    rows = athena_project.table("fct_events")
    done = athena_project.dbt("run-operation", "maintain")
    assert done.returncode == 0, done.stdout
    return rows


def test_maintenance_leaves_one_file_a_day_and_the_same_rows(
    athena_project: AthenaProject, before_maintenance: list[dict]
) -> None:
    files = athena_project.query('select "partition" as part, count(*) as files from "fct_events$files" group by "partition"')
    assert files
    assert all(row["files"] == 1 for row in files)
    assert not oracle.compare(before_maintenance, athena_project.table("fct_events"), ("event_id",))


def test_a_daily_run_reads_each_new_raw_byte_once(athena_project: AthenaProject, lake: Project) -> None:
    """A new day, and one more export of a day that is loaded: of that day's folder only the new objects are read."""
    a_day = datetime.now(UTC).date() - timedelta(days=3)
    folder = sorted((lake.lake / "logs" / f"{a_day:%Y/%m/%d}").iterdir())[0]
    again = {path.parent.name: path.read_bytes() for path in folder.glob("*/000000.gz")}
    lake.export(again, task_id="again", day=a_day, completed_at=datetime(2030, 1, 1))
    new = [f'{a_day}T12:00:00.{n:03}Z {{"eventName":"new","n":{n}}}' for n in range(500)]
    lake.export({"s": new}, task_id="new", day=date(2026, 9, 30))
    before = len(athena_project.table("fct_events"))
    raw_bytes = athena_project.upload(lake.lake)
    assert athena_project.dbt("run").returncode == 0
    assert len(athena_project.table("fct_events")) == before + 500

    invocation_id, started = scanned.read_run(athena_project.work / "target" / "run_results.json")
    found = scanned.scans(athena_project.client("athena"), "primary", invocation_id, started)
    batch = next(scan for scan in found if scan.node.endswith(".batch_lines"))
    list_of_exports = 20_000  # bytes at most: the query for the new exports, and the join with them
    assert raw_bytes <= batch.bytes <= raw_bytes + list_of_exports
    shown = athena_project.pal("scanned", "--json", "--run-results", str(athena_project.work / "target" / "run_results.json"))
    as_data = json.loads(shown)
    assert {node["node"]: node["bytes"] for node in as_data["nodes"]} == {scan.node: scan.bytes for scan in found}
    assert as_data["total"]["bytes"] == sum(scan.bytes for scan in found)


def test_a_full_refresh_without_all_raw_logs_is_refused(athena_project: AthenaProject) -> None:
    """Athena reads past what lies in Glacier, as if it were not there; so here an export's objects are gone."""
    before, ledger = athena_project.table("fct_events"), athena_project.table("loaded_exports")
    lost = next(row["export_task_id"] for row in ledger if row["lines"])
    s3 = athena_project.client("s3")
    keys = [key for key in athena_project.objects("logs/") if f"/{lost}/" in key]
    kept = {key: s3.get_object(Bucket=athena_project.bucket, Key=key)["Body"].read() for key in keys}
    for key in kept:
        s3.delete_object(Bucket=athena_project.bucket, Key=key)
    done = athena_project.dbt("run", "--full-refresh")
    for key, content in kept.items():
        s3.put_object(Bucket=athena_project.bucket, Key=key, Body=content)
    assert done.returncode == 1
    assert "would lose 1 exports" in done.stdout
    assert not oracle.compare(before, athena_project.table("fct_events"), ("event_id",))
    assert not oracle.compare(ledger, athena_project.table("loaded_exports"), ("export_task_id",))


def test_an_edited_definition_is_computed_again_for_all_days(athena_project: AthenaProject, lake: Project) -> None:
    """Sessions of more than 100 days, by another gap; the run selects nothing that loads."""
    edited = ("--vars", "{session_gap_minutes: 45}")
    before = athena_project.table("sessions")
    done = athena_project.dbt("run", *edited, "--select", "batch_session_events", "sessions", "int_sessions__funnels")
    assert done.returncode == 0, done.stdout
    assert "sessions: its definition has changed" in done.stdout
    run_on_duckdb(lake, *edited)
    for name in ("sessions", "int_sessions__funnels"):
        assert not oracle.compare(lake.table(name), athena_project.table(name), ("event_date", "session_id"))
    assert len(athena_project.table("sessions")) < len(before)


@pytest.mark.usefixtures("catalog", "before_maintenance")
def test_dbt_asks_for_what_its_role_is_tested_with(athena_project: AthenaProject) -> None:
    """Builds, docs, maintenance and all else above. tests/infra/ holds the role's policies to these calls."""
    seen, listed = athena_project.permissions(), set(DBT_CALLS.read_text().splitlines())
    assert not seen - listed, "\n".join(["not in dbt_calls.txt:", *sorted(seen - listed)])
    assert not listed - seen, "\n".join(["in dbt_calls.txt, but not seen:", *sorted(listed - seen)])


def test_a_backfill_of_more_than_100_days(athena_project: AthenaProject) -> None:
    """Athena writes at most 100 partitions with one statement; the first build had more days than that to write."""
    assert len(LONG_AGO) > 100
    loaded = {row["event_date"] for row in athena_project.table("fct_events") if row["event_name"] == "long_ago"}
    assert loaded == set(LONG_AGO)
    ledger = {row["export_task_id"]: row["lines"] for row in athena_project.table("loaded_exports")}
    assert [ledger.get(f"long-ago-{day}") for day in LONG_AGO] == [1] * len(LONG_AGO)
