"""Any folder of logs, and the command line around it."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from helpers.project import Project
from private_analytics.errors import UserError
from private_analytics.lake.folder import open_lake
from private_analytics.project import paths
from private_analytics.samples.writer import write_sample_logs

LINE = '{"time":"2026-10-01T10:00:0%d.000Z","eventName":"searched"}'


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Name -> size and time of change of all that is in a folder."""
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


def test_a_bucket_without_records_reads_like_one_with_them(project: Project) -> None:
    """Also when the folder given is the one below logs/. It is only read: nothing in it changes. Twice gives the same."""
    shutil.rmtree(project.lake)
    write_sample_logs(project.lake, days=6, events_per_day=150, seed=3, end_date=date(2026, 10, 10))
    project.build_from(project.lake)
    ids = project.query("select count(*) as n, count(distinct event_at) as t from fct_events")
    once = project.tables()
    project.build_from(project.lake)
    assert project.tables() == once

    published = {record.stem for record in (project.lake / "exports").rglob("*.json")}
    for folder in (project.lake / "logs").glob("*/*/*/*"):
        if folder.is_dir() and folder.name not in published:
            shutil.rmtree(folder)  # without records all folders count
    shutil.rmtree(project.lake / "exports")
    before = snapshot(project.lake)
    for source in (project.lake, project.lake / "logs"):
        said = project.build_from(source)
        assert any("counts as a completed export" in line for line in said)
        assert project.query("select count(*) as n, count(distinct event_at) as t from fct_events") == ids
    assert snapshot(project.lake) == before


def test_plain_files_with_and_without_times_packed_and_not(project: Project, tmp_path: Path) -> None:
    logs = tmp_path / "my logs"
    (logs / "sub dir").mkdir(parents=True)
    (logs / "a.jsonl").write_text(LINE % 1 + "\n" + LINE % 2)  # no newline at the end
    (logs / "sub dir" / "b.log").write_text("2026-10-01T10:00:03.500Z " + LINE % 3 + "\nnot json\n")
    (logs / "c.ndjson.gz").write_bytes(gzip.compress(b'{"eventName":"no time at all"}\n' + (LINE % 4).encode() + b"\n"))
    (logs / "empty.log").touch()
    (logs / "readme.md").write_text("x")
    before = snapshot(logs)
    said = project.build_from(logs)
    assert any("1 files are not log files by name" in line for line in said)
    events = project.query("select log_stream, event_at from fct_events order by event_at")
    assert [(row["log_stream"], row["event_at"].second) for row in events] == [
        ("a.jsonl", 1),
        ("a.jsonl", 2),
        ("sub dir-b.log", 3),
        ("c.ndjson.gz", 4),
    ]
    rejected = project.query("select log_stream, reason from rejected_log_lines order by reason")
    assert [tuple(row.values()) for row in rejected] == [("c.ndjson.gz", "no_timestamp"), ("sub dir-b.log", "not_json")]
    assert snapshot(logs) == before

    project.build_from(logs / "a.jsonl")  # a single file will do
    assert len(project.table("fct_events")) == 2


def test_a_packed_file_without_gz_in_its_name_is_read(project: Project, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(gzip.compress((LINE % 1).encode()))
    project.build_from(tmp_path)
    assert len(project.table("fct_events")) == 1


def test_exports_that_nobody_has_published_are_counted_and_not_read(project: Project, tmp_path: Path) -> None:
    line = ["2026-10-01T00:00:00.000Z {}"]
    project.export({"s": line})
    for task_id in ("running", "broken-off"):
        project.export({"s": line}, task_id=task_id, published=False)
    lake = open_lake(project.lake, tmp_path / "view")
    assert [export.record.export_task_id for export in lake.exports] == ["task-1"]
    folder = project.lake / "logs/2026/10/01/broken-off"
    assert lake.notes == (f"2 task folders have no export record and are not read, e.g. {folder}",)


def test_a_console_export_without_day_folders_is_read(project: Project, tmp_path: Path) -> None:
    """Two tasks, the first of which spans days; beside CloudWatch's write test."""
    tasks = ("0b0e7c52-4c1f-4c0e-9a55-2f6f6f0f9d11", "1c0e7c52-4c1f-4c0e-9a55-2f6f6f0f9d12")
    for task, days in zip(tasks, ((1, 2, 5), (9,)), strict=True):
        folder = tmp_path / "exportedlogs" / task / "api-prod-i-1"
        folder.mkdir(parents=True)
        lines = [f'2026-10-0{day}T12:00:00.000Z {{"eventName":"e{day}"}}\n' for day in days]
        (folder / "000000.gz").write_bytes(gzip.compress("".join(lines).encode()))
    (tmp_path / "exportedlogs" / "aws-logs-write-test").write_text("Permission Check Successful")
    said = project.build_from(tmp_path)
    assert any("2 task folders counts as a completed export" in line for line in said)
    assert [row["event_name"] for row in project.query("select event_name from fct_events order by event_at")] == [
        "e1",
        "e2",
        "e5",
        "e9",
    ]
    exports = project.query("select export_task_id, export_date from loaded_exports order by export_date")
    assert [(row["export_task_id"], row["export_date"].day) for row in exports] == [(tasks[0], 1), (tasks[1], 9)]


def test_a_task_id_in_several_day_folders_is_several_exports(project: Project) -> None:
    for day in (1, 2, 3):
        project.export({"s": [f'2026-10-0{day}T12:00:00.000Z {{"eventName":"e{day}"}}']}, task_id="same", day=date(2026, 10, day))
    said = project.build_from(project.lake)
    assert any("A task id stands in several export records." in line for line in said)
    assert len(project.table("fct_events")) == 3
    shutil.rmtree(project.lake / "exports")
    project.build_from(project.lake)
    assert len(project.table("fct_events")) == 3


def test_json_and_text_files_are_read_but_not_one_document(project: Project, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(LINE % 1 + "\n")
    (tmp_path / "b.txt").write_text(LINE % 2 + "\n")
    (tmp_path / "array.json").write_text('[\n  {"time": "2026-10-01T10:00:00Z"}\n]\n')
    (tmp_path / "one.json").write_text('{\n  "name": "package"\n}\n')
    said = project.build_from(tmp_path)
    assert len(project.table("fct_events")) == 2
    assert sorted(line.split()[1].rpartition("/")[2] for line in said if "one JSON document" in line) == [
        "array.json",
        "one.json",
    ]
    with pytest.raises(UserError, match=r"jq --compact-output '\.\[\]' .*array\.json > events\.jsonl"):
        project.build_from(tmp_path / "array.json")


def test_files_in_odd_places_are_named(project: Project) -> None:
    project.export({"s": ["2026-10-01T00:00:00.000Z {}"]})
    (project.lake / "logs/2026/10/01/aws-logs-write-test").write_text("Permission Check Successful")
    (project.lake / "logs/2026/10/01/task-1/lost.gz").write_bytes(b"x")
    said = project.build_from(project.lake)
    assert any("1 files below" in line and "lost.gz" in line for line in said)


def bootstrap(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(paths.root() / "scripts" / "bootstrap.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


def test_mistakes_on_the_command_line_are_explained(project: Project, tmp_path: Path) -> None:
    """Exit code 2 for wrong usage, 1 for what failed; never a traceback."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    cases = [
        (bootstrap("sample-logs", "--days", "0", "--out", str(tmp_path / "x")), 2, "0 is not in the range"),
        (bootstrap("sample-logs", "--days", "1", "--out", str(tmp_path / "full")), 2, "full"),
        (bootstrap("demo", "--logs", str(tmp_path / "none")), 1, "no such folder"),
        (bootstrap("demo", VARS="{a: ["), 2, "VARS cannot be read as YAML"),
        (bootstrap("demo", VARS="just text"), 2, "VARS is not a mapping"),
        (bootstrap("demo", VARS="{session_gap: 3}"), 2, "did you mean session_gap_minutes?"),
        (bootstrap("demo", VARS="{reporting_timezone: Europe/Berln}"), 2, "reporting_timezone is 'Europe/Berln'"),
        (bootstrap("demo", VARS="{thresholds: {min_requests: 1}}"), 2, "thresholds cannot be set for one run"),
        (bootstrap("demo", VARS="{event_fields: {user: [uid]}}"), 2, "there is no field 'user'"),
        (bootstrap("report", "--out", str(tmp_path / "r.html"), ANALYTICS_DB=str(tmp_path / "no.duckdb")), 1, "make demo"),
    ]
    for done, code, message in cases:
        assert done.returncode == code, done
        assert message in done.stderr, done
        assert "Traceback" not in done.stderr + done.stdout, done


def test_sample_logs_from_the_command_line(tmp_path: Path) -> None:
    done = bootstrap("sample-logs", "--days", "2", "--events-per-day", "50", "--seed", "9", "--out", str(tmp_path / "lake"))
    assert done.returncode == 0, done
    record = next((tmp_path / "lake" / "exports").rglob("*.json"))
    assert json.loads(record.read_text())["objects"] >= 0
