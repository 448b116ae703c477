"""Which paths are read for which log group, and what is wrong with a setting in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from private_analytics import event_fields
from private_analytics.errors import UserError
from private_analytics.event_fields import FieldPath, FieldSettings
from private_analytics.project import variables

VARIABLES: dict[str, Any] = {
    "default_event_fields": {
        name: [f"default_{name}"] for name in ("user_id", "session_id", "status_code", "latency_ms", "path")
    },
    "loggers": {
        "zap": {"latency_ms": [{"path": "latency", "unit": "s"}], "status_code": "status"},
        "pino": {"latency_ms": "responseTime", "path": ["req.url", "req.url"]},
    },
    "event_fields": {"logger": "pino", "user_id": ["ctx.uid"], "path": "url"},
    "log_groups": {
        "/ecs/orders": "zap",
        "/ecs/web": {"logger": "zap", "status_code": [], "user_id": "uid"},
        "/ecs/own": {"path": "p"},
    },
}


def read(**others: Any) -> FieldSettings:
    return event_fields.read(VARIABLES | others, "vars")


@pytest.mark.parametrize(
    ("log_group", "expected"),
    [
        ("/ecs/other", ["ctx.uid", "default_session_id", "default_status_code", "responseTime", "url"]),
        ("/ecs/own", ["ctx.uid", "default_session_id", "default_status_code", "responseTime", "p"]),
        ("/ecs/orders", ["ctx.uid", "default_session_id", "status", {"path": "latency", "unit": "s"}, "url"]),
        ("/ecs/web", ["uid", "default_session_id", None, {"path": "latency", "unit": "s"}, "url"]),
    ],
)
def test_the_first_that_says_something_wins(log_group: str, expected: list[Any]):
    found = read().of(log_group)
    assert list(found) == list(VARIABLES["default_event_fields"])
    assert [next((path.entry() for path in paths), None) for paths in found.values()] == expected


def test_a_setting_replaces_the_whole_list():
    settings = read(
        event_fields={},
        log_groups={"/a": {"user_id": ["a", "b.c", "a"]}},
        default_event_fields={"user_id": ["x", "y"]},
        loggers={},
    )
    assert settings.of("/a") == {"user_id": (FieldPath(("a",)), FieldPath(("b", "c")))}
    assert settings.of("/b") == {"user_id": (FieldPath(("x",)), FieldPath(("y",)))}
    assert settings.set_for("/a").keys() == {"user_id"}
    assert not settings.set_for("/b")


def test_nothing_set_is_nothing_set():
    settings = read(event_fields=None, log_groups=None)
    assert settings.of("/ecs/orders") == settings.of("") == settings.defaults


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"log_groups": {"/ecs/orders": "zapp"}}, "vars: log_groups: /ecs/orders: there is no logger 'zapp', did you mean zap?"),
        ({"log_groups": {"/a": {"logger": "log4php"}}}, r"log_groups: /a: there is no logger 'log4php'\. Loggers: zap, pino$"),
        ({"event_fields": {"logger": "pinot"}}, r"vars: event_fields: there is no logger 'pinot', did you mean pino\?"),
        ({"log_groups": {"/a": {"user": "x"}}}, "log_groups: /a: there is no field 'user', did you mean user_id"),
        ({"log_groups": {"/a": 5}}, "log_groups: /a: cannot use 5. Write the name of a logger, or {field: path, ...}"),
        ({"log_groups": {"/a": None}}, "log_groups: /a: cannot use None"),
        ({"log_groups": {"/a": ["zap"]}}, r"log_groups: /a: cannot use \['zap'\]"),
        ({"log_groups": ["/a"]}, r"vars: log_groups is \['/a'\], which is not a mapping"),
        (
            {"log_groups": {"/a": {"latency_ms": {"path": "x", "unit": "h"}}}},
            r"log_groups: /a: latency_ms: cannot use {.*unit: ms\|s\|us\|ns}",
        ),
        ({"log_groups": {"/a": {"user_id": {"path": "x", "unit": "ms"}}}}, "log_groups: /a: user_id: cannot use"),
        ({"log_groups": {"/a": {"latency_ms": {"path": "x", "units": "s"}}}}, "log_groups: /a: latency_ms: cannot use"),
        ({"loggers": {"zap": {"users": "x"}, "pino": {}}}, "vars: loggers: zap: there is no field 'users'"),
        ({"loggers": {"zap": {"logger": "pino"}, "pino": {}}}, "vars: loggers: zap: there is no field 'logger'"),
        ({"loggers": {"zap": "pino", "pino": {}}}, "vars: loggers: zap is 'pino', which is not a mapping"),
        ({"loggers": {"zap": {"path": "[0]"}, "pino": {}}}, r"vars: loggers: zap: path: cannot use '\[0\]'"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], words: str):
    with pytest.raises(UserError, match=words):
        read(**wrong)


def test_the_projects_own_are_right():
    assert event_fields.read(variables.read_vars(), "vars").loggers


@pytest.mark.parametrize("given", ["{log_groups: {/a: zapp}}", "{loggers: {zap: {users: x}}}", "{log_groups: [/a]}"])
def test_the_option_is_checked_too(given: str):
    with pytest.raises(UserError, match=r"^VARS: log"):
        variables.given_vars(given, "VARS")


def test_an_option_may_name_a_log_group():
    given = variables.given_vars("{log_groups: {/a: zap}}", "VARS")
    assert given == {"log_groups": {"/a": "zap"}}


def test_a_setting_of_the_file_is_named_with_the_file(tmp_path: Path):
    file = tmp_path / "dbt_project.yml"
    file.write_text(yaml.safe_dump({"vars": variables.read_vars() | {"log_groups": {"/a": "zapp"}}}))
    with pytest.raises(UserError, match=r"dbt_project\.yml, vars: log_groups: /a: there is no logger 'zapp'"):
        variables.checked_vars(file)
