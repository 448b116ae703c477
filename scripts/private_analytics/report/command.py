"""The command `report`."""

from __future__ import annotations

from pathlib import Path

import click

from ..options import PATH, option


@click.command("report")
@option("--out", type=PATH, help="The HTML file to write.  [default: site/report.html]")
def report(out: Path | None) -> None:
    """Write the report from the existing tables.

    Reads the tables of the current dbt target: DuckDB, or Athena with ANALYTICS_TARGET=athena.

    \b
    Example:
      pal report --out report.html
    """
    from .page import build_report  # here, as dbt takes two seconds to import

    click.echo(f"Report     {build_report(out)}")
