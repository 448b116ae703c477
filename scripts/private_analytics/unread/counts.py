"""How many lines became events, how many of these have each field, and how many lines were rejected: by log group and day."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce

from ..project.engine import Engine
from ..project.variables import Thresholds

# Columns of fct_events.
CORE = ("status_code", "latency_ms", "method", "route")
FIELDS = (*CORE, "event_name", "user_id", "session_id", "product_id")
PLATFORM = "lambda_platform_line"  # what Lambda itself writes is not expected to be read

# Both engines accept these. Literal bounds let Athena read only the partitions of these days.
DAYS = """
    select distinct event_date from int_exports__daily_lines
    where event_date <= (select max(event_date) from export_health)
    order by event_date desc limit {days}"""
QUERIES = {
    "events": """
        select log_group, event_date, count(*) as events, {fields},
            count(case when coalesce(cast(status_code as varchar), method, route) is not null then 1 end) as requests,
            count(case when latency_ms < {limits.latency_median_min_ms} then 1 end) as fast,
            count(case when latency_ms > {limits.latency_median_max_ms} then 1 end) as slow
        from fct_events where event_at >= {start} and event_at < {end} group by log_group, event_date""",
    "rejected": """
        select log_group, cast(line_at as date) as event_date, reason, count(*) as lines
        from rejected_log_lines where line_at >= {start} and line_at < {end}
        group by log_group, cast(line_at as date), reason""",
}


@dataclass(frozen=True)
class Counts:
    """Of some lines. requests: events with a status, a method or a route. rejected: reason -> lines. having: field -> events that
    have it. fast, slow: latencies outside the bounds that the thresholds set for their median."""

    events: int = 0
    requests: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    having: Mapping[str, int] = field(default_factory=dict)
    fast: int = 0
    slow: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.events + other.events,
            self.requests + other.requests,
            Counter(self.rejected) + Counter(other.rejected),
            Counter(self.having) + Counter(other.having),
            self.fast + other.fast,
            self.slow + other.slow,
        )

    @property
    def lost(self) -> Mapping[str, int]:
        """The lines that should have been events, by reason, the most frequent first."""
        reasons = sorted(self.rejected.items(), key=lambda item: (-item[1], item[0]))
        return {reason: lines for reason, lines in reasons if reason != PLATFORM}

    @property
    def lines(self) -> int:
        """The lines that should be events."""
        return self.events + sum(self.lost.values())


ByDay = Mapping[date, Counts]  # in order


def total(counts: Iterable[Counts]) -> Counts:
    return reduce(Counts.__add__, counts, Counts())


def read(engine: Engine, days: int, limits: Thresholds) -> dict[str, ByDay]:
    """Log group -> day (UTC) -> counts, for the last days with lines. Raises UserError if the tables cannot be read."""
    with_lines = [row["event_date"] for row in engine.read({"days": DAYS.format(days=days)})["days"]]
    if not with_lines:
        return {}
    start, end = (f"timestamp '{day} 00:00:00'" for day in (min(with_lines), max(with_lines) + timedelta(days=1)))
    fields = ", ".join(f"count({name}) as {name}" for name in FIELDS)
    found = engine.read({name: sql.format(start=start, end=end, fields=fields, limits=limits) for name, sql in QUERIES.items()})
    by_place: dict[tuple[str, date], Counts] = defaultdict(Counts)
    for row in found["events"]:
        having = {name: row[name] for name in FIELDS}
        by_place[row["log_group"], row["event_date"]] += Counts(
            row["events"], row["requests"], {}, having, row["fast"], row["slow"]
        )
    for row in found["rejected"]:
        by_place[row["log_group"], row["event_date"]] += Counts(rejected={row["reason"]: row["lines"]})
    groups: dict[str, dict[date, Counts]] = defaultdict(dict)
    for (log_group, day), counts in sorted(by_place.items()):
        groups[log_group][day] = counts
    return dict(groups)
