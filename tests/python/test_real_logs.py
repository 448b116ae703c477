"""The default field configuration reads what real loggers wrote, field by field."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from helpers.project import Project
from helpers.recordings import RECORDINGS
from private_analytics.project import paths

FIELDS = ("event_name", "user_id", "session_id", "product_id", "status_code", "method", "route", "is_bot")


def expected_rows(recording: Path) -> list[tuple]:
    rows = []
    for line in recording.with_name(f"{recording.stem}.expected.jsonl").read_text().splitlines():
        row = json.loads(line)
        if "rejected" in row:
            rows.append(("rejected", row["rejected"]))
        else:
            at = datetime.strptime(row["event_at"], "%Y-%m-%dT%H:%M:%S.%fZ")
            latency = None if row["latency_ms"] is None else round(row["latency_ms"], 6)
            row["event_name"] = row["event_name"] or request_name(row)
            rows.append((at, latency, *(row[field] for field in FIELDS)))
    return rows


def request_name(row: dict) -> str | None:
    """The name of a request whose logger wrote none. What was not HTTP has neither method nor path."""
    if not row["status_code"] or not row["method"]:
        return None
    return f"{row['method']} {row['route']}" if row["status_code"] < 400 else f"{row['method']} ({row['status_code']})"


def test_every_line_and_field_of_every_logger(project: Project) -> None:
    assert len(RECORDINGS) >= 8
    project.export({path.stem: gzip.compress(path.read_bytes()) for path in RECORDINGS}, line_format="plain")
    project.build_from(project.lake)

    differences = {}
    for recording in RECORDINGS:
        events = project.query(f"from fct_events where log_stream = '{recording.stem}'")
        rejected = project.query(f"from rejected_log_lines where log_stream = '{recording.stem}'")
        actual = [
            (
                row["event_at"],
                None if row["latency_ms"] is None else round(row["latency_ms"], 6),
                *(row[field] for field in FIELDS),
            )
            for row in events
        ] + [("rejected", row["reason"]) for row in rejected]
        expected = Counter(expected_rows(recording))
        expected[("rejected", "not_json")] += recording.read_bytes().count(b"\r")  # each ends a line of a traceback
        if expected != Counter(actual):
            differences[recording.name] = {"missing": list(expected - Counter(actual)), "extra": list(Counter(actual) - expected)}
    assert not differences


def test_fields_named_otherwise_and_fields_of_ones_own(project: Project) -> None:
    """Nested, quoted, indexed and accented keys, keys that differ in case only, units: as one line of configuration each."""
    message = {
        "Größe": "g",
        "http.status_code": "503",
        "uid": "lower",
        "UID": "upper",
        "ctx": {"trace": [{"id": "s-9"}]},
        "took": 0.25,
        "what's": "it",
        "when": "2026-10-01T08:00:00Z",
        "timestamp": "never looked at",
    }
    no_objects = ["plain text", '{"uid": "cut', '["uid"]', "7", "", "\x00"]
    messages = [json.dumps(message, ensure_ascii=False), *no_objects]
    project.export({"s": [f"2026-10-01T00:00:00.000Z {text}" for text in messages]})
    fields = {
        "event_at": ["when"],
        "event_name": ["what's"],
        "product_id": ["Größe"],
        "user_id": ["nothing", "UID"],
        "session_id": ["ctx.trace[0].id"],
        "method": ["uid"],
        "status_code": ['"http.status_code"'],
        "latency_ms": [{"path": "took", "unit": "s"}],
    }
    said = project.build_from(project.lake, json.dumps({"event_fields": fields}))
    (row,) = project.table("fct_events")
    assert row["event_at"] == datetime(2026, 10, 1, 8)
    found = [row[name] for name in ("event_name", "product_id", "user_id", "session_id", "method", "status_code", "latency_ms")]
    assert found == ["it", "g", "upper", "s-9", "LOWER", 503, 250]
    assert Counter(row["reason"] for row in project.table("rejected_log_lines")) == {"not_json": 4, "not_an_object": 2}
    (warning,) = [line for line in said if line.startswith("Warning:")]
    assert warning.startswith("Warning: 6 of 7 lines are not events: 4 not_json, 2 not_an_object. No event has a value for path.")


def test_a_column_of_ones_own(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more column in fct_events.yml, as the README says, and nothing else; its unit tests go on to pass."""
    copy = tmp_path / "project"
    unneeded = shutil.ignore_patterns(".git", ".venv", "lake", "site", "target", "logs", "python", "fixtures", "*.duckdb*")
    shutil.copytree(paths.root(), copy, ignore=unneeded)
    columns = copy / "models" / "events" / "fct_events.yml"
    before = "      # A field of your own"
    column = "      - {name: bytes_sent, description: Size., data_type: bigint, config: {meta: {json_paths: [sent, bytes]}}}\n"
    columns.write_text(columns.read_text().replace(before, column + before))
    monkeypatch.setenv("DBT_PROJECT_DIR", str(copy))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))

    project.export({"s": ['2026-10-01T00:00:00.000Z {"bytes":42}', '2026-10-01T00:00:01.000Z {"sent":"many"}']})
    assert project.dbt("build").succeeded
    assert project.query("select bytes_sent from fct_events order by event_at") == [{"bytes_sent": 42}, {"bytes_sent": None}]
