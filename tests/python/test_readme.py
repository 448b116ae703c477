"""A mart is added as the README says, on DuckDB; tests/athena/test_mart_of_the_readme.py does the same on Athena."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import readme
from helpers.project import Project
from helpers.readme import load
from private_analytics.publish.marts import read_marts


def rows(project: Project) -> list[tuple]:
    return sorted((row["route"], row["events"], row["users"], row["purchases"]) for row in project.table(readme.MART))


def test_a_mart_is_added_by_two_files(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(project, **readme.FIRST_LOAD)
    project.run()
    monkeypatch.setenv("DBT_PROJECT_DIR", str(readme.project_with_the_mart(tmp_path / "project")))
    outcome = project.dbt("build", "--select", readme.MART)
    assert outcome.succeeded, outcome
    assert rows(project) == readme.ROWS_BEFORE

    load(project, **readme.SECOND_LOAD)
    project.run()
    assert rows(project) == readme.ROWS_AFTER
    before = project.tables()
    project.run("--full-refresh")
    assert (rows(project), project.tables()) == (readme.ROWS_AFTER, before)
    assert readme.MART in [mart.name for mart in read_marts()]
