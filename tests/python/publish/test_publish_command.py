"""The command `publish`: this project's marts as they are on DuckDB, and what a person is told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import psycopg
import pytest
from click.testing import CliRunner, Result

from helpers.postgres_server import PASSWORD, PostgresServer
from helpers.project import TABLES, Project, nasty_exports
from private_analytics.cli import cli
from private_analytics.errors import UserError
from private_analytics.publish.marts import marts_of

MARTS = TABLES.keys() - {"events", "fct_events", "rejected_log_lines", "loaded_exports"}
POSTGRES_TYPES = {
    "VARCHAR": "text",
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "DOUBLE": "double precision",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp with time zone",
}
WALL_CLOCKS = {("hourly_reliability", "event_hour")}
KEYS = """
    select table_name, array_agg(column_name::text order by ordinal_position)
    from information_schema.key_column_usage where table_schema = 'analytics' group by table_name
"""


def publish(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["publish", *arguments])


def published(connection: psycopg.Connection, name: str) -> list[dict]:
    """The rows as the marts have them: points in time in UTC, without the zone."""
    cursor = connection.execute(f"select * from analytics.{name}")
    names = [column.name for column in cursor.description]
    return [{name: plain(value) for name, value in zip(names, row, strict=True)} for row in cursor.fetchall()]


def plain(value: object) -> object:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value


def assert_equal(project: Project, connection: psycopg.Connection) -> None:
    for name in MARTS:
        expected = project.table(name)
        assert expected
        assert sorted(map(repr, published(connection, name))) == sorted(map(repr, expected)), name


def test_the_marts_of_the_project(project: Project, postgres: PostgresServer) -> None:
    nasty_exports(project, 7)
    project.run()
    planned = publish("--to", postgres.url(), "--dry-run")
    assert planned.exit_code == 0, planned.output
    with postgres.connect() as connection:
        assert not connection.execute("select 1 from pg_namespace where nspname = 'analytics'").fetchall()
        done = publish("--to", postgres.url())
        assert done.exit_code == 0, done.output
        assert_equal(project, connection)

        assert {name: tuple(key) for name, key in connection.execute(KEYS) if name in MARTS} == {
            name: TABLES[name] for name in MARTS
        }
        with duckdb.connect(str(project.database), read_only=True) as engine:
            for name in MARTS:
                found = connection.execute(
                    "select column_name, data_type from information_schema.columns where table_schema = 'analytics'"
                    " and table_name = %s order by ordinal_position",
                    [name],
                ).fetchall()
                described = engine.execute(f"describe {name}").fetchall()
                assert found == [
                    (column, "timestamp without time zone" if (name, column) in WALL_CLOCKS else POSTGRES_TYPES[kind])
                    for column, kind, *_ in described
                ]

        project.export(
            {"late": ['2026-10-02T12:00:00.000Z {"eventName":"late","statusCode":500}']}, task_id="late", day=date(2026, 10, 2)
        )
        project.run()
        done = publish("--to", postgres.url())
        assert_equal(project, connection)
    words = dict(line.split(maxsplit=1) for line in done.output.splitlines())
    assert words["hourly_reliability"].startswith("2026-10-02, ")
    assert words["sessions"] == "unchanged"
    assert words["daily_events"].startswith("2026-10-02, ")


def test_no_database(project: Project, postgres: PostgresServer) -> None:
    result = publish("--to", postgres.url())
    assert result.exit_code == 1
    assert "There is no database at" in result.output


def test_no_tables(project: Project, postgres: PostgresServer) -> None:
    duckdb.connect(str(project.database)).close()
    result = publish("--to", postgres.url())
    assert result.exit_code == 1
    assert "cannot be read" in result.output
    assert "does not exist yet, run `dbt build`" in result.output


@pytest.mark.parametrize(
    "secret", ["postgresql://u:hidden@127.0.0.1/db", "postgresql://127.0.0.1/db?password=hidden", "u:hidden"]
)
def test_a_password_on_the_command_line_is_refused(secret: str) -> None:
    result = publish("--to", secret)
    assert result.exit_code == 2
    assert "PGPASSWORD" in result.output
    assert "hidden" not in result.output


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres:hidden@127.0.0.1:{port}/analytics",
        "postgresql://postgres:x@hidden@127.0.0.1:{port}/analytics",
        "postgresql://postgres:hidden/hidden@127.0.0.1:{port}/analytics",
        "postgresql://postgres:123/hidden@127.0.0.1:{port}/analytics",
        "postgresql://postgres:hidden#hidden@127.0.0.1:{port}/analytics",
        "postgresql://postgres:hidden?hidden@127.0.0.1:{port}/analytics",
        "postgresql://postgres:hidden%hidden@127.0.0.1:{port}/analytics",
        "postgresql://postgres:[hidden@127.0.0.1:{port}/analytics",
        "postgres:hidden@127.0.0.1:{port}/analytics",
        "host=127.0.0.1 password=hidden",
        "postgresql://postgres@127.0.0.1:1/analytics?password=hidden",
        "postgresql://postgres@127.0.0.1:{port}/analytics?hidden=hidden",
    ],
)
def test_no_password_is_ever_shown(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Wrong passwords, and URLs in which a password is not escaped."""
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PUBLISH_TO", url.format(port=postgres.port))
    result = publish()
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "hidden" not in result.output
    assert isinstance(result.exception, SystemExit)


def test_where_the_password_comes_from(
    postgres: PostgresServer, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is right where what is missed is the tables."""
    monkeypatch.delenv("PGPASSWORD")
    reached = "There is no database at"
    escaped = PASSWORD.replace("%", "%25").replace("/", "%2F").replace("@", "%40").replace(":", "%3A")
    with monkeypatch.context() as patch:
        patch.setenv("PUBLISH_TO", postgres.url(f"postgres:{escaped}"))
        assert reached in publish().output
    with monkeypatch.context() as patch:
        passwords = tmp_path / "pgpass"
        passwords.write_text(f"127.0.0.1:*:*:postgres:{PASSWORD.replace(':', chr(92) + ':')}\n")
        passwords.chmod(0o600)
        patch.setenv("PGPASSFILE", str(passwords))
        assert reached in publish("--to", postgres.url()).output
    assert "no password supplied" in publish("--to", postgres.url()).output


def model(**changes: object) -> dict:
    return {
        "unique_id": "model.a.m",
        "resource_type": "model",
        "fqn": ["a", "marts", "m"],
        "name": "m",
        "alias": "m",
        "relation_name": '"d"."s"."m"',
        "description": "",
        "columns": {"n": {"name": "n", "data_type": "bigint"}, "event_date": {"name": "event_date", "data_type": "date"}},
        "config": {"contract": {"enforced": True}},
        "patch_path": "a://models/marts/m.yml",
        "original_file_path": "models/marts/m.sql",
    } | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": {"contract": {"enforced": False}}}, "m has no enforced contract.*models/marts/m.yml"),
        ({"columns": {"n": {"name": "n", "data_type": "bigint"}}}, "m has no column that is a date"),
    ],
)
def test_a_mart_that_cannot_be_published(changes: dict, message: str) -> None:
    assert marts_of({"nodes": {"m": model()}})[0].date_column == "event_date"
    with pytest.raises(UserError, match=message):
        marts_of({"nodes": {"m": model(**changes)}})
