"""The calendar: the status of each day of each log group, as text and as JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from .. import days
from . import account, plan
from .clients import ExportClients
from .plan import AccountState, DayState, DayStatus, ExportPlan
from .settings import ExportSettings

READERS = 8
MARKS = {
    DayStatus.EXPORTED: ("#", "with events"),
    DayStatus.EMPTY: ("o", "exported, without events"),
    DayStatus.PARTIAL: ("%", "exported after retention had begun to remove it"),
    DayStatus.PENDING: (".", "not due yet, or in the queue"),
    DayStatus.RUNNING: (">", "being exported"),
    DayStatus.LATE: ("L", "should have been exported by now"),
    DayStatus.FAILED: ("F", "failed too often to be retried"),
    DayStatus.LOST: ("X", "removed by retention before it was exported"),
}

HINTS = {
    DayStatus.LATE: "Run: pal export backfill",
    DayStatus.FAILED: "Fix the cause, then run: pal export run --retry-failed",
    DayStatus.LOST: "They cannot be recovered; a later EXPORT_FIRST_DAY removes them from this list.",
}


@dataclass(frozen=True)
class Calendar:
    """All days. Those from `shown_from` on are told apart by their records (empty, partial)."""

    place: str
    as_of_ms: int
    shown_from: int
    states: tuple[DayState, ...]
    problems: dict[str, str]

    def wrong(self) -> list[DayState]:
        return [state for state in self.states if state.is_wrong(self.as_of_ms)]

    def shown(self) -> list[DayState]:
        return [state for state in self.states if state.day >= self.shown_from]


def read_calendar(
    aws: ExportClients, settings: ExportSettings, now_ms: int, shown_days: int, say: Callable[[str], None]
) -> Calendar:
    """The calendar as of now; the records of its last `shown_days` days are read. Raises TryLater and UserError."""
    seen = account.observe(aws, settings, say)
    shown_from = days.day_of(now_ms) - shown_days
    states = list(plan.assess(seen, settings.rules, now_ms))
    looked_at = [n for n, state in enumerate(states) if state.status is DayStatus.EXPORTED and state.day >= shown_from]
    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(lambda n: _look_inside(aws, settings, seen, states[n]), looked_at)
        for number, state in zip(looked_at, found, strict=True):
            states[number] = state
    return Calendar(settings.place, now_ms, shown_from, tuple(states), seen.problems)


def _look_inside(aws: ExportClients, settings: ExportSettings, seen: AccountState, state: DayState) -> DayState:
    try:
        records = [account.read_record(aws, settings, key) for key in seen.exports[state.log_group, state.day].keys]
    except ValueError:
        return replace(state, detail="a record cannot be read")
    if not any(record.objects for record in records):
        return replace(state, status=DayStatus.EMPTY)
    first = min(records, key=lambda record: record.started_at or "")
    kept = first.retention_days
    if kept and first.started_at and first.started_at > days.moment(days.start_ms(state.day + kept)):
        return replace(state, status=DayStatus.PARTIAL, detail=f"retention ({kept} days) had begun to remove it")
    return state


def as_json(calendar: Calendar) -> dict[str, object]:
    """The calendar as JSON, with the same days as on the terminal."""
    log_groups: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for state in calendar.shown():
        entry = {"status": state.status.value} | ({"detail": state.detail} if state.detail else {})
        log_groups[state.log_group][days.as_date(state.day).isoformat()] = entry
    return {
        "place": calendar.place,
        "as_of": days.moment(calendar.as_of_ms),
        "ok": not calendar.wrong() and not calendar.problems,
        "counts": dict(Counter(state.status.value for state in calendar.states)),
        "problems": calendar.problems,
        "log_groups": log_groups,
    }


def as_lines(calendar: Calendar, width: int, style: Callable[[DayStatus, str], str]) -> list[str]:
    """The calendar for a terminal `width` characters wide; `style` may colour a mark."""
    shown = calendar.shown()
    lines = [f"{calendar.place}, {days.moment(calendar.as_of_ms)[:16]}Z"]
    if shown:
        lines += _grid(shown, width, style)
        used = [status for status in DayStatus if any(state.status is status for state in shown)]
        lines += ["", *(f"  {style(status, MARKS[status][0])} {status.value}: {MARKS[status][1]}" for status in used)]
    lines.append("")
    counts = Counter(state.status for state in calendar.states)
    lines.append(
        ", ".join(f"{counts[status]:,} {status.value}" for status in DayStatus if counts[status]) or "No day has ended yet."
    )
    lines += calendar.problems.values()
    return lines + explained(state for state in calendar.states if state.status in HINTS)


def _grid(shown: list[DayState], width: int, style: Callable[[DayStatus, str], str]) -> list[str]:
    """A row for each log group, a column for each day; in pieces if it is wider than the terminal."""
    by_group: dict[str, dict[int, DayStatus]] = defaultdict(dict)
    for state in shown:
        by_group[state.log_group][state.day] = state.status
    margin = max(map(len, by_group)) + 2
    first, last = min(state.day for state in shown), max(state.day for state in shown)
    a_piece = max(width - margin, 7)
    lines = []
    for start in range(first, last + 1, a_piece):
        piece = range(start, min(start + a_piece, last + 1))
        dates = [days.as_date(day) for day in piece]
        months = ""
        for column, day in enumerate(dates):
            if (column == 0 or day.day == 1) and len(months) <= column and len(dates) - column >= len("2026-10"):
                months = months.ljust(column) + f"{day:%Y-%m}"
        lines += ["", " " * margin + months]
        lines += [" " * margin + "".join(f"{day.day:02}"[digit] for day in dates) for digit in (0, 1)]
        for name, statuses in by_group.items():
            marks = "".join(style(statuses[day], MARKS[statuses[day]][0]) if day in statuses else " " for day in piece)
            lines.append(name.ljust(margin) + marks)
    return lines


def explained(states: Iterable[DayState]) -> list[str]:
    """One line for all days of a log group with the same problem."""
    return [
        f"{status.value.upper()} {log_group}: {days.span(which)}{f', {detail}' if detail else ''}. {HINTS[status]}"
        for (log_group, status, detail), which in together(states).items()
    ]


def together(states: Iterable[DayState]) -> dict[tuple[str, DayStatus, str], list[int]]:
    """Days by log group, status and detail."""
    found: dict[tuple[str, DayStatus, str], list[int]] = defaultdict(list)
    for state in states:
        found[state.log_group, state.status, state.detail].append(state.day)
    return found


def forecast(next_steps: ExportPlan, now_ms: int, task_ms: float | None) -> list[str]:
    """What remains to do, and how long it takes at one task at a time; `task_ms` is a task's average time, if known."""
    waiting = len(next_steps.queue) + len(next_steps.retries)
    lines = [f"Days: {next_steps.days:,}. Tasks to do: {waiting:,}. Records to write: {len(next_steps.publish):,}."]
    if not waiting and not next_steps.active and next_steps.wake_ms:
        lines.append(f"Nothing is due before {days.moment(next_steps.wake_ms)[:16]}Z.")
    elif task_ms is None:
        if waiting:
            lines.append("Time unknown until the first task is done.")
    elif waiting:
        lines.append(f"About {days.duration(waiting * task_ms)} at {days.duration(task_ms)} a task, one at a time.")
        if threatened := plan.endangered(next_steps.queue, now_ms, task_ms):
            which = sorted({due.day for due in threatened})
            lines.append(
                f"Retention will begin to remove {len(threatened)} of them before their turn ({days.span(which)})."
                " Raise the retention of their log groups now to keep them."
            )
    lines += explained(next_steps.lost)
    return lines
