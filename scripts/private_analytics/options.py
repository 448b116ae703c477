"""Options that several commands share, with their environment variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

DAY = click.DateTime(["%Y-%m-%d"])
PATH = click.Path(path_type=Path)


class _Names(click.types.StringParamType):
    """Names; in an environment variable, separated by commas or blanks."""

    name = "name"

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return [name for name in re.split(r"[,\s]+", rv) if name]


NAMES = _Names()


def option(*names: str, envvar: str | None = None, **attributes: Any) -> Callable[[Command], Command]:
    """click.option that shows its environment variable and its default."""
    attributes.setdefault("show_default", attributes.get("default") not in (None, ""))
    return click.option(*names, envvar=envvar, show_envvar=envvar is not None, **attributes)


bucket = option("--bucket", envvar="ANALYTICS_BUCKET", required=True, help="The export bucket's name.")
prefix = option(
    "--prefix", envvar="ANALYTICS_PREFIX", default="", help="The prefix before logs/ and exports/ in the bucket, if any."
)
first_day = option("--first-day", envvar="EXPORT_FIRST_DAY", type=DAY, required=True, help="The first day (UTC) to export.")
workgroup = option("--workgroup", envvar="ATHENA_WORKGROUP", default="primary", help="The Athena workgroup.")
dry_run = click.option("--dry-run", is_flag=True, help="Only show what would be done.")
as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")
