"""What was not read, from counts: rejected lines, fields that are missing, latencies in another unit than the settings say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ..project.variables import AbsentFields, Thresholds
from .counts import CORE, FIELDS, ByDay, Counts, total

ALL = "all log groups"
WEEKEND = 2  # days on which there may be no users, but only health checks
SETTINGS = {"route": "path"}  # where a column of fct_events has another name than its setting


@dataclass(frozen=True)
class Unread:
    """Something that was not read from a log group, or from `ALL`."""

    log_group: str
    text: str


def find(groups: Mapping[str, ByDay], limits: Thresholds, absent: AbsentFields) -> list[Unread]:
    """Everything that was not read."""
    sums = {log_group: total(by_day.values()) for log_group, by_day in groups.items()}
    everywhere = missing(total(sums.values()), set.intersection(*(set(absent(log_group)) for log_group in groups)))
    findings = []
    if everywhere:
        of = next(iter(groups)) if len(groups) == 1 else ALL
        findings.append(Unread(of, missing_text(everywhere)))
    for log_group, by_day in groups.items():
        texts = [
            *_of_lines(by_day, limits),
            *_of_fields(by_day, sums[log_group], limits, everywhere, absent(log_group)),
        ]
        findings += [Unread(log_group, text) for text in texts]
    return findings


def setting(column: str) -> str:
    return SETTINGS.get(column, column)


def is_rejected(counts: Counts, limits: Thresholds) -> bool:
    """Whether too many lines are not events."""
    lost = sum(counts.lost.values())
    return bool(lost and lost >= limits.rejected_rate * counts.lines)


def rejected_text(counts: Counts) -> str:
    lost = sum(counts.lost.values())
    reasons = ", ".join(f"{lines:,} {reason}" for reason, lines in counts.lost.items())
    share = "none of" if not counts.events else f"{lost:,} of"
    verb = "is an event" if not counts.events else "are not events"
    return f"{share} {counts.lines:,} lines {verb}: {reasons}"


def missing(counts: Counts, absent: Collection[str]) -> list[str]:
    """The core fields that no event has, by the names of their settings."""
    return [setting(name) for name in CORE if counts.events and not counts.having.get(name) and setting(name) not in absent]


def missing_text(names: Collection[str]) -> str:
    return f"no event has a value for {', '.join(names)}"


def _of_lines(by_day: ByDay, limits: Thresholds) -> Iterator[str]:
    for when, counts in _spans(by_day, limits):
        if is_rejected(counts, limits):
            yield f"{when}: {rejected_text(counts)}"
            break
    for when, counts in _spans(by_day, limits):
        latencies = counts.having.get("latency_ms", 0)
        if latencies < limits.min_requests:
            continue
        if counts.slow * 2 > latencies:
            bound, unit = f"above {limits.latency_median_max_ms:g}", "us or ns"
        elif counts.fast * 2 > latencies:
            bound, unit = f"below {limits.latency_median_min_ms:g}", "s"
        else:
            continue
        yield f"{when}: most latencies are {bound} ms, so their unit is probably {unit}"
        break


def _spans(by_day: ByDay, limits: Thresholds) -> Iterator[tuple[str, Counts]]:
    """All days together, then the last one, so that a fault shows on its first day: a week would hide it."""
    first, last = min(by_day), max(by_day)
    yield span(by_day), total(by_day.values())
    if first != last and by_day[last].lines >= limits.min_requests:
        yield f"{last}", by_day[last]


def span(by_day: ByDay) -> str:
    """The first and the last day."""
    first, last = min(by_day), max(by_day)
    return f"{first}" if first == last else f"{first} to {last}"


def _of_fields(
    by_day: ByDay,
    counts: Counts,
    limits: Thresholds,
    everywhere: Collection[str],
    absent: Collection[str],
) -> Iterator[str]:
    never = [name for name in missing(counts, absent) if name not in everywhere]
    if never and counts.requests >= limits.min_requests:
        yield f"{span(by_day)}: none of {counts.requests:,} requests has a value for {', '.join(never)}; other log groups have it"
    for name in FIELDS:
        if setting(name) not in absent:
            yield from _lost(name, by_day, limits)


def _lost(name: str, by_day: ByDay, limits: Thresholds) -> Iterator[str]:
    """That the last days have no such field, where at least `min_requests` events would have had it, as before."""
    having = [day for day, counts in by_day.items() if counts.having.get(name)]
    without = [day for day, counts in by_day.items() if having and day > max(having) and counts.events]
    if not without or (name not in CORE and len(without) <= WEEKEND):
        return
    before = total(counts for day, counts in by_day.items() if day < min(without))
    events = total(by_day[day] for day in without).events
    usual = before.having[name] / before.events
    if events * usual >= limits.min_requests:
        yield f"none of {events:,} events since {min(without)} has a value for {setting(name)}; before, {usual:.1%} had one"
