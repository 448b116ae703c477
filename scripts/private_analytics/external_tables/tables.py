"""The external tables over the export bucket: log_lines (raw text) and export_records (one JSON object per completed export).

`declared` says which tables should exist, `plan` (pure) compares them with those that exist, and `apply` makes the calls. Only
tables with our mark are ever changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from ..aws import aws_errors
from ..bucket import BUCKET_NAME, LOGS, PREFIX, RECORDS
from ..errors import UserError
from ..export_record import ExportRecord

if TYPE_CHECKING:
    from mypy_boto3_glue.client import GlueClient
    from mypy_boto3_glue.type_defs import TableInputTypeDef, TableTypeDef

MARK = {"managed_by": "private-analytics-layer"}
DATABASE_NAME = re.compile(r"[a-z0-9_]{1,255}")


@dataclass(frozen=True)
class Location:
    """Where the exports are: a bucket, the prefix before logs/ and exports/ ('' or 'a/b'), and the first exported day."""

    bucket: str
    prefix: str
    first_day: date

    def folder(self, name: str) -> str:
        return "s3://" + "/".join(part for part in (self.bucket, self.prefix.strip("/"), name) if part)


@dataclass(frozen=True)
class TableChange:
    """One thing to do: create the database, create a table, or update one. `differences` says what changes, as text."""

    action: Literal["create database", "create table", "update table"]
    name: str
    differences: tuple[str, ...] = ()
    table: TableInputTypeDef | None = None


def reconcile(glue: GlueClient, database: str, location: Location, *, dry_run: bool = False) -> list[TableChange]:
    """Create or update the tables of `location` in a Glue database. Returns what was done, or with dry_run what would be done.

    Raises UserError for invalid names or locations, for tables of others, and for what Glue refuses.
    """
    _check_names(database, location)
    tables = declared(location)
    database_exists, existing = read(glue, database, [table["Name"] for table in tables])
    changes = plan(tables, existing, database, database_exists=database_exists)
    if not dry_run:
        apply(glue, database, changes)
    return changes


def declared(location: Location) -> tuple[TableInputTypeDef, ...]:
    """The tables as Glue's TableInput.

    log_lines is partitioned by event_day (yyyy/MM/dd) with partition projection, so no partition is ever added by hand. Its only
    column holds the whole line: LazySimpleSerDe's delimiter and null text are set to what a line cannot contain.
    """
    return _log_lines(location), _export_records(location)


def plan(
    tables: Sequence[TableInputTypeDef], existing: dict[str, TableTypeDef | None], database: str, *, database_exists: bool
) -> list[TableChange]:
    """What must be done so that `existing` (name -> Glue's Table, or None) becomes `tables`; empty if nothing differs.

    Raises UserError for a table with such a name that this command did not create.
    """
    changes = [] if database_exists else [TableChange("create database", database)]
    for table in tables:
        name = f"{database}.{table['Name']}"
        found = existing.get(table["Name"])
        if found is None:
            changes.append(TableChange("create table", name, table=table))
            continue
        if not MARK.items() <= found.get("Parameters", {}).items():
            raise UserError(
                f"{name} exists and was not created by this command, so it is not changed. Rename or drop it, or choose another"
                " --database."
            )
        differences = tuple(_differences(table, found))
        if differences:
            changes.append(TableChange("update table", name, differences, table))
    return changes


def read(glue: GlueClient, database: str, names: Sequence[str]) -> tuple[bool, dict[str, TableTypeDef | None]]:
    """Whether the database exists, and its tables with these names. Raises UserError if Glue cannot be asked."""
    with aws_errors(f"look up the tables of {database}"):
        try:
            glue.get_database(Name=database)
        except glue.exceptions.EntityNotFoundException:
            return False, dict.fromkeys(names)
        return True, {name: _table(glue, database, name) for name in names}


def _table(glue: GlueClient, database: str, name: str) -> TableTypeDef | None:
    try:
        return glue.get_table(DatabaseName=database, Name=name)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return None


def apply(glue: GlueClient, database: str, changes: Sequence[TableChange]) -> None:
    """Carry out a plan. It can be interrupted at any point and run again. Raises UserError if Glue refuses."""
    for change in changes:
        with aws_errors(f"{change.action} {change.name}"):
            if change.table is None:
                glue.create_database(DatabaseInput={"Name": database, "Parameters": MARK})
            elif change.action == "create table":
                glue.create_table(DatabaseName=database, TableInput=change.table)
            else:
                glue.update_table(DatabaseName=database, TableInput=change.table)


def _check_names(database: str, location: Location) -> None:
    if not DATABASE_NAME.fullmatch(database):
        raise UserError(f"--database {database!r} is not valid. Use only lower-case letters, digits and underscores.")
    if not BUCKET_NAME.fullmatch(location.bucket):
        raise UserError(f"--bucket {location.bucket!r} is not a bucket name. Give the name only, without s3://.")
    if not PREFIX.fullmatch(location.prefix):
        raise UserError(f"--prefix {location.prefix!r} is not valid. Use letters, digits, dots, _ and -, separated by slashes.")


def _log_lines(location: Location) -> TableInputTypeDef:
    folder = location.folder(LOGS)
    return {
        "Name": "log_lines",
        "Description": "Raw log lines, as CloudWatch exported them.",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": "event_day", "Type": "string"}],
        "Parameters": {
            **MARK,
            "EXTERNAL": "TRUE",
            "projection.enabled": "true",
            "projection.event_day.type": "date",
            "projection.event_day.format": "yyyy/MM/dd",
            "projection.event_day.range": f"{location.first_day:%Y/%m/%d},NOW",
            "storage.location.template": f"{folder}/${{event_day}}/",
        },
        "StorageDescriptor": {
            "Columns": [{"Name": "line", "Type": "string"}],
            "Location": f"{folder}/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {
                    "field.delim": "\n",
                    "serialization.format": "\n",
                    "serialization.last.column.takes.rest": "true",
                    "serialization.null.format": "\n",
                },
            },
        },
    }


def _export_records(location: Location) -> TableInputTypeDef:
    return {
        "Name": "export_records",
        "Description": "One row a completed export task.",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "Parameters": {**MARK, "EXTERNAL": "TRUE"},
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in ExportRecord.glue_columns().items()],
            "Location": f"{location.folder(RECORDS)}/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {}},
        },
    }


def _differences(wanted: object, found: object, path: str = "") -> Iterator[str]:
    """What differs between `wanted` and `found`. Keys that only Glue has (times, owners, its own parameters) are ignored."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            yield from _differences(value, found.get(key), f"{path}.{key}" if path else key)
    elif wanted != found and (wanted or found):
        yield f"{path}: {found!r} -> {wanted!r}"
