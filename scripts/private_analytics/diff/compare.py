"""Compares two DuckDB files, table by table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from ..errors import UserError, first_line
from .columns import Column
from .database import BASE, CANDIDATE, Relation, opened, relations
from .declared import Declared
from .result import Diff, RowChanges, TableDiff, in_order
from .rows import Pair, as_multisets, by_key, counted, repeats


@dataclass(frozen=True)
class Built:
    """A database with the tables of one state of the project. name: what to call that state."""

    name: str
    database: Path


def compare(base: Built, candidate: Built, declared: Declared) -> Diff:
    """What differs between the tables of two databases. Raises UserError if one cannot be read."""
    with (
        tempfile.TemporaryDirectory(prefix="pal-diff-spill-") as spill,
        opened(base.database, candidate.database, Path(spill)) as connection,
    ):
        before, after = (_compared(relations(connection, name).values(), declared) for name in (BASE, CANDIDATE))
        tables = [
            _table(connection, before.get(name), after.get(name), declared) for name in sorted(before.keys() | after.keys())
        ]
    hidden = {
        f"{relation.shown}.{column}"
        for relation in (*before.values(), *after.values())
        for column in relation.columns
        if _is_of_build(relation, column, declared)
    }
    return Diff(base.name, candidate.name, in_order(tables), tuple(sorted(hidden)))


def _compared(found: Iterable[Relation], declared: Declared) -> dict[str, Relation]:
    return {relation.shown: relation for relation in found if relation.name not in declared.internal}


def _table(
    connection: duckdb.DuckDBPyConnection, before: Relation | None, after: Relation | None, declared: Declared
) -> TableDiff:
    relation = after or before
    assert relation  # noqa: S101 (a name of one side or the other)
    try:
        if before and after:
            return _both(connection, before, after, declared)
        (rows,) = connection.execute(f"select count(*) from {relation.sql}").fetchone() or (0,)  # noqa: S608 (quoted)
    except duckdb.Error as error:
        advice = (
            "Set ANALYTICS_MEMORY to a higher value." if isinstance(error, duckdb.OutOfMemoryException) else "Build both again."
        )
        raise UserError(f"{relation.shown} cannot be compared: {first_line(error)}. {advice}") from None
    if after:
        return TableDiff(after.shown, "added", None, rows, columns_added=tuple(after.columns.items()))
    return TableDiff(relation.shown, "removed", rows, None, columns_removed=tuple(relation.columns.items()))


def _both(connection: duckdb.DuckDBPyConnection, before: Relation, after: Relation, declared: Declared) -> TableDiff:
    common = [name for name in after.columns if name in before.columns and not _is_of_build(after, name, declared)]
    columns = tuple(Column(number, name, before.columns[name], after.columns[name]) for number, name in enumerate(common))
    pair = Pair(connection, before, after, columns)
    key, note = _key(pair, declared.keys.get(after.name, ()))
    rows_before, rows_after = counted(pair)
    rows = by_key(pair, key) if key else as_multisets(pair)
    if not columns:
        note = "The tables have no column in common, so rows are not compared"
    table = TableDiff(
        after.shown,
        "same",
        rows_before,
        rows_after,
        tuple(column.name for column in key),
        note,
        tuple((name, kind) for name, kind in after.columns.items() if name not in before.columns),
        tuple((name, kind) for name, kind in before.columns.items() if name not in after.columns),
        tuple((column.name, column.before, column.after) for column in columns if column.before != column.after),
        rows,
    )
    differs = table.columns_added or table.columns_removed or table.types_changed or rows != RowChanges()
    return replace(table, status="changed") if differs or rows_before != rows_after else table


def _key(pair: Pair, declared: tuple[str, ...]) -> tuple[tuple[Column, ...], str]:
    """The columns of the declared key; none if it does not identify rows, and why not."""
    if not declared:
        return (), "The table has no key, so whole rows are compared"
    by_name = {column.name.lower(): column for column in pair.columns}
    names = ", ".join(declared)
    if any(name.lower() not in by_name for name in declared):
        return (), f"The key ({names}) is missing on one side, so whole rows are compared"
    key = tuple(by_name[name.lower()] for name in declared)
    if repeats(pair, key):
        return (), f"The key ({names}) is not unique, so whole rows are compared"
    return key, ""


def _is_of_build(relation: Relation, column: str, declared: Declared) -> bool:
    return column.lower() in {name.lower() for name in declared.of_build.get(relation.name, ())}
