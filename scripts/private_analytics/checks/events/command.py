"""The command `check events`."""

from __future__ import annotations

import click

from ..command import CheckCommand, CheckReport


@click.command("events", cls=CheckCommand)
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How many of the last days with lines.")
def check_events(days: int) -> CheckReport:
    """Check that the lines of the last days became events that have their fields.

    Reads the tables of the current dbt target: DuckDB, or Athena with ANALYTICS_TARGET=athena.

    \b
    Example:
      pal check events --days 1
    """
    from ...project.engine import open_engine  # here, as dbt takes two seconds to import
    from ...project.variables import absent_fields, thresholds
    from ...unread import counts
    from .check import judge

    limits = thresholds()
    with open_engine() as engine:
        return CheckReport(engine.place, judge(counts.read(engine, days, limits), limits, absent_fields()))
