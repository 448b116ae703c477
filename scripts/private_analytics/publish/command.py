"""The command `publish`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ..exports.progress import Progress

if TYPE_CHECKING:
    from .copying import Change


@click.command("publish")
@click.option(
    "--to",
    "url",
    envvar="PUBLISH_TO",
    show_envvar=True,
    required=True,
    help="postgresql://user@host/database. The password from PGPASSWORD, ~/.pgpass or the URL in PUBLISH_TO.",
)
@click.option(
    "--schema", envvar="PUBLISH_SCHEMA", show_envvar=True, default="analytics", show_default=True, help="Made if missing."
)
@click.option("--again", is_flag=True, help="Copy all dates, also those that did not change.")
@click.option("--dry-run", is_flag=True, help="Only show what would be copied.")
@click.pass_context
def publish(ctx: click.Context, url: str, schema: str, again: bool, dry_run: bool) -> None:
    """Copy the marts into a PostgreSQL database: the dates that changed, a transaction for each table."""
    from . import copying, postgres  # here, as dbt takes two seconds to import
    from .marts import read_marts
    from .source import open_source

    if ctx.get_parameter_source("url") == ParameterSource.COMMANDLINE and postgres.has_password(url):
        raise click.UsageError(
            "Others can read a password on the command line. Put it into PGPASSWORD or ~/.pgpass, or the URL into PUBLISH_TO."
        )
    with closing(postgres.connect(url)) as connection:
        marts = read_marts()
        with open_source() as source:
            if dry_run:
                for mart, change in copying.plan(source, connection, schema, marts, again=again):
                    click.echo(f"{mart.name:<28} {_words(change)}")
                click.echo("Nothing was done (--dry-run).")
                return
            progress = Progress()
            for mart, change, written in copying.publish(source, connection, schema, marts, again=again, show=progress.show):
                rows = f", {written:,} rows" if change.is_needed else ""
                progress.say(f"{mart.name:<28} {_words(change)}{rows}")


def _words(change: Change) -> str:
    if not change.is_needed:
        return "unchanged"
    table = "new table, " if change.added is None else f"new columns {', '.join(change.added)}, " if change.added else ""
    days = "all dates" if change.days is None else f"{change.days[0]}" if len(change.days) == 1 else f"{len(change.days)} dates"
    return table + days
