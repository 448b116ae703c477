"""What becomes of a statement of Athena's SQL, without an engine."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot.tokens import TokenType
from statement_kinds import KINDS

from local_aws import glue_ddl, hive_ddl, limits
from local_aws.limits import Refusal
from local_aws.plan import EngineStep, GlueStep, Statement, Table
from local_aws.sql_text import quote_name, quote_text, trino_tokens
from local_aws.statements import translate
from local_aws.type_names import glue_type, iceberg_column_type, read_hive, read_trino

# --- helpers ------------------------------------------------------------------------------------------------------------


def translated(sql: str, **session: Any) -> Statement:
    return translate(sql, **({"database": "d"} | session))


def kind(statement: Statement) -> tuple[str, str]:
    return statement.statement_type, statement.substatement_type


def engine_sql(sql: str, **session: Any) -> str:
    """The text of the one step on Trino."""
    (step,) = [step for step in translated(sql, **session).steps if isinstance(step, EngineStep)]
    return step.sql


def action(sql: str, **session: Any) -> tuple[str, dict[str, Any]]:
    """The function of the one step on Glue, and its arguments."""
    (step,) = translated(sql, **session).steps
    assert isinstance(step, GlueStep)
    return step.run.func.__name__, step.run.keywords


def squeezed(sql: str) -> str:
    return " ".join(sql.split())


# --- what kind of statement it is ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sql", "statement_type", "substatement_type"), KINDS)
def test_kind(sql: str, statement_type: str, substatement_type: str) -> None:
    assert kind(translated(sql)) == (statement_type, substatement_type)
    assert kind(translated(f"\n -- first\n{sql} ;\n")) == (statement_type, substatement_type)


# --- a query's text -----------------------------------------------------------------------------------------------------

UNTOUCHED = [
    "select 1",
    "select 'it''s', \"a\"\"b\", U&'\\00e4', X'00ff', 'ü😀', \"ä\" from \"Ö\" -- c\n where x <> '--' /* ; */ and y = ';'",
    "-- who asks\nselect a.b, c[1], 1e3, -2, map(array['a'], array[1]) from t",
    "select x -> x + 1, $path, \"$path\", date '2020-01-01', decimal '1.5', interval '1.5' day from t",
    "SELECT\n\t*\nFROM t   FOR TIMESTAMP AS OF (current_timestamp - interval '1' day)",
    "insert into t (a, b) select * from u",
    "merge into t using u on t.a = u.a when matched then update set b = u.b when not matched then insert (a) values (u.a)",
    "select 'a\\'",
]


@pytest.mark.parametrize("sql", UNTOUCHED)
def test_a_query_goes_to_the_engine_as_it_is(sql: str) -> None:
    assert engine_sql(sql) == sql
    assert engine_sql(f"{sql};") == sql
    assert engine_sql(f"\n  {sql}\n ; ;\n") == sql


_WORDS = st.sampled_from(
    ["a", "t.b", "count(*)", "as", "from", "x", "1", "42", "1e5", "(", ")", ",", "+", "select", "create table", "drop"]
)
_TEXTS = st.text(st.characters(codec="utf-8")).map(quote_text) | st.text(st.characters(codec="utf-8"), min_size=1).map(quote_name)
_COMMENTS = st.text(st.characters(codec="utf-8", exclude_characters="*\n\r"), max_size=20).map(
    lambda text: f"/*{text}*/"
) | st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=20).map(lambda text: f"--{text}\n")
_QUERIES = st.lists(_WORDS | _TEXTS | _COMMENTS, max_size=30).map(lambda parts: " ".join(["select", *parts, "end"]))


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    assert engine_sql("select '\ud800'") == "select '?'"


@given(_QUERIES)
def test_any_select_comes_out_as_it_went_in(sql: str) -> None:
    assert engine_sql(sql) == sql
    assert engine_sql(f"{sql} ;") == sql


@pytest.mark.parametrize(
    ("athena", "trino"),
    [
        ("select 1.5", "select 1.5E0"),
        ("select .5, 1., -0.1, x*.25", "select .5E0, 1.E0, -0.1E0, x*.25E0"),
        ("select x[1.5], f(1.5,2.5)", "select x[1.5E0], f(1.5E0,2.5E0)"),
        ("select 1.5e3, 1.5E0, '1.5', \"1.5\", decimal '1.5', t.a", "select 1.5e3, 1.5E0, '1.5', \"1.5\", decimal '1.5', t.a"),
        ("select 1 -- 1.5\n, 2.5 /* 3.5 */", "select 1 -- 1.5\n, 2.5E0"),
        ("insert into t select 0.5", "insert into t select 0.5E0"),
        ("create view v as select 0.5 a", "create view v as select 0.5E0 a"),
    ],
)
def test_decimal_literals_are_doubles(athena: str, trino: str) -> None:
    assert engine_sql(athena) == trino


# --- the session --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("catalog", ["AwsDataCatalog", "awsdatacatalog", "AWSDATACATALOG"])
def test_the_catalog_in_any_case(catalog: str) -> None:
    (step,) = translated("select 1", catalog=catalog).steps
    assert step.catalog == "awsdatacatalog"
    assert action(f"drop table {catalog}.S.t")[1]["table"] == Table("s", "t")


@pytest.mark.parametrize("catalog", ["iceberg", "system", "Iceberg"])
def test_the_catalogs_of_the_engine_are_none(catalog: str) -> None:
    with pytest.raises(Refusal, match="does not exist"):
        translated("select 1", catalog=catalog)


def test_names_without_a_database() -> None:
    assert action("drop table T", database="Sales")[1]["table"] == Table("sales", "t")
    assert action("drop table t", database=None)[1]["table"] == Table("default", "t")
    assert action("drop table `a.b`")[1]["table"] == Table("a", "b")
    assert action("describe d2.t")[1]["table"] == Table("d2", "t")
    assert action("show columns from t from d2")[1]["table"] == Table("d2", "t")


# --- parameters and prepared statements ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        ("1", "1"),
        ("-1", "-1"),
        ("'abc'", "'abc'"),
        ("1 + 1", "1 + 1"),
        ("DATE '2020-01-01'", "DATE '2020-01-01'"),
        ("TIMESTAMP '2020-01-01 00:00:00'", "TIMESTAMP '2020-01-01 00:00:00'"),
        ("NULL", "NULL"),
        ("now()", "now()"),
        ("1.5", "1.5E0"),
        ("abc", "'abc'"),
        ("abc def", "'abc def'"),
        ("it's", "'it''s'"),
        ("x + 1", "'x + 1'"),
        ("123e4567-e89b-12d3-a456-426614174000", "'123e4567-e89b-12d3-a456-426614174000'"),
        ("", "''"),
        ("1; drop table t", "'1; drop table t'"),
        ("1 -- x", "1"),
        ("1) or (1=1", "'1) or (1=1'"),
        ("1, 2", "'1, 2'"),
    ],
)
def test_execution_parameters(value: str, sql: str) -> None:
    assert engine_sql("select ?", execution_parameters=[value]) == f"EXECUTE IMMEDIATE 'select ?' USING {sql}"


def test_parameters_without_question_marks_are_nothing() -> None:
    assert engine_sql("select '?' -- ?", execution_parameters=["1"]) == "select '?'"


def test_parameters_of_a_table() -> None:
    statement = translated(
        "create table x with (table_type='ICEBERG', is_external=false, location='s3://b/x/') as select ? a where 1 = ?",
        execution_parameters=["'it''s'", "1"],
    )
    (step,) = statement.steps
    assert step.sql.startswith('EXECUTE IMMEDIATE \'create table "iceberg"."d"."x"')
    assert step.sql.endswith("as select ? a where 1 = ?' USING 'it''s', 1")
    assert statement.checks[0].query == "select ('it''s') a where 1 = (1)"


def test_execute_runs_what_was_prepared() -> None:
    statement = translated("execute p using 1, 'a,b', f(1, 2)", prepared={"p": "select ?, ?, ?;"}.get)
    assert kind(statement) == ("DML", "EXECUTE")
    assert statement.steps[0].sql == "EXECUTE IMMEDIATE 'select ?, ?, ?' USING 1, 'a,b', f(1, 2)"
    assert engine_sql("execute p", prepared={"p": "select 1"}.get) == "select 1"
    assert kind(translated("execute p", prepared={"p": "insert into t values 1"}.get)) == ("DML", "INSERT")


def test_prepare_keeps_the_text() -> None:
    assert action("prepare P from select 'it''s', ?") == ("prepare", {"name": "p", "query": "select 'it''s', ?"})
    assert action("deallocate prepare p") == ("deallocate", {"name": "p"})


# --- CREATE TABLE AS ----------------------------------------------------------------------------------------------------

CTAS = [
    (  # as dbt-athena writes it
        """create table "awsdatacatalog"."s"."t"
           with (table_type='hive', is_external=true,external_location='s3://b/t', partitioned_by=ARRAY['p'],
                 write_compression='snappy', format='parquet')
           as select 1 a, 'x' p""",
        """create table "awsdatacatalog"."s"."t" WITH (external_location = 's3://b/t', partitioned_by = ARRAY['p'],
           format = 'parquet') as select 1 a, 'x' p""",
        {"awsdatacatalog.compression_codec": "SNAPPY"},
    ),
    (
        """create table "awsdatacatalog"."s"."t" with (table_type='iceberg', is_external=false, location='s3://b/t',
           partitioning=ARRAY['day(ts)', 'bucket(a, 4)'], format='orc', vacuum_max_snapshot_age_seconds=60)
           as select 1 a, ts from x""",
        """create table "iceberg"."s"."t" WITH (location = 's3://b/t', partitioning = ARRAY['day(ts)', 'bucket(a, 4)'],
           format = 'ORC', extra_properties = MAP(ARRAY['vacuum_max_snapshot_age_seconds'], ARRAY['60']))
           as select 1 a, ts from x""",
        {},
    ),
    ("create table t as select 1 a", "create table t as select 1 a", {}),
    ("create table t with (table_type = 'HIVE') as select 1 a", "create table t as select 1 a", {}),
    (
        "create table t with (format = 'TEXTFILE', field_delimiter = '|') as select 1 a",
        "create table t WITH (format = 'TEXTFILE', textfile_field_separator = '|') as select 1 a",
        {},
    ),
    (
        "create table t with (format = 'ORC', orc_compression = 'ZLIB', compression_level = 3) as select 1 a",
        "create table t WITH (format = 'ORC') as select 1 a",
        {"awsdatacatalog.compression_codec": "GZIP"},
    ),
    (
        "create table t with (bucketed_by = ARRAY['a'], bucket_count = 2 + 1, external_location = 's3://b/,(t)') as select 1 a",
        "create table t WITH (bucketed_by = ARRAY['a'], bucket_count = 2 + 1, external_location = 's3://b/,(t)') as select 1 a",
        {},
    ),
    (
        "create table t with (table_type='ICEBERG', location='s3://b/t', is_external=false, write_compression='ZSTD') "
        "as (with a as (select 1 b) select * from a) with no data",
        'create table "iceberg"."d"."t" WITH (location = \'s3://b/t\', '
        "extra_properties = MAP(ARRAY['write_compression'], ARRAY['ZSTD'])) "
        "as (with a as (select 1 b) select * from a) with no data",
        {"iceberg.compression_codec": "ZSTD"},
    ),
]


@pytest.mark.parametrize(("athena", "trino", "session"), CTAS)
def test_create_table_as(athena: str, trino: str, session: dict[str, str]) -> None:
    (step,) = translated(athena).steps
    assert squeezed(step.sql) == squeezed(trino)
    assert step.session == session


def test_what_is_behind_the_properties_keeps_its_place() -> None:
    sql = 'create table "awsdatacatalog"."s"."t"\nwith (\n  table_type=\'hive\',\n  format=\'orc\'\n) as\n  select nothing'
    lines = engine_sql(sql).split("\n")
    assert len(lines) == len(sql.split("\n"))
    assert lines[4:] == ["  as", "  select nothing"]


def test_a_table_without_location_gets_that_of_the_query() -> None:
    sql = engine_sql("create table t as select 1 a", data_location="s3://b/it's/")
    assert sql == "create table t WITH (external_location = 's3://b/it''s/') as select 1 a"
    with_format = engine_sql("create table t with (format = 'ORC') as select 1 a", data_location="s3://b/q/")
    assert with_format == "create table t WITH (format = 'ORC', external_location = 's3://b/q/') as select 1 a"


def test_the_columns_of_an_iceberg_table_are_looked_at() -> None:
    with_clause = "with (table_type='ICEBERG', is_external=false, location='s3://b/t')"
    (check,) = translated(f"create table t {with_clause} as select a.b -- c\nfrom x with no data").checks
    assert (check.query, check.check) == ("select a.b -- c\nfrom x", limits.check_iceberg_columns)
    assert translated("create table t as select 1 a").checks == ()


@pytest.mark.parametrize(
    "columns", ["timestamp(6)", "timestamp(6) with time zone", "row(timestamp bigint, smallint varchar)", "time(6)"]
)
def test_columns_that_iceberg_tables_take(columns: str) -> None:
    limits.check_iceberg_columns([("a", columns)])


@pytest.mark.parametrize(
    "columns", ["timestamp(3)", "array(timestamp(0))", "row(x smallint)", "map(varchar, char(2))", "tinyint"]
)
def test_columns_that_iceberg_tables_do_not_take(columns: str) -> None:
    with pytest.raises(Refusal):
        limits.check_iceberg_columns([("x", "integer"), ("a", columns)])


def test_compressions_that_only_athena_writes_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(Refusal, match="does not write BZIP2: use one of GZIP, LZ4, NONE, SNAPPY, ZSTD, ZLIB or DEFLATE"):
        translated("create table t with (format='TEXTFILE', write_compression='bzip2') as select 1 a")


# --- views, row changes, UNLOAD, EXPLAIN --------------------------------------------------------------------------------


def test_a_view_gets_its_columns() -> None:
    statement = translated('create or replace view "awsdatacatalog"."s"."V" as -- c\n with x as (select 1 a) select * from x')
    (after,) = statement.after
    assert after.run.func is glue_ddl.fill_view_columns
    assert after.run.keywords == {"table": Table("s", "v")}
    (check,) = statement.checks
    assert (check.query, check.check) == ("with x as (select 1 a) select * from x", limits.check_view_columns)


@pytest.mark.parametrize(
    "sql",
    [
        "delete from s.t",
        'update "s"."t" set a = 1',
        'merge into "AwsDataCatalog".s.t x using y on a = b when matched then delete',
    ],
)
def test_row_changes_look_at_the_table_first(sql: str) -> None:
    first, second = translated(sql).steps
    assert (first.run.func, first.run.keywords) == (glue_ddl.check_row_changes, {"table": Table("s", "t")})
    assert second.sql == sql


def test_unload() -> None:
    statement = translated(
        "UNLOAD (select 1.5 a,\n 'x' p) TO 's3://b/it''s/' "
        "WITH (format = 'parquet', compression = 'snappy', partitioned_by = ARRAY['p'])"
    )
    (step,) = statement.steps
    (after,) = statement.after
    table = after.run.keywords["table"]
    assert after.run.func is glue_ddl.delete_table
    assert step.sql == (
        f"CREATE TABLE {table.in_hive} WITH (format = 'parquet', partitioned_by = ARRAY['p'], "
        "external_location = 's3://b/it''s/') AS (select 1.5E0 a,\n 'x' p)"
    )
    assert step.session == {"awsdatacatalog.compression_codec": "SNAPPY"}


def test_explain_of_what_athena_writes_differently() -> None:
    created = engine_sql("explain create table t with (table_type='HIVE', format='ORC') as select 1 a")
    assert squeezed(created) == "explain create table t WITH (format = 'ORC') as select 1 a"
    assert "CREATE TABLE" in engine_sql("explain unload (select 1 a) to 's3://b/u/' with (format='ORC')")


# --- Iceberg tables -----------------------------------------------------------------------------------------------------


def test_an_iceberg_table() -> None:
    sql = """CREATE TABLE IF NOT EXISTS `d`.`i`
      (`Id` int COMMENT 'it\\'s', d decimal(10,2), s struct<a:int,b:array<string>>, ts timestamp)
      PARTITIONED BY (`id`, bucket(16, `s p`), truncate(d, 3), day(ts)) LOCATION 's3://b/i/'
      TBLPROPERTIES ('TABLE_TYPE'='iceberg', 'format'='orc', 'write_compression'='ZLIB', 'vacuum_min_snapshots_to_keep'='3')"""
    (step,) = translated(sql).steps
    assert step.sql == (
        'CREATE TABLE IF NOT EXISTS "iceberg"."d"."i" ("id" integer COMMENT \'it\'\'s\', "d" decimal(10, 2), '
        '"s" row("a" integer, "b" array(varchar)), "ts" timestamp(6)) '
        "WITH (format = 'ORC', extra_properties = MAP(ARRAY['write_compression', 'vacuum_min_snapshots_to_keep', "
        "'history.expire.min-snapshots-to-keep'], ARRAY['ZLIB', '3', '3']), location = 's3://b/i/', "
        "partitioning = ARRAY['id', 'bucket(\"s p\", 16)', 'truncate(d, 3)', 'day(ts)'])"
    )
    assert step.session == {"iceberg.compression_codec": "GZIP"}


def iceberg_steps(sql: str, *arguments: Any) -> list[str]:
    """What a statement becomes if the table turns out to be an Iceberg table."""
    steps = action(sql)[1]["iceberg"]
    return [step.sql for step in (steps(*arguments) if callable(steps) else steps)]


ICEBERG_CHANGES = [
    ("drop table s.t", ['DROP TABLE "iceberg"."s"."t"'], ()),
    ("alter table s.t rename to u", ['ALTER TABLE "iceberg"."s"."t" RENAME TO "iceberg"."s"."u"'], ()),
    ("alter table `s`.`t` rename to `x`.`u`", ['ALTER TABLE "iceberg"."s"."t" RENAME TO "iceberg"."x"."u"'], ()),
    ("alter table t drop column `a`", ['ALTER TABLE "iceberg"."d"."t" DROP COLUMN "a"'], ()),
    (
        "alter table t add columns (a int, b array<double> comment 'x')",
        [
            'ALTER TABLE "iceberg"."d"."t" ADD COLUMN "a" integer',
            'ALTER TABLE "iceberg"."d"."t" ADD COLUMN "b" array(double) COMMENT \'x\'',
        ],
        (),
    ),
    ("alter table t change a a bigint", ['ALTER TABLE "iceberg"."d"."t" ALTER COLUMN "a" SET DATA TYPE bigint'], ("int",)),
    (
        "alter table t change column a b int comment 'it\\'s'",
        [
            'ALTER TABLE "iceberg"."d"."t" RENAME COLUMN "a" TO "b"',
            'COMMENT ON COLUMN "iceberg"."d"."t"."b" IS \'it\'\'s\'',
        ],
        ("int",),
    ),
    (
        "alter table t set tblproperties ('format'='orc', 'vacuum_max_snapshot_age_seconds'='60')",
        [
            'ALTER TABLE "iceberg"."d"."t" SET PROPERTIES format = \'ORC\', '
            "extra_properties = MAP(ARRAY['vacuum_max_snapshot_age_seconds'], ARRAY['60'])"
        ],
        (),
    ),
]


@pytest.mark.parametrize(("sql", "steps", "arguments"), ICEBERG_CHANGES)
def test_changes_of_an_iceberg_table(sql: str, steps: list[str], arguments: tuple[str, ...]) -> None:
    assert iceberg_steps(sql, *arguments) == steps


def test_optimize_and_vacuum() -> None:
    name, arguments = action("optimize AwsDataCatalog.s.t REWRITE DATA USING BIN_PACK")
    assert (name, arguments["table"]) == ("iceberg_table", Table("s", "t"))
    assert [step.sql for step in arguments["steps"]({})] == [
        'ALTER TABLE "iceberg"."s"."t" EXECUTE optimize(file_size_threshold => \'402653184B\')'
    ]
    _, arguments = action("vacuum t;")
    assert [step.sql for step in arguments["steps"]({"vacuum_max_snapshot_age_seconds": "60"})] == [
        'ALTER TABLE "iceberg"."d"."t" EXECUTE expire_snapshots(retention_threshold => \'60s\')',
        'ALTER TABLE "iceberg"."d"."t" EXECUTE remove_orphan_files(retention_threshold => \'60s\')',
    ]
    assert "432000s" in arguments["steps"]({})[0].sql


def test_the_condition_of_optimize_is_looked_at() -> None:
    (check,) = translated("optimize t rewrite data using bin_pack where a = 1.5 -- c").checks
    assert check.query == 'SELECT 1 one FROM "awsdatacatalog"."d"."t" WHERE (a = 1.5E0)'


# --- Hive's DDL ---------------------------------------------------------------------------------------------------------


def test_a_hive_table() -> None:
    name, arguments = action(
        """CREATE EXTERNAL TABLE IF NOT EXISTS `s`.`x` (`a` INT COMMENT 'first', b struct<c: int, d:string>, e decimal)
           COMMENT "a table" PARTITIONED BY (p string COMMENT 'part', q int) CLUSTERED BY (a) INTO 4 BUCKETS
           ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' COLLECTION ITEMS TERMINATED BY ','
           MAP KEYS TERMINATED BY ':' LINES TERMINATED BY '\\n' NULL DEFINED AS '' STORED AS TEXTFILE
           LOCATION 's3://b/x/' TBLPROPERTIES ('skip.header.line.count'='1', 'level'=4)"""
    )
    table = arguments["table_input"]
    assert name == "create_table"
    assert (arguments["table"], arguments["if_not_exists"]) == (Table("s", "x"), True)
    assert table["Parameters"] == {"skip.header.line.count": "1", "level": "4", "comment": "a table"}
    assert table["PartitionKeys"] == [{"Name": "p", "Type": "string", "Comment": "part"}, {"Name": "q", "Type": "int"}]
    storage = table["StorageDescriptor"]
    assert storage["Columns"] == [
        {"Name": "a", "Type": "int", "Comment": "first"},
        {"Name": "b", "Type": "struct<c:int,d:string>"},
        {"Name": "e", "Type": "decimal(10,0)"},
    ]
    assert (storage["BucketColumns"], storage["NumberOfBuckets"]) == (["a"], 4)
    assert storage["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
        "Parameters": {
            "field.delim": "\t",
            "serialization.format": "\t",
            "escape.delim": "\\",
            "colelction.delim": ",",
            "mapkey.delim": ":",
            "line.delim": "\n",
            "serialization.null.format": "",
        },
    }


def test_serdes_and_formats() -> None:
    def storage(clauses: str) -> dict[str, Any]:
        return action(f"create external table x (a int) {clauses} location 's3://b/x/'")[1]["table_input"]["StorageDescriptor"]

    csv = storage(
        "row format serde 'org.apache.hadoop.hive.serde2.OpenCSVSerde' with serdeproperties (\"quoteChar\"=\"'\", 'x'='\\001')"
    )
    assert csv["SerdeInfo"]["SerializationLibrary"] == "org.apache.hadoop.hive.serde2.OpenCSVSerde"
    assert csv["SerdeInfo"]["Parameters"] == {"serialization.format": "1", "quoteChar": "'", "x": "\x01"}
    assert csv["InputFormat"] == "org.apache.hadoop.mapred.TextInputFormat"
    for name, (input_format, output_format, serde) in hive_ddl.FILE_FORMATS.items():
        found = storage(f"stored as {name.lower()}")
        assert (found["InputFormat"], found["OutputFormat"]) == (input_format, output_format)
        assert found["SerdeInfo"]["SerializationLibrary"] == serde
    symlink = storage("row format serde 'S' stored as inputformat 'I' outputformat 'O'")
    assert (symlink["InputFormat"], symlink["OutputFormat"], symlink["SerdeInfo"]["SerializationLibrary"]) == ("I", "O", "S")


def test_partitions() -> None:
    name, arguments = action(
        "alter table t add if not exists partition (p='x', q=1) location 's3://b/1/' partition (p=\"y\", q=-2)"
    )
    assert name == "add_partitions"
    assert arguments["partitions"] == [({"p": "x", "q": "1"}, "s3://b/1/"), ({"p": "y", "q": "-2"}, None)]
    assert arguments["if_not_exists"]
    name, arguments = action("ALTER TABLE t DROP PARTITION (dt=DATE '2017-01-01', hour=1), PARTITION (dt='x')")
    assert name == "drop_partitions"
    assert arguments["specs"] == [{"dt": "2017-01-01", "hour": "1"}, {"dt": "x"}]
    assert not arguments["if_exists"]
    name, arguments = action("alter table t partition (p='x') set location 's3://b/2/'")
    assert (name, arguments["partition"], arguments["location"]) == ("set_location", {"p": "x"}, "s3://b/2/")
    name, arguments = action("alter table t partition (p='x') add columns (a int)")
    assert (name, arguments["partition"]) == ("add_columns", {"p": "x"})


def test_databases() -> None:
    assert action("create database if not exists `a-b` comment 'c' location 's3://b/' with dbproperties ('x'='y')") == (
        "create_database",
        {"name": "a-b", "if_not_exists": True, "comment": "c", "location": "s3://b/", "properties": {"x": "y"}},
    )
    assert action("drop schema if exists `x` cascade") == ("drop_database", {"name": "x", "if_exists": True, "cascade": True})
    assert action("drop database x restrict")[1]["cascade"] is False


SYNTAX_ERRORS = [
    ("drop table", "line 1:11: mismatched input '<EOF>'."),
    ("drop table t, u", "line 1:13: mismatched input ','."),
    ("alter table t add columns", "line 1:26: mismatched input '<EOF>'."),
    ("alter table t add partition (p)", "line 1:31: mismatched input ')'."),
    ("create external table t (a int", "line 1:8: mismatched input 'external'."),
    ("create external table t (a int) locaton 's3://b/'", "line 1:33: mismatched input 'locaton'."),
    ("msck repair table t\nnow", "line 2:1: mismatched input 'now'."),
    ("show tables in d like", "line 1:22: mismatched input '<EOF>'."),
    ("selct 1", "line 1:1: mismatched input 'selct'. Expecting: 'ALTER', 'ANALYZE',"),
    ("-- nothing", "line 1:11: mismatched input '<EOF>'."),
    ("unload (select 1) 's3://b/'", "line 1:19: mismatched input ''s3://b/''."),
    ("optimize t rewrite data", "line 1:24: mismatched input '<EOF>'."),
    ("prepare p select 1", "line 1:11: mismatched input 'select'."),
    ("create table t with (format) as select 1 a", "line 1:28: mismatched input ')'."),
]


@pytest.mark.parametrize(("sql", "message"), SYNTAX_ERRORS)
def test_syntax_errors_tell_the_place(sql: str, message: str) -> None:
    with pytest.raises(Refusal) as raised:
        translated(sql)
    assert raised.value.message.startswith(message)
    assert raised.value.submission


# --- nothing gets out of its quotes -------------------------------------------------------------------------------------

_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def _hive_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@given(name=_ANY_TEXT.map(lambda text: text.replace(".", "_")), location=_ANY_TEXT, comment=_ANY_TEXT, value=_ANY_TEXT)
def test_texts_and_names_stay_in_their_quotes(name: str, location: str, comment: str, value: str) -> None:
    quoted = "`" + name.replace("`", "``") + "`"
    sql = (
        f"create table {quoted} (a int comment {_hive_text(comment)}) location {_hive_text(location)} "
        f"tblproperties ('table_type'='ICEBERG', 'vacuum_max_snapshot_age_seconds'={_hive_text(value)})"
    )
    tokens = trino_tokens(engine_sql(sql))
    assert name.lower() in [token.text for token in tokens if token.token_type == TokenType.IDENTIFIER]
    texts = [token.text for token in tokens if token.token_type == TokenType.STRING]
    assert texts == [comment, "vacuum_max_snapshot_age_seconds", value, location]
    assert len(tokens) == len(trino_tokens(engine_sql(
        "create table x (a int comment 'c') location 'l' "
        "tblproperties ('table_type'='ICEBERG', 'vacuum_max_snapshot_age_seconds'='v')"
    )))  # fmt: skip


@given(_ANY_TEXT)
def test_parameters_are_one_expression_each(value: str) -> None:
    tokens = trino_tokens(engine_sql("select ?", execution_parameters=[value]))
    assert [token.text for token in tokens[:4]] == ["EXECUTE", "IMMEDIATE", "select ?", "USING"]
    depth = 0
    for token in tokens[4:]:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.token_type != TokenType.STRING else 0
        assert token.token_type != TokenType.SEMICOLON
        assert depth > 0 or token.token_type != TokenType.COMMA


# --- types --------------------------------------------------------------------------------------------------------------

TYPES = [  # Trino's, Glue's, that of a column of an Iceberg table
    ("integer", "int", "integer"),
    ("bigint", "bigint", "bigint"),
    ("real", "float", "real"),
    ("double", "double", "double"),
    ("boolean", "boolean", "boolean"),
    ("varchar", "string", "varchar"),
    ("varchar(3)", "varchar(3)", "varchar"),
    ("varbinary", "binary", "varbinary"),
    ("date", "date", "date"),
    ("timestamp(3)", "timestamp", "timestamp(6)"),
    ("decimal(10, 2)", "decimal(10,2)", "decimal(10, 2)"),
    ("array(map(varchar, integer))", "array<map<string,int>>", "array(map(varchar, integer))"),
    ('row(a integer, "b" row(c real))', "struct<a:int,b:struct<c:float>>", 'row("a" integer, "b" row("c" real))'),
]


@pytest.mark.parametrize(("trino", "glue", "iceberg"), TYPES)
def test_types(trino: str, glue: str, iceberg: str) -> None:
    assert glue_type(read_trino(trino)) == glue
    assert iceberg_column_type(read_hive(glue)) == iceberg
    assert glue_type(read_hive(glue)) == glue


def test_types_that_only_trino_has() -> None:
    assert glue_type(read_trino("row(integer, varchar)")) == "struct<field0:int,field1:string>"
    assert glue_type(read_trino("timestamp(3) with time zone")) == "timestamp with time zone"
    assert glue_type(read_trino("interval day to second")) == "interval day to second"
    assert read_trino("not ' a type").name == "not ' a type"


@pytest.mark.parametrize("sql", ["SELECT 1", "select 'x' -- y"])
def test_trailing_comments_are_left_out(sql: str) -> None:
    assert engine_sql(f"{sql}\n-- done") == sql.removesuffix(" -- y")
