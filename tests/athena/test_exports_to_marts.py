"""The whole way: an event that the API logged is in the marts, by way of an export task, a record, Athena and dbt."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from helpers import oracle
from helpers.athena_project import AthenaProject
from helpers.project import TABLES, Project
from local_aws import LocalAws
from private_analytics.project import paths

GROUPS = ("/storefront/api", "/storefront/auth")
BUCKET = "whole-way"
POLICY = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": action, "Resource": resource}
        for action, resource in (("s3:GetBucketAcl", f"arn:aws:s3:::{BUCKET}"), ("s3:PutObject", f"arn:aws:s3:::{BUCKET}/*"))
    ]
}
OF_THE_EXPORT = {"export_task_id", "exported_at"}


def messages(day: date, seed: int) -> list[tuple[datetime, str, str]]:
    """A day's events as (time, stream, message): requests, text, messages of several lines, and some twice."""
    rng = random.Random(seed)
    found = []
    for _ in range(120):
        at = datetime(day.year, day.month, day.day) + timedelta(milliseconds=rng.randrange(86_400_000))
        record = {
            "eventName": rng.choice(["searched", "product_viewed", "purchased", "login_failed"]),
            "statusCode": rng.choice([200, 401, 503, None]),
            "latencyMs": rng.choice([1, 2.5, None]),
            "path": rng.choice(["/a?b=1", "/products/7"]),
            "userId": rng.choice([None, "u1", "u2"]),
            "sessionId": rng.choice([None, "s1", "s2"]),
        }
        message = rng.choice([json.dumps(record)] * 9 + ["Error: é \u2028 \"'\\\n    at buy (shop.js:7)\n    at main"])
        found += [(at, rng.choice(["a", "b"]), message)] * rng.choice([1, 1, 1, 2])
    return found


def pal(project: AthenaProject, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "private_analytics", *arguments]
    return subprocess.run(command, env=project.environment, cwd=paths.root(), capture_output=True, text=True, check=False)


def test_from_a_logged_event_to_the_marts(local_aws: LocalAws, tmp_path: Path) -> None:
    project = AthenaProject(local_aws, tmp_path, bucket=BUCKET, schema="whole_way")
    project.client("s3").create_bucket(Bucket=BUCKET)
    project.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
    logs = project.client("logs")
    by_hand = Project(tmp_path / "lake", tmp_path / "unused.duckdb")
    days = [datetime.now(UTC).date() - timedelta(days=n) for n in (3, 2)]
    for g, group in enumerate(GROUPS):
        logs.create_log_group(logGroupName=group)
        local_aws.export_tasks.make_older(group, days=10)
        for stream in ("a", "b"):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        for day in days:
            lines: dict[str, list[str]] = {"a": [], "b": []}
            events: dict[str, list[dict]] = {"a": [], "b": []}
            for at, stream, message in sorted(messages(day, day.day * 10 + g)):
                events[stream].append({"timestamp": int(at.replace(tzinfo=UTC).timestamp() * 1000), "message": message})
                lines[stream].append(f"{at.isoformat(timespec='milliseconds')}Z {message}")
            for stream in events:
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events[stream])
            by_hand.export(lines, task_id=f"{g}-{day}", day=day, log_group=group)

    options = ["--first-day", days[0].isoformat(), "--log-group", GROUPS[0], "--log-group", GROUPS[1]]
    for _ in range(30):  # each takes longer than a task; after noon yesterday is due as well, and may be exported first
        done = pal(project, "export", "run", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        status = pal(project, "export", "status", "--json", *options)
        calendar = json.loads(status.stdout)["log_groups"]
        if all(calendar[group][str(day)]["status"] == "exported" for group in GROUPS for day in days):
            break
    assert status.returncode == 0, status.stdout + status.stderr

    assert project.make_tables(days[0]) == ["create database", "create table", "create table"]
    assert project.make_tables(days[0]) == []
    project.build("--exclude-resource-type", "unit_test")
    expected = oracle.compute(by_hand.lake, oracle.load_config(paths.root()))
    for name in (
        "fct_events",
        "rejected_log_lines",
        "daily_events",
        "daily_endpoint_reliability",
        "hourly_reliability",
        "sessions",
        "daily_funnel",
        "daily_auth_failures",
        "daily_active_users",
    ):
        rows, found = ([without(row) for row in table] for table in (getattr(expected, name), project.table(name)))
        assert rows
        differences = oracle.compare(rows, found, TABLES[name], relative=1e-6)
        assert not differences, f"{name}: {differences}"


def without(row: dict) -> dict:
    """Ids and times of an export are not known beforehand."""
    return {column: value for column, value in row.items() if column not in OF_THE_EXPORT}
