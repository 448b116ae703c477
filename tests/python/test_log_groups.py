"""Log groups whose loggers use one key for different things, all in one project."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from helpers import oracle
from helpers.project import Project
from helpers.written_logs import MORE
from private_analytics.project import paths

# Recording -> the logger that its log group is set to. `latency` alone is in s, ms and ns here, and `duration` in s, ms and ns.
LOGGERS = {
    "bunyan": "bunyan",
    "django-structlog": "django-structlog",
    "echo": "echo",
    "fastify": "pino",
    "gin-zap": "gin-zap",
    "lograge": "lograge",
    "logback-access": "logback-access",
    "slog": "slog",
    "spring-ecs": "ecs",
    "tower-http": "tower-http",
    "zap": "zap",
}
FIELDS = ("status_code", "method", "route")


def expected(recording: Path) -> Counter:
    """What the requests of a recording were, as who made them knows."""
    rows = [json.loads(line) for line in recording.with_name(f"{recording.stem}.expected.jsonl").read_text().splitlines()]
    return Counter(
        (
            datetime.strptime(row["event_at"], "%Y-%m-%dT%H:%M:%S.%fZ"),
            None if row["latency_ms"] is None else round(row["latency_ms"], 3),
            *(row[field] for field in FIELDS),
        )
        for row in rows
        if "rejected" not in row
    )


def test_every_log_group_is_read_by_the_logger_that_its_setting_names(project: Project) -> None:
    recordings = {name: MORE / f"{name}.jsonl" for name in LOGGERS}
    for name, recording in recordings.items():
        streams = {"s": gzip.compress(recording.read_bytes())}
        project.export(streams, task_id=name, log_group=f"/ecs/{name}", line_format="plain")
    settings = {f"/ecs/{name}": logger for name, logger in LOGGERS.items()}
    project.run("--vars", json.dumps({"log_groups": settings}))
    for name, recording in recordings.items():
        rows = project.query(f"from fct_events where log_group = '/ecs/{name}'")
        found = Counter(
            (
                row["event_at"],
                None if row["latency_ms"] is None else round(row["latency_ms"], 3),
                *(row[field] for field in FIELDS),
            )
            for row in rows
        )
        assert found == expected(recording), name


def test_what_a_setting_does_not_say_is_read_as_everywhere(project: Project, tmp_path: Path) -> None:
    """Against the oracle, which reads the settings by itself: groups that share a list, have none, an empty one, or quotes."""
    settings = {
        "event_fields": {"logger": "winston", "user_id": ["uid", "userId"]},
        "log_groups": {
            "/a": {"latency_ms": [{"path": "took", "unit": "s"}, "took_ms", {"path": "took_ns", "unit": "ns"}]},
            "/b": {"latency_ms": {"path": "took", "unit": "s"}, "user_id": "who"},
            "it's": {"logger": "zap", "user_id": []},
            "/unused": "pino",
        },
    }
    record = {
        "statusCode": 200,
        "status": 201,
        "took": 0.5,
        "took_ms": 3,
        "took_ns": 1000,
        "durationMs": 7,
        "latency": 0.25,
        "uid": "u",
        "who": "w",
        "userId": "x",
        "method": "GET",
        "url": "/a",
        "path": "/b",
        "ts": 1790856001.5,
        "timestamp": "2026-10-01T00:00:02Z",
    }
    lines = []
    for left_out in (
        (),
        ("took",),
        ("took", "took_ms"),
        ("uid",),
        ("status", "statusCode"),
        ("ts",),
        ("timestamp",),
        tuple(record),
    ):
        kept = {key: value for key, value in record.items() if key not in left_out}
        lines.append(f"2026-10-01T00:00:00.{len(lines):03}Z {json.dumps(kept)}")
    lines.append(f"2026-10-01T00:00:01.000Z {json.dumps(record | {'took': {}, 'uid': '-', 'latency': [1]})}")
    for name in ("/a", "/b", "it's", "/other"):
        project.export({"s": lines}, task_id=f"t-{name.strip('/')}", log_group=name)
    project.run("--vars", json.dumps(settings))

    folder = tmp_path / "project"
    (folder / "seeds").mkdir(parents=True)
    for seed in ("event_catalog", "funnels"):
        (folder / "seeds" / f"{seed}.csv").write_bytes((paths.root() / "seeds" / f"{seed}.csv").read_bytes())
    text = (paths.root() / "dbt_project.yml").read_text()
    for name, value in settings.items():
        assert f"\n  {name}: {{}}\n" in text
        text = text.replace(f"\n  {name}: {{}}\n", f"\n  {name}: {json.dumps(value)}\n")
    (folder / "dbt_project.yml").write_text(text)
    tables = oracle.compute(project.lake, oracle.load_config(folder))
    assert not oracle.compare(tables.fct_events, project.table("fct_events"), ("event_id",))
    assert {row["latency_ms"] for row in project.table("fct_events")} >= {500.0, 3.0, 0.001, 250.0, 7.0}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"log_groups": {"/a": "zapp"}}, "vars: log_groups: /a: there is no logger 'zapp'"),
        ({"log_groups": {"/a": 7}}, "vars: log_groups: /a: cannot use 7"),
        ({"log_groups": {"/a": {"latency": ["x"]}}}, "vars: log_groups: /a: there is no field 'latency'"),
        ({"event_fields": {"logger": "zapp"}}, "vars: event_fields: there is no logger 'zapp'"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named(project: Project, settings: dict, words: str) -> None:
    outcome = project.dbt("parse", "--vars", json.dumps(settings))
    assert not outcome.succeeded
    assert words in str(outcome.error)
