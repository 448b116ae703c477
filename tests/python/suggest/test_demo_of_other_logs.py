"""`make demo` on logs that the settings do not fit: it finds the fields by itself, says so, and reads every line."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from helpers import REPOSITORY
from helpers.project import Project
from helpers.written_logs import MORE, written
from private_analytics.demo import build
from private_analytics.project import dbt, paths

LOGGERS = ("slog", "caddy", "loguru", "spring-ecs", "express-winston")


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "site", lambda: tmp_path / "site")
    return tmp_path / "site"


@pytest.mark.parametrize("name", LOGGERS)
def test_every_request_is_read(name: str, project: Project, tmp_path: Path, site: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    shutil.copy(MORE / f"{name}.jsonl", logs)
    said = project.build_from(logs, suggest=True)
    assert "The settings do not read these logs right, so these fields were found in them and are used:" in said
    assert yaml.safe_load((site / "suggested_vars.yml").read_text()).keys() == {"event_fields"}

    rows = [json.loads(line) for line in (MORE / f"{name}.expected.jsonl").read_text().splitlines()]
    expected = Counter(
        (datetime.fromisoformat(row["event_at"]).replace(tzinfo=None), row["status_code"], row["method"], row["route"])
        for row in rows
        if "rejected" not in row
    )
    found = project.table("fct_events")
    assert Counter((row["event_at"], row["status_code"], row["method"], row["route"]) for row in found) == expected
    latencies = sorted(row["latency_ms"] for row in rows if "rejected" not in row and row["latency_ms"] is not None)
    assert sorted(row["latency_ms"] for row in found if row["latency_ms"] is not None) == pytest.approx(latencies, abs=1e-5)


def test_what_the_user_has_set_stays(project: Project, tmp_path: Path, site: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    shutil.copy(MORE / "slog.jsonl", logs)
    project.build_from(logs, "{event_fields: {latency_ms: [{path: duration, unit: us}]}}", suggest=True)
    assert not (site / "suggested_vars.yml").exists()
    slowest = max(json.loads(line).get("duration", 0) for line in (logs / "slog.jsonl").read_text().splitlines())
    assert project.query("select max(latency_ms) as ms from fct_events") == [{"ms": slowest / 1000}]


def export(project: Project, log_group: str, recording: str) -> None:
    lines = (MORE / f"{recording}.jsonl").read_bytes()
    name = log_group.replace("/", "-")
    project.export({recording: gzip.compress(lines)}, task_id=f"task{name}", log_group=log_group, line_format="plain")


def latencies_of(recording: str) -> list[float]:
    rows = [json.loads(line) for line in (MORE / f"{recording}.expected.jsonl").read_text().splitlines()]
    return sorted(row["latency_ms"] for row in rows if "rejected" not in row and row["latency_ms"] is not None)


def test_log_groups_that_mean_two_units_by_one_key(project: Project, site: Path) -> None:
    export(project, "/ecs/orders", "zap")
    export(project, "/ecs/web", "slog")
    said = project.build_from(project.lake, suggest=True)
    kept = yaml.safe_load((site / "suggested_vars.yml").read_text())
    assert kept.keys() == {"log_groups"}
    assert kept["log_groups"].keys() == {"/ecs/orders", "/ecs/web"}
    assert f"To keep them, put {site / 'suggested_vars.yml'} under vars in dbt_project.yml." in "\n".join(said)
    check_latencies(project, {"/ecs/orders": "zap", "/ecs/web": "slog"})


def check_latencies(project: Project, recordings: dict[str, str]) -> None:
    for log_group, recording in recordings.items():
        found = project.query(
            f"select latency_ms from fct_events where log_group = '{log_group}' and latency_ms is not null order by 1"
        )
        assert [row["latency_ms"] for row in found] == pytest.approx(latencies_of(recording), abs=1e-5)


def test_the_example_of_the_docs(project: Project) -> None:
    section = (REPOSITORY / "docs" / "loggers.md").read_text().split("## Several loggers")[1]
    example = section.split("```yaml\n")[1].split("```")[0]
    export(project, "/ecs/orders", "zap")
    export(project, "/ecs/web", "nestjs-pino")
    project.build_from(project.lake, example)
    check_latencies(project, {"/ecs/orders": "zap", "/ecs/web": "nestjs-pino"})


def test_plain_files_are_a_log_group_that_a_setting_can_name(project: Project, tmp_path: Path, site: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    shutil.copy(MORE / "slog.jsonl", logs)
    project.build_from(logs, "{log_groups: {local: slog}}", suggest=True)
    assert not (site / "suggested_vars.yml").exists()
    found = project.query("select log_group, latency_ms from fct_events where latency_ms is not null order by latency_ms")
    assert {row["log_group"] for row in found} == {"local"}
    assert [row["latency_ms"] for row in found] == pytest.approx(latencies_of("slog"), abs=1e-5)


def test_open_questions_are_shown(project: Project, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "api.jsonl").write_text(
        "\n".join(written(lambda r: {"time": r.iso, "status": r.status, "path": r.path, "took": r.ms / 50}))
    )
    said: list[str] = []
    lake = build.lake_of(logs, said.append)
    assert build.with_suggestion(lake, {}, said.append) == {}
    text = "\n".join(said)
    assert "Question (local): latency_ms? Is `took` in " in text
    assert "- {path: took, unit: s}" in text
    said.clear()
    build.with_suggestion(lake, {"event_fields": {"latency_ms": "took"}}, said.append)
    assert not said


def test_the_docs_site_is_made_with_the_same_variables(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    shutil.copy(MORE / "slog.jsonl", logs)
    calls = []

    def run(*arguments: str, **_: object) -> dbt.DbtOutcome:
        calls.append(arguments)
        return dbt.DbtOutcome(succeeded=True, failures={})

    monkeypatch.setattr(build.dbt, "run", run)
    monkeypatch.setattr(build, "build_report", lambda: site / "report.html")
    monkeypatch.setattr(build.shutil, "copy", lambda source, target: target)
    build.run_demo(logs, {"session_gap_minutes": 5}, print)
    given = [json.loads(arguments[arguments.index("--vars") + 1]) for arguments in calls]
    assert [arguments[0] for arguments in calls] == ["build", "docs"]
    assert given[0] == given[1]
    assert given[0].keys() == {"session_gap_minutes", "event_fields"}
