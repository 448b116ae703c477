"""Each test gets a project of its own to build in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helpers.checkout import Checkout, copy_project
from helpers.project import Project
from private_analytics.project import paths


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One place for all tests, so that dbt parses the project once."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture
def project(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    lake, database = workplace / "lake", workplace / "analytics.duckdb"
    shutil.rmtree(lake, ignore_errors=True)
    lake.mkdir()
    database.unlink(missing_ok=True)
    monkeypatch.setenv("ANALYTICS_LAKE", str(lake))
    monkeypatch.setenv("ANALYTICS_DB", str(database))
    monkeypatch.setenv("DBT_TARGET_PATH", str(workplace / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(workplace / "logs"))
    monkeypatch.setattr(paths, "lake", lambda: workplace / "work")
    return Project(lake, database)


@pytest.fixture
def checkout(project: Project, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """Every test edits the same folder, so that dbt parses what changed and no more."""
    folder = workplace / "checkout"
    copy_project(folder)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(folder))
    monkeypatch.setenv("DBT_TARGET_PATH", str(folder / "target"))
    return Checkout(folder, project)
