"""Log groups that one setting cannot read get settings of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from helpers.line_reader import read_line
from helpers.written_logs import MORE, Request, requests, written
from private_analytics.project.variables import read_vars
from private_analytics.suggest import Suggestion, find, output

VARIABLES = read_vars()
Write = Callable[[Request], dict[str, Any]]


def http(request: Request, **others: Any) -> dict[str, Any]:
    return {"time": request.iso, "status": request.status, "method": request.method, "path": request.path, **others}


def zap(request: Request) -> dict[str, Any]:
    return {"level": "info", "ts": request.at.timestamp(), "msg": "x", **http(request, duration=request.ms / 1e3)}


def slog(request: Request) -> dict[str, Any]:
    return {"level": "INFO", "msg": "x", **http(request, duration=int(request.ms * 1e6))}


def own(request: Request) -> dict[str, Any]:
    return http(request, duration=int(request.ms * 1e3), text=f"done in {request.ms:.1f} ms")


def in_ms(request: Request) -> dict[str, Any]:
    return {**http(request, duration=request.ms), "userId": "u"}


def told(request: Request) -> dict[str, Any]:
    return http(
        request, status="ok" if request.status < 400 else "failed", answer={"http_code": request.status}, duration=request.ms
    )


def check(suggestion: Suggestion, groups: dict[str, Write]) -> None:
    """With what is suggested, every line of every log group is read as the request was."""
    for name, write in groups.items():
        setting = suggestion.answer.get("log_groups", {}).get(name, {})
        of_group = {"logger": setting} if isinstance(setting, str) else dict(setting)
        preset = VARIABLES["loggers"][of_group.pop("logger")] if "logger" in of_group else {}
        fields = VARIABLES["default_event_fields"] | suggestion.answer.get("event_fields", {}) | preset | of_group
        for request, line in zip(requests(), written(write), strict=True):
            found = read_line(line, fields)
            assert found
            assert found["event_at"][:23] == request.iso[:23], name
            assert (found["status_code"], found["method"]) == (request.status, request.method), name
            assert found["latency_ms"] == pytest.approx(request.ms, abs=0.002), name


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({"/a": slog, "/b": zap}, {"/a": "slog", "/b": "zap"}),
        ({"/a": slog, "/b": own}, {"/a": "slog", "/b": {"latency_ms": [{"path": "duration", "unit": "us"}]}}),
        # What is read right already needs nothing.
        ({"/a": in_ms, "/b": zap}, {"/b": "zap"}),
        # The same key holds something else.
        ({"/a": in_ms, "/b": told}, {"/b": {"status_code": ["answer.http_code"]}}),
        # The preset slog knows user_id and would not find userId.
        (
            {"/a": lambda r: {**slog(r), "userId": "u"}, "/b": zap},
            {"/a": {"latency_ms": [{"path": "duration", "unit": "ns"}]}, "/b": "zap"},
        ),
    ],
    ids=["presets", "own paths", "one is right", "one key for two things", "a preset that reads less"],
)
def test_each_has_its_own(groups: dict[str, Write], expected: dict[str, Any]):
    suggestion = find({name: written(write) for name, write in groups.items()})
    assert suggestion.answer == {"log_groups": expected}
    assert not suggestion.unsettable
    check(suggestion, groups)


def test_recorded_loggers_are_named():
    lines = {name: (MORE / f"{name}.jsonl").read_text().splitlines() for name in ("caddy", "slog")}
    assert find(lines).answer == {"log_groups": {"caddy": "caddy", "slog": "slog"}}


def test_one_setting_is_enough_where_no_key_means_two_things():
    groups: dict[str, Write] = {"/a": slog, "/b": lambda r: http(r, took_s=r.ms / 1e3)}
    suggestion = find({name: written(write) for name, write in groups.items()})
    assert suggestion.answer.keys() == {"event_fields"}
    check(suggestion, groups)


def test_what_is_set_for_a_log_group_counts():
    lines = {"/a": written(slog), "/b": written(zap)}
    assert find(lines, VARIABLES | {"log_groups": {"/a": "slog"}}).answer == {"log_groups": {"/b": "zap"}}
    assert not find(lines, VARIABLES | {"log_groups": {"/a": "slog", "/b": "zap"}}).answer


def test_what_is_set_for_a_log_group_stays_beside_what_is_found():
    lines = {"/a": written(slog), "/b": written(lambda r: {**own(r), "time": None, "when": {"it": {"was": r.iso}}})}
    variables = VARIABLES | {"log_groups": {"/b": "lograge", "/c": "zap"}}
    suggestion = find(lines, variables)
    found = suggestion.answer["log_groups"]["/b"]
    assert found["logger"] == "lograge"
    assert found["latency_ms"] == [{"path": "duration", "unit": "us"}]
    assert suggestion.applied(suggestion.answer)["log_groups"] == {"/a": "slog", "/b": found, "/c": "zap"}


def test_what_the_user_has_set_can_be_kept():
    lines = {"/a": written(slog), "/b": written(zap)}
    us = [{"path": "duration", "unit": "us"}]
    assert not find(lines, VARIABLES | {"event_fields": {"latency_ms": us}}, keep=True).answer
    kept = find(lines, VARIABLES | {"log_groups": {"/b": {"latency_ms": us}}}, keep=True).answer
    assert "/b" not in kept.get("log_groups", {})
    assert find(lines, VARIABLES | {"event_fields": {"latency_ms": us}}).answer == {"log_groups": {"/a": "slog", "/b": "zap"}}


def test_one_log_group_of_two_loggers_is_a_question():
    suggestion = find({"/a": written(slog) + written(zap), "/b": written(zap)})
    assert suggestion.answer == {"log_groups": {"/b": "zap"}}
    (paragraph,) = output.open_questions(suggestion)
    assert paragraph.startswith("Question (/a): latency_ms? Is `duration` in ns or s?")
    assert "log_groups:\n  /a:\n    latency_ms:\n    - {path: duration, unit: ns}" in paragraph


def test_an_answer_stands_beside_what_was_found():
    lines = {"/a": written(slog), "/b": written(lambda r: http(r, latency=r.ms / 50))}
    suggestion = find(lines, VARIABLES | {"log_groups": {"/b": "fiber"}})
    group = suggestion.groups[1]
    (question,) = group.questions
    found = {"logger": "fiber", "path": ["path"]}
    assert suggestion.answer == {"log_groups": {"/a": "slog", "/b": found}}
    assert suggestion.answering(group, question, question.answers[0]) == {
        "log_groups": {"/b": found | {"latency_ms": ["latency"]}}
    }


@pytest.mark.parametrize("others", [{}, {"/a": in_ms}], ids=["alone", "with another"])
def test_an_answer_stands_beside_what_is_set_where_nothing_else_was_found(others: dict[str, Write]):
    groups: dict[str, Write] = {"/b": lambda r: http(r, latency=r.ms / 50), **others}
    own = {"logger": "fiber", "path": "path"}
    suggestion = find({name: written(write) for name, write in groups.items()}, VARIABLES | {"log_groups": {"/b": own}})
    assert not suggestion.answer
    (question,) = suggestion.groups[0].questions
    answer = suggestion.answering(suggestion.groups[0], question, question.answers[0])
    assert answer == {"log_groups": {"/b": own | {"latency_ms": ["latency"]}}}


def test_a_name_that_no_setting_can_have():
    suggestion = find({"{{ 1/0 }}": written(slog), "/b": written(zap)})
    assert suggestion.answer == {"log_groups": {"/b": "zap"}}
    assert suggestion.unsettable == ["{{ 1/0 }}"]
    assert any(paragraph.startswith("Not decided: {{ 1/0 }} needs") for paragraph in output.open_questions(suggestion))
    assert json.dumps(output.as_data(suggestion)["unsettable_log_groups"]) == '["{{ 1/0 }}"]'
