"""What the report says: numbers and names as people read them, and in sentences what stands out.

A story is empty where nothing stands out. Rows are those of `report.QUERIES`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Any

Row = dict[str, Any]

HOUR = timedelta(hours=1)
DURATIONS = {"under 10 s": 10, "10 to 30 s": 30, "30 to 60 s": 60, "1 to 3 min": 180, "3 to 10 min": 600, "10 to 30 min": 1800}
LONGEST = "over 30 min"
NONE = "\u2013"
MINUS = "\u2212"


def number(value: float | None, noun: str = "") -> str:
    """12,345, with a noun where there is one: 1 session, 2 sessions."""
    digits = NONE if value is None else f"{value:,.0f}"
    return f"{digits} {noun}{'' if digits == '1' else 's'}" if noun else digits


def percent(share: float | None, sign: str = "", unit: str = "%") -> str:
    """A fraction of 1 in percent, with more places the smaller it is."""
    if share is None:
        return NONE
    places = 0 if share in (0, 1) else 2 if abs(share) < 0.001 else 1
    return f"{share * 100:{sign},.{places}f}\xa0{unit}".replace("-", MINUS)


def milliseconds(value: float | None) -> str:
    if value is None:
        return NONE
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


def find_stories(marts: dict[str, list[Row]]) -> list[tuple[str, str]]:
    """What stands out, each with the section of the page that shows it."""
    stories = (
        ("reliability", server_error_story(marts["hours"], marts["blamed"])),
        ("reliability", latency_story(marts["hours"])),
        ("reliability", auth_failure_story(marts["hours"])),
        ("sessions", conversion_story(marts["sessions"])),
        ("exports", export_story(marts["calendar"], marts["exports"])),
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
        frequent = errors >= 10 and errors * 100 >= requests
        return f"Server errors are frequent at all times: {share_of(errors, requests, 'request')}." if frequent else ""
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
    if not worst or worst["latency_p95_ms"] <= 3 * mean_p95(hours):
        return ""
    slow, usual = milliseconds(worst["latency_p95_ms"]), milliseconds(mean_p95(hours))
    return f"Answers were slowest on {hour_of(worst)}: the slowest 5\xa0% took {slow} or more, usually {usual}."


def auth_failure_story(hours: Sequence[Row]) -> str:
    worst = max(hours, key=lambda hour: hour["auth_failures"], default=None)
    usual = ratio(total(hours, "auth_failures"), len(hours))
    if not worst or worst["auth_failures"] < max(10, 5 * usual):
        return ""
    most = number(worst["auth_failures"], "auth failure")
    return f"Auth failures were highest on {hour_of(worst)}: {most} within the hour, {usual:.1f} in a usual one."


def conversion_story(days: Sequence[Row]) -> str:
    """The day that falls shortest of its conversions, if that is hardly chance."""
    usual = ratio(total(days, "converted"), total(days, "sessions")) or 0
    worst = min(days, key=lambda day: day["converted"] - day["sessions"] * usual, default=None)
    if not worst or worst["converted"] >= worst["sessions"] * usual - 3 * (worst["sessions"] * usual) ** 0.5:
        return ""
    share = share_of(worst["converted"], worst["sessions"], "session")
    return f"Conversion was lowest on {worst['event_date']} ({share}; {percent(usual)} in all)."


def export_story(calendar: Sequence[Row], exports: Sequence[Row]) -> str:
    """The days and log groups that are not as they should be, the latest first."""
    troubles = sum(row["status"] != "ok" for row in exports)
    groups = defaultdict(list)
    for row in sorted(calendar, key=lambda row: row["event_date"], reverse=True):
        if row["status"] != "ok":
            groups[row["event_date"], shown(row["status"])].append(shown(row["log_group"]))
    said = [f"{day} {status} ({', '.join(names[:5])})" for (day, status), names in groups.items()]
    more = f"; and {number(troubles - 5)} more" if troubles > 5 else ""
    return f"Exports to look at: {'; '.join(said[:5])}{more}." if said else ""


def duplicate_story(exports: Sequence[Row]) -> str:
    """The day with most duplicates, if they are more than a few retries."""
    worst = max(exports, key=lambda row: row["duplicates"], default=None)
    if not worst or worst["duplicates"] * 20 <= worst["lines"]:
        return ""
    share = share_of(worst["duplicates"], worst["lines"], "line")
    return f"Most duplicates were exported for {worst['event_date']} ({share}), as when a day is exported twice."
