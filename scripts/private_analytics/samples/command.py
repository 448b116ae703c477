"""The command `sample-logs`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from ..options import DAY, PATH, option
from . import writer


@click.command("sample-logs")
@option("--days", type=click.IntRange(min=1), default=writer.DEFAULT_DAYS, help="How many days.")
@option("--events-per-day", type=click.IntRange(min=1), default=writer.DEFAULT_EVENTS_PER_DAY, help="Events per day, on average.")
@option("--seed", type=int, default=writer.DEFAULT_SEED, help="The same seed gives the same bytes.")
@option("--end-date", type=DAY, default=str(writer.DEFAULT_END_DATE), help="The last day.")
@option("--out", type=PATH, required=True, help="A new or empty folder.")
def sample_logs(days: int, events_per_day: int, seed: int, end_date: datetime, out: Path) -> None:
    """Write the logs of a fictional storefront.

    The files are laid out as in an export bucket.

    \b
    Example:
      pal sample-logs --days 7 --out lake/week
    """
    try:
        summary = writer.write_sample_logs(out, days=days, events_per_day=events_per_day, seed=seed, end_date=end_date.date())
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{summary.lines:,} lines in {summary.exports} exports, {summary.bytes / 1e6:.1f} MB gzip: {out}")
