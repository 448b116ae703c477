"""The command `demo`."""

from __future__ import annotations

from pathlib import Path

import click

from ..console import Progress
from ..errors import UserError
from ..options import PATH, option
from ..project.variables import given_vars


@click.command("demo")
@option("--logs", envvar="LOGS", type=PATH, help="A synced export bucket, or a folder of log files.  [default: sample logs]")
@option("--vars", "variables", envvar="VARS", default="", help="Vars for dbt, e.g. '{event_fields: {user_id: [ctx.uid]}}'.")
def demo(logs: Path | None, variables: str) -> None:
    """Build tables, report and docs site from logs, on DuckDB.

    Builds everything from scratch, and prints where the results are.

    \b
    Example:
      pal demo --logs my-logs
    """
    try:
        given = given_vars(variables, "VARS")
    except UserError as error:
        raise click.UsageError(str(error)) from None
    from .build import run_demo  # here, as dbt takes two seconds to import

    with Progress() as progress:
        run_demo(logs, given, progress.say, progress.show)
