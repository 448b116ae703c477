"""Two marts small enough to be written down, before and after a run of dbt, with all that makes types hard to copy."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import psycopg

from private_analytics.publish.marts import Mart

Row = tuple
Tables = dict[str, set[Row]]

DAILY = Mart(
    "daily",
    '"marts"."daily"',
    "A name on a day.",
    {"event_date": "date", "name": "varchar", "n": "bigint", "rate": "double"},
    ("event_date", "name"),
    "event_date",
)
VISITS = Mart(
    "visits",
    '"marts"."visits"',
    "A visit.",
    {"id": "varchar", "started_at": "timestamp(6)", "local_hour": "timestamp(6)", "seen": "boolean", "code": "integer"},
    ("id",),
    "started_at",
)
MARTS = (DAILY, VISITS)
DAY, NEXT_DAY, LAST_DAY = date(2026, 10, 24), date(2026, 10, 25), date(2026, 10, 26)

OLD: Tables = {
    "daily": {
        (DAY, "a", 1, 0.1),
        (DAY, "b", 2, None),
        (NEXT_DAY, "a", 9_223_372_036_854_775_807, 1e-300),
        (LAST_DAY, "vanishes", 4, math.inf),
    },
    "visits": {
        ("u1", datetime(2026, 10, 24, 23, 59, 59, 999_999), datetime(2026, 10, 25, 1), True, -2_147_483_648),
        ("u2", datetime(2026, 10, 25), datetime(2026, 10, 25, 2), False, None),
        ("moves", datetime(2026, 10, 26, 0, 30), datetime(2026, 10, 26, 2), None, 7),
    },
}
NEW: Tables = {
    "daily": {
        (DAY, "a", 2, 0.1),  # a and b swap their n
        (DAY, "b", 1, None),
        (NEXT_DAY, "a", 9_223_372_036_854_775_807, 1e-300),  # the day that does not change
        (date(2026, 10, 27), "ü'\"\\\t\n\N{SNOWMAN} \\N", 5, -0.5),
        (date(2026, 10, 27), "", 6, 0.25),
    },
    "visits": {
        ("u1", datetime(2026, 10, 24, 23, 59, 59, 999_999), datetime(2026, 10, 25, 1), True, -2_147_483_648),
        ("u2", datetime(2026, 10, 25), datetime(2026, 10, 25, 2), True, None),
        ("moves", datetime(2026, 10, 24, 0, 30), datetime(2026, 10, 24, 2), None, 7),
    },
}


def content(reader: psycopg.Connection, name: str) -> set[Row]:
    """The rows of a published table; points in time in UTC, without the zone."""
    rows = reader.execute(f"select * from analytics.{name}").fetchall()
    found = [tuple(in_utc(value) for value in row) for row in rows]
    assert len(found) == len(set(found))
    return set(found)


def in_utc(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
