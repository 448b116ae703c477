"""Statements that Athena refuses, each with one beside it that it takes. The tests run them, SUPPORT.md lists them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.limits import MAX_QUERY_BYTES

HIVE = "create external table t (a int, b string) stored as parquet location '{data}t/'"
PARTITIONED = "create external table p (a int) partitioned by (d string, e int) stored as parquet location '{data}p/'"
ICEBERG = "create table i (a int, b string) location '{data}i/' tblproperties ('table_type'='ICEBERG')"
WITH_ICEBERG = "with (table_type='ICEBERG', is_external=false, location='{data}n/')"
ONE_MONTH = "select 1 a, x part from unnest(sequence(1, {days})) as t(x)"
QUERY_FAILED = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "


@dataclass(frozen=True)
class Case:
    """A statement that a limit refuses, and one beside it that runs. `{db}` is the database, `{data}` a folder in S3."""

    limit: str
    refused: str
    text: str  # what Athena says; {id} stands for any uuid
    accepted: str
    setup: tuple[str, ...] = ()
    refused_with: Mapping[str, Any] = field(default_factory=dict)  # keywords of StartQueryExecution
    accepted_with: Mapping[str, Any] = field(default_factory=dict)


CASES = (
    Case(
        "query-length",
        f"select '{'x' * MAX_QUERY_BYTES}'",
        "1 validation error detected: Value at 'queryString' failed to satisfy constraint: "
        "Member must have length less than or equal to 262144",
        f"select '{'x' * (MAX_QUERY_BYTES - 20)}' = ''",
    ),
    Case("one-statement", "select 1; select 2", "Only one sql statement is allowed. Got: select 1; select 2", "select ';' ; ;"),
    Case("one-statement", "select 1; -- 2", "Only one sql statement is allowed. Got: select 1; -- 2", "select 1 -- ; 2"),
    Case("empty-statement", " ; ;", "Empty sql statement: ; ;", "select 1;"),
    *(
        Case("unsupported-statement", sql, "Queries of this type are not supported", "select 1")
        for sql in (
            "start transaction",
            "commit",
            "use {db}",
            "set session query_max_run_time = '1h'",
            "call system.runtime.kill_query('x')",
            "grant select on t to u",
            "create role r",
            "truncate table t",
            "analyze t",
            "comment on table t is 'x'",
            "create function f() returns int return 1",
            "create materialized view v as select 1 a",
            "show stats for t",
            "show grants",
            "alter view v rename to w",
        )
    ),
    Case("describe-input", "describe input p", "Queries of this type are not supported", "describe t", (HIVE,)),
    Case(
        "create-or-replace-table",
        "create or replace table n as select 1 a",
        "line 1:19: mismatched input 'table'. Expecting: 'MATERIALIZED', 'MULTI', 'PROTECTED', 'VIEW'",
        "create or replace view n as select 1 a",
    ),
    Case("explain-statement", "explain drop table t", "Queries of this type are not supported", "explain select 1"),
    Case(
        "system-catalog",
        "select * from system.runtime.nodes",
        "Queries of this type are not supported",
        "select system.x from (values 1) as system(x)",
    ),
    Case(
        "engine-catalog",
        "select * from iceberg.{db}.i",
        "CATALOG_NOT_FOUND: line 1:15: Catalog 'iceberg' does not exist",
        'select * from "AwsDataCatalog".{db}.i',
        (ICEBERG,),
    ),
    Case(
        "external-function",
        "using external function f(x int) returns int lambda 'l' select f(1)",
        "NOT_SUPPORTED: USING EXTERNAL FUNCTION calls AWS Lambda, which the local engine does not have",
        "select 1",
    ),
    Case(
        "parameter-count",
        "select ?",
        "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 2",
        "select ?",
        refused_with={"ExecutionParameters": ["1", "2"]},
        accepted_with={"ExecutionParameters": ["1"]},
    ),
    Case(
        "prepared-statement",
        "execute nobody",
        "PreparedStatement nobody was not found in workGroup primary",
        "execute somebody",
        ("prepare somebody from select 1",),
    ),
    Case(
        "engine-version",
        "select version()",
        "FUNCTION_NOT_FOUND: line 1:8: Function 'version' not registered",
        "select 1 as version",
    ),
    Case(
        "quoted-name", 'drop table "t"', "line 1:12: mismatched input '\"t\"' expecting <identifier>", "drop table `t`", (HIVE,)
    ),
    Case(
        "quoted-name",
        'alter table {db}."t" add columns (c int)',
        "line 1:27: no viable alternative at input 'alter table {db}.\"t\"'",
        "alter table `{db}`.`t` add columns (c int)",
        (HIVE,),
    ),
    Case(
        "quoted-name-describe",
        'describe "t"',
        "line 1:10: no viable alternative at input 'describe \"t\"'",
        'describe "v"',  # a view may be quoted
        (HIVE, "create view v as select 1 a"),
    ),
    Case(
        "quoted-name-show-create",
        'show create table "t"',
        "Queries of this type are not supported",
        "show create table `t`",
        (HIVE,),
    ),
    Case(
        "quoted-name-optimize",
        'optimize "i" rewrite data using bin_pack',
        "line 1:1: mismatched input 'optimize'. Expecting: 'ALTER', 'ANALYZE', 'CALL', 'COMMENT', 'COMMIT', 'CREATE', "
        "'DEALLOCATE', 'DELETE', 'DENY', 'DESC', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'GRANT', 'INSERT', 'MERGE', "
        "'PREPARE', 'REFRESH', 'RESET', 'REVOKE', 'ROLLBACK', 'SET', 'SHOW', 'START', 'TRUNCATE', 'UNLOAD', 'UPDATE', 'USE', "
        "<query>",
        "optimize i rewrite data using bin_pack",
        (ICEBERG,),
    ),
    Case("name-parts", "describe a.B.c.d", "Invalid table name a.b.c.d", "describe AwsDataCatalog.{db}.t", (HIVE,)),
    Case("unknown-catalog", "describe nope.{db}.t", "Catalog 'nope' does not exist", "describe {db}.t", (HIVE,)),
    Case(
        "table-location",
        "create external table n (a int)",
        "No location was specified for table. An S3 location must be specified",
        "create external table n (a int) location '{data}n/'",
    ),
    Case(
        "external-keyword",
        "create table n (a int) location '{data}n/'",
        "External keyword required for table type HIVE",
        "create table n (a int) location '{data}n/' tblproperties ('table_type'='iceberg')",
    ),
    Case(
        "external-iceberg",
        "create external table n (a int) location '{data}n/' tblproperties ('table_type'='ICEBERG')",
        "External keyword not supported for table type ICEBERG",
        "create external table n (a int) location '{data}n/' tblproperties ('classification'='parquet')",
    ),
    *(
        Case(
            "column-constraint",
            f"create external table n ({columns}) location '{{data}}n/'",
            "line 1:8: mismatched input 'external'. Expecting: 'MATERIALIZED', 'MULTI', 'OR', 'PROTECTED', 'ROLE', 'SCHEMA', "
            "'TABLE', 'VIEW'",
            "create external table n (a int comment 'not null') location '{data}n/'",
        )
        for columns in ("a int not null", "a int default 1", "a int, primary key (a)")
    ),
    Case(
        "create-table-like",
        "create table n like t",
        "line 1:16: no viable alternative at input 'create table n like'",
        "create table n as select * from t",
        (HIVE,),
    ),
    Case(
        "create-table-like",
        "create table n (a int) with (format='PARQUET')",
        "line 1:29: no viable alternative at input 'create table n (a int) with ('",
        "create table n with (format='PARQUET') as select 1 a",
    ),
    *(
        Case(
            "iceberg-clause",
            f"create table n (a int) {clause} location '{{data}}n/' tblproperties ('table_type'='ICEBERG')",
            f"Iceberg create table statement does not allow {name}",
            "create table n (a int) location '{data}n/' tblproperties ('table_type'='ICEBERG', 'format'='orc')",
        )
        for clause, name in (
            ("stored as orc", "STORED AS/BY"),
            ("row format serde 'x'", "ROW FORMAT"),
            ("clustered by (a) into 2 buckets", "CLUSTERED BY"),
        )
    ),
    Case(
        "iceberg-partition-type",
        "create table n (a int) partitioned by (d string) location '{data}n/' tblproperties ('table_type'='ICEBERG')",
        "Invalid PARTITIONED BY clause in Iceberg create table statement",
        "create table n (a int, d timestamp) partitioned by (bucket(4, a), day(d)) location '{data}n/' "
        "tblproperties ('table_type'='ICEBERG')",
    ),
    Case(
        "iceberg-columns",
        "create table n location '{data}n/' tblproperties ('table_type'='ICEBERG')",
        "At least one column is required for Iceberg create table statement",
        "create table n (a int) location '{data}n/' tblproperties ('table_type'='ICEBERG')",
    ),
    Case(
        "iceberg-table-property",
        "create table n (a int) location '{data}n/' tblproperties ('table_type'='ICEBERG', 'write.merge.mode'='x')",
        "Unsupported table property key: write.merge.mode",
        "create table n (a int) location '{data}n/' tblproperties ('table_type'='ICEBERG', 'vacuum_min_snapshots_to_keep'='3')",
    ),
    Case(
        "iceberg-table-property",
        "alter table i set tblproperties ('comment'='x')",
        "Unsupported table property key: comment",
        "alter table i set tblproperties ('vacuum_max_snapshot_age_seconds'='60')",
        (ICEBERG,),
    ),
    Case(
        "iceberg-column-type",
        f"create table n {WITH_ICEBERG} as select cast(1 as smallint) a",
        "NOT_SUPPORTED: Type not supported for Iceberg: smallint",
        f"create table n {WITH_ICEBERG} as select cast(1 as integer) a, cast('x' as varchar(3)) smallint",
    ),
    Case(
        "iceberg-column-type",
        "create table n (a char(3)) location '{data}n/' tblproperties ('table_type'='ICEBERG')",
        "NOT_SUPPORTED: Type not supported for Iceberg: char(3)",
        "create table n (a string) location '{data}n/' tblproperties ('table_type'='ICEBERG')",
    ),
    Case(
        "iceberg-timestamp",
        f"create table n {WITH_ICEBERG} as select cast(now() as timestamp) a",
        'NOT_SUPPORTED: Timestamp precision (3) not supported for Iceberg. Use "timestamp(6)" instead.',
        f"create table n {WITH_ICEBERG} as select cast(now() as timestamp(6)) a",
    ),
    Case(
        "iceberg-timestamp",
        f"create table n {WITH_ICEBERG} as select now() a",
        'NOT_SUPPORTED: Timestamp precision (3) not supported for Iceberg. Use "timestamp(6) with time zone" instead.',
        f"create table n {WITH_ICEBERG} as select cast(now() as timestamp(6) with time zone) a",
    ),
    Case(
        "hive-timestamp",
        "create table n as select cast(now() as timestamp(6)) a",
        "NOT_SUPPORTED: Incorrect timestamp precision for timestamp(6); the configured precision is MILLISECONDS; column name: a",
        "create table n as select cast(now() as timestamp) a",
    ),
    *(
        Case(
            "hive-column-type",
            f"create table n as select {value} a",
            f"NOT_SUPPORTED: Unsupported Hive type: {name}",
            "create table n as select cast(now() as timestamp) a",
        )
        for value, name in (
            ("now()", "timestamp(3) with time zone"),
            ("uuid()", "uuid"),
            ("json '1'", "json"),
            ("interval '1' day", "interval day to second"),
        )
    ),
    Case(
        "view-column-type",
        "create view v as select now() a",
        "Invalid column type for column a: Unsupported Hive type: timestamp(3) with time zone",
        "create view v as select cast(now() as timestamp) a",
    ),
    Case(
        "iceberg-location",
        "create table n with (table_type='ICEBERG', is_external=false) as select 1 a",
        "Table location can not be null",
        f"create table n {WITH_ICEBERG} as select 1 a",
    ),
    Case(
        "iceberg-external",
        "create table n with (table_type='ICEBERG', is_external=true, location='{data}n/') as select 1 a",
        "INVALID_TABLE_PROPERTY: Table property 'is_external' is not supported for table type ICEBERG",
        f"create table n {WITH_ICEBERG} as select 1 a",
    ),
    Case(
        "iceberg-external",
        "create table n with (table_type='ICEBERG', is_external=false, location='{data}n/', partitioned_by=array['a']) "
        "as select 1 a",
        "INVALID_TABLE_PROPERTY: Table property 'partitioned_by' is not supported for table type ICEBERG",
        "create table n with (table_type='ICEBERG', is_external=false, location='{data}n/', partitioning=array['a']) "
        "as select 1 a",
    ),
    Case(
        "location-enforced",
        "create table n with (external_location='{data}n/') as select 1 a",
        "The Create Table As Select query failed because it was submitted with an 'external_location' property to an Athena "
        "Workgroup that enforces a centralized output location for all queries. Please remove the 'external_location' property "
        "and resubmit the query.",
        "create table n as select 1 a",
        refused_with={"WorkGroup": "enforced"},
        accepted_with={"WorkGroup": "enforced"},
    ),
    Case(
        "location-not-empty",
        "create table n with (external_location='{data}full/') as select 1 a",
        "HIVE_PATH_ALREADY_EXISTS: Target directory for table '{db}.n' already exists: {data}full/",
        "create table n with (external_location='{data}free/') as select 1 a",
        ("create table f with (external_location='{data}full/') as select 1 a",),
    ),
    Case(
        "hive-partitions",
        f"create table n with (partitioned_by=array['part']) as {ONE_MONTH.format(days=101)}",
        "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets",
        f"create table n with (partitioned_by=array['part']) as {ONE_MONTH.format(days=100)}",
    ),
    Case(
        "iceberg-partitions",
        "create table n with (table_type='ICEBERG', is_external=false, location='{data}n/', partitioning=array['part']) "
        f"as {ONE_MONTH.format(days=101)}",
        "ICEBERG_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions",
        "create table n with (table_type='ICEBERG', is_external=false, location='{data}n2/', partitioning=array['part']) "
        f"as {ONE_MONTH.format(days=100)}",
    ),
    Case(
        "compression",
        "create table n with (write_compression='SNAPPY', parquet_compression='GZIP') as select 1 a",
        "INVALID_TABLE_PROPERTY: Only one compression property can be set: write_compression, parquet_compression",
        "create table n with (write_compression='SNAPPY', format='PARQUET') as select 1 a",
    ),
    *(
        Case(
            "hive-row-changes",
            sql,
            "NOT_SUPPORTED: Modifying Hive table rows is only supported for transactional tables",
            sql.replace(" t ", " i "),
            (HIVE, ICEBERG),
        )
        for sql in (
            "delete from t where a = 1",
            "update t set a = 1",
            "merge into t using (select 1 x) s on a = x when matched then delete",
        )
    ),
    Case(
        "hive-rename",
        "alter table t rename to u",
        QUERY_FAILED + "Unable to alter table. Unable to change partition or table: "
        "com.amazonaws.services.datacatalog.model.InvalidInputException: Table cannot be renamed (Service: AmazonDataCatalog; "
        "Status Code: 400; Error Code: InvalidInputException; Request ID: {id}; Proxy: null)",
        "alter table i rename to u",
        (HIVE, ICEBERG),
    ),
    Case(
        "hive-drop-column",
        "alter table t drop column b",
        "FAILED: ParseException line 1:19 mismatched input 'COLUMN' expecting PARTITION near 'DROP' in drop partition statement",
        "alter table i drop column b",
        (HIVE, ICEBERG),
    ),
    *(
        Case(
            "iceberg-ddl",
            f"alter table i {action}",
            "Query type not supported by Athena Iceberg at this time",
            f"alter table p {action}",
            (ICEBERG, PARTITIONED, "alter table p add partition (d='z', e=1)"),
        )
        for action in (
            "replace columns (a bigint)",
            "add partition (d='x', e=1)",
            "drop partition (d='z')",
            "set location '{data}elsewhere/'",
        )
    ),
    Case(
        "iceberg-ddl",
        "msck repair table i",
        "Query type not supported by Athena Iceberg at this time",
        "msck repair table t",
        (ICEBERG, HIVE),
    ),
    Case("iceberg-only", "vacuum t", "NOT_SUPPORTED: Table {db}.t is not an Iceberg table", "vacuum i", (HIVE, ICEBERG)),
    *(
        Case(
            "alter-table-form", f"alter table {form}", f"line 1:{column}: {problem}", "alter table t add columns (c int)", (HIVE,)
        )
        for form, column, problem in (
            ("if exists t add columns (c int)", 16, "no viable alternative at input 'alter table if exists'"),
            ("t add column c int", 19, "no viable alternative at input 'alter table t add column'"),
            ("t rename column a to c", 22, "missing 'TO' at 'column'"),
            ("t set properties x = 1", 19, "no viable alternative at input 'alter table t set properties'"),
            ("t execute optimize", 15, "no viable alternative at input 'alter table t execute'"),
            (
                "t alter column a set data type bigint",
                15,
                "mismatched input 'alter'. Expecting: '.', 'ADD', 'DROP', 'EXECUTE', 'RENAME', 'SET'",
            ),
            ("t drop column if exists a", 30, "mismatched input 'exists' expecting {{<EOF>, '.'}}"),
            ("t drop columns (a)", 20, "mismatched input 'columns'. Expecting: '.', 'DROP'"),
        )
    ),
    Case(
        "table-not-found",
        "drop table nothing",
        "FAILED: SemanticException [Error 10001]: Table not found {db}.nothing",
        "drop table if exists nothing",
    ),
    Case(
        "entity-not-found",
        "describe nothing",
        "Entity Not Found (Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException; "
        "Request ID: {id}; Proxy: null)",
        "describe t",
        (HIVE,),
    ),
    Case(
        "database-not-found",
        "show tables in nowhere",
        "FAILED: SemanticException [Error 10072]: Database does not exist: nowhere",
        "show tables in {db}",
    ),
    Case(
        "table-exists",
        HIVE,
        QUERY_FAILED + "AlreadyExistsException(message:Table t already exist)",
        HIVE.replace("table t", "table if not exists t"),
        (HIVE,),
    ),
    Case(
        "database-exists",
        "create database {db}",
        QUERY_FAILED + "Database {db} already exists",
        "create database if not exists {db}",
    ),
    Case(
        "database-not-empty",
        "drop database {db}_full",
        QUERY_FAILED + "InvalidOperationException(message:Database {db}_full is not empty. One or more tables exist.)",
        "drop database {db}_full cascade",
        ("create database if not exists {db}_full", HIVE.replace("table t", "table if not exists {db}_full.t")),
    ),
    Case(
        "show-partitions",
        "show partitions t",
        QUERY_FAILED + "Table t is not a partitioned table",
        "show partitions p",
        (HIVE, PARTITIONED),
    ),
    Case(
        "not-a-view",
        "show create view t",
        "NOT_SUPPORTED: Relation '{db}.t' is a table, not a view",
        "show create view v",
        (HIVE, "create view v as select 1 a"),
    ),
    Case(
        "not-partitioned",
        "alter table t add partition (d='x')",
        "FAILED: SemanticException table is not partitioned but partition spec exists: {{d=x}}",
        "alter table p add partition (d='x', e=1)",
        (HIVE, PARTITIONED),
    ),
    Case(
        "partition-columns",
        "alter table p add partition (d='x')",
        "FAILED: SemanticException partition spec {{d=x}} doesn't contain all (2) partition columns",
        "alter table p add partition (d='x', e=1)",
        (PARTITIONED,),
    ),
    Case(
        "partition-exists",
        "alter table p add partition (d='x', e=1)",
        QUERY_FAILED + "AlreadyExistsException(message:Partition already exists.)",
        "alter table p add if not exists partition (d='x', e=1)",
        (PARTITIONED, "alter table p add partition (d='x', e=1)"),
    ),
    Case(
        "partition-not-found",
        "alter table p drop partition (d='x')",
        "FAILED: SemanticException [Error 10006]: Partition not found {{d=x}}",
        "alter table p drop if exists partition (d='x')",
        (PARTITIONED,),
    ),
    Case(
        "column-not-found",
        "alter table t change column nothing c int",
        QUERY_FAILED + "Invalid column reference nothing",
        "alter table t change column a c int",
        (HIVE,),
    ),
    Case(
        "duplicate-column",
        "alter table t add columns (b int)",
        QUERY_FAILED + "Duplicate column name: b",
        "alter table t add columns (c int)",
        (HIVE,),
    ),
)
