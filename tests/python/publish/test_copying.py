"""Copying into a real PostgreSQL, from marts small enough to be written down."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import psycopg
import pytest

from helpers.postgres_server import PostgresServer, Proxy
from helpers.tiny_marts import DAILY, DAY, LAST_DAY, MARTS, NEW, NEXT_DAY, OLD, Tables, content
from private_analytics.errors import UserError
from private_analytics.publish import copying, postgres
from private_analytics.publish.marts import Mart
from private_analytics.publish.source import Source


class Engine:
    """DuckDB tables with just these rows, as a source."""

    def __init__(self, folder: Path) -> None:
        self._connection = duckdb.connect(str(folder / "engine.duckdb"))
        self._connection.execute("create schema marts")
        self.source = Source("duckdb", self._connection)

    def hold(self, tables: Tables, marts: tuple[Mart, ...] = MARTS) -> None:
        self._connection.execute("begin")
        for mart in marts:
            columns = ", ".join(f"{name} {kind.removesuffix('(6)')}" for name, kind in mart.columns.items())
            self._connection.execute(f"create or replace table {mart.relation} ({columns})")
            places = ", ".join("?" * len(mart.columns))
            for row in tables[mart.name]:
                self._connection.execute(f"insert into {mart.relation} values ({places})", row)
        self._connection.execute("commit")

    def publish(self, postgres_url: str, marts: tuple[Mart, ...] = MARTS, schema: str = "analytics", again: bool = False) -> dict:
        """Mart -> (the change, rows written)."""
        with closing(postgres.connect(postgres_url)) as connection:
            done = copying.publish(self.source, connection, schema, marts, again=again)
            return {mart.name: (change, written) for mart, change, written in done}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path)
    engine.hold(OLD)
    yield engine
    engine.source.connection.close()


@pytest.fixture
def reader(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """Somebody else, whose clock is not in UTC."""
    with postgres.connect() as connection:
        connection.execute("set time zone 'America/St_Johns'")
        yield connection


def versions(reader: psycopg.Connection, name: str, key: str) -> dict:
    """Key -> PostgreSQL's own version of the row: another one where the row was written again."""
    return dict(reader.execute(f"select {key}, xmin::text || ctid::text from analytics.{name}").fetchall())


def test_types_nulls_and_times_survive(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    for tables in (OLD, NEW):
        engine.hold(tables)
        engine.publish(postgres.url())
        assert {name: content(reader, name) for name in tables} == tables
    types = reader.execute(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = 'analytics'"
    ).fetchall()
    assert {row[1:] for row in types if row[0] == "visits"} == {
        ("id", "text"),
        ("started_at", "timestamp with time zone"),
        ("local_hour", "timestamp without time zone"),
        ("seen", "boolean"),
        ("code", "integer"),
    }
    assert {row[1:] for row in types if row[0] == "daily"} == {
        ("event_date", "date"),
        ("name", "text"),
        ("n", "bigint"),
        ("rate", "double precision"),
    }


def test_only_rows_of_changed_dates_are_written(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    engine.publish(postgres.url())
    daily, visits = versions(reader, "daily", "event_date || name"), versions(reader, "visits", "id")
    done = engine.publish(postgres.url())
    assert not any(change.is_needed for change, _ in done.values())
    engine.hold(NEW)
    done = engine.publish(postgres.url())
    assert done["daily"][0].days == [DAY, LAST_DAY, date(2026, 10, 27)]
    assert done["visits"][0].days == [DAY, NEXT_DAY, LAST_DAY]
    assert [written for _, written in done.values()] == [4, 3]
    after = versions(reader, "daily", "event_date || name")
    assert daily.items() & after.items() == {(f"{NEXT_DAY}a", daily[f"{NEXT_DAY}a"])}
    assert not visits.items() & versions(reader, "visits", "id").items()
    assert not any(change.is_needed for change, _ in engine.publish(postgres.url()).values())


def test_again_writes_what_did_not_change(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    engine.publish(postgres.url())
    reader.execute("update analytics.daily set n = 0; insert into analytics.daily values ('2020-01-01', 'strange', 1, 1)")
    assert not engine.publish(postgres.url())["daily"][0].is_needed
    engine.publish(postgres.url(), again=True)
    assert content(reader, "daily") == OLD["daily"]


def test_what_is_noted_is_what_is_there(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    for tables in (OLD, NEW):
        engine.hold(tables)
        engine.publish(postgres.url())
        noted = reader.execute("select table_name, date, rows from analytics.published_dates").fetchall()
        days = [("daily", row[0]) for row in tables["daily"]] + [("visits", row[1].date()) for row in tables["visits"]]
        assert sorted(noted) == sorted((*of, days.count(of)) for of in set(days))


def test_wherever_it_breaks_readers_see_old_or_new_whole(
    engine: Engine, postgres: PostgresServer, reader: psycopg.Connection
) -> None:
    """The connection is cut before the first message, before the second, and so on; each time the next run completes it."""
    before, after, cut_at = OLD, NEW, 0
    engine.publish(postgres.url())
    while True:
        cut_at += 1
        engine.hold(after)
        seen: list[Tables] = []

        def on_message(number: int, cut_at: int = cut_at, seen: list[Tables] = seen) -> bool:
            seen.append({name: content(reader, name) for name in OLD})
            return number < cut_at

        with closing(Proxy(postgres.port, on_message)) as way:
            try:
                engine.publish(postgres.url(port=way.port))
                is_cut = len(seen) == cut_at
            except UserError:
                is_cut = True
        seen.append({name: content(reader, name) for name in OLD})
        assert all(tables[name] in (before[name], after[name]) for tables in seen for name in OLD)
        if not is_cut:
            break
        engine.publish(postgres.url())
        assert {name: content(reader, name) for name in OLD} == after
        before, after = after, before
    assert cut_at > 50  # it was cut at more than a few places
    assert {name: content(reader, name) for name in OLD} == after


def test_wherever_the_first_publish_breaks_the_next_completes_it(
    engine: Engine, postgres: PostgresServer, reader: psycopg.Connection
) -> None:
    cut_at = 0
    while True:
        cut_at += 1
        reader.execute("drop schema if exists analytics cascade")
        passed: list[int] = []

        def on_message(number: int, cut_at: int = cut_at, passed: list[int] = passed) -> bool:
            passed.append(number)
            return number < cut_at

        with closing(Proxy(postgres.port, on_message)) as way:
            try:
                engine.publish(postgres.url(port=way.port))
                is_cut = len(passed) == cut_at
            except UserError:
                is_cut = True
        there = {name for (name,) in reader.execute("select tablename from pg_tables where schemaname = 'analytics'").fetchall()}
        assert all(content(reader, name) == OLD[name] for name in there & OLD.keys())
        if not is_cut:
            break
        engine.publish(postgres.url())
        assert {name: content(reader, name) for name in OLD} == OLD
    assert cut_at > 50


def test_a_mart_that_changes_while_it_is_copied(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    """Its digests are read, then dbt runs, then its rows are read: what is published is noted as what it is."""
    engine.publish(postgres.url())
    engine.hold(NEW)
    later = {name: set(rows) for name, rows in NEW.items()}
    later["daily"] = {(*row[:2], row[2] - 1, row[3]) for row in NEW["daily"]}

    class Meanwhile(Source):
        def digests(self, mart: Mart) -> dict:
            found = super().digests(mart)
            engine.hold(later)
            return found

    source = Meanwhile("duckdb", engine.source.connection)
    with closing(postgres_connection(postgres)) as connection:
        list(copying.publish(source, connection, "analytics", (DAILY,)))
    unchanged_at_first = {row for row in OLD["daily"] if row[0] == NEXT_DAY}
    assert content(reader, "daily") == {row for row in later["daily"] if row[0] != NEXT_DAY} | unchanged_at_first
    engine.publish(postgres.url(), (DAILY,))
    assert content(reader, "daily") == later["daily"]


def postgres_connection(server: PostgresServer) -> psycopg.Connection:
    return postgres.connect(server.url())


def test_two_at_once(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    """One is stopped in the middle of its first table while the mart changes; the other has to wait, and has nothing newer
    overwritten."""
    engine.publish(postgres.url())
    holds, goes_on = threading.Event(), threading.Event()

    class Slow(Source):
        def rows(self, mart: Mart, days: list[date] | None) -> Iterator:
            for row in super().rows(mart, days):
                holds.set()
                assert goes_on.wait(30)
                yield row

    engine.hold(NEW)
    slow = Slow("duckdb", engine.source.connection.cursor())
    newer = {**NEW, "daily": {(*row[:2], row[2] - 1, row[3]) for row in NEW["daily"]}}
    failures: list[Exception] = []

    def run(source: Source) -> None:
        try:
            with closing(postgres_connection(postgres)) as connection:
                list(copying.publish(source, connection, "analytics", MARTS))
        except Exception as error:
            failures.append(error)

    first = threading.Thread(target=run, args=(slow,))
    first.start()
    assert holds.wait(30)
    engine.hold(newer)
    second = threading.Thread(target=run, args=(Source("duckdb", engine.source.connection.cursor()),))
    second.start()
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    while not reader.execute(waiting).fetchone()[0]:
        assert second.is_alive()
    assert content(reader, "daily") == OLD["daily"]
    goes_on.set()
    first.join(30)
    second.join(30)
    assert not failures
    assert {name: content(reader, name) for name in newer} == newer


def test_it_does_not_wait_for_ever(
    engine: Engine, postgres: PostgresServer, reader: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("private_analytics.publish.postgres.LOCK_TIMEOUT", "50ms")
    engine.publish(postgres.url())
    with reader.transaction():
        reader.execute("select pg_advisory_xact_lock(hashtextextended('published_dates analytics', 0))")
        with pytest.raises(UserError, match=r"in use: another publish.*try again"):
            engine.publish(postgres.url())
    engine.publish(postgres.url())


def test_a_new_column_is_added(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    """A view of a reader goes on to work."""
    engine.publish(postgres.url())
    reader.execute("create view analytics.mine as select name, sum(n) as n from analytics.daily group by name")
    wider = replace(DAILY, columns={"event_date": "date", "new": "boolean", "name": "varchar", "n": "bigint", "rate": "double"})
    engine.hold({"daily": {(day, True, name, n, rate) for day, name, n, rate in OLD["daily"]}}, (wider,))
    done = engine.publish(postgres.url(), (wider,))
    assert done["daily"][0].added == ["new"]
    assert content(reader, "daily") == {(*row, True) for row in OLD["daily"]}
    assert len(reader.execute("select * from analytics.mine").fetchall()) == 3
    assert not engine.publish(postgres.url(), (wider,))["daily"][0].is_needed


@pytest.mark.parametrize(
    ("columns", "key", "message"),
    [
        (
            {"event_date": "date", "name": "varchar", "n": "bigint"},
            DAILY.key,
            "rate is double precision there and missing here",
        ),
        ({**DAILY.columns, "n": "integer"}, DAILY.key, "n is bigint there and integer here"),
        (DAILY.columns, ("name",), r"its key is \(event_date, name\) there and \(name\) here"),
    ],
    ids=["a column less", "another type", "another key"],
)
def test_another_shape_is_refused(
    engine: Engine, postgres: PostgresServer, reader: psycopg.Connection, columns: dict, key: tuple, message: str
) -> None:
    engine.publish(postgres.url())
    with pytest.raises(UserError, match=rf'"analytics"."daily" has a different structure: {message}. Drop it'):
        engine.publish(postgres.url(), (replace(DAILY, columns=columns, key=key),))
    assert content(reader, "daily") == OLD["daily"]
    reader.execute("drop table analytics.daily")
    engine.publish(postgres.url())
    assert content(reader, "daily") == OLD["daily"]


def test_a_table_of_somebody_else_is_left_alone(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    reader.execute("create schema analytics; create table analytics.daily as select 'precious' as what")
    with pytest.raises(UserError, match=r"exists and was not created by publish.*another --schema"):
        engine.publish(postgres.url())
    assert content(reader, "daily") == {("precious",)}


def test_names_are_quoted(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    odd = replace(DAILY, name='o"dd; drop', columns={"event_date": "date", 'se"lect': "varchar"}, key=('se"lect',))
    odd = replace(odd, relation='"marts"."o""dd"', description="It's {odd} %s.")
    engine.source.connection.execute('create table marts."o""dd" (event_date date, "se""lect" varchar)')
    engine.source.connection.execute("""insert into marts."o""dd" values ('2026-10-01', 'x')""")
    schema = 'my "schema"; --'
    try:
        for _ in range(2):
            engine.publish(postgres.url(), (odd,), schema)
        found = reader.execute('select "se""lect" from "my ""schema""; --"."o""dd; drop"').fetchall()
        assert found == [("x",)]
    finally:
        reader.execute('drop schema "my ""schema""; --" cascade')


def test_a_character_that_postgresql_does_not_take(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    engine.hold({"daily": {(DAY, "a\0b", 1, None)}}, (DAILY,))
    engine.publish(postgres.url(), (DAILY,))
    assert content(reader, "daily") == {(DAY, "a\N{SYMBOL FOR NULL}b", 1, None)}


def test_an_error_shows_no_values_and_leaves_the_table(
    engine: Engine, postgres: PostgresServer, reader: psycopg.Connection
) -> None:
    engine.publish(postgres.url())
    engine.hold({"daily": {(DAY, "secret-user", 1, 1.0), (DAY, "secret-user", 2, 1.0)}}, (DAILY,))
    with pytest.raises(UserError, match="duplicate key") as caught:
        engine.publish(postgres.url(), (DAILY,))
    assert "secret" not in str(caught.value)
    assert content(reader, "daily") == OLD["daily"]


def test_rows_without_a_date_are_refused(engine: Engine, postgres: PostgresServer) -> None:
    engine.hold({"daily": {(None, "a", 1, 1.0)}}, (DAILY,))
    with pytest.raises(UserError, match="rows without event_date"):
        engine.publish(postgres.url(), (DAILY,))


def test_an_empty_mart_is_an_empty_table(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    engine.hold({"daily": set(), "visits": set()})
    engine.publish(postgres.url())
    assert {name: content(reader, name) for name in OLD} == {"daily": set(), "visits": set()}
    assert not any(change.is_needed for change, _ in engine.publish(postgres.url()).values())
    engine.hold(OLD)
    engine.publish(postgres.url())
    assert {name: content(reader, name) for name in OLD} == OLD


def test_who_may_not_is_told(engine: Engine, postgres: PostgresServer, reader: psycopg.Connection) -> None:
    reader.execute("drop role if exists publisher; create role publisher login password 'a/b@c:d%e'")
    with pytest.raises(UserError, match="permission denied for database"):
        engine.publish(postgres.url("publisher"))
    reader.execute("create schema analytics; grant all on schema analytics to publisher")  # enough, though it may make no schema
    try:
        engine.publish(postgres.url("publisher"))
        assert content(reader, "daily") == OLD["daily"]
    finally:
        reader.execute("drop schema analytics cascade; drop role publisher")


@pytest.mark.parametrize("amount", [timedelta(hours=5), timedelta(days=-1)])
def test_every_change_of_one_value_is_seen(engine: Engine, amount: timedelta) -> None:
    """Whichever row and column it is in."""
    digests = {mart.name: engine.source.digests(mart) for mart in MARTS}
    for mart in MARTS:
        for place in range(len(mart.columns)):
            if list(mart.columns)[place] == mart.date_column:
                continue
            for row in OLD[mart.name]:
                value = row[place]
                changed = None if value is not None else "x" if mart.columns[list(mart.columns)[place]] == "varchar" else 0
                if isinstance(value, datetime):
                    changed = value + amount
                rows = OLD[mart.name] - {row} | {(*row[:place], changed, *row[place + 1 :])}
                engine.hold(OLD | {mart.name: rows})
                assert engine.source.digests(mart) != digests[mart.name], (mart.name, row, place)
