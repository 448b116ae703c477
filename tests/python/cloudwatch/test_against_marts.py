"""Metric filters and saved queries count what the marts count: in what real loggers wrote, hostile lines, fields of one's own.

Where they differ is known, and stands in KNOWN_DIFFERENCES.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.filter_pattern import Open
from helpers.insights import LogEvent
from helpers.project import Project
from helpers.recordings import RECORDINGS
from helpers.watched import AS_DOCUMENTED, OTHERWISE, asked, counts, latencies_ms, published
from private_analytics.project import variables
from private_analytics.stack import log_fields, log_queries
from private_analytics.stack.log_fields import LogFields

READINGS = [AS_DOCUMENTED, *OTHERWISE]
AUTH_FAILURE = """exists (
    select 1 from event_catalog as catalog
    where meaning = 'auth_failure' and coalesce(catalog.event_name = event.event_name, catalog.event_name is null)
        and coalesce(catalog.status_code = event.status_code, catalog.status_code is null)
        and coalesce(catalog.route = event.route, catalog.route is null)
)"""


def marts(project: Project) -> dict[str, dict[str, Any]]:
    """By log stream: the counts as CloudWatch names them, and the latencies of requests in order."""
    rows = project.query(f"""
        select
            log_stream, count(status_code) as "Requests", count(case when status_code >= 500 then 1 end) as "ServerErrors",
            count(case when {AUTH_FAILURE} then 1 end) as "AuthFailures",
            list(latency_ms order by latency_ms) filter (where status_code is not null and latency_ms is not null) as latencies
        from fct_events as event group by log_stream""")
    return {row.pop("log_stream"): {**row, "latencies": row["latencies"] or []} for row in rows}


def events_of(recording: Path) -> list[LogEvent]:
    """The recording's lines at the times that a correct reader finds in them."""
    lines = recording.read_bytes().decode(errors="backslashreplace").split("\n")
    events, timestamp_ms = [], 0
    for line, expected in zip(
        lines, recording.with_name(f"{recording.stem}.expected.jsonl").read_text().splitlines(), strict=False
    ):
        if at := json.loads(expected).get("event_at"):
            timestamp_ms = round(datetime.fromisoformat(at).timestamp() * 1000)
        events.append(LogEvent(timestamp_ms, line, recording.stem))
    return events


def test_what_real_loggers_wrote(project: Project):
    project.export({path.stem: gzip.compress(path.read_bytes()) for path in RECORDINGS}, line_format="plain")
    project.build_from(project.lake)
    fields, expected = log_fields.read(), marts(project)
    all_events = [event for recording in RECORDINGS for event in events_of(recording)]

    for reading in READINGS:
        for recording in RECORDINGS:
            data = published(fields, events_of(recording), reading)
            found = counts(data) | {"latencies": pytest.approx(latencies_ms(data))}
            assert expected[recording.stem] == found, (recording.stem, reading)

    check_metrics_by_hour(project, fields, all_events)
    check_traffic(project, fields, all_events)
    check_endpoints(project, fields, all_events)
    check_trails(project, fields, all_events)


def check_metrics_by_hour(project: Project, fields: LogFields, events: list[LogEvent]) -> None:
    data = published(fields, events)
    hours = project.table("hourly_reliability")
    assert sum(hour["requests"] for hour in hours) > 200
    for hour in hours:
        start = hour["event_hour"].replace(tzinfo=UTC).timestamp() * 1000
        within = [datum for datum in data if start <= datum.timestamp_ms < start + 3_600_000]
        assert list(counts(within).values()) == [hour["requests"], hour["server_errors"], hour["auth_failures"]]
        assert quantile(latencies_ms(within), 0.95) == pytest.approx(hour["latency_p95_ms"])


def check_traffic(project: Project, fields: LogFields, events: list[LogEvent]) -> None:
    rows = asked(fields, "Traffic", events)
    expected = project.query("""
        select
            epoch_ms(time_bucket(interval 5 minutes, event_at)) as period, count(*) as requests,
            count(case when status_code >= 500 then 1 end) as server_errors, list(latency_ms order by latency_ms) as latencies
        from fct_events where status_code is not null group by period order by period""")
    assert expected
    for row, wanted in zip(rows, expected, strict=True):
        assert [row[name] for name in ("period", "requests", "server_errors")] == list(wanted.values())[:3]
        assert is_between_neighbours(row["latency_p95_ms"], wanted["latencies"], 0.95)


def check_endpoints(project: Project, fields: LogFields, events: list[LogEvent]) -> None:
    """By endpoint: slow ones, auth failures, server errors. What is no path is shown as it is, where the marts have (none)."""
    endpoints = {(row["method"], row["route"]): row for row in project.table("daily_endpoint_reliability")}
    rows = {(row["method_of_request"], row["endpoint"]): row for row in asked(fields, "SlowEndpoints", events)}
    assert {name: row["requests"] for name, row in rows.items() if str(name[1]).startswith("/")} == {
        name: row["requests"] for name, row in endpoints.items() if name[1] != "(none)"
    }
    slowness = [row["latency_p95_ms"] for row in rows.values() if row["latency_p95_ms"] is not None]
    assert slowness == sorted(slowness, reverse=True)
    for name, row in rows.items():
        if name in endpoints:
            latencies = project.query(f"""
                select latency_ms from fct_events where status_code is not null and latency_ms is not null
                    and method = '{name[0]}' and route = '{name[1]}' order by latency_ms""")
            assert is_between_neighbours(row["latency_p95_ms"], [one["latency_ms"] for one in latencies], 0.95), name

    failed = project.query(f"select method, route, count(*) as n from fct_events as event where {AUTH_FAILURE} group by all")
    found: dict[tuple, int] = {}
    for row in asked(fields, "AuthFailures", events):
        place = (row["method_of_request"], row["endpoint"])
        found[place] = found.get(place, 0) + row["failures"]
    assert found == {(row["method"], row["route"]): row["n"] for row in failed}

    errors = project.query("select epoch_ms(event_at) as at, status_code from fct_events where status_code >= 500")
    latest = asked(fields, "Errors", events)
    assert sorted((row["@timestamp"], int(row["api_status"])) for row in latest) == sorted(tuple(row.values()) for row in errors)
    assert [row["@timestamp"] for row in latest] == sorted((row["@timestamp"] for row in latest), reverse=True)


def check_trails(project: Project, fields: LogFields, events: list[LogEvent]) -> None:
    sessions = project.query("select session_id, count(*) as n from fct_events where session_id is not null group by session_id")
    assert len(sessions) >= 2
    for session in sessions:
        trail = asked(fields, "Session", events, SESSION_ID=session["session_id"])
        assert len(trail) == session["n"]
        assert [row["@timestamp"] for row in trail] == sorted(row["@timestamp"] for row in trail)
    # A Lambda's request: its JSON line, and the platform's lines, which are no JSON.
    trail = asked(fields, "Request", events, REQUEST_ID="14b5ed90-59a9-4586-b309-86d818cd0f0c")
    assert [row["@message"][:6] for row in trail] == ['{"leve', "END Re", "REPORT"]
    assert [row["api_status"] for row in trail] == [200, None, None]


def quantile(values: list[float], fraction: float) -> float | None:
    """As in the marts: linear between two values."""
    if not values:
        return None
    position = fraction * (len(values) - 1)
    below = int(position)
    above = min(below + 1, len(values) - 1)
    return values[below] + (position - below) * (values[above] - values[below])


def is_between_neighbours(value: float | None, in_order: Iterable[float | None], fraction: float) -> bool:
    """Whether a percentile is one of the two values around its position; percentiles differ in which, or what between them."""
    values = [one for one in in_order if one is not None]
    if not values:
        return value is None
    below = int(fraction * (len(values) - 1))
    return values[below] - 1e-9 <= value <= values[min(below + 1, len(values) - 1)] + 1e-9


# --- Hostile lines ---

# A line -> what is counted: R a request, E a server error, A an auth failure; and the latency in milliseconds.
AGREED = [
    ('{"statusCode": 503, "latencyMs": 12.5}', "RE", 12.5),
    ('{"statusCode": "503"}', "RE", None),
    ('{"statusCode": 5e2, "latencyMs": 1e300}', "RE", 1e300),
    ('{"statusCode": null, "status": 503}', "RE", None),
    ('{"statusCode": 200, "status": 503}', "R", None),
    ('{"statusCode": 503, "status": 503}', "RE", None),
    ('{"status": "ok", "res": {"statusCode": 500}}', "", None),
    ('{"statusCode": 99}', "", None),
    ('{"statusCode": 100}', "R", None),
    ('{"statusCode": 599}', "RE", None),
    ('{"statusCode": 600}', "", None),
    ('{"status": 5}', "", None),
    ('{"statusCode": 1e400}', "", None),
    ('{"statusCode": "none"}', "", None),
    ('{"statusCode": true}', "", None),
    ('{"statusCode": [500]}', "", None),
    ('{"statuscode": 500}', "", None),
    ('{"http": {"status_code": 500}}', "RE", None),
    ('{"http.status_code": 500}', "RE", None),
    ('{"res": null, "status": 200}', "R", None),
    ('{"res": {"statusCode": null}, "message": {"statusCode": "404"}}', "R", None),
    ('{"message": "statusCode 500"}', "", None),
    ("statusCode 500", "", None),
    ('[{"statusCode": 500}]', "", None),
    ('{"statusCode": 500', "", None),
    ("", "", None),
    ('{"statusCode": 401, "eventName": "login_failed"}', "RA", None),
    ('{"statusCode": "401"}', "RA", None),
    ('{"statusCode": 200, "status": 401}', "R", None),
    ('{"statusCode": 403, "path": "/login", "eventName": "login_failed"}', "RA", None),
    ('{"statusCode": "403", "url": "/login?next=%2F"}', "RA", None),
    ('{"statusCode": 403, "url": "/login", "path": "/login"}', "RA", None),
    ('{"response": 403, "request": "POST /login HTTP/1.1"}', "RA", None),
    ('{"response": 403, "request": "POST /login?next=%2F HTTP/1.1"}', "RA", None),
    ('{"response": 403, "request": "POST /login/help HTTP/1.1"}', "R", None),
    ('{"statusCode": 403, "path": "/login-help"}', "R", None),
    ('{"statusCode": 403, "path": "/cart"}', "R", None),
    ('{"statusCode": 200, "path": "/login"}', "R", None),
    ('{"eventName": "login_failed"}', "A", None),
    ('{"statusCode": 422, "event": "login_failed"}', "RA", None),
    ('{"statusCode": 200, "event": {"name": "login_failed"}}', "RA", None),
    ('{"eventName": "login_failed ", "statusCode": 200}', "R", None),
    ('{"statusCode": 200, "latencyMs": 10, "request_time": 5}', "R", 10),
    ('{"statusCode": 200, "latencyMs": null, "request_time": 5}', "R", 5000),
    ('{"statusCode": 200, "duration_us": 1500}', "R", 1.5),
    ('{"statusCode": 200, "latencyMs": 0}', "R", 0),
    ('{"statusCode": 200, "latencyMs": -1, "request_time": 5}', "R", None),
    ('{"statusCode": 200, "latencyMs": "soon", "request_time": 5}', "R", None),
    ('{"latencyMs": 10}', "", None),
]

# A line -> what the marts find, what CloudWatch finds, and why.
KNOWN_DIFFERENCES = [
    ('{"statusCode": 200, "latencyMs": "12ms"}', "R", 12, "R", None, "only numbers are published, no text"),
    ('{"statusCode": "5xx"}', "", None, "RE", None, "a text is told by its first digit"),
    ('{"statusCode": 500.5}', "", None, "RE", None, "a number is told by its range"),
    ('{"status": "ok", "latencyMs": 5}', "", None, "", 5, "any status makes it a request here"),
    ('{"statusCode": 500, "x": NaN}', "RE", None, "", None, "NaN is no JSON"),
    ('{"statusCode": 500, "timestamp": "never"}', "", None, "RE", None, "CloudWatch has a time of its own"),
    ('{"statusCode": "none", "event": "login_failed"}', "A", None, "", None, "neither a status nor none"),
    (
        '{"statusCode": 403, "url": "https://shop.example/login"}',
        "RA",
        None,
        "R",
        None,
        "a filter knows paths, no URLs",
    ),
    ('{"response": {}, "message": {"statusCode": 500}}', "RE", None, "", None, "an object cannot be told from a value"),
]

# The same where the default lists leave no room to look closer; with few places of one's own there is no such difference.
WITHOUT_ROOM = [
    ('{"statusCode": "-", "status": 503}', "RE", None, "", None, "no room for - and empty text"),
    ('{"statusCode": "", "status": 503}', "RE", None, "", None, "the same"),
    ('{"statusCode": null, "status": 401}', "RA", None, "R", None, "no room for null beside names and paths"),
    ('{"eventName": "page_viewed", "event": "login_failed"}', "", None, "A", None, "any name counts, not the first"),
    ('{"statusCode": 403, "path": "/cart", "url": "/login"}', "R", None, "RA", None, "any path counts, not the first"),
    ('{"statusCode": 403, "event": "login_failed", "path": "/cart"}', "RA", None, "R", None, "rows that name 403 decide"),
]
# Lines that count otherwise if CloudWatch reads its own documentation another way than we do.
OPEN = {
    "number_is_text": ['{"status": 5}', '{"statusCode": 1e400}'],
    "object_spoils": ['{"statusCode": 200, "event": {"name": "login_failed"}}'],
}
LETTERS = {"R": "Requests", "E": "ServerErrors", "A": "AuthFailures"}


def counted(letters: str, latency: float | None) -> dict[str, Any]:
    return {name: int(letter in letters) for letter, name in LETTERS.items()} | {
        "latencies": [] if latency is None else [pytest.approx(latency)]
    }


def by_cloudwatch(fields: LogFields, line: str, reading: Open = AS_DOCUMENTED) -> dict[str, Any]:
    data = published(fields, [LogEvent(0, line)], reading)
    return counts(data) | {"latencies": latencies_ms(data)}


def by_marts(project: Project, lines: Iterable[str], variables: str = "") -> list[dict[str, Any]]:
    """What the marts find in each line, in order."""
    project.export({f"{n:03}": [f"2026-10-01T00:00:00.000Z {line}"] for n, line in enumerate(lines)})
    project.build_from(project.lake, variables)
    found = marts(project)
    nothing = counted("", None)
    return [found.get(f"{n:03}", nothing) for n, _ in enumerate(lines)]


def test_hostile_lines(project: Project):
    fields = log_fields.read()
    expected = [(line, counted(letters, latency), counted(letters, latency)) for line, letters, latency in AGREED]
    for line, letters, latency, other_letters, other_latency, why in KNOWN_DIFFERENCES + WITHOUT_ROOM:
        expected.append((line, counted(letters, latency), counted(other_letters, other_latency)))
        assert expected[-1][1] != expected[-1][2], why
    found = by_marts(project, [line for line, _, _ in expected])
    for (line, in_marts, in_cloudwatch), in_marts_found in zip(expected, found, strict=True):
        assert in_marts_found == in_marts, line
        assert by_cloudwatch(fields, line) == in_cloudwatch, line


@pytest.mark.parametrize("reading", OTHERWISE, ids=lambda reading: " ".join(answered(reading)))
def test_what_the_documentation_leaves_open_makes_no_other_difference(reading: Open):
    fields = log_fields.read()
    differing = {line for line, *wanted in AGREED if by_cloudwatch(fields, line, reading) != counted(*wanted)}
    assert differing == {line for question in answered(reading) for line in OPEN.get(question, ())}


def answered(reading: Open) -> list[str]:
    return [question for question, answer in vars(reading).items() if answer]


# --- Fields of one's own ---

OWN = {
    "status_code": ['"http.status"', "answers[0].code", "reply", "reply.code"],
    "latency_ms": [{"path": "took", "unit": "ns"}, {"path": "spans[0].seconds", "unit": "s"}],
    "event_name": ["what", "act"],
    "path": ["where", "target"],
    "method": "how",
    "session_id": ["ctx.session-id"],
}
OWN_LINES = [
    ('{"http.status": 503, "took": 1500000}', "RE", 1.5),
    ('{"http.status": "", "answers": [{"code": "500"}], "took": null, "spans": [{"seconds": 0.25}]}', "RE", 250),
    ('{"http.status": "-", "answers": [{"code": 401}]}', "RA", None),
    ('{"http.status": null, "answers": [{"code": 200}, {"code": 500}]}', "R", None),
    ('{"answers": {"code": 500}}', "", None),
    ('{"reply": {"code": 503}}', "RE", None),
    ('{"reply": 200}', "R", None),
    ('{"http": {"status": 500}}', "", None),
    ('{"http.status": 200, "answers": [{"code": 500}]}', "R", None),
    ('{"what": "page_viewed", "act": "login_failed"}', "", None),
    ('{"what": "-", "act": "login_failed"}', "A", None),
    ('{"http.status": 403, "where": "/cart", "target": "/login"}', "R", None),
    ('{"http.status": 403, "where": null, "target": "/login"}', "RA", None),
    ('{"http.status": 403, "where": "/cart", "act": "login_failed"}', "RA", None),
    ('{"http.status": 403, "where": "/login", "act": "login_failed"}', "RA", None),
    ('{"statusCode": 500, "latencyMs": 3}', "", None),
]


def write(folder: Path, event_fields: dict, log_groups: dict | None = None) -> Path:
    file = folder / "dbt_project.yml"
    own = {"event_fields": event_fields, "log_groups": log_groups or {}}
    file.write_text(yaml.safe_dump({"vars": variables.read_vars() | own}))
    return file


@pytest.fixture
def own_fields(tmp_path: Path) -> LogFields:
    return log_fields.read(write(tmp_path, OWN))


def test_fields_of_ones_own(project: Project, own_fields: LogFields):
    found = by_marts(project, [line for line, _, _ in OWN_LINES], json.dumps({"event_fields": OWN}))
    for (line, letters, latency), in_marts in zip(OWN_LINES, found, strict=True):
        assert in_marts == counted(letters, latency), line
        for reading in READINGS:
            assert by_cloudwatch(own_fields, line, reading) == counted(letters, latency), (line, reading)


def test_queries_read_fields_of_ones_own(own_fields: LogFields):
    events = [LogEvent(n * 1000, line) for n, (line, _, _) in enumerate(OWN_LINES)]
    events.append(LogEvent(60_000, '{"ctx": {"session-id": "s-1"}, "what": "searched", "http.status": 200, "took": 2000000}'))
    (row,) = asked(own_fields, "Session", events, SESSION_ID="s-1")
    assert [row[name] for name in ("api_event", "api_status", "api_latency_ms")] == ["searched", 200, 2.0]
    # To coalesce() an empty text and - are values, so two requests are not seen. And http.status may be two keys or one.
    requests = sum("R" in letters for _, letters, _ in OWN_LINES) + 1
    assert sum(row["requests"] for row in asked(own_fields, "Traffic", events)) == requests - 2 + 1


def test_traffic_by_hand(tmp_path: Path):
    """Each unit, a key that begins with @, and the borders of 5 minutes."""
    units = [{"path": name, "unit": name} for name in ("ns", "s", "us", "ms")]
    fields = log_fields.read(write(tmp_path, {"status_code": "@status", "latency_ms": units}))
    lines = {0: '"200", "ns": 1500000', 299_999: '200, "s": 0.25', 300_000: '500, "us": 900', 300_001: '"404", "ms": 0.5'}
    events = [LogEvent(at, f'{{"@status": {rest}}}') for at, rest in lines.items()]
    assert [list(row.values()) for row in asked(fields, "Traffic", events)] == [
        [0, 2, 0, 250],
        [300_000, 2, 1, pytest.approx(0.9)],
    ]
    medians = [asked(fields, "SlowEndpoints", [event])[0]["latency_p50_ms"] for event in events]
    assert medians == pytest.approx([1.5, 250, 0.9, 0.5])


# --- Log groups with fields of their own ---

# A key of one log group is also in the lines of another, where it holds something else.
LOG_GROUPS = {"/ecs/orders": "zap", "/ecs/web": {"logger": "pino", "session_id": "sid"}}
NAMES = {"ApiLogs": "/ecs/orders", "SecondLogs": "/ecs/web", "ThirdLogs": "/ecs/other"}
LINES_OF_GROUPS = {
    "/ecs/orders": [
        (
            '{"level": "info", "ts": 1790812800.5, "msg": "x", "status": 200, "latency": 0.25, "responseTime": 7, "path": "/a"}',
            "R",
            250,
        ),
        (
            '{"level": "info", "ts": 1790812801.5, "msg": "x", "status": 503, "duration": 2, "res": {"statusCode": 200}}',
            "RE",
            2000,
        ),
        ('{"level": "info", "ts": 1790812802.5, "msg": "x", "statusCode": 500, "responseTime": 7}', "", None),
        ('{"level": "info", "ts": 1790812803.5, "msg": "x", "status": 403, "url": "/login", "sessionId": "s-1"}', "RA", None),
    ],
    "/ecs/web": [
        ('{"level": 30, "time": 1790812800500, "res": {"statusCode": 200}, "responseTime": 12, "latency": 0.5}', "R", 12),
        (
            '{"level": 30, "time": 1790812801500, "res": {"statusCode": 401}, "status": 500, "sid": "s-1", "sessionId": "s-2"}',
            "RA",
            None,
        ),
        ('{"level": 30, "time": 1790812802500, "status": 500, "latency": 0.5}', "", None),
    ],
    "/ecs/other": [
        (
            '{"time": "2026-10-01T00:00:00Z", "statusCode": 500, "res": {"statusCode": 200}, "latencyMs": 3, "latency": 4}',
            "RE",
            3,
        ),
    ],
}
EVENTS_OF_GROUPS = [
    LogEvent(1790812800000 + n * 1000, line, log_group=log_group)
    for log_group, lines in LINES_OF_GROUPS.items()
    for n, (line, _, _) in enumerate(lines)
]


@pytest.fixture
def fields_of_groups(tmp_path: Path) -> LogFields:
    return log_fields.read(write(tmp_path, {}, LOG_GROUPS))


def test_metrics_of_each_log_group_follow_its_own_fields(fields_of_groups: LogFields):
    for event in EVENTS_OF_GROUPS:
        ((letters, latency),) = {(a, b) for line, a, b in LINES_OF_GROUPS[event.log_group] if line == event.message}
        for reading in READINGS:
            data = published(fields_of_groups, [event], reading, NAMES)
            assert counts(data) | {"latencies": latencies_ms(data)} == counted(letters, latency), (event, reading)


def test_queries_read_each_log_group_by_its_own_fields(fields_of_groups: LogFields):
    (row,) = asked(fields_of_groups, "Traffic", EVENTS_OF_GROUPS, NAMES)
    assert list(row.values()) == [1790812800000, 6, 2, 2000]
    slow = {
        log_group: asked(
            fields_of_groups, "SlowEndpoints", [event for event in EVENTS_OF_GROUPS if event.log_group == log_group], NAMES
        )
        for log_group in LOG_GROUPS
    }
    assert {name: rows[0]["latency_p95_ms"] for name, rows in slow.items()} == {"/ecs/orders": 2000, "/ecs/web": 12}
    trail = asked(fields_of_groups, "Session", EVENTS_OF_GROUPS, NAMES, SESSION_ID="s-1")
    assert sorted(int(row["api_status"]) for row in trail) == [401, 403]
    failures = asked(fields_of_groups, "AuthFailures", EVENTS_OF_GROUPS, NAMES)
    assert sorted(row["endpoint"] or "" for row in failures) == ["", "/login"]


def test_log_groups_whose_fields_are_alike_are_not_told_apart(tmp_path: Path):
    fields = log_fields.read(write(tmp_path, {}, {"/a": "zap", "/b": {"logger": "zap"}, "/elsewhere": "pino"}))
    common = log_fields.read(write(tmp_path, {"logger": "zap"}))
    assert log_queries.part(fields, {"ApiLogs": "/a", "SecondLogs": "/b"}) == log_queries.part(common)
    assert log_queries.part(fields, {"ApiLogs": "/c"}) == log_queries.part(log_fields.read(write(tmp_path, {})))


def test_a_log_group_without_a_field_leaves_it_to_the_others(tmp_path: Path):
    fields = log_fields.read(write(tmp_path, {}, {"/a": {"user_id": []}}))
    names = {"ApiLogs": "/a", "SecondLogs": "/b"}
    events = [LogEvent(0, '{"statusCode": 500, "userId": "u"}', log_group=name) for name in names.values()]
    assert [row["api_user"] for row in asked(fields, "Errors", events, names)] == [None, "u"]


def test_log_groups_are_counted_as_by_the_marts(project: Project, fields_of_groups: LogFields):
    for number, (log_group, lines) in enumerate(LINES_OF_GROUPS.items()):
        streams = {f"{number}-{n}": [f"2026-10-01T00:00:00.000Z {line}"] for n, (line, _, _) in enumerate(lines)}
        project.export(streams, task_id=f"task-{number}", log_group=log_group)
    project.build_from(project.lake, json.dumps({"log_groups": LOG_GROUPS}))
    found = marts(project)
    for number, lines in enumerate(LINES_OF_GROUPS.values()):
        for n, (line, letters, latency) in enumerate(lines):
            assert found[f"{number}-{n}"] == counted(letters, latency), line
    sessions = project.query("select session_id, count(*) as n from fct_events where session_id is not null group by all")
    assert [tuple(row.values()) for row in sessions] == [("s-1", 2)]
