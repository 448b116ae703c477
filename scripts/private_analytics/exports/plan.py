"""Decides which days should be exported, which are, and what to do next. Pure: no clock, no calls.

When a day is due. First `settle_ms` after its end: until then CloudWatch may still ingest its events (an export may miss what
was ingested in the last 12 hours). Then again `trailing_days` later, for late events. With 3, an event counts if it arrives and
can be exported within 3 days and 12 hours after the end of its day. CloudWatch accepts events that are up to 14 days old. Events
that arrive after the last of `trailing_days` are not exported: raise it if machines are offline for longer.

A due export is satisfied by any export of that day whose task was started at or after the due time. So one task a day makes up
for everything that was missed.

Retention. A log group that keeps events for R days begins to remove day D at start(D) + R days and has removed all of it a day
later. Exports are brought forward to `RETENTION_MARGIN_MS` before that. A day whose removal is near goes before all others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from statistics import fmean

from ..days import DAY_MS, HOUR_MS, day_of, start_ms
from ..export_record import ExportRecord

RETENTION_MARGIN_MS = 12 * HOUR_MS
AT_RISK_MS = DAY_MS  # a day whose removal begins within this time goes first
LOSS_IS_NEWS_MS = 7 * DAY_MS
STUCK_MS = DAY_MS  # AWS itself gives up a task after 24 hours


class TaskState(StrEnum):
    """The states of an export task, as AWS names them."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PENDING_CANCEL = "PENDING_CANCEL"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


ACTIVE = frozenset({TaskState.PENDING, TaskState.RUNNING, TaskState.PENDING_CANCEL})
UNSUCCESSFUL = frozenset({TaskState.FAILED, TaskState.CANCELLED})


class DayStatus(StrEnum):
    """The status of a log group's day. `empty` and `partial` are exported days; their records tell them apart."""

    EXPORTED = "exported"
    EMPTY = "empty"
    PARTIAL = "partial"
    PENDING = "pending"
    RUNNING = "running"
    LATE = "late"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class ExportRules:
    """When a day is due, and when something is wrong. Times in milliseconds, days as numbers."""

    first_day: int
    settle_ms: int = 12 * HOUR_MS
    trailing_days: tuple[int, ...] = (3,)  # ascending
    late_after_ms: int = 36 * HOUR_MS
    max_attempts: int = 5
    retry_after_ms: int = HOUR_MS // 4


@dataclass(frozen=True, slots=True)
class LogGroup:
    name: str
    created_ms: int
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One of our export tasks: our name, bucket and prefix, and exactly one day of one of our log groups."""

    id: str
    log_group: str
    day: int
    state: TaskState
    started_ms: int
    completed_ms: int | None = None
    message: str = ""

    def record(self, sizes: Iterable[int], retention_days: int | None = None) -> ExportRecord:
        """The record of the completed task; `sizes` are its objects' sizes in bytes."""
        completed_ms = self.completed_ms or self.started_ms
        return ExportRecord.of_task(
            self.id,
            self.log_group,
            self.day,
            started_ms=self.started_ms,
            completed_ms=completed_ms,
            sizes=sizes,
            retention_days=retention_days,
        )


@dataclass(frozen=True, slots=True)
class PublishedExports:
    """The published exports of one day of one log group: the start of their latest task, and their records' keys."""

    last_started_ms: int
    keys: tuple[str, ...]


@dataclass
class AccountState:
    """What is in the account. `others` are active tasks that are not ours; `problems` say what is wrong with a log group."""

    groups: dict[str, LogGroup] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    exports: dict[tuple[str, int], PublishedExports] = field(default_factory=dict)
    published: set[str] = field(default_factory=set)
    tasks: dict[str, Task] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)

    def add_export(self, log_group: str, day: int, task_id: str, started_ms: int, key: str) -> None:
        """Add a published export."""
        if task_id in self.published:
            return
        known = self.exports.get((log_group, day))
        self.published.add(task_id)
        self.exports[log_group, day] = PublishedExports(
            max(started_ms, known.last_started_ms) if known else started_ms, (*known.keys, key) if known else (key,)
        )

    def active(self) -> Task | None:
        """Our active task, if any."""
        return next((task for task in self.tasks.values() if task.state in ACTIVE), None)


@dataclass(frozen=True, slots=True)
class DueExport:
    """A day to export. `removed_from_ms` is when retention begins to remove it; `again` if it was exported before."""

    log_group: str
    day: int
    due_ms: int
    removed_from_ms: int | None
    again: bool


@dataclass(frozen=True, slots=True)
class DayState:
    """A log group's day: its status, the export that is due (after failures, not before `not_before_ms`), and the reason."""

    log_group: str
    day: int
    status: DayStatus
    due: DueExport | None = None
    not_before_ms: int = 0
    next_due_ms: int | None = None
    lost_ms: int | None = None
    detail: str = ""

    def is_wrong(self, now_ms: int) -> bool:
        """Whether a person should look at it: late, failed, or lost within the last week (after that it is history)."""
        if self.status is DayStatus.LOST:
            return self.lost_ms is not None and now_ms - self.lost_ms < LOSS_IS_NEWS_MS
        return self.status in (DayStatus.LATE, DayStatus.FAILED)


@dataclass
class ExportPlan:
    """The next steps: records to write, days to export (in order), days to retry later, and what cannot be done."""

    publish: list[Task] = field(default_factory=list)
    active: Task | None = None
    busy: bool = False
    queue: list[DueExport] = field(default_factory=list)
    retries: list[DayState] = field(default_factory=list)
    failed: list[DayState] = field(default_factory=list)
    lost: list[DayState] = field(default_factory=list)
    late: int = 0
    days: int = 0
    wake_ms: int | None = None
    """When the next export becomes due that is not due now."""

    def newly_lost(self, now_ms: int) -> list[DayState]:
        return [state for state in self.lost if state.is_wrong(now_ms)]


def due_times(day: int, group: LogGroup, rules: ExportRules) -> list[int]:
    """When the exports of a day are due: the first, then the repeated ones."""
    end = start_ms(day + 1)
    times = [end + rules.settle_ms + days * DAY_MS for days in (0, *rules.trailing_days)]
    if group.retention_days:
        latest = start_ms(day) + group.retention_days * DAY_MS - RETENTION_MARGIN_MS
        times = [max(end, min(time, latest)) for time in times]
    return times


def assess(seen: AccountState, rules: ExportRules, now_ms: int) -> Iterator[DayState]:
    """The state of every day that has ended, from the first day (or the log group's first) on, by log group.

    Days before the log group was created are left out: CreateExportTask refuses them.
    """
    tasks: dict[tuple[str, int], list[Task]] = defaultdict(list)
    for task in seen.tasks.values():
        if task.id not in seen.published:
            tasks[task.log_group, task.day].append(task)
    for group in seen.groups.values():
        for day in range(max(rules.first_day, day_of(group.created_ms)), day_of(now_ms)):
            exported = seen.exports.get((group.name, day))
            yield _assess_day(group, day, exported, tasks.get((group.name, day), ()), rules, now_ms)


def _assess_day(
    group: LogGroup, day: int, exported: PublishedExports | None, unpublished: Iterable[Task], rules: ExportRules, now_ms: int
) -> DayState:
    times = due_times(day, group, rules)
    if exported and exported.last_started_ms >= times[-1]:
        return DayState(group.name, day, DayStatus.EXPORTED)  # final: nearly all days are here
    removed_from = start_ms(day) + group.retention_days * DAY_MS if group.retention_days else None
    gone_ms = None if removed_from is None else removed_from + DAY_MS
    removed = gone_ms is not None and now_ms >= gone_ms
    wanted_since = max((time for time in times if time <= now_ms), default=None)
    next_due = None if removed else min((time for time in times if time > now_ms), default=None)
    satisfied = exported is not None and wanted_since is not None and exported.last_started_ms >= wanted_since
    under_way = next((task for task in unpublished if task.state not in UNSUCCESSFUL), None)
    state = partial(DayState, group.name, day, next_due_ms=next_due)
    if wanted_since is None or satisfied or under_way or removed:
        if exported:
            return state(DayStatus.EXPORTED)
        if under_way and under_way.state in ACTIVE and now_ms - under_way.started_ms > STUCK_MS:
            return state(DayStatus.LATE, detail=_stuck(under_way, now_ms))
        if under_way:
            return state(DayStatus.RUNNING)
        if removed:
            return state(DayStatus.LOST, lost_ms=gone_ms, detail="removed by retention before it was exported")
        return state(DayStatus.PENDING, detail="settling")

    due = DueExport(group.name, day, wanted_since, removed_from, again=exported is not None)
    since = exported.last_started_ms if exported else 0
    failures = [task for task in unpublished if task.state in UNSUCCESSFUL and task.started_ms > since]
    last = max(failures, key=lambda task: task.started_ms, default=None)
    detail = f"{len(failures)} of {rules.max_attempts} attempts {last.state}: {last.message}".rstrip(": ") if last else ""
    if len(failures) >= rules.max_attempts:
        return state(DayStatus.FAILED, due=due, detail=detail)
    is_late = now_ms > start_ms(day + 1) + rules.late_after_ms
    status = DayStatus.EXPORTED if exported else DayStatus.LATE if is_late else DayStatus.PENDING
    backoff = rules.retry_after_ms * 2 ** (len(failures) - 1) if last else 0
    not_before = (last.completed_ms or last.started_ms) + backoff if last else 0
    return state(status, due=due, not_before_ms=not_before, detail=detail)


def _stuck(task: Task, now_ms: int) -> str:
    hours = (now_ms - task.started_ms) // HOUR_MS
    return f"{task.state} for {hours} h. Cancel it: aws logs cancel-export-task --task-id {task.id}"


def to_publish(seen: AccountState) -> list[Task]:
    """Completed tasks that have no record yet, whoever started them."""
    unpublished = (task for task in seen.tasks.values() if task.state is TaskState.COMPLETED and task.id not in seen.published)
    return sorted(unpublished, key=lambda task: task.started_ms)


def make_plan(seen: AccountState, rules: ExportRules, now_ms: int) -> ExportPlan:
    """What to do next. At most one task is started at a time: the head of `queue`, unless something is active."""
    plan = ExportPlan(active=seen.active(), busy=bool(seen.others))
    plan.publish = to_publish(seen)
    wanted: list[DueExport] = []
    wake: list[int] = []
    for state in assess(seen, rules, now_ms):
        plan.days += 1
        plan.late += state.status is DayStatus.LATE
        if state.next_due_ms:
            wake.append(state.next_due_ms)
        if state.status is DayStatus.LOST:
            plan.lost.append(state)
        elif state.status is DayStatus.FAILED:
            plan.failed.append(state)
        elif state.due and state.not_before_ms > now_ms:
            plan.retries.append(state)
            wake.append(state.not_before_ms)
        elif state.due:
            wanted.append(state.due)
    today_is_wanted_ms = start_ms(day_of(now_ms) + 1) + rules.settle_ms
    plan.wake_ms = min([*wake, today_is_wanted_ms])
    plan.queue = in_order(wanted, served(seen), rules, now_ms)
    return plan


def served(seen: AccountState) -> dict[str, int]:
    """When each log group's latest task was started: the log group that has waited longest is next."""
    last: dict[str, int] = defaultdict(int)
    for (log_group, _), exported in seen.exports.items():
        last[log_group] = max(last[log_group], exported.last_started_ms)
    for task in seen.tasks.values():
        last[task.log_group] = max(last[task.log_group], task.started_ms)
    return last


def in_order(wanted: Iterable[DueExport], last_served: dict[str, int], rules: ExportRules, now_ms: int) -> list[DueExport]:
    """Days that retention threatens come first, soonest first. Then log groups take turns, the one that has waited longest first.
    Within a log group, days that are not late yet come first (a long backfill must not make them late), then the earliest due."""

    def is_at_risk(due: DueExport) -> bool:
        return due.removed_from_ms is not None and due.removed_from_ms - now_ms < AT_RISK_MS

    def is_backlog(due: DueExport) -> bool:
        return due.again or now_ms > start_ms(due.day + 1) + rules.late_after_ms

    wanted = list(wanted)
    at_risk = sorted(filter(is_at_risk, wanted), key=lambda due: (due.removed_from_ms, due.due_ms, due.log_group))
    others = sorted((due for due in wanted if not is_at_risk(due)), key=lambda due: (is_backlog(due), due.due_ms, due.day))
    turns: Counter[str] = Counter()
    in_turn = []
    for due in others:
        in_turn.append(((turns[due.log_group], last_served.get(due.log_group, 0), due.log_group), due))
        turns[due.log_group] += 1
    return at_risk + [due for _, due in sorted(in_turn, key=lambda pair: pair[0])]


def endangered(queue: list[DueExport], now_ms: int, task_ms: float) -> list[DueExport]:
    """Queued days that retention will begin to remove before their turn, if a task takes `task_ms`."""
    return [
        due
        for position, due in enumerate(queue)
        if due.removed_from_ms is not None and due.removed_from_ms < now_ms + position * task_ms
    ]


def task_times(tasks: Iterable[Task], log_group: str | None = None, latest: int = 20) -> list[int]:
    """How many milliseconds the latest completed tasks of one log group, or of all, took."""
    done = [task for task in tasks if task.state is TaskState.COMPLETED and log_group in (None, task.log_group)]
    done.sort(key=lambda task: task.started_ms)
    return [task.completed_ms - task.started_ms for task in done if task.completed_ms][-latest:]


def average_task_ms(tasks: Iterable[Task]) -> float | None:
    """How many milliseconds a task takes on average; None if no task has completed yet."""
    times = task_times(tasks)
    return fmean(times) if times else None
