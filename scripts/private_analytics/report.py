"""The report: one HTML file about traffic, reliability, sessions and exports that needs no server and no network.

`write_report` asks the marts for sums that stay small however many events there are (`QUERIES`, which DuckDB and
Athena both understand), finds what stands out, and fills report.html.j2. Names of events, routes and log groups
come out of logs that anyone can write to: they reach the page through `shown` and an escaping template, never
as markup, script or SQL.
"""

import base64
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import altair as alt
import click
import duckdb
import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

Row = dict[str, Any]
Query = Callable[[str], list[Row]]
Marts = dict[str, list[Row]]  # an answer for each of QUERIES

MAX_DAYS = 400
HOURLY_DAYS = 35  # longer periods are drawn day by day
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAY_MS = DAY // timedelta(milliseconds=1)
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
DURATIONS = {
    "under 10 s": 10,
    "10–30 s": 30,
    "30–60 s": 60,
    "1–3 min": 180,
    "3–10 min": 600,
    "10–30 min": 1800,
}
LONGEST = "over 30 min"
MAX_LETTERS = 62  # days, of which the calendar has room for letters
AS_PERCENT = "datum.label + ' %'"
STATUSES = ("ok", "empty", "late", "damaged", "missing")

PERCENTILES = ", ".join(  # of a period: the mean of the days', by requests
    f"sum(latency_{p}_ms * requests) / sum(case when latency_{p}_ms is not null then requests end) as {p}"
    for p in ("p50", "p95", "p99")
)
DURATION_BUCKETS = " ".join(
    f"when duration_seconds < {end} then {i}" for i, end in enumerate(DURATIONS.values())
)
QUERIES = {
    # The six most frequent names each have a place of their own, as many as there are colours to tell apart.
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
    "hours": """
        select event_hour, cast(event_hour as date) as event_date, requests, client_errors, server_errors,
            auth_failures, latency_p95_ms
        from hourly_reliability where {event_hour} order by event_hour""",
    # Worst is a product of how many requests failed and how large a part of all they are: no endpoint is worst for
    # being used most, nor for a single failure of few requests.
    "endpoints": f"""
        select method, route, sum(requests) as requests, sum(client_errors) as client_errors,
            sum(server_errors) as server_errors, {PERCENTILES}
        from daily_endpoint_reliability where {{event_date}} group by method, route
        order by 1e0 * sum(server_errors) * sum(server_errors) / sum(requests) desc, requests desc, route, method
        limit 15""",
    # The worst endpoint of each day.
    "blamed": """
        with ranked as (
            select event_date, method, route, requests, server_errors, row_number() over (
                partition by event_date order by server_errors * server_error_rate desc, route, method
            ) as place
            from daily_endpoint_reliability where {event_date} and server_errors > 0
        )
        select event_date, method, route, requests, server_errors from ranked where place = 1""",
    "sessions": """
        select cast(started_at as date) as event_date, count(*) as sessions,
            count(case when converted then 1 end) as converted
        from sessions where {started_at} group by cast(started_at as date) order by event_date""",
    "users": """
        select count(distinct user_id) as period, count(distinct case when {recent} then user_id end) as recent,
            count(distinct case when {before} then user_id end) as before
        from sessions where {started_at}""",
    "durations": f"""
        select case {DURATION_BUCKETS} else {len(DURATIONS)} end as bucket, count(*) as sessions
        from sessions where {{started_at}} group by 1""",
    "paths": """
        select entry_event, exit_event, count(*) as sessions, count(case when converted then 1 end) as converted
        from sessions where {started_at} group by entry_event, exit_event
        order by count(*) desc, entry_event, exit_event limit 15""",
    "purchases": """
        select distinct event_name from event_catalog
        where meaning = 'purchase' and event_name is not null order by event_name""",
    "exports": """
        select event_date, status, count(*) as log_groups, sum(exports) as exports, sum(lines) as lines,
            sum(events) as events, sum(rejected) as rejected, sum(duplicates) as duplicates
        from export_health where {event_date} group by event_date, status order by event_date desc, status""",
    # The log groups with most trouble, as many as fit into the calendar.
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


class ReportError(click.ClickException):
    """The report cannot be made. The message says what to do; click shows it without a traceback."""


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


@dataclass(frozen=True)
class Chart:
    """A chart as JSON for a script element, and what it says to those who do not see it."""

    spec: Markup
    says: str


# --- Numbers and names for people ---------------------------------------------------------------------------


def number(value: float | None, noun: str = "") -> str:
    """12,345, with a noun where there is one: 1 session, 2 sessions."""
    digits = "–" if value is None else f"{value:,.0f}"
    return f"{digits} {noun}{'' if digits == '1' else 's'}" if noun else digits


def percent(share: float | None, sign: str = "", unit: str = "%") -> str:
    """A fraction of 1 in percent, with more places the smaller it is."""
    if share is None:
        return "–"
    places = 0 if share in (0, 1) else 2 if abs(share) < 0.001 else 1
    return f"{share * 100:{sign},.{places}f}\xa0{unit}".replace("-", "−")


def milliseconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value / 1000:,.1f}\xa0s" if value >= 1000 else f"{value:.{0 if value >= 10 else 1}f}\xa0ms"


def shown(name: str) -> str:
    """A name out of a log as it may be shown: not endless, without characters that control or turn the text."""
    clean = "".join(letter if letter.isprintable() else "\ufffd" for letter in name)
    return clean if len(clean) <= 60 else clean[:59] + "…"


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def total(rows: Iterable[Row], column: str) -> int:
    return sum(row[column] for row in rows)


def mean_p95(hours: Iterable[Row]) -> float | None:
    """The mean of the hours' 95th percentiles, by requests. Theirs together cannot be told from the marts."""
    timed = [hour for hour in hours if hour["latency_p95_ms"] is not None and hour["requests"]]
    return ratio(sum(hour["latency_p95_ms"] * hour["requests"] for hour in timed), total(timed, "requests"))


# --- What is read -------------------------------------------------------------------------------------------


def duckdb_query(db: Path, schema: str = "analytics") -> Query:
    """Return a function that asks a DuckDB database read-only, in that schema."""
    if not db.is_file():
        raise ReportError(f"There is no database at {db}. Run `make demo` to build one from sample logs.")

    def query(sql: str) -> list[Row]:
        try:
            with duckdb.connect(str(db), read_only=True) as connection:
                connection.execute(f"use {schema}")
                cursor = connection.execute(sql)
                columns = [column[0] for column in cursor.description]
                return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        except duckdb.CatalogException as error:
            what = str(error).splitlines()[0]
            raise ReportError(
                f"{db} lacks tables of the report ({what}). Run `make demo` to build them."
            ) from None
        except duckdb.IOException as error:
            raise ReportError(f"{db} cannot be read: {str(error).splitlines()[0]}") from None

    return query


def find_period(query: Query) -> tuple[Period | None, int]:
    """Choose the days to report on, and count the events that are dated outside of them.

    These are the exported days, since dates within logs may be wrong; unless most events are from other days, as
    in logs that were exported long after. Of many days, the last `MAX_DAYS`.
    """
    span = "select min(event_date) as first_day, max(event_date) as last_day from "
    exported, dated = (query(span + table)[0] for table in ("export_health", "daily_events"))
    spans = [Period(row["first_day"], row["last_day"]) for row in (exported, dated) if row["first_day"]]
    if not spans:
        return None, 0

    def events_in(period: Period) -> int:
        return (
            query(f"select sum(events) as events from daily_events where {period.on('event_date')}")[0][
                "events"
            ]
            or 0
        )

    known = events_in(spans[-1])
    chosen = spans[0] if events_in(spans[0]) * 2 >= known else spans[-1]
    period = Period(max(chosen.first, chosen.last - DAY * (MAX_DAYS - 1)), chosen.last)
    return period, known - events_in(period)


def read_marts(query: Query, period: Period) -> Marts:
    recent, before = weeks(period)
    fields = {
        "first": period.first,
        "event_date": period.on("event_date"),
        "event_hour": period.at("event_hour"),
        "started_at": period.at("started_at"),
        "recent": recent.at("started_at"),
        "before": before.at("started_at"),
    }
    return {name: query(sql.format(**fields)) for name, sql in QUERIES.items()}


def weeks(period: Period) -> tuple[Period, Period]:
    """The last 7 days of the period, and the 7 before."""
    return Period(period.last - DAY * 6, period.last), Period(period.last - DAY * 13, period.last - DAY * 7)


# --- What is said -------------------------------------------------------------------------------------------


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

    names = (
        "Events",
        "Requests",
        "Users",
        "Sessions",
        "Conversion",
        "5xx rate",
        "p95 latency",
        "Rejected lines",
    )
    forms = (number, number, number, number, percent, percent, milliseconds, number)
    recent, before = weeks(period)
    values, new, old = measure("period", period), measure("recent", recent), measure("before", before)
    figures = []
    for name, form, value, now, then in zip(names, forms, values, new, old, strict=True):
        change = ""
        if before.first >= period.first and now is not None and then is not None:
            change = (
                percent(now - then, "+", "points")
                if form is percent
                else percent(ratio(now - then, then), "+")
            )
        figures.append((name, form(value), form(now), change))
    return figures


def find_stories(marts: Marts) -> list[tuple[str, str]]:
    """What stands out, each with the section of the page that shows it."""
    stories = (
        ("reliability", server_error_story(marts["hours"], marts["blamed"])),
        ("reliability", latency_story(marts["hours"])),
        ("reliability", auth_failure_story(marts["hours"])),
        ("sessions", conversion_story(marts["sessions"])),
        ("exports", export_story(marts["calendar"])),
        ("exports", duplicate_story(marts["exports"])),
    )
    return [(section, story) for section, story in stories if story]


def hour_of(hour: Row) -> str:
    return f"{hour['event_hour']:%Y-%m-%d} at {hour['event_hour']:%H:00}"


def share_of(part: int, whole: int, noun: str) -> str:
    return f"{percent(ratio(part, whole))} of {number(whole, noun)}"


def server_error_story(hours: Sequence[Row], blamed: Sequence[Row]) -> str:
    """The hour with most server errors, what is around it, and that day's worst endpoint."""
    requests, errors = total(hours, "requests"), total(hours, "server_errors")

    def is_bad(hour: Row) -> bool:
        return hour["server_errors"] >= 3 and hour["server_errors"] * requests > 5 * errors * hour["requests"]

    worst = max(hours, key=lambda hour: hour["server_errors"], default=None)
    if not worst or not is_bad(worst):
        return ""
    share = share_of(worst["server_errors"], worst["requests"], "request")
    story = f"Server errors were highest on {hour_of(worst)} ({share}; {percent(errors / requests)} in all)."
    at = hours.index(worst)
    spell = [*reversed([*takewhile(is_bad, reversed(hours[:at]))]), *takewhile(is_bad, hours[at:])]
    if len(spell) > 1:
        start, end = spell[0]["event_hour"], spell[-1]["event_hour"] + HOUR
        story += f" From {start:%H:00} to {end:%H:00} there were {number(total(spell, 'server_errors'))}"
        story += f" of the period's {number(errors)}."
    for row in blamed:
        if row["event_date"] == worst["event_date"]:
            share = share_of(row["server_errors"], row["requests"], "request")
            story += f" Hit hardest that day was {shown(row['method'])} {shown(row['route'])} ({share})."
    return story


def latency_story(hours: Sequence[Row]) -> str:
    """The slowest hour among those with enough requests to tell."""
    timed = [hour for hour in hours if hour["latency_p95_ms"] is not None and hour["requests"] >= 20]
    worst = max(timed, key=lambda hour: hour["latency_p95_ms"], default=None)
    if not worst or worst["latency_p95_ms"] < 3 * mean_p95(hours):
        return ""
    slow, usual = milliseconds(worst["latency_p95_ms"]), milliseconds(mean_p95(hours))
    return (
        f"Answers were slowest on {hour_of(worst)}: the slowest 5\xa0% took {slow} or more, usually {usual}."
    )


def auth_failure_story(hours: Sequence[Row]) -> str:
    worst = max(hours, key=lambda hour: hour["auth_failures"], default=None)
    usual = ratio(total(hours, "auth_failures"), len(hours))
    if not worst or worst["auth_failures"] < max(10, 5 * usual):
        return ""
    most = number(worst["auth_failures"], "auth failure")
    return (
        f"Auth failures were highest on {hour_of(worst)}: {most} within the hour, {usual:.1f} in a usual one."
    )


def conversion_story(days: Sequence[Row]) -> str:
    """The day that falls shortest of its conversions, if that is hardly chance."""
    usual = ratio(total(days, "converted"), total(days, "sessions")) or 0
    worst = min(days, key=lambda day: day["converted"] - day["sessions"] * usual, default=None)
    if not worst or worst["converted"] > worst["sessions"] * usual - 3 * (worst["sessions"] * usual) ** 0.5:
        return ""
    share = share_of(worst["converted"], worst["sessions"], "session")
    return f"Conversion was lowest on {worst['event_date']} ({share}; {percent(usual)} in all)."


def export_story(calendar: Sequence[Row]) -> str:
    """The days and log groups that are not as they should be, the latest first."""
    groups = defaultdict(list)
    for row in sorted(calendar, key=lambda row: row["event_date"], reverse=True):
        if row["status"] != "ok":
            groups[row["event_date"], row["status"]].append(shown(row["log_group"]))
    said = [f"{day} {status} ({', '.join(names[:5])})" for (day, status), names in groups.items()]
    more = f"; and {number(len(said) - 5)} more" if len(said) > 5 else ""
    return f"Exports to look at: {'; '.join(said[:5])}{more}." if said else ""


def duplicate_story(exports: Sequence[Row]) -> str:
    """The day with most duplicates, if they are more than a few retries."""
    worst = max(exports, key=lambda row: row["duplicates"], default=None)
    if not worst or worst["duplicates"] * 20 <= worst["lines"]:
        return ""
    share = share_of(worst["duplicates"], worst["lines"], "line")
    return (
        f"Most duplicates were exported for {worst['event_date']} ({share}), as when a day is exported twice."
    )


# --- What is drawn ------------------------------------------------------------------------------------------


def sheet(height: int) -> alt.Chart:
    """An empty chart, with the tooltip of its rows."""
    tooltip = [alt.Tooltip("when:N"), alt.Tooltip("what:N")]
    return alt.Chart(alt.NamedData("rows"), width="container", height=height).encode(tooltip=tooltip)


def finish(chart: alt.Chart | alt.LayerChart, rows: Sequence[Row], says: str) -> Chart:
    """Turn the chart and its rows into JSON that is inert inside a script element."""
    spec = chart.to_dict() | {"datasets": {"rows": rows}}
    del spec["config"]  # the page has one for all charts
    text = json.dumps(spec, separators=(",", ":"))  # ASCII only, so U+2028 is escaped too
    return Chart(Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")), says)


def mark(moment: date, value: float | None, what: str, **more: Any) -> Row:
    """A row of a chart over time: a day or an hour, the value then, and what the tooltip says of it."""
    hourly = isinstance(moment, datetime)
    start = moment.replace(tzinfo=UTC) if hourly else datetime.combine(moment, time(), UTC)
    when = f"{moment:%a %Y-%m-%d}{f', {moment:%H:00}' if hourly else ''}"
    return {"t": int(start.timestamp() * 1000), "v": value, "when": when, "what": what, **more}


def over_time(period: Period) -> alt.X:
    form = "%-d %b" if len(period.days) > 3 else "%-d %b, %H:%M"
    axis = alt.Axis(format=form, labelOverlap=True)
    return alt.X("t:T", axis=axis, scale=alt.Scale(type="utc", nice=False))


def amounts(label: str = "format(datum.value, ',')") -> alt.Y:
    return alt.Y("v:Q", axis=alt.Axis(labelExpr=label, tickCount=3, minExtent=48, maxExtent=48))


def bars(period: Period, height: int) -> alt.Chart:
    """Bars a day wide, from b (for base) to v."""
    chart = sheet(height).transform_calculate(end=f"datum.t + {DAY_MS * 0.88}").mark_rect(color="var(--line)")
    return chart.encode(x=over_time(period), x2="end", y=amounts(), y2="b")


def line(rows: Sequence[Row], period: Period, label: str, color: str = "var(--line)") -> Chart:
    """A line that breaks where nothing is known, with a dot on its peak."""
    peak = max((row for row in rows if row["v"] is not None), key=lambda row: row["v"])
    peak["peak"] = True
    base = sheet(110).encode(x="t:T", y=amounts(label))
    area = base.mark_area(color=color, opacity=0.18).encode(x=over_time(period))
    dot = base.transform_filter("datum.peak").mark_point(color=color, filled=True, size=45, opacity=1)
    chart = area + base.mark_line(color=color, strokeWidth=1.5) + dot
    return finish(chart, rows, f"Highest: {peak['what']}, {peak['when']}.")


def events_chart(events: Sequence[Row], period: Period) -> tuple[Chart, list[tuple[int, str, int]]]:
    """Events by day and name, and the legend: place, name, and events of each."""
    by_day, by_place, names, rows = Counter(), Counter(), {}, []
    for row in events:
        day, place, count = row["event_date"], row["place"], row["events"]
        names[place] = shown(row["event_name"] or "all others")
        base, by_day[day], by_place[place] = by_day[day], by_day[day] + count, by_place[place] + count
        rows.append(mark(day, by_day[day], f"{names[place]}: {number(count)}", b=base, place=place))
    places = sorted(names)
    scale = alt.Scale(domain=places, range=[f"var(--c{place})" for place in places])
    chart = bars(period, 220).encode(color=alt.Color("place:O", legend=None, scale=scale))
    rows += [mark(day, 0, "no events", b=0, place=1) for day in period.days if day not in by_day]
    (day, most), idle = by_day.most_common(1)[0], len(period.days) - len(by_day)
    says = f"{number(by_day.total() / len(by_day), 'event')} on a usual day; most on {day} ({number(most)})."
    says += f" {number(idle, 'day')} had none." if idle else ""
    return finish(chart, rows, says), [(place, names[place], by_place[place]) for place in places]


def week_chart(hours: Sequence[Row]) -> tuple[Chart, float]:
    """Mean requests by weekday and hour, over the days that had any, and the highest of these."""
    days = Counter(day.weekday() for day in {hour["event_date"] for hour in hours})
    requests = Counter()
    for hour in hours:
        requests[hour["event_date"].weekday(), hour["event_hour"].hour] += hour["requests"]
    rows = []
    for (day, hour), count in sorted(requests.items()):
        when, mean = f"{WEEKDAYS[day]}, {hour:02}:00", round(count / days[day], 1)
        rows.append({"d": day, "h": hour, "v": mean, "when": when, "what": number(mean, "request")})
    most = max(rows, key=lambda row: row["v"])
    steps = [f"var(--s{step})" for step in range(1, 8)]
    day_names = "['Mon','Tue','Wed','Thu','Fri','Sat','Sun'][datum.value]"
    names = alt.Axis(labelExpr=day_names, minExtent=48, maxExtent=48)
    hour_names = alt.Axis(labelAngle=0, labelExpr="datum.value % 3 ? '' : datum.label")
    color = alt.Scale(type="quantize", domain=[0, most["v"] or 1], range=steps)
    chart = (
        sheet(170)
        .mark_rect(stroke="var(--paper)")
        .encode(
            x=alt.X("h:O", axis=hour_names, scale=alt.Scale(domain=list(range(24)))),
            y=alt.Y("d:O", axis=names, scale=alt.Scale(domain=list(range(7)))),
            color=alt.Color("v:Q", legend=None, scale=color),
        )
    )
    return finish(chart, rows, f"Busiest: {most['when']}, {most['what']} on average, bots included."), most[
        "v"
    ]


def hour_charts(hours: Sequence[Row], period: Period) -> dict[str, Chart]:
    """Errors, latency and auth failures by hour, or by day where hours are many; those that there are."""
    key, moments, groups = "event_date", period.days, defaultdict(list)
    if len(moments) <= HOURLY_DAYS:
        key, moments = (
            "event_hour",
            [datetime.combine(day, time(hour)) for day in moments for hour in range(24)],
        )
    for hour in hours:
        groups[hour[key]].append(hour)

    def rate(column: str) -> Callable[[list[Row]], tuple[float | None, str]]:
        def read(some: list[Row]) -> tuple[float | None, str]:
            part, whole = total(some, column), total(some, "requests")
            return (round(100 * part / whole, 3) if whole else None), share_of(part, whole, "request")

        return read

    def latency(some: list[Row]) -> tuple[float | None, str]:
        return mean_p95(some), milliseconds(mean_p95(some))

    def failures(some: list[Row]) -> tuple[float | None, str]:
        return total(some, "auth_failures"), number(total(some, "auth_failures"), "auth failure")

    as_ms = "datum.value < 1000 ? datum.label + ' ms' : datum.value / 1000 + ' s'"
    charts = {}
    for name, read, label, color in (
        ("server_errors", rate("server_errors"), AS_PERCENT, "var(--bad)"),
        ("client_errors", rate("client_errors"), AS_PERCENT, "var(--line)"),
        ("latency", latency, as_ms, "var(--line)"),
        ("auth_failures", failures, "format(datum.value, ',')", "var(--line)"),
    ):
        rows = [mark(at, *(read(groups[at]) if at in groups else (None, "no requests"))) for at in moments]
        if any(row["v"] for row in rows):
            charts[name] = line(rows, period, label, color)
    return charts


def session_charts(days: Sequence[Row], durations: Sequence[Row], period: Period) -> dict[str, Chart]:
    """Sessions and conversion by day, and how long sessions took."""
    counts = {day: mark(day, 0, "no sessions", b=0) for day in period.days}
    rates = {day: mark(day, None, "no sessions") for day in period.days}
    for row in days:
        day, count = row["event_date"], row["sessions"]
        counts[day] = mark(day, count, number(count, "session"), b=0)
        rate = round(row["converted"] / count * 100, 3)
        rates[day] = mark(day, rate, share_of(row["converted"], count, "session"))
    found, count, lengths = (
        {row["bucket"]: row["sessions"] for row in durations},
        total(durations, "sessions"),
        [],
    )
    for bucket, name in enumerate((*DURATIONS, LONGEST)):
        some = found.get(bucket, 0)
        lengths.append(
            {"v": some, "when": name, "what": f"{number(some, 'session')}, {percent(some / count)}"}
        )
    most, usual = (max(rows, key=lambda row: row["v"]) for rows in (counts.values(), lengths))
    histogram = (
        sheet(180)
        .mark_bar(color="var(--line)")
        .encode(
            x=alt.X(
                "v:Q",
                axis=alt.Axis(tickCount=3, labelExpr="format(datum.value, ',')", grid=True, domain=False),
            ),
            y=alt.Y("when:N", sort=None),
        )
    )
    return {
        "sessions": finish(bars(period, 110), list(counts.values()), f"Most: {most['what']}, {most['when']}."),
        "conversion": line(list(rates.values()), period, AS_PERCENT),
        "durations": finish(histogram, lengths, f"Most take {usual['when']}: {usual['what']}."),
    }


def calendar_chart(calendar: Sequence[Row], exports: Sequence[Row], period: Period) -> Chart:
    """A row of days for each log group, by status, with the letter of each status but ok."""
    counted, rows = Counter(), []
    for row in exports:
        counted[row["status"]] += row["log_groups"]
    for row in calendar:
        parts = ", ".join(f"{number(row[part])} {part}" for part in ("events", "rejected", "duplicates"))
        what = f"{shown(row['log_group'])} {row['status']}: {number(row['lines'], 'line')} = {parts}"
        letter = "" if row["status"] == "ok" else row["status"][:1].upper()
        rows.append(
            mark(
                row["event_date"], None, what, g=shown(row["log_group"]), status=row["status"], letter=letter
            )
        )
    scale = alt.Scale(domain=STATUSES, range=[f"var(--{status})" for status in STATUSES])
    base = sheet(30 * len({row["g"] for row in rows})).encode(y=alt.Y("g:N", axis=alt.Axis(labelLimit=120)))
    days = base.transform_calculate(end=f"datum.t + {DAY_MS * 0.9}").mark_rect(
        stroke="var(--paper)", strokeWidth=4
    )
    chart = days.encode(x=over_time(period), x2="end", color=alt.Color("status:N", legend=None, scale=scale))
    if len(period.days) <= MAX_LETTERS:
        letters = base.transform_calculate(t=f"datum.t + {DAY_MS * 0.45}").mark_text(fontSize=11)
        chart += letters.encode(x="t:T", text="letter:N")
    said = ", ".join(f"{number(counted[status])} {status}" for status in STATUSES if counted[status])
    return finish(chart, rows, f"Of {number(counted.total())} days of log groups: {said}.")


# --- The page -----------------------------------------------------------------------------------------------


@cache
def vega() -> Markup:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    return Markup(vl_convert.javascript_bundle())


def digest(script: str) -> str:
    """The script's hash for the page's content security policy, which lets no other script run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def describe(query: Query) -> dict[str, Any]:
    """All that the page says, but for the words around it."""
    period, outside = find_period(query)
    if not period:
        return {"period": None}
    marts = read_marts(query, period)
    charts, legend, most = {}, [], 0
    if marts["events"]:
        charts["events"], legend = events_chart(marts["events"], period)
    if marts["hours"]:
        charts["week"], most = week_chart(marts["hours"])
        charts |= hour_charts(marts["hours"], period)
    if marts["sessions"]:
        charts |= session_charts(marts["sessions"], marts["durations"], period)
    if marts["calendar"]:
        charts["calendar"] = calendar_chart(marts["calendar"], marts["exports"], period)
    return {
        "period": period,
        "unit": "hour" if len(period.days) <= HOURLY_DAYS else "day",
        "outside": outside,
        "figures": key_figures(marts, period),
        "stories": find_stories(marts),
        "marts": marts,
        "charts": charts,
        "legend": legend,
        "most": most,
    }


def write_report(query: Query, out: Path, *, title: str = "API traffic and reliability") -> None:
    """Write the report to one HTML file."""
    templates = FileSystemLoader(Path(__file__).parent)
    page = Environment(loader=templates, autoescape=True, undefined=StrictUndefined, lstrip_blocks=True)
    page.filters |= {f.__name__: f for f in (digest, milliseconds, number, percent, shown)}
    html = page.get_template("report.html.j2").render(
        title=title, vega=vega(), ratio=ratio, **describe(query)
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(html, encoding="utf-8")
