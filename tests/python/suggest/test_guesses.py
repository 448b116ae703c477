"""Keys, depths and units that no logger in particular writes; and what is asked rather than guessed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from helpers.line_reader import read_line
from helpers.written_logs import Request, requests, written
from private_analytics.project.variables import read_vars
from private_analytics.suggest import Suggestion, find

VARIABLES = read_vars()
Write = Callable[[Request], dict[str, Any]]


def http(request: Request, **others: Any) -> dict[str, Any]:
    return {"time": request.iso, "status": request.status, "method": request.method, "path": request.path, **others}


def latency(suggestion: Suggestion) -> Any:
    """What is set for it, or the one place that the settings read it from already."""
    group = suggestion.groups[0]
    return [place.entry() for place in group.found.get("latency_ms", ())]


FORMATS: dict[str, Write] = {
    "nested": lambda r: {
        "meta": {"when": r.iso},
        "http": {"rq": {"verb": r.method, "target": r.path}, "rs": {"code": r.status, "took_s": r.ms / 1e3}},
    },
    "one letter": lambda r: {"t": int(r.at.timestamp() * 1000), "m": r.method, "u": r.path, "s": r.status, "d": r.ms},
    "one letter, seconds": lambda r: {"t": r.at.timestamp(), "m": r.method, "u": r.path, "s": r.status, "d": r.ms / 1e3},
    "request line": lambda r: {"ts": r.iso, "request": f"{r.method} {r.path} HTTP/1.1", "status": str(r.status), "rt": r.ms},
    "text with unit": lambda r: {"time": r.iso, "method": r.method, "uri": r.path, "code": r.status, "dur": f"{r.ms:.3f}ms"},
    "parts of the time": lambda r: http(r, duration=round(r.ms, 2), view=round(r.ms / 2, 2), db=round(r.ms / 3, 2)),
    "proxy": lambda r: {
        "start_time": r.iso,
        "method": r.method,
        "path": r.path,
        "response_code": r.status,
        "upstream_status": 599,
        "duration": int(r.ms),
        "upstream_service_time": str(int(r.ms / 2)),
    },
    "deep": lambda r: {
        "a": {"b": {"c": [{"http": {"status": r.status, "verb": r.method, "url": f"https://x.example{r.path}", "ms": r.ms}}]}},
        "eventTime": r.iso,
    },
    "misleading": lambda r: {
        "ts": r.iso,
        "payload": {"status": "ok", "method": "card"},
        "level": 200,
        "response": {"status": r.status, "time": r.ms},
        "request": {"method": r.method, "url": r.path, "referer": "/somewhere"},
        "pathname": "/app/main.py",
        "lineno": 204,
    },
    "phrase": lambda r: {"time": r.iso, "status": f"{r.status} OK", "method": r.method.lower(), "url": r.path, "took": r.ms},
    "start and end": lambda r: {
        "start": r.iso,
        "end": f"{r.at + timedelta(milliseconds=r.ms):%FT%T.%fZ}",
        **http(r, elapsed=int(r.ms * 1e3)),
    },
    "another language": lambda r: {
        "zeitpunkt": f"{r.at + timedelta(hours=2):%FT%T.%f}"[:-3].replace(".", ",") + "+0200",
        "anfrage": {"methode": r.method, "pfad": r.path},
        "antwortcode": r.status,
        "dauer_ms": r.ms,
        "datenbankdauer_ms": r.ms / 3,
        "groesse": int(r.ms * 911) % 5003,
    },
    "durations that say their unit": lambda r: {
        "horodatage": r.at.timestamp(),
        "requete": [{"verbe": r.method, "chemin": r.path}],
        "reponse": r.status,
        "duree": f"{r.ms:.3f} ms",
        "duree_bdd": f"{r.ms / 3:.3f} ms",
    },
    "when the service was made": lambda r: {
        "service": {"created_at": 1700000000},
        "started_at": int(r.at.timestamp() * 1000),
        "request": {"method": r.method, "uri": r.path},
        "response": {"status": r.status},
        "latencies": {"request": r.ms, "proxy": r.ms / 2},
    },
    "two statuses that agree": lambda r: {
        "time": r.iso,
        "target_status_code": r.status if r.status < 500 else "-",
        "elb_status_code": r.status,
        "request_verb": r.method,
        "request_url": f"https://x.example:443{r.path}",
        "elapsed": r.ms,
    },
    "microseconds and an action": lambda r: {
        "stamp": int(r.at.timestamp() * 1e6),
        "action": r.method,
        "resource": r.path,
        "st": r.status,
        "lat": f"{r.ms}ms",
    },
    "a unit beside it": lambda r: {**http(r), "elapsed": int(r.ms * 1e3), "elapsed_unit": "µs"},
    "levels that are methods": lambda r: {
        "time": r.iso,
        "level": "TRACE",
        "request": f"{r.method} {r.path}",
        "status": r.status,
        "duration": r.ms,
    },
    "an array": lambda r: {
        "at": r.iso,
        "steps": [{"verb": r.method, "uri": r.path}, {"user": "u"}, {"code": r.status, "elapsed_ms": r.ms}],
    },
    "dotted keys": lambda r: {
        "timestamp": r.iso,
        "attributes": {"http.request.method": r.method, "url.path": r.path, "http.status": r.status, "http.duration": r.ms / 1e3},
    },
}


@pytest.mark.parametrize("front", [False, True], ids=["plain", "cloudwatch"])
@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
def test_formats(write: Write, front: bool):
    lines = written(write)
    asked = list(requests())
    if front:
        lines = [f"{request.iso} {line}" for request, line in zip(asked, lines, strict=True)]
    others = [json.dumps({"time": request.iso, "msg": "cache refreshed", "entries": 7}) for request in asked[::5]]
    suggestion = find({"g": lines + ([] if front else others)})
    assert not suggestion.groups[0].questions
    assert not suggestion.groups[0].missing
    fields = VARIABLES["default_event_fields"] | suggestion.answer.get("event_fields", {})
    for request, line in zip(asked, lines, strict=True):
        found = read_line(line[25:] if front else line, fields)
        assert found
        assert found["event_at"] and found["event_at"][:23] == request.iso[:23]
        assert (found["status_code"], found["method"]) == (request.status, request.method)
        assert found["latency_ms"] == pytest.approx(request.ms, abs=1)
        assert found["route"] == request.path.split("?")[0].replace("17", ":id").replace("9", ":id")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"latency": lambda ms: ms}, ["latency"]),
        ({"latency": lambda ms: ms / 1e3}, [{"path": "latency", "unit": "s"}]),
        ({"latency": lambda ms: int(ms * 1e6)}, [{"path": "latency", "unit": "ns"}]),
        ({"duration_us": lambda ms: int(ms * 1e3)}, [{"path": "duration_us", "unit": "us"}]),
        ({"durationMs": lambda ms: ms / 100}, ["durationMs"]),
        ({"elapsedSeconds": lambda ms: round(ms / 20)}, [{"path": "elapsedSeconds", "unit": "s"}]),
        ({"latency": lambda ms: f"{ms * 1e3:.0f}µs"}, ["latency"]),
        # what another field says weighs more than the size
        ({"duration": lambda ms: int(ms * 1e3), "text": lambda ms: f"done in {ms:.1f} ms"}, [{"path": "duration", "unit": "us"}]),
        ({"latency": lambda ms: int(ms * 1e4), "human": lambda ms: f"{ms / 100:.6f}ms"}, [{"path": "latency", "unit": "ns"}]),
    ],
)
def test_units(values: dict[str, Callable[[float], Any]], expected: list[Any]):
    lines = written(lambda r: http(r, **{key: make(r.ms) for key, make in values.items()}))
    assert latency(find({"g": lines})) == expected


@pytest.mark.parametrize(("factor", "kind", "units"), [(0.02, float, {"s", "ms"}), (150, int, {"ms", "us"})])
def test_a_unit_that_cannot_be_told_is_asked_for(factor: float, kind: type, units: set[str]):
    suggestion = find({"g": written(lambda r: http(r, latency=kind(r.ms * factor)))})
    (question,) = suggestion.groups[0].questions
    assert question.field == "latency_ms"
    assert {place.unit for place in question.answers} == units
    assert "latency_ms" not in suggestion.answer.get("event_fields", {})


def test_a_name_that_the_size_speaks_against_is_a_question():
    (question,) = find({"g": written(lambda r: http(r, duration_s=int(r.ms * 5)))}).groups[0].questions
    assert {place.unit for place in question.answers} == {"s", "ms"}


def test_a_logger_decides_where_the_size_does_not():
    lines = written(lambda r: {"level": "info", "ts": r.at.timestamp(), "msg": "x", **http(r, latency=r.ms / 50)})
    assert latency(find({"g": lines})) == [{"path": "latency", "unit": "s"}]


def test_keys_of_a_logger_without_its_form_decide_nothing():
    lines = written(lambda r: {"ts": r.iso, "status": r.status, "method": r.method, "path": r.path, "latency": r.ms / 7})
    assert latency(find({"g": lines})) == ["latency"]


def test_a_few_lines_of_several_loggers():
    lines = [written(slog)[0], written(slog)[1], json.dumps({"at": "2026-10-01T00:00:00Z", "status": 200, "duration": 7})]
    assert find({"g": lines}).is_readable


def test_two_that_cannot_be_told_apart_are_a_question():
    suggestion = find({"g": written(lambda r: http(r, duration_ms=r.ms, elapsed_ms=r.ms * 2 + 5))})
    (question,) = suggestion.groups[0].questions
    assert {place.path for place in question.answers} == {"duration_ms", "elapsed_ms"}


def test_numbers_without_a_name_are_a_question():
    suggestion = find({"g": written(lambda r: http(r, Tt=int(r.ms) + 40))})
    (question,) = suggestion.groups[0].questions
    assert [place.path for place in question.answers] == ["Tt"]


def zap(request: Request) -> dict[str, Any]:
    return {"level": "info", "ts": request.at.timestamp(), "msg": "x", **http(request, duration=request.ms / 1e3)}


def slog(request: Request) -> dict[str, Any]:
    return {"level": "INFO", "msg": "x", **http(request, duration=int(request.ms * 1e6))}


def pino(request: Request) -> dict[str, Any]:
    return {
        "level": 30,
        "time": int(request.at.timestamp() * 1000),
        "req": {"method": request.method, "url": request.path},
        "res": {"statusCode": request.status},
        "responseTime": int(request.ms),
    }


def test_two_loggers_in_one_group():
    (group,) = find({"g": written(slog) + written(pino)}).groups
    assert group.shapes == {"slog": 60, "pino": 60}
    assert [place.entry() for place in group.found["latency_ms"]] == [{"path": "duration", "unit": "ns"}, "responseTime"]
    assert [place.entry() for place in group.found["status_code"]] == ["status", "res.statusCode"]


def test_a_second_logger_is_found_whose_names_say_less():
    """Both in full: the lines of one have keys that say clearly what they are, those of the other do not."""
    serilog = written(
        lambda r: {
            "Timestamp": r.iso,
            "Properties": {"StatusCode": r.status, "Elapsed": r.ms, "RequestMethod": r.method, "RequestPath": r.path},
        }
    )
    gokit = written(
        lambda r: {"ts": r.iso, "caller": "http.go:7", "verb": r.method, "endpoint": r.path, "rc": r.status, "took": f"{r.ms}ms"}
    )
    fields = VARIABLES["default_event_fields"] | find({"g": serilog + gokit}).answer["event_fields"]
    for request, *lines in zip(requests(), serilog, gokit, strict=True):
        for line in lines:
            found = read_line(line, fields)
            assert found and found["event_at"]
            assert (found["status_code"], found["method"]) == (request.status, request.method)
            assert found["latency_ms"] == pytest.approx(request.ms)
            assert found["route"]


def test_the_keys_before_and_after_a_release():
    before = lambda r: {"at": r.iso, "replyStatus": r.status, "replyMillis": r.ms, "callMethod": r.method, "callPath": r.path}  # noqa: E731
    after = lambda r: {"at": r.iso, "web": {"code": r.status, "took_sec": r.ms / 1e3, "op": r.method, "uri": r.path}}  # noqa: E731
    found = find({"g": written(before) + written(after)}).groups[0].found
    assert {place.path for place in found["latency_ms"]} == {"replyMillis", "web.took_sec"}
    assert {place.path for place in found["method"]} == {"callMethod", "web.op"}
    assert {place.path for place in found["path"]} == {"callPath", "web.uri"}


def test_a_call_to_a_dependency_is_no_second_logger():
    def call(r: Request) -> dict[str, Any]:
        return {"time": r.iso, "dep": {"status": r.status, "ms": r.ms, "method": r.method, "url": f"https://x.example{r.path}"}}

    found = find({"g": written(lambda r: http(r, ms=r.ms)) + written(call)}).groups[0].found
    assert [place.path for name in ("status_code", "latency_ms", "method", "path") for place in found[name]] == [
        "status",
        "ms",
        "method",
        "path",
    ]


def test_a_limit_is_no_latency():
    lines = written(lambda r: http(r, spent=f"{r.ms}ms", budget="30s"))
    assert latency(find({"g": lines})) == ["spent"]


def test_the_status_of_a_call_to_somebody_else_makes_no_request():
    calls = written(lambda r: {"time": r.iso, "msg": "payments replied", "reply": {"status": r.status, "ms": r.ms}})
    (group,) = find({"g": written(http) + calls}).groups
    assert [place.path for place in group.found["status_code"]] == ["status"]
    assert "latency_ms" not in group.found
    assert len(find({"g": calls}).groups[0].found["status_code"]) == 1  # where there are no requests, it may be one


def test_two_loggers_that_mean_different_things_by_one_key():
    (group,) = find({"g": written(slog) + written(zap)}).groups
    (question,) = group.questions
    assert {place.unit for place in question.answers} == {"s", "ns"}
    assert "ns on lines of slog" in question.text


def test_groups_that_differ_share_the_paths_of_all():
    own = written(lambda r: {"when": r.iso, "st": {"status": r.status, "took_s": r.ms / 1e3}, "m": r.method, "u": r.path})
    suggestion = find({"/a": written(slog), "/b": written(pino), "/c": own, "/d": ["no JSON"]})
    fields = suggestion.answer["event_fields"]
    assert fields["latency_ms"] == [{"path": "duration", "unit": "ns"}, "responseTime", {"path": "st.took_s", "unit": "s"}]
    assert fields["status_code"] == ["status", "res.statusCode", "st.status"]


def test_groups_that_are_alike_share_one_setting():
    assert find({"/a": written(slog), "/b": written(slog)}).answer == {
        "event_fields": {"latency_ms": [{"path": "duration", "unit": "ns"}]}
    }


def test_a_time_far_from_that_of_cloudwatch_is_another_one():
    lines = written(lambda r: {**http(r), "time": "2019-01-01T00:00:00Z", "logged": {"at": r.iso}})
    front = [f"{request.iso} {line}" for request, line in zip(requests(), lines, strict=True)]
    assert [place.path for place in find({"g": front}).groups[0].found["event_at"]] == ["logged.at"]


def test_what_is_set_already_counts():
    lines = written(lambda r: http(r, latency=r.ms / 1e3))
    assert not find({"g": lines}, VARIABLES | {"event_fields": {"latency_ms": [{"path": "latency", "unit": "s"}]}}).answer


def test_platform_lines_are_no_events():
    own = [json.dumps({"time": "2026-10-01T00:00:00Z", "type": "platform.report", "record": {"metrics": {"durationMs": 3.1}}})]
    (group,) = find({"g": [*own, "START RequestId: 1", "boo", *written(pino)]}).groups
    assert group.rejected == {"lambda_platform_line": 2, "not_json": 1}
    assert group.json_lines == 60
