"""The command `suggest`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from .. import aws
from ..console import echo_json
from ..lake.folder import open_lake
from ..options import as_json
from . import output, s3
from .sample import sample
from .suggestion import find


@click.command("suggest")
@click.argument("logs", metavar="DIR|s3://BUCKET/PREFIX", required=False)
@as_json
def suggest(logs: str | None, is_json: bool) -> None:
    """Find where your logs have each field, and say what to set.

    Reads some lines of each log group in DIR, a synced export bucket or a folder of log files; or of the latest day of each log
    group in the export bucket itself. Without an argument it is the bucket of ANALYTICS_BUCKET and ANALYTICS_PREFIX. Ends with
    exit code 1 where no time or no status can be found.

    \b
    Example:
      pal suggest my-logs
    """
    lines, notes = _sample(logs or _bucket_of_the_environment())
    suggestion = find(lines)
    if is_json:
        echo_json(output.as_data(suggestion))
    else:
        for note in notes:
            click.echo(f"Note: {note}")
        output.echo(suggestion)
    if not suggestion.is_readable:
        raise SystemExit(1)


def _sample(logs: str) -> tuple[dict[str, list[str]], Sequence[str]]:
    """Some lines of each log group, and notes for the user."""
    if logs.startswith(s3.SCHEME):
        return s3.sample_bucket(aws.client("s3"), s3.parse(logs))
    with tempfile.TemporaryDirectory() as folder:
        lake = open_lake(Path(logs).absolute(), Path(folder) / "view")
        return sample(lake), lake.notes


def _bucket_of_the_environment() -> str:
    if name := os.environ.get("ANALYTICS_BUCKET"):
        return f"{s3.SCHEME}{name}/{os.environ.get('ANALYTICS_PREFIX', '')}"
    raise click.UsageError("Give a folder of logs or s3://BUCKET, or set ANALYTICS_BUCKET.")
