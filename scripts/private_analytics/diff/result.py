"""What a comparison found, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Number = int | float


@dataclass(frozen=True)
class ColumnChange:
    """A column in which rows differ. rows: how many rows with the same key differ in it; None without a key.
    before, after: the totals of a numeric column."""

    name: str
    rows: int | None
    before: Number | None = None
    after: Number | None = None


@dataclass(frozen=True)
class ValueChange:
    """A value before and after, as text. change: relative to the number before, if there is one."""

    column: str
    before: str | None
    after: str | None
    change: float | None = None


@dataclass(frozen=True)
class RowChange:
    """A row whose key is on both sides, and the values that differ."""

    key: dict[str, str | None]
    values: tuple[ValueChange, ...]


@dataclass(frozen=True)
class RowChanges:
    """How the rows of a table differ. With a key, a row may have changed; without one, rows are only added or removed.
    Only a few rows are shown: of the changed rows, those with the largest changes."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    columns: tuple[ColumnChange, ...] = ()
    largest: tuple[RowChange, ...] = ()
    some_added: tuple[dict[str, str | None], ...] = ()
    some_removed: tuple[dict[str, str | None], ...] = ()

    @property
    def total(self) -> int:
        return self.added + self.removed + self.changed


@dataclass(frozen=True)
class TableDiff:
    """A table, before and after. note: why its rows are not compared by their declared key."""

    name: str
    status: Literal["added", "removed", "changed", "same"]
    rows_before: int | None
    rows_after: int | None
    key: tuple[str, ...] = ()
    note: str = ""
    columns_added: tuple[tuple[str, str], ...] = ()
    columns_removed: tuple[tuple[str, str], ...] = ()
    types_changed: tuple[tuple[str, str, str], ...] = ()
    rows: RowChanges = RowChanges()


@dataclass(frozen=True)
class Diff:
    """All tables that were compared, the largest differences first. not_compared: columns, as `table.column`, that describe the
    build."""

    base: str
    candidate: str
    tables: tuple[TableDiff, ...]
    not_compared: tuple[str, ...] = ()

    @property
    def differing(self) -> tuple[TableDiff, ...]:
        return tuple(table for table in self.tables if table.status != "same")

    @property
    def same(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.tables if table.status == "same")


def in_order(tables: list[TableDiff]) -> tuple[TableDiff, ...]:
    """Removed tables, new tables, changed tables by their share of changed rows, then tables that are the same."""
    places = {"removed": 0, "added": 1, "changed": 2, "same": 3}

    def place(table: TableDiff) -> tuple[int, float, str]:
        return places[table.status], -_share(table), table.name

    return tuple(sorted(tables, key=place))


def _share(table: TableDiff) -> float:
    return table.rows.total / max(table.rows_before or 0, table.rows_after or 0, 1)
