"""The command `tables`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click

from .. import aws, console, options
from . import tables as external


@click.command("tables")
@options.bucket
@options.prefix
@options.option("--database", envvar="ATHENA_LAKE_SCHEMA", default="lake", help="The Glue database.")
@options.first_day
@options.dry_run
@options.as_json
def tables(bucket: str, prefix: str, database: str, first_day: datetime, dry_run: bool, is_json: bool) -> None:
    """Create or repair the external tables over the export bucket.

    \b
    Example:
      pal tables --bucket shop-exports --first-day 2026-10-01 --dry-run
    """
    location = external.Location(bucket, prefix.strip("/"), first_day.date())
    changes = external.reconcile(aws.client("glue"), database, location, dry_run=dry_run)
    if is_json:
        console.echo_json({"done": not dry_run, "changes": [asdict(change) for change in changes]})
        return
    for change in changes:
        click.echo(f"{change.action} {change.name}")
        for difference in change.differences:
            click.echo(f"  {difference}")
    if not changes:
        click.echo(f"{database}.log_lines and {database}.export_records are up to date.")
    elif dry_run:
        click.echo("Nothing was done (--dry-run).")
