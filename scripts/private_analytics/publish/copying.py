"""Copies the marts: digests show what changed, and each table is updated in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import psycopg

from . import postgres
from .marts import Mart
from .source import MartRow, Source

SHOW_EVERY = 10_000


@dataclass(frozen=True)
class MartChange:
    """What must be done to a table. added: columns to add (None: there is no table). days: dates to replace (None: all)."""

    added: list[str] | None
    days: list[date] | None

    @property
    def is_needed(self) -> bool:
        return self.added != [] or self.days != []


def plan(
    source: Source, connection: psycopg.Connection, schema: str, marts: Iterable[Mart], *, again: bool = False
) -> Iterator[tuple[Mart, MartChange]]:
    """How the table of each mart differs from what the engine has (`again`: every date counts as changed).

    Raises UserError for a table with a different structure.
    """
    for mart in marts:
        digests = source.digests(mart)
        with postgres.transaction(connection, schema):
            yield mart, _change(digests, connection, schema, mart, again)


def publish(
    source: Source,
    connection: psycopg.Connection,
    schema: str,
    marts: Iterable[Mart],
    *,
    again: bool = False,
    show: Callable[[str], None] = lambda line: None,
) -> Iterator[tuple[Mart, MartChange, int]]:
    """Update the table of each mart. Yields what was done, and how many rows were written.

    Rows are read after other publishers have finished, and the stored digest is that of exactly these rows. So newer rows are
    never overwritten, and if dbt changes the mart meanwhile, the next run notices.
    """
    with postgres.transaction(connection, schema):
        postgres.make_schema(connection, schema)
    for mart in marts:
        digests = source.digests(mart)
        with postgres.transaction(connection, schema):
            change, written = _change(digests, connection, schema, mart, again), 0
            if change.is_needed:
                rows = _shown(source.rows(mart, change.days), mart.name, show)
                written = postgres.replace(connection, schema, mart, change.added, change.days, rows)
        yield mart, change, written


def _change(digests: dict[date, str], connection: psycopg.Connection, schema: str, mart: Mart, again: bool) -> MartChange:
    added = postgres.new_columns(connection, schema, mart)
    known = postgres.published(connection, schema, mart)
    if again or added != [] or (digests and not known):
        return MartChange(added, None)
    return MartChange(added, sorted(day for day in digests.keys() | known.keys() if digests.get(day) != known.get(day)))


def _shown(rows: Iterable[MartRow], name: str, show: Callable[[str], None]) -> Iterator[MartRow]:
    for number, row in enumerate(rows, 1):
        if number % SHOW_EVERY == 0:
            show(f"{name}: {number:,} rows")
        yield row
