"""The command `publish`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from .. import console, options

if TYPE_CHECKING:
    from .copying import MartChange
    from .marts import Mart


@click.command("publish")
@options.option(
    "--to",
    "url",
    envvar="PUBLISH_TO",
    required=True,
    help="postgresql://user@host/database. The password comes from PGPASSWORD, ~/.pgpass or the URL in PUBLISH_TO.",
)
@options.option("--schema", envvar="PUBLISH_SCHEMA", default="analytics", help="The schema. Created if missing.")
@click.option("--again", is_flag=True, help="Copy all dates, even if unchanged.")
@options.dry_run
@options.as_json
@click.pass_context
def publish(ctx: click.Context, url: str, schema: str, again: bool, dry_run: bool, is_json: bool) -> None:
    """Copy the marts into a PostgreSQL database.

    Only dates that changed are copied, in one transaction for each table.

    \b
    Example:
      PGPASSWORD=... pal publish --to postgresql://analytics@db.internal/analytics --dry-run
    """
    from . import copying, postgres  # here, as dbt takes two seconds to import
    from .marts import read_marts
    from .source import open_source

    if ctx.get_parameter_source("url") == ParameterSource.COMMANDLINE and postgres.has_password(url):
        raise click.UsageError(
            "Other users can read a password on the command line. Set PGPASSWORD, use ~/.pgpass, or set PUBLISH_TO to the URL."
        )
    done: list[dict[str, object]] = []
    with closing(postgres.connect(url)) as connection:
        marts = read_marts()
        with open_source() as source, console.Progress() as progress:

            def show(text: str) -> None:
                progress.show(text, len(done), len(marts))

            steps: Iterable[tuple[Mart, MartChange, int | None]]
            if dry_run:
                steps = ((mart, change, None) for mart, change in copying.plan(source, connection, schema, marts, again=again))
            else:
                steps = copying.publish(source, connection, schema, marts, again=again, show=show)
            for mart, change, written in steps:
                done.append(_as_data(mart, change, written))
                if not is_json:
                    rows = f", {written:,} rows" if change.is_needed and written is not None else ""
                    progress.say(f"{mart.name:<28} {_words(change)}{rows}")
    if is_json:
        console.echo_json({"done": not dry_run, "schema": schema, "tables": done})
    elif dry_run:
        click.echo("Nothing was done (--dry-run).")


def _as_data(mart: Mart, change: MartChange, written: int | None) -> dict[str, object]:
    return {
        "table": mart.name,
        "changed": change.is_needed,
        "new_table": change.added is None,
        "new_columns": change.added or [],
        "dates": None if change.days is None else [day.isoformat() for day in change.days],
        "rows_written": written,
    }


def _words(change: MartChange) -> str:
    if not change.is_needed:
        return "unchanged"
    table = "new table, " if change.added is None else f"new columns {', '.join(change.added)}, " if change.added else ""
    days = "all dates" if change.days is None else f"{change.days[0]}" if len(change.days) == 1 else f"{len(change.days)} dates"
    return table + days
