"""How the rows of two tables differ: by a key if there is one, otherwise as multisets of whole rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from .columns import Column, Side, nearly_equal, numbered, shown
from .database import Relation
from .result import ColumnChange, Number, RowChange, RowChanges, ValueChange

ROWS_SHOWN = 5  # of those that changed
EXAMPLES = 3  # of those that were added, or removed
NEITHER = (None, None)

Row = tuple[object, ...]


@dataclass(frozen=True)
class Pair:
    """A table on both sides, and the columns to compare."""

    connection: duckdb.DuckDBPyConnection
    before: Relation
    after: Relation
    columns: tuple[Column, ...]

    def rows(self, sql: str) -> list[Row]:
        return self.connection.execute(sql).fetchall()

    def row(self, sql: str) -> Row:
        (only,) = self.rows(sql)
        return only

    def sides(self) -> tuple[tuple[Side, Relation], tuple[Side, Relation]]:
        return ("b", self.before), ("a", self.after)


def counted(pair: Pair) -> tuple[int, int]:
    """The number of rows before and after."""
    before, after = (pair.row(f"select count(*) from {relation.sql}")[0] for _, relation in pair.sides())  # noqa: S608 (quoted)
    return _whole(before), _whole(after)


def repeats(pair: Pair, key: Sequence[Column]) -> bool:
    """Whether several rows on one side have the same key."""
    columns = ", ".join(f"c{column.number}" for column in key)
    for _, relation in pair.sides():
        keys = f"select {numbered(key)} from {relation.sql}"  # noqa: S608 (quoted)
        if pair.rows(f"select 1 from ({keys}) group by {columns} having count(*) > 1 limit 1"):  # noqa: S608
            return True
    return False


# ------------------------------------------------------------------------------------------------------- with a key


def by_key(pair: Pair, key: Sequence[Column]) -> RowChanges:
    """The rows whose key is on one side only, and those that differ in another column. The key must be unique on both sides."""
    others = [column for column in pair.columns if column not in key]
    joined = _joined(pair, key)
    differs = [f"not {column.is_same()}" for column in others]
    both = "b.present and a.present"
    counts = [
        "count(*) filter (where b.present is null)",
        "count(*) filter (where a.present is null)",
        f"count(*) filter (where {both} and ({' or '.join(differs) or 'false'}))",
        *(f"count(*) filter (where {both} and {differ})" for differ in differs),
    ]
    added, removed, changed, *of_columns = map(_whole, pair.row(f"select {', '.join(counts)} from {joined}"))  # noqa: S608
    differing = [(column, count) for column, count in zip(others, of_columns, strict=True) if count]
    totals = _totals(pair, others) if added or removed else _totals(pair, [column for column, _ in differing])
    return RowChanges(
        added,
        removed,
        changed,
        _column_changes(others, dict(differing), totals),
        _largest(pair, joined, key, [column for column, _ in differing]) if changed else (),
        _one_sided(pair, joined, key, "a", "b") if added else (),
        _one_sided(pair, joined, key, "b", "a") if removed else (),
    )


def _joined(pair: Pair, key: Sequence[Column]) -> str:
    """Both sides, side by side. `present` is null where a side has no such row."""
    (_, before), (_, after) = pair.sides()
    columns = numbered(pair.columns)
    on = " and ".join(f"{column.value('b')} is not distinct from {column.value('a')}" for column in key)
    return (
        f"(select true as present, {columns} from {before.sql}) as b"  # noqa: S608 (quoted)
        f" full join (select true as present, {columns} from {after.sql}) as a on {on}"
    )


def _largest(pair: Pair, joined: str, key: Sequence[Column], differing: Sequence[Column]) -> tuple[RowChange, ...]:
    """The rows in which a number changed most: relative to its size, then by its amount."""
    numbers = [column for column in differing if column.is_number]
    by_size = f"greatest({', '.join(['0', *(column.relative_change() for column in numbers)])})"
    by_amount = f"greatest({', '.join(['0', *(column.absolute_change() for column in numbers)])})"
    how_many = " + ".join(f"cast(not {column.is_same()} as integer)" for column in differing)
    items = [shown(f"b.c{column.number}") for column in key]
    for column in differing:
        before, after = f"b.c{column.number}", f"a.c{column.number}"
        numeric = [column.double("b"), column.double("a")] if column.is_number else ["null", "null"]
        items += [column.is_same(), shown(before), shown(after), *numeric]
    keys = ", ".join(f"b.c{column.number}" for column in key)
    rows = pair.rows(
        f"select {', '.join(items)} from {joined} where b.present and a.present and {how_many} > 0"  # noqa: S608 (quoted)
        f" order by {by_size} desc, {by_amount} desc, {how_many} desc, {keys} limit {ROWS_SHOWN}"
    )
    return tuple(_row_change(row, key, differing) for row in rows)


def _row_change(row: Row, key: Sequence[Column], differing: Sequence[Column]) -> RowChange:
    values = []
    for number, column in enumerate(differing):
        start = len(key) + 5 * number
        is_same, before, after, number_before, number_after = row[start : start + 5]
        if not is_same:
            values.append(ValueChange(column.name, _text(before), _text(after), relative(number_before, number_after)))
    return RowChange(_named(key, row), tuple(values))


def _one_sided(pair: Pair, joined: str, key: Sequence[Column], side: Side, missing: Side) -> tuple[dict[str, str | None], ...]:
    """Some keys that only one side has."""
    items = ", ".join(shown(f"{side}.c{column.number}") for column in key)
    order = ", ".join(f"{side}.c{column.number}" for column in key)
    rows = pair.rows(
        f"select {items} from {joined} where {missing}.present is null order by {order} limit {EXAMPLES}"  # noqa: S608
    )
    return tuple(_named(key, row) for row in rows)


# ---------------------------------------------------------------------------------------------------- without a key


def as_multisets(pair: Pair) -> RowChanges:
    """The rows that one side has more often than the other.

    Rows are grouped by their values, with fractions reduced to their first 12 digits; few rows are left. These are grouped again,
    now with nearly equal fractions in the same group.
    """
    if not pair.columns:
        return RowChanges()
    exact = [column for column in pair.columns if not column.is_float]
    fractions = [column for column in pair.columns if column.is_float]
    pair.connection.execute(f"create or replace temp table left_over as {_left_over(pair, exact, fractions)}")
    if fractions:
        pair.connection.execute(f"create or replace temp table left_over as {_without_near(exact, fractions)}")
    added, removed = map(
        _whole,
        pair.row(
            "select coalesce(sum(copies) filter (where copies > 0), 0), coalesce(sum(-copies) filter (where copies < 0), 0)"
            " from left_over"
        ),
    )
    if not added and not removed:
        return RowChanges()
    totals = _totals(pair, pair.columns)
    some_added, some_removed = _some_left_over(pair, "copies > 0"), _some_left_over(pair, "copies < 0")
    return RowChanges(added, removed, 0, _column_changes(pair.columns, None, totals), (), some_added, some_removed)


def _left_over(pair: Pair, exact: Sequence[Column], fractions: Sequence[Column]) -> str:
    """A query for the distinct rows that one side has more often. copies: how often; negative for the side before."""
    parts = []
    for side, relation in pair.sides():
        values = ", ".join(f"{column.value(side)} as c{column.number}" for column in pair.columns)
        copies = 1 if side == "a" else -1
        table = f"(select {numbered(pair.columns)} from {relation.sql}) as {side}"  # noqa: S608 (quoted)
        parts.append(f"select {values}, {copies} as copies from {table}")  # noqa: S608
    groups = [*(f"c{column.number}" for column in exact), *(_digits(column) for column in fractions)]
    items = [
        *(f"c{column.number}" for column in exact),
        *(f"any_value(c{column.number}) as c{column.number}" for column in fractions),
        "sum(copies) as copies",
    ]
    return f"select {', '.join(items)} from ({' union all '.join(parts)}) group by {', '.join(groups)} having sum(copies) <> 0"  # noqa: S608


def _without_near(exact: Sequence[Column], fractions: Sequence[Column]) -> str:
    """A query for left_over in which rows of both sides with nearly equal fractions have cancelled each other."""
    rows = "left_over"
    groups = [f"c{column.number}" for column in exact]
    for column in fractions:
        rows = f"({_with_neighbourhoods(rows, column, groups)})"
        groups.append(f"g{column.number}")
    items = [
        *(f"c{column.number}" for column in exact),
        *(f"any_value(c{column.number}) as c{column.number}" for column in fractions),
        "sum(copies) as copies",
    ]
    return f"select {', '.join(items)} from {rows} group by {', '.join(groups)} having sum(copies) <> 0"  # noqa: S608


def _with_neighbourhoods(rows: str, column: Column, groups: Sequence[str]) -> str:
    """The rows, numbered by neighbourhood: in the order of a fraction, a new one begins if it is not near the last value."""
    value, last, starts = f"c{column.number}", f"l{column.number}", f"s{column.number}"
    partition = f"partition by {', '.join(groups)} " if groups else ""
    window = f"({partition}order by {value})"
    lagged = f"select *, lag({value}) over {window} as {last} from {rows}"  # noqa: S608
    started = f"select *, cast(not {nearly_equal(last, value)} as integer) as {starts} from ({lagged})"  # noqa: S608
    return f"select *, sum({starts}) over {window} as g{column.number} from ({started})"  # noqa: S608


def _digits(column: Column) -> str:
    """A fraction's leading digits, as text."""
    return f"format('{{:.11e}}', c{column.number})"


def _some_left_over(pair: Pair, which: str) -> tuple[dict[str, str | None], ...]:
    items = ", ".join(shown(f"c{column.number}") for column in pair.columns)
    order = ", ".join(f"c{column.number}" for column in pair.columns)
    rows = pair.rows(f"select {items} from left_over where {which} order by {order} limit {EXAMPLES}")  # noqa: S608
    return tuple(_named(pair.columns, row) for row in rows)


# ------------------------------------------------------------------------------------------------------------ totals


def _totals(pair: Pair, columns: Sequence[Column]) -> dict[Column, tuple[Number | None, Number | None]]:
    """The sums of the numeric columns, before and after."""
    numbers = [column for column in columns if column.is_number]
    if not numbers:
        return {}
    sums = []
    for side, relation in pair.sides():
        table = f"(select {numbered(numbers)} from {relation.sql}) as {side}"  # noqa: S608 (quoted)
        sums.append(pair.row(f"select {', '.join(column.total(side) for column in numbers)} from {table}"))  # noqa: S608
    return {column: (_number(before), _number(after)) for column, before, after in zip(numbers, sums[0], sums[1], strict=True)}


def _column_changes(
    columns: Sequence[Column],
    rows: dict[Column, int] | None,
    totals: dict[Column, tuple[Number | None, Number | None]],
) -> tuple[ColumnChange, ...]:
    """The columns whose rows or total differ, most rows first."""
    found = []
    for column in columns:
        before, after = totals.get(column, NEITHER)
        count = rows.get(column, 0) if rows is not None else None
        if count or not _nearly_equal(before, after):
            found.append(ColumnChange(column.name, count, before, after))
    return tuple(sorted(found, key=lambda change: -(change.rows or 0)))


def relative(before: object, after: object) -> float | None:
    """The change of a number relative to the value before; None if that is undefined."""
    if not isinstance(before, int | float) or not isinstance(after, int | float) or not before:
        return None
    change = (after - before) / abs(before)
    return change if math.isfinite(change) else None


def _nearly_equal(before: Number | None, after: Number | None) -> bool:
    if before is None or after is None:
        return before is after
    return math.isclose(before, after, rel_tol=1e-9)


def _number(value: object) -> Number | None:
    if isinstance(value, int):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else None


def _whole(value: object) -> int:
    assert isinstance(value, int), value  # noqa: S101 (count and sum of whole numbers)
    return value


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _named(columns: Sequence[Column], row: Row) -> dict[str, str | None]:
    return {column.name: _text(value) for column, value in zip(columns, row, strict=False)}
