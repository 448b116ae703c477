"""An event has one meaning, that of the most specific row that fits it: metric filters and the query count by this rule."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.filter_pattern import Open
from helpers.insights import LogEvent
from helpers.watched import AS_DOCUMENTED, OTHERWISE, asked, understand
from private_analytics.project import variables
from private_analytics.stack import filter_patterns, log_fields
from private_analytics.stack.log_fields import LogFields

HEADER = "event_name,method,status_code,route,meaning"
ONE_PLACE = {"status_code": "status", "event_name": "event", "path": "path", "method": "method"}
TWO_PLACES = {name: [place, f"{place}2"] for name, place in ONE_PLACE.items()}
REQUEST_LINES = {"status_code": "status", "event_name": "event", "path": "request", "method": "request"}
DEFAULT_ROWS = [
    "login_failed,,,,auth_failure",
    ",,401,,auth_failure",
    ",,403,/login,auth_failure",
    "health_checked,,,,other",
    "purchased,,,,purchase",
]


def read(folder: Path, event_fields: Any, rows: list[str]) -> LogFields:
    project, catalog = folder / "dbt_project.yml", folder / "event_catalog.csv"
    project.write_text(yaml.safe_dump({"vars": variables.read_vars() | {"event_fields": event_fields}}))
    catalog.write_text("\n".join([HEADER, *rows]) + "\n")
    return log_fields.read(project, catalog)


def by_filters(fields: LogFields, line: str, reading: Open = AS_DOCUMENTED) -> int:
    return sum(understand(pattern).fits(line, reading) for pattern in filter_patterns.patterns(fields).auth_failures)


def by_query(fields: LogFields, line: str) -> int:
    return sum(row["failures"] for row in asked(fields, "AuthFailures", [LogEvent(0, line)]))


# Rows of the catalog -> lines, and whether each is an auth failure.
CASES = {
    "a name is excepted": (
        [",,401,,auth_failure", "health_checked,,401,,other"],
        {
            '{"status": 401}': 1,
            '{"status": "401", "event": "login"}': 1,
            '{"status": 401, "event": "health_checked"}': 0,
            '{"status": "401", "event": "health_checked"}': 0,
            '{"status": 401, "event": null}': 1,
            '{"status": 401, "event": ""}': 1,
            '{"status": 401, "event": "-", "path": "/"}': 1,
            '{"status": 200, "event": "login"}': 0,
            '{"event": "login"}': 0,
        },
    ),
    "an endpoint is excepted": (
        [",,401,,auth_failure", ",GET,401,/probe,other"],
        {
            '{"status": 401, "method": "GET", "path": "/probe"}': 0,
            '{"status": 401, "method": "get", "path": "/probe?x=1"}': 0,
            '{"status": 401, "method": "POST", "path": "/probe"}': 1,
            '{"status": 401, "method": "GET", "path": "/"}': 1,
            '{"status": 401, "method": "GET"}': 1,
            '{"status": 401, "path": "/probe"}': 1,
            '{"status": 401}': 1,
        },
    ),
    "a status goes before a name": (
        ["login_failed,,,,auth_failure", ",,500,,other"],
        {
            '{"event": "login_failed"}': 1,
            '{"event": "login_failed", "status": 200}': 1,
            '{"event": "login_failed", "status": 500}': 0,
            '{"event": "login_failed", "status": "500"}': 0,
        },
    ),
    "so a name alone takes nothing from a status": (
        [",,401,,auth_failure", "health_checked,,,,other", ",,,/probe,other", ",GET,,,other"],
        {'{"status": 401, "event": "health_checked", "path": "/probe", "method": "GET"}': 1},
    ),
    "a name goes before a route": (
        [",,,/login,auth_failure", "opened,,,,other"],
        {'{"path": "/login"}': 1, '{"path": "/login", "event": "opened"}': 0, '{"path": "/login", "event": "sent"}': 1},
    ),
    "a route goes before a method": (
        [",DELETE,,,auth_failure", ",,,/cart,other"],
        {
            '{"method": "DELETE", "path": "/user"}': 1,
            '{"method": "delete", "status": 204}': 1,
            '{"method": "DELETE", "path": "/cart"}': 0,
            '{"method": "GET", "path": "/user"}': 0,
        },
    ),
    "so a method alone takes nothing from a route": (
        [",,,/login,auth_failure", ",POST,,,other"],
        {'{"method": "POST", "path": "/login"}': 1},
    ),
    "of two columns each, those with the status": (
        [",GET,401,,auth_failure", "sent,,,/mail,other", "read,,,/mail,auth_failure", ",GET,418,,other"],
        {
            '{"status": 401, "method": "GET", "event": "sent", "path": "/mail"}': 1,
            '{"status": 418, "method": "GET", "event": "read", "path": "/mail"}': 0,
            '{"status": 418, "method": "PUT", "event": "read", "path": "/mail"}': 1,
            '{"event": "read", "path": "/mail"}': 1,
        },
    ),
    "three columns go before two": (
        [",,401,/login,auth_failure", "sent,GET,,/login,other"],
        {
            '{"status": 401, "path": "/login", "event": "sent", "method": "POST"}': 1,
            '{"status": 401, "path": "/login", "event": "sent", "method": "GET"}': 0,
        },
    ),
    "an exception has an exception": (
        [",,401,,auth_failure", ",,401,/probe,other", "denied,,401,/probe,auth_failure"],
        {
            '{"status": 401, "path": "/probe"}': 0,
            '{"status": 401, "path": "/probe", "event": "denied"}': 1,
            '{"status": 401, "path": "/", "event": "denied"}': 1,
        },
    ),
    "a status that only an exception names": (
        ["login_failed,,,,auth_failure", "logout_failed,,,,auth_failure", "login_failed,,418,,other"],
        {
            '{"event": "login_failed", "status": 418}': 0,
            '{"event": "logout_failed", "status": 418}': 1,
            '{"event": "login_failed", "status": 419}': 1,
            '{"event": "login_failed"}': 1,
        },
    ),
    "a name counts with a status of other rows": (
        DEFAULT_ROWS,
        {
            '{"event": "login_failed", "status": 403, "path": "/cart"}': 1,
            '{"event": "login_failed", "status": 403, "path": "/login"}': 1,
            '{"event": "purchased", "status": 403, "path": "/cart"}': 0,
            '{"event": "purchased", "status": 401}': 1,
        },
    ),
}


@pytest.mark.parametrize(("rows", "lines"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("event_fields", [ONE_PLACE, TWO_PLACES], ids=["one place", "two places"])
def test_the_most_specific_row_decides(tmp_path: Path, event_fields: Any, rows: list[str], lines: dict[str, int]):
    fields = read(tmp_path, event_fields, rows)
    for line, expected in lines.items():
        assert by_query(fields, line) == expected, line
        for reading in [AS_DOCUMENTED, *OTHERWISE]:
            assert by_filters(fields, line, reading) == expected, (line, reading)


def test_request_lines(tmp_path: Path):
    fields = read(tmp_path, REQUEST_LINES, [",,401,,auth_failure", ",GET,401,/probe,other", ",PUT,,/key,auth_failure"])
    for request, expected in {
        '"status": 401, "request": "GET /probe HTTP/1.1"': 0,
        '"status": 401, "request": "GET /probe?x=1 HTTP/1.1"': 0,
        '"status": 401, "request": "POST /probe HTTP/1.1"': 1,
        '"status": 401, "request": "GET /probes HTTP/1.1"': 1,
        '"status": 401, "request": null': 1,
        '"status": 200, "request": "PUT /key HTTP/1.1"': 1,
        '"status": 200, "request": "GET /key HTTP/1.1"': 0,
    }.items():
        line = f"{{{request}}}"
        assert (by_filters(fields, line), by_query(fields, line)) == (expected, expected), line


def test_an_object_where_a_name_may_stand(tmp_path: Path):
    own = {"status_code": "status", "event_name": ["event", "event.name"]}
    for event_fields in (own, {}):
        fields = read(tmp_path, event_fields, [*DEFAULT_ROWS, "health_checked,,401,,other"])
        for name, expected in {"login": 1, "health_checked": 0}.items():
            for event in (name, {"name": name}):
                line = json.dumps({"status": 401, "event": event})
                assert (by_filters(fields, line), by_query(fields, line)) == (expected, expected), line


def test_exceptions_fit_with_the_default_fields(tmp_path: Path):
    """There is no room to count a name with 403 as well, which other rows name; 418 is named by an exception only."""
    rows = [*DEFAULT_ROWS, "logout_failed,,,,auth_failure", "login_failed,,418,,other", "health_checked,,401,,other"]
    fields = read(tmp_path, {}, rows)
    for line, expected in {
        '{"event": "login_failed", "status": 418}': 0,
        '{"event": "logout_failed", "status": 418}': 1,
        '{"event": "login_failed", "status": 400}': 1,
        '{"event": "login_failed", "status": 401}': 1,
        '{"event": "health_checked", "status": 401}': 0,
        '{"eventName": "login", "message": {"statusCode": "401"}}': 1,
        '{"eventName": "health_checked", "message": {"statusCode": "401"}}': 0,
    }.items():
        assert (by_filters(fields, line), by_query(fields, line)) == (expected, expected), line


def test_an_event_that_two_rows_count_is_counted_once(tmp_path: Path):
    """The two conditions do not fit into one filter; two filters would count the event twice."""
    name = "x" * 480
    fields = read(tmp_path, ONE_PLACE, [f"{name},,,,auth_failure", f"{name},,418,,auth_failure"])
    assert by_filters(fields, json.dumps({"event": name, "status": 418})) == 1


# What the marts count, and the filters do not.
KNOWN_DIFFERENCES = {
    '{"status": 401, "event": "login", "event2": "health_checked"}': "an excepted name counts wherever it stands",
    '{"status": 401, "event": 5}': "whether a number differs from a text is not documented",
    '{"status": 401, "event": {"id": 5}}': "an object cannot be told from a value",
}


@pytest.mark.parametrize("line", KNOWN_DIFFERENCES)
def test_known_differences(tmp_path: Path, line: str):
    fields = read(tmp_path, TWO_PLACES, [",,401,,auth_failure", "health_checked,,401,,other"])
    assert (by_filters(fields, line), by_query(fields, line)) == (0, 1)


@pytest.mark.parametrize("needless", ["health_checked,,,,other", ",,402,,other", ",,403,/probe,other", ",GET,200,/login,other"])
def test_rows_that_take_no_event_away_leave_the_patterns_as_they_are(tmp_path: Path, needless: str):
    rows = [",,401,,auth_failure", ",,403,/login,auth_failure", "login_failed,,401,,auth_failure"]
    for event_fields in (ONE_PLACE, {}):
        before, after = (filter_patterns.patterns(read(tmp_path, event_fields, some)) for some in (rows, [*rows, needless]))
        assert before == after


def test_an_exception_within_another_is_left_out(tmp_path: Path):
    rows = [",,401,,auth_failure", "health_checked,,401,,other"]
    before, after = (read(tmp_path, ONE_PLACE, some) for some in (rows, [*rows, "health_checked,GET,401,/probe,other"]))
    assert before == after


def test_the_seeds_own_rows_make_no_exceptions():
    assert [row.exceptions for row in log_fields.read().auth_failures] == [()] * 3


# --- Catalogs at random, against the rule as a function ---

VALUES = {
    "event_name": ["login", "probed"],
    "method": ["GET", "POST"],
    "status_code": ["401", "418"],
    "route": ["/login", "/probe"],
}


def meaning(rows: list[dict[str, str]], event: dict[str, str | None]) -> str | None:
    """What the rule says: more filled columns first, then the status, the name, the route, the method."""
    best, found = (0,), None
    for row in rows:
        filled = [name for name in VALUES if row[name]]
        if all(row[name] == event[name] for name in filled):
            rank = (len(filled), *(name in filled for name in ("status_code", "event_name", "route", "method")))
            if rank > best:
                best, found = rank, row["meaning"]
    return found


@pytest.mark.parametrize("seed", range(60))
def test_any_catalog(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    conditions = [one for one in itertools.product(*(["", *values] for values in VALUES.values())) if any(one)]
    names = [*VALUES, "meaning"]
    rows = [
        dict(zip(names, (*one, chance.choice(["auth_failure", "other", "login"])), strict=True))
        for one in chance.sample(conditions, chance.randint(2, 6))
    ]
    fields = read(tmp_path, ONE_PLACE, [",".join(row[name] for name in names) for row in rows])
    patterns = [understand(pattern) for pattern in filter_patterns.patterns(fields).auth_failures]
    for values in itertools.product(*([None, *values] for values in VALUES.values())):
        event = dict(zip(VALUES, values, strict=True))
        logged = {"event": event["event_name"], "method": event["method"], "path": event["route"]}
        status = {} if event["status_code"] is None else {"status": int(event["status_code"])}
        line = json.dumps({name: value for name, value in logged.items() if value} | status)
        expected = int(meaning(rows, event) == "auth_failure")
        if fields.auth_failures:
            assert by_query(fields, line) == expected, (rows, line)
        assert sum(pattern.fits(line) for pattern in patterns) == expected, (rows, line)
