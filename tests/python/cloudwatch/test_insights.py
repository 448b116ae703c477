"""The interpreter of Insights queries against examples of AWS's documentation and against hand-written rows."""

from __future__ import annotations

import json

import pytest

from helpers.insights import LogEvent, discovered, run


def events(*records: dict | str) -> list[LogEvent]:
    return [LogEvent(60_000 * n, r if isinstance(r, str) else json.dumps(r)) for n, r in enumerate(records)]


def test_fields_are_named_as_documented():
    instance = {"items": [{"instanceId": "i-abcde123"}]}
    record = {"userIdentity": {"type": "IAMUser"}, "requestParameters": {"instancesSet": instance}, "@example.com": 1, "no": None}
    found = discovered(LogEvent(0, json.dumps(record)))
    assert found["userIdentity.type"] == "IAMUser"
    assert found["requestParameters.instancesSet.items.0.instanceId"] == "i-abcde123"
    assert found["@@example.com"] == 1
    assert "no" not in found
    assert set(discovered(LogEvent(0, '{"a": NaN}'))) == {"@timestamp", "@message", "@logStream", "@log"}
    assert discovered(LogEvent(0, "", log_group="/ecs/web"))["@log"] == "123456789012:/ecs/web"


def test_an_alias_and_a_comment():
    query = "fields @timestamp, accountId as ID\n# | filter ID = 2\n| sort @timestamp desc\n| limit 1"
    assert run(query, events({"accountId": 1}, {"accountId": 2})) == [{"@timestamp": 60_000, "ID": 2}]


def test_a_name_in_backticks():
    assert run("fields `foo-bar`, action", events({"foo-bar": 1, "action": "x"})) == [{"foo-bar": 1, "action": "x"}]


def test_either_condition_is_enough_and_and_goes_before_or():
    rows = events({"f1": 10}, {"f3": 26}, {"f3": 25}, {"f1": 9, "f3": 30, "f4": 1})
    assert len(run("fields f1, f3 | filter (f1=10 or f3>25)", rows)) == 3
    assert len(run("fields f1 | filter f1 = 10 or f3 > 25 and f4 = 1", rows)) == 2


def test_a_number_in_text_is_compared_as_a_number():
    rows = events({"statusCode": "404"}, {"statusCode": "ok"}, {"statusCode": 500}, {})
    assert run("fields statusCode | filter statusCode >= 400 and statusCode <= 499", rows) == [{"statusCode": "404"}]


def test_part_of_a_message():
    assert len(run('fields @message | filter @message like "Exception"', events("an Exception", "exception", "{}"))) == 1


def test_the_first_that_is_there():
    query = "fields coalesce(a, b.c, d * 1000, e / 1000) as found"
    rows = events({"b": {"c": 2}, "d": 3}, {"a": None, "d": 3}, {"a": "", "d": 3}, {"e": 5}, {})
    assert [row["found"] for row in run(query, rows)] == [2, 3000, "", 0.005, None]


def test_a_glob_is_parsed():
    query = 'parse @message "user=*, method:*" as user, method | fields user, method'
    rows = events("user=a, b, method:GET", "user=, method:", "method:GET, user=a", "user=a, method")
    assert [tuple(row.values()) for row in run(query, rows)] == [("a, b", "GET"), ("", ""), (None, None), (None, None)]


def test_one_of_several_values():
    query = 'fields if(a = "x", b, if(a = "y", c * 1000, none)) as found'
    rows = events({"a": "x", "b": 1, "c": 2}, {"a": "y", "b": 1, "c": 2}, {"a": "z", "b": 1, "c": 2}, {"b": 1})
    assert [row["found"] for row in run(query, rows)] == [1, 2000, None, None]


def test_counts_sums_and_percentiles_by_period():
    query = (
        "fields if(v > 2, 1, 0) as is_big | stats count(*) as n, sum(is_big) as big, pct(v, 95) as p, count_distinct(u) as users,"
        " max(@timestamp) as latest by bin(2m) as period | sort period asc"
    )
    rows = events({"v": 1, "u": "a"}, {"v": 4, "u": "a"}, {"v": 3, "u": "b"}, {})
    assert run(query, rows) == [
        {"period": 0, "n": 2, "big": 1, "p": 4, "users": 1, "latest": 60_000},
        {"period": 120_000, "n": 2, "big": 1, "p": 3, "users": 1, "latest": 180_000},
    ]


def test_the_percentile_by_hand():
    rows = events(*({"v": v} for v in range(1, 101)))
    assert run("stats pct(v, 95) as p95, pct(v, 50) as p50 by w", rows) == [{"w": None, "p95": 95, "p50": 50}]


def test_text_is_replaced():
    query = 'fields replace(logGroup,"smoke_test","Smoke") as a, regexReplace(path, "/[0-9]+$", "/:id") as b, toupper(m) as c'
    (row,) = run(query, events({"logGroup": "smoke_test_Group", "path": "/1/2", "m": "get"}))
    assert row == {"a": "Smoke_Group", "b": "/1/:id", "c": "GET"}


@pytest.mark.parametrize(
    "query",
    [
        "field a",
        "fields a | where a = 1",
        "fields nullif(a, 1) as b",
        "fields coalesce(a, b)",
        "fields a-b",
        "filter a like /x/",
        "filter a",
        "parse a /(?<b>x)/",
        'parse a "*:*" as b',
        'parse a "*:*"',
        'fields if(a = "x" or a = "y", 1, 2) as b',
        "filter (a = 1",
        "stats avg(a) as b by c",
        "stats count(*) by c",
        "stats count(*) as n",
        "sort a",
        "limit all",
        "fields a | filter a = 1 limit 5",
        'fields regexReplace(a, "(x)", "$1") as b',
    ],
)
def test_what_is_not_known_is_not_understood(query: str):
    with pytest.raises(ValueError):
        run(query, events({"a": "1"}))
