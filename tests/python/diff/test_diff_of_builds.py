"""A git ref and the working tree, both built: what an edit of a mart does to the tables."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from helpers import readme
from helpers.git_repository import COMMIT, git, worktrees
from helpers.project import Project
from private_analytics.cli import cli
from private_analytics.diff.builds import build
from private_analytics.errors import UserError

DAY = date(2026, 10, 1)


def commit_all(folder: Path) -> None:
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, *COMMIT, "before")


def diff(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["diff", *arguments])


def test_an_edited_mart_is_the_only_difference(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot's search counts from now on: of /search there was one event, and are two."""
    folder = readme.project_with_the_mart(tmp_path / "project")
    commit_all(folder)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(folder))
    mart = folder / "models/marts/behaviour" / f"{readme.MART}.sql"
    mart.write_text(mart.read_text().replace("where not is_bot and", "where"))
    project.export({"s": [f"{DAY}T12:00:00.000Z {line}" for line in readme.FIRST_LOAD["lines"]]}, day=DAY)
    status = git(folder, "status", "--porcelain", "--ignored")

    result = diff("--base-ref", "main", "--logs", str(project.lake), "--json")

    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["verdict"] == f"1 of {len(found['tables'])} tables differs"
    first, *others = found["tables"]
    assert {table["name"] for table in others} > {"daily_events", "events", "fct_events", "loaded_exports", "changed_days"}
    assert {table["status"] for table in others} == {"same"}
    assert (first["name"], first["key"], first["rows_before"], first["rows_after"]) == (
        "daily_routes",
        ["event_date", "route"],
        3,
        3,
    )
    assert first["rows"] == {
        "added": 0,
        "removed": 0,
        "changed": 1,
        "columns": [{"name": "events", "rows": 1, "before": 3, "after": 4}],
        "largest": [
            {
                "key": {"event_date": "2026-10-01", "route": "/search"},
                "values": [{"column": "events", "before": "1", "after": "2", "change": 1.0}],
            }
        ],
        "some_added": [],
        "some_removed": [],
    }
    assert "loaded_exports.loaded_at" in found["not_compared"]
    assert not project.database.exists()
    assert (git(folder, "status", "--porcelain", "--ignored"), worktrees(folder)) == (status, 1)


# --------------------------------------------------------------------------------------------------- what fails

PROFILE = """
private_analytics:
  outputs:
    local: {type: duckdb, path: "{{ env_var('ANALYTICS_DB') }}"}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A dbt project of two models, of which one fails."""
    folder = tmp_path / "tiny"
    (folder / "models").mkdir(parents=True)
    (folder / "profiles.example.yml").write_text(PROFILE)
    (folder / "dbt_project.yml").write_text("{name: tiny, profile: private_analytics}")
    (folder / "models/good.sql").write_text("select 1 as n")
    (folder / "models/bad.sql").write_text("select no_such_column from {{ ref('good') }}")
    return folder


def test_a_base_that_cannot_be_built(tiny: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_all(tiny)
    (tiny / "models/bad.sql").unlink()
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tiny))
    project.export({"s": []}, day=DAY)
    result = diff("--base-ref", "main", "--logs", str(project.lake))
    assert (result.exit_code, type(result.exception), result.stdout) == (1, SystemExit, "")
    assert "Error: The tables of main (" in result.stderr
    assert "cannot be built. dbt says:\n  bad: " in result.stderr
    assert "no_such_column" in result.stderr
    assert worktrees(tiny) == 1


def test_a_project_that_dbt_cannot_read(tiny: Path, tmp_path: Path) -> None:
    (tiny / "models/bad.sql").write_text("{{ ref('no_such_model') }}")
    with pytest.raises(UserError, match=r"(?s)The tables of mine cannot be built\. dbt says:.*no_such_model"):
        build("mine", tiny, tmp_path / "lake", tmp_path / "work")


def test_a_state_without_a_profile(tiny: Path, tmp_path: Path) -> None:
    (tiny / "profiles.example.yml").unlink()
    with pytest.raises(UserError, match=r"v0 has no profiles\.example\.yml"):
        build("v0", tiny, tmp_path / "lake", tmp_path / "work")


def test_logs_that_are_not_there(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_all(tiny)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tiny))
    result = diff("--base-ref", "main", "--logs", str(tmp_path / "no-logs"))
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "no-logs: no such folder" in result.stderr
