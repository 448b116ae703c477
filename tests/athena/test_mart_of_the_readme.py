"""A mart is added as the README says, on Athena; with only the models that it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers import readme
from helpers.athena_project import AthenaProject
from helpers.project import Project
from helpers.readme import DAY, load
from local_aws import LocalAws

SELECTION = [
    "--select",
    "tag:loads",
    "event_catalog",
    "int_events",
    readme.MART,
    "--exclude-resource-type",
    "unit_test",
]


@pytest.fixture
def project(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AthenaProject:
    project = AthenaProject(local_aws, tmp_path / "work", "readme-exports", "readme")
    project.client("s3").create_bucket(Bucket=project.bucket)
    project.client("glue").create_database(DatabaseInput={"Name": project.schema})
    project.make_tables(DAY)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(readme.project_with_the_mart(tmp_path / "project")))
    return project


def rows(project: AthenaProject) -> list[tuple]:
    return sorted((row["route"], row["events"], row["users"], row["purchases"]) for row in project.table(readme.MART))


def test_a_mart_is_added_by_two_files(project: AthenaProject, tmp_path: Path) -> None:
    lake = Project(tmp_path / "lake", tmp_path / "no database")
    load(lake, **readme.FIRST_LOAD)
    project.upload(lake.lake)
    project.build(*SELECTION)
    assert rows(project) == readme.ROWS_BEFORE

    load(lake, **readme.SECOND_LOAD)
    project.upload(lake.lake)
    project.build(*SELECTION)
    assert rows(project) == readme.ROWS_AFTER
    project.build(*SELECTION, "--full-refresh")
    assert rows(project) == readme.ROWS_AFTER
