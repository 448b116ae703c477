"""Hive's DDL carried out on Glue, and what SHOW and DESCRIBE print, on moto without an engine."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local_aws.limits import Refusal
from local_aws.plan import DdlResult, GlueContext, GlueStep
from local_aws.statements import translate

Run = Callable[[str], DdlResult]

BUCKET = "tables"
T = "create external table t (a int comment 'first', b string) stored as parquet location 's3://tables/t/'"
P = "create external table p (a int) partitioned by (d string, e int) stored as parquet location 's3://tables/p/'"


@pytest.fixture
def ctx(monkeypatch: pytest.MonkeyPatch) -> Iterator[GlueContext]:
    """Clients of an empty AWS with the database `d` and a bucket."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        clients = {name: boto3.client(name, region_name="us-east-1") for name in ("glue", "s3", "athena")}
        clients["glue"].create_database(DatabaseInput={"Name": "d"})
        clients["s3"].create_bucket(Bucket=BUCKET)
        yield GlueContext(**clients, database="d")


@pytest.fixture
def run(ctx: GlueContext) -> Run:
    """Carry out a statement of one step on Glue."""

    def run(sql: str) -> DdlResult:
        (step,) = translate(sql, database=ctx.database).steps
        assert isinstance(step, GlueStep)
        return step.run(ctx)

    return run


def lines(result: DdlResult) -> list[str]:
    return [cell for (cell,) in result.rows]


def table(ctx: GlueContext, name: str = "t") -> dict[str, Any]:
    return ctx.glue.get_table(DatabaseName="d", Name=name)["Table"]


def columns(ctx: GlueContext, name: str = "t") -> list[tuple[str, str]]:
    return [(column["Name"], column["Type"]) for column in table(ctx, name)["StorageDescriptor"]["Columns"]]


def partitions(ctx: GlueContext) -> dict[tuple[str, ...], str]:
    found = ctx.glue.get_partitions(DatabaseName="d", TableName="p")["Partitions"]
    return {tuple(partition["Values"]): partition["StorageDescriptor"]["Location"] for partition in found}


def make_iceberg(ctx: GlueContext, name: str = "i", **properties: str) -> None:
    """An Iceberg table as Trino leaves it: an entry in Glue and a metadata file."""
    key = f"{name}/metadata/00000.metadata.json"
    fields = [{"id": 1, "name": "a", "type": "int"}, {"id": 2, "name": "ts", "type": "timestamp"}]
    transforms = [("a_bucket", "bucket[4]", 1), ("ts_day", "day", 2), ("a", "identity", 1)]
    metadata = {
        "properties": {"write.format.default": "PARQUET", "write.parquet.compression-codec": "zstd"} | properties,
        "current-schema-id": 0,
        "schemas": [{"schema-id": 0, "fields": fields}],
        "default-spec-id": 0,
        "partition-specs": [
            {"spec-id": 0, "fields": [{"name": n, "transform": t, "source-id": source} for n, t, source in transforms]}
        ],
    }
    ctx.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(metadata))
    ctx.glue.create_table(
        DatabaseName="d",
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"table_type": "ICEBERG", "metadata_location": f"s3://{BUCKET}/{key}"},
            "StorageDescriptor": {
                "Columns": [{"Name": "a", "Type": "int"}, {"Name": "ts", "Type": "map<string,decimal(3,1)>", "Comment": "when"}],
                "Location": f"s3://{BUCKET}/{name}",
            },
        },
    )


def make_view(ctx: GlueContext, name: str = "v") -> None:
    """A view as Trino leaves it, whose columns are not its own."""
    definition = {
        "originalSql": "SELECT\n  1 n\n, 'x' s\n",
        "columns": [{"name": "n", "type": "integer"}, {"name": "s", "type": "row(a varchar(1), b array(timestamp(3)))"}],
    }
    text = base64.b64encode(json.dumps(definition).encode()).decode()
    ctx.glue.create_table(
        DatabaseName="d",
        TableInput={
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "ViewOriginalText": f"/* Presto View: {text} */",
            "ViewExpandedText": "/* Presto View */",
            "Parameters": {"presto_view": "true"},
            "StorageDescriptor": {"Columns": [{"Name": "dummy", "Type": "string"}], "Location": ""},
        },
    )


# --- databases and tables -----------------------------------------------------------------------------------------------


def test_databases(ctx: GlueContext, run: Run) -> None:
    run("create database x comment 'it\\'s' location 's3://tables/x/' with dbproperties ('a'='b')")
    run("create schema if not exists X")
    run("alter database x set dbproperties ('c'='d')")
    found = ctx.glue.get_database(Name="x")["Database"]
    assert (found["Description"], found["LocationUri"], found["Parameters"]) == ("it's", "s3://tables/x/", {"a": "b", "c": "d"})
    assert lines(run("show databases")) == ["d", "x"]
    assert lines(run("show schemas like 'x*|y'")) == ["x"]
    run("create external table x.t (a int) location 's3://tables/x/t/'")
    with pytest.raises(Refusal, match="Database x is not empty"):
        run("drop database x")
    run("drop database x cascade")
    run("drop database if exists x")
    with pytest.raises(Refusal, match="Database does not exist: x"):
        run("drop database x")


def test_a_table_comes_and_goes(ctx: GlueContext, run: Run) -> None:
    run(T)
    run(T.replace("table t", "table if not exists t"))
    found = table(ctx)
    assert found["TableType"] == "EXTERNAL_TABLE"
    assert found["Parameters"]["EXTERNAL"] == "TRUE"
    assert found["Parameters"]["transient_lastDdlTime"].isdigit()
    with pytest.raises(Refusal) as raised:
        run(T)
    assert raised.value.error_message == "Table t already exists."
    run("drop table t")
    with pytest.raises(Refusal, match="Table not found"):
        run("drop table t")
    assert run("drop table if exists t") == DdlResult()


def test_a_table_in_no_database(run: Run) -> None:
    with pytest.raises(Refusal, match="Database does not exist: nowhere"):
        run(T.replace("table t", "table nowhere.t"))


def test_properties(ctx: GlueContext, run: Run) -> None:
    run(T)
    run("alter table t set tblproperties ('classification' = 'parquet', 'n' = \"don't\")")
    assert table(ctx)["Parameters"]["n"] == "don't"
    run("alter table t unset tblproperties ('n')")
    assert "n" not in table(ctx)["Parameters"]
    listed = lines(run("show tblproperties t"))
    assert listed[:2] == ["EXTERNAL\tTRUE", "classification\tparquet"]
    assert lines(run("show tblproperties t('classification')")) == ["parquet"]
    assert lines(run("show tblproperties t('x')")) == ["Table d.t does not have property: x"]


def test_a_change_leaves_the_rest_of_a_table(ctx: GlueContext, run: Run) -> None:
    run(P.replace("stored as", "comment 'the table' stored as"))
    before = table(ctx, "p")
    run("alter table p add columns (b string)")
    after = table(ctx, "p")
    after["StorageDescriptor"]["Columns"].pop()
    unlike = {"UpdateTime", "VersionId"}
    assert {key: after[key] for key in after if key not in unlike} == {key: before[key] for key in before if key not in unlike}


# --- columns ------------------------------------------------------------------------------------------------------------


def test_columns(ctx: GlueContext, run: Run) -> None:
    run(T)
    run("alter table t add columns (c struct<x: int, y: array<string>>, `d` decimal(3))")
    assert columns(ctx) == [("a", "int"), ("b", "string"), ("c", "struct<x:int,y:array<string>>"), ("d", "decimal(3,0)")]
    run("alter table t change column b bb varchar(3) comment 'new' first")
    run("alter table t change a a bigint after c")
    assert columns(ctx) == [
        ("bb", "varchar(3)"),
        ("c", "struct<x:int,y:array<string>>"),
        ("a", "bigint"),
        ("d", "decimal(3,0)"),
    ]
    comments = {column["Name"]: column.get("Comment") for column in table(ctx)["StorageDescriptor"]["Columns"]}
    assert comments == {"bb": "new", "c": None, "a": "first", "d": None}
    run("alter table t replace columns (z int)")
    assert columns(ctx) == [("z", "int")]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("alter table t add columns (b int)", "Duplicate column name: b"),
        ("alter table t add columns (c int, c int)", "Duplicate column name: c"),
        ("alter table t change a b int", "Duplicate column name: b"),
        ("alter table t change x b int", "Invalid column reference x"),
        ("alter table t change a a int after x", "Invalid column reference x"),
        ("alter table x add columns (b int)", "Table not found d.x"),
        ("create external table n (a int, a int) location 's3://tables/n/'", "Duplicate column name: a"),
    ],
)
def test_columns_that_cannot_be(run: Run, sql: str, message: str) -> None:
    run(T)
    with pytest.raises(Refusal, match=message):
        run(sql)


# --- partitions ---------------------------------------------------------------------------------------------------------


def test_partitions(ctx: GlueContext, run: Run) -> None:
    run(P)
    run("alter table p add partition (d='x/y', e=1) partition (e=2, d='z') location 's3://tables/elsewhere/'")
    run("alter table p add if not exists partition (d='z', e=2) partition (d='z', e=3)")
    assert partitions(ctx) == {
        ("x/y", "1"): "s3://tables/p/d=x%2Fy/e=1",
        ("z", "2"): "s3://tables/elsewhere/",
        ("z", "3"): "s3://tables/p/d=z/e=3",
    }
    assert sorted(lines(run("show partitions p"))) == ["d=x%2Fy/e=1", "d=z/e=2", "d=z/e=3"]
    run("alter table p partition (d='z', e=2) set location 's3://tables/other/'")
    run("alter table p partition (d='z', e=2) rename to partition (d='q', e=4)")
    assert partitions(ctx)[("q", "4")] == "s3://tables/other/"
    run("alter table p drop partition (d='z')")
    run("alter table p drop partition (d='q', e=4), partition (d='x/y', e=1)")
    assert partitions(ctx) == {}


def test_many_partitions(ctx: GlueContext, run: Run) -> None:
    run(P)
    run("alter table p add " + " ".join(f"partition (d='x', e={number})" for number in range(120)))
    assert len(run("show partitions p").rows) == 120
    run("alter table p drop partition (d='x')")
    assert run("show partitions p").rows == []


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("alter table p add partition (d='x', e=1)", "Partition already exists"),
        ("alter table p add partition (d='x')", r"partition spec \{d=x\} doesn't contain all \(2\) partition columns"),
        ("alter table p add partition (d='x', f=1)", "doesn't contain all"),
        ("alter table p drop partition (d='nothing')", r"Partition not found \{d=nothing\}"),
        ("alter table p partition (d='n', e=1) set location 's3://x/'", "Partition not found"),
        ("alter table p partition (d='n', e=1) rename to partition (d='m', e=1)", "Partition not found"),
        ("alter table t add partition (d='x')", "table is not partitioned but partition spec exists"),
        ("show partitions t", "Table t is not a partitioned table"),
    ],
)
def test_partitions_that_cannot_be(run: Run, sql: str, message: str) -> None:
    run(T)
    run(P)
    run("alter table p add partition (d='x', e=1)")
    with pytest.raises(Refusal, match=message):
        run(sql)


def test_repair(ctx: GlueContext, run: Run) -> None:
    run(P)
    assert lines(run("msck repair table p")) == ["Tables missing on filesystem:\tp"]
    run("alter table p add partition (d='gone', e=0)")
    for key in (
        "p/d=x%2Fy/e=1/part-0",
        "p/d=z/e=2/part-0",
        "p/d=z/e=2/part-1",
        "p/d=no/part",
        "p/e=1/d=z/part",
        "p2/d=n/e=1/part",
    ):
        ctx.s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    assert lines(run("MSCK REPAIR TABLE p")) == [
        "Partitions not in metastore:\tp:d=x%2Fy/e=1\tp:d=z/e=2",
        "Partitions missing from filesystem:\tp:d=gone/e=0",
        "Repair: Added partition to metastore p:d=x%2Fy/e=1",
        "Repair: Added partition to metastore p:d=z/e=2",
    ]
    assert partitions(ctx)[("x/y", "1")] == "s3://tables/p/d=x%2Fy/e=1"
    assert lines(run("msck repair table nothing")) == ["Tables not in metastore:\tnothing"]


# --- SHOW and DESCRIBE --------------------------------------------------------------------------------------------------


def test_show_tables(ctx: GlueContext, run: Run) -> None:
    run(T)
    run(P)
    make_view(ctx)
    assert run("show tables") == DdlResult([["p"], ["t"], ["v"]], ("tab_name",))
    assert lines(run("show tables in d 't|v*'")) == ["t", "v"]
    assert lines(run("show tables '.*'")) == ["p", "t", "v"]
    assert lines(run("show tables 't.'")) == []
    assert lines(run("show views like '*'")) == ["v"]


def test_describe_a_hive_table(run: Run) -> None:
    run(P.replace("(a int)", "(a int comment 'first', a_name_of_more_than_twenty_characters map<string, int>)"))
    described = run("describe p")
    assert described.columns == ("col_name", "data_type", "comment")
    blank = " " * 20
    assert lines(described) == [
        "a                   \tint                 \tfirst               ",
        f"a_name_of_more_than_twenty_characters\tmap<string,int>     \t{blank}",
        f"d                   \tstring              \t{blank}",
        f"e                   \tint                 \t{blank}",
        "\t \t ",
        "# Partition Information\t \t ",
        "# col_name          \tdata_type           \tcomment             ",
        "\t \t ",
        f"d                   \tstring              \t{blank}",
        f"e                   \tint                 \t{blank}",
    ]
    assert lines(run("describe p a")) == ["a                   \tint                 \tfirst               "]
    assert run("show columns in p").columns == ("field",)
    assert lines(run("show columns in p"))[::2] == ["a                   ", "d                   "]
    formatted = lines(run("describe formatted p"))
    assert formatted[:10] == lines(described)
    assert "Location:           \ts3://tables/p/      \t " in formatted


def test_describe_an_iceberg_table(ctx: GlueContext, run: Run) -> None:
    make_iceberg(ctx)
    assert lines(run("describe i")) == [
        "# Table schema:\t\t",
        "# col_name\tdata_type\tcomment",
        "a\tint\t",
        "ts\tmap<string, decimal(3, 1)>\twhen",
        "\t\t",
        "# Partition spec:\t\t",
        "# field_name\tfield_transform\tcolumn_name",
        "a_bucket\tbucket[4]\ta",
        "ts_day\tday\tts",
        "a\tidentity\ta",
    ]
    assert lines(run("show columns from i")) == ["a", "ts"]
    assert "# Detailed Table Information\t\t" in lines(run("describe formatted i"))


def test_describe_a_view(ctx: GlueContext, run: Run) -> None:
    make_view(ctx)
    rows = [["n\tinteger"], ["s\trow(a varchar(1), b array(timestamp(3)))"]]
    for sql in ("describe v", 'desc "V"', "show columns from v", 'show columns in d."v"'):
        assert run(sql) == DdlResult(rows, ("column", "type"), "varchar", "DESC_VIEW")


def test_describe_nothing(run: Run) -> None:
    with pytest.raises(Refusal, match="Entity Not Found"):
        run("describe nothing")


def test_show_create_a_hive_table(run: Run) -> None:
    ddl = """create external table `t` (`a` int comment 'it\\'s', `b` string) comment 'c' partitioned by (`d` string)
      row format delimited fields terminated by '\\t' stored as textfile location 's3://tables/t/'
      tblproperties ('skip.header.line.count'='1')"""
    run(ddl)
    shown = run("show create table t")
    assert shown.columns == ("createtab_stmt",)
    *most, last_change, last = lines(shown)
    assert most == [
        "CREATE EXTERNAL TABLE `d.t`(",
        "  `a` int COMMENT 'it\\'s', ",
        "  `b` string)",
        "COMMENT 'c'",
        "PARTITIONED BY ( ",
        "  `d` string)",
        "ROW FORMAT SERDE ",
        "  'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' ",
        "WITH SERDEPROPERTIES ( ",
        "  'field.delim'='\\t') ",
        "STORED AS INPUTFORMAT ",
        "  'org.apache.hadoop.mapred.TextInputFormat' ",
        "OUTPUTFORMAT ",
        "  'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'",
        "LOCATION",
        "  's3://tables/t/'",
        "TBLPROPERTIES (",
    ]
    assert last_change == "  'skip.header.line.count'='1', "
    assert last.startswith("  'transient_lastDdlTime'='")


def test_what_show_create_prints_creates_the_table(ctx: GlueContext, run: Run) -> None:
    run(P)
    before = table(ctx, "p")
    ddl = "\n".join(lines(run("show create table p")))
    run("drop table p")
    run(ddl)
    assert table(ctx, "p")["StorageDescriptor"] == before["StorageDescriptor"]
    assert table(ctx, "p")["PartitionKeys"] == before["PartitionKeys"]


def test_show_create_an_iceberg_table(ctx: GlueContext, run: Run) -> None:
    make_iceberg(ctx, vacuum_min_snapshots_to_keep="3")
    assert lines(run("show create table i")) == [
        "CREATE TABLE d.i (",
        "  a int,",
        "  ts map<string,decimal(3,1)> COMMENT 'when')",
        "PARTITIONED BY (bucket(4, `a`), day(`ts`), `a`)",
        "LOCATION 's3://tables/i'",
        "TBLPROPERTIES (",
        "  'table_type'='iceberg',",
        "  'format'='PARQUET',",
        "  'vacuum_min_snapshots_to_keep'='3',",
        "  'write_compression'='zstd'",
        ");",
    ]


def test_show_create_a_view(ctx: GlueContext, run: Run) -> None:
    make_view(ctx)
    rows = [["CREATE VIEW d.v AS"], ["SELECT"], ["  1 n"], [", 'x' s"]]
    assert run('show create view "v"') == DdlResult(rows, ("create view",), "varchar")
    assert lines(run("show create table v"))[0] == "CREATE VIEW d.v AS"
    run(T)
    with pytest.raises(Refusal, match=r"Relation 'd\.t' is a table, not a view"):
        run("show create view t")


# --- Iceberg tables and views -------------------------------------------------------------------------------------------


def test_iceberg_tables_go_to_the_engine(ctx: GlueContext, run: Run) -> None:
    make_iceberg(ctx, vacuum_max_snapshot_age_seconds="60")
    for sql in (
        "drop table i",
        "alter table i rename to j",
        "alter table i add columns (c int)",
        "alter table i drop column a",
        "alter table i change a a bigint",
        "alter table i set tblproperties ('vacuum_min_snapshots_to_keep'='2')",
        "alter table i unset tblproperties ('vacuum_min_snapshots_to_keep')",
        "optimize i rewrite data using bin_pack",
    ):
        (step,) = run(sql).then
        assert '"iceberg"."d"."i"' in step.sql
    assert [step.sql.rpartition(" ")[2] for step in run("vacuum i").then] == ["'60s')", "'60s')"]
    assert table(ctx, "i")["Parameters"]["table_type"] == "ICEBERG"


def test_tables_that_are_not_iceberg_tables(run: Run) -> None:
    run(T)
    for sql, message in (
        ("alter table t rename to u", "Table cannot be renamed"),
        ("alter table t drop column a", "mismatched input 'COLUMN' expecting PARTITION"),
        ("vacuum t", "is not an Iceberg table"),
    ):
        with pytest.raises(Refusal, match=message):
            run(sql)


def test_row_changes_are_for_iceberg_tables(ctx: GlueContext, run: Run) -> None:
    run(T)
    make_iceberg(ctx)
    check, _ = translate("delete from t", database="d").steps
    with pytest.raises(Refusal, match="Modifying Hive table rows"):
        check.run(ctx)
    for name in ("i", "nothing"):
        check, _ = translate(f"update {name} set a = 1", database="d").steps
        assert check.run(ctx) == DdlResult()


def test_a_view_gets_its_columns(ctx: GlueContext) -> None:
    make_view(ctx)
    (fill,) = translate("create view v as select 1 n, 'x' s", database="d").after
    fill.run(ctx)
    assert columns(ctx, "v") == [("n", "int"), ("s", "struct<a:varchar(1),b:array<timestamp>>")]
    found = table(ctx, "v")
    assert found["TableType"] == "VIRTUAL_VIEW"
    assert found["ViewOriginalText"].startswith("/* Presto View: ")


def test_unload_leaves_no_table(ctx: GlueContext, run: Run) -> None:
    (after,) = translate("unload (select 1 a) to 's3://tables/u/'", database="d").after
    name = after.run.keywords["table"].name
    ctx.glue.create_table(DatabaseName="d", TableInput={"Name": name, "StorageDescriptor": {}})
    after.run(ctx)
    assert lines(run("show tables")) == []


def test_prepare(ctx: GlueContext, run: Run) -> None:
    run("prepare P from select 'it''s', ?")
    found = ctx.athena.get_prepared_statement(StatementName="p", WorkGroup="primary")["PreparedStatement"]
    assert found["QueryStatement"] == "select 'it''s', ?"
