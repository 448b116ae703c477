"""Two DuckDB files, opened side by side: base and candidate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ..errors import UserError, first_line
from .columns import quoted

BASE, CANDIDATE = "base", "candidate"
MEMORY = "4GB"  # as in profiles.yml; the rest goes to disk
LOCK = "Could not set lock"


@dataclass(frozen=True)
class Relation:
    """A table or view of a database. columns: name -> type."""

    database: str
    schema: str
    name: str
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        return ".".join(map(quoted, (self.database, self.schema, self.name)))

    @property
    def shown(self) -> str:
        """Its name; with the schema unless that is DuckDB's default."""
        return self.name if self.schema == "main" else f"{self.schema}.{self.name}"


@contextmanager
def opened(base: Path, candidate: Path, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads both files. What does not fit into memory goes to `spill`.

    Raises UserError if a file is missing, is not a database, or is being written.
    """
    check_files(base, candidate)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        connection.execute(f"set temp_directory = {_literal(str(spill))}")
        _limit_memory(connection, os.environ.get("ANALYTICS_MEMORY", MEMORY))
        for name, path in ((BASE, base), (CANDIDATE, candidate)):
            _attach(connection, name, path)
        yield connection


def check_files(base: Path, candidate: Path) -> None:
    """Raises UserError if the two paths are not two files."""
    for path in (base, candidate):
        if not path.is_file():
            raise UserError(f"There is no database at {path}. Create it with `dbt build`, or use --base-ref, which builds both.")
    if base.samefile(candidate):
        raise UserError(f"{base} and {candidate} are the same file. Give the database of another state as --base.")


def relations(connection: duckdb.DuckDBPyConnection, database: str) -> dict[tuple[str, str], Relation]:
    """The tables and views of a database, by schema and name. Raises UserError if the file is damaged."""
    found: dict[tuple[str, str], Relation] = {}
    try:
        columns = connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns()"
            " where database_name = ? and not internal order by schema_name, table_name, column_index",
            [database],
        ).fetchall()
    except duckdb.Error as error:
        raise UserError(f"The {database} database cannot be read: {first_line(error)}. Build it again.") from None
    for schema, table, column, kind in columns:
        relation = found.setdefault((schema, table), Relation(database, schema, table))
        relation.columns[column] = kind
    return found


def _attach(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    try:
        connection.execute(f"attach {_literal(str(path))} as {name} (read_only, type duckdb)")
    except duckdb.Error as error:
        if LOCK in str(error):
            raise UserError(f"{path} is open in another process, perhaps dbt. Wait until it ends, or compare a copy.") from None
        raise UserError(f"{path} cannot be read: {first_line(error)}. Is it a file that dbt wrote with DuckDB?") from None


def _limit_memory(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    try:
        connection.execute(f"set memory_limit = {_literal(limit)}")
    except duckdb.Error as error:
        raise UserError(f"ANALYTICS_MEMORY is {limit!r}: {first_line(error)}. Set it to a size such as {MEMORY}.") from None


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
