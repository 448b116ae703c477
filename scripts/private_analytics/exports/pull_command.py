"""The command `pull`."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import click

from .. import aws
from ..console import Progress
from ..options import DAY, PATH, option
from . import pull as pulling


@click.command("pull")
@option("--log-group", required=True, help="The log group's name.")
@option("--from", "first", required=True, type=DAY, help="First day (UTC).")
@option("--to", "last", type=DAY, help="Last day (UTC).  [default: today]")
@option("--out", required=True, type=PATH, help="A new or empty folder, or the folder of an earlier pull.")
@click.option("--again", is_flag=True, help="Read days again that are already there, to get late events.")
def pull(log_group: str, first: datetime, last: datetime | None, out: Path, again: bool) -> None:
    """Read a log group into a folder, for the demo.

    Needs only the permission logs:FilterLogEvents. If it was interrupted, run it again: it continues where it stopped.

    \b
    Example:
      pal pull --log-group /ecs/shop-api --from 2026-10-01 --out my-logs
    """
    today = datetime.now(UTC).date()
    last_day = last.date() if last else today
    if max(first.date(), last_day) > today:
        raise click.UsageError(f"--from and --to must not be in the future: today is {today} in UTC.")
    if first.date() > last_day:
        raise click.UsageError(f"--from {first:%Y-%m-%d} is after --to {last_day}.")
    with Progress() as progress:
        pulled = pulling.pull(
            aws.client("logs"), log_group, first.date(), last_day, out, say=progress.say, show=progress.show, again=again
        )
    click.echo(f"{pulled.days:,} days pulled, {pulled.events:,} events. Next: make demo LOGS={shlex.quote(str(out))}")
