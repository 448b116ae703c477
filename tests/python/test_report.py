"""The report says what the marts hold, whatever the names in them, and needs nothing but its own file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path

import bootstrap
import duckdb
import pytest
import vl_convert
from click.testing import CliRunner
from private_analytics import demo
from private_analytics.engine import Engine, open_engine
from private_analytics.errors import UserError
from private_analytics.project_vars import Thresholds
from private_analytics.report import MAX_DAYS, find_period, write_report
from private_analytics.report_words import milliseconds, number, percent, shown
from report_page import Page

COLUMNS = {
    "daily_events": "event_date date, event_name varchar, events bigint, users bigint, sessions bigint",
    "daily_endpoint_reliability": """event_date date, method varchar, route varchar, requests bigint, client_errors bigint,
        server_errors bigint, server_error_rate double, latency_p50_ms double, latency_p95_ms double, latency_p99_ms double""",
    "hourly_reliability": """event_hour timestamp, requests bigint, client_errors bigint, server_errors bigint,
        auth_failures bigint, latency_p95_ms double""",
    "sessions": """session_id varchar, user_id varchar, started_at timestamp, ended_at timestamp, duration_seconds double,
        events bigint, requests bigint, server_errors bigint, entry_event varchar, exit_event varchar, converted boolean""",
    "export_health": """event_date date, log_group varchar, exports bigint, lines bigint, events bigint, rejected bigint,
        duplicates bigint, bytes bigint, exported_at timestamp, lag_hours double, status varchar""",
    "rejected_log_lines": """line_id bigint, logged_at timestamp, line varchar, reason varchar, log_group varchar,
        log_stream varchar, export_task_id varchar, exported_at timestamp""",
    "event_catalog": "event_name varchar, status_code integer, route varchar, meaning varchar",
}
FIRST = date(2026, 10, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(14)]
INCIDENT = datetime(2026, 10, 12, 14)
LIMITS = Thresholds(
    min_requests=50,
    server_error_rate=0.05,
    latency_p95_ms=800,
    auth_failure_rate=0.3,
    auth_failure_burst=100,
    athena_gb_per_day=500,
    upload_url_seconds=900,
)
HOSTILE = "</script><script>alert(1)</script><!--\u2028\u202e&\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


def session(name: str, user: str | None, start: datetime, seconds: float, events: tuple[str, str], converted: bool) -> tuple:
    return (name, user, start, start + timedelta(seconds=seconds), seconds, 2, 2, 0, *events, converted)


def health(day: date, group: str, lines: int, events: int, rejected: int, status: str = "ok") -> tuple:
    return (
        day,
        group,
        int(status != "missing"),
        lines,
        events,
        rejected,
        lines - events - rejected,
        9,
        datetime(2026, 11, 1),
        12.0,
        status,
    )


def two_weeks() -> dict[str, list[tuple]]:
    """14 days: 10 views a day in the first week, 20 in the second; an incident; a missing export; a day exported twice."""
    hours = [(datetime.combine(day, time(9)), 100, 2, 0, 1, 50.0) for day in DAYS]
    night = datetime(2026, 10, 10, 3)
    return {
        "daily_events": [(day, "viewed", 10 if day < DAYS[7] else 20, 3, 3) for day in DAYS] + [(DAYS[0], "bought", 5, 1, 1)],
        "daily_endpoint_reliability": [
            (DAYS[0], "GET", "/a", 300, 28, 0, 0.0, 10.0, 40.0, 50.0),
            (DAYS[1], "GET", "/a", 100, 0, 1, 0.01, 20.0, 60.0, None),
            (INCIDENT.date(), "POST", "/b", 1000, 0, 25, 0.025, 30.0, 1600.0, 2000.0),
        ],
        "hourly_reliability": [*hours, (INCIDENT, 200, 0, 26, 0, 900.0), (night, 0, 0, 0, 40, None)],
        "sessions": [
            session("s1", "u1", datetime(2026, 10, 1, 9), 5, ("viewed", "bought"), True),
            session("s2", "u1", datetime(2026, 10, 8, 9), 20, ("viewed", "viewed"), False),
            session("s3", "u2", datetime(2026, 10, 9, 9), 4000, ("viewed", "viewed"), False),
            session("s4", None, datetime(2026, 10, 14, 23, 59), 10, ("viewed", "bought"), True),
        ],
        "export_health": [
            *(health(day, "/api", 10, 8, 1) for day in DAYS[:-2]),
            health(DAYS[-2], "/api", 0, 0, 0, "missing"),
            health(DAYS[-1], "/api", 20, 8, 1),
        ],
        "rejected_log_lines": [
            (n, None, "secret", "not_json" if n < 10 else "no_timestamp", "/api", "s", "t", datetime(2026, 10, 2))
            for n in range(13)
        ],
        "event_catalog": [("bought", None, None, "purchase")],
    }


def build(path: Path, marts: dict[str, list[tuple]]) -> Path:
    """A database of the marts with these rows."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema analytics; use analytics; begin")
        for table, columns in COLUMNS.items():
            connection.execute(f"create table {table} ({columns})")
            for row in marts.get(table, []):
                connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)
        connection.execute("commit")
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a test may build its database."""
    return tmp_path / "marts.duckdb"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The report of two weeks."""
    return report(build(tmp_path_factory.mktemp("report") / "marts.duckdb", two_weeks()))


@contextmanager
def opened(database: Path) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICS_DB", str(database))
        with open_engine() as engine:
            yield engine


def report(database: Path) -> Page:
    out = database.parent / "site" / "report.html"
    with opened(database) as engine:
        write_report(engine, out, LIMITS)
    return Page(out)


def test_figures_and_tables_equal_the_sums_by_hand(page: Page) -> None:
    assert "2026-10-01 to 2026-10-14, 14 days" in page.text
    assert page.figures == [
        ["Events", "215", "7 days: 140+86.7 %"],  # 75 and 140
        ["Requests", "1,600", "7 days: 900+28.6 %"],
        ["Users", "2", "7 days: 2+100 %"],
        ["Sessions", "4", "7 days: 3+200.0 %"],
        ["Conversion", "50.0 %", "7 days: 33.3 %−66.7 points"],  # 1 of 1 and 1 of 3  # noqa: RUF001
        ["5xx rate", "1.6 %", "7 days: 2.9 %+2.9 points"],
        ["p95 latency", "156 ms", "7 days: 239 ms+377.8 %"],  # (14 x 100 x 50 + 200 x 900) / 1600
        ["Rejected lines", "13", "7 days: 6−14.3 %"],  # noqa: RUF001
    ]
    assert page.tables["Endpoints, the worst first"] == [
        ["Endpoint", "Requests", "5xx", "5xx rate", "4xx rate", "p50", "p95", "p99"],
        ["POST /b", "1,000", "25", "2.5 %", "0 %", "30 ms", "1.6 s", "2.0 s"],
        ["GET /a", "400", "1", "0.2 %", "7.0 %", "12 ms", "45 ms", "50 ms"],  # 12.5, 45; p99 of 300 alone
    ]
    assert page.tables["First and last event of sessions"] == [
        ["First", "Last", "Sessions", "Share", "Converted"],
        ["viewed", "bought", "2", "50.0 %", "100 %"],
        ["viewed", "viewed", "2", "50.0 %", "0 %"],
    ]
    lines = page.tables["What became of the lines"]
    assert lines[:4] == [
        ["Day", "Status", "Lines", "Events", "Rejected", "Duplicates", "Exports", "Log groups"],
        ["2026-10-14", "ok", "20", "8", "1", "11", "1", "1"],
        ["2026-10-13", "missing", "0", "0", "0", "0", "0", "1"],
        ["2026-10-12", "ok", "10", "8", "1", "1", "1", "1"],
    ]
    assert len(lines) == 1 + 14
    assert [(row[0], row[2]) for row in page.tables["Why lines were rejected"][1:]] == [("not_json", "10"), ("no_timestamp", "3")]
    assert "secret" not in page.html


def test_what_stands_out_is_said(page: Page) -> None:
    text = page.text
    assert "Server errors were highest on 2026-10-12 at 14:00 (13.0 % of 200 requests; 1.6 % in all)." in text
    assert "Only that hour was above the alarm's 5 %. Hit hardest that day was POST /b" in text
    assert "Hit hardest that day was POST /b (2.5 % of 1,000 requests)." in text
    assert "Answers were slowest on 2026-10-12 at 14:00: the slowest 5 % took 900 ms or more, usually 156 ms." in text
    assert "usually 156 ms. Only that hour was above the alarm's 800 ms." in text
    assert "Auth failures were highest on 2026-10-10 at 03:00: 40 auth failures within the hour, 3.4 in a usual one." in text
    assert "Exports to look at: 2026-10-13 missing (/api)." in text
    assert "Most duplicates were exported for 2026-10-14 (55.0 % of 20 lines)" in text


@pytest.mark.parametrize(
    ("hours", "says"),  # requests, server errors, auth failures, p95 of each hour
    [
        ([(100, 0, 0, 9.0), *[(100, 6, 0, 9.0)] * 3], "The 5xx rate was above the alarm's 5 % in 3 hours, first on {1}."),
        ([(100, 6, 0, 9.0)] * 2, "Server errors are frequent at all times: 6.0 % of 200 requests."),
        ([(40, 3, 0, 9.0)] * 2, "What stands outServer errors are frequent at all times: 7.5 % of 80 requests."),
        ([(1000, 0, 0, 9.0), (50, 30, 0, 9.0), (50, 10, 0, 9.0)], "in all). The 5xx rate was above the alarm's 5 % in 2 hours"),
        ([(100, 5, 0, 9.0)] * 2, "Nothing: no hour above an alarm's threshold"),
        ([(49, 49, 49, 900.0)], "Nothing: no hour above an alarm's threshold"),
        ([(50, 0, 0, 801.0), (50, 0, 0, 800.0)], "The p95 latency was above the alarm's 800 ms in 1 hour, on {0}."),
        ([(50, 0, 0, None)], "Nothing: no hour above an alarm's threshold"),
        ([(100, 0, 30, 9.0), (100, 0, 31, 9.0)], "Auth failures were above the alarm's 30 % of requests in 1 hour, on {1}."),
        ([(100, 0, 31, 9.0), *[(10, 0, 0, 9.0)] * 9], "3.1 in a usual one. Only that hour was above the alarm's 30 %"),
    ],
)
def test_hours_above_the_thresholds_of_the_alarms(database: Path, hours: list[tuple], says: str) -> None:
    """Above is more than the threshold, in an hour of at least 50 requests."""
    starts = [INCIDENT + timedelta(hours=n) for n in range(len(hours))]
    rows = [(at, requests, 0, errors, auth, p95) for at, (requests, errors, auth, p95) in zip(starts, hours, strict=True)]
    marts = {"hourly_reliability": rows, "export_health": [health(INCIDENT.date(), "/a", 5, 5, 0)]}
    page = report(build(database, marts))
    assert says.format(*(f"{at:%Y-%m-%d at %H:00}" for at in starts)) in page.text.replace("\n", "")


def test_thresholds_are_drawn_where_they_are_in_sight(page: Page, database: Path) -> None:
    def levels(page: Page) -> dict[str, float]:
        titles = re.findall(r"<h3>(.*?),? by", page.html)
        layers = ((title, layer) for title, spec in zip(titles, page.specs, strict=False) for layer in spec.get("layer", ()))
        return {title: layer["encoding"]["y"]["datum"] for title, layer in layers if "datum" in layer["encoding"].get("y", {})}

    assert levels(page) == {"Server errors (5xx)": 5, "p95 latency": 800}
    healthy = {
        "hourly_reliability": [(INCIDENT, 100, 0, 1, 0, 200.0)],
        "export_health": [health(INCIDENT.date(), "/a", 5, 5, 0)],
    }
    page = report(build(database, healthy))
    assert levels(page) == {"p95 latency": 800}
    assert "The alarm's 5 % is far above." in page.text


def test_charts_hold_the_rows_and_compile(page: Page) -> None:
    specs = page.specs
    titles = re.findall(r"<h3>(.*?)</h3>", page.html)
    assert titles == [
        "Events by day",
        "Requests by weekday and hour of the day",
        "Server errors (5xx), by hour",
        "Client errors (4xx), by hour",
        "p95 latency, by hour",
        "Auth failures, by hour",
        "Sessions by day",
        "Conversion rate by day",
        "Length of sessions",
        "Exports by log group and day",
    ]
    assert len(specs) == len(titles)
    rows = dict(zip(titles, (spec["datasets"]["rows"] for spec in specs), strict=True))
    assert [row["v"] - row["b"] for row in rows["Events by day"]] == [10, 5, *[10] * 6, *[20] * 7]
    errors = {row["when"]: row["v"] for row in rows["Server errors (5xx), by hour"]}
    assert len(errors) == 14 * 24
    assert errors["Mon 2026-10-12, 14:00"] == 13.0
    assert errors["Mon 2026-10-12, 15:00"] is None
    assert [row["v"] for row in rows["Length of sessions"]] == [1, 2, 0, 0, 0, 0, 1]
    for spec in specs:
        vl_convert.vegalite_to_vega(spec)


def test_names_out_of_logs_are_text_and_nothing_else(database: Path) -> None:
    marts = two_weeks()
    marts["daily_events"].append((DAYS[3], HOSTILE, 50, 1, 1))
    marts["daily_endpoint_reliability"].append((INCIDENT.date(), HOSTILE, HOSTILE, 100, 0, 90, 0.9, 1.0, 1.0, 1.0))
    marts["sessions"].append(session(HOSTILE, HOSTILE, datetime(2026, 10, 5), 1, (HOSTILE, HOSTILE), False))
    marts["export_health"].append(health(DAYS[-1], HOSTILE, 5, 0, 0, HOSTILE))
    marts["rejected_log_lines"].append((1, None, HOSTILE, HOSTILE, HOSTILE, "s", "t", datetime(2026, 10, 2)))
    marts["event_catalog"].append((HOSTILE, None, None, "purchase"))
    hostile = report(build(database, marts))
    assert not [attribute for attribute in hostile.attributes if attribute[0] == "img" or attribute[1].startswith("on")]
    assert len(hostile.scripts) == len(hostile.specs) + 1 == 11
    assert hostile.html.count("</script>") == 11
    assert "<!--" not in hostile.html
    assert not {"\u2028", "\u202e"} & set(hostile.html)
    assert shown(HOSTILE) in hostile.text
    assert f"{shown(HOSTILE)}: 50" in [row["what"] for row in hostile.specs[0]["datasets"]["rows"]]


def test_the_page_loads_nothing_and_runs_one_script(page: Page) -> None:
    loading = ("src", "srcset", "href", "data", "poster", "action", "formaction", "background", "xlink:href")
    assert {value for _, name, value in page.attributes if name in loading} == {
        "#traffic",
        "#reliability",
        "#sessions",
        "#exports",
    }
    style = page.html[page.html.index("<style>") : page.html.index("</style>")]
    assert not re.search(r"url\(|@import|https?:", style)
    schemas = {url for spec in page.specs for url in re.findall(r"https?://[^\"]+", json.dumps(spec))}
    assert all(url.startswith("https://vega.github.io/schema/vega-lite/") for url in schemas)
    policy = next(value for tag, name, value in page.attributes if name == "content" and "default-src" in value)
    digest = base64.b64encode(hashlib.sha256(page.scripts[-1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}';")
    assert page.html.count("window.vegaEmbed=") == 1


def test_headings_tables_and_charts_are_named(page: Page) -> None:
    assert [int(level) for level in re.findall(r"<h(\d)", page.html)][:4] == [1, 2, 2, 3]
    assert page.tags.count("table") == page.tags.count("caption") == 4
    assert page.tags.count("figure") == page.tags.count("h3") == len(page.specs)
    labels = [value for _, name, value in page.attributes if name == "aria-label"]
    errors = "Highest: 13.0\xa0% of 200 requests, Mon 2026-10-12, 14:00. Dashed: the alarm's 5\xa0%."
    assert f"Server errors (5xx), by hour. {errors}" in labels
    assert '<html lang="en">' in page.html


def test_empty_tables_are_said_in_words(database: Path) -> None:
    page = report(build(database, {}))
    assert "There is nothing to report yet" in page.text
    assert not page.specs


@pytest.mark.parametrize(
    ("left_out", "says"),
    [
        ("daily_events", "No events by people in this period."),
        ("hourly_reliability", "No requests in this period: no event has a status code."),
        ("sessions", "No sessions in this period: no event by people has a session id or a user id."),
        ("export_health", "No exports in this period."),
        ("rejected_log_lines", "No line was rejected."),
        ("event_catalog", "No session can convert: the event catalog calls no event name a purchase."),
    ],
)
def test_a_section_without_data_says_so(database: Path, left_out: str, says: str) -> None:
    page = report(build(database, two_weeks() | {left_out: []}))
    assert says in page.text
    assert page.specs


def test_requests_without_trouble_or_latency(database: Path) -> None:
    page = report(
        build(
            database,
            {"hourly_reliability": [(INCIDENT, 5, 0, 0, 0, None)], "export_health": [health(INCIDENT.date(), "/a", 5, 5, 0)]},
        )
    )
    assert "No request ended in a server error (5xx)." in page.text
    assert "No latency: no request says how long it took." in page.text
    assert "No auth failures" in page.text
    assert "Nothing: no hour above an alarm's threshold or with unusually many server errors" in page.text
    assert page.figures[6] == ["p95 latency", "–"]  # noqa: RUF001
    assert len(page.figures[0]) == 2  # there is no week before to compare with


def test_dates_that_logs_made_up_do_not_stretch_the_period(database: Path) -> None:
    marts = two_weeks()
    marts["daily_events"] += [(date(2099, 12, 31), "viewed", 3, 1, 1), (date(2000, 1, 1), "viewed", 4, 1, 1)]
    page = report(build(database, marts))
    assert "2026-10-01 to 2026-10-14, 14 days" in page.text
    assert "7 events with dates outside the period are left out." in page.text


def test_events_from_long_before_their_export_have_their_own_period(database: Path) -> None:
    old = [(date(2015, 5, day), "GET", 9, 1, 1) for day in (17, 19)]
    with opened(build(database, two_weeks() | {"daily_events": old})) as engine:
        period, outside = find_period(engine)
    assert period is not None
    assert (period.first, period.last, outside) == (date(2015, 5, 17), date(2015, 5, 19), 0)


def test_years_of_data_and_many_names_stay_a_small_page(database: Path) -> None:
    path = build(database, {})
    with duckdb.connect(str(path)) as connection:
        connection.execute("use analytics")
        days = "(select cast(unnest(range(date '2023-01-01', date '2026-11-01', interval 1 day)) as date) as d)"
        connection.execute(f"insert into daily_events select d, 'name ' || n, 1000 - n, 1, 1 from {days}, range(100) as t(n)")
        connection.execute(
            f"insert into hourly_reliability select d + to_hours(n), 50, 1, 1, 0, 9 from {days}, range(24) as t(n)"
        )
        connection.execute(
            f"insert into export_health select d, 'g' || n, 1, 9, 9, 0, 0, 9, d, 12, 'ok' from {days}, range(30) as t(n)"
        )
        connection.execute(
            f"insert into daily_endpoint_reliability select d, 'GET', n, 9, 0, 0, 0, 1, 1, 1 from {days}, range(50) as t(n)"
        )
    page = report(path)
    sizes = [len(spec["datasets"]["rows"]) for spec in page.specs]
    assert sizes == [MAX_DAYS * 7, 7 * 24, MAX_DAYS, MAX_DAYS, MAX_DAYS, MAX_DAYS * 20]
    assert len(page.tables["Endpoints, the worst first"]) == 1 + 15
    assert sum(map(len, page.scripts[:-1])) < 3_000_000


def test_a_missing_database_or_table_says_what_to_run(tmp_path: Path, database: Path) -> None:
    with pytest.raises(UserError, match=r"There is no database at .*nowhere.duckdb. `dbt build` makes it"):
        report(tmp_path / "nowhere.duckdb")
    build(database, {"daily_events": [(FIRST, "a", 1, 1, 1)]})
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table analytics.sessions")
    with pytest.raises(UserError, match=r"sessions does not exist.*`dbt build` makes it"):
        report(database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop schema analytics cascade")
    with pytest.raises(UserError, match=r"marts.duckdb cannot be read.*`dbt build` makes it"):
        report(database)
    (tmp_path / "text.duckdb").write_text("no database")
    with pytest.raises(UserError, match="cannot be read"):
        report(tmp_path / "text.duckdb")
    assert not (tmp_path / "site").exists()


def test_the_command_says_what_is_wrong_with_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_TARGET", "elsewhere")
    result = CliRunner().invoke(bootstrap.cli, ["report"])
    assert result.exit_code == 1
    assert "does not have a target named 'elsewhere'. The valid target names for this profile are: - local" in result.output


def test_the_demo_leaves_the_tables_of_production_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "build_tables", lambda *_: pytest.fail("it builds"))
    monkeypatch.setenv("ANALYTICS_TARGET", "athena")
    result = CliRunner().invoke(bootstrap.cli, ["demo"])
    assert result.exit_code == 1
    assert "Unset ANALYTICS_TARGET" in result.output


def test_numbers_read_well() -> None:
    assert [number(n) for n in (12345, 1.4, None)] == ["12,345", "1", "\u2013"]
    assert [number(n, "day") for n in (0, 1, 2000)] == ["0 days", "1 day", "2,000 days"]
    assert [percent(share) for share in (0, 1, 0.0123, 0.00042, None)] == [
        "0\xa0%",
        "100\xa0%",
        "1.2\xa0%",
        "0.04\xa0%",
        "\u2013",
    ]
    assert [milliseconds(ms) for ms in (340, 2.34, 2215, None)] == ["340\xa0ms", "2.3\xa0ms", "2.2\xa0s", "\u2013"]
    assert shown("a\u202eb\0" + "x" * 100) == "a\ufffdb\ufffd" + "x" * 55 + "…"
