"""What a person who types `diff` is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from helpers.two_databases import TwoDatabases
from private_analytics.cli import cli
from private_analytics.diff import command
from private_analytics.diff.declared import Declared
from private_analytics.project import dbt

HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def diff(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["diff", *map(str, arguments)])


@pytest.fixture
def files(databases: TwoDatabases, monkeypatch: pytest.MonkeyPatch) -> TwoDatabases:
    """Two databases that differ in a row."""
    monkeypatch.setattr(dbt, "manifest", dict)
    monkeypatch.setattr(command, "declared", lambda manifest: Declared(keys={"t": ("k",)}))
    for path, value in ((databases.base, "1"), (databases.candidate, "2.5")):
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"create table t as select 1 as k, {value}::double as v, 'nan'::double as w")
    return databases


def refused(*arguments: object) -> str:
    """The message of a command that ends with exit code 1 and without a traceback."""
    result = diff(*arguments)
    assert (result.exit_code, type(result.exception)) == (1, SystemExit), result
    assert result.stderr.startswith("Error: ")
    return result.stderr


def test_two_files_are_compared(files: TwoDatabases) -> None:
    result = diff("--base", files.base, "--candidate", files.candidate)
    assert result.exit_code == 0, result
    assert result.stdout.startswith("**1 of 1 table differs:** `t` (1 row changed).\n")
    assert "| `v` | 1 | 1 | 2.5 | +150.0% |" in result.stdout


def test_the_candidate_is_the_projects_database(files: TwoDatabases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_DB", str(files.candidate))
    assert diff("--base", files.base).stdout == diff("--base", files.base, "--candidate", files.candidate).stdout


def test_equal_files_end_well(files: TwoDatabases, tmp_path: Path) -> None:
    (tmp_path / "copy.duckdb").write_bytes(files.base.read_bytes())
    result = diff("--base", files.base, "--candidate", tmp_path / "copy.duckdb")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "**No differences in 1 table.**")


def test_data_instead_of_markdown_and_a_file_instead_of_the_screen(files: TwoDatabases, tmp_path: Path) -> None:
    out = tmp_path / "diff.json"
    result = diff("--base", files.base, "--candidate", files.candidate, "--json", "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    found = json.loads(out.read_text())
    assert found["verdict"] == "1 of 1 table differs"
    (table,) = found["tables"]
    assert (table["name"], table["status"], table["rows"]["changed"]) == ("t", "changed", 1)
    assert table["rows"]["columns"] == [{"name": "v", "rows": 1, "before": 1.0, "after": 2.5}]
    assert table["rows"]["largest"] == [
        {"key": {"k": "1"}, "values": [{"column": "v", "before": "1.0", "after": "2.5", "change": 1.5}]}
    ]
    assert "cannot be written" in refused("--base", files.base, "--candidate", files.candidate, "--out", tmp_path / "no" / "x.md")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--base", "a", "--base-ref", "main"),
        ("--base-ref", "main", "--candidate", "a"),
        ("--base", "a", "--logs", "b"),
        ("a", "b"),
    ],
)
def test_options_that_do_not_go_together(arguments: tuple[str, ...]) -> None:
    result = diff(*arguments)
    assert result.exit_code == 2, result
    assert "Usage:" in result.stderr


def test_files_that_cannot_be_compared(files: TwoDatabases, tmp_path: Path) -> None:
    text, empty, folder = tmp_path / "text.duckdb", tmp_path / "empty.duckdb", tmp_path / "folder"
    text.write_text("hello " * 5000)
    empty.touch()
    folder.mkdir()
    for wrong in (tmp_path / "missing.duckdb", folder):
        assert f"There is no database at {wrong}" in refused("--base", wrong, "--candidate", files.candidate)
        assert f"There is no database at {wrong}" in refused("--base", files.base, "--candidate", wrong)
    for wrong in (text, empty):
        assert f"{wrong} cannot be read: " in refused("--base", wrong, "--candidate", files.candidate)
    assert "are the same file" in refused("--base", files.base, "--candidate", files.base)


def test_a_file_that_is_being_written(files: TwoDatabases) -> None:
    writer = subprocess.Popen([sys.executable, "-c", HOLD, str(files.base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert writer.stdout and writer.stdout.readline() == b"open\n"
        said = refused("--base", files.base, "--candidate", files.candidate)
    finally:
        writer.communicate()
    assert f"{files.base} is open in another process" in said


def test_a_view_whose_table_is_gone(files: TwoDatabases) -> None:
    for path in (files.base, files.candidate):
        with duckdb.connect(str(path)) as connection:
            connection.execute("create table u as select 1 as n; create view v as select * from u; drop table u")
    assert "v cannot be compared: " in refused("--base", files.base, "--candidate", files.candidate)


def test_a_memory_limit_that_is_none(files: TwoDatabases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_MEMORY", "much")
    assert "ANALYTICS_MEMORY is 'much'" in refused("--base", files.base, "--candidate", files.candidate)


def test_a_damaged_file(files: TwoDatabases) -> None:
    for path in (files.base, files.candidate):
        with duckdb.connect(str(path)) as connection:
            connection.execute("create table long as select range as n, md5(range::varchar) as v from range(200_000)")
    content = bytearray(files.base.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 300_000] = bytes(300_000)
    files.base.write_bytes(content)
    assert "long cannot be compared: " in refused("--base", files.base, "--candidate", files.candidate)
