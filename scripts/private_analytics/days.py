"""UTC days as whole numbers (days since 1970-01-01) and moments as epoch milliseconds, as CloudWatch Logs counts them."""

from __future__ import annotations

from datetime import UTC, date, datetime

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EPOCH = date(1970, 1, 1).toordinal()


def number(day: date) -> int:
    return day.toordinal() - EPOCH


def as_date(day: int) -> date:
    return date.fromordinal(day + EPOCH)


def day_of(ms: int) -> int:
    return ms // DAY_MS


def start_ms(day: int) -> int:
    return day * DAY_MS


def path(day: int) -> str:
    """The day's folder, yyyy/mm/dd."""
    return f"{as_date(day):%Y/%m/%d}"


def moment(ms: int) -> str:
    """ISO 8601 with milliseconds and Z."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


def span(days: list[int]) -> str:
    """Days as text: '2026-10-01', or '31 days from 2026-10-01 to 2026-10-31'. At least one."""
    first, last = min(days), max(days)
    return f"{as_date(first)}" if first == last else f"{len(days):,} days from {as_date(first)} to {as_date(last)}"


def duration(ms: float) -> str:
    """A duration as text, in one or two units: '40 s', '5 min', '3 h 20 min', '2 d 4 h'."""
    seconds = round(ms / 1000)
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 36:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
