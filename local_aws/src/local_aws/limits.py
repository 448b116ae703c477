"""What Athena refuses and Trino would let pass, or refuses in other words: each limit with Athena's text and its source.

Sources that are titles are pages of the Amazon Athena User Guide. "Measured" are texts that others published from the
real service: [1] github.com/aoyagikouhei/athena-local (docs), [2] dbt-labs/dbt-adapters and dbt-labs/dbt-athena issues,
[3] aws/aws-sdk-pandas issues, [4] elementary-data/dbt-data-reliability pull request 597.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from local_aws.type_names import SqlType, read_trino, trino_text

# AthenaError.ErrorType, as measured by [1].
SYNTAX, INVALID, NOT_SUPPORTED = 1006, 1100, 1200

MALFORMED, INVALID_INPUT = "MALFORMED_QUERY", "INVALID_INPUT"


class Refusal(Exception):
    """Athena does not do this.

    `message` is the StateChangeReason or, if `submission`, the error of StartQueryExecution, whose AthenaErrorCode is
    `code`. `error_type` and `error_message` are those of AthenaError.
    """

    def __init__(
        self,
        message: str,
        *,
        error_type: int = SYNTAX,
        submission: bool = False,
        code: str = MALFORMED,
        error_message: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.submission = submission
        self.code = code
        self.error_message = error_message


@dataclass(frozen=True)
class Limit:
    """One thing that Athena refuses: a row of the table in the README."""

    id: str
    title: str
    text: str  # Athena's, with {names} filled in by refusal()
    source: str
    submission: bool = False  # refused by StartQueryExecution, or else the query fails
    code: str = MALFORMED
    error_type: int = SYNTAX
    error_message: str | None = None  # of AthenaError, where it differs from the text
    exact: bool = True  # whether the text is known to be Athena's to the letter
    by_engine: bool = False  # Trino refuses it by itself, as it is configured

    def refusal(self, **values: object) -> Refusal:
        """The error for one case."""
        return Refusal(
            self.text.format(**values),
            error_type=self.error_type,
            submission=self.submission,
            code=self.code,
            error_message=self.error_message and self.error_message.format(**values),
        )


_ICEBERG_DDL = "Creating Iceberg tables"
_DDL_TASK = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
_UNSUPPORTED = "Queries of this type are not supported"

LIMITS: tuple[Limit, ...] = (
    # --- the text of a statement ---
    Limit(
        "query-length",
        "A statement of more than 262,144 bytes",
        "1 validation error detected: Value at 'queryString' failed to satisfy constraint: "
        "Member must have length less than or equal to 262144",
        "Service Quotas; Troubleshooting in Athena",
        submission=True,
        code=INVALID_INPUT,
    ),
    Limit(
        "one-statement",
        "Several statements in one string; a comment behind the `;` counts as one",
        "Only one sql statement is allowed. Got: {sql}",
        "Measured [1]",
        submission=True,
    ),
    Limit("empty-statement", "Nothing but `;`", "Empty sql statement: {sql}", "Measured [1]", submission=True),
    Limit(
        "unsupported-statement",
        "Transactions, USE, SET and RESET SESSION, CALL, roles and grants, ANALYZE, TRUNCATE, COMMENT, indexes, functions, "
        "materialized views, SHOW STATS, SHOW GRANTS and the like",
        _UNSUPPORTED,
        "Unsupported DDL; Considerations and limitations for SQL queries; START TRANSACTION, USE and CREATE INDEX "
        "measured [1], TRUNCATE [4]",
        submission=True,
    ),
    Limit(
        "describe-input",
        "DESCRIBE INPUT and DESCRIBE OUTPUT",
        _UNSUPPORTED,
        "Considerations and limitations for SQL queries",
        submission=True,
        exact=False,
    ),
    Limit(
        "create-or-replace-table",
        "CREATE OR REPLACE TABLE",
        "line {line}:{column}: mismatched input '{word}'. Expecting: 'MATERIALIZED', 'MULTI', 'PROTECTED', 'VIEW'",
        "Measured [1]",
        submission=True,
    ),
    Limit(
        "explain-statement",
        "EXPLAIN of anything but SELECT, CREATE TABLE AS, INSERT, UPDATE, DELETE, MERGE and UNLOAD",
        _UNSUPPORTED,
        "Using EXPLAIN and EXPLAIN ANALYZE in Athena",
        submission=True,
        exact=False,
    ),
    Limit(
        "system-catalog",
        "The engine's catalog `system`",
        _UNSUPPORTED,
        "Measured by a survey of Athena's client protocol (October 2026)",
        submission=True,
    ),
    Limit(
        "engine-catalog",
        "The engine's catalog `iceberg`, which is not one of Athena",
        "CATALOG_NOT_FOUND: line {line}:{column}: Catalog '{catalog}' does not exist",
        "Measured [1] for any catalog that there is not",
    ),
    Limit(
        "external-function",
        "USING EXTERNAL FUNCTION: functions in AWS Lambda. Athena has them, this machine does not",
        "NOT_SUPPORTED: USING EXTERNAL FUNCTION calls AWS Lambda, which the local engine does not have",
        "Querying with user defined functions",
        error_type=NOT_SUPPORTED,
        exact=False,
    ),
    Limit(
        "parameter-count",
        "More or fewer parameters than `?`",
        "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected {expected} but found {found}",
        "Measured [1]",
        error_type=INVALID,
    ),
    Limit(
        "prepared-statement",
        "EXECUTE of a statement that nobody prepared in the workgroup",
        "PreparedStatement {name} was not found in workGroup {workgroup}",
        "Querying with prepared statements",
        submission=True,
        code=INVALID_INPUT,
        exact=False,
    ),
    Limit(
        "engine-version",
        "Functions that Athena engine version 3 does not have: version()",
        "FUNCTION_NOT_FOUND: line {line}:{column}: Function '{name}' not registered",
        "Measured by a survey of Athena's client protocol (October 2026)",
        error_type=1303,
    ),
    # --- names ---
    Limit(
        "quoted-name",
        'DDL on a name in double quotes: `ALTER TABLE "t"`, `DROP TABLE "t"`, `CREATE TABLE "t" (...)`',
        "line {line}:{column}: {problem}",
        "Measured [1]; the list of expected words of DROP TABLE and SHOW COLUMNS is left out",
        submission=True,
    ),
    Limit(
        "quoted-name-describe",
        "DESCRIBE and SHOW COLUMNS on a table, not a view, whose name is in double quotes",
        "line {line}:{column}: {problem}",
        "Measured [1]; Athena says so at StartQueryExecution, here the query fails",
    ),
    Limit(
        "quoted-name-show-create", "SHOW CREATE TABLE on a name in double quotes", _UNSUPPORTED, "Measured [1]", submission=True
    ),
    Limit(
        "quoted-name-optimize",
        "OPTIMIZE on a name in double quotes",
        "line {line}:{column}: mismatched input '{word}'. Expecting: {expecting}",
        "Measured [1]",
        submission=True,
    ),
    Limit(
        "name-parts",
        "A name of four parts in DESCRIBE, SHOW COLUMNS and SHOW CREATE TABLE",
        "Invalid table name {name}",
        "Measured [1]",
        submission=True,
    ),
    Limit(
        "unknown-catalog",
        "DDL in a catalog that there is not",
        "Catalog '{catalog}' does not exist",
        "Measured [1]",
        submission=True,
        code="DATACATALOG_NOT_FOUND",
    ),
    # --- CREATE TABLE ---
    Limit(
        "table-location",
        "CREATE TABLE without LOCATION",
        "No location was specified for table. An S3 location must be specified",
        "CREATE TABLE; measured [1]",
        submission=True,
    ),
    Limit(
        "external-keyword",
        "CREATE TABLE without EXTERNAL that is no Iceberg table",
        "External keyword required for table type HIVE",
        "CREATE TABLE; measured [1]",
        submission=True,
    ),
    Limit(
        "external-iceberg",
        "CREATE EXTERNAL TABLE with 'table_type'='ICEBERG'",
        "External keyword not supported for table type ICEBERG",
        _ICEBERG_DDL,
        submission=True,
    ),
    Limit(
        "column-constraint",
        "NOT NULL, DEFAULT, PRIMARY KEY and other constraints in CREATE EXTERNAL TABLE",
        "line {line}:{column}: mismatched input '{word}'. Expecting: 'MATERIALIZED', 'MULTI', 'OR', 'PROTECTED', 'ROLE', "
        "'SCHEMA', 'TABLE', 'VIEW'",
        "Measured by a survey of Athena's client protocol (October 2026)",
        submission=True,
    ),
    Limit(
        "create-table-like",
        "CREATE TABLE LIKE, and NOT NULL and the like in CREATE TABLE",
        "line {line}:{column}: {problem}",
        "Unsupported DDL; measured [1]",
        submission=True,
    ),
    Limit(
        "iceberg-clause",
        "STORED AS, ROW FORMAT or CLUSTERED BY in CREATE TABLE of an Iceberg table",
        "Iceberg create table statement does not allow {clause}",
        "Creating Iceberg tables; measured [1]",
        error_type=NOT_SUPPORTED,
    ),
    Limit(
        "iceberg-partition-type",
        "PARTITIONED BY (column type) in CREATE TABLE of an Iceberg table",
        "Invalid PARTITIONED BY clause in Iceberg create table statement",
        "Creating Iceberg tables; measured [1]",
    ),
    Limit(
        "iceberg-columns",
        "CREATE TABLE of an Iceberg table without columns",
        "At least one column is required for Iceberg create table statement",
        "Measured [1]",
    ),
    Limit(
        "iceberg-table-property",
        "Table properties of an Iceberg table that are not Athena's",
        "Unsupported table property key: {key}",
        "Creating Iceberg tables; measured [1]",
        error_type=NOT_SUPPORTED,
    ),
    Limit(
        "iceberg-column-type",
        "tinyint, smallint and char columns in an Iceberg table",
        "NOT_SUPPORTED: Type not supported for Iceberg: {type}",
        "Supported data types for Iceberg tables in Athena; the text is that of Trino before it widened these types",
        error_type=NOT_SUPPORTED,
        exact=False,
    ),
    # --- CREATE TABLE AS ---
    Limit(
        "iceberg-timestamp",
        "A timestamp or time that is not in microseconds in CREATE TABLE AS of an Iceberg table",
        'NOT_SUPPORTED: {kind} precision ({precision}) not supported for Iceberg. Use "{instead}" instead.',
        "Querying Iceberg tables; dbt-athena casts because of it, measured [2]",
        error_type=NOT_SUPPORTED,
    ),
    Limit(
        "hive-timestamp",
        "A timestamp that is not in milliseconds in CREATE TABLE AS of a hive table, or in UNLOAD",
        "NOT_SUPPORTED: Incorrect timestamp precision for {type}; the configured precision is MILLISECONDS; "
        "column name: {column}",
        "Measured [2], [3]",
        error_type=NOT_SUPPORTED,
        by_engine=True,
    ),
    Limit(
        "hive-column-type",
        "timestamp with time zone, time, json, uuid and interval columns in CREATE TABLE AS of a hive table",
        "NOT_SUPPORTED: Unsupported Hive type: {type}",
        "Athena engine version 3 (uuid); measured [2], [3]",
        error_type=NOT_SUPPORTED,
        by_engine=True,
    ),
    Limit(
        "view-column-type",
        "timestamp with time zone columns in CREATE VIEW",
        "Invalid column type for column {column}: Unsupported Hive type: {type}",
        "Measured by users of dbt-athena (Tomme/dbt-athena issue 115) and [3]",
        error_type=NOT_SUPPORTED,
    ),
    Limit(
        "iceberg-location",
        "CREATE TABLE AS of an Iceberg table without location",
        "Table location can not be null",
        "CREATE TABLE AS: location is required for Iceberg tables",
        exact=False,
    ),
    Limit(
        "iceberg-external",
        "CREATE TABLE AS of an Iceberg table with is_external = true, external_location, partitioned_by or bucketed_by",
        "INVALID_TABLE_PROPERTY: Table property '{key}' is not supported for table type ICEBERG",
        "CREATE TABLE AS: these properties do not apply to Iceberg tables",
        error_type=INVALID,
        exact=False,
    ),
    Limit(
        "location-enforced",
        "external_location in a workgroup that enforces its output location",
        "The Create Table As Select query failed because it was submitted with an 'external_location' property to an Athena "
        "Workgroup that enforces a centralized output location for all queries. Please remove the 'external_location' property "
        "and resubmit the query.",
        "CREATE TABLE AS; the text from users' reports",
        submission=True,
        code=INVALID_INPUT,
    ),
    Limit(
        "location-not-empty",
        "CREATE TABLE AS or UNLOAD to a location that has files",
        "HIVE_PATH_ALREADY_EXISTS: Target directory for table '{table}' already exists: {location}",
        "Considerations and limitations for CTAS queries; measured [2]",
        by_engine=True,
    ),
    Limit(
        "hive-partitions",
        "More than 100 partitions and buckets of a hive table in one CREATE TABLE AS or INSERT",
        "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions/buckets",
        "Using CTAS and INSERT INTO to work around the 100 partition limit",
        by_engine=True,
    ),
    Limit(
        "iceberg-partitions",
        "More than 100 partitions of an Iceberg table in one statement",
        "ICEBERG_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for partitions",
        "Using CTAS and INSERT INTO to work around the 100 partition limit; measured by users",
        by_engine=True,
    ),
    Limit(
        "compression",
        "Two of write_compression, parquet_compression and orc_compression in one CREATE TABLE AS",
        "INVALID_TABLE_PROPERTY: Only one compression property can be set: {keys}",
        "CREATE TABLE AS",
        error_type=INVALID,
        exact=False,
    ),
    # --- changes of tables ---
    Limit(
        "hive-row-changes",
        "UPDATE, DELETE and MERGE on a hive table",
        "NOT_SUPPORTED: Modifying Hive table rows is only supported for transactional tables",
        "UPDATE; DELETE; MERGE INTO; measured",
        error_type=NOT_SUPPORTED,
    ),
    Limit(
        "hive-rename",
        "ALTER TABLE ... RENAME TO on a hive table",
        _DDL_TASK + "Unable to alter table. Unable to "
        "change partition or table: com.amazonaws.services.datacatalog.model.InvalidInputException: Table cannot be renamed "
        "(Service: AmazonDataCatalog; Status Code: 400; Error Code: InvalidInputException; Request ID: {request}; Proxy: null)",
        "Unsupported DDL; measured [1]",
        error_message="Query type not supported by DDL engine.",
    ),
    Limit(
        "hive-drop-column",
        "ALTER TABLE ... DROP COLUMN on a hive table",
        "FAILED: ParseException line {line}:{column} mismatched input 'COLUMN' expecting PARTITION near 'DROP' "
        "in drop partition statement",
        "Unsupported DDL; measured [1]",
        error_message="line {line}:{column_from_one}: mismatched input 'COLUMN' expecting 'PARTITION'",
    ),
    Limit(
        "iceberg-ddl",
        "REPLACE COLUMNS, ADD and DROP PARTITION, SET LOCATION and MSCK REPAIR TABLE on an Iceberg table",
        "Query type not supported by Athena Iceberg at this time",
        "Evolving Iceberg table schema; measured [1]",
        error_type=NOT_SUPPORTED,
    ),
    Limit(
        "iceberg-only",
        "OPTIMIZE and VACUUM on a hive table",
        "NOT_SUPPORTED: Table {table} is not an Iceberg table",
        "OPTIMIZE; VACUUM: supported only for Iceberg tables",
        error_type=NOT_SUPPORTED,
        exact=False,
    ),
    Limit(
        "alter-table-form",
        "ALTER TABLE as Trino has it: IF EXISTS, ADD COLUMN, RENAME COLUMN, ALTER COLUMN, SET PROPERTIES, EXECUTE",
        "line {line}:{column}: {problem}",
        "Measured [1]",
        submission=True,
    ),
    # --- the catalog ---
    Limit(
        "table-not-found",
        "DDL on a table that there is not",
        "FAILED: SemanticException [Error 10001]: Table not found {table}",
        "Measured [1]",
    ),
    Limit(
        "entity-not-found",
        "DESCRIBE and SHOW COLUMNS of a table that there is not",
        "Entity Not Found (Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException; "
        "Request ID: {request}; Proxy: null)",
        "Measured [1]; Athena says so at StartQueryExecution, here the query fails",
    ),
    Limit(
        "database-not-found",
        "DDL in a database that there is not",
        "FAILED: SemanticException [Error 10072]: Database does not exist: {database}",
        "Measured [1]",
    ),
    Limit(
        "table-exists",
        "CREATE EXTERNAL TABLE of a table that exists",
        _DDL_TASK + "AlreadyExistsException(message:Table {table} already exist)",
        "Measured [1]",
        error_message="Table {table} already exists.",
    ),
    Limit(
        "database-exists",
        "CREATE DATABASE of a database that exists",
        _DDL_TASK + "Database {database} already exists",
        "Measured [1]",
    ),
    Limit(
        "database-not-empty",
        "DROP DATABASE of a database with tables, without CASCADE",
        _DDL_TASK + "InvalidOperationException(message:Database {database} is not empty. One or more tables exist.)",
        "DROP DATABASE; the text is Hive's",
        exact=False,
    ),
    Limit(
        "show-partitions",
        "SHOW PARTITIONS of a table without partition columns",
        _DDL_TASK + "Table {table} is not a partitioned table",
        "The text is Hive's",
        exact=False,
    ),
    Limit(
        "not-a-view",
        "SHOW CREATE VIEW of a table",
        "NOT_SUPPORTED: Relation '{table}' is a table, not a view",
        "The text is Trino's",
        error_type=NOT_SUPPORTED,
        exact=False,
    ),
    Limit(
        "not-partitioned",
        "Partitions of a table without partition columns",
        "FAILED: SemanticException table is not partitioned but partition spec exists: {spec}",
        "Troubleshooting in Athena",
    ),
    Limit(
        "partition-columns",
        "A partition without a value for each partition column",
        "FAILED: SemanticException partition spec {spec} doesn't contain all ({count}) partition columns",
        "Hive's text",
        exact=False,
    ),
    Limit(
        "partition-exists",
        "ADD PARTITION of a partition that exists, without IF NOT EXISTS",
        _DDL_TASK + "AlreadyExistsException(message:Partition already exists.)",
        "ALTER TABLE ADD PARTITION; the text is Hive's and Glue's",
        exact=False,
    ),
    Limit(
        "partition-not-found",
        "DROP PARTITION of a partition that there is not, without IF EXISTS",
        "FAILED: SemanticException [Error 10006]: Partition not found {spec}",
        "ALTER TABLE DROP PARTITION; the text is Hive's",
        exact=False,
    ),
    Limit(
        "column-not-found",
        "CHANGE COLUMN of a column that there is not",
        _DDL_TASK + "Invalid column reference {column}",
        "The text is Hive's",
        exact=False,
    ),
    Limit(
        "duplicate-column",
        "A column name that the table has already",
        _DDL_TASK + "Duplicate column name: {column}",
        "CREATE TABLE; the text is Hive's",
        exact=False,
    ),
)

BY_ID: Mapping[str, Limit] = {limit.id: limit for limit in LIMITS}


def refuse(id: str, **values: object) -> Refusal:
    """The error of a limit, to be raised."""
    return BY_ID[id].refusal(**values)


# What Athena is known to refuse, or may refuse, and this cannot tell, with the reason.
NOT_CHECKED: tuple[tuple[str, str], ...] = (
    ("Functions newer than Athena's engine", "Amazon publishes no list by version; only version() is known to be missing"),
    ("SQL newer than Athena's engine, as inline functions or JSON_TABLE", "nobody published what its parser takes"),
    ("Words that are reserved in Athena's DDL and not in this parser", "an unquoted reserved word as a name is accepted here"),
    (
        "Names with upper case or special characters",
        "Athena lowers the case and may accept the rest; it says only that they can fail",
    ),
    ("Views over timestamp(6) columns", "views over Iceberg tables work in Athena; what fails is not documented"),
    ("json, time, uuid and interval columns in views", "only timestamp with time zone is known to fail"),
    ("Properties of CREATE TABLE AS that Trino has and Athena does not, as sorted_by", "Athena's answer is not known"),
    ("date columns in ADD COLUMNS and REPLACE COLUMNS", "the guide says that they do not work, not how"),
    ("A column list in CREATE TABLE AS: `create table t (a) as values 1`", "Athena refuses columns without names only"),
    ("INSERT INTO a table in csv, or with buckets", "some serdes cannot be written by Athena; the list is not complete"),
    ("SHOW CATALOGS", "whether Athena has it is not known; here it tells the engine's catalogs"),
    ("Block comments inside DDL that Athena hands to Hive", "measured for some statements only; here they are accepted"),
    ("Timeouts, quotas, memory, workgroup permissions, Lake Formation", "they belong to an account, not to SQL"),
    ("Time zones, S3 storage classes, encrypted data", "there is none of it here"),
)


# --- checks -------------------------------------------------------------------------------------------------------------

MAX_QUERY_BYTES = 262_144


def check_length(sql: str) -> None:
    """Raises Refusal for a statement that is too long."""
    if len(sql.encode()) > MAX_QUERY_BYTES:
        raise refuse("query-length")


ICEBERG_PROPERTIES = frozenset(
    {
        "table_type",
        "format",
        "write_compression",
        "compression_level",
        "write_target_data_file_size_bytes",
        "write_data_path_enabled",
        "optimize_rewrite_min_data_file_size_bytes",
        "optimize_rewrite_max_data_file_size_bytes",
        "optimize_rewrite_data_file_threshold",
        "optimize_rewrite_delete_file_threshold",
        "vacuum_min_snapshots_to_keep",
        "vacuum_max_snapshot_age_seconds",
        "vacuum_max_metadata_files_to_keep",
    }
)


def check_iceberg_properties(keys: Iterable[str]) -> None:
    """Raises Refusal for the first table property that an Iceberg table in Athena cannot have."""
    for key in keys:
        if key.lower() not in ICEBERG_PROPERTIES:
            raise refuse("iceberg-table-property", key=key)


_NO_ICEBERG_TYPE = {"tinyint", "smallint", "char"}


def check_iceberg_columns(columns: Sequence[tuple[str, str]]) -> None:
    """Raises Refusal for a column, given as name and Trino type, that CREATE TABLE AS cannot put into an Iceberg table."""
    for _, text in columns:
        for sql_type in read_trino(text).walk():
            check_iceberg_type(sql_type)
            base, _, zone = sql_type.name.partition(" with ")
            precision = sql_type.numbers[0] if sql_type.numbers else 3
            if base in ("timestamp", "time") and precision != 6:
                instead = f"{base}(6)" + (f" with {zone}" if zone else "")
                raise refuse("iceberg-timestamp", kind=base.capitalize(), precision=precision, instead=instead)


def check_iceberg_type(sql_type: SqlType) -> None:
    """Raises Refusal for a type that no Iceberg table of Athena has."""
    if sql_type.name in _NO_ICEBERG_TYPE:
        raise refuse("iceberg-column-type", type=trino_text(sql_type))


def check_view_columns(columns: Sequence[tuple[str, str]]) -> None:
    """Raises Refusal for a column, given as name and Trino type, that a view of Athena cannot have."""
    for column, text in columns:
        for sql_type in read_trino(text).walk():
            if sql_type.name == "timestamp with time zone":
                raise refuse("view-column-type", column=column, type=trino_text(sql_type))
