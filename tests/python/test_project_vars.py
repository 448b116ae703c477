"""The thresholds that alarms, checks and the report share stand in dbt_project.yml, and are checked when they are read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from helpers.project import Project
from private_analytics.errors import UserError
from private_analytics.project import variables


def write(folder: Path, thresholds: object) -> Path:
    file = folder / "dbt_project.yml"
    file.write_text(yaml.safe_dump({"vars": {"thresholds": thresholds}}))
    return file


def test_the_projects_own_are_right():
    assert variables.thresholds().min_requests >= 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latency_p95_ms": 0}, "latency_p95_ms is 0"),
        ({"latency_p95_ms": "1 s"}, "latency_p95_ms is '1 s'"),
        ({"latency_p95_ms": True}, "latency_p95_ms is True"),
        ({"latency_p95_ms": float("nan")}, "latency_p95_ms is nan"),
        ({"server_error_rate": 5}, "server_error_rate is 5"),
        ({"min_request": 5}, "there is no min_request, did you mean min_requests"),
        ({"min_requests": ...}, "min_requests is missing"),
    ],
)
def test_a_wrong_one_is_named(tmp_path: Path, change: dict, words: str):
    whole = variables.read_vars()["thresholds"] | change
    file = write(tmp_path, {name: value for name, value in whole.items() if value is not ...})
    with pytest.raises(UserError, match=words):
        variables.thresholds(file)


@pytest.mark.parametrize("text", ["vars: [", "name: x", "- 1", ""])
def test_a_file_without_vars_is_named(tmp_path: Path, text: str):
    file = tmp_path / "dbt_project.yml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"The vars in .*dbt_project\.yml cannot be read"):
        variables.thresholds(file)


def test_a_setting_of_the_file_is_not_blamed_on_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = variables.read_vars() | {"reporting_timezone": "Europe/Berln"}
    (tmp_path / "dbt_project.yml").write_text(yaml.safe_dump({"vars": whole}))
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    with pytest.raises(UserError, match=r"dbt_project\.yml, vars: reporting_timezone is 'Europe/Berln'"):
        variables.given_vars("", "VARS")


def test_dbt_itself_names_a_time_zone_that_there_is_not(project: Project):
    outcome = project.dbt("compile", "--select", "int_events", "--vars", "{reporting_timezone: Europe/Berln}")
    assert not outcome.succeeded
    assert "reporting_timezone is 'Europe/Berln', which is not a time zone" in outcome.failures.get("int_events", outcome.error)
