"""SHOW and DESCRIBE from the Glue catalog, as Athena prints them.

The forms are those measured on Athena by github.com/aoyagikouhei/athena-local (docs/result-files.md, docs/api.md):
a row is one text, whatever the number of columns.
"""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from local_aws.glue_ddl import (
    find_table,
    get_database,
    get_table,
    iceberg_metadata,
    is_iceberg,
    is_view,
    partition_path,
    partitions_of,
    tables_of,
    view_definition,
)
from local_aws.limits import ICEBERG_PROPERTIES, Refusal, refuse
from local_aws.plan import DdlResult, GlueContext, Table
from local_aws.type_names import glue_type, read_hive

if TYPE_CHECKING:
    from mypy_boto3_glue import type_defs as types

WIDTH = 20  # Hive pads columns to it
DESCRIBED = ("col_name", "data_type", "comment")


def _rows(lines: Iterator[str] | Sequence[str]) -> list[list[str]]:
    return [[line] for line in lines]


def _matcher(pattern: str | None) -> re.Pattern[str]:
    """Hive's patterns: `*` and `.*` stand for anything, `|` between alternatives."""
    alternatives = (pattern or "*").replace(".*", "*").split("|")
    return re.compile("|".join(".*".join(map(re.escape, part.split("*"))) for part in alternatives), re.IGNORECASE)


def databases(ctx: GlueContext, *, pattern: str | None) -> DdlResult:
    """SHOW DATABASES."""
    names = [found["Name"] for page in ctx.glue.get_paginator("get_databases").paginate() for found in page["DatabaseList"]]
    return DdlResult(_rows(sorted(filter(_matcher(pattern).fullmatch, names))), ("database_name",))


def tables(ctx: GlueContext, *, database: str, pattern: str | None, views_only: bool = False) -> DdlResult:
    """SHOW TABLES and SHOW VIEWS. Raises Refusal if there is no such database."""
    get_database(ctx, database)
    names = [found["Name"] for found in tables_of(ctx, database) if is_view(found) or not views_only]
    return DdlResult(_rows(sorted(filter(_matcher(pattern).fullmatch, names))), ("views" if views_only else "tab_name",))


def partitions(ctx: GlueContext, *, table: Table) -> DdlResult:
    """SHOW PARTITIONS. Raises Refusal if the table has no partition columns."""
    found = get_table(ctx, table)
    keys = [key["Name"] for key in found.get("PartitionKeys", [])]
    if not keys:
        raise refuse("show-partitions", table=table.name)
    names = [partition_path(keys, partition["Values"]) for partition in partitions_of(ctx, table)]
    return DdlResult(_rows(names), ("partition",))


def properties(ctx: GlueContext, *, table: Table, key: str | None) -> DdlResult:
    """SHOW TBLPROPERTIES, all of them or the value of one."""
    found = get_table(ctx, table)
    known = _iceberg_properties(ctx, found) if is_iceberg(found) else found.get("Parameters", {})
    if key is not None:
        value = known.get(key, f"Table {table} does not have property: {key}")
        return DdlResult(_rows([value]), ("prpt_name", "prpt_value"))
    return DdlResult(_rows([f"{name}\t{value}" for name, value in sorted(known.items())]), ("prpt_name", "prpt_value"))


def columns(ctx: GlueContext, *, table: Table, quoted: Refusal | None) -> DdlResult:
    """SHOW COLUMNS; `quoted` is what Athena says to a name in double quotes, which it takes for views only."""
    found = _described(ctx, table, quoted)
    if is_view(found):
        return _describe_view(found)
    names = [column["Name"] for column in (*found["StorageDescriptor"]["Columns"], *found.get("PartitionKeys", []))]
    return DdlResult(_rows(names if is_iceberg(found) else [name.ljust(WIDTH) for name in names]), ("field",))


def describe(
    ctx: GlueContext, *, table: Table, quoted: Refusal | None, details: bool = False, column: str | None = None
) -> DdlResult:
    """DESCRIBE, with `details` DESCRIBE FORMATTED; of one column if given."""
    found = _described(ctx, table, quoted)
    if is_view(found):
        return _describe_view(found)
    if is_iceberg(found):
        lines = [*_describe_iceberg(ctx, found), *(_iceberg_details(ctx, found) if details else [])]
    else:
        lines = list(_describe_hive(found, column))
        lines += _hive_details(found) if details else []
    return DdlResult(_rows(lines), DESCRIBED)


def _described(ctx: GlueContext, table: Table, quoted: Refusal | None) -> "types.TableTypeDef":
    found = find_table(ctx, table)
    if found is None:
        raise refuse("entity-not-found", request=uuid.uuid4())
    if quoted and not is_view(found):
        raise quoted
    return found


def _describe_view(found: "types.TableTypeDef") -> DdlResult:
    lines = [f"{column['name']}\t{column['type']}" for column in view_definition(found)["columns"]]
    return DdlResult(_rows(lines), ("column", "type"), "varchar", "DESC_VIEW")


def _padded(*cells: str) -> str:
    return "\t".join(cell.ljust(WIDTH) for cell in cells)


def _describe_hive(found: "types.TableTypeDef", only: str | None) -> Iterator[str]:
    keys = found.get("PartitionKeys", [])
    every = [*found["StorageDescriptor"]["Columns"], *keys]
    if only is not None and only not in {column["Name"] for column in every}:
        raise refuse("column-not-found", column=only)
    for column in every:
        if only in (None, column["Name"]):
            yield _padded(column["Name"], column["Type"], column.get("Comment", "").partition("\t")[0])
    if keys and only is None:
        yield "\t \t "
        yield "# Partition Information\t \t "
        yield _padded("# col_name", "data_type", "comment")
        yield "\t \t "
        for key in keys:
            yield _padded(key["Name"], key["Type"], key.get("Comment", ""))


def _describe_iceberg(ctx: GlueContext, found: "types.TableTypeDef") -> Iterator[str]:
    yield "# Table schema:\t\t"
    yield "# col_name\tdata_type\tcomment"
    for column in found["StorageDescriptor"]["Columns"]:
        yield f"{column['Name']}\t{glue_type(read_hive(column['Type']), ' ')}\t{column.get('Comment', '')}"
    yield "\t\t"
    yield "# Partition spec:\t\t"
    yield "# field_name\tfield_transform\tcolumn_name"
    for name, transform, source in _partition_fields(iceberg_metadata(ctx, found)):
        yield f"{name}\t{transform}\t{source}"


def _partition_fields(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, transform and column of each field of an Iceberg table's partitioning."""
    schema = next(schema for schema in metadata["schemas"] if schema["schema-id"] == metadata["current-schema-id"])
    names = {field["id"]: field["name"] for field in schema["fields"]}
    spec = next(spec for spec in metadata["partition-specs"] if spec["spec-id"] == metadata["default-spec-id"])
    for field in spec["fields"]:
        yield field["name"], field["transform"], names.get(field["source-id"], "")


_FORMAT, _CODEC = "write.format.default", "write.parquet.compression-codec"


def _iceberg_properties(ctx: GlueContext, found: "types.TableTypeDef") -> dict[str, str]:
    """The properties of an Iceberg table that Athena knows, by its own names."""
    stored = iceberg_metadata(ctx, found).get("properties", {})
    known = {key: value for key, value in stored.items() if key in ICEBERG_PROPERTIES}
    if _FORMAT in stored:
        known.setdefault("format", stored[_FORMAT])
    if _CODEC in stored:
        known.setdefault("write_compression", stored[_CODEC])
    return known


# --- SHOW CREATE --------------------------------------------------------------------------------------------------------


def create_view(ctx: GlueContext, *, table: Table) -> DdlResult:
    """SHOW CREATE VIEW."""
    found = get_table(ctx, table)
    if not is_view(found):
        raise refuse("not-a-view", table=table)
    query = view_definition(found)["originalSql"].strip("\n")
    return DdlResult(_rows([f"CREATE VIEW {table} AS", *query.split("\n")]), ("create view",), "varchar")


def create_table(ctx: GlueContext, *, table: Table) -> DdlResult:
    """SHOW CREATE TABLE."""
    found = get_table(ctx, table)
    if is_view(found):
        return create_view(ctx, table=table)
    lines = _create_iceberg(ctx, table, found) if is_iceberg(found) else _create_hive(table, found)
    return DdlResult(_rows(list(lines)), ("createtab_stmt",))


def _create_iceberg(ctx: GlueContext, table: Table, found: "types.TableTypeDef") -> Iterator[str]:
    yield f"CREATE TABLE {table} ("
    yield from _listed(
        [
            f"  {column['Name']} {glue_type(read_hive(column['Type']))}" + _comment(column)
            for column in found["StorageDescriptor"]["Columns"]
        ],
        ")",
        ",",
    )
    fields = [
        column if transform == "identity" else _transform(transform, column)
        for _, transform, column in _partition_fields(iceberg_metadata(ctx, found))
    ]
    if fields:
        yield f"PARTITIONED BY ({', '.join(f'`{field}`' if field.isidentifier() else field for field in fields)})"
    yield f"LOCATION {_quoted(found['StorageDescriptor']['Location'])}"
    yield "TBLPROPERTIES ("
    known = {"table_type": "iceberg"} | dict(sorted(_iceberg_properties(ctx, found).items()))
    yield from _listed([f"  {_quoted(key)}={_quoted(value)}" for key, value in known.items()], "", ",")
    yield ");"


def _transform(transform: str, column: str) -> str:
    name, _, number = transform.rstrip("]").partition("[")
    if name == "bucket":
        return f"bucket({number}, `{column}`)"
    return f"{name}(`{column}`, {number})" if number else f"{name}(`{column}`)"


def _create_hive(table: Table, found: "types.TableTypeDef") -> Iterator[str]:
    storage = found["StorageDescriptor"]
    serde = storage.get("SerdeInfo", {})
    yield f"CREATE EXTERNAL TABLE `{table}`("
    yield from _listed(_columns(storage["Columns"]), ")")
    if comment := found.get("Parameters", {}).get("comment"):
        yield f"COMMENT {_quoted(comment)}"
    if keys := found.get("PartitionKeys"):
        yield "PARTITIONED BY ( "
        yield from _listed(_columns(keys), ")")
    if buckets := storage.get("BucketColumns"):
        yield "CLUSTERED BY ( "
        yield from _listed([f"  {column}" for column in buckets], ") ")
        yield f"INTO {storage['NumberOfBuckets']} BUCKETS"
    yield "ROW FORMAT SERDE "
    yield f"  {_quoted(serde.get('SerializationLibrary', ''))} "
    if parameters := {key: value for key, value in serde.get("Parameters", {}).items() if key != "serialization.format"}:
        yield "WITH SERDEPROPERTIES ( "
        yield from _listed([f"  {_quoted(key)}={_quoted(value)}" for key, value in sorted(parameters.items())], ") ")
    yield "STORED AS INPUTFORMAT "
    yield f"  {_quoted(storage.get('InputFormat', ''))} "
    yield "OUTPUTFORMAT "
    yield f"  {_quoted(storage.get('OutputFormat', ''))}"
    yield "LOCATION"
    yield f"  {_quoted(storage.get('Location', ''))}"
    parameters = {key: value for key, value in found.get("Parameters", {}).items() if key not in ("EXTERNAL", "comment")}
    if parameters:
        yield "TBLPROPERTIES ("
        yield from _listed([f"  {_quoted(key)}={_quoted(value)}" for key, value in sorted(parameters.items())], ")")


def _columns(columns: "Sequence[types.ColumnOutputTypeDef]") -> list[str]:
    return [f"  `{column['Name']}` {column['Type']}" + _comment(column) for column in columns]


def _comment(column: "types.ColumnOutputTypeDef") -> str:
    return f" COMMENT {_quoted(column['Comment'])}" if column.get("Comment") else ""


def _listed(items: Sequence[str], end: str, comma: str = ", ") -> Iterator[str]:
    """Items on lines of their own, with commas between, and the end behind the last; Hive leaves blanks behind its commas."""
    *most, last = items
    for item in most:
        yield item + comma
    yield last + end


def _quoted(text: str) -> str:
    """A literal of Hive; what cannot be printed in its escapes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    for character, escape in (("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\x01", "\\u0001")):
        escaped = escaped.replace(character, escape)
    return f"'{escaped}'"


# --- details ------------------------------------------------------------------------------------------------------------


def _detail(name: str, value: object = "") -> str:
    return f"{name.ljust(WIDTH)}\t{str(value).ljust(WIDTH)}\t "


def _parameters(title: str, parameters: Mapping[str, str]) -> Iterator[str]:
    yield f"{title.ljust(WIDTH)}\t \t "
    for key, value in sorted(parameters.items()):
        yield f"\t{key.ljust(WIDTH)}\t{value.ljust(WIDTH)}"


def _hive_details(found: "types.TableTypeDef") -> Iterator[str]:
    storage = found["StorageDescriptor"]
    serde = storage.get("SerdeInfo", {})
    yield "\t \t "
    yield "# Detailed Table Information\t \t "
    yield _detail("Database:", found["DatabaseName"])
    yield _detail("Owner:", found.get("Owner", "hadoop"))
    yield _detail("CreateTime:", found["CreateTime"].strftime("%a %b %d %H:%M:%S UTC %Y"))
    yield _detail("LastAccessTime:", "UNKNOWN")
    yield _detail("Protect Mode:", "None")
    yield _detail("Retention:", found.get("Retention", 0))
    yield _detail("Location:", storage.get("Location", ""))
    yield _detail("Table Type:", found.get("TableType", ""))
    yield from _parameters("Table Parameters:", found.get("Parameters", {}))
    yield "\t \t "
    yield "# Storage Information\t \t "
    yield _detail("SerDe Library:", serde.get("SerializationLibrary", ""))
    yield _detail("InputFormat:", storage.get("InputFormat", ""))
    yield _detail("OutputFormat:", storage.get("OutputFormat", ""))
    yield _detail("Compressed:", "Yes" if storage.get("Compressed") else "No")
    yield _detail("Num Buckets:", storage.get("NumberOfBuckets", -1))
    yield _detail("Bucket Columns:", f"[{', '.join(storage.get('BucketColumns', []))}]")
    yield _detail("Sort Columns:", "[]")
    yield from _parameters("Storage Desc Params:", serde.get("Parameters", {}))


def _iceberg_details(ctx: GlueContext, found: "types.TableTypeDef") -> Iterator[str]:
    yield "\t\t"
    yield "# Detailed Table Information\t\t"
    yield f"Database:\t{found['DatabaseName']}\t"
    yield f"Location:\t{found['StorageDescriptor']['Location']}\t"
    yield "Table Parameters:\t\t"
    for key, value in sorted(_iceberg_properties(ctx, found).items()):
        yield f"\t{key}\t{value}"
