"""Carries out the plan: publishes completed tasks, starts the next task and, if there is time, waits and continues."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from statistics import median

from .. import bucket, days
from ..aws import AlreadyThere, TryLater, ask
from . import account, plan
from .clients import ExportClients
from .plan import AccountState, DueExport, ExportPlan, Task, TaskState
from .refusals import LogGroupProblem, refusal_of_task
from .settings import ExportSettings

LOOK_AGAIN_MS = days.HOUR_MS  # while waiting, everything is read again this often: other runs or settings may have changed it
SHORTEST_WAIT_MS, LONGEST_WAIT_MS = 5_000, 120_000
BUSY_WAIT_MS = 60_000
FIRST_TASK_MS = 20_000  # a guess until a task has finished


@dataclass(frozen=True)
class Clock:
    """The clock of a run: the time in epoch milliseconds, and how to sleep."""

    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    sleep_ms: Callable[[float], None] = lambda ms: time.sleep(ms / 1000)


@dataclass
class ExportOutcome:
    """What a run did, and the state after it. `later` says what AWS could not do now."""

    started: list[DueExport] = field(default_factory=list)
    published: list[Task] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    later: list[str] = field(default_factory=list)
    unreachable: bool = False
    plan: ExportPlan = field(default_factory=ExportPlan)
    seen: AccountState = field(default_factory=AccountState)

    def wrong(self, now_ms: int) -> list[str]:
        """What a person should look at, one sentence each; empty if all is well."""
        found = list(self.problems.values())
        if self.unreachable:
            found += self.later
        if self.plan.failed:
            found.append(f"Days that failed too often to be retried: {len(self.plan.failed)}.")
        if self.plan.late:
            found.append(f"Days that are late: {self.plan.late}.")
        if lost := self.plan.newly_lost(now_ms):
            found.append(f"Days lost in the last week: {len(lost)}.")
        return found


@dataclass
class _Run:
    aws: ExportClients
    settings: ExportSettings
    clock: Clock
    say: Callable[[str], None]
    watch: Callable[[ExportOutcome], None]
    retry_failed: bool
    outcome: ExportOutcome = field(default_factory=ExportOutcome)
    refused: dict[str, str] = field(default_factory=dict)
    observed_ms: float = -inf

    def step(self) -> None:
        """Look, publish, plan, and start what can be started. Raises TryLater if AWS is busy or cannot be reached."""
        self._look()
        for task in plan.to_publish(self.outcome.seen):
            self._publish(task)
        while True:
            self.outcome.plan = next_steps = self._planned(self.clock.now_ms())
            self.outcome.problems = self.outcome.seen.problems | self.refused
            self.watch(self.outcome)
            if next_steps.active or next_steps.busy or not next_steps.queue:
                return
            due = next_steps.queue[0]
            try:
                self._start(due)
            except LogGroupProblem as problem:
                self.say(str(problem))
                self.refused[due.log_group] = str(problem)
            except TryLater:
                # Someone else may have started a task, or a call of ours that seemed to fail succeeded: look at once.
                self.observed_ms = -inf
                raise

    def _planned(self, now_ms: int) -> ExportPlan:
        seen = self.outcome.seen
        for name in self.refused:
            seen.groups.pop(name, None)
        rules = self.settings.rules
        next_steps = plan.make_plan(seen, rules, now_ms)
        if self.retry_failed and next_steps.failed:
            tried = {(due.log_group, due.day) for due in self.outcome.started}
            again = [state for state in next_steps.failed if state.due and (state.log_group, state.day) not in tried]
            next_steps.queue = plan.in_order(
                [*next_steps.queue, *(state.due for state in again if state.due)], plan.served(seen), rules, now_ms
            )
            next_steps.failed = [state for state in next_steps.failed if state not in again]
        return next_steps

    def _look(self) -> None:
        """Read everything if the last time is long ago, otherwise only the active task."""
        now_ms = self.clock.now_ms()
        seen = self.outcome.seen
        active = seen.active()
        ids = [active.id] if active else list(seen.others)
        if now_ms - self.observed_ms >= LOOK_AGAIN_MS:
            self.outcome.seen = account.observe(self.aws, self.settings, self.say)
            self.observed_ms = now_ms
            return
        for task_id in ids:
            answer = ask(f"look at task {task_id}", self.aws.logs.describe_export_tasks, taskId=task_id)
            seen.tasks.pop(task_id, None)
            seen.others.discard(task_id)
            account.take_tasks(seen, self.settings, answer["exportTasks"])
            task = seen.tasks.get(task_id)
            if task and task.state in plan.UNSUCCESSFUL:
                self.say(f"{_name(task)}: task {task.id} {task.state} {task.message}".rstrip())

    def _publish(self, task: Task) -> None:
        """Write the record of a COMPLETED task, unless it exists."""
        seen = self.outcome.seen
        key = bucket.record_key(self.settings.prefix, task.day, task.id, task.started_ms, task.log_group)
        group = seen.groups.get(task.log_group)
        sizes = account.object_sizes(self.aws, self.settings, task)
        record = task.record(sizes, group.retention_days if group else None)
        try:
            ask(
                f"write s3://{self.settings.bucket}/{key}",
                self.aws.s3.put_object,
                Bucket=self.settings.bucket,
                Key=key,
                Body=record.to_json(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except AlreadyThere:
            pass  # another run was faster, or a call of ours that seemed to fail succeeded
        else:
            self.outcome.published.append(task)
            took = days.duration((task.completed_ms or task.started_ms) - task.started_ms)
            self.say(f"{_name(task)}: exported, {record.objects:,} objects, {record.bytes:,} bytes, {took}")
        seen.add_export(task.log_group, task.day, task.id, task.started_ms, key)

    def _start(self, due: DueExport) -> None:
        """Start the export of a day. Raises TryLater, LogGroupProblem, and UserError if all log groups are affected."""
        destination = self.settings.bucket
        try:
            answer = ask(
                f"start the export of {due.log_group} {days.as_date(due.day)}",
                self.aws.logs.create_export_task,
                taskName=account.TASK_NAME,
                logGroupName=due.log_group,
                fromTime=days.start_ms(due.day),
                to=days.start_ms(due.day + 1) - 1,  # inclusive
                destination=destination,
                destinationPrefix=bucket.log_prefix(self.settings.prefix, due.day),
            )
        except Exception as error:
            raise refusal_of_task(error, self.aws, destination, due.log_group) from error.__cause__
        task = Task(answer["taskId"], due.log_group, due.day, TaskState.PENDING, self.clock.now_ms())
        self.outcome.seen.tasks[task.id] = task
        self.outcome.started.append(due)
        self.say(f"{_name(task)}: task {task.id} started{' (again)' if due.again else ''}")


def reconcile(
    aws: ExportClients,
    settings: ExportSettings,
    clock: Clock,
    *,
    until_ms: float | None = None,
    say: Callable[[str], None] = lambda text: None,
    watch: Callable[[ExportOutcome], None] = lambda outcome: None,
    retry_failed: bool = False,
) -> ExportOutcome:
    """Do what can be done now. With `until_ms` (epoch ms, or inf), continue until then while there is something to do.

    `say` gets a line for each thing done, `watch` the outcome so far at each step. `retry_failed` retries days that failed too
    often. Safe to run at any time, any number of times, and to interrupt anywhere. Raises UserError for what a person must fix
    before anything can be exported.
    """
    run = _Run(aws, settings, clock, say, watch, retry_failed)
    while True:
        try:
            run.step()
            run.outcome.later, run.outcome.unreachable = [], False
            wait_ms = _wait_ms(run.outcome, clock.now_ms(), patient=until_ms == inf)
        except TryLater as error:
            if str(error) not in run.outcome.later:
                say(str(error))
            run.outcome.later, run.outcome.unreachable = [str(error)], error.unreachable
            wait_ms = BUSY_WAIT_MS
        left_ms = until_ms - clock.now_ms() if until_ms else 0
        if wait_ms is None or left_ms < SHORTEST_WAIT_MS:
            return run.outcome
        clock.sleep_ms(min(wait_ms, left_ms))


def _wait_ms(outcome: ExportOutcome, now_ms: int, *, patient: bool) -> float | None:
    """How many milliseconds to wait before looking again; None if nothing is in progress."""
    next_steps = outcome.plan
    if next_steps.active:
        known = outcome.seen.tasks.values()
        times = plan.task_times(known, next_steps.active.log_group) or plan.task_times(known) or [FIRST_TASK_MS]
        elapsed = now_ms - next_steps.active.started_ms
        return min(max(median(times) - elapsed, SHORTEST_WAIT_MS, elapsed / 4), LONGEST_WAIT_MS)
    if next_steps.busy or next_steps.queue:
        return BUSY_WAIT_MS
    if next_steps.retries and patient:
        return max(min(state.not_before_ms for state in next_steps.retries) - now_ms, SHORTEST_WAIT_MS)
    return None


def _name(task: Task) -> str:
    return f"{task.log_group} {days.as_date(task.day)}"
