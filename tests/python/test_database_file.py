"""The database file is the user's: it can be copied, renamed and opened with other versions of DuckDB, and is right at once."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from helpers.project import TABLES, Project, nasty_exports
from helpers.tables import assert_equals_oracle, line

NAMES = ("analytics.duckdb", "main.duckdb", "events.duckdb", "my logs, 2026.db", "select")


@pytest.fixture
def built(project: Project, workplace: Path) -> Project:
    """A small project that is built."""
    kept = workplace / "built.duckdb"
    nasty_exports(project, 21)
    if kept.exists():
        shutil.copyfile(kept, project.database)
    else:
        project.run()
        shutil.copyfile(project.database, kept)
    return project


def relations(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """All tables and views of the file but those that are read from the lake."""
    rows = connection.execute(
        "select table_name from information_schema.tables where table_schema = 'main' and table_catalog = current_database()"
    ).fetchall()
    return [name for (name,) in rows]


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_of_any_name_is_queried_with_nothing_set(
    built: Project, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / name
    shutil.copyfile(built.database, copy)
    monkeypatch.chdir(tmp_path)
    with duckdb.connect(str(copy), read_only=True) as connection:
        names = relations(connection)
        assert {*TABLES, "int_events"} <= {*names}
        for relation in names:
            connection.execute(f"from {relation}").fetchall()
        counts = connection.execute('select count(*), count(distinct "userId") from events').fetchone()
        assert counts == connection.execute("select count(*), count(distinct user_id) from fct_events").fetchone()


def test_an_attached_file_is_queried_by_its_name(built: Project) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built.database}' as logs (read_only)")
        assert connection.execute("select count(*) > 0 from logs.fct_events").fetchone() == (True,)
        assert connection.execute("select count(*) > 0 from logs.events").fetchone() == (True,)


def older_duckdb() -> str | None:
    """The command duckdb, if it is of a version before 2."""
    for command in (Path(sys.executable).with_name("duckdb"), shutil.which("duckdb")):
        if command and Path(command).exists():
            answer = subprocess.run([str(command), "--version"], capture_output=True, text=True, check=False).stdout
            version = re.match(r"v(\d+)\.", answer)
            if version and int(version[1]) < 2:
                return str(command)
    return None


def test_runs_go_on_in_a_renamed_file_that_an_older_duckdb_opens(
    built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an incremental run and after a full refresh: everything that a run writes is of the older format."""
    moved = tmp_path / "lake.duckdb"
    shutil.move(built.database, moved)
    monkeypatch.setenv("ANALYTICS_DB", str(moved))
    project = Project(built.lake, moved)
    project.export({"s": [line("2026-10-04", eventName="searched", userId="u1")]}, task_id="new", day=date(2026, 10, 4))
    for arguments in ((), ("--full-refresh",)):
        project.run(*arguments)
        assert [row["lines"] for row in project.table("loaded_exports") if row["export_task_id"] == "new"] == [1]
        assert_equals_oracle(project)
        with duckdb.connect(str(moved), read_only=True) as connection:
            names = relations(connection)
            expected = [connection.execute(f"select count(*) from {name}").fetchone()[0] for name in names]
        older = older_duckdb()
        if older is None:
            pytest.skip("no command duckdb of a version before 2")
        queries = "; ".join(f"select count(*) from {name}" for name in names)
        command = [older, "-readonly", "-csv", "-noheader", str(moved), queries]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        assert [int(text) for text in answer.stdout.split()] == expected
