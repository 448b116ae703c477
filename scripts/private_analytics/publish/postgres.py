"""The PostgreSQL database that the marts are copied to: its tables, and which dates they contain.

Every change is made within `transaction`, so that readers see a table before or after a change, never in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from ..errors import UserError, first_line
from .marts import Mart
from .source import MartRow

DATES = "published_dates"
# The beginning of a table's comment. Only tables with it are changed: a schema may contain tables of others.
MARK = "Copied by `pal publish`, which overwrites changes made here."
MARKS = (MARK, "Copied by `bootstrap.py publish`")  # the latter from version 0.1
TYPES = {
    "boolean": "boolean",
    "integer": "integer",
    "bigint": "bigint",
    "double": "double precision",
    "varchar": "text",
    "date": "date",
}
MOMENT, WALL_CLOCK = "timestamp with time zone", "timestamp without time zone"
LOCK_TIMEOUT = "1min"


def has_password(url: str) -> bool:
    """Whether a URL contains a password, or seems to."""
    try:
        return not {"password", "sslpassword"}.isdisjoint(conninfo_to_dict(url))
    except psycopg.Error:
        return True


def connect(url: str) -> psycopg.Connection:
    """A connection to the database of a postgresql:// URL. Raises UserError, which never shows a password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        parts = {}
    # Unescaped characters (%XX) make libpq take a part of the password for something else, and show it in errors.
    place = [str(parts.get(name, "")) for name in ("host", "port", "dbname")]
    if not url.startswith(("postgresql://", "postgres://")) or not parts or any("@" in part for part in place):
        raise UserError(
            "The database URL must have the form postgresql://user@host:5432/database. In a user name or a password,"
            " write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F and % as %25."
        )
    try:
        return psycopg.connect(url, autocommit=True, prepare_threshold=None, application_name="publish")
    except psycopg.Error as error:
        # libpq's message names host, port, user and database, never the password.
        raise UserError(
            f"PostgreSQL cannot be reached: {first_line(error)}. Check the URL and the password: it comes from PGPASSWORD,"
            " ~/.pgpass or PUBLISH_TO."
        ) from None


@contextmanager
def transaction(connection: psycopg.Connection, schema: str) -> Iterator[None]:
    """A transaction. A second publisher to the same schema waits here. Raises UserError for PostgreSQL's errors."""
    try:
        with connection.transaction():
            # Dates begin and end in UTC. Reading the engine may take long, and servers may end idle transactions.
            connection.execute("set local time zone 'UTC'")
            connection.execute("set local idle_in_transaction_session_timeout = 0")
            connection.execute("set local statement_timeout = 0")
            connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{DATES} {schema}"])
            yield
    except errors.LockNotAvailable:
        raise UserError(
            f"Schema {schema} is in use: another publish, or a query on a table that gets a new column, did not end within"
            f" {LOCK_TIMEOUT}. No table is half updated; try again."
        ) from None
    except psycopg.Error as error:
        # Not str(error): its details may show values of rows.
        message = error.diag.message_primary or first_line(error)
        raise UserError(f"PostgreSQL, schema {schema}: {message}. Earlier tables are complete; run it again.") from None


def make_schema(connection: psycopg.Connection, schema: str) -> None:
    """Create the schema and the table of published dates, if they are missing."""
    # Not `if not exists`: PostgreSQL then requires the right to create schemas, even if the schema exists.
    if not _value(connection, "select to_regnamespace(quote_ident(%s))", [schema]):
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    if _oid(connection, schema, DATES) is None:
        columns = "table_name text, date date, rows bigint not null, digest text not null, published_at timestamptz not null"
        connection.execute(
            sql.SQL(f"create table {{}} ({columns}, primary key (table_name, date))").format(sql.Identifier(schema, DATES))
        )


def published(connection: psycopg.Connection, schema: str, mart: Mart) -> dict[date, str]:
    """The digest of each published date of a mart."""
    if _oid(connection, schema, DATES) is None:
        return {}
    found = sql.SQL("select date, digest from {} where table_name = %s").format(sql.Identifier(schema, DATES))
    return dict(connection.execute(found, [mart.name]).fetchall())


def new_columns(connection: psycopg.Connection, schema: str, mart: Mart) -> list[str] | None:
    """The mart's columns that its table lacks; None if there is no table.

    Raises UserError for a table that is not ours, or that differs in more than missing columns.
    """
    wanted = column_types(mart)
    oid = _oid(connection, schema, mart.name)
    if oid is None:
        return None
    name = f'"{schema}"."{mart.name}"'
    comment = _value(connection, "select obj_description(%s::oid, 'pg_class')", [oid])
    if not (comment or "").startswith(MARKS):
        raise UserError(
            f"{name} exists and was not created by publish (its comment does not begin with: {MARK}) Use another --schema."
        )
    there: dict[str, str] = dict(
        connection.execute(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = %s and attnum > 0"
            " and not attisdropped",
            [oid],
        ).fetchall()
    )
    key = connection.execute(
        "select attname from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)"
        " where indrelid = %s and indisprimary order by array_position(indkey::int2[], attnum)",
        [oid],
    ).fetchall()
    differences = [
        f"{column} is {kind} there and {wanted.get(column, 'missing')} here"
        for column, kind in there.items()
        if wanted.get(column) != kind
    ]
    if tuple(column for (column,) in key) != mart.key:
        differences.append(f"its key is ({', '.join(column for (column,) in key)}) there and ({', '.join(mart.key)}) here")
    if differences:
        raise UserError(f"{name} has a different structure: {'; '.join(differences)}. Drop it; publish creates it again.")
    return [column for column in wanted if column not in there]


def replace(
    connection: psycopg.Connection,
    schema: str,
    mart: Mart,
    added: list[str] | None,
    days: list[date] | None,
    rows: Iterable[MartRow],
) -> int:
    """Replace the rows of these dates (None: of all) by `rows`. Returns the number of new rows.

    The rows are first copied to a temporary table, so that nobody waits for the engine: adding `added` columns locks readers out.
    """
    table, names = sql.Identifier(schema, mart.name), _names(mart)
    connection.execute(sql.SQL("create temp table incoming ({}) on commit drop").format(_definitions(mart, mart.columns)))
    copied: Counter[tuple[date, str]] = Counter()
    with connection.cursor().copy(sql.SQL("copy incoming ({}) from stdin").format(names)) as copy:
        for row in rows:
            copied[row.day, row.digest] += 1
            copy.write_row([_storable(value) for value in row.values])

    if added is None:
        _create(connection, schema, mart)
    elif added:
        columns = sql.SQL(", add column ").join(_definition(mart, column) for column in added)
        connection.execute(sql.SQL("alter table {} add column {}").format(table, columns))
    _delete(connection, schema, mart, days)
    connection.execute(sql.SQL("insert into {} ({}) select {} from incoming").format(table, names, names))
    dates = sql.SQL("insert into {} values (%s, %s, %s, %s, now())").format(sql.Identifier(schema, DATES))
    with connection.cursor() as cursor:
        cursor.executemany(dates, [(mart.name, day, count, digest) for (day, digest), count in copied.items()])
    return copied.total()


def column_types(mart: Mart) -> dict[str, str]:
    """The PostgreSQL types of a mart's columns, as format_type names them. Raises UserError for an unknown type.

    Columns named ..._at are points in time, in UTC on both engines. With a time zone they stay the same points in every session's
    time zone. Other timestamps (event_hour) are what clocks in reporting_timezone show, and stay as they are.
    """
    types = {}
    for name, kind in mart.columns.items():
        found = TYPES.get(kind) or ((MOMENT if name.endswith("_at") else WALL_CLOCK) if kind.startswith("timestamp") else None)
        if found is None:
            raise UserError(f"{mart.name}.{name} has type {kind!r}. Use one of: {', '.join(TYPES)}, timestamp(6).")
        types[name] = found
    return types


def _create(connection: psycopg.Connection, schema: str, mart: Mart) -> None:
    table = sql.Identifier(schema, mart.name)
    parts = [_definitions(mart, mart.columns)]
    if mart.key:
        parts.append(sql.SQL("primary key ({})").format(sql.SQL(", ").join(map(sql.Identifier, mart.key))))
    connection.execute(sql.SQL("create table {} ({})").format(table, sql.SQL(", ").join(parts)))
    if mart.key[:1] != (mart.date_column,):
        connection.execute(sql.SQL("create index on {} ({})").format(table, sql.Identifier(mart.date_column)))
    connection.execute(sql.SQL("comment on table {} is {}").format(table, sql.Literal(f"{MARK} {mart.description}")))


def _delete(connection: psycopg.Connection, schema: str, mart: Mart, days: list[date] | None) -> None:
    table, dates, column = sql.Identifier(schema, mart.name), sql.Identifier(schema, DATES), sql.Identifier(mart.date_column)
    if days is None:
        connection.execute(sql.SQL("delete from {}").format(table))
        connection.execute(sql.SQL("delete from {} where table_name = %s").format(dates), [mart.name])
        return
    connection.execute(
        sql.SQL(
            "delete from {table} using unnest(%s::date[]) as old (day) where {table}.{column} >= old.day"
            " and {table}.{column} < old.day + 1"
        ).format(table=table, column=column),
        [days],
    )
    connection.execute(sql.SQL("delete from {} where table_name = %s and date = any(%s)").format(dates), [mart.name, days])


def _oid(connection: psycopg.Connection, schema: str, table: str) -> int | None:
    found = "select c.oid from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = %s and relname = %s"
    oid: int | None = _value(connection, found, [schema, table])
    return oid


def _value(connection: psycopg.Connection, query: LiteralString, parameters: list[object]) -> Any:
    """The value of a row's only column; None if there is no row."""
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


def _names(mart: Mart) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, mart.columns))


def _definitions(mart: Mart, columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(_definition(mart, column) for column in columns)


def _definition(mart: Mart, column: str) -> sql.Composed:
    kind = sql.SQL(column_types(mart)[column] + (" not null" if column == mart.date_column else ""))
    return sql.SQL("{} {}").format(sql.Identifier(column), kind)


def _storable(value: object) -> object:
    """PostgreSQL's text cannot contain NUL characters, but logs can: replace them by the symbol for NUL."""
    return value.replace("\0", "\N{SYMBOL FOR NULL}") if isinstance(value, str) and "\0" in value else value
