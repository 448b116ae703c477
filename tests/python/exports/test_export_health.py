"""`export status` and the table export_health say the same of the same exports."""

from __future__ import annotations

import json
from datetime import date, datetime

from helpers.export_account import Account, Exporter
from helpers.project import Project
from local_aws.export_tasks import Course
from private_analytics import days
from private_analytics.days import HOUR_MS
from private_analytics.exports import status

GROUPS = ("/api", "/auth")


def test_status_and_export_health_agree(project: Project):
    """Two weeks: runs are missed, tasks fail, days are empty, retention takes some."""
    account = Account(course=Course(5_000, 60_000))
    account.add_group("/api")
    account.add_group("/auth", retention_days=3)
    began = account.now_ms = account.now_ms - 15 * days.DAY_MS
    exporter = Exporter(account, first_day=days.day_of(began))
    for number in range(14):
        for group in GROUPS:
            if number % 4:
                account.log(group, account.now_ms, '{"eventName": "searched", "statusCode": 200}')
        account.pass_time(ms=began + (number + 1) * days.DAY_MS - account.now_ms)
        if number == 12:
            account.export_tasks.order(*[Course(ends_as="FAILED", message="no")] * 40)
            exporter.run(until_ms=float("inf"))
            account.export_tasks.orders.clear()
        elif number not in range(5, 10):
            exporter.run_for(hours=2)
    calendar = status.read_calendar(account.aws, exporter.settings, account.now_ms, 60, exporter.said.append)
    said = {(state.log_group, days.as_date(state.day)): state for state in calendar.states}

    for key, body in account.objects("").items():
        path = project.lake / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    project.run()
    health = {(row["log_group"], row["event_date"]): row for row in project.table("export_health")}

    # export_health knows the days from the first to the last that was exported of any log group.
    records = [json.loads(body) for body in exporter.records().values()]
    published = {(content["log_group"], date.fromisoformat(content["export_date"])) for content in records}
    first, last = min(day for _, day in published), max(day for _, day in published)
    assert set(health) == {(group, day) for group, day in said if first <= day <= last}
    seen = set()
    for (group, day), row in health.items():
        known = said[group, day].status.value
        seen.add((known, row["status"]))
        if (group, day) not in published:
            assert row["status"] == "missing"
            assert known in {"pending", "running", "late", "failed", "lost"}
            continue
        is_late = epoch_ms(row["exported_at"]) > days.start_ms(days.number(day) + 1) + 36 * HOUR_MS
        assert known in {"exported", "partial", "empty", "failed"}  # failed: to be exported again
        assert row["status"] == ("late" if is_late else "ok" if row["lines"] else "empty")
        if known != "failed":
            assert (known == "empty") == (row["lines"] == 0)
    # The test is worth nothing where these do not occur.
    wanted = {("exported", "ok"), ("empty", "empty"), ("exported", "late"), ("lost", "missing"), ("failed", "missing")}
    assert wanted <= seen, wanted - seen


def epoch_ms(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1)).total_seconds() * 1000
