"""The commands `export run`, `export backfill` and `export status`."""

from __future__ import annotations

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
from .. import days, options
from ..console import Progress, echo_json
from ..errors import UserError
from ..project.variables import checked_vars
from . import plan, status
from .account import observe
from .clients import ExportClients
from .plan import DayStatus
from .reconcile import Clock, ExportOutcome, reconcile
from .settings import ExportSettings, from_environment

SHOWN_TASKS = 50
COLOURS = {
    DayStatus.EXPORTED: "green",
    DayStatus.EMPTY: "green",
    DayStatus.PARTIAL: "yellow",
    DayStatus.RUNNING: "blue",
    DayStatus.LATE: "red",
    DayStatus.FAILED: "red",
    DayStatus.LOST: "red",
}


@click.group("export")
def export() -> None:
    """Export CloudWatch log groups to the bucket, day by day."""


def export_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that all commands share, as the argument `settings`. The environment sets more (docs/exports.md)."""

    @options.bucket
    @options.prefix
    @options.option(
        "--log-group",
        "log_groups",
        envvar="EXPORT_LOG_GROUPS",
        type=options.NAMES,
        multiple=True,
        help="A log group's name. May be repeated.",
    )
    @options.first_day
    @wraps(command)
    def with_settings(bucket: str, prefix: str, log_groups: tuple[str, ...], first_day: datetime, **others: Any) -> Any:
        given = {
            "ANALYTICS_BUCKET": bucket,
            "ANALYTICS_PREFIX": prefix,
            "EXPORT_LOG_GROUPS": ",".join(log_groups),
            "EXPORT_FIRST_DAY": f"{first_day:%Y-%m-%d}",
        }
        late = {"EXPORT_LATE_AFTER_HOURS": str(checked_vars().export_late_after_hours)}
        return command(settings=from_environment(late | os.environ | given), **others)

    return with_settings


retry_failed = click.option("--retry-failed", is_flag=True, help="Retry days that failed too often.")


@export.command("run")
@export_settings
@click.option("--wait", is_flag=True, help="Continue until every day that is due is exported.")
@retry_failed
@options.dry_run
def run(settings: ExportSettings, wait: bool, retry_failed: bool, dry_run: bool) -> None:
    """Publish completed exports and start the next one.

    Run it as often as you like.

    \b
    Example:
      pal export run --bucket shop-exports --log-group /ecs/shop-api --first-day 2026-10-01 --dry-run
    """
    aws, clock = export_clients(), Clock()
    if dry_run:
        _show_plan(aws, settings, clock)
        return
    outcome = reconcile(aws, settings, clock, until_ms=inf if wait else None, say=click.echo, retry_failed=retry_failed)
    for line in status.forecast(outcome.plan, clock.now_ms(), plan.average_task_ms(outcome.seen.tasks.values())):
        click.echo(line)
    _end(outcome, clock)


@export.command("backfill")
@export_settings
@retry_failed
@options.dry_run
def backfill(settings: ExportSettings, retry_failed: bool, dry_run: bool) -> None:
    """Export all missing days, with a forecast.

    If it was interrupted, run it again: it continues where it stopped.

    \b
    Example:
      pal export backfill --bucket shop-exports --log-group /ecs/shop-api --first-day 2026-10-01
    """
    aws, clock = export_clients(), Clock()
    if dry_run:
        _show_plan(aws, settings, clock)
        return
    with Progress() as progress:
        outcome = reconcile(
            aws, settings, clock, until_ms=inf, say=progress.say, watch=_Watch(progress), retry_failed=retry_failed
        )
    click.echo(f"{len(outcome.published):,} exports published.")
    _end(outcome, clock)


@export.command("status")
@export_settings
@click.option("--days", "shown_days", type=click.IntRange(min=1), default=35, show_default=True, help="How many days to show.")
@options.as_json
def show_status(settings: ExportSettings, shown_days: int, is_json: bool) -> None:
    """Show the status of each day.

    Exit code 1 if a day is late, has failed, or was lost in the last week.

    \b
    Example:
      pal export status --bucket shop-exports --log-group /ecs/shop-api --first-day 2026-10-01
    """
    calendar = status.read_calendar(
        export_clients(), settings, Clock().now_ms(), shown_days, lambda text: click.echo(text, err=True)
    )
    if is_json:
        echo_json(status.as_json(calendar))
    else:
        width = shutil.get_terminal_size((100, 24)).columns
        for line in status.as_lines(calendar, width, lambda kind, mark: click.style(mark, fg=COLOURS.get(kind))):
            click.echo(line)
    if calendar.wrong() or calendar.problems:
        click.get_current_context().exit(1)


def export_clients() -> ExportClients:
    return ExportClients(clients.client("logs"), clients.client("s3"))


def _show_plan(aws: ExportClients, settings: ExportSettings, clock: Clock) -> None:
    seen = observe(aws, settings, click.echo)
    now_ms = clock.now_ms()
    next_steps = plan.make_plan(seen, settings.rules, now_ms)
    for line in status.forecast(next_steps, now_ms, plan.average_task_ms(seen.tasks.values())):
        click.echo(line)
    for task in next_steps.publish:
        click.echo(f"publish  {task.log_group} {days.as_date(task.day)}  task {task.id}")
    if next_steps.active:
        click.echo(f"running  {next_steps.active.log_group} {days.as_date(next_steps.active.day)}  task {next_steps.active.id}")
    if next_steps.busy:
        click.echo("running  someone else's export task: AWS runs one at a time")
    for due in next_steps.queue[:SHOWN_TASKS]:
        click.echo(f"export   {due.log_group} {days.as_date(due.day)}{'  (again)' if due.again else ''}")
    if len(next_steps.queue) > SHOWN_TASKS:
        click.echo(f"         and {len(next_steps.queue) - SHOWN_TASKS:,} more")
    for state in next_steps.retries:
        click.echo(
            f"retry    {state.log_group} {days.as_date(state.day)}  from {days.moment(state.not_before_ms)}  ({state.detail})"
        )
    for line in [*status.explained(next_steps.failed), *seen.problems.values()]:
        click.echo(line)


def _end(outcome: ExportOutcome, clock: Clock) -> None:
    """Exit code 1 if a setting is wrong, AWS cannot be reached, or a day has failed for good."""
    for line in status.explained(outcome.plan.failed):
        click.echo(line)
    if outcome.problems:
        raise UserError("\n".join(outcome.problems.values()))
    if outcome.unreachable:
        raise UserError("AWS could not be reached; nothing was lost. Try again.")
    if outcome.plan.failed or outcome.plan.newly_lost(clock.now_ms()):
        click.get_current_context().exit(1)


class _Watch:
    """Shows the progress of a backfill."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = time.monotonic()
        self._has_forecast = False

    def __call__(self, outcome: ExportOutcome) -> None:
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
        self._progress.show(f"{rest}{at}{busy}", done, done + waiting)
