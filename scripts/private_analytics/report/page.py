"""The report: one HTML file about traffic, users, reliability, sessions, products and exports; no server, no network.

`write_report` queries the marts for sums that stay small however many events there are. `QUERIES` is SQL that both DuckDB and
Athena accept (tests/athena/test_report_of_athena.py). `words` and `charts` describe and draw the answers, and page.html.j2 shows
them. Names of events, routes, products and log groups come from logs that anyone can write to: they reach the page only through
`shown` and an escaping template, never as markup, script or SQL.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..console import printable
from ..project import paths
from ..project.engine import Engine, open_engine
from ..project.variables import Thresholds, absent_fields, thresholds
from . import charts as draw
from .unread import not_read
from .words import DURATIONS, Row, find_stories, mean_p95, milliseconds, number, percent, ratio, shown, total

Marts = dict[str, list[Row]]  # an answer to each of QUERIES
Forms = Sequence[Callable[[float | None], str]]  # how figures are written

MAX_DAYS = 400
DAY = timedelta(days=1)

SPANS = {
    "exports": "select min(event_date) as first_day, max(event_date) as last_day from export_health",
    "events": "select event_date, sum(events) as events from daily_events group by event_date",
}
QUERIES = {
    # The six most frequent names get a place each: as many as there are distinguishable colours.
    "events": """
        with places as (
            select event_name, row_number() over (order by sum(events) desc, event_name) as place
            from daily_events where {event_date} group by event_name
        ),
        placed as (
            select d.event_date, d.events, case when p.place <= 6 then p.place else 7 end as place,
                case when p.place <= 6 then d.event_name end as event_name
            from daily_events as d join places as p on d.event_name = p.event_name where {event_date}
        )
        select event_date, place, event_name, sum(events) as events from placed
        group by event_date, place, event_name order by event_date, place""",
    "active": """
        select event_date, daily_active_users, weekly_active_users, monthly_active_users, stickiness
        from daily_active_users where {event_date} order by event_date""",
    # The last cohorts and their first weeks, as many as fit into the heat map. Weeks after the period are not real.
    "retention": """
        with placed as (
            select *, dense_rank() over (order by cohort_week desc) as place
            from weekly_user_retention
            where {cohort_week} and week_number <= least(11, date_diff('week', cohort_week, date '{last}'))
        )
        select cohort_week, week_number, cohort_users, active_users from placed
        where place <= 12 order by cohort_week, week_number""",
    "hours": """
        select event_hour, cast(event_hour as date) as event_date, requests, client_errors, server_errors,
            auth_failures, latency_p95_ms
        from hourly_reliability where {event_hour} order by event_hour""",
    # Badness is the number of failed requests times the share of requests that failed: an endpoint is not worst only because
    # it is used most, or because of a single failure among few requests.
    "endpoints": """
        with endpoints as (
            select method, route, sum(requests) as requests, sum(client_errors) as client_errors,
                sum(server_errors) as server_errors, {percentiles}
            from daily_endpoint_reliability where {event_date} group by method, route
        )
        select * from endpoints
        order by 1e0 * server_errors * server_errors / requests desc, requests desc, route, method limit 15""",
    # Whether requests have a method and a route.
    "named": """
        select case when method = '(none)' then method else '' end as method,
            case when route = '(none)' then route else '' end as route, sum(requests) as requests
        from daily_endpoint_reliability where {event_date} group by 1, 2""",
    # The worst endpoint of each day.
    "blamed": """
        with ranked as (
            select event_date, method, route, requests, server_errors, row_number() over (
                partition by event_date order by server_errors * server_error_rate desc, route, method
            ) as place
            from daily_endpoint_reliability where {event_date} and server_errors > 0
        )
        select event_date, method, route, requests, server_errors from ranked where place = 1""",
    # A user who failed on several days counts on each of them, so users cannot be added up.
    "refused": """
        with endpoints as (
            select method, route, sum(attempts) as attempts, sum(failures) as failures, max(users) as users_of_a_day
            from daily_auth_failures where {event_date} group by method, route
        )
        select * from endpoints where failures > 0 order by failures desc, attempts, route, method limit 10""",
    "uploads": """
        select event_date, uploads_requested, uploads_completed, uploads_rejected
        from daily_uploads where {event_date} order by event_date""",
    "sessions": """
        select cast(started_at as date) as event_date, count(*) as sessions,
            count(case when converted then 1 end) as converted
        from sessions where {started_at} group by cast(started_at as date) order by event_date""",
    "users": """
        select count(distinct user_id) as period, count(distinct case when {recent} then user_id end) as recent,
            count(distinct case when {before} then user_id end) as before
        from sessions where {started_at}""",
    "durations": """
        select case {buckets} end as bucket, count(*) as sessions
        from sessions where {started_at} group by 1""",
    "paths": """
        select entry_event, exit_event, count(*) as sessions, count(case when converted then 1 end) as converted
        from sessions where {started_at} group by entry_event, exit_event
        order by count(*) desc, entry_event, exit_event limit 15""",
    "purchases": """
        select distinct event_name from event_catalog
        where meaning = 'purchase' and event_name is not null order by event_name""",
    "funnels": """
        select funnel, step_number, event_name, sum(sessions) as sessions
        from daily_funnel where {event_date} group by funnel, step_number, event_name
        order by funnel, step_number, event_name""",
    "products": """
        with products as (
            select product_id, sum(views) as views, sum(add_to_carts) as add_to_carts, sum(purchases) as purchases
            from daily_product_performance where {event_date} group by product_id
        ),
        everything as (select count(*) as products, sum(views) as all_views from products)
        select p.product_id, p.views, p.add_to_carts, p.purchases, e.products, e.all_views
        from products as p cross join everything as e
        order by p.views desc, p.purchases desc, p.add_to_carts desc, p.product_id limit 10""",
    "exports": """
        select event_date, status, count(*) as log_groups, sum(exports) as exports, sum(lines) as lines,
            sum(events) as events, sum(rejected) as rejected, sum(duplicates) as duplicates
        from export_health where {event_date} group by event_date, status order by event_date desc, status""",
    # The log groups with the most problems, as many as fit into the calendar.
    "calendar": """
        with places as (
            select log_group, row_number() over (
                order by count(case when status <> 'ok' then 1 end) desc, log_group
            ) as place
            from export_health where {event_date} group by log_group
        )
        select h.event_date, h.log_group, h.status, h.lines, h.events, h.rejected, h.duplicates
        from export_health as h join places as p on h.log_group = p.log_group
        where p.place <= 20 and {event_date} order by h.log_group, h.event_date""",
    "reasons": """
        select reason, count(*) as lines from rejected_log_lines where exported_at >= timestamp '{first} 00:00:00'
        group by reason order by count(*) desc, reason""",
}


@dataclass(frozen=True)
class Period:
    """Days, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        return [self.first + DAY * number for number in range((self.last - self.first).days + 1)]

    def on(self, column: str) -> str:
        """SQL: whether the date is in the period."""
        return f"{column} between date '{self.first}' and date '{self.last}'"

    def at(self, column: str) -> str:
        """SQL: whether the timestamp is in the period."""
        start, end = (f"timestamp '{day} 00:00:00'" for day in (self.first, self.last + DAY))
        return f"{column} >= {start} and {column} < {end}"


def find_period(engine: Engine) -> tuple[Period | None, int]:
    """Choose the days to report on, and count the events that are dated outside them.

    These are the exported days, since dates in logs may be wrong. If most events are from other days, as in logs that were
    exported much later, they are the days of the events. Only the last `MAX_DAYS` are used.
    """
    found = engine.read(SPANS)
    events = {row["event_date"]: row["events"] for row in found["events"]}
    spans = [Period(row["first_day"], row["last_day"]) for row in found["exports"] if row["first_day"]]
    spans += [Period(min(events), max(events))] if events else []
    if not spans:
        return None, 0

    def events_in(period: Period) -> int:
        return sum(count for day, count in events.items() if period.first <= day <= period.last)

    known = sum(events.values())
    chosen = spans[0] if events_in(spans[0]) * 2 >= known else spans[-1]
    period = Period(max(chosen.first, chosen.last - DAY * (MAX_DAYS - 1)), chosen.last)
    return period, known - events_in(period)


def read_marts(engine: Engine, period: Period) -> Marts:
    """The answers of the marts to all QUERIES for the period."""
    recent, before = weeks(period)
    buckets = " ".join(f"when duration_seconds < {end} then {bucket}" for bucket, end in enumerate(DURATIONS.values()))
    percentiles = (
        f"sum(latency_{p}_ms * requests) / sum(case when latency_{p}_ms is not null then requests end) as {p}"
        for p in ("p50", "p95", "p99")
    )
    fields = {
        "first": period.first,
        "last": period.last,
        "cohort_week": Period(period.first - DAY * period.first.weekday(), period.last).on("cohort_week"),
        "event_date": period.on("event_date"),
        "event_hour": period.at("event_hour"),
        "started_at": period.at("started_at"),
        "recent": recent.at("started_at"),
        "before": before.at("started_at"),
        "buckets": f"{buckets} else {len(DURATIONS)}",
        "percentiles": ", ".join(percentiles),
    }
    return engine.read({name: sql.format(**fields) for name, sql in QUERIES.items()})


def weeks(period: Period) -> tuple[Period, Period]:
    """The last 7 days of the period, and the 7 days before."""
    return Period(period.last - DAY * 6, period.last), Period(period.last - DAY * 13, period.last - DAY * 7)


def key_figures(marts: Marts, period: Period) -> list[tuple[str, str, str, str]]:
    """Name, value over the period, value over the last 7 days, and its change from the 7 days before."""

    def measure(name: str, span: Period) -> list[float | None]:
        events, hours, sessions, exports = (
            [row for row in marts[table] if span.first <= row["event_date"] <= span.last]
            for table in ("events", "hours", "sessions", "exports")
        )
        return [
            total(events, "events"),
            total(hours, "requests"),
            marts["users"][0][name],
            total(sessions, "sessions"),
            ratio(total(sessions, "converted"), total(sessions, "sessions")),
            ratio(total(hours, "server_errors"), total(hours, "requests")),
            mean_p95(hours),
            total(exports, "rejected"),
        ]

    names = ("Events", "Requests", "Users", "Sessions", "Conversion", "5xx rate", "p95 latency", "Rejected lines")
    forms: Forms = (number, number, number, number, percent, percent, milliseconds, number)
    recent, before = weeks(period)
    values, new, old = measure("period", period), measure("recent", recent), measure("before", before)
    figures = []
    for name, form, value, now, then in zip(names, forms, values, new, old, strict=True):
        change = ""
        if before.first >= period.first and now is not None and then is not None:
            change = percent(now - then, "+", "points") if form is percent else percent(ratio(now - then, then), "+")
        figures.append((name, form(value), form(now), change))
    return figures


@cache
def vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    return vl_convert.javascript_bundle()  # type: ignore[call-arg]  # works without a snippet, unlike its stub says


def digest(script: str) -> str:
    """The script's hash for the page's content security policy, which lets no other script run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def describe(engine: Engine, limits: Thresholds, absent: Collection[str] = ()) -> dict[str, Any]:
    """All values that the page shows."""
    period, outside = find_period(engine)
    if not period:
        return {"period": None}
    marts = read_marts(engine, period)
    eventful = {row["event_date"] for row in marts["events"]}
    charts: dict[str, draw.Chart] = {}
    legend: list[tuple[int, str, int]] = []
    most = 0.0
    if marts["events"]:
        charts["events"], legend = draw.events_chart(marts["events"], period.days)
    if marts["active"]:
        charts["active"] = draw.active_users_chart(marts["active"], period.days)
    if marts["retention"]:
        charts["retention"] = draw.retention_chart(marts["retention"], period.last)
    if marts["uploads"]:
        charts["uploads"] = draw.uploads_chart(marts["uploads"], period.days)
    if marts["hours"]:
        charts["week"], most = draw.week_chart(marts["hours"])
        charts |= draw.hour_charts(marts["hours"], period.days, limits)
    if marts["sessions"]:
        charts |= draw.session_charts(marts["sessions"], marts["durations"], period.days)
    funnels = draw.funnel_charts(marts["funnels"])
    charts |= {f"funnel {name}": chart for name, chart in funnels.items()}
    if marts["calendar"]:
        charts["calendar"] = draw.calendar_chart(marts["calendar"], marts["exports"], period.days)
    return {
        "period": period,
        "unit": "hour" if len(period.days) <= draw.HOURLY_DAYS else "day",
        "outside": outside,
        "figures": key_figures(marts, period),
        "quiet": [day for day in period.days[-14:] if day not in eventful],
        "limits": limits,
        "not_read": not_read(marts, limits, absent),
        "stories": find_stories(marts, limits),
        "marts": marts,
        "charts": charts,
        "funnels": list(funnels),
        "legend": legend,
        "most": most,
    }


def write_report(
    engine: Engine,
    out: Path,
    limits: Thresholds,
    absent: Collection[str] = (),
    *,
    title: str = "API traffic and reliability",
) -> None:
    """Write the report to one HTML file. `limits` says when rates and latencies are too high. The logs do not have the fields in
    `absent`."""
    templates = FileSystemLoader(Path(__file__).parent)
    page = Environment(loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page.filters |= {f.__name__: f for f in (digest, milliseconds, number, percent, printable, shown)}
    html = page.get_template("page.html.j2").render(title=title, vega=vega(), ratio=ratio, **describe(engine, limits, absent))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html, encoding="utf-8")


def build_report(out: Path | None = None) -> Path:
    """Write the report from the tables of the current dbt target. Returns its path.

    Raises UserError if there are no tables.
    """
    out = out or paths.site() / "report.html"
    with open_engine() as engine:
        write_report(engine, out, thresholds(), absent_fields()(""))
    return out
