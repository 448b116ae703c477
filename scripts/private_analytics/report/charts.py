"""The report's charts: Altair charts of the rows of `page.QUERIES`, for the Vega runtime in the page.

Colors are CSS variables of page.html.j2, so that one drawing fits light, dark and paper.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import groupby, pairwise
from typing import Any

import altair as alt

from ..project.variables import Thresholds
from .words import DURATIONS, LONGEST, Row, mean_p95, milliseconds, number, percent, percent_limit, ratio, share_of, shown, total

HOURLY_DAYS = 35  # longer periods are drawn day by day
ROOMY_DAYS = 62  # up to this many leave room for gaps between them, and for letters in the calendar
DAY_MS = 86_400_000
AXIS = 52  # pixels left of the charts: room for "500 ms", and all charts line up
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
WINDOWS = {"daily": "var(--line)", "weekly": "var(--muted)", "monthly": "var(--ink)"}
STATUSES = ("ok", "empty", "late", "damaged", "missing")
# The labels of an axis, as Vega expressions.
AS_COUNT = "format(datum.value, ',')"
AS_PERCENT = "datum.label + ' %'"
AS_WEEKDAY = "['Mon','Tue','Wed','Thu','Fri','Sat','Sun'][datum.value]"
AS_LOG_GROUP = "length(datum.label) > 20 ? '…' + slice(datum.label, -19) : datum.label"  # their ends differ
AS_LATENCY = "datum.value < 1000 ? datum.label + ' ms' : datum.value / 1000 + ' s'"


@dataclass(frozen=True)
class Limit:
    """An alarm's threshold: its value on the chart's axis, and as text."""

    value: float
    says: str


@dataclass(frozen=True)
class Chart:
    """A chart as JSON that is inert inside a script element, and its text alternative."""

    spec: str
    says: str


def events_chart(events: Sequence[Row], days: Sequence[date]) -> tuple[Chart, list[tuple[int, str, int]]]:
    """Events by day and name, and the legend: place, name, and events of each."""
    by_day: Counter[date] = Counter()
    by_place: Counter[int] = Counter()
    names, rows = {}, []
    for row in events:
        day, place, count = row["event_date"], row["place"], row["events"]
        names[place] = shown(row["event_name"] or "all others")
        base = by_day[day]
        by_day[day] += count
        by_place[place] += count
        rows.append(_mark(day, by_day[day], f"{names[place]}: {number(count)}", b=base, place=place))
    (best_day, most), idle = by_day.most_common(1)[0], len(days) - len(by_day)
    says = f"{number(by_day.total() / len(by_day), 'event')} on an average day; most on {best_day} ({number(most)})."
    says += f" {number(idle, 'day')} had none." if idle else ""
    rows += [_mark(day, 0, "no events", b=0, place=1) for day in days if day not in by_day]
    places = sorted(names)
    scale = alt.Scale(domain=places, range=[f"var(--c{place})" for place in places])
    chart = _bars(days, 220).encode(color=alt.Color("place:O", legend=None, scale=scale))
    return _finish(chart, rows, says), [(place, names[place], by_place[place]) for place in places]


def week_chart(hours: Sequence[Row]) -> tuple[Chart, float]:
    """Mean requests by weekday and hour, over days with requests, and the highest mean."""
    days = Counter(day.weekday() for day in {hour["event_date"] for hour in hours})
    requests: Counter[tuple[int, int]] = Counter()
    rows: list[Row] = []
    for row in hours:
        requests[row["event_date"].weekday(), row["event_hour"].hour] += row["requests"]
    for (day, hour), count in sorted(requests.items()):
        mean = round(count / days[day], 1)
        rows.append({"d": day, "h": hour, "v": mean, "when": f"{WEEKDAYS[day]}, {hour:02}:00", "what": number(mean, "request")})
    most = max(rows, key=lambda row: row["v"])
    hour_axis = alt.Axis(labelAngle=0, labelExpr="datum.value % 3 ? '' : datum.label")
    day_axis = alt.Axis(labelExpr=AS_WEEKDAY, minExtent=AXIS, maxExtent=AXIS)
    steps = alt.Scale(type="quantize", domain=[0, most["v"] or 1], range=[f"var(--s{step})" for step in range(1, 8)])
    cells = _sheet(170).mark_rect(stroke="var(--paper)")
    chart = cells.encode(
        x=alt.X("h:O", axis=hour_axis, scale=alt.Scale(domain=list(range(24)))),
        y=alt.Y("d:O", axis=day_axis, scale=alt.Scale(domain=list(range(7)))),
        color=alt.Color("v:Q", legend=None, scale=steps),
    )
    return _finish(chart, rows, f"Busiest: {most['when']}, {most['what']} on average, bots included."), most["v"]


def active_users_chart(active: Sequence[Row], days: Sequence[date]) -> Chart:
    """Users within 1, 7 and 30 days, as lines with gaps on days without users. Few or isolated points are dots."""
    known = {row["event_date"]: row for row in active}
    rows = []
    for day in days:
        alone = not {day - timedelta(days=1), day + timedelta(days=1)} & known.keys()
        users = {window: known[day][f"{window}_active_users"] if day in known else None for window in WINDOWS}
        what = ", ".join(f"{number(count)} {window}" for window, count in users.items()) if day in known else "no users"
        rows.append(_mark(day, None, what, **users, dot=alone or len(known) <= ROOMY_DAYS))
    points = _sheet(190).encode(x="t:T")
    base = points.encode(x=_over_time(days), tooltip=alt.value(None))
    layers = []
    for window, color in WINDOWS.items():
        line = base.encode(y=_amounts(field=window))
        layers.append(line.mark_line(color=color, strokeWidth=1.5))
        layers.append(line.transform_filter("datum.dot").mark_point(color=color, filled=True, size=20, opacity=1))
    chart = alt.layer(*layers, points.mark_rule(opacity=0, strokeWidth=6))
    last, recent = active[-1], active[-7:]
    sticky = percent(sum(row["stickiness"] for row in recent) / len(recent))
    says = f"{number(last['daily_active_users'], 'user')} on {last['event_date']}, {number(last['weekly_active_users'])} within"
    says += f" 7 days and {number(last['monthly_active_users'])} within 30. Stickiness (daily / monthly users):"
    says += f" {sticky}{f', the mean of the last {len(recent)} days with users' if len(recent) > 1 else ''}."
    return _finish(chart, rows, says)


def retention_chart(retention: Sequence[Row], last_day: date) -> Chart:
    """The share of a week's new users who returned, by weeks since then; the cells show percentages."""
    rows = []
    for row in retention:
        cohort, week, users = row["cohort_week"], row["week_number"], row["cohort_users"]
        share = row["active_users"] / users
        label = f"{cohort.day} {cohort:%b} ({number(users)})"
        text = "<1" if 0 < share < 0.01 else f"{share * 100:.0f}"
        when = f"New in the week of {cohort}, {number(week, 'week')} later" if week else f"New in the week of {cohort}"
        what = f"{number(row['active_users'])} of {number(users, 'user')} active, {percent(share)}"
        rows.append({"g": label, "w": week, "v": round(share, 4), "text": text, "when": when, "what": what})
    weeks = list(range(max(row["w"] for row in rows) + 1))
    steps = alt.Scale(type="quantize", domain=[0, 1], range=[f"var(--s{step})" for step in range(1, 8)])
    base = _sheet(26 * len({row["g"] for row in rows})).encode(
        x=alt.X("w:O", axis=alt.Axis(labelAngle=0, domain=False), scale=alt.Scale(domain=weeks)),
        y=alt.Y("g:N", sort=None, axis=alt.Axis(labelLimit=150)),
    )
    cells = base.mark_rect(stroke="var(--paper)").encode(color=alt.Color("v:Q", legend=None, scale=steps))
    on_dark = alt.when("datum.v >= 5 / 7").then(alt.value("var(--paper)")).otherwise(alt.value("var(--ink)"))
    chart = cells + base.mark_text(fontSize=12).encode(text="text:N", fill=on_dark)
    over = [row for row in retention if row["week_number"] == 1 and row["cohort_week"] + timedelta(days=13) <= last_day]
    if over:
        says = f"{share_of(total(over, 'active_users'), total(over, 'cohort_users'), 'new user')} returned in the following week."
    else:
        says = "The week after the first new users is not over yet."
    return _finish(chart, rows, says)


def uploads_chart(uploads: Sequence[Row], days: Sequence[date]) -> Chart:
    """Uploads completed and rejected by day, stacked, with a rule at those requested."""
    known = {row["event_date"]: row for row in uploads}
    rows = []
    for day in days:
        if day not in known:
            rows.append(_mark(day, 0, "no uploads", b=0, top=0))
            continue
        requested, completed, rejected = (known[day][f"uploads_{part}"] for part in ("requested", "completed", "rejected"))
        what = f"{number(requested)} requested, {number(completed)} completed, {number(rejected)} rejected"
        rows.append(_mark(day, completed, what, b=0, top=completed + rejected, asked=requested))
    completed = _bars(days, 150)
    rejected = completed.mark_rect(color="var(--bad)").encode(y=_amounts(field="top"), y2="v")
    asked = _sheet(150).transform_calculate(end=_end_of_day(days)).mark_rule(color="var(--ink)", strokeWidth=1.5)
    asked = asked.encode(x=_over_time(days), x2="end", y=_amounts(field="asked"))
    requested, done, refused = (total(uploads, f"uploads_{part}") for part in ("requested", "completed", "rejected"))
    says = f"{number(requested, 'upload')} requested, {number(done)} completed, {number(refused)} rejected"
    worst = max(uploads, key=lambda row: row["uploads_rejected"])
    says += f"; most rejected on {worst['event_date']} ({number(worst['uploads_rejected'])})." if refused else "."
    return _finish(completed + rejected + asked, rows, says)


def hour_charts(hours: Sequence[Row], days: Sequence[date], limits: Thresholds) -> dict[str, Chart]:
    """Errors, latency and auth failures by hour, or by day if there are many days. Without any, there is no chart."""
    moments: Sequence[date]
    if len(days) <= HOURLY_DAYS:
        key, moments = "event_hour", [datetime.combine(day, time(hour)) for day in days for hour in range(24)]
    else:
        key, moments = "event_date", days
    groups = defaultdict(list)
    for hour in hours:
        groups[hour[key]].append(hour)
    errors = Limit(limits.server_error_rate * 100, percent_limit(limits.server_error_rate))
    latency = Limit(limits.latency_p95_ms, milliseconds(limits.latency_p95_ms))
    charts = {}
    for name, read, label, color, limit in (
        ("server_errors", partial(_rate, "server_errors"), AS_PERCENT, "var(--bad)", errors),
        ("client_errors", partial(_rate, "client_errors"), AS_PERCENT, "var(--line)", None),
        ("latency", _latency, AS_LATENCY, "var(--line)", latency),
        ("auth_failures", _auth_failures, AS_COUNT, "var(--line)", None),
    ):
        rows = [_mark(at, *(read(groups[at]) if at in groups else (None, "no requests"))) for at in moments]
        if any(row["v"] for row in rows):
            charts[name] = _line(rows, days, label, color, limit)
    return charts


def session_charts(sessions: Sequence[Row], durations: Sequence[Row], days: Sequence[date]) -> dict[str, Chart]:
    """Sessions and conversion by day, and how long sessions took."""
    counts = {day: _mark(day, 0, "no sessions", b=0) for day in days}
    rates = {day: _mark(day, None, "no sessions") for day in days}
    for row in sessions:
        day, count, converted = row["event_date"], row["sessions"], row["converted"]
        counts[day] = _mark(day, count, number(count, "session"), b=0)
        rates[day] = _mark(day, round(converted / count * 100, 3), share_of(converted, count, "session"))
    in_bucket, every, lengths = {row["bucket"]: row["sessions"] for row in durations}, total(durations, "sessions"), []
    for bucket, name in enumerate((*DURATIONS, LONGEST)):
        count = in_bucket.get(bucket, 0)
        lengths.append({"v": count, "when": name, "what": f"{number(count, 'session')}, {percent(count / every)}"})
    most, usual = (max(rows, key=lambda row: row["v"]) for rows in (counts.values(), lengths))
    x = alt.X("v:Q", axis=alt.Axis(tickCount=3, labelExpr=AS_COUNT, grid=True, domain=False))
    histogram = _sheet(230).mark_bar(color="var(--line)").encode(x=x, y=alt.Y("when:N", sort=None))
    return {
        "sessions": _finish(_bars(days, 110), list(counts.values()), f"Most: {most['what']}, {most['when']}."),
        "conversion": _line(list(rates.values()), days, AS_PERCENT),
        "durations": _finish(histogram, lengths, f"Most take {usual['when']}: {usual['what']}."),
    }


def funnel_charts(funnels: Sequence[Row]) -> dict[str, Chart]:
    """Each funnel's steps from top to bottom: how many sessions took them, and their share of the step before."""
    charts = {}
    for funnel, found in groupby(funnels, key=lambda row: row["funnel"]):
        steps, rows, before = list(found), [], None
        for step in steps:
            count, share = step["sessions"], ratio(step["sessions"], before or 0)
            text = number(count) if share is None else f"{number(count)} · {percent(share)}"
            what = number(count, "session") + (f", {percent(share)} of the step before" if share is not None else "")
            name = f"{step['step_number']} {shown(step['event_name'])}"  # a funnel may take the same event twice
            rows.append({"g": name, "v": count, "text": text, "when": name, "what": what})
            before = count
        names = alt.Axis(labelLimit=124, minExtent=130, maxExtent=130)
        base = _sheet(28 * len(rows)).encode(y=alt.Y("g:N", sort=None, axis=names))
        bars = base.mark_bar(color="var(--s3)").encode(x=alt.X("v:Q", axis=None, scale=alt.Scale(nice=False)))
        texts = base.mark_text(align="left", dx=8).encode(x=alt.value(0), text="text:N")
        charts[funnel] = _finish(bars + texts, rows, _funnel_says(steps))
    return charts


def _funnel_says(steps: Sequence[Row]) -> str:
    """How many sessions took all steps, and between which two steps most sessions were lost."""
    first, last = steps[0], steps[-1]
    if len(steps) == 1:
        return f"{number(first['sessions'], 'session')} took its only step."
    every = "both" if len(steps) == 2 else f"all {len(steps)}"
    says = f"{share_of(last['sessions'], first['sessions'], 'session')} took {every} steps."
    pairs = [pair for pair in pairwise(steps) if pair[0]["sessions"]]
    if len(steps) > 2 and pairs:
        before, after = min(pairs, key=lambda pair: pair[1]["sessions"] / pair[0]["sessions"])
        share = percent(after["sessions"] / before["sessions"])
        says += f" Fewest continued from {shown(before['event_name'])} to {shown(after['event_name'])}: {share}."
    return says


def calendar_chart(calendar: Sequence[Row], exports: Sequence[Row], days: Sequence[date]) -> Chart:
    """A row of days for each log group, coloured by status, with a letter for each status except ok."""
    counted: Counter[str] = Counter()
    rows = []
    for row in exports:
        counted[row["status"]] += row["log_groups"]
    for row in calendar:
        group, status = shown(row["log_group"]), shown(row["status"])
        parts = ", ".join(f"{number(row[part])} {part}" for part in ("events", "rejected", "duplicates"))
        what = f"{group} {status}: {number(row['lines'], 'line')} = {parts}"
        letter = "" if status == "ok" else status[:1].upper()
        rows.append(_mark(row["event_date"], None, what, g=group, status=status, letter=letter))
    scale = alt.Scale(domain=STATUSES, range=[f"var(--{status})" for status in STATUSES])
    names = alt.Axis(labelExpr=AS_LOG_GROUP, labelLimit=150)
    height = 26 * len({row["g"] for row in rows})
    base = _sheet(height).encode(y=alt.Y("g:N", axis=names, scale=alt.Scale(paddingInner=0.15)))
    cells = base.transform_calculate(end=_end_of_day(days)).mark_rect()
    chart = cells.encode(x=_over_time(days), x2="end", color=alt.Color("status:N", legend=None, scale=scale))
    if len(days) <= ROOMY_DAYS:
        letters = base.transform_calculate(t=f"datum.t + {DAY_MS * 0.45}").mark_text(fontSize=11)
        chart += letters.encode(x="t:T", text="letter:N")
    said = ", ".join(f"{number(counted[status])} {status}" for status in STATUSES if counted[status])
    return _finish(chart, rows, f"Of {number(counted.total(), 'export')} due (one for each day and log group): {said}.")


def _rate(column: str, hours: Sequence[Row]) -> tuple[float | None, str]:
    share = ratio(total(hours, column), total(hours, "requests"))
    return share and round(100 * share, 3), share_of(total(hours, column), total(hours, "requests"), "request")


def _latency(hours: Sequence[Row]) -> tuple[float | None, str]:
    return mean_p95(hours), milliseconds(mean_p95(hours))


def _auth_failures(hours: Sequence[Row]) -> tuple[int, str]:
    return total(hours, "auth_failures"), number(total(hours, "auth_failures"), "auth failure")


def _mark(moment: date, value: float | None, what: str, **more: Any) -> Row:
    """A row of a chart over time: a day or an hour, its value, and its tooltip."""
    if isinstance(moment, datetime):
        start, hour = moment.replace(tzinfo=UTC), f", {moment:%H:00}"
    else:
        start, hour = datetime.combine(moment, time(), UTC), ""
    when = f"{moment:%a %Y-%m-%d}{hour}"
    return {"t": int(start.timestamp() * 1000), "v": value, "when": when, "what": what, **more}


def _sheet(height: int) -> alt.Chart:
    """An empty chart with the tooltip of its rows."""
    chart = alt.Chart(alt.NamedData("rows"), width="container", height=height)
    return chart.encode(tooltip=[alt.Tooltip("when:N"), alt.Tooltip("what:N")])


def _over_time(days: Sequence[date]) -> alt.X:
    form = "%-d %b, %H:%M" if len(days) <= 3 else "%-d %b" if len(days) <= 180 else "%b %Y"
    axis = alt.Axis(format=form, labelOverlap=True)
    return alt.X("t:T", axis=axis, scale=alt.Scale(type="utc", nice=False))


def _end_of_day(days: Sequence[date]) -> str:
    """Where a bar ends: before the next one, or a little after its start if gaps would be finer than a pixel."""
    return f"datum.t + {DAY_MS * (0.88 if len(days) <= ROOMY_DAYS else 1.05)}"


def _amounts(label: str = AS_COUNT, field: str = "v") -> alt.Y:
    return alt.Y(f"{field}:Q", axis=alt.Axis(labelExpr=label, tickCount=3, minExtent=AXIS, maxExtent=AXIS))


def _bars(days: Sequence[date], height: int) -> alt.Chart:
    """Bars a day wide, from b (for base) to v."""
    chart: alt.Chart = _sheet(height).transform_calculate(end=_end_of_day(days)).mark_rect(color="var(--line)")
    return chart.encode(x=_over_time(days), x2="end", y=_amounts(), y2="b")


def _line(rows: Sequence[Row], days: Sequence[date], label: str, color: str = "var(--line)", limit: Limit | None = None) -> Chart:
    """A line with gaps where there is no data, with a dot on its peak, and on all its points if there are few.

    The limit is a dashed line, unless it is so far above the peak that it would flatten the line.
    """
    known = [row for row in rows if row["v"] is not None]
    peak = max(known, key=lambda row: row["v"])
    for row in known if len(known) <= ROOMY_DAYS else [peak]:
        row["dot"] = True
    # A line is one mark with one tooltip, so invisible vertical rules carry the tooltips of its points.
    points = _sheet(110).encode(x="t:T")
    base = points.encode(y=_amounts(label), tooltip=alt.value(None))
    area = base.mark_area(color=color, opacity=0.18).encode(x=_over_time(days))
    dot = base.transform_filter("datum.dot").mark_point(color=color, filled=True, size=30, opacity=1)
    chart = area + base.mark_line(color=color, strokeWidth=1.5) + dot + points.mark_rule(opacity=0, strokeWidth=6)
    says = f"Highest: {peak['what']}, {peak['when']}."
    if limit and limit.value <= 4 * peak["v"]:
        once = alt.Chart(alt.NamedData("rows")).transform_aggregate(rows="count()")  # otherwise one rule for each row
        chart += once.mark_rule(color="var(--ink)", strokeDash=[5, 4], opacity=0.7).encode(y=alt.datum(limit.value))
        says += f" Dashed: the alarm threshold, {limit.says}."
    elif limit:
        says += f" The alarm threshold of {limit.says} is far above."
    return _finish(chart, rows, says)


def _finish(chart: alt.Chart | alt.LayerChart | alt.FacetChart, rows: Sequence[Row], says: str) -> Chart:
    spec = chart.to_dict(validate=False) | {"datasets": {"rows": rows}}
    del spec["config"]  # the page has one for all charts
    text = json.dumps(spec, separators=(",", ":"))  # ASCII only, so U+2028 is escaped too
    return Chart(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"), says)
