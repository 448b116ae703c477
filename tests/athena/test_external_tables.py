"""pal tables: the external tables are what was declared, hold every line, and those of others are left alone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from private_analytics.cli import cli
from private_analytics.errors import UserError
from private_analytics.external_tables import tables

DAY = "2026/10/01"
T = "2026-10-01T12:00:00.000Z "
LINES = [
    "",
    " ",
    "\\N",
    "null",
    "#comment",
    "\\",
    T + "a\x01b\x01\x02c",
    T + "a\tb,c\"d'e\\f\\n;|",
    T + "nul\x00nul",
    T + "\u2028x\u0085y\u00e9\U0001f600",
    "\x0b\x0c",
    " lead and trail ",
    "x" * 1_000_000,
    "a\rb",
    "windows\r",
    "last",
]


@pytest.fixture
def location(s3: Any, athena_schema: str) -> Iterator[tables.Location]:
    s3.create_bucket(Bucket=f"exports-{athena_schema.replace('_', '-')}")
    yield tables.Location(f"exports-{athena_schema.replace('_', '-')}", "some/prefix", date(2026, 9, 1))


def test_every_line_is_there_as_it_stands(
    location: tables.Location, s3: Any, glue: Any, athena_schema: str, athena_query: Any
) -> None:
    content = "\n".join(LINES).encode()
    for stream in ("one", "two/with spaces & signs"):
        s3.put_object(Bucket=location.bucket, Key=f"some/prefix/logs/{DAY}/task/{stream}/000000.gz", Body=gzip.compress(content))
    s3.put_object(Bucket=location.bucket, Key=f"some/prefix/logs/{DAY}/aws-logs-write-test", Body=b"Permission Check Successful")
    tables.reconcile(glue, athena_schema, location)
    rows = athena_query(
        "select to_hex(to_utf8(line)) from log_lines where event_day = '2026/10/01' and \"$path\" like '%/task/%'"
    )
    assert sorted(bytes.fromhex(row[0]) for row in rows) == sorted(2 * content.splitlines())


def test_an_export_record_is_a_row(location: tables.Location, s3: Any, glue: Any, athena_schema: str, athena_query: Any) -> None:
    record = {
        "export_task_id": 'it\'s "a" task',
        "log_group": "/api/ü",
        "export_date": "2026-10-01",
        "objects": 3,
        "bytes": 2**40,
    }
    for n in range(2):
        body = json.dumps(record | {"from_ms": n}) + "\n"
        s3.put_object(Bucket=location.bucket, Key=f"some/prefix/exports/{DAY}/{n}.json", Body=body)
    tables.reconcile(glue, athena_schema, location)
    columns = "export_task_id, log_group, export_date, objects, bytes, from_ms, line_format"
    rows = athena_query(f"select {columns} from export_records order by from_ms")
    assert rows == [('it\'s "a" task', "/api/ü", "2026-10-01", "3", str(2**40), str(n), None) for n in range(2)]


def test_only_what_differs_is_changed_and_said(location: tables.Location, glue: Any, athena_schema: str) -> None:
    changes = tables.reconcile(glue, athena_schema, location, dry_run=True)
    assert [change.action for change in changes] == ["create table", "create table"]
    assert not glue.get_tables(DatabaseName=athena_schema)["TableList"]
    assert tables.reconcile(glue, athena_schema, location) == changes
    assert tables.reconcile(glue, athena_schema, location) == []

    found = glue.get_table(DatabaseName=athena_schema, Name="log_lines")["Table"]
    drifted = {key: found[key] for key in ("Name", "TableType", "PartitionKeys", "Parameters", "StorageDescriptor")}
    drifted["Parameters"] |= {"projection.enabled": "false", "somebody": "else's"}
    glue.update_table(DatabaseName=athena_schema, TableInput=drifted)
    (change,) = tables.reconcile(glue, athena_schema, location)
    assert (change.action, change.name) == ("update table", f"{athena_schema}.log_lines")
    assert any("projection.enabled: 'false' -> 'true'" in difference for difference in change.differences)
    assert tables.reconcile(glue, athena_schema, location) == []


def test_a_table_of_others_is_left_alone(location: tables.Location, glue: Any, athena_schema: str) -> None:
    theirs = {"Name": "export_records", "StorageDescriptor": {"Columns": [{"Name": "mine", "Type": "int"}]}, "Parameters": {}}
    glue.create_table(DatabaseName=athena_schema, TableInput=theirs)
    with pytest.raises(UserError, match=f"{athena_schema}.export_records exists and was not created by this command"):
        tables.reconcile(glue, athena_schema, location)
    assert [table["Name"] for table in glue.get_tables(DatabaseName=athena_schema)["TableList"]] == ["export_records"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bucket", "s3://b"], "Give the name only"),
        (["--bucket", "bucket", "--database", "My-Lake"], "lower-case letters"),
        (["--bucket", "bucket", "--prefix", "a'b"], "separated by slashes"),
    ],
)
def test_a_name_that_cannot_be_is_refused(local_aws: Any, arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(cli, ["tables", "--first-day", "2026-10-01", *arguments])
    assert (done.exit_code, says in done.output) == (1, True), done.output


def test_no_region_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    done = CliRunner().invoke(cli, ["tables", "--first-day", "2026-10-01", "--bucket", "bucket"])
    assert done.exit_code == 1
    assert done.output.startswith("Error: No AWS region is set.")
