"""Messages that are no good, and what becomes of each."""

from __future__ import annotations

import json

T = "2026-10-01T12:00:00.000Z "


SQL = "'; drop table fct_events; --\" \\ $$ {{ 1/0 }} %s"


def messages() -> dict[str, tuple[str, object]]:
    """Name -> (line, what becomes of it: the reason of its rejection, or the fields that its event has)."""

    def record(**fields: object) -> str:
        return T + json.dumps({"eventName": "e", **fields})

    return {
        "array": (T + "[1, 2]", "not_an_object"),
        "number": (T + "12", "not_an_object"),
        "string": (T + '"text"', "not_an_object"),
        "null": (T + "null", "not_an_object"),
        "no message": (T, "not_json"),
        "text": (T + "Listening on port 80", "not_json"),
        "half a record": (T + '{"eventName":"searched","statusC', "not_json"),
        "two records": (T + "{} {}", "not_json"),
        "empty line": ("", "continuation_line"),
        "no time": ('{"eventName":"searched"}', "continuation_line"),
        "time of no calendar": ("2026-02-30T12:00:00.000Z {}", "continuation_line"),
        "NUL": (T + '{"eventName":"a\0b"}', "not_json"),
        "escaped NUL": (T + '{"eventName":"a\\u0000b"}', {"event_name": "a\0b"}),
        "line separator": (T + '{"eventName":"a\u2028b\u0085c"}', {"event_name": "a\u2028b\u0085c"}),
        "tab in a string": (T + '{"eventName":"a\tb"}', "not_json"),
        "deep": (record(deep=None).replace("null", "[" * 10_000 + "]" * 10_000), {"event_name": "e"}),
        "deep objects": (T + '{"a":' * 10_000 + "1" + "}" * 10_000, {"event_name": None}),
        "a megabyte": (record(userId="u", text="x" * 1_000_000), {"user_id": "u"}),
        "duplicate keys": (T + '{"userId":"first","userId":"second"}', {"user_id": "first"}),
        "beyond 64 bits": (
            T + '{"userId":123456789012345678901234567890,"statusCode":99999999999999999999,"latencyMs":1e999}',
            {"user_id": "123456789012345678901234567890", "status_code": None, "latency_ms": None},
        ),
        "NaN": (T + '{"latencyMs":NaN,"statusCode":NaN}', {"latency_ms": None, "status_code": None}),
        "status abc": (record(statusCode="abc"), {"status_code": None, "event_name": "e"}),
        "status 99.5": (record(statusCode=200.5), {"status_code": None}),
        "status 700": (record(statusCode=700), {"status_code": None}),
        "status text": (record(statusCode="404"), {"status_code": 404}),
        "negative latency": (record(latencyMs=-1), {"latency_ms": None}),
        "latency with unit": (record(latencyMs="1.5s"), {"latency_ms": 1500}),
        "object where text is": (record(userId={"a": 1}, user_id="u"), {"user_id": "u"}),
        "array where text is": (record(userId=["a"]), {"user_id": None}),
        "braces as text": (record(userId="{u}"), {"user_id": "{u}"}),
        "dash": (record(userId="-", sessionId=""), {"user_id": None, "session_id": None}),
        "1970": (record(timestamp="1970-01-01T00:00:00Z"), "timestamp_out_of_range"),
        "1970 as a number": (record(timestamp=0), "timestamp_out_of_range"),
        "2999": (record(timestamp="2999-01-01T00:00:00Z"), "timestamp_out_of_range"),
        "time that is none": (record(timestamp="yesterday"), "unreadable_timestamp"),
        "time beyond numbers": (record(timestamp=10**40), "unreadable_timestamp"),
        "SQL in every field": (
            record(
                **{key: SQL for key in ("eventName", "userId", "sessionId", "productId", "method", "path", "userAgent", "level")}
            ),
            {"event_name": SQL, "user_id": SQL, "session_id": SQL, "product_id": SQL, "method": None, "route": None},
        ),
        "SQL as own id": (record(eventId=SQL), {"event_name": "e"}),
    }
