"""Doing what the plan says: publish what is complete, start the next task, and, if there is time, wait and go on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from statistics import median

from . import days, plan, record, world
from .calls import AlreadyThere, Aws, LogGroupProblem, TryLater, ask, refusal_of_task
from .config import Settings
from .plan import Plan, State, Task, Want, World

LOOK_AGAIN_MS = days.HOUR_MS  # while waiting: everything is read anew this often, for other runs and changed settings
SHORTEST_WAIT_MS, LONGEST_WAIT_MS = 5_000, 120_000
BUSY_WAIT_MS = 60_000
FIRST_TASK_MS = 20_000  # a guess, until a finished task tells


@dataclass(frozen=True)
class Clock:
    """Time as seen by a run: epoch milliseconds, and waiting for some."""

    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    sleep_ms: Callable[[float], None] = lambda ms: time.sleep(ms / 1000)


@dataclass
class Outcome:
    """What a run did and how things stand after it. `later` says what AWS could not do now."""

    started: list[Want] = field(default_factory=list)
    published: list[Task] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    later: list[str] = field(default_factory=list)
    unreachable: bool = False
    plan: Plan = field(default_factory=Plan)
    seen: World = field(default_factory=World)

    def wrong(self, now_ms: int) -> list[str]:
        """What a person should look at: one sentence each, empty where all is well."""
        found = list(self.problems.values())
        if self.unreachable:
            found += self.later
        if self.plan.failed:
            found.append(f"Days that failed too often to be tried again: {len(self.plan.failed)}.")
        if self.plan.late:
            found.append(f"Days that are late: {self.plan.late}.")
        if lost := self.plan.newly_lost(now_ms):
            found.append(f"Days lost in the last week: {len(lost)}.")
        return found


@dataclass
class _Run:
    aws: Aws
    settings: Settings
    clock: Clock
    say: Callable[[str], None]
    watch: Callable[[Outcome], None]
    retry_failed: bool
    outcome: Outcome = field(default_factory=Outcome)
    refused: dict[str, str] = field(default_factory=dict)
    observed_ms: float = -inf

    def step(self) -> None:
        """Look, publish, plan, and start what can be started. Raises TryLater where AWS has no time for us."""
        self._look()
        for task in plan.to_publish(self.outcome.seen):
            self._publish(task)
        while True:
            self.outcome.plan = next_steps = self._planned(self.clock.now_ms())
            self.outcome.problems = self.outcome.seen.problems | self.refused
            self.watch(self.outcome)
            if next_steps.active or next_steps.busy or not next_steps.queue:
                return
            want = next_steps.queue[0]
            try:
                self._start(want)
            except LogGroupProblem as problem:
                self.say(str(problem))
                self.refused[want.log_group] = str(problem)
            except TryLater:
                # Another's task may have come between, or ours been started by a call that seemed to fail: look at once.
                self.observed_ms = -inf
                raise

    def _planned(self, now_ms: int) -> Plan:
        seen = self.outcome.seen
        for name in self.refused:
            seen.groups.pop(name, None)
        rules = self.settings.rules
        next_steps = plan.make_plan(seen, rules, now_ms)
        if self.retry_failed and next_steps.failed:
            tried = {(want.log_group, want.day) for want in self.outcome.started}
            again = [state for state in next_steps.failed if state.want and (state.log_group, state.day) not in tried]
            next_steps.queue = plan.in_order([*next_steps.queue, *(s.want for s in again)], plan.served(seen), rules, now_ms)
            next_steps.failed = [state for state in next_steps.failed if state not in again]
        return next_steps

    def _look(self) -> None:
        """Everything, if it is long ago; else only the task under way."""
        now_ms = self.clock.now_ms()
        seen = self.outcome.seen
        active = seen.active()
        ids = [active.id] if active else list(seen.others)
        if now_ms - self.observed_ms >= LOOK_AGAIN_MS:
            self.outcome.seen = world.observe(self.aws, self.settings, self.say)
            self.observed_ms = now_ms
            return
        for task_id in ids:
            answer = ask(f"look at task {task_id}", self.aws.logs.describe_export_tasks, taskId=task_id)
            seen.tasks.pop(task_id, None)
            seen.others.discard(task_id)
            world.take_tasks(seen, self.settings, answer["exportTasks"])
            task = seen.tasks.get(task_id)
            if task and task.state in plan.UNSUCCESSFUL:
                self.say(f"{_name(task)}: task {task.id} {task.state} {task.message}".rstrip())

    def _publish(self, task: Task) -> None:
        """Write the record of a COMPLETED task, unless it is there."""
        seen = self.outcome.seen
        key = record.record_key(self.settings.prefix, task)
        group = seen.groups.get(task.log_group)
        sizes = world.object_sizes(self.aws, self.settings, task)
        content = record.make_record(task, sizes, group.retention_days if group else None)
        try:
            ask(
                f"write s3://{self.settings.bucket}/{key}",
                self.aws.s3.put_object,
                Bucket=self.settings.bucket,
                Key=key,
                Body=record.to_bytes(content),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except AlreadyThere:
            pass  # another run was faster, or a call of ours that seemed to fail did not
        else:
            self.outcome.published.append(task)
            took = days.duration((task.completed_ms or task.started_ms) - task.started_ms)
            self.say(f"{_name(task)}: exported, {content['objects']:,} objects, {content['bytes']:,} bytes, {took}")
        seen.add_export(task.log_group, task.day, task.id, task.started_ms, key)

    def _start(self, want: Want) -> None:
        """Have a day exported. Raises TryLater, LogGroupProblem, and UserError for what concerns all log groups."""
        destination = self.settings.bucket
        try:
            answer = ask(
                f"start the export of {want.log_group} {days.as_date(want.day)}",
                self.aws.logs.create_export_task,
                taskName=record.TASK_NAME,
                logGroupName=want.log_group,
                fromTime=days.start_ms(want.day),
                to=days.start_ms(want.day + 1) - 1,  # both ends count
                destination=destination,
                destinationPrefix=record.log_prefix(self.settings.prefix, want.day),
            )
        except Exception as error:
            raise refusal_of_task(error, self.aws, destination, want.log_group) from error.__cause__
        task = Task(answer["taskId"], want.log_group, want.day, State.PENDING, self.clock.now_ms())
        self.outcome.seen.tasks[task.id] = task
        self.outcome.started.append(want)
        self.say(f"{_name(task)}: task {task.id} started{' (again)' if want.again else ''}")


def reconcile(
    aws: Aws,
    settings: Settings,
    clock: Clock,
    *,
    until_ms: float | None = None,
    say: Callable[[str], None] = lambda text: None,
    watch: Callable[[Outcome], None] = lambda outcome: None,
    retry_failed: bool = False,
) -> Outcome:
    """Do what can be done now and return; with `until_ms` (epoch ms, or inf) go on as long as there is something to do till then.

    `say` gets a line for each thing done, `watch` the state of things at each step. `retry_failed` starts days again that
    failed too often. Safe to run at any time, any number of times, and to break off anywhere. Raises UserError for what a person
    must put right before anything can be exported.
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


def _wait_ms(outcome: Outcome, now_ms: int, *, patient: bool) -> float | None:
    """How long until it is worth looking again; None where nothing is under way."""
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
