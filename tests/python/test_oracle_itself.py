"""The oracle (oracle.py) on cases small enough to check by eye. One test holds one rule; what becomes of a single line is in
tests/rules/."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import date, datetime
from pathlib import Path

import pytest

from helpers import oracle
from helpers.oracle import Config, Tables, compare, compute

DAY = "2026-10-01"
GROUP = "/shop/api"

PATHS = {
    "event_id": ["eventId"],
    "event_at": ["timestamp", "ts"],
    "event_name": ["eventName", "event.name", '"event.name"'],
    "user_id": ["userId"],
    "session_id": ["sessionId"],
    "product_id": ["productId"],
    "status_code": ["statusCode"],
    "method": ["method", "request"],
    "path": ["path", "request"],
    "user_agent": ["userAgent"],
}
FIELDS = {name: [{"path": path, "unit": None} for path in paths] for name, paths in PATHS.items()}
FIELDS["latency_ms"] = [
    {"path": "latencyMs", "unit": None},
    {"path": "seconds", "unit": "s"},
    {"path": "micros", "unit": "us"},
    {"path": "nanos", "unit": "ns"},
]


def catalog_row(event_name: str, status_code: str, route: str, meaning: str, method: str = "") -> dict[str, str]:
    return {"event_name": event_name, "method": method, "status_code": status_code, "route": route, "meaning": meaning}


CATALOG = [
    catalog_row("order_placed", "", "", "purchase"),
    catalog_row("login_failed", "", "", "auth_failure"),
    catalog_row("", "401", "", "auth_failure"),
    catalog_row("", "403", "/login", "auth_failure"),
    catalog_row("logged_in", "", "", "login"),
    catalog_row("viewed", "", "", "product_view"),
    catalog_row("carted", "", "", "add_to_cart"),
    catalog_row("upload_asked", "", "", "upload_requested"),
    catalog_row("upload_done", "", "", "upload_completed"),
    catalog_row("upload_refused", "", "", "upload_rejected"),
]
CONFIG = Config(fields=FIELDS, bot_pattern="bot|crawler", catalog=CATALOG)


class Lake:
    """A lake folder to write exports into."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(
        self,
        task: str,
        lines: list[str] | bytes,
        *,
        stream: str = "s1",
        file: str = "000000.gz",
        day: str = DAY,
    ):
        folder = self.root / "logs" / day.replace("-", "/") / task / stream
        folder.mkdir(parents=True, exist_ok=True)
        content = lines if isinstance(lines, bytes) else "".join(line + "\n" for line in lines).encode()
        (folder / file).write_bytes(gzip.compress(content) if file.endswith(".gz") else content)

    def publish(
        self,
        task: str,
        *,
        day: str = DAY,
        group: str = GROUP,
        at: str = "2026-10-02T12:00:00.500Z",
        size=100,
        **more,
    ):
        folder = self.root / "exports" / day.replace("-", "/")
        folder.mkdir(parents=True, exist_ok=True)
        record = {
            "export_task_id": task,
            "log_group": group,
            "export_date": day,
            "completed_at": at,
            "bytes": size,
        }
        (folder / f"{task}.json").write_text(json.dumps(record | more))

    def export(self, task: str, lines: list[str] | bytes, *, stream: str = "s1", day: str = DAY, **record):
        self.write(task, lines, stream=stream, day=day)
        self.publish(task, day=day, **record)

    def compute(self, **settings) -> Tables:
        return compute(self.root, Config(**{**CONFIG.__dict__, **settings}))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def line(time: str = "12:00:00.000", day: str = DAY, **record) -> str:
    """A log line, as CloudWatch exports it."""
    return f"{day}T{time}Z {json.dumps(record)}"


def at(time: str, day: str = DAY) -> datetime:
    return datetime.fromisoformat(f"{day}T{time}")


def only_event(lake: Lake, message: str, **settings) -> dict:
    lake.export("a", [f"{DAY}T12:00:00.000Z {message}"])
    (event,) = lake.compute(**settings).fct_events
    return event


# --------------------------------------------------------------------------------------------------- the lake


def test_every_column_of_one_request(lake):
    text = line(
        eventName="viewed",
        userId="u",
        sessionId="s",
        productId=7,
        statusCode=200,
        latencyMs=1.5,
        request="get /p/7?x=1 HTTP/1.1",
        userAgent="Firefox",
    )
    lake.export("a", [text])
    tables = lake.compute()
    (event,) = tables.fct_events
    event_id = event.pop("event_id")
    assert event == {
        "event_at": at("12:00"),
        "event_date": date(2026, 10, 1),
        "event_name": "viewed",
        "user_id": "u",
        "session_id": "s",
        "product_id": "7",
        "status_code": 200,
        "latency_ms": 1.5,
        "method": "GET",
        "route": "/p/:id",
        "is_bot": False,
        "log_group": "/shop/api",
        "log_stream": "s1",
        "export_task_id": "a",
        "exported_at": datetime(2026, 10, 2, 12, 0, 0, 500_000),
    }
    assert isinstance(event_id, int)
    assert tables.events == [
        {
            "eventName": "viewed",
            "userId": "u",
            "sessionId": "s",
            "productId": "7",
            "statusCode": 200,
            "latencyMs": 1.5,
            "timestamp": at("12:00"),
        }
    ]
    assert tables.loaded_exports == [
        {
            "export_task_id": "a",
            "log_group": "/shop/api",
            "export_date": date(2026, 10, 1),
            "lines": 1,
            "bytes": 100,
            "exported_at": datetime(2026, 10, 2, 12, 0, 0, 500_000),
        }
    ]


def test_a_task_folder_without_a_record_does_not_exist(lake):
    lake.write("unpublished", [line()])
    lake.export("a", [line(eventName="x")])
    tables = lake.compute()
    assert [event["export_task_id"] for event in tables.fct_events] == ["a"]
    assert [export["export_task_id"] for export in tables.loaded_exports] == ["a"]


def test_an_empty_lake_has_empty_tables(lake):
    assert all(rows == [] for rows in lake.compute().__dict__.values())


def test_the_write_test_object_is_no_log_file(lake):
    lake.publish("a")
    (lake.root / "logs/2026/10/01/a").mkdir(parents=True)
    (lake.root / "logs/2026/10/01/aws-logs-write-test").write_text("Permission Check Successful")
    (lake.root / "logs/2026/10/01/a/aws-logs-write-test").write_text("Permission Check Successful")
    assert lake.compute().loaded_exports[0]["lines"] == 0


def test_all_files_of_a_stream_are_read_gzip_or_not(lake):
    for name in ("000000.gz", "000001.gz", "more.log", "more.jsonl", "more.ndjson"):
        lake.write("a", [line(eventName=name)], file=name)
    lake.publish("a")
    names = {event["event_name"] for event in lake.compute().fct_events}
    assert names == {"000000.gz", "000001.gz", "more.log", "more.jsonl", "more.ndjson"}


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
        (b"a\r\nb\r", [b"a", b"b"]),
        (b"a\r\r\nb\rc", [b"a", b"", b"b", b"c"]),
        ("a\u2028b\x0bc\x85\n".encode(), ["a\u2028b\x0bc\x85".encode()]),  # only \n ends a line
    ],
)
def test_lines_end_at_newlines_only(content, lines):
    assert oracle.split_lines(content) == lines


# --------------------------------------------------------------------------------------------------- identity


def test_the_digest_is_eight_bytes_of_md5_little_endian_halved():
    # Of md5("abc") the first 8 bytes, and the same from the last to the first:
    assert hashlib.md5(b"abc", usedforsecurity=False).hexdigest() == "900150983cd24fb0d6963f7d28e17f72"
    assert oracle.digest("abc") == 0xB04FD23C98500190 >> 1 == 12704604231530709392 // 2 == 6352302115765354696


def test_a_line_is_its_own_identity(lake):
    lake.export("a", [line(eventName="x")])
    md5_begins = {
        b'2026-10-01T12:00:00.000Z {"eventName": "x"}': "5f4984db0f7671a6",
        b"log group /shop/api": "676fd1312c16770e",
        b"log stream s1": "b058e51bcca2e60b",
    }
    for text, begins in md5_begins.items():
        assert hashlib.md5(text, usedforsecurity=False).hexdigest().startswith(begins)
    halves = [int.from_bytes(bytes.fromhex(begins), "little") >> 1 for begins in md5_begins.values()]
    assert lake.compute().fct_events[0]["event_id"] == halves[0] ^ halves[1] ^ halves[2]


def test_the_kth_identical_line_of_a_stream_has_k_in_its_identity(lake):
    lake.write("a", [line(), line()], file="000000.gz")
    lake.write("a", [line()], file="000001.gz")  # k goes on over the files of a stream
    lake.write("a", [line()], stream="s2")  # and starts again in another stream
    lake.publish("a")
    text = "2026-10-01T12:00:00.000Z {}"
    first = oracle.line_digest("/shop/api", "s1", text)
    assert {event["event_id"] for event in lake.compute().fct_events} == {
        first,
        oracle.digest(f"{first}\n2"),
        oracle.digest(f"{first}\n3"),
        oracle.line_digest("/shop/api", "s2", text),
    }


def test_a_day_exported_again_adds_only_what_is_new(lake):
    lake.export("first", [line(), line(), line(eventName="x")])
    lake.export("again", [line(), line(), line(), line(eventName="x")], at="2026-10-03T12:00:00.000Z")
    credited = [event["export_task_id"] for event in lake.compute().fct_events]
    assert sorted(credited) == ["again", "first", "first", "first"]  # a third identical line came late


def test_a_carriage_return_before_the_newline_is_no_part_of_the_line(lake):
    lake.export("a", f"{line()}\r\n".encode())
    lake.export("b", [line()], at="2026-10-03T12:00:00.000Z")
    assert [event["export_task_id"] for event in lake.compute().fct_events] == ["a"]


def test_an_event_id_of_its_own_is_the_identity_in_every_stream_and_group(lake):
    lake.export("b", [line(eventId="e", eventName="copy")], group="/other", at="2026-10-03T12:00:00.000Z")
    lake.export("c", [line(eventId="e", eventName="copy")], stream="s2", at="2026-10-03T12:00:00.000Z")
    lake.export("a", [line("13:00:00.000", eventId="e", eventName="first export")])
    (event,) = lake.compute().fct_events
    assert (event["event_name"], event["event_at"]) == ("first export", at("13:00"))
    assert event["event_id"] == oracle.digest("\ne")


def test_of_exports_completed_at_the_same_time_the_lower_task_id_is_credited(lake):
    lake.export("b", [line(eventId="e", eventName="b")])
    lake.export("a", [line("13:00:00.000", eventId="e", eventName="a")])
    assert [event["event_name"] for event in lake.compute().fct_events] == ["a"]


def test_within_an_export_the_earliest_copy_is_kept_and_then_the_lower_digest(lake):
    early, late = line(eventId="e", eventName="early"), line("12:00:00.001", eventId="e", eventName="late")
    lake.export("a", [late, early])
    assert [event["event_name"] for event in lake.compute().fct_events] == ["early"]

    lines = [line(eventId="e", eventName=name) for name in "xyz"]
    lake.export("a", lines)
    lowest = min(lines, key=lambda text: oracle.line_digest("/shop/api", "s1", text))
    (event,) = lake.compute().fct_events
    assert f'"{event["event_name"]}"' in lowest


@pytest.mark.parametrize(
    ("timestamps", "kept"),
    [
        (["2026-10-01T00:00", "2026-10-02T00:00"], ["2026-10-01T00:00"]),  # exactly one day: copies
        (
            ["2026-10-01T00:00", "2026-10-02T00:00:00.000001"],
            ["2026-10-01T00:00", "2026-10-02T00:00:00.000001"],
        ),
        (
            ["2026-10-01T00:00", "2026-10-01T20:00", "2026-10-02T16:00"],
            ["2026-10-01T00:00"],
        ),  # no gap of a day
    ],
)
def test_the_same_event_id_after_the_horizon_is_another_event(lake, timestamps, kept):
    lake.export("a", [line(eventId="e", timestamp=timestamp) for timestamp in timestamps])
    assert [event["event_at"] for event in lake.compute().fct_events] == [*map(datetime.fromisoformat, kept)]


def test_the_horizon_can_be_configured(lake):
    lake.export("a", [line(eventId="e", timestamp=t) for t in ("2026-10-01T00:00", "2026-10-03T00:00")])
    assert len(lake.compute(dedupe_horizon_days=2).fct_events) == 1
    assert len(lake.compute(dedupe_horizon_days=1).fct_events) == 2


def test_rejected_lines_keep_the_digest_of_their_line_and_the_earliest_export(lake):
    text = line(eventId="e", timestamp="soon")
    lake.export("later", [text, text], at="2026-10-03T12:00:00.000Z")
    lake.export("first", [text])
    rejected = {row["line_id"]: row for row in lake.compute().rejected_log_lines}
    first = oracle.line_digest("/shop/api", "s1", text)
    assert {line_id: row["export_task_id"] for line_id, row in rejected.items()} == {
        first: "first",
        oracle.digest(f"{first}\n2"): "later",
    }
    assert rejected[first] == {
        "line_id": first,
        "logged_at": at("12:00"),
        "line_at": at("12:00"),
        "line": text,
        "reason": "unreadable_timestamp",
        "log_group": "/shop/api",
        "log_stream": "s1",
        "export_task_id": "first",
        "exported_at": datetime(2026, 10, 2, 12, 0, 0, 500_000),
    }


@pytest.mark.parametrize(("text", "line_format"), [("  at frame (shop.js:7)", "cloudwatch"), ("Listening", "plain")])
def test_a_rejected_line_without_a_time_belongs_to_its_exported_day(lake, text, line_format):
    lake.export("a", [text, text], line_format=line_format)
    lake.export("a again", [text, text], line_format=line_format, at="2026-10-03T12:00:00.000Z")
    lake.export("b", [text], day="2026-10-02", line_format=line_format)
    of_line = oracle.line_digest("/shop/api", "s1", text)
    first, second = oracle.digest(f"{of_line}\n2026-10-01"), oracle.digest(f"{of_line}\n2026-10-02")
    rejected = {row["line_id"]: row for row in lake.compute().rejected_log_lines}
    assert {line_id: (row["export_task_id"], row["logged_at"], row["line_at"]) for line_id, row in rejected.items()} == {
        first: ("a", None, datetime(2026, 10, 1)),
        oracle.digest(f"{first}\n2"): ("a", None, datetime(2026, 10, 1)),
        second: ("b", None, datetime(2026, 10, 2)),
    }


def test_an_event_without_a_cloudwatch_time_has_the_digest_of_its_line(lake):
    text = '{"ts": 1790812800}'
    for day in ("2026-10-01", "2026-10-02"):
        lake.export(day, [text], day=day, line_format="plain")
    assert [event["event_id"] for event in lake.compute().fct_events] == [oracle.line_digest("/shop/api", "s1", text)]


# ---------------------------------------------------- from line to event: what the cases of tests/rules/ leave


def test_how_far_a_timestamp_may_be_from_the_log_time_can_be_configured(lake):
    lake.export("a", [line(timestamp="2026-10-03T12:00:00Z")])
    assert len(lake.compute(max_days_from_log_time=2).fct_events) == 1
    assert lake.compute(max_days_from_log_time=1.9).fct_events == []


def test_a_number_may_have_any_number_of_digits(lake):
    assert only_event(lake, f'{{"userId": {"9" * 5000}}}')["user_id"] == "9" * 5000


def test_dots_descend_except_in_double_quotes():
    assert oracle.keys_of("a.b-c.@t") == ("a", "b-c", "@t")
    assert oracle.keys_of('"a.b"') == ("a.b",)
    assert oracle.keys_of('x."a.b".c') == ("x", "a.b", "c")


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_json_may_be_nested_ten_thousand_levels_deep(lake, opening, closing):
    deep = opening * 10_000 + "1" + closing * 10_000
    assert only_event(lake, f'{{"x": {deep}, "userId": "u"}}')["user_id"] == "u"
    lake.export("a", [f'{DAY}T12:00:00.000Z {{"x": {deep[:-1]}, "userId": "u"}}'])
    assert [row["reason"] for row in lake.compute().rejected_log_lines] == ["not_json"]


@pytest.mark.parametrize(
    "text",
    [
        "{}", "[]", " [ ] ", '{"a":1,"b":[true,false,null,{}],"a":2}', '"x\\n"', "-0.5e-3",
        '{"a":{"b":[[],[1,[2]]]}}', "", " ", "{", "]", "[1", "[1,]", "[,1]", "[1 2]", '{"a"}', '{"a":}',
        '{"a":1,}',
        "{1:2}", '{"a":1 "b":2}', "{]", "[}", "1 2", "[]]", "01", "1.", "-", "+1", "tru", "truee", "'a'",
        '"a', '"\t"',
        '{"a":1}}', "[1,2]x", "\ufeff{}", "\x0b{}", '{"a"::1}', '[":"]', '{"a",1}', "[1:2]",
    ],
)  # fmt: skip
def test_the_parser_for_deep_json_agrees_with_the_one_of_python(text):
    def outcome(parse):
        try:
            return parse(text)
        except ValueError:
            return "not JSON"

    assert outcome(oracle.parse_deep_json) == outcome(oracle.DECODER.decode)


@pytest.mark.parametrize(("path", "latency_ms"), [("latencyMs", 2000.0), ("seconds", 2e6), ("micros", 2.0), ("nanos", 0.002)])
def test_a_latency_has_the_unit_of_its_path(lake, path, latency_ms):
    assert only_event(lake, f'{{"{path}": 2000}}')["latency_ms"] == pytest.approx(latency_ms)


# ------------------------------------------------------------------------------------------------------ marts


def test_daily_events_counts_users_and_sessions_once_and_no_bots(lake):
    lake.export("a", [
        line("00:00:00.000", eventName="x", userId="u1", sessionId="s1"),
        line("23:59:59.999", eventName="x", userId="u1", sessionId="s2"),
        line(eventName="x", userId="u2"),
        line(eventName="x", userId="bot", userAgent="bot"),
        line(),
    ])  # fmt: skip
    day = date(2026, 10, 1)
    assert lake.compute().daily_events == [
        {"event_date": day, "event_name": "(none)", "events": 1, "users": 0, "sessions": 0},
        {"event_date": day, "event_name": "x", "events": 3, "users": 2, "sessions": 2},
    ]


def test_days_and_hours_are_those_of_the_reporting_timezone(lake):
    lake.export("a", [
        line("23:30:00.000", eventName="x", statusCode=200),
        line("23:30:00.000", eventName="viewed", productId="p", userId="u"),
        line("23:30:00.000", eventName="login_failed"),
        line("23:30:00.000", eventName="upload_asked"),
    ])  # fmt: skip
    tables = lake.compute(reporting_timezone="Asia/Kolkata", funnels=BUY)  # 5 h 30 min ahead
    assert tables.fct_events[0]["event_date"] == date(2026, 10, 1)
    assert tables.daily_events[0]["event_date"] == date(2026, 10, 2)
    assert tables.daily_endpoint_reliability[0]["event_date"] == date(2026, 10, 2)
    assert tables.hourly_reliability[0]["event_hour"] == datetime(2026, 10, 2, 5)
    assert tables.daily_funnel[0]["event_date"] == date(2026, 10, 2)
    assert tables.daily_product_performance[0]["event_date"] == date(2026, 10, 2)
    assert tables.daily_active_users[0]["event_date"] == date(2026, 10, 2)
    assert tables.daily_auth_failures[0]["event_date"] == date(2026, 10, 2)
    assert tables.daily_uploads[0]["event_date"] == date(2026, 10, 2)


def test_the_hour_that_comes_twice_is_one_hour(lake):
    # In Berlin the clocks went from 03:00 back to 02:00 at 01:00 UTC on 25 October 2026.
    day = "2026-10-25"
    lake.export("a", [line(time, day, statusCode=200) for time in ("00:30:00.000", "01:30:00.000")], day=day)
    (row,) = lake.compute(reporting_timezone="Europe/Berlin").hourly_reliability
    assert (row["event_hour"], row["requests"]) == (datetime(2026, 10, 25, 2), 2)


def test_endpoints_count_requests_of_bots_too(lake):
    lake.export("a", [
        line(method="get", path="/p/1", statusCode=200, latencyMs=10),
        line(method="get", path="/p/2", statusCode=404, latencyMs=20, userAgent="bot"),
        line(method="get", path="/p/3", statusCode=503),
        line(method="get", path="/p/4", statusCode=500, latencyMs=30),
        line(method="get", path="/p/5", latencyMs=1000),  # no status code: no request
        line(statusCode=302),
    ])  # fmt: skip
    none, products = lake.compute().daily_endpoint_reliability
    assert products == {
        "event_date": date(2026, 10, 1),
        "method": "GET",
        "route": "/p/:id",
        "requests": 4,
        "client_errors": 1,
        "server_errors": 2,
        "server_error_rate": 0.5,
        "latency_p50_ms": 20.0,
        "latency_p95_ms": pytest.approx(29.0),
        "latency_p99_ms": pytest.approx(29.8),
    }
    assert none == {
        "event_date": date(2026, 10, 1),
        "method": "(none)",
        "route": "(none)",
        "requests": 1,
        "client_errors": 0,
        "server_errors": 0,
        "server_error_rate": 0.0,
        "latency_p50_ms": None,
        "latency_p95_ms": None,
        "latency_p99_ms": None,
    }


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        ([], 0.5, None), ([7.0], 0.99, 7.0), ([2.0, 1.0], 0.5, 1.5), ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([0.0, 10.0], 0.95, 9.5), ([float(n) for n in range(101)], 0.95, 95.0),
        ([1.0, 2.0, 3.0, 4.0, 10.0], 0.99, 9.76),
    ],
)  # fmt: skip
def test_percentiles_are_interpolated(values, fraction, expected):
    assert oracle.percentile(values, fraction) == (expected if expected is None else pytest.approx(expected))


def test_hours_have_a_row_for_requests_and_for_auth_failures(lake):
    lake.export("a", [
        line("08:00:00.000", statusCode=200, latencyMs=10),
        line("08:59:59.999", statusCode=401, latencyMs=20, userAgent="bot"),
        line("08:30:00.000", statusCode=403, path="/login"),
        line("08:30:00.000", statusCode=403, path="/orders"),  # 403 fails to authenticate only at /login
        line("08:30:00.000", statusCode=500),
        line("09:00:00.000", eventName="login_failed", latencyMs=99),
        line("10:00:00.000", eventName="page_viewed"),  # neither
        line("11:00:00.000", eventName="login_failed", statusCode=401),  # two catalog rows, one failure
    ])  # fmt: skip
    rows = lake.compute().hourly_reliability
    assert [tuple(row.values()) for row in rows] == [
        (at("08:00"), 5, 3, 1, 2, pytest.approx(19.5)),
        (at("09:00"), 0, 0, 0, 1, None),
        (at("11:00"), 1, 1, 0, 1, None),
    ]
    assert [*rows[0]] == [
        "event_hour",
        "requests",
        "client_errors",
        "server_errors",
        "auth_failures",
        "latency_p95_ms",
    ]


def test_a_session_by_id_goes_on_whatever_the_gaps_and_its_user_may_log_in_late(lake):
    lake.export("a", [
        line("08:00:00.000", sessionId="s", eventName="landed"),
        line("08:00:01.000", sessionId="s", userId="bot", userAgent="bot"),
        line("12:00:00.000", sessionId="s", eventName="logged_in", userId="u1", statusCode=200),
        line("13:00:00.000", sessionId="s", eventName="order_placed", userId="u2", statusCode=502),
        line("14:00:00.500", sessionId="s", userId="u1"),
    ])  # fmt: skip
    assert lake.compute().sessions == [
        {
            "event_date": date(2026, 10, 1),
            "session_id": "s",
            "user_id": "u1",
            "started_at": at("08:00"),
            "ended_at": at("14:00:00.5"),
            "duration_seconds": 21600.5,
            "events": 4,
            "requests": 2,
            "server_errors": 1,
            "entry_event": "landed",
            "exit_event": "(none)",
            "converted": True,
        }
    ]


@pytest.mark.parametrize(
    ("second", "session_ids"),
    [
        ("2026-10-01T08:30:00", ["u@2026-10-01T08:00:00.000000Z"]),
        ("2026-10-01T08:30:00.000001", ["u@2026-10-01T08:00:00.000000Z", "u@2026-10-01T08:30:00.000001Z"]),
    ],
)
def test_a_session_by_user_ends_at_a_gap_of_more_than_30_minutes(lake, second, session_ids):
    lake.export("a", [line(userId="u", timestamp=timestamp) for timestamp in ("2026-10-01T08:00:00", second)])
    assert [row["session_id"] for row in lake.compute().sessions] == session_ids


def test_sessions_by_user_are_apart_from_other_users_and_from_sessions_by_id(lake):
    lake.export("a", [
        line("08:00:00.000", userId="u1"),
        line("08:20:00.000", userId="u1", sessionId="s"),
        line("08:40:00.000", userId="u1"),  # 40 minutes after the last one without a session id
        line("08:00:00.000", userId="u2"),
        line("08:10:00.000"),  # nobody's
    ])  # fmt: skip
    assert [(row["session_id"], row["user_id"], row["events"]) for row in lake.compute().sessions] == [
        ("s", "u1", 1),
        ("u1@2026-10-01T08:00:00.000000Z", "u1", 1),
        ("u1@2026-10-01T08:40:00.000000Z", "u1", 1),
        ("u2@2026-10-01T08:00:00.000000Z", "u2", 1),
    ]
    assert len(lake.compute(session_gap_minutes=40).sessions) == 3


def test_entry_and_exit_of_events_at_the_same_time_go_by_event_id(lake):
    names = sorted("abc", key=lambda name: oracle.digest(f"\n{name}"))
    lake.export("a", [line(sessionId="s", eventId=name, eventName=name, userId=name) for name in "abc"])
    (row,) = lake.compute().sessions
    assert (row["entry_event"], row["exit_event"], row["user_id"]) == (names[0], names[2], names[0])


def funnel(name: str, *event_names: str) -> list[dict[str, str]]:
    return [
        {"funnel": name, "step_number": str(number), "event_name": event_name}
        for number, event_name in enumerate(event_names, start=1)
    ]


BUY = funnel("buy", "viewed", "carted", "order_placed")


def session_of(names: str, session_id: str = "s", day: str = DAY) -> list[str]:
    """The lines of a session with one event a minute, from noon on."""
    return [
        line(f"12:{minute:02}:00.000", day, sessionId=session_id, eventName=name) for minute, name in enumerate(names.split())
    ]


def sessions_by_step(rows: list[dict]) -> list[int]:
    return [row["sessions"] for row in rows]


@pytest.mark.parametrize(
    ("names", "sessions"),
    [
        ("viewed carted order_placed", [1, 1, 1]),
        ("viewed carted", [1, 1, 0]),
        ("landed viewed searched carted landed order_placed left", [1, 1, 1]),  # others between do not matter
        ("viewed viewed carted carted order_placed order_placed", [1, 1, 1]),  # nor steps that come again
        ("order_placed carted viewed", [1, 0, 0]),  # the wrong way round
        ("viewed order_placed carted", [1, 1, 0]),
        ("carted viewed order_placed", [1, 0, 0]),
        ("order_placed viewed carted viewed order_placed", [1, 1, 1]),
        ("carted order_placed", []),  # nobody began
        ("landed", []),
    ],
)
def test_a_session_goes_through_a_funnel_step_by_step(lake, names, sessions):
    lake.export("a", session_of(names))
    assert sessions_by_step(lake.compute(funnels=BUY).daily_funnel) == sessions


@pytest.mark.parametrize(
    ("names", "sessions"),
    [
        ("viewed", [1, 0, 0]),
        ("viewed carted", [1, 0, 0]),
        ("viewed viewed", [1, 1, 0]),
        ("viewed carted viewed", [1, 1, 0]),
        ("viewed viewed carted", [1, 1, 1]),
    ],
)
def test_an_event_is_one_step_where_two_steps_have_its_name(lake, names, sessions):
    lake.export("a", session_of(names))
    assert sessions_by_step(lake.compute(funnels=funnel("twice", "viewed", "viewed", "carted")).daily_funnel) == sessions


def test_a_funnel_has_every_step_with_its_rates(lake):
    lake.export("a", [
        *session_of("viewed carted", "s1"),
        *session_of("viewed carted", "s2"),
        *session_of("viewed", "s3"),
        *session_of("viewed landed", "s4"),
        *session_of("landed", "s5"),
    ])  # fmt: skip
    rows = lake.compute(funnels=funnel("long", "viewed", "carted", "paid", "shipped")).daily_funnel
    day = date(2026, 10, 1)
    assert [tuple(row.values()) for row in rows] == [
        (day, "long", 1, "viewed", 4, None, 1.0),
        (day, "long", 2, "carted", 2, 0.5, 0.5),
        (day, "long", 3, "paid", 0, 0.0, 0.0),
        (day, "long", 4, "shipped", 0, None, 0.0),
    ]
    assert [*rows[0]] == [
        "event_date",
        "funnel",
        "step_number",
        "event_name",
        "sessions",
        "rate_from_previous",
        "rate_from_first",
    ]


def test_funnels_have_rows_only_on_days_on_which_a_session_began_them(lake):
    lake.export("a", [
        *session_of("viewed logged_in", "s1", "2026-10-01"),
        *session_of("logged_in", "s2", "2026-10-02"),
        *session_of("carted", "s3", "2026-10-03"),
    ])  # fmt: skip
    rows = lake.compute(funnels=[*funnel("see", "viewed", "carted"), *funnel("log in", "logged_in")]).daily_funnel
    assert [(row["event_date"].day, row["funnel"], row["event_name"], row["sessions"]) for row in rows] == [
        (1, "log in", "logged_in", 1),
        (1, "see", "viewed", 1),
        (1, "see", "carted", 0),
        (2, "log in", "logged_in", 1),
    ]
    assert lake.compute(funnels=[]).daily_funnel == []


def test_the_steps_of_a_funnel_go_by_their_number(lake):
    lake.export("a", session_of("a b c d e f g h i j"))
    tables = lake.compute(funnels=funnel("ten", *"abcdefghij")[::-1])
    assert [(row["step_number"], row["event_name"], row["sessions"]) for row in tables.daily_funnel] == [
        (number, name, 1) for number, name in enumerate("abcdefghij", start=1)
    ]


def test_a_session_over_midnight_counts_on_the_day_of_its_first_event(lake):
    lake.export("a", [
        line("18:29:59.999", sessionId="before", eventName="landed"),  # no step, 23:59:59.999 in Kolkata
        line("18:30:00.000", sessionId="before", eventName="viewed"),
        line("18:30:00.000", sessionId="after", eventName="viewed"),
        line("18:31:00.000", sessionId="after", eventName="carted"),
        line("09:00:00.000", "2026-10-09", sessionId="before", eventName="carted"),  # the same session, much later
    ])  # fmt: skip
    steps = funnel("cart", "viewed", "carted")
    assert [(row["event_date"].day, row["sessions"]) for row in lake.compute(funnels=steps).daily_funnel] == [(1, 2), (1, 2)]
    rows = lake.compute(funnels=steps, reporting_timezone="Asia/Kolkata").daily_funnel
    assert [(row["event_date"].day, row["sessions"]) for row in rows] == [(1, 1), (1, 1), (2, 1), (2, 1)]


def test_sessions_by_user_go_through_a_funnel_each_on_its_own(lake):
    lake.export("a", [
        line("08:00:00.000", userId="u", eventName="viewed"),
        line("08:30:00.000", userId="u", eventName="carted"),
        line("09:00:00.001", userId="u", eventName="order_placed"),  # another session
        line("08:40:00.000", userId="u", sessionId="s", eventName="order_placed"),  # and one by id
        line("08:00:00.000", userId="v", eventName="viewed"),
        line("08:00:00.000", eventName="viewed"),  # nobody's
    ])  # fmt: skip
    assert sessions_by_step(lake.compute(funnels=BUY).daily_funnel) == [2, 1, 0]
    assert sessions_by_step(lake.compute(funnels=BUY, session_gap_minutes=31).daily_funnel) == [2, 1, 1]


def test_bots_neither_begin_a_session_nor_take_a_step(lake):
    lake.export("a", [
        line(day="2026-09-30", sessionId="s", eventName="viewed", userAgent="bot"),
        *session_of("viewed landed order_placed"),
        line("12:01:30.000", sessionId="s", eventName="carted", userAgent="bot"),
        line(sessionId="bot", eventName="viewed", userAgent="bot"),
    ])  # fmt: skip
    rows = lake.compute(funnels=BUY).daily_funnel
    assert [(row["event_date"].day, row["sessions"]) for row in rows] == [(1, 1), (1, 0), (1, 0)]


def test_steps_at_the_same_time_go_by_event_id(lake):
    names = sorted("abc", key=lambda name: oracle.digest(f"\n{name}"))
    lake.export("a", [line(sessionId="s", eventId=name, eventName=name) for name in "abc"])
    assert sessions_by_step(lake.compute(funnels=funnel("f", *names)).daily_funnel) == [1, 1, 1]
    assert sessions_by_step(lake.compute(funnels=funnel("f", *names[::-1])).daily_funnel) == [1, 0, 0]


def test_products_have_a_row_for_a_view_a_cart_or_a_purchase(lake):
    lake.export("a", [
        *[line(productId="p1", eventName="viewed") for _ in range(4)],
        line(productId="p1", eventName="viewed", userAgent="bot"),
        line(productId="p1", eventName="carted"),
        line(productId="p1", eventName="carted"),
        line(productId="p1", eventName="order_placed"),
        line(productId="bought unseen", eventName="order_placed"),
        line(productId="carted unseen", eventName="carted"),
        line(productId="seen", eventName="viewed"),
        line(productId="searched", eventName="searched"),  # none of the three
        line(productId="for bots", eventName="viewed", userAgent="bot"),
        line(eventName="viewed"),  # of no product
        line(day="2026-10-02", productId="p1", eventName="viewed"),
        line(day="2026-10-02", productId="p1", eventName="order_placed"),
        line(day="2026-10-02", productId="p1", eventName="order_placed"),
    ])  # fmt: skip
    first, second = date(2026, 10, 1), date(2026, 10, 2)
    rows = lake.compute().daily_product_performance
    assert [tuple(row.values()) for row in rows] == [
        (first, "bought unseen", 0, 0, 1, None),
        (first, "carted unseen", 0, 1, 0, None),
        (first, "p1", 4, 2, 1, 0.25),
        (first, "seen", 1, 0, 0, 0.0),
        (second, "p1", 1, 0, 2, 2.0),
    ]
    assert [*rows[0]] == ["event_date", "product_id", "views", "add_to_carts", "purchases", "purchase_rate"]


BLANK = {"event_name": "", "status_code": "", "route": "", "method": ""}


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        # more conditions
        ({"event_name": "x", "route": "/a", "method": "GET"}, {"event_name": "x", "status_code": "200"}),
        ({"route": "/a", "method": "GET"}, {"status_code": "200"}),
        ({"method": "GET"}, {}),
        # equally many: status_code, then event_name, then route, then method
        ({"status_code": "200"}, {"event_name": "x"}),
        ({"event_name": "x"}, {"route": "/a"}),
        ({"route": "/a"}, {"method": "GET"}),
        ({"status_code": "200", "method": "GET"}, {"event_name": "x", "route": "/a"}),
        ({"status_code": "200", "route": "/a"}, {"status_code": "200", "method": "GET"}),
        ({"event_name": "x", "method": "GET"}, {"route": "/a", "method": "GET"}),
    ],
)
def test_an_event_means_what_its_most_specific_catalog_row_says(stronger, weaker):
    event = {"event_name": "x", "status_code": 200, "route": "/a", "method": "GET"}
    rows = [catalog_row(**BLANK | stronger, meaning="stronger"), catalog_row(**BLANK | weaker, meaning="weaker")]
    assert [oracle.meanings_of(catalog)(event) for catalog in (rows, rows[::-1])] == ["stronger", "stronger"]


@pytest.mark.parametrize(
    "condition",
    [{"event_name": "y"}, {"event_name": "X"}, {"status_code": "201"}, {"route": "/a/"}, {"method": "POST"}],
)
def test_a_catalog_row_fits_where_all_its_conditions_do(condition):
    meaning_of = oracle.meanings_of([catalog_row(**BLANK | {"event_name": "x"} | condition, meaning="other")])
    event = {"event_name": "x", "status_code": 200, "route": "/a", "method": "GET"}
    assert meaning_of(event) is None
    assert meaning_of(event | dict.fromkeys(condition)) is None  # a condition never fits null


def test_a_catalog_without_the_column_method_is_read_too():
    meaning_of = oracle.meanings_of([{"event_name": "x", "status_code": "", "route": "", "meaning": "search"}])
    assert meaning_of({"event_name": "x", "status_code": None, "route": None, "method": "GET"}) == "search"


def test_every_mart_goes_by_the_one_meaning_of_an_event(lake):
    event = {"sessionId": "s", "productId": "p", "path": "/buy", "method": "POST", "statusCode": 401}
    lake.export("a", [line(eventName="order_placed", **event), line(eventName="upload_done", **event)])
    catalog = [*CATALOG, catalog_row("order_placed", "401", "", "login"), catalog_row("", "401", "/buy", "upload_requested")]
    tables = lake.compute(catalog=catalog)
    # the first is a login alone, by its status and name; the second, by its status and route, an upload_requested alone
    assert [row["converted"] for row in tables.sessions] == [False]
    assert tables.daily_product_performance == []
    assert [row["auth_failures"] for row in tables.hourly_reliability] == [0]
    assert [(row["attempts"], row["failures"]) for row in tables.daily_auth_failures] == [(2, 0)]
    assert [tuple(row.values())[1:] for row in tables.daily_uploads] == [(1, 0, 0)]


def test_users_are_active_in_windows_of_1_7_and_30_days(lake):
    lake.export("a", [line(day="2026-10-01", userId="once")])
    for day in ("2026-10-07", "2026-10-08", "2026-10-30", "2026-10-31"):
        lake.export(day, [line(day=day, userId="again")])
    rows = lake.compute().daily_active_users
    assert [tuple(row.values()) for row in rows] == [
        (date(2026, 10, 1), 1, 1, 1, 1.0),
        (date(2026, 10, 7), 1, 2, 2, 0.5),  # 1 October is 6 days before
        (date(2026, 10, 8), 1, 1, 2, 0.5),
        (date(2026, 10, 30), 1, 1, 2, 0.5),  # and 29 days before
        (date(2026, 10, 31), 1, 1, 1, 1.0),
    ]
    assert [*rows[0]] == ["event_date", "daily_active_users", "weekly_active_users", "monthly_active_users", "stickiness"]


def test_an_active_user_counts_once_and_bots_and_unknown_users_do_not(lake):
    lake.export("a", [
        line("00:00:00.000", userId="u1"),
        line("23:59:59.999", userId="u1"),
        line(userId="u2"),
        line(userId="u3", userAgent="bot"),
        line(),
        line(day="2026-10-02", userId="u1"),
        line(day="2026-10-03", userId="u3", userAgent="bot"),
        line(day="2026-10-03", sessionId="s"),
    ])  # fmt: skip
    assert [tuple(row.values()) for row in lake.compute().daily_active_users] == [
        (date(2026, 10, 1), 2, 2, 2, 1.0),
        (date(2026, 10, 2), 1, 2, 2, 0.5),
    ]


def test_cohorts_have_a_row_for_every_week_in_which_anybody_was_active(lake):
    # 28 September and 5, 12, 19 October 2026 are Mondays.
    lake.export("a", [
        line(day="2026-10-01", userId="a"),
        line(day="2026-10-02", userId="a"),
        line(day="2026-10-04", userId="b"),
        line(day="2026-10-05", userId="b"),
        line(day="2026-10-11", userId="c"),
        line(day="2026-10-11", userId="robot", userAgent="bot"),
        line(day="2026-10-12", userId="b", userAgent="bot"),  # a week without anybody
        line(day="2026-10-12"),
        line(day="2026-10-25", userId="a"),
    ])  # fmt: skip
    september, october = date(2026, 9, 28), date(2026, 10, 5)
    rows = lake.compute().weekly_user_retention
    assert [tuple(row.values()) for row in rows] == [
        (september, 0, 2, 2, 1.0),
        (september, 1, 2, 1, 0.5),
        (september, 3, 2, 1, 0.5),
        (october, 0, 1, 1, 1.0),
        (october, 2, 1, 0, 0.0),  # only a, of another cohort
    ]
    assert [*rows[0]] == ["cohort_week", "week_number", "cohort_users", "active_users", "retention_rate"]


@pytest.mark.parametrize(
    ("zone", "last_of_sunday", "first_of_monday"),
    [
        ("UTC", "2026-10-04T23:59:59.999Z", "2026-10-05T00:00:00Z"),
        ("Asia/Kolkata", "2026-10-04T18:29:59.999Z", "2026-10-04T18:30:00Z"),
        ("America/New_York", "2026-10-05T03:59:59.999Z", "2026-10-05T04:00:00Z"),
    ],
)
def test_weeks_begin_on_monday_in_the_reporting_timezone(lake, zone, last_of_sunday, first_of_monday):
    lake.export("a", [line(userId="u", timestamp=last_of_sunday), line(userId="v", timestamp=first_of_monday)])
    rows = lake.compute(reporting_timezone=zone).weekly_user_retention
    assert [(row["cohort_week"], row["week_number"], row["active_users"]) for row in rows] == [
        (date(2026, 9, 28), 0, 1),
        (date(2026, 9, 28), 1, 0),
        (date(2026, 10, 5), 0, 1),
    ]


def test_weeks_are_counted_over_the_end_of_a_year(lake):
    lake.export("a", [line(day=day, userId="u") for day in ("2026-12-28", "2027-01-03", "2027-01-04")])
    assert [(row["cohort_week"], row["week_number"]) for row in lake.compute().weekly_user_retention] == [
        (date(2026, 12, 28), 0),
        (date(2026, 12, 28), 1),
    ]


def test_endpoints_have_a_row_for_a_login_or_an_auth_failure(lake):
    login = {"method": "POST", "path": "/login"}
    lake.export("a", [
        line(**login, eventName="logged_in", statusCode=200, userId="u1"),
        line(**login, eventName="logged_in", userId="u1"),
        line(**login, eventName="login_failed", statusCode=401, userId="u2"),  # two catalog rows fit
        line(**login, eventName="login_failed", statusCode=401, userId="u2"),
        line(**login, statusCode=403, userId="u3", userAgent="bot"),
        line(**login, eventName="login_failed"),
        line(**login, eventName="logged_in", statusCode=401),  # a failure: the status weighs more than the name
        line(**login, statusCode=200, userId="u4"),  # a request
        line(**login, eventName="searched"),  # neither
        line(method="GET", path="/orders", statusCode=403, userId="u5"),  # only requests
        line(method="GET", path="/users/1", statusCode=401, userId="u6"),
        line(method="GET", path="/users/2", statusCode=401, userId="u6"),
        line(method="GET", path="/users/3", statusCode=404, userId="u7"),
        line(method="PUT", path="/login", eventName="logged_in", userId="u8"),
        line(eventName="login_failed", userId="u9"),
        line(statusCode=500),
        line(statusCode=500, day="2026-10-02"),
        line(eventName="login_failed", userId="u9", day="2026-10-03"),
    ])  # fmt: skip
    day = date(2026, 10, 1)
    rows = lake.compute().daily_auth_failures
    assert [tuple(row.values()) for row in rows] == [
        (day, "(none)", "(none)", 2, 1, 1, 0.5),
        (day, "GET", "/users/:id", 3, 2, 1, pytest.approx(2 / 3)),
        (day, "POST", "/login", 8, 5, 2, 0.625),
        (day, "PUT", "/login", 1, 0, 0, 0.0),
        (date(2026, 10, 3), "(none)", "(none)", 1, 1, 1, 1.0),
    ]
    assert [*rows[0]] == ["event_date", "method", "route", "attempts", "failures", "users", "failure_rate"]


def test_uploads_are_counted_by_day_with_those_of_bots(lake):
    lake.export("a", [
        line(eventName="upload_asked"),
        line(eventName="upload_asked", userId="u"),
        line(eventName="upload_asked", userAgent="bot"),
        line(eventName="upload_done"),
        line(eventName="upload_done"),
        line(eventName="upload_refused", statusCode=413),
        line(eventName="searched"),
        line(day="2026-10-02", eventName="searched"),  # a day without any
        line(day="2026-10-03", eventName="upload_refused"),
        line(day="2026-10-04", eventName="upload_done"),
        line(day="2026-10-05", eventName="upload_asked"),
    ])  # fmt: skip
    rows = lake.compute().daily_uploads
    assert [tuple(row.values()) for row in rows] == [
        (date(2026, 10, 1), 3, 2, 1),
        (date(2026, 10, 3), 0, 0, 1),
        (date(2026, 10, 4), 0, 1, 0),
        (date(2026, 10, 5), 1, 0, 0),
    ]
    assert [*rows[0]] == ["event_date", "uploads_requested", "uploads_completed", "uploads_rejected"]


def test_export_health_counts_each_line_once(lake):
    lake.export("a", [line(eventName="x"), line(eventId="e"), line(eventId="e"), "continued"], size=10)
    lake.export("b", [line(eventName="x"), line(eventName="new")], size=5, at="2026-10-03T00:00:00.000Z")
    assert lake.compute().export_health == [
        {
            "event_date": date(2026, 10, 1),
            "log_group": GROUP,
            "exports": 2,
            "lines": 6,
            "events": 3,  # x, e, new
            "rejected": 1,
            "duplicates": 2,  # e once more in a, x once more in b
            "bytes": 15,
            "exported_at": datetime(2026, 10, 2, 12, 0, 0, 500_000),
            "lag_hours": pytest.approx(12 + 0.5 / 3600),
            "status": "ok",
        }
    ]


def test_export_health_statuses(lake):
    lake.export("ok", [line(day="2026-10-01")], day="2026-10-01", at="2026-10-03T12:00:00.000Z")  # exactly 36 h
    lake.export("late", [line(day="2026-10-02")], day="2026-10-02", at="2026-10-04T12:00:00.001Z")
    lake.publish("empty", day="2026-10-03", at="2026-10-04T12:00:00.000Z")
    lake.publish("damaged", day="2026-10-05", at="2026-10-09T12:00:00.000Z", unreadable_objects=1)
    lake.publish("damaged no more", day="2026-10-05", at="2026-10-10T12:00:00.000Z")
    lake.publish("late and empty", day="2026-10-06", at="2026-10-09T12:00:00.000Z")
    lake.publish("other", day="2026-10-06", at="2026-10-07T12:00:00.000Z", group="/shop/web")
    health = {(row["event_date"].day, row["log_group"]): row for row in lake.compute().export_health}
    assert {key: row["status"] for key, row in health.items()} == {
        (1, "/shop/api"): "ok",
        (2, "/shop/api"): "late",
        (3, "/shop/api"): "empty",
        (4, "/shop/api"): "missing",
        (5, "/shop/api"): "damaged",
        (6, "/shop/api"): "late",
        **{(day, "/shop/web"): "missing" for day in range(1, 6)},
        (6, "/shop/web"): "empty",
    }
    assert health[4, "/shop/api"] == {
        "event_date": date(2026, 10, 4),
        "log_group": "/shop/api",
        "exports": 0,
        "lines": 0,
        "events": 0,
        "rejected": 0,
        "duplicates": 0,
        "bytes": 0,
        "exported_at": None,
        "lag_hours": None,
        "status": "missing",
    }
    assert health[1, "/shop/api"]["lag_hours"] == 36.0


# ------------------------------------------------------------------------------- configuration and comparison


def test_the_configuration_of_a_project(tmp_path):
    (tmp_path / "dbt_project.yml").write_text(
        "name: shop\n"
        "vars:\n"
        "  event_fields:\n"
        "    user_id: [userId, 'user.id', '\"a.b\"']\n"
        "    latency_ms: [took, {path: duration, unit: s}]\n"
        "  bot_user_agents: 'bot\\b'\n"
        "  reporting_timezone: Europe/Berlin\n"
        "  shop: {session_gap_minutes: 20, max_days_from_log_time: 7}\n"
    )
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "event_catalog.csv").write_text(
        "event_name,method,status_code,route,meaning\n,POST,401,,auth_failure\n"
    )
    (tmp_path / "seeds" / "funnels.csv").write_text("funnel,step_number,event_name\nbuy,1,viewed\nbuy,2,order_placed\n")
    assert oracle.load_config(tmp_path) == Config(
        fields={
            "user_id": [{"path": path, "unit": None} for path in ("userId", "user.id", '"a.b"')],
            "latency_ms": [{"path": "took", "unit": None}, {"path": "duration", "unit": "s"}],
        },
        bot_pattern="bot\\b",
        catalog=[catalog_row("", "401", "", "auth_failure", method="POST")],
        reporting_timezone="Europe/Berlin",
        session_gap_minutes=20,
        max_days_from_log_time=7,
        funnels=funnel("buy", "viewed", "order_placed"),
    )


def test_a_configured_field_replaces_its_default(tmp_path):
    (tmp_path / "dbt_project.yml").write_text(
        "name: shop\n"
        "vars:\n"
        "  default_event_fields: {user_id: [userId], method: [method]}\n"
        "  event_fields: {user_id: [uid]}\n"
        "  bot_user_agents: bot\n"
    )
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "event_catalog.csv").write_text("event_name,status_code,route,meaning\n")
    (tmp_path / "seeds" / "funnels.csv").write_text("funnel,step_number,event_name\n")
    paths = {name: [e["path"] for e in entries] for name, entries in oracle.load_config(tmp_path).fields.items()}
    assert paths == {"user_id": ["uid"], "method": ["method"]}


ROWS = [{"day": date(2026, 10, 1), "n": 1, "rate": 0.5}, {"day": date(2026, 10, 2), "n": 2, "rate": None}]


def test_equal_tables_do_not_differ_in_whatever_order_and_within_rounding():
    assert compare(ROWS, [ROWS[1], ROWS[0] | {"rate": 0.5 * (1 + 1e-10)}], key=("day",)) == []
    assert compare([], [], key=("day",)) == []


@pytest.mark.parametrize(
    ("actual", "differences"),
    [
        (ROWS[:1], [f"day=2026-10-02: missing, expected {ROWS[1]}"]),
        ([*ROWS, ROWS[0]], [f"day=2026-10-01: unexpected, found {ROWS[0]}"]),
        ([ROWS[0], ROWS[1] | {"n": 3}], ["day=2026-10-02: n: expected 2, found 3"]),
        ([ROWS[0], ROWS[1] | {"rate": 0.0}], ["day=2026-10-02: rate: expected None, found 0.0"]),
        ([ROWS[0] | {"rate": 0.5000001}, ROWS[1]], ["day=2026-10-01: rate: expected 0.5, found 0.5000001"]),
        ([ROWS[0] | {"n": True}, ROWS[1]], ["day=2026-10-01: n: expected 1, found True"]),
        ([row | {"extra": 1} for row in ROWS], ["column extra: unexpected"]),
        ([{"day": row["day"], "n": row["n"]} for row in ROWS], ["column rate: missing"]),
    ],
)
def test_differences_are_told_in_words(actual, differences):
    assert compare(ROWS, actual, key=("day",)) == differences


def test_rows_of_the_same_key_are_compared_as_a_multiset():
    one, other = {"k": 1, "x": 1.0}, {"k": 1, "x": 2.0}
    assert compare([one, other, one], [other, one, one], key=("k",)) == []
    assert compare([one, other, one], [other, one, other], key=("k",)) == ["k=1: x: expected 1.0, found 2.0"]


def test_a_float_column_may_be_named_and_the_tolerance_set():
    assert compare([{"k": 1, "x": 100}], [{"k": 1, "x": 101}], key=("k",), float_columns=["x"], relative=0.02) == []
    assert compare([{"k": 1, "x": 100}], [{"k": 1, "x": 101}], key=("k",)) == ["k=1: x: expected 100, found 101"]


def test_many_differences_are_cut_short():
    rows = [{"k": n} for n in range(60)]
    found = compare(rows, [], key=("k",))
    assert (len(found), found[-1]) == (51, "... and 10 more differences")
    assert len(compare(rows, [], key=("k",), at_most=100)) == 60
