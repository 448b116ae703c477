"""What the report says first: that many lines of its days were not read, or that no request has a field."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..project.variables import Thresholds
from ..unread.counts import CORE, Counts
from ..unread.findings import is_rejected, missing, missing_text, rejected_text, setting
from .words import Row, total

NONE = "(none)"  # of a method or route in daily_endpoint_reliability


def not_read(marts: Mapping[str, Sequence[Row]], limits: Thresholds, absent: Collection[str]) -> list[str]:
    """Sentences, in the words of `check events`. Marts do not say it by log group; the check does."""
    counts = _counts(marts)
    # Marts know the other fields of requests only.
    unknown = set() if counts.requests else {setting(name) for name in CORE[1:]}
    texts = [rejected_text(counts)] if is_rejected(counts, limits) else []
    if lacking := missing(counts, {*absent, *unknown}):
        texts.append(missing_text(lacking))
    return [f"{text[0].upper()}{text[1:]}." for text in texts]


def _counts(marts: Mapping[str, Sequence[Row]]) -> Counts:
    requests = total(marts["hours"], "requests")
    having = {
        "status_code": requests,
        "latency_ms": total((row for row in marts["hours"] if row["latency_p95_ms"] is not None), "requests"),
        **{name: total((row for row in marts["named"] if row[name] != NONE), "requests") for name in ("method", "route")},
    }
    # Logs that were exported much later have no exports in the report's days.
    events = total(marts["exports"], "events") or total(marts["events"], "events")
    return Counts(events, requests, {row["reason"]: row["lines"] for row in marts["reasons"]}, having)
