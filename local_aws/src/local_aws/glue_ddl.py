"""Hive DDL carried out through the Glue, S3 and Athena APIs; what concerns Iceberg tables goes back to Trino."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote, urlsplit

from botocore.exceptions import ClientError

from local_aws.limits import Refusal, refuse
from local_aws.plan import DdlResult, EngineStep, GlueContext, Table
from local_aws.type_names import glue_type, read_trino

if TYPE_CHECKING:
    from mypy_boto3_glue import type_defs as types

Steps = tuple[EngineStep, ...]
Spec = Mapping[str, str]  # values of partition columns

NOTHING = DdlResult()
PAGE = 25  # partitions in one request: Glue deletes no more at once, and creates up to 100


# --- looking up ---------------------------------------------------------------------------------------------------------


def find_table(ctx: GlueContext, table: Table) -> "types.TableTypeDef | None":
    """The table as Glue has it, or None."""
    try:
        return ctx.glue.get_table(DatabaseName=table.database, Name=table.name)["Table"]
    except ctx.glue.exceptions.EntityNotFoundException:
        return None


def get_table(ctx: GlueContext, table: Table) -> "types.TableTypeDef":
    """The table as Glue has it. Raises Refusal if there is none."""
    found = find_table(ctx, table)
    if found is None:
        raise refuse("table-not-found", table=table)
    return found


def is_iceberg(found: "types.TableTypeDef") -> bool:
    """Whether a table of Glue is an Iceberg table."""
    return found.get("Parameters", {}).get("table_type", "").upper() == "ICEBERG"


def is_view(found: "types.TableTypeDef") -> bool:
    """Whether a table of Glue is a view."""
    return found.get("TableType") == "VIRTUAL_VIEW"


def get_database(ctx: GlueContext, name: str) -> "types.DatabaseTypeDef":
    """The database as Glue has it. Raises Refusal if there is none."""
    try:
        return ctx.glue.get_database(Name=name)["Database"]
    except ctx.glue.exceptions.EntityNotFoundException:
        raise refuse("database-not-found", database=name) from None


def tables_of(ctx: GlueContext, database: str) -> "Iterator[types.TablePaginatorTypeDef]":
    """All tables and views of a database."""
    for page in ctx.glue.get_paginator("get_tables").paginate(DatabaseName=database):
        yield from page["TableList"]


def partitions_of(ctx: GlueContext, table: Table) -> "Iterator[types.PartitionTypeDef]":
    """All partitions of a table."""
    for page in ctx.glue.get_paginator("get_partitions").paginate(DatabaseName=table.database, TableName=table.name):
        yield from page["Partitions"]


def partition_path(columns: Sequence[str], values: Sequence[str]) -> str:
    """`p=1/q=2`, as Hive names a partition and its folder."""
    return "/".join(f"{column}={quote(value, safe=_PLAIN)}" for column, value in zip(columns, values, strict=True))


_PLAIN = " !$&'()+,;@~"  # what Hive does not escape in a folder's name beside letters and digits

_OUTPUT_ONLY = {"DatabaseName", "CreateTime", "UpdateTime", "CreatedBy", "CatalogId", "VersionId"}
_OUTPUT_ONLY |= {"IsRegisteredWithLakeFormation", "FederatedTable", "IsMultiDialectView", "Status"}


def _update(ctx: GlueContext, found: "types.TableTypeDef", **changes: Any) -> None:
    """Write a table of Glue with other parts."""
    table_input = {key: value for key, value in found.items() if key not in _OUTPUT_ONLY} | changes
    ctx.glue.update_table(DatabaseName=found["DatabaseName"], TableInput=cast("types.TableInputTypeDef", table_input))


# --- databases ----------------------------------------------------------------------------------------------------------


def create_database(
    ctx: GlueContext,
    *,
    name: str,
    if_not_exists: bool,
    comment: str | None,
    location: str | None,
    properties: Mapping[str, str],
) -> DdlResult:
    """CREATE DATABASE. Raises Refusal if it exists."""
    database: types.DatabaseInputTypeDef = {"Name": name, "Parameters": properties}
    if comment is not None:
        database["Description"] = comment
    if location is not None:
        database["LocationUri"] = location
    try:
        ctx.glue.create_database(DatabaseInput=database)
    except ctx.glue.exceptions.AlreadyExistsException:
        if not if_not_exists:
            raise refuse("database-exists", database=name) from None
    return NOTHING


def drop_database(ctx: GlueContext, *, name: str, if_exists: bool, cascade: bool) -> DdlResult:
    """DROP DATABASE. Raises Refusal if there is none, or if it has tables and not `cascade`."""
    try:
        get_database(ctx, name)
        tables = list(tables_of(ctx, name))
    except Refusal:
        if if_exists:
            return NOTHING
        raise
    if tables and not cascade:
        raise refuse("database-not-empty", database=name)
    for found in tables:
        ctx.glue.delete_table(DatabaseName=name, Name=found["Name"])
    ctx.glue.delete_database(Name=name)
    return NOTHING


def set_database_properties(ctx: GlueContext, *, name: str, properties: Mapping[str, str]) -> DdlResult:
    """ALTER DATABASE SET DBPROPERTIES."""
    found = get_database(ctx, name)
    kept = {key: value for key, value in found.items() if key in ("Name", "Description", "LocationUri")}
    changed = kept | {"Parameters": found.get("Parameters", {}) | dict(properties)}
    ctx.glue.update_database(Name=name, DatabaseInput=cast("types.DatabaseInputTypeDef", changed))
    return NOTHING


# --- tables -------------------------------------------------------------------------------------------------------------


def create_table(ctx: GlueContext, *, table: Table, table_input: "types.TableInputTypeDef", if_not_exists: bool) -> DdlResult:
    """CREATE EXTERNAL TABLE. Raises Refusal if there is no such database, or such a table already."""
    get_database(ctx, table.database)
    parameters = {"EXTERNAL": "TRUE", "transient_lastDdlTime": str(int(time.time()))} | dict(table_input["Parameters"])
    try:
        ctx.glue.create_table(DatabaseName=table.database, TableInput={**table_input, "Parameters": parameters})
    except ctx.glue.exceptions.AlreadyExistsException:
        if not if_not_exists:
            raise refuse("table-exists", table=table.name) from None
    return NOTHING


def drop_table(ctx: GlueContext, *, table: Table, if_exists: bool, iceberg: Steps) -> DdlResult:
    """DROP TABLE: the files of an Iceberg table go with it. Raises Refusal if there is no such table."""
    found = find_table(ctx, table)
    if found is None:
        if if_exists:
            return NOTHING
        raise refuse("table-not-found", table=table)
    if is_iceberg(found):
        return DdlResult(then=iceberg)
    ctx.glue.delete_table(DatabaseName=table.database, Name=table.name)
    return NOTHING


def rename_table(ctx: GlueContext, *, table: Table, iceberg: Steps) -> DdlResult:
    """ALTER TABLE RENAME TO, for Iceberg tables only. Raises Refusal."""
    if not is_iceberg(get_table(ctx, table)):
        raise refuse("hive-rename", request=uuid.uuid4())
    return DdlResult(then=iceberg)


def set_properties(ctx: GlueContext, *, table: Table, properties: Mapping[str, str], iceberg: Callable[[], Steps]) -> DdlResult:
    """ALTER TABLE SET TBLPROPERTIES."""
    found = get_table(ctx, table)
    if is_iceberg(found):
        return DdlResult(then=iceberg())
    _update(ctx, found, Parameters=found.get("Parameters", {}) | dict(properties))
    return NOTHING


def unset_properties(ctx: GlueContext, *, table: Table, keys: Sequence[str], iceberg: Callable[[], Steps]) -> DdlResult:
    """ALTER TABLE UNSET TBLPROPERTIES."""
    found = get_table(ctx, table)
    if is_iceberg(found):
        return DdlResult(then=iceberg())
    _update(ctx, found, Parameters={key: value for key, value in found.get("Parameters", {}).items() if key not in keys})
    return NOTHING


def iceberg_table(ctx: GlueContext, *, table: Table, steps: Callable[[Mapping[str, str]], Steps]) -> DdlResult:
    """OPTIMIZE and VACUUM: `steps` of the table's properties, for an Iceberg table. Raises Refusal for any other."""
    found = find_table(ctx, table)
    if found is not None and not is_iceberg(found):
        raise refuse("iceberg-only", table=table)
    # Of a table that there is not, Trino tells.
    return DdlResult(then=steps(iceberg_metadata(ctx, found).get("properties", {}) if found else {}))


def check_row_changes(ctx: GlueContext, *, table: Table) -> DdlResult:
    """Raises Refusal if UPDATE, DELETE and MERGE cannot change this table. Of one that there is not, Trino tells."""
    found = find_table(ctx, table)
    if found is not None and not is_iceberg(found) and not is_view(found):
        raise refuse("hive-row-changes")
    return NOTHING


def iceberg_metadata(ctx: GlueContext, found: "types.TableTypeDef") -> dict[str, Any]:
    """The metadata file of an Iceberg table."""
    place = urlsplit(found["Parameters"]["metadata_location"])
    metadata: dict[str, Any] = json.loads(ctx.s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read())
    return metadata


# --- columns ------------------------------------------------------------------------------------------------------------


def add_columns(
    ctx: GlueContext,
    *,
    table: Table,
    columns: "Sequence[types.ColumnTypeDef]",
    partition: Spec | None,
    iceberg: Callable[[], Steps],
) -> DdlResult:
    """ALTER TABLE ADD COLUMNS. Raises Refusal for a name that the table has."""
    found = get_table(ctx, table)
    if is_iceberg(found):
        return DdlResult(then=iceberg())
    taken = {column["Name"] for column in (*found["StorageDescriptor"]["Columns"], *found.get("PartitionKeys", []))}
    for column in columns:
        if column["Name"] in taken:
            raise refuse("duplicate-column", column=column["Name"])
        taken.add(column["Name"])
    _change_storage(ctx, found, partition, lambda storage: {"Columns": [*storage["Columns"], *columns]})
    return NOTHING


def replace_columns(
    ctx: GlueContext, *, table: Table, columns: "Sequence[types.ColumnTypeDef]", partition: Spec | None
) -> DdlResult:
    """ALTER TABLE REPLACE COLUMNS. Raises Refusal for an Iceberg table."""
    found = _hive_table(ctx, table)
    _change_storage(ctx, found, partition, lambda _: {"Columns": list(columns)})
    return NOTHING


def change_column(
    ctx: GlueContext, *, table: Table, old: str, new: "types.ColumnTypeDef", after: str | None, iceberg: Callable[[str], Steps]
) -> DdlResult:
    """ALTER TABLE CHANGE COLUMN; `after` is the column before it, "" to put it first, None to leave it where it is."""
    found = get_table(ctx, table)
    columns = found["StorageDescriptor"]["Columns"]
    place = next((place for place, column in enumerate(columns) if column["Name"] == old), None)
    if place is None:
        raise refuse("column-not-found", column=old)
    if is_iceberg(found):
        return DdlResult(then=iceberg(columns[place]["Type"]))
    if new["Name"] != old and any(column["Name"] == new["Name"] for column in columns):
        raise refuse("duplicate-column", column=new["Name"])
    changed: types.ColumnTypeDef = {**columns[place], **new}
    others = columns[:place] + columns[place + 1 :]
    if after is not None:
        names = [column["Name"] for column in others]
        if after and after not in names:
            raise refuse("column-not-found", column=after)
        place = names.index(after) + 1 if after else 0
    _change_storage(ctx, found, None, lambda _: {"Columns": [*others[:place], changed, *others[place:]]})
    return NOTHING


def drop_column(ctx: GlueContext, *, table: Table, line: int, column: int, iceberg: Steps) -> DdlResult:
    """ALTER TABLE DROP COLUMN, for Iceberg tables only; `line` and `column` (from 0) are of the word COLUMN. Raises Refusal."""
    found = find_table(ctx, table)
    if found is None or not is_iceberg(found):
        raise refuse("hive-drop-column", line=line, column=column, column_from_one=column + 1)
    return DdlResult(then=iceberg)


def set_location(ctx: GlueContext, *, table: Table, location: str, partition: Spec | None) -> DdlResult:
    """ALTER TABLE SET LOCATION, of the table or of a partition. Raises Refusal for an Iceberg table."""
    found = _hive_table(ctx, table)
    _change_storage(ctx, found, partition, lambda _: {"Location": location})
    return NOTHING


def _hive_table(ctx: GlueContext, table: Table) -> "types.TableTypeDef":
    found = get_table(ctx, table)
    if is_iceberg(found):
        raise refuse("iceberg-ddl")
    return found


def _change_storage(
    ctx: GlueContext,
    found: "types.TableTypeDef",
    partition: Spec | None,
    change: "Callable[[types.StorageDescriptorOutputTypeDef], types.StorageDescriptorTypeDef]",
) -> None:
    """Change the StorageDescriptor of a table, or of one of its partitions."""
    if partition is None:
        storage = found["StorageDescriptor"]
        _update(ctx, found, StorageDescriptor={**storage, **change(storage)})
        return
    table = Table(found["DatabaseName"], found["Name"])
    values = _values(found, partition)
    old = _get_partition(ctx, table, partition, values)
    storage = old["StorageDescriptor"]
    new: types.PartitionInputTypeDef = {
        "Values": values,
        "StorageDescriptor": {**storage, **change(storage)},
        "Parameters": old.get("Parameters", {}),
    }
    _put_partition(ctx, table, values, new)


def _get_partition(ctx: GlueContext, table: Table, spec: Spec, values: list[str]) -> "types.PartitionTypeDef":
    """A partition as Glue has it. Raises Refusal if there is none."""
    try:
        found = ctx.glue.get_partition(DatabaseName=table.database, TableName=table.name, PartitionValues=values)
    except ctx.glue.exceptions.EntityNotFoundException:
        raise refuse("partition-not-found", spec=_shown(spec)) from None
    return found["Partition"]


def _put_partition(ctx: GlueContext, table: Table, values: list[str], new: "types.PartitionInputTypeDef") -> None:
    ctx.glue.update_partition(DatabaseName=table.database, TableName=table.name, PartitionValueList=values, PartitionInput=new)


# --- partitions ---------------------------------------------------------------------------------------------------------


def add_partitions(
    ctx: GlueContext, *, table: Table, partitions: Sequence[tuple[Spec, str | None]], if_not_exists: bool
) -> DdlResult:
    """ALTER TABLE ADD PARTITION: each with its location, None for the folder of its name under the table's."""
    found = _hive_table(ctx, table)
    inputs = [_partition_input(found, _values(found, spec), location) for spec, location in partitions]
    _create_partitions(ctx, table, inputs, if_not_exists=if_not_exists)
    return NOTHING


def _partition_input(found: "types.TableTypeDef", values: list[str], location: str | None) -> "types.PartitionInputTypeDef":
    storage = found["StorageDescriptor"]
    folder = partition_path([key["Name"] for key in found["PartitionKeys"]], values)
    place = location or f"{storage.get('Location', '').rstrip('/')}/{folder}"
    return {"Values": values, "StorageDescriptor": {**storage, "Location": place}}


def _create_partitions(
    ctx: GlueContext, table: Table, inputs: "list[types.PartitionInputTypeDef]", *, if_not_exists: bool
) -> None:
    for start in range(0, len(inputs), PAGE):
        answer = ctx.glue.batch_create_partition(
            DatabaseName=table.database, TableName=table.name, PartitionInputList=inputs[start : start + PAGE]
        )
        for error in answer.get("Errors", []):
            if not (if_not_exists and error["ErrorDetail"]["ErrorCode"] == "AlreadyExistsException"):
                raise refuse("partition-exists")


def drop_partitions(ctx: GlueContext, *, table: Table, specs: Sequence[Spec], if_exists: bool) -> DdlResult:
    """ALTER TABLE DROP PARTITION. A specification with values for some of the columns drops all that fit."""
    found = _hive_table(ctx, table)
    keys = [key["Name"] for key in found.get("PartitionKeys", [])]
    there = [partition["Values"] for partition in partitions_of(ctx, table)]
    for spec in specs:
        _check_spec(keys, spec)
        wanted = [values for values in there if all(values[keys.index(key)] == value for key, value in spec.items())]
        if not wanted and not if_exists:
            raise refuse("partition-not-found", spec=_shown(spec))
        for start in range(0, len(wanted), PAGE):
            ctx.glue.batch_delete_partition(
                DatabaseName=table.database,
                TableName=table.name,
                PartitionsToDelete=[{"Values": values} for values in wanted[start : start + PAGE]],
            )
    return NOTHING


def rename_partition(ctx: GlueContext, *, table: Table, old: Spec, new: Spec) -> DdlResult:
    """ALTER TABLE PARTITION RENAME TO PARTITION. The files stay where they are."""
    found = _hive_table(ctx, table)
    values = _values(found, old)
    storage = _get_partition(ctx, table, old, values)["StorageDescriptor"]
    _put_partition(ctx, table, values, {"Values": _values(found, new), "StorageDescriptor": storage})
    return NOTHING


def _values(found: "types.TableTypeDef", spec: Spec) -> list[str]:
    """The values in the order of the table's partition columns. Raises Refusal."""
    keys = [key["Name"] for key in found.get("PartitionKeys", [])]
    _check_spec(keys, spec)
    if set(spec) != set(keys):
        raise refuse("partition-columns", spec=_shown(spec), count=len(keys))
    return [spec[key] for key in keys]


def _check_spec(keys: Sequence[str], spec: Spec) -> None:
    if not keys:
        raise refuse("not-partitioned", spec=_shown(spec))
    if not set(spec) <= set(keys):
        raise refuse("partition-columns", spec=_shown(spec), count=len(keys))


def _shown(spec: Spec) -> str:
    return "{" + ", ".join(f"{key}={value}" for key, value in spec.items()) + "}"


def repair_table(ctx: GlueContext, *, table: Table) -> DdlResult:
    """MSCK REPAIR TABLE: add the partitions whose folders (`p=1/q=2`) are there; the rows tell what was found."""
    found = find_table(ctx, table)
    if found is None:
        return DdlResult(rows=[[f"Tables not in metastore:\t{table.name}"]])
    if is_iceberg(found):
        raise refuse("iceberg-ddl")
    keys = [key["Name"] for key in found.get("PartitionKeys", [])]
    place = urlsplit(found["StorageDescriptor"]["Location"])
    folders = _partition_folders(ctx, place.netloc, place.path.strip("/"), keys)
    if folders is None:
        return DdlResult(rows=[[f"Tables missing on filesystem:\t{table.name}"]])
    known = {tuple(partition["Values"]) for partition in partitions_of(ctx, table)} if keys else set()
    new = {values: folder for values, folder in folders.items() if values not in known}
    inputs = [_partition_input(found, list(values), f"s3://{place.netloc}/{folder}") for values, folder in new.items()]
    _create_partitions(ctx, table, inputs, if_not_exists=True)
    names = [partition_path(keys, values) for values in new]
    gone = [partition_path(keys, values) for values in sorted(known - set(folders))]
    rows = []
    if names:
        rows.append(["Partitions not in metastore:\t" + "\t".join(f"{table.name}:{name}" for name in names)])
    if gone:
        rows.append(["Partitions missing from filesystem:\t" + "\t".join(f"{table.name}:{name}" for name in gone)])
    rows += [[f"Repair: Added partition to metastore {table.name}:{name}"] for name in names]
    return DdlResult(rows=rows)


def _partition_folders(ctx: GlueContext, bucket: str, prefix: str, keys: Sequence[str]) -> dict[tuple[str, ...], str] | None:
    """The folder of each combination of values under a table's location; None if nothing at all is there."""
    folders: dict[tuple[str, ...], str] = {}
    anything = False
    start = f"{prefix}/" if prefix else ""
    for page in ctx.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start):
        for item in page.get("Contents", []):
            anything = True
            parts = item["Key"].removeprefix(start).split("/")[: len(keys)]
            pairs = [part.partition("=") for part in parts]
            if len(pairs) == len(keys) and all(key == pair[0] and pair[1] for key, pair in zip(keys, pairs, strict=True)):
                folders.setdefault(tuple(unquote(value) for _, _, value in pairs), start + "/".join(parts))
    return folders if anything else None


# --- views and prepared statements --------------------------------------------------------------------------------------

_VIEW_MARK = "/* Presto View: "


def view_definition(found: "types.TableTypeDef") -> dict[str, Any]:
    """What a view of Trino and Athena says of itself: originalSql, and columns with names and Trino types."""
    text = found.get("ViewOriginalText", "")
    if not text.startswith(_VIEW_MARK):
        return {"originalSql": text, "columns": []}
    definition: dict[str, Any] = json.loads(base64.b64decode(text.removeprefix(_VIEW_MARK).removesuffix(" */")))
    return definition


def fill_view_columns(ctx: GlueContext, *, table: Table) -> DdlResult:
    """Write a view's columns into Glue, where Athena has them and Trino puts a single one named `dummy`."""
    found = get_table(ctx, table)
    columns = [
        {"Name": column["name"], "Type": glue_type(read_trino(column["type"]))} for column in view_definition(found)["columns"]
    ]
    _update(ctx, found, StorageDescriptor=found["StorageDescriptor"] | {"Columns": columns})
    return NOTHING


def prepare(ctx: GlueContext, *, name: str, query: str) -> DdlResult:
    """PREPARE: keep a statement in the workgroup."""
    ctx.athena.create_prepared_statement(StatementName=name, WorkGroup=ctx.workgroup, QueryStatement=query)
    return NOTHING


def deallocate(ctx: GlueContext, *, name: str) -> DdlResult:
    """DEALLOCATE PREPARE. Raises Refusal if there is no such statement."""
    try:
        ctx.athena.delete_prepared_statement(StatementName=name, WorkGroup=ctx.workgroup)
    except ClientError:
        raise refuse("prepared-statement", name=name, workgroup=ctx.workgroup) from None
    return NOTHING


def delete_table(ctx: GlueContext, *, table: Table) -> DdlResult:
    """Take a table out of Glue and leave its files: the end of UNLOAD."""
    ctx.glue.delete_table(DatabaseName=table.database, Name=table.name)
    return NOTHING
