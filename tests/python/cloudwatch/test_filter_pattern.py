"""The interpreter of filter patterns against the examples of AWS's documentation, and against what it must not understand."""

from __future__ import annotations

import json

import pytest

from helpers.filter_pattern import Open, understand, value

TRAIL = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "cluster.name": "c",
        "ThisFlag": True,
    }
)
PEOPLE = json.dumps(
    {
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
        "actions": ["GET", "PUT", "DELETE"],
        "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    }
)


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ('{ $.eventType = "UpdateTrail" }', TRAIL),
        ("{ $.sourceIPAddress != 123.123.* }", TRAIL),
        ('{ $.arrayKey[0] = "value" }', TRAIL),
        ("{ $.objectList[1].id = 2 }", TRAIL),
        ("{ $.['cluster.name'] = \"c\" }", TRAIL),
        ("{ $.SomeObject IS NULL }", TRAIL),
        ("{ $.SomeOtherObject NOT EXISTS }", TRAIL),
        ("{ $.ThisFlag IS TRUE }", TRAIL),
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', PEOPLE),
        ('{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "nonmatch" && $.actions[2] = "nonmatch" }', PEOPLE),
        ("{ $.latency >= 500 }", '{"latency": 500}'),
        ("{ $.numbers[0] < 10e3 }", '{"numbers": [9999]}'),
        ("{ $.processes[4].averageRuntime <= 55.5 }", '{"processes": [0, 0, 0, 0, {"averageRuntime": 55.5}]}'),
        ("{ $.latency > +1000 }", '{"latency": 1000.5}'),
        ("{ $.latency = * }", '{"latency": 12}'),
        ("{$.foo = bar}", '{"foo": "bar"}'),
    ],
)
def test_what_the_documentation_says_fits(pattern: str, event: str):
    assert understand(pattern).fits(event)


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ('{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "x") && $.actions[2] = "x" }', PEOPLE),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', PEOPLE),
        ("{ $.users = 1 }", '{"users": [1, 2, 3]}'),
        ("{ $.users != 1 }", '{"users": [1, 2, 3]}'),
        ("{ $.SomeObject NOT EXISTS }", TRAIL),
        ("{ $.SomeOtherObject IS NULL }", TRAIL),
        ("{ $.errorCode != 500 }", '{"errorCode": 500}'),
        ('{ $.eventType = "Update" }', TRAIL),
        ('{ $.eventtype = "UpdateTrail" }', TRAIL),
        ("{ $.a NOT EXISTS }", "no JSON"),
        ("{ $.a NOT EXISTS }", '[{"b": 1}]'),
        ("{ $.a NOT EXISTS }", '{"b": NaN}'),
    ],
)
def test_what_the_documentation_says_does_not_fit(pattern: str, event: str):
    assert not understand(pattern).fits(event)


@pytest.mark.parametrize(
    "pattern",
    [
        "$.a = 1",
        "{ $.a = 1",
        "{ ($.a = 1 }",
        "{ $.a }",
        "{ $.a EXISTS }",
        "{ $.a IS NOT NULL }",
        '{ $.a = "b*c" }',
        "{ $.a > b }",
        "{ $.* = 1 }",
        "{ $.a[*] = 1 }",
        "{ $.a = %b% }",
        "{ $.a b = 1 }",
        "{ $.@t = 1 }",
        "{ $.a = 1 & $.b = 2 }",
        '{ $.a = "\\"" }',
        "{ }",
        "{ " + " || ".join(["$.a = 1"] * 100) + " }",
    ],
)
def test_what_is_not_documented_is_not_understood(pattern: str):
    with pytest.raises(ValueError):
        understand(pattern)


@pytest.mark.parametrize(
    ("question", "pattern", "event"),
    [
        ("text_is_number", "{ $.a >= 500 }", '{"a": "503"}'),
        ("number_is_text", '{ $.a = "5*" }', '{"a": 503}'),
        ("kinds_differ", '{ $.a != "b" }', '{"a": 1}'),
        ("missing_differs", '{ $.a != "b" }', "{}"),
        ("star_takes_all", "{ $.a = * }", '{"a": ""}'),
    ],
)
def test_what_is_open_can_be_answered_both_ways(question: str, pattern: str, event: str):
    assert not understand(pattern).fits(event)
    assert understand(pattern).fits(event, Open(**{question: True}))


def test_an_object_may_fail_one_condition_or_the_whole_pattern():
    either = understand("{ $.a = 1 || $.b = 2 }")
    assert either.fits('{"a": {}, "b": 2}')
    assert not either.fits('{"a": {}, "b": 2}', Open(object_spoils=True))


def test_the_metric_value_is_a_number_or_nothing():
    assert [value("$.a.b", event) for event in ('{"a": {"b": 1.5}}', '{"a": {"b": "1.5"}}', '{"a": {"b": true}}', "x")] == [
        1.5,
        None,
        None,
        None,
    ]
