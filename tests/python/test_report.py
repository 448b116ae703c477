"""The report says what the marts hold, whatever the names in them, and needs nothing but its own file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb
import pytest
import vl_convert
from click.testing import CliRunner

from helpers.report_page import Page
from private_analytics.cli import cli
from private_analytics.demo import build as demo
from private_analytics.errors import UserError
from private_analytics.project.engine import Engine, open_engine
from private_analytics.project.variables import Thresholds
from private_analytics.report.page import MAX_DAYS, find_period, write_report
from private_analytics.report.words import milliseconds, number, percent, shown

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
    "daily_active_users": """event_date date, daily_active_users bigint, weekly_active_users bigint,
        monthly_active_users bigint, stickiness double""",
    "weekly_user_retention": """cohort_week date, week_number integer, cohort_users bigint, active_users bigint,
        retention_rate double""",
    "daily_funnel": """event_date date, funnel varchar, step_number integer, event_name varchar, sessions bigint,
        rate_from_previous double, rate_from_first double""",
    "daily_product_performance": """event_date date, product_id varchar, views bigint, add_to_carts bigint, purchases bigint,
        purchase_rate double""",
    "daily_auth_failures": """event_date date, method varchar, route varchar, attempts bigint, failures bigint, users bigint,
        failure_rate double""",
    "daily_uploads": "event_date date, uploads_requested bigint, uploads_completed bigint, uploads_rejected bigint",
}
FIRST = date(2026, 10, 1)  # a Thursday
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
    rejected_rate=0.05,
    latency_median_min_ms=0.05,
    latency_median_max_ms=600_000,
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
    } | use()


def use() -> dict[str, list[tuple]]:
    """Users, funnels, products, logins and uploads of the same days, each mart with rows of other days too."""
    before, after = FIRST - timedelta(days=1), DAYS[-1] + timedelta(days=1)
    first, second, third = date(2026, 9, 28), date(2026, 10, 5), date(2026, 10, 12)
    return {
        "daily_active_users": [
            (before, 9, 9, 9, 1.0),
            (DAYS[0], 2, 2, 9, 0.2),
            (DAYS[2], 4, 5, 10, 0.4),
            (DAYS[13], 3, 1204, 2000, 0.0015),
            (after, 9, 9, 9, 1.0),
        ],
        "weekly_user_retention": [
            (date(2001, 1, 1), 0, 1, 1, 1.0),
            *((first, week, 10, active, active / 10) for week, active in enumerate((10, 4, 0))),
            *((second, week, 400, active, active / 400) for week, active in enumerate((400, 3))),
            (third, 0, 3, 3, 1.0),
            *((cohort, 3, 9, 9, 1.0) for cohort in (first, second, third)),
            (date(2099, 12, 28), 0, 1, 1, 1.0),
        ],
        "daily_funnel": [
            *(
                (day, "buy", step, name, sessions, None, None)
                for day, counts in ((before, (9, 9, 9)), (DAYS[0], (20, 6, 3)), (DAYS[1], (10, 6, 0)), (after, (9, 9, 9)))
                for step, name, sessions in zip((1, 2, 3), ("viewed", "carted", "bought"), counts, strict=True)
            ),
            (DAYS[5], "again", 1, "viewed", 8, None, None),
            (DAYS[5], "again", 2, "viewed", 2, None, None),
        ],
        "daily_product_performance": [
            *((day, f"p{n:02}", 100 - n, n, 1, None) for day in DAYS[:2] for n in range(1, 10)),
            (DAYS[0], "unseen", 0, 0, 70, None),
            (DAYS[3], "loved", 1000, 40, 23, None),
            (DAYS[4], "loved", 500, 10, 7, None),
            (DAYS[4], "rare", 2, 0, 0, None),
            *((day, "p01", 5000, 5000, 5000, None) for day in (before, after)),
        ],
        "daily_auth_failures": [
            (DAYS[0], "POST", "/login", 40, 10, 3, None),
            (DAYS[1], "POST", "/login", 60, 20, 2, None),
            (DAYS[1], "GET", "/orders", 500, 30, 1, None),
            (DAYS[1], "GET", "/login", 500, 0, 0, None),
            *((day, "GET", "/orders", 500, 300, 50, None) for day in (before, after)),
        ],
        "daily_uploads": [
            (before, 9, 9, 9),
            (DAYS[2], 10, 7, 2),
            (DAYS[5], 5, 1200, 4),
            (after, 9, 9, 9),
        ],
    }


def build(path: Path, marts: dict[str, list[tuple]]) -> Path:
    """A database of the marts with these rows."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("begin")
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


def report(database: Path, absent: Collection[str] = ()) -> Page:
    out = database.parent / "site" / "report.html"
    with opened(database) as engine:
        write_report(engine, out, LIMITS, absent)
    return Page(out)


def test_what_was_not_read_is_said_first(page: Page) -> None:
    text = " ".join(page.text.split())
    said = "Export health What was not read 13 of 117 lines are not events: 10 not_json, 3 no_timestamp. The figures below"
    assert said in text  # right after the links of the header


@pytest.mark.parametrize(("rejected", "is_said"), [(5, False), (6, True)])  # of 109 and 110 lines: 4.6 and 5.5 %
def test_a_few_rejected_lines_are_not_said_first(database: Path, rejected: int, is_said: bool) -> None:
    marts = two_weeks()
    platform = [(*row[:3], "lambda_platform_line", *row[4:]) for row in marts["rejected_log_lines"]]
    marts["rejected_log_lines"] = marts["rejected_log_lines"][:rejected] + platform
    assert ("What was not read" in report(build(database, marts)).text) == is_said


def test_a_field_that_no_request_has_is_said_first_unless_the_settings_say_so(database: Path) -> None:
    marts = two_weeks() | {"rejected_log_lines": []}
    marts["hourly_reliability"] = [(*row[:5], None) for row in marts["hourly_reliability"]]
    marts["daily_endpoint_reliability"] = [(*row[:2], "(none)", *row[3:]) for row in marts["daily_endpoint_reliability"]]
    build(database, marts)
    assert "No event has a value for latency_ms, path." in report(database).text
    assert "No event has a value for path." in report(database, {"latency_ms"}).text
    assert "What was not read" not in report(database, {"latency_ms", "path"}).text


def test_without_requests_only_the_status_is_known_to_be_missing(database: Path) -> None:
    marts = two_weeks() | {"rejected_log_lines": [], "hourly_reliability": [], "daily_endpoint_reliability": []}
    assert "No event has a value for status_code." in report(build(database, marts)).text


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
    lines = page.tables["What happened to the lines"]
    assert lines[:4] == [
        ["Day", "Status", "Lines", "Events", "Rejected", "Duplicates", "Exports", "Log groups"],
        ["2026-10-14", "ok", "20", "8", "1", "11", "1", "1"],
        ["2026-10-13", "missing", "0", "0", "0", "0", "0", "1"],
        ["2026-10-12", "ok", "10", "8", "1", "1", "1", "1"],
    ]
    assert len(lines) == 1 + 14
    assert [(row[0], row[2]) for row in page.tables["Why lines were rejected"][1:]] == [("not_json", "10"), ("no_timestamp", "3")]
    assert "secret" not in page.html
    assert page.tables["Auth failures by endpoint"] == [
        ["Endpoint", "Attempts", "Failures", "Rate", "Users"],
        ["POST /login", "100", "30", "30.0 %", "3"],  # 3 users on a day, 2 on another
        ["GET /orders", "500", "30", "6.0 %", "1"],
    ]
    assert page.tables["Products, the most viewed first"] == [
        ["Product", "Views", "Carts", "Purchases", "Rate"],
        ["loved", "1,500", "50", "30", "2.0 %"],
        ["p01", "198", "2", "2", "1.0 %"],
        ["p02", "196", "4", "2", "1.0 %"],
        ["p03", "194", "6", "2", "1.0 %"],
        ["p04", "192", "8", "2", "1.0 %"],
        ["p05", "190", "10", "2", "1.1 %"],
        ["p06", "188", "12", "2", "1.1 %"],
        ["p07", "186", "14", "2", "1.1 %"],
        ["p08", "184", "16", "2", "1.1 %"],
        ["p09", "182", "18", "2", "1.1 %"],
    ]
    assert "10 of 12 products, with\n99.9 % of all views." in page.text  # 3,210 of 3,212


def test_active_users_are_unknown_where_a_day_has_nobody(page: Page) -> None:
    rows = page.rows["Active users"]
    assert [(row["daily"], row["weekly"], row["monthly"]) for row in rows] == [
        (2, 2, 9),
        (None, None, None),
        (4, 5, 10),
        *[(None, None, None)] * 10,
        (3, 1204, 2000),
    ]
    assert [(row["when"], row["what"]) for row in rows[-2:]] == [
        ("Tue 2026-10-13", "no users"),
        ("Wed 2026-10-14", "3 daily, 1,204 weekly, 2,000 monthly"),
    ]
    assert "3 users on 2026-10-14, 1,204 within 7 days and 2,000 within 30." in page.text
    assert (
        "Stickiness (daily / monthly users): 20.1 %, the mean of the last 3 days with users." in page.text
    )  # (0.2 + 0.4 + 0.0015) / 3


def test_a_day_between_days_without_users_is_a_dot(database: Path) -> None:
    """In a line of a hundred days, which has no other dots."""
    days = [FIRST + timedelta(days=n) for n in range(100)]
    exports = [health(day, "/api", 1, 1, 0) for day in days]
    active = [(day, 1, 2, 3, 0.3) for n, day in enumerate(days) if n not in (49, 51)]
    page = report(build(database, {"export_health": exports, "daily_active_users": active}))
    assert [row["when"] for row in page.rows["Active users"] if row["dot"] and row["daily"]] == [f"{days[50]:%a %Y-%m-%d}"]


def test_stickiness_is_that_of_the_last_week(database: Path) -> None:
    days = [(day, 1, 1, 2, 0.9 if day < DAYS[7] else 0.5) for day in DAYS]
    page = report(build(database, two_weeks() | {"daily_active_users": days}))
    assert "monthly users): 50.0 %, the mean of the last 7 days with users." in page.text


def test_retention_by_cohort_and_week(page: Page) -> None:
    """Weeks from the 2001 and the 2099 of some log are not there, nor are those after the period."""
    rows = page.rows["New users who returned, by weeks since their first"]
    assert [(row["g"], row["w"], row["text"], row["what"]) for row in rows] == [
        ("28 Sep (10)", 0, "100", "10 of 10 users active, 100\xa0%"),
        ("28 Sep (10)", 1, "40", "4 of 10 users active, 40.0\xa0%"),
        ("28 Sep (10)", 2, "0", "0 of 10 users active, 0\xa0%"),
        ("5 Oct (400)", 0, "100", "400 of 400 users active, 100\xa0%"),
        ("5 Oct (400)", 1, "<1", "3 of 400 users active, 0.8\xa0%"),
        ("12 Oct (3)", 0, "100", "3 of 3 users active, 100\xa0%"),
    ]
    assert [row["v"] for row in rows] == [1, 0.4, 0, 1, 0.0075, 1]
    assert rows[1]["when"] == "New in the week of 2026-09-28, 1 week later"
    # Of the second cohort, the week after is not over.
    assert "40.0 % of 10 new users returned in the following week." in page.text
    assert "The last week of each row is not over yet." in page.text


def test_retention_over_twelve_weeks_at_most(database: Path) -> None:
    exports = [health(DAYS[0] + timedelta(weeks=week), "/api", 1, 1, 0) for week in (0, 20)]
    retention = [(date(2026, 9, 28), week, 10, 1, 0.1) for week in range(21) if week != 4]
    page = report(build(database, {"export_health": exports, "weekly_user_retention": retention}))
    title = "New users who returned, by weeks since their first"
    assert [row["w"] for row in page.rows[title]] == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]
    columns = page.specs[page.titles.index(title)]["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert columns == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]  # a week without anybody has a place


@pytest.mark.parametrize(
    ("last_day", "says", "unfinished"),
    [
        (date(2026, 10, 10), "The week after the first new users is not over yet.", True),
        (date(2026, 10, 11), "40.0 % of 10 new users returned in the following week.", False),
    ],
)
def test_a_week_is_over_on_sunday(database: Path, last_day: date, says: str, unfinished: bool) -> None:
    exports = [health(day, "/api", 1, 1, 0) for day in DAYS if day <= last_day]
    page = report(build(database, use() | {"export_health": exports}))
    assert page.rows["New users who returned, by weeks since their first"][-1]["g"] == "5 Oct (400)"
    assert says in page.text
    assert ("The last week of each row is not over yet." in page.text) == unfinished


def test_funnels_say_how_many_sessions_went_on(page: Page) -> None:
    assert [title for title in page.titles if title.startswith("Funnel")] == ["Funnel again", "Funnel buy"]
    assert [(row["g"], row["v"], row["text"]) for row in page.rows["Funnel buy"]] == [
        ("1 viewed", 30, "30"),
        ("2 carted", 12, "12 · 40.0\xa0%"),
        ("3 bought", 3, "3 · 25.0\xa0%"),
    ]
    assert [(row["g"], row["what"]) for row in page.rows["Funnel again"]] == [
        ("1 viewed", "8 sessions"),
        ("2 viewed", "2 sessions, 25.0\xa0% of the step before"),
    ]
    assert "10.0 % of 30 sessions took all 3 steps. Fewest continued from carted to bought: 25.0 %." in page.text
    assert "25.0 % of 8 sessions took both steps." in page.text


def test_funnels_that_nobody_goes_through(database: Path) -> None:
    steps = [(DAYS[0], "long", step, f"e{step}", 7 if step == 1 else 0, None, None) for step in (1, 2, 3)]
    page = report(build(database, two_weeks() | {"daily_funnel": [*steps, (DAYS[0], "short", 1, "e", 1, None, None)]}))
    assert [row["text"] for row in page.rows["Funnel long"]] == ["7", "0 · 0\xa0%", "0"]
    assert "0 % of 7 sessions took all 3 steps. Fewest continued from e1 to e2: 0 %." in page.text
    assert "1 session took its only step." in page.text


def test_uploads_by_day(page: Page) -> None:
    """What is requested need not be the sum of the others: an upload may be neither, or be completed on another day."""
    rows = page.rows["Uploads by day"]
    assert [(row["b"], row["v"], row["top"], row.get("asked")) for row in rows] == [
        *[(0, 0, 0, None)] * 2,
        (0, 7, 9, 10),
        *[(0, 0, 0, None)] * 2,
        (0, 1200, 1204, 5),
        *[(0, 0, 0, None)] * 8,
    ]
    assert [row["what"] for row in rows[4:6]] == ["no uploads", "5 requested, 1,200 completed, 4 rejected"]
    assert "15 uploads requested, 1,207 completed, 6 rejected; most rejected on 2026-10-06 (4)." in page.text


def test_what_stands_out_is_said(page: Page) -> None:
    text = page.text
    assert "Server errors peaked on 2026-10-12 at 14:00 (13.0 % of 200 requests; 1.6 % overall)." in text
    assert "Only that hour was above the alarm threshold of 5 %. The worst endpoint that day was POST /b" in text
    assert "The worst endpoint that day was POST /b (2.5 % of 1,000 requests)." in text
    assert "Slowest hour: 2026-10-12 at 14:00. p95 900 ms (normally 156 ms)." in text
    assert "(normally 156 ms). Only that hour was above the alarm threshold of 800 ms." in text
    assert "Auth failures peaked on 2026-10-10 at 03:00: 40 auth failures in that hour (normally 3.4)." in text
    assert "Exports to check: 2026-10-13 missing (/api)." in text
    assert "Most duplicates: 2026-10-14 (55.0 % of 20 lines)" in text


@pytest.mark.parametrize(
    ("hours", "says"),  # requests, server errors, auth failures, p95 of each hour
    [
        (
            [(100, 0, 0, 9.0), *[(100, 6, 0, 9.0)] * 3],
            "The 5xx rate was above the alarm threshold of 5 % in 3 hours, first on {1}.",
        ),
        ([(100, 6, 0, 9.0)] * 2, "Server errors were frequent throughout: 6.0 % of 200 requests."),
        ([(40, 3, 0, 9.0)] * 2, "What stands outServer errors were frequent throughout: 7.5 % of 80 requests."),
        (
            [(1000, 0, 0, 9.0), (50, 30, 0, 9.0), (50, 10, 0, 9.0)],
            "overall). The 5xx rate was above the alarm threshold of 5 % in 2 hours",
        ),
        ([(100, 5, 0, 9.0)] * 2, "Nothing: no hour above an alarm's threshold"),
        ([(49, 49, 49, 900.0)], "Nothing: no hour above an alarm's threshold"),
        ([(50, 0, 0, 801.0), (50, 0, 0, 800.0)], "The p95 latency was above the alarm threshold of 800 ms in 1 hour, on {0}."),
        ([(50, 0, 0, None)], "Nothing: no hour above an alarm's threshold"),
        (
            [(100, 0, 30, 9.0), (100, 0, 31, 9.0)],
            "Auth failures were above the alarm threshold of 30 % of requests in 1 hour, on {1}.",
        ),
        ([(100, 0, 31, 9.0), *[(10, 0, 0, 9.0)] * 9], "(normally 3.1). Only that hour was above the alarm threshold of 30 %"),
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
        layers = ((title, layer) for title, spec in zip(page.titles, page.specs, strict=True) for layer in spec.get("layer", ()))
        return {
            title.partition(",")[0]: layer["encoding"]["y"]["datum"]
            for title, layer in layers
            if "datum" in layer["encoding"].get("y", {})
        }

    assert levels(page) == {"Server errors (5xx)": 5, "p95 latency": 800}
    healthy = {
        "hourly_reliability": [(INCIDENT, 100, 0, 1, 0, 200.0)],
        "export_health": [health(INCIDENT.date(), "/a", 5, 5, 0)],
    }
    page = report(build(database, healthy))
    assert levels(page) == {"p95 latency": 800}
    assert "The alarm threshold of 5 % is far above." in page.text


def test_charts_hold_the_rows_and_compile(page: Page) -> None:
    assert page.titles == [
        "Events by day",
        "Requests by weekday and hour of the day",
        "Active users",
        "New users who returned, by weeks since their first",
        "Server errors (5xx), by hour",
        "Client errors (4xx), by hour",
        "p95 latency, by hour",
        "Auth failures, by hour",
        "Uploads by day",
        "Sessions by day",
        "Conversion rate by day",
        "Length of sessions",
        "Funnel again",
        "Funnel buy",
        "Exports by log group and day",
    ]
    rows = page.rows
    assert [row["v"] - row["b"] for row in rows["Events by day"]] == [10, 5, *[10] * 6, *[20] * 7]
    errors = {row["when"]: row["v"] for row in rows["Server errors (5xx), by hour"]}
    assert len(errors) == 14 * 24
    assert errors["Mon 2026-10-12, 14:00"] == 13.0
    assert errors["Mon 2026-10-12, 15:00"] is None
    assert [row["v"] for row in rows["Length of sessions"]] == [1, 2, 0, 0, 0, 0, 1]
    for spec in page.specs:
        vl_convert.vegalite_to_vega(spec)


def test_names_out_of_logs_are_text_and_nothing_else(database: Path) -> None:
    marts = two_weeks()
    marts["daily_events"].append((DAYS[3], HOSTILE, 50, 1, 1))
    marts["daily_endpoint_reliability"].append((INCIDENT.date(), HOSTILE, HOSTILE, 100, 0, 90, 0.9, 1.0, 1.0, 1.0))
    marts["sessions"].append(session(HOSTILE, HOSTILE, datetime(2026, 10, 5), 1, (HOSTILE, HOSTILE), False))
    marts["export_health"].append(health(DAYS[-1], HOSTILE, 5, 0, 0, HOSTILE))
    marts["rejected_log_lines"].append((1, None, HOSTILE, HOSTILE, HOSTILE, "s", "t", datetime(2026, 10, 2)))
    marts["event_catalog"].append((HOSTILE, None, None, "purchase"))
    marts["daily_funnel"] += [(DAYS[0], HOSTILE, step, HOSTILE, 9 - step, None, None) for step in (1, 2, 3)]
    marts["daily_product_performance"].append((DAYS[0], HOSTILE, 4321, 1, 1, None))
    marts["daily_auth_failures"].append((DAYS[0], HOSTILE, HOSTILE, 100, 90, 1, None))
    hostile = report(build(database, marts))
    assert not [attribute for attribute in hostile.attributes if attribute[0] == "img" or attribute[1].startswith("on")]
    assert len(hostile.scripts) == len(hostile.specs) + 1 == 17
    assert hostile.html.count("</script>") == 17
    assert "<!--" not in hostile.html
    assert not {"\u2028", "\u202e"} & set(hostile.html)
    assert shown(HOSTILE) in hostile.text
    assert f"{shown(HOSTILE)}: 50" in [row["what"] for row in hostile.specs[0]["datasets"]["rows"]]
    assert f"Funnel {shown(HOSTILE)}" in hostile.titles
    assert hostile.rows[f"Funnel {shown(HOSTILE)}"][1]["g"] == f"2 {shown(HOSTILE)}"
    assert f"Fewest continued from {shown(HOSTILE)} to {shown(HOSTILE)}: 85.7 %." in hostile.text
    assert hostile.tables["Products, the most viewed first"][1][:2] == [shown(HOSTILE), "4,321"]
    assert hostile.tables["Auth failures by endpoint"][1][:2] == [f"{shown(HOSTILE)} {shown(HOSTILE)}", "100"]


def test_names_that_are_cut_to_the_same_stay_apart(database: Path) -> None:
    """A long name is cut; what it names is still one of its own."""
    names = [f"{'<b>x' * 15_000}{end}" for end in "ab"]
    marts = two_weeks()
    marts["daily_funnel"] = [(DAYS[0], name, 1, name, count, None, None) for name, count in zip(names, (5, 6), strict=True)]
    marts["daily_product_performance"] = [(DAYS[0], name, 7, 0, 0, None) for name in names]
    marts["daily_auth_failures"] = [(DAYS[0], "GET", name, 9, 8, 0, None) for name in names]
    long = report(build(database, marts))
    cut = shown(names[0])
    assert len(cut) == 60
    assert [title for title in long.titles if title.startswith("Funnel")] == [f"Funnel {cut}"] * 2
    funnels = [spec["datasets"]["rows"] for title, spec in zip(long.titles, long.specs, strict=True) if cut in title]
    assert [[(row["g"], row["v"]) for row in rows] for rows in funnels] == [[(f"1 {cut}", 5)], [(f"1 {cut}", 6)]]
    assert [row[0] for row in long.tables["Products, the most viewed first"][1:]] == [cut, cut]
    assert [row[0] for row in long.tables["Auth failures by endpoint"][1:]] == [f"GET {cut}"] * 2
    assert not [letters for letters in ("<b>x", "&lt;b&gt;x" * 20, r"\u003cb\u003ex" * 20) if letters in long.html]


def test_the_page_loads_nothing_and_runs_one_script(page: Page) -> None:
    loading = ("src", "srcset", "href", "data", "poster", "action", "formaction", "background", "xlink:href")
    assert {value for _, name, value in page.attributes if name in loading} == {
        "#traffic",
        "#users",
        "#reliability",
        "#sessions",
        "#products",
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
    assert [int(level) for level in re.findall(r"<h(\d)", page.html)][:5] == [1, 2, 2, 2, 3]
    assert page.tags.count("table") == page.tags.count("caption") == 6
    assert page.tags.count("figure") == page.tags.count("h3") == len(page.specs)
    labels = [value for _, name, value in page.attributes if name == "aria-label"]
    errors = "Highest: 13.0\xa0% of 200 requests, Mon 2026-10-12, 14:00. Dashed: the alarm threshold, 5\xa0%."
    assert f"Server errors (5xx), by hour. {errors}" in labels
    assert '<html lang="en">' in page.html


def test_empty_tables_are_said_in_words(database: Path) -> None:
    page = report(build(database, {}))
    assert "There is nothing to report yet" in page.text
    assert not page.specs


@pytest.mark.parametrize(
    ("left_out", "says"),
    [
        ("daily_active_users", "No users in this period: no event by people has a user id."),
        ("daily_funnel", "No funnels: no session took the first step of a funnel in seeds/funnels.csv."),
        (
            "daily_product_performance",
            "No products in this period: no view, cart or purchase by people (seeds/event_catalog.csv) has a product id.",
        ),
        ("daily_uploads", "No uploads: the event catalog calls no event an upload."),
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


@pytest.mark.parametrize(
    ("left_out", "title"),
    [
        ("daily_active_users", "Active users"),
        ("weekly_user_retention", "New users who returned, by weeks since their first"),
        ("daily_uploads", "Uploads by day"),
        ("daily_funnel", "Funnel buy"),
        ("daily_product_performance", "Products, the most viewed first"),
        ("daily_auth_failures", "Auth failures by endpoint"),
    ],
)
def test_what_there_is_none_of_is_not_shown(page: Page, database: Path, left_out: str, title: str) -> None:
    """No row of the period is as no row at all, and the rest of the page stays."""
    other_days = {name: [row for row in rows if row[0] not in DAYS] for name, rows in use().items()}
    other_days["weekly_user_retention"] = [row for row in use()["weekly_user_retention"] if row[0].year != FIRST.year]
    assert other_days[left_out] or left_out in ("daily_product_performance", "daily_auth_failures")
    less = report(build(database, two_weeks() | {left_out: other_days[left_out]}))
    shown_less, shown_all = ([*page.titles, *page.tables] for page in (less, page))
    assert title in shown_all
    gone = {"Funnel again", "Funnel buy"} if left_out == "daily_funnel" else {title}
    assert shown_less == [other for other in shown_all if other not in gone]


def test_an_api_without_users_products_uploads_and_funnels(database: Path) -> None:
    marts = {name: rows for name, rows in two_weeks().items() if name not in use()}
    page = report(build(database, marts | {"sessions": [], "event_catalog": []}))
    assert page.text.count("No users in this period") == page.text.count("No products in this period") == 1
    assert page.text.count("No uploads") == page.text.count("No funnels") == page.text.count("No sessions in this period") == 1
    assert "windows of 7 and 30 days" not in page.text
    assert "A session takes the steps" not in page.text


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
        connection.execute(f"insert into daily_active_users select d, 1, 2, 3, 0.3 from {days}")
        weeks = "(select cast(unnest(range(date '2023-01-02', date '2026-11-01', interval 7 day)) as date) as w)"
        connection.execute(
            "insert into weekly_user_retention select a.w, (b.w - a.w) // 7, 9, 3, 0.3 "
            f"from {weeks} as a join {weeks} as b on a.w <= b.w"
        )
        connection.execute(f"insert into daily_funnel select d, 'f', n, n, 9, 1, 1 from {days}, range(1, 6) as t(n)")
        connection.execute(f"insert into daily_product_performance select d, n, 9, 1, 1, 0.1 from {days}, range(500) as t(n)")
        connection.execute(f"insert into daily_auth_failures select d, 'GET', n, 9, 1, 1, 0.1 from {days}, range(50) as t(n)")
        connection.execute(f"insert into daily_uploads select d, 9, 8, 1 from {days}")
    page = report(path)
    cohorts = 12 + 11 + 10 + 9 + 8 + 7 + 6 + 5 + 4 + 3 + 2 + 1
    assert [len(rows) for rows in page.rows.values()] == [
        *(MAX_DAYS * 7, 7 * 24),
        *(MAX_DAYS, cohorts),
        *[MAX_DAYS] * 3,
        *(MAX_DAYS, 5),
        MAX_DAYS * 20,
    ]
    assert page.rows["New users who returned, by weeks since their first"][0]["g"] == "10 Aug (9)"
    assert len(page.tables["Endpoints, the worst first"]) == 1 + 15
    assert len(page.tables["Auth failures by endpoint"]) == len(page.tables["Products, the most viewed first"]) == 1 + 10
    assert sum(map(len, page.scripts[:-1])) < 3_000_000


def test_a_missing_database_or_table_says_what_to_run(tmp_path: Path, database: Path) -> None:
    with pytest.raises(UserError, match=r"There is no database at .*nowhere.duckdb. Run `dbt build`"):
        report(tmp_path / "nowhere.duckdb")
    build(database, {"daily_events": [(FIRST, "a", 1, 1, 1)]})
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table sessions")
    with pytest.raises(UserError, match=r"sessions does not exist.*run `dbt build`"):
        report(database)
    with duckdb.connect(str(database)) as connection:
        for table in COLUMNS.keys() - {"sessions"}:
            connection.execute(f"drop table {table}")
    with pytest.raises(UserError, match=r"marts.duckdb cannot be read.*run `dbt build`"):
        report(database)
    (tmp_path / "text.duckdb").write_text("no database")
    with pytest.raises(UserError, match="cannot be read"):
        report(tmp_path / "text.duckdb")
    assert not (tmp_path / "site").exists()


def test_the_command_says_what_is_wrong_with_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_TARGET", "elsewhere")
    result = CliRunner().invoke(cli, ["report"])
    assert result.exit_code == 1
    assert "does not have a target named 'elsewhere'. The valid target names for this profile are: - local" in result.output


def test_the_demo_leaves_the_tables_of_production_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "build_from", lambda *_, **more: pytest.fail("it builds"))
    monkeypatch.setenv("ANALYTICS_TARGET", "athena")
    result = CliRunner().invoke(cli, ["demo"])
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
