"""The commands `export run`, `export backfill`, `export status` and `check exports`."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from math import inf
from typing import Any

import click

from .. import aws as clients
from ..checks.command import Check, Found
from ..errors import UserError
from . import check, days, plan, status
from .calls import Aws, TryLater
from .config import Settings, from_environment
from .plan import Status
from .progress import Progress
from .reconcile import Clock, Outcome, reconcile
from .world import observe

SHOWN_TASKS = 50
COLOURS = {
    Status.EXPORTED: "green",
    Status.EMPTY: "green",
    Status.PARTIAL: "yellow",
    Status.RUNNING: "blue",
    Status.LATE: "red",
    Status.FAILED: "red",
    Status.LOST: "red",
}


@click.group("export")
def export() -> None:
    """Export CloudWatch log groups to the bucket, day by day, once."""


def _settings(command: Callable) -> Callable:
    """The options that all commands share, as the argument `settings`. Each is an environment variable too (docs/exports.md)."""

    @click.option(
        "--bucket", envvar="ANALYTICS_BUCKET", show_envvar=True, required=True, help="The bucket, in the log groups' region."
    )
    @click.option(
        "--prefix",
        envvar="ANALYTICS_PREFIX",
        show_envvar=True,
        default="",
        help="What stands before logs/ and exports/, if anything.",
    )
    @click.option("--log-group", "log_groups", multiple=True, help="May be given more than once.  [env var: EXPORT_LOG_GROUPS]")
    @click.option(
        "--first-day",
        envvar="EXPORT_FIRST_DAY",
        show_envvar=True,
        required=True,
        type=click.DateTime(["%Y-%m-%d"]),
        help="The first day (UTC) to export.",
    )
    @wraps(command)
    def with_settings(
        *arguments: Any, bucket: str, prefix: str, log_groups: tuple[str, ...], first_day: datetime, **options: Any
    ) -> Any:
        names = ",".join(log_groups) or os.environ.get("EXPORT_LOG_GROUPS", "")
        settings = from_environment(
            os.environ
            | {
                "ANALYTICS_BUCKET": bucket,
                "ANALYTICS_PREFIX": prefix,
                "EXPORT_LOG_GROUPS": names,
                "EXPORT_FIRST_DAY": f"{first_day:%Y-%m-%d}",
            }
        )
        return command(*arguments, settings=settings, **options)

    return with_settings


@export.command("run")
@_settings
@click.option("--wait", is_flag=True, help="Go on until all that is wanted now is exported.")
@click.option("--retry-failed", is_flag=True, help="Try days again that failed too often.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def run(settings: Settings, wait: bool, retry_failed: bool, dry_run: bool) -> None:
    """Do what can be done now: publish what is complete, start the next export. Run it as often as you like."""
    aws, clock = _aws(), Clock()
    if dry_run:
        _show_plan(aws, settings, clock)
        return
    outcome = reconcile(aws, settings, clock, until_ms=inf if wait else None, say=click.echo, retry_failed=retry_failed)
    for line in status.forecast(outcome.plan, clock.now_ms(), plan.average_task_ms(outcome.seen.tasks.values())):
        click.echo(line)
    _end(outcome, clock)


@export.command("backfill")
@_settings
@click.option("--retry-failed", is_flag=True, help="Try days again that failed too often.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def backfill(settings: Settings, retry_failed: bool, dry_run: bool) -> None:
    """Export all that is missing, with a forecast. It can be broken off and begun again at any time."""
    aws, clock, progress = _aws(), Clock(), Progress()
    if dry_run:
        _show_plan(aws, settings, clock)
        return
    outcome = reconcile(aws, settings, clock, until_ms=inf, say=progress.say, watch=_Watch(progress), retry_failed=retry_failed)
    progress.say(f"{len(outcome.published):,} exports published.")
    _end(outcome, clock)


@export.command("status")
@_settings
@click.option("--days", "shown_days", type=click.IntRange(min=1), default=35, show_default=True, help="How many days to show.")
@click.option("--json", "is_json", is_flag=True, help="For programs.")
def show_status(settings: Settings, shown_days: int, is_json: bool) -> None:
    """What has become of each day: exit code 1 where one is late, has failed, or was lost in the last week."""
    try:
        calendar = status.read_calendar(_aws(), settings, Clock().now_ms(), shown_days, lambda text: click.echo(text, err=True))
    except TryLater as error:
        raise UserError(f"{error}. Try again in a moment.") from None
    if is_json:
        click.echo(json.dumps(status.as_json(calendar), indent=2))
    else:
        width = shutil.get_terminal_size((100, 24)).columns
        for line in status.as_lines(calendar, width, lambda kind, mark: click.style(mark, fg=COLOURS.get(kind))):
            click.echo(line)
    if calendar.wrong() or calendar.problems:
        click.get_current_context().exit(1)


@click.command("exports", cls=Check)
@_settings
def check_exports(settings: Settings) -> Found:
    """Whether the days of each log group arrive; what is late, failed, or was lost in the last week, and what to do."""
    try:
        results = check.check(_aws(), settings, Clock().now_ms())
    except (TryLater, UserError) as error:
        results = check.unknown(settings, str(error))
    return Found(settings.place, results)


def _aws() -> Aws:
    return Aws(clients.client("logs"), clients.client("s3"))


def _show_plan(aws: Aws, settings: Settings, clock: Clock) -> None:
    try:
        seen = observe(aws, settings, click.echo)
    except TryLater as error:
        raise UserError(f"{error}. Try again in a moment.") from None
    now_ms = clock.now_ms()
    next_steps = plan.make_plan(seen, settings.rules, now_ms)
    for line in status.forecast(next_steps, now_ms, plan.average_task_ms(seen.tasks.values())):
        click.echo(line)
    for task in next_steps.publish:
        click.echo(f"publish  {task.log_group} {days.as_date(task.day)}  task {task.id}")
    if next_steps.active:
        click.echo(f"running  {next_steps.active.log_group} {days.as_date(next_steps.active.day)}  task {next_steps.active.id}")
    if next_steps.busy:
        click.echo("running  an export task of someone else: AWS runs one at a time")
    for want in next_steps.queue[:SHOWN_TASKS]:
        click.echo(f"export   {want.log_group} {days.as_date(want.day)}{'  (again)' if want.again else ''}")
    if len(next_steps.queue) > SHOWN_TASKS:
        click.echo(f"         and {len(next_steps.queue) - SHOWN_TASKS:,} more")
    for state in next_steps.retries:
        click.echo(
            f"retry    {state.log_group} {days.as_date(state.day)}  from {days.moment(state.not_before_ms)}  ({state.detail})"
        )
    for line in [*status.explained(next_steps.failed), *seen.problems.values()]:
        click.echo(line)


def _end(outcome: Outcome, clock: Clock) -> None:
    """Exit code 1 where something is set up wrong, out of reach, or has failed for good."""
    for line in status.explained(outcome.plan.failed):
        click.echo(line)
    if outcome.problems:
        raise UserError("\n".join(outcome.problems.values()))
    if outcome.unreachable:
        raise UserError("AWS could not be reached; nothing was lost. Try again.")
    if outcome.plan.failed or outcome.plan.newly_lost(clock.now_ms()):
        click.get_current_context().exit(1)


class _Watch:
    """Shows how far a backfill is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = time.monotonic()
        self._has_forecast = False

    def __call__(self, outcome: Outcome) -> None:
        left = outcome.plan
        if not self._has_forecast:
            self._has_forecast = True
            for line in status.forecast(left, Clock().now_ms(), plan.average_task_ms(outcome.seen.tasks.values())):
                self._progress.say(line)
        waiting = len(left.queue) + len(left.retries) + bool(left.active)
        done = len(outcome.published)
        elapsed_ms = (time.monotonic() - self._began) * 1000
        pace = elapsed_ms / done if done else plan.average_task_ms(outcome.seen.tasks.values())
        rest = f"about {days.duration(waiting * pace)} left" if pace else "time unknown until the first task is done"
        at = f", {left.active.log_group} {days.as_date(left.active.day)} {left.active.state.lower()}" if left.active else ""
        busy = ", waiting for someone else's export task" if left.busy else ""
        self._progress.show(f"{done:,} done, {waiting:,} to do, {rest}{at}{busy}")
