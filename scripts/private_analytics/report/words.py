"""The report's words: formatted numbers and names, and sentences about what stands out.

A story is empty if nothing stands out. Rows are those of `page.QUERIES`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial
from itertools import takewhile
from typing import Any

from ..console import printable
from ..project.variables import Thresholds

Row = dict[str, Any]

HOUR = timedelta(hours=1)
DURATIONS = {"under 10 s": 10, "10 to 30 s": 30, "30 to 60 s": 60, "1 to 3 min": 180, "3 to 10 min": 600, "10 to 30 min": 1800}
LONGEST = "over 30 min"
NONE = "\u2013"
MINUS = "\u2212"


def number(value: float | None, noun: str = "") -> str:
    """12,345, or with a noun: 1 session, 2 sessions."""
    digits = NONE if value is None else f"{value:,.0f}"
    return f"{digits} {noun}{'' if digits == '1' else 's'}" if noun else digits


def percent(share: float | None, sign: str = "", unit: str = "%") -> str:
    """A fraction of 1 in percent, with more places the smaller it is."""
    if share is None:
        return NONE
    places = 0 if share in (0, 1) else 2 if abs(share) < 0.001 else 1
    return f"{share * 100:{sign},.{places}f}\xa0{unit}".replace("-", MINUS)


def percent_limit(share: float) -> str:
    """A threshold in percent, with as many places as it was given."""
    return f"{share * 100:g}\xa0%"


def milliseconds(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value / 1000:,.1f}\xa0s" if value >= 1000 else f"{value:.{0 if value >= 10 else 1}f}\xa0ms"


def shown(name: str) -> str:
    """A name from a log, safe to show, and not too long."""
    clean = printable(name)
    return clean if len(clean) <= 60 else clean[:59] + "…"


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def total(rows: Iterable[Row], column: str) -> int:
    return sum(row[column] for row in rows)


def mean_p95(hours: Iterable[Row]) -> float | None:
    """The mean of the hours' 95th percentiles, weighted by requests. The marts do not give the overall percentile."""
    timed = [hour for hour in hours if hour["latency_p95_ms"] is not None and hour["requests"]]
    return ratio(sum(hour["latency_p95_ms"] * hour["requests"] for hour in timed), total(timed, "requests"))


def find_stories(marts: dict[str, list[Row]], limits: Thresholds) -> list[tuple[str, str]]:
    """What stands out, each with the section of the page that shows it."""
    stories = (
        ("reliability", server_error_story(marts["hours"], marts["blamed"], limits)),
        ("reliability", latency_story(marts["hours"], limits)),
        ("reliability", auth_failure_story(marts["hours"], limits)),
        ("sessions", conversion_story(marts["sessions"])),
        ("exports", export_story(marts["calendar"], marts["exports"])),
        ("exports", duplicate_story(marts["exports"])),
    )
    return [(section, story.strip()) for section, story in stories if story]


def hour_of(hour: Row) -> str:
    return f"{hour['event_hour']:%Y-%m-%d} at {hour['event_hour']:%H:00}"


def share_of(part: int, whole: int, noun: str) -> str:
    return f"{percent(ratio(part, whole))} of {number(whole, noun)}"


def enough(hours: Iterable[Row], limits: Thresholds) -> list[Row]:
    """The hours with enough requests for a meaningful rate or percentile."""
    return [hour for hour in hours if hour["requests"] >= limits.min_requests]


def above_story(what: str, limit: str, hours: Sequence[Row], told: Row | None) -> str:
    """The hours above an alarm's threshold, if any; `told` is the hour of the sentence before."""
    if not hours:
        return ""
    if hours == [told]:
        return f" Only that hour was above the alarm threshold of {limit}."
    first = "first on" if len(hours) > 1 else "on"
    return f" {what} above the alarm threshold of {limit} in {number(len(hours), 'hour')}, {first} {hour_of(hours[0])}."


def server_error_story(hours: Sequence[Row], blamed: Sequence[Row], limits: Thresholds) -> str:
    """The hour with most server errors, the hours above the threshold, the hours around the worst, that day's worst endpoint."""
    requests, errors = total(hours, "requests"), total(hours, "server_errors")

    def is_bad(hour: Row) -> bool:
        return bool(hour["server_errors"] >= 3 and hour["server_errors"] * requests > 5 * errors * hour["requests"])

    limit = limits.server_error_rate
    above = [hour for hour in enough(hours, limits) if hour["server_errors"] / hour["requests"] > limit]
    passed = partial(above_story, "The 5xx rate was", percent_limit(limit), above)
    worst = max(hours, key=lambda hour: hour["server_errors"], default=None)
    if not worst or not is_bad(worst):
        frequent = requests >= limits.min_requests and errors / requests > limit
        at_all_times = f" Server errors were frequent throughout: {share_of(errors, requests, 'request')}." if frequent else ""
        return passed(None) + at_all_times
    share = share_of(worst["server_errors"], worst["requests"], "request")
    story = f"Server errors peaked on {hour_of(worst)} ({share}; {percent(errors / requests)} overall)." + passed(worst)
    at = hours.index(worst)
    spell = [*reversed([*takewhile(is_bad, reversed(hours[:at]))]), *takewhile(is_bad, hours[at:])]
    if len(spell) > 1:
        start, end = spell[0]["event_hour"], spell[-1]["event_hour"] + HOUR
        story += f" From {start:%H:00} to {end:%H:00} there were {number(total(spell, 'server_errors'))}"
        story += f" of the period's {number(errors)}."
    for row in blamed:
        if row["event_date"] == worst["event_date"]:
            share = share_of(row["server_errors"], row["requests"], "request")
            story += f" The worst endpoint that day was {shown(row['method'])} {shown(row['route'])} ({share})."
    return story


def latency_story(hours: Sequence[Row], limits: Thresholds) -> str:
    """The slowest hour, if that is unusual, and the hours above the threshold."""
    limit = limits.latency_p95_ms
    timed = [hour for hour in enough(hours, limits) if hour["latency_p95_ms"] is not None]
    above = [hour for hour in timed if hour["latency_p95_ms"] > limit]
    passed = partial(above_story, "The p95 latency was", milliseconds(limit), above)
    worst = max(timed, key=lambda hour: hour["latency_p95_ms"], default=None)
    usual = mean_p95(hours)
    if not worst or usual is None or worst["latency_p95_ms"] <= 3 * usual:
        return passed(None)
    slow = milliseconds(worst["latency_p95_ms"])
    story = f"Slowest hour: {hour_of(worst)}. p95 {slow} (normally {milliseconds(usual)})."
    return story + passed(worst)


def auth_failure_story(hours: Sequence[Row], limits: Thresholds) -> str:
    """The hour with most auth failures, if that is unusual, and the hours above the threshold."""
    limit = limits.auth_failure_rate
    above = [hour for hour in enough(hours, limits) if hour["auth_failures"] / hour["requests"] > limit]
    passed = partial(above_story, "Auth failures were", f"{percent_limit(limit)} of requests", above)
    worst = max(hours, key=lambda hour: hour["auth_failures"], default=None)
    usual = ratio(total(hours, "auth_failures"), len(hours))
    if not worst or usual is None or worst["auth_failures"] < max(10, 5 * usual):
        return passed(None)
    most = number(worst["auth_failures"], "auth failure")
    story = f"Auth failures peaked on {hour_of(worst)}: {most} in that hour (normally {usual:.1f})."
    return story + passed(worst)


def conversion_story(days: Sequence[Row]) -> str:
    """The day that is furthest below its expected conversions, if that is unlikely to be chance."""
    usual = ratio(total(days, "converted"), total(days, "sessions")) or 0
    worst = min(days, key=lambda day: day["converted"] - day["sessions"] * usual, default=None)
    if not worst or worst["converted"] >= worst["sessions"] * usual - 3 * (worst["sessions"] * usual) ** 0.5:
        return ""
    share = share_of(worst["converted"], worst["sessions"], "session")
    return f"Conversion was lowest on {worst['event_date']} ({share}; {percent(usual)} overall)."


def export_story(calendar: Sequence[Row], exports: Sequence[Row]) -> str:
    """The days and log groups whose export is not ok, latest first."""
    troubles = sum(row["status"] != "ok" for row in exports)
    groups = defaultdict(list)
    for row in sorted(calendar, key=lambda row: row["event_date"], reverse=True):
        if row["status"] != "ok":
            groups[row["event_date"], shown(row["status"])].append(shown(row["log_group"]))
    said = [f"{day} {status} ({', '.join(names[:5])})" for (day, status), names in groups.items()]
    more = f"; and {number(troubles - 5)} more" if troubles > 5 else ""
    return f"Exports to check: {'; '.join(said[:5])}{more}." if said else ""


def duplicate_story(exports: Sequence[Row]) -> str:
    """The day with most duplicates, if they are more than a few retries."""
    worst = max(exports, key=lambda row: row["duplicates"], default=None)
    if not worst or worst["duplicates"] * 20 <= worst["lines"]:
        return ""
    share = share_of(worst["duplicates"], worst["lines"], "line")
    return f"Most duplicates: {worst['event_date']} ({share}), as after a second export of the same day."
