"""Hive DDL as Athena takes it, read into actions on Glue, and on Trino for Iceberg tables.

Read by tokens, not as sqlglot's trees: Athena's errors name the token that does not fit, and its place. sqlglot has trees for
half of these statements, and for most of those that Athena refuses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlglot.tokens import Token, TokenType

from local_aws import glue_ddl, glue_show, limits
from local_aws.limits import Refusal, refuse
from local_aws.plan import DdlResult, EngineStep, GlueStep, Statement, Table
from local_aws.sql_text import Cursor, ParseError, TableName, position, quote_name, quote_text
from local_aws.type_names import SqlType, glue_type, hive_type, iceberg_column_type

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import ColumnTypeDef, TableInputTypeDef

CATALOG = "awsdatacatalog"
DEFAULT_DATABASE = "default"

_LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_TEXT = ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat")
_HIVE_IO = "org.apache.hadoop.hive.ql.io"
# STORED AS: input format, output format, serde.
FILE_FORMATS: Mapping[str, tuple[str, str, str]] = {
    "TEXTFILE": (*_TEXT, _LAZY),
    "JSONFILE": (*_TEXT, "org.apache.hive.hcatalog.data.JsonSerDe"),
    "PARQUET": (
        f"{_HIVE_IO}.parquet.MapredParquetInputFormat",
        f"{_HIVE_IO}.parquet.MapredParquetOutputFormat",
        f"{_HIVE_IO}.parquet.serde.ParquetHiveSerDe",
    ),
    "ORC": (f"{_HIVE_IO}.orc.OrcInputFormat", f"{_HIVE_IO}.orc.OrcOutputFormat", f"{_HIVE_IO}.orc.OrcSerde"),
    "AVRO": (
        f"{_HIVE_IO}.avro.AvroContainerInputFormat",
        f"{_HIVE_IO}.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "SEQUENCEFILE": ("org.apache.hadoop.mapred.SequenceFileInputFormat", f"{_HIVE_IO}.HiveSequenceFileOutputFormat", _LAZY),
    "RCFILE": (
        f"{_HIVE_IO}.RCFileInputFormat",
        f"{_HIVE_IO}.RCFileOutputFormat",
        "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe",
    ),
    "ION": (
        "com.amazon.ionhiveserde.formats.IonInputFormat",
        "com.amazon.ionhiveserde.formats.IonOutputFormat",
        "com.amazon.ionhiveserde.IonHiveSerDe",
    ),
}


def translate(cursor: Cursor, database: str | None) -> Statement:
    """What to do for a statement of Hive DDL. Raises Refusal and ParseError."""
    reader = _Reader(cursor.sql, cursor.tokens, database)
    for words, read in _READERS:
        if reader.accept(*words):
            return read(reader)
    raise refuse("unsupported-statement")


def syntax_error(sql: str, error: ParseError) -> Refusal:
    """What StartQueryExecution says to a statement that cannot be read."""
    offset = error.token.start if error.token else len(sql)
    line, column = position(sql, offset)
    found = sql[error.token.start : error.token.end + 1] if error.token else "<EOF>"
    return Refusal(f"line {line}:{column}: mismatched input '{found}'. Expecting: {error.expected}", submission=True)


def resolve(name: TableName, database: str | None) -> Table:
    """The table of a name in the session's database. Raises Refusal for a catalog that Athena does not have here."""
    if name.catalog not in (None, CATALOG):
        raise refuse("unknown-catalog", catalog=name.catalog)
    return Table((name.database or database or DEFAULT_DATABASE).lower(), name.table)


class _Reader(Cursor):
    """Reads a statement; `database` is that of names without one."""

    def __init__(self, sql: str, tokens: list[Token], database: str | None) -> None:
        super().__init__(sql, tokens)
        self.database = database

    def table(self) -> Table:
        """Read the name of a table. Raises Refusal for one in double quotes."""
        start = self.at
        try:
            return resolve(self.table_name(), self.database)
        except ParseError as error:
            if token := _double_quoted(self):
                raise quoted_name(self, token, start) from error
            raise

    def table_or_view(self) -> tuple[Table, Refusal | None]:
        """Read the name of a table or view, which may be in double quotes for a view; and what is said if it is a table."""
        start = self.at
        parts, quoted = [], None
        while True:
            if token := _double_quoted(self):
                quoted = quoted or quoted_name(self, token, start)
                parts.append(self.string().lower())
            else:
                parts += self.name().split(".")
            if not self.accept("."):
                break
        if len(parts) > 3:
            raise refuse("name-parts", name=".".join(parts))
        catalog, database, table = [None, None, *parts][-3:]
        return resolve(TableName(catalog, database, table or ""), self.database), quoted

    def if_exists(self) -> bool:
        return self.accept("IF", "EXISTS")

    def if_not_exists(self) -> bool:
        return self.accept("IF", "NOT", "EXISTS")

    def properties(self) -> dict[str, str]:
        """Read `('key'='value', ...)`; a value may be a number."""
        found: dict[str, str] = {}
        for _ in self.items():
            key = self.string()
            self.expect("=")
            found[key] = self.take().text
        return found

    def comment(self) -> str | None:
        return self.string() if self.accept("COMMENT") else None

    def columns(self) -> list["Column"]:
        """Read `(name type [COMMENT 'text'], ...)`."""
        return [self.column() for _ in self.items()]

    def column(self) -> "Column":
        """Read `name type [COMMENT 'text']`."""
        return Column(self.name(), hive_type(self), self.comment())

    def partition(self) -> dict[str, str]:
        """Read `(column = value, ...)` behind PARTITION."""
        found: dict[str, str] = {}
        for _ in self.items():
            column = self.name()
            self.expect("=")
            if self.word() in ("DATE", "TIMESTAMP"):
                self.take()
            sign = "-" if self.accept("-") else ""
            found[column] = sign + self.take().text
        return found


def _double_quoted(cursor: Cursor) -> Token | None:
    """The token there if it is a text in double quotes, which is no name in Hive's tongue."""
    token = cursor.peek()
    return token if token and token.token_type == TokenType.STRING and cursor.sql[token.start] == '"' else None


def quoted_name(cursor: Cursor, token: Token, start: int) -> Refusal:
    """What Athena says to a name in double quotes in DDL; `start` is the index of the name's first token."""
    first = cursor.tokens[0].text.upper()
    line, column = position(cursor.sql, token.start)
    if first == "SHOW" and cursor.tokens[1].text.upper() == "CREATE":
        return refuse("quoted-name-show-create")
    if token is cursor.tokens[start] and (first in ("SHOW", "DROP")):
        problem = f"mismatched input '{cursor.sql[token.start : token.end + 1]}' expecting <identifier>"
    else:
        from_name = first in ("SHOW", "DROP", "DESCRIBE", "DESC") and token is not cursor.tokens[start]
        problem = no_viable(cursor, token, start if from_name else 0)
    described = first in ("DESCRIBE", "DESC") or cursor.tokens[1].text.upper() == "COLUMNS"
    return refuse("quoted-name-describe" if described else "quoted-name", line=line, column=column, problem=problem)


def no_viable(cursor: Cursor, token: Token, first: int = 0) -> str:
    """`no viable alternative` for the text from a token to the one that the grammar does not know."""
    text = cursor.sql[cursor.tokens[first].start : token.end + 1].replace("\n", "\\n").replace("\t", "\\t")
    return f"no viable alternative at input '{text}'"


@dataclass(frozen=True)
class Column:
    """A column of DDL."""

    name: str
    type: SqlType
    comment: str | None = None

    def in_glue(self) -> "ColumnTypeDef":
        """As Glue has it."""
        column: ColumnTypeDef = {"Name": self.name, "Type": glue_type(self.type)}
        return column if self.comment is None else {**column, "Comment": self.comment}

    def in_iceberg(self) -> str:
        """As Trino's DDL has it for an Iceberg table. Raises Refusal for a type that none has."""
        for sql_type in self.type.walk():
            limits.check_iceberg_type(sql_type)
        comment = "" if self.comment is None else f" COMMENT {quote_text(self.comment)}"
        return f"{quote_name(self.name)} {iceberg_column_type(self.type)}{comment}"


def _ddl(substatement_type: str, action: Callable[..., DdlResult], **arguments: Any) -> Statement:
    return Statement("DDL", substatement_type, (GlueStep(partial(action, **arguments)),))


def _utility(substatement_type: str, action: Callable[..., DdlResult], **arguments: Any) -> Statement:
    return Statement("UTILITY", substatement_type, (GlueStep(partial(action, **arguments)),))


# --- databases ----------------------------------------------------------------------------------------------------------


def _create_database(reader: _Reader) -> Statement:
    if_not_exists = reader.if_not_exists()
    name = _database_name(reader)
    comment = location = None
    properties: dict[str, str] = {}
    while not reader.ended:
        if reader.accept("COMMENT"):
            comment = reader.string()
        elif reader.accept("LOCATION"):
            location = reader.string()
        else:
            reader.expect("WITH", "DBPROPERTIES")
            properties = reader.properties()
    return _ddl(
        "CREATE_DATABASE",
        glue_ddl.create_database,
        name=name,
        if_not_exists=if_not_exists,
        comment=comment,
        location=location,
        properties=properties,
    )


def _drop_database(reader: _Reader) -> Statement:
    if_exists = reader.if_exists()
    name = _database_name(reader)
    cascade = reader.accept("CASCADE")
    reader.accept("RESTRICT")
    reader.end()
    return _ddl("DROP_DATABASE", glue_ddl.drop_database, name=name, if_exists=if_exists, cascade=cascade)


def _alter_database(reader: _Reader) -> Statement:
    name = _database_name(reader)
    reader.expect("SET", "DBPROPERTIES")
    properties = reader.properties()
    reader.end()
    return _ddl("ALTER_DATABASE_PROPERTIES", glue_ddl.set_database_properties, name=name, properties=properties)


def _database_name(reader: _Reader) -> str:
    """Read the name of a database, which may have its catalog in front."""
    *catalog, name = reader.qualified()
    if len(catalog) > 1:
        raise ParseError(reader.tokens[reader.at - 1], "<EOF>")
    return resolve(TableName(catalog[0] if catalog else None, name, ""), None).database


# --- CREATE TABLE -------------------------------------------------------------------------------------------------------


@dataclass
class _Clauses:
    """The clauses of CREATE TABLE that were there."""

    columns: list[Column] = field(default_factory=list)
    comment: str | None = None
    partitioned_by: list[tuple[str, SqlType | None, str | None]] = field(default_factory=list)  # name, type, comment
    transforms: list[str] = field(default_factory=list)  # as Trino has them
    buckets: tuple[list[str], int] | None = None
    has_row_format: bool = False
    serde: str | None = None
    serde_properties: dict[str, str] = field(default_factory=dict)
    stored_as: tuple[str, str, str] | None = None
    location: str | None = None
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def iceberg(self) -> bool:
        return any(key.lower() == "table_type" and value.upper() == "ICEBERG" for key, value in self.properties.items())


def _create_table(reader: _Reader) -> Statement:
    external = reader.word(-2) == "EXTERNAL"
    if_not_exists = reader.if_not_exists()
    table = reader.table()
    if reader.word() == "LIKE":
        raise _form(reader, "create-table-like", reader.take())
    clauses = _Clauses()
    if reader.word() == "(":
        clauses.columns = _table_columns(reader, external)
    while not reader.ended:
        _clause(reader, clauses)
    if clauses.iceberg and external:
        raise refuse("external-iceberg")
    if not clauses.iceberg and not external and clauses.location:
        raise refuse("external-keyword")
    if not clauses.location:
        raise refuse("table-location")
    if clauses.iceberg:
        return Statement("DDL", "CREATE_TABLE", (_iceberg_table(table, clauses, if_not_exists),))
    return _ddl(
        "CREATE_TABLE",
        glue_ddl.create_table,
        table=table,
        table_input=_hive_table(table, clauses),
        if_not_exists=if_not_exists,
    )


def _table_columns(reader: _Reader, external: bool) -> list[Column]:
    """The columns of CREATE TABLE. Raises Refusal for a constraint."""
    try:
        return reader.columns()
    except ParseError as error:
        if token := _double_quoted(reader):
            raise _form(reader, "quoted-name", token) from error
        if not external:
            raise _form(reader, "create-table-like", error.token or reader.tokens[-1]) from error
        word = reader.tokens[1]  # Athena reads the statement again as Trino would, and stumbles over EXTERNAL
        line, column = position(reader.sql, word.start)
        raise refuse("column-constraint", line=line, column=column, word=word.text) from error


def _form(cursor: Cursor, limit: str, token: Token) -> Refusal:
    line, column = position(cursor.sql, token.start)
    return refuse(limit, line=line, column=column, problem=no_viable(cursor, token))


def _clause(reader: _Reader, clauses: _Clauses) -> None:
    if reader.accept("COMMENT"):
        clauses.comment = reader.string()
    elif reader.accept("PARTITIONED", "BY"):
        _partitioned_by(reader, clauses)
    elif reader.accept("CLUSTERED", "BY"):
        columns = [reader.name() for _ in reader.items()]
        reader.expect("INTO")
        if not reader.word().isdigit():
            raise reader.fail("a number")
        clauses.buckets = (columns, int(reader.take().text))
        reader.expect("BUCKETS")
    elif reader.accept("ROW", "FORMAT", "SERDE"):
        clauses.has_row_format = True
        clauses.serde = reader.string()
    elif reader.accept("WITH", "SERDEPROPERTIES"):
        clauses.serde_properties |= reader.properties()
    elif reader.accept("ROW", "FORMAT", "DELIMITED"):
        clauses.has_row_format = True
        clauses.serde_properties |= _delimiters(reader)
    elif reader.accept("STORED", "AS"):
        clauses.stored_as = _stored_as(reader)
    elif reader.accept("LOCATION"):
        clauses.location = reader.string()
    elif reader.accept("TBLPROPERTIES"):
        clauses.properties = reader.properties()
    else:
        raise reader.fail("'COMMENT', 'PARTITIONED', 'CLUSTERED', 'ROW', 'STORED', 'LOCATION', 'TBLPROPERTIES', 'WITH', <EOF>")


def _partitioned_by(reader: _Reader, clauses: _Clauses) -> None:
    """Read Hive's `(column type, ...)` or Iceberg's `(column, bucket(16, column), ...)`."""
    for _ in reader.items():
        name = reader.name()
        if reader.word() == "(":
            arguments = [reader.take().text for _ in reader.items()]
            column = next((argument for argument in arguments if not argument.isdigit()), "")
            number = next((argument for argument in arguments if argument.isdigit()), None)
            clauses.transforms.append(f"{name}({_partition_column(column)}{f', {number}' if number else ''})")
        elif reader.word() in (",", ")"):
            clauses.transforms.append(_partition_column(name))
            clauses.partitioned_by.append((name, None, None))
        else:
            clauses.partitioned_by.append((name, hive_type(reader), reader.comment()))


def _partition_column(name: str) -> str:
    plain = name.lower()
    return plain if plain.isidentifier() and plain.isascii() else quote_name(plain)


# The parameters of LazySimpleSerDe; the misspelled one is Hive's.
_DELIMITERS = {
    ("FIELDS", "TERMINATED", "BY"): "field.delim",
    ("ESCAPED", "BY"): "escape.delim",
    ("COLLECTION", "ITEMS", "TERMINATED", "BY"): "colelction.delim",
    ("MAP", "KEYS", "TERMINATED", "BY"): "mapkey.delim",
    ("LINES", "TERMINATED", "BY"): "line.delim",
    ("NULL", "DEFINED", "AS"): "serialization.null.format",
}


def _delimiters(cursor: Cursor) -> dict[str, str]:
    found: dict[str, str] = {}
    while words := next((words for words in _DELIMITERS if cursor.accept(*words)), None):
        found[_DELIMITERS[words]] = cursor.string()
    if "field.delim" in found:
        found["serialization.format"] = found["field.delim"]
    return found


def _stored_as(cursor: Cursor) -> tuple[str, str, str]:
    if cursor.accept("INPUTFORMAT"):
        input_format = cursor.string()
        cursor.expect("OUTPUTFORMAT")
        return input_format, cursor.string(), _LAZY
    if cursor.word() not in FILE_FORMATS:
        raise cursor.fail(", ".join(f"'{name}'" for name in [*FILE_FORMATS, "INPUTFORMAT"]))
    return FILE_FORMATS[cursor.take().text.upper()]


def _hive_table(table: Table, clauses: _Clauses) -> "TableInputTypeDef":
    """Glue's TableInput."""
    input_format, output_format, serde = clauses.stored_as or FILE_FORMATS["TEXTFILE"]
    columns, buckets = clauses.buckets or ([], -1)
    keys = []
    for name, sql_type, comment in clauses.partitioned_by:
        if sql_type is None:
            raise Refusal(f"FAILED: ParseException missing type of partition column {name}")
        keys.append(Column(name, sql_type, comment).in_glue())
    parameters = dict(clauses.properties)
    if clauses.comment is not None:
        parameters["comment"] = clauses.comment
    names = [column.name for column in clauses.columns] + [key["Name"] for key in keys]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise refuse("duplicate-column", column=name)
    return {
        "Name": table.name,
        "Owner": "hadoop",
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "PartitionKeys": keys,
        "StorageDescriptor": {
            "Columns": [column.in_glue() for column in clauses.columns],
            "Location": clauses.location or "",
            "InputFormat": input_format,
            "OutputFormat": output_format,
            "Compressed": False,
            "NumberOfBuckets": buckets,
            "BucketColumns": columns,
            "SortColumns": [],
            "StoredAsSubDirectories": False,
            "SerdeInfo": {
                "SerializationLibrary": clauses.serde or serde,
                "Parameters": {"serialization.format": "1"} | clauses.serde_properties,
            },
        },
    }


def _iceberg_table(table: Table, clauses: _Clauses, if_not_exists: bool) -> EngineStep:
    """Trino's CREATE TABLE. Raises Refusal, for the same clause first as Athena."""
    if clauses.buckets:
        raise refuse("iceberg-clause", clause="CLUSTERED BY")
    if clauses.has_row_format or clauses.serde_properties:
        raise refuse("iceberg-clause", clause="ROW FORMAT")
    if clauses.stored_as:
        raise refuse("iceberg-clause", clause="STORED AS/BY")
    if any(sql_type is not None for _, sql_type, _ in clauses.partitioned_by):
        raise refuse("iceberg-partition-type")
    if not clauses.columns:
        raise refuse("iceberg-columns")
    limits.check_iceberg_properties(clauses.properties)
    properties, session = iceberg_properties(clauses.properties)
    properties["location"] = quote_text(clauses.location or "")
    if clauses.transforms:
        properties["partitioning"] = f"ARRAY[{', '.join(map(quote_text, clauses.transforms))}]"
    columns = ", ".join(column.in_iceberg() for column in clauses.columns)
    comment = "" if clauses.comment is None else f" COMMENT {quote_text(clauses.comment)}"
    exists = "IF NOT EXISTS " if if_not_exists else ""
    with_clause = ", ".join(f"{key} = {value}" for key, value in properties.items())
    sql = f"CREATE TABLE {exists}{table.in_iceberg} ({columns}){comment} WITH ({with_clause})"
    return EngineStep(sql, session=session)


_MIN_SNAPSHOTS = "history.expire.min-snapshots-to-keep"  # Iceberg's own, which Trino heeds when it expires snapshots


def iceberg_properties(properties: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Athena's properties of an Iceberg table as Trino's WITH and session properties.

    What Trino does not have is kept in the table's metadata under Athena's names.
    """
    known = {key.lower(): value for key, value in properties.items()}
    found: dict[str, str] = {}
    session: dict[str, str] = {}
    if "format" in known:
        found["format"] = quote_text(known["format"].upper())
    if "write_compression" in known:
        session["iceberg.compression_codec"] = codec(known["write_compression"])
    kept = {key: value for key, value in known.items() if key not in ("table_type", "format")}
    if "vacuum_min_snapshots_to_keep" in kept:
        kept[_MIN_SNAPSHOTS] = kept["vacuum_min_snapshots_to_keep"]
    if kept:
        found["extra_properties"] = _map(kept)
    return found, session


def _map(values: Mapping[str, str]) -> str:
    return f"MAP(ARRAY[{', '.join(map(quote_text, values))}], ARRAY[{', '.join(map(quote_text, values.values()))}])"


_CODECS = {"ZLIB": "GZIP", "DEFLATE": "GZIP", "UNCOMPRESSED": "NONE"}  # Trino's GZIP is zlib in ORC and deflate in Avro
_TRINO_CODECS = {"NONE", "SNAPPY", "LZ4", "ZSTD", "GZIP"}


def codec(name: str) -> str:
    """Trino's name of a compression of Athena. Raises Refusal for one that only Athena can write."""
    found = _CODECS.get(name.upper(), name.upper())
    if found not in _TRINO_CODECS:
        raise Refusal(
            f"NOT_SUPPORTED: the local engine does not write {name.upper()}: use one of {', '.join(sorted(_TRINO_CODECS))}, "
            "ZLIB or DEFLATE",
            error_type=limits.NOT_SUPPORTED,
        )
    return found


def _drop_table(reader: _Reader) -> Statement:
    if_exists = reader.if_exists()
    table = reader.table()
    reader.accept("PURGE")
    reader.end()
    steps = (EngineStep(f"DROP TABLE {table.in_iceberg}"),)
    return _ddl("DROP_TABLE", glue_ddl.drop_table, table=table, if_exists=if_exists, iceberg=steps)


# --- ALTER TABLE --------------------------------------------------------------------------------------------------------


def _alter_table(reader: _Reader) -> Statement:
    if reader.looking_at("IF", "EXISTS"):
        reader.take()
        raise _form(reader, "alter-table-form", reader.token)
    table = reader.table()
    spec = reader.partition() if reader.accept("PARTITION") else None
    action = next((action for words, action in _ALTERATIONS if reader.accept(*words)), None)
    if action is None and reader.word() in ("ADD", "DROP") and reader.word(1) in ("IF", "PARTITION"):
        action = _add_partition if reader.take().text.upper() == "ADD" else _drop_partition
    if action is None:
        raise _alter_problem(reader)
    statement = action(reader, table, spec)
    reader.end()
    return statement


def _alter_form(cursor: Cursor, problem: str) -> Refusal:
    line, column = position(cursor.sql, cursor.token.start)
    return refuse("alter-table-form", line=line, column=column, problem=problem)


_ALTER_WORDS = "'.', 'ADD', 'DROP', 'EXECUTE', 'RENAME', 'SET'"


def _alter_problem(cursor: Cursor) -> Refusal:
    """What Athena says to the forms of ALTER TABLE that are Trino's, or nobody's."""
    match cursor.word(), cursor.word(1):
        case ("ADD", "COLUMN") | ("SET", "PROPERTIES" | "AUTHORIZATION"):
            cursor.take()
            return _form(cursor, "alter-table-form", cursor.token)
        case "EXECUTE", _:
            return _form(cursor, "alter-table-form", cursor.token)
        case "RENAME", "COLUMN":
            cursor.take()
            return _alter_form(cursor, f"missing 'TO' at '{cursor.token.text}'")
        case "DROP", "COLUMNS":
            cursor.take()
            return _alter_form(cursor, f"mismatched input '{cursor.token.text}'. Expecting: '.', 'DROP'")
        case ("ALTER", _) | ("REPLACE", "COLUMN"):
            return _alter_form(cursor, f"mismatched input '{cursor.token.text}'. Expecting: {_ALTER_WORDS}")
        case _:
            return refuse("unsupported-statement")


def _rename(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    if spec is not None:
        reader.expect("PARTITION")
        new = reader.partition()
        return _ddl("ALTER_TABLE_RENAME_PARTITION", glue_ddl.rename_partition, table=table, old=spec, new=new)
    new_name = resolve(reader.table_name(), table.database)
    steps = (EngineStep(f"ALTER TABLE {table.in_iceberg} RENAME TO {new_name.in_iceberg}"),)
    return _ddl("ALTER_TABLE_RENAME", glue_ddl.rename_table, table=table, iceberg=steps)


def _set_properties(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    properties = reader.properties()
    iceberg = partial(_iceberg_settings, table, properties)
    return _ddl("ALTER_TABLE_PROPERTIES", glue_ddl.set_properties, table=table, properties=properties, iceberg=iceberg)


def _unset_properties(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    reader.if_exists()
    keys = [reader.string() for _ in reader.items()]
    iceberg = partial(_iceberg_settings, table, dict.fromkeys(keys, ""))
    return _ddl("ALTER_TABLE_PROPERTIES", glue_ddl.unset_properties, table=table, keys=keys, iceberg=iceberg)


def _iceberg_settings(table: Table, properties: Mapping[str, str]) -> tuple[EngineStep, ...]:
    """The step that sets properties of an Iceberg table; an empty text unsets, but there is always a format."""
    limits.check_iceberg_properties(properties)
    settings, _ = iceberg_properties({key: value for key, value in properties.items() if value or key.lower() != "format"})
    assignments = ", ".join(f"{key} = {value}" for key, value in settings.items())
    return (EngineStep(f"ALTER TABLE {table.in_iceberg} SET PROPERTIES {assignments}"),) if settings else ()


def _set_location(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    location = reader.string()
    return _ddl("ALTER_TABLE_SET_LOCATION", glue_ddl.set_location, table=table, location=location, partition=spec)


def _add_columns(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    columns = reader.columns()
    add = f"ALTER TABLE {table.in_iceberg} ADD COLUMN "

    def iceberg() -> tuple[EngineStep, ...]:
        return tuple(EngineStep(add + column.in_iceberg()) for column in columns)

    return _ddl(
        "ALTER_TABLE_ADD_COLUMN",
        glue_ddl.add_columns,
        table=table,
        columns=[column.in_glue() for column in columns],
        partition=spec,
        iceberg=iceberg,
    )


def _replace_columns(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    columns = [column.in_glue() for column in reader.columns()]
    return _ddl("ALTER_TABLE_REPLACE_COLUMN", glue_ddl.replace_columns, table=table, columns=columns, partition=spec)


def _change_column(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    reader.accept("COLUMN")
    old, new = reader.name(), reader.column()
    after = None
    if reader.accept("FIRST"):
        after = ""
    elif reader.accept("AFTER"):
        after = reader.name()

    def iceberg(current: str) -> tuple[EngineStep, ...]:
        return tuple(EngineStep(sql) for sql in _changes(table, old, new, current, after))

    return _ddl(
        "ALTER_TABLE_CHANGE_COLUMN",
        glue_ddl.change_column,
        table=table,
        old=old,
        new=new.in_glue(),
        after=after,
        iceberg=iceberg,
    )


def _changes(table: Table, old: str, new: Column, current: str, after: str | None) -> list[str]:
    """Trino's statements for CHANGE COLUMN of an Iceberg table, whose column has the Glue type `current`."""
    if after is not None:
        raise Refusal("NOT_SUPPORTED: the local engine does not move columns of Iceberg tables", error_type=limits.NOT_SUPPORTED)
    new.in_iceberg()  # its type may be refused
    changes = []
    if new.name != old:
        changes.append(f"ALTER TABLE {table.in_iceberg} RENAME COLUMN {quote_name(old)} TO {quote_name(new.name)}")
    if glue_type(new.type) != current:
        column = f"{quote_name(new.name)} SET DATA TYPE {iceberg_column_type(new.type)}"
        changes.append(f"ALTER TABLE {table.in_iceberg} ALTER COLUMN {column}")
    if new.comment is not None:
        changes.append(f"COMMENT ON COLUMN {table.in_iceberg}.{quote_name(new.name)} IS {quote_text(new.comment)}")
    return changes


def _drop_column(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    word = reader.tokens[reader.at - 1]
    if reader.looking_at("IF", "EXISTS"):
        reader.take()
        raise _alter_form(reader, f"mismatched input '{reader.token.text}' expecting {{<EOF>, '.'}}")
    column = reader.name()
    line, place = position(reader.sql, word.start)
    steps = (EngineStep(f"ALTER TABLE {table.in_iceberg} DROP COLUMN {quote_name(column)}"),)
    return _ddl("ALTER_TABLE_DROP_COLUMN", glue_ddl.drop_column, table=table, line=line, column=place - 1, iceberg=steps)


def _add_partition(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    if_not_exists = reader.if_not_exists()
    partitions = []
    while reader.accept("PARTITION"):
        values = reader.partition()
        partitions.append((values, reader.string() if reader.accept("LOCATION") else None))
        reader.accept(",")
    if not partitions:
        raise reader.fail("'PARTITION'")
    return _ddl(
        "ALTER_TABLE_ADD_PARTITION",
        glue_ddl.add_partitions,
        table=table,
        partitions=partitions,
        if_not_exists=if_not_exists,
    )


def _drop_partition(reader: _Reader, table: Table, spec: dict[str, str] | None) -> Statement:
    if_exists = reader.if_exists()
    specs = []
    while reader.accept("PARTITION"):
        specs.append(reader.partition())
        reader.accept(",")
    if not specs:
        raise reader.fail("'PARTITION'")
    reader.accept("PURGE")
    return _ddl("ALTER_TABLE_DROP_PARTITION", glue_ddl.drop_partitions, table=table, specs=specs, if_exists=if_exists)


_Alteration = Callable[[_Reader, Table, "dict[str, str] | None"], Statement]
_ALTERATIONS: tuple[tuple[tuple[str, ...], _Alteration], ...] = (
    (("RENAME", "TO"), _rename),
    (("SET", "TBLPROPERTIES"), _set_properties),
    (("UNSET", "TBLPROPERTIES"), _unset_properties),
    (("SET", "LOCATION"), _set_location),
    (("ADD", "COLUMNS"), _add_columns),
    (("REPLACE", "COLUMNS"), _replace_columns),
    (("CHANGE",), _change_column),
    (("DROP", "COLUMN"), _drop_column),
)


def _msck(reader: _Reader) -> Statement:
    reader.accept("REPAIR")
    reader.accept("TABLE")
    table = reader.table()
    reader.end()
    return _ddl("MSCK_REPAIR", glue_ddl.repair_table, table=table)


# --- SHOW and DESCRIBE --------------------------------------------------------------------------------------------------


def _show_tables(reader: _Reader, views_only: bool = False) -> Statement:
    database = reader.database or DEFAULT_DATABASE
    if reader.accept("IN") or reader.accept("FROM"):
        if token := _double_quoted(reader):
            raise quoted_name(reader, token, reader.at)
        database = _database_name(reader)
    pattern = _pattern(reader)
    kind = "SHOW_VIEWS" if views_only else "SHOW_TABLES"
    return _utility(kind, glue_show.tables, database=database.lower(), pattern=pattern, views_only=views_only)


def _show_databases(reader: _Reader) -> Statement:
    return _utility("SHOW_DATABASES", glue_show.databases, pattern=_pattern(reader))


def _pattern(cursor: Cursor) -> str | None:
    """Read `[LIKE] 'pattern'`, if it is there, to the end."""
    pattern = cursor.string() if cursor.accept("LIKE") or not cursor.ended else None
    cursor.end()
    return pattern


def _show_partitions(reader: _Reader) -> Statement:
    table = reader.table()
    reader.end()
    return _utility("SHOW_PARTITIONS", glue_show.partitions, table=table)


def _show_columns(reader: _Reader) -> Statement:
    if not reader.accept("IN"):
        reader.expect("FROM")
    table, quoted = reader.table_or_view()
    if reader.accept("IN") or reader.accept("FROM"):
        table = Table(_database_name(reader), table.name)
    reader.end()
    return _utility("SHOW_COLUMNS", glue_show.columns, table=table, quoted=quoted)


def _show_properties(reader: _Reader) -> Statement:
    table = reader.table()
    key = None
    if reader.accept("("):
        key = reader.string()
        reader.expect(")")
    reader.end()
    return _utility("SHOW_TABLE_PROPERTIES", glue_show.properties, table=table, key=key)


def _show_create_table(reader: _Reader) -> Statement:
    start = reader.at
    table, quoted = reader.table_or_view()
    if quoted:
        raise quoted_name(reader, reader.tokens[start], start)
    reader.end()
    return _utility("SHOW_CREATE_TABLE", glue_show.create_table, table=table)


def _show_create_view(reader: _Reader) -> Statement:
    table, _ = reader.table_or_view()
    reader.end()
    return _utility("SHOW_CREATE_VIEW", glue_show.create_view, table=table)


def _describe(reader: _Reader) -> Statement:
    # A table may have one of these names.
    details = reader.word() in ("FORMATTED", "EXTENDED") and reader.peek(1) is not None and reader.word(1) != "."
    if details:
        reader.take()
    table, quoted = reader.table_or_view()
    if reader.accept("PARTITION"):
        reader.partition()  # Athena prints the table's columns
    column = None if reader.ended else reader.name()
    reader.end()
    return _utility("DESCRIBE_TABLE", glue_show.describe, table=table, quoted=quoted, details=details, column=column)


_READERS: tuple[tuple[tuple[str, ...], Callable[[_Reader], Statement]], ...] = (
    (("CREATE", "EXTERNAL", "TABLE"), _create_table),
    (("CREATE", "TABLE"), _create_table),
    (("CREATE", "DATABASE"), _create_database),
    (("CREATE", "SCHEMA"), _create_database),
    (("DROP", "TABLE"), _drop_table),
    (("DROP", "DATABASE"), _drop_database),
    (("DROP", "SCHEMA"), _drop_database),
    (("ALTER", "TABLE"), _alter_table),
    (("ALTER", "DATABASE"), _alter_database),
    (("ALTER", "SCHEMA"), _alter_database),
    (("MSCK",), _msck),
    (("SHOW", "TABLES"), _show_tables),
    (("SHOW", "VIEWS"), partial(_show_tables, views_only=True)),
    (("SHOW", "DATABASES"), _show_databases),
    (("SHOW", "SCHEMAS"), _show_databases),
    (("SHOW", "PARTITIONS"), _show_partitions),
    (("SHOW", "COLUMNS"), _show_columns),
    (("SHOW", "TBLPROPERTIES"), _show_properties),
    (("SHOW", "CREATE", "TABLE"), _show_create_table),
    (("SHOW", "CREATE", "VIEW"), _show_create_view),
    (("DESCRIBE",), _describe),
    (("DESC",), _describe),
)
