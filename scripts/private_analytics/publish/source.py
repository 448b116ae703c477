"""The marts in the engine: their dates, and the rows of some dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from ..errors import UserError
from ..project.engine import ERRORS, Connection, open_engine, unreadable
from .marts import Mart

ROWS_AT_ONCE = 1000  # as many as Athena returns in one answer
# How each engine computes a digest of a set of rows, in any order. The hash of a row must mix its columns: sums of plain column
# hashes stay the same if two rows exchange a value.
DIGESTS = {
    "duckdb": "cast(sum(hash(hash({columns}))){over} as varchar)",
    "athena": "to_hex(checksum(json_format(cast(row({columns}) as json))){over})",
}


class MartRow(NamedTuple):
    """A row of a mart: its values in the contract's order, its date, and the digest of all rows of that date."""

    values: tuple[object, ...]
    day: date
    digest: str


@dataclass(frozen=True)
class Source:
    """A DB-API connection to an engine, duckdb or athena."""

    engine: str
    connection: Connection

    def digests(self, mart: Mart) -> dict[date, str]:
        """A digest of the rows of each date. Athena reads the whole mart for it, but returns one row per date."""
        day = _day(mart)
        sql = f"select {day}, {self._digest(mart, '')} from {mart.relation} group by {day}"  # noqa: S608 (all of it quoted)
        found = dict(self._query(mart, sql))
        if None in found:
            raise UserError(f"{mart.relation} has rows without {mart.date_column}, so they have no date. See `dbt test`.")
        return found

    def rows(self, mart: Mart, days: Iterable[date] | None) -> Iterator[MartRow]:
        """The rows of these dates (None: of all), with the digest of exactly these rows, not of what digests() saw before."""
        day = _day(mart)
        digest = self._digest(mart, f" over (partition by {day})")
        sql = f"select {_columns(mart)}, {day}, {digest} from {mart.relation}"  # noqa: S608 (all of it quoted)
        if days is not None:
            literals = ", ".join(f"date '{each}'" for each in days)
            sql += f" where {day} in ({literals})"
        for *values, on, digest in self._query(mart, sql):
            yield MartRow(tuple(values), on, digest)

    def _digest(self, mart: Mart, over: str) -> str:
        return f"'{self.engine} ' || " + DIGESTS[self.engine].format(columns=_columns(mart), over=over)

    def _query(self, mart: Mart, sql: str) -> Iterator[tuple[Any, ...]]:
        try:
            cursor = self.connection.cursor()
            cursor.execute(sql)
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                yield from map(tuple, rows)
        except ERRORS as error:
            raise unreadable(mart.relation, error) from None


@contextmanager
def open_source() -> Iterator[Source]:
    """The engine of the current dbt target. Raises UserError if it cannot be reached."""
    with open_engine() as engine:
        yield Source(engine.name, engine.connection)


def _columns(mart: Mart) -> str:
    return ", ".join(map(_quoted, mart.columns))


def _day(mart: Mart) -> str:
    return f"cast({_quoted(mart.date_column)} as date)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
