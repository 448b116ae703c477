"""`make demo` on logs that the settings do not fit: it finds the fields by itself, says so, and reads every line."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from helpers.project import Project
from helpers.written_logs import MORE
from private_analytics.project import paths

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
    assert yaml.safe_load((site / "event_fields.yml").read_text()).keys() == {"event_fields"}

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
    assert not (site / "event_fields.yml").exists()
    slowest = max(json.loads(line).get("duration", 0) for line in (logs / "slog.jsonl").read_text().splitlines())
    assert project.query("select max(latency_ms) as ms from fct_events") == [{"ms": slowest / 1000}]
