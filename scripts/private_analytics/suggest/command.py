"""The command `suggest`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from ..console import echo_json
from ..lake.folder import open_lake
from ..options import PATH, as_json
from . import output
from .sample import sample
from .suggestion import find


@click.command("suggest")
@click.argument("logs", type=PATH, metavar="DIR")
@as_json
def suggest(logs: Path, is_json: bool) -> None:
    """Find where your logs have each field, and say what to set.

    Reads some lines of each log group in DIR: a synced export bucket, or a folder of log files. Ends with exit code 1 where
    no time or no status can be found.

    \b
    Example:
      pal suggest my-logs
    """
    with tempfile.TemporaryDirectory() as folder:
        lake = open_lake(logs.absolute(), Path(folder) / "view")
        suggestion = find(sample(lake))
    if is_json:
        echo_json(output.as_data(suggestion))
    else:
        for note in lake.notes:
            click.echo(f"Note: {note}")
        output.echo(suggestion)
    if not suggestion.is_readable:
        raise SystemExit(1)
