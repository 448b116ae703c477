"""The command `pal`: its commands, and how it shows errors that the user can fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from . import __version__
from .aws import TryLater
from .checks.commands import check
from .cost.commands import cost, scanned
from .demo.command import demo
from .diff.command import diff
from .errors import UserError
from .exports.commands import export
from .exports.pull_command import pull
from .external_tables.command import tables
from .publish.command import publish
from .report.command import report
from .samples.command import sample_logs
from .stack.commands import stack
from .suggest.command import suggest

SECTIONS: Mapping[str, Sequence[click.Command]] = {
    "On this machine": (demo, suggest, report, diff, pull, sample_logs),
    "On AWS": (stack, tables, export, check, publish, scanned, cost),
}


class Pal(click.Group):
    """Lists commands by where they run. Turns an error that the user can fix into a message and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TryLater as error:
            raise click.ClickException(f"{error}. Try again in a moment.") from None
        except UserError as error:
            raise click.ClickException(str(error)) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(str(command.name), command.get_short_help_str(80)) for command in commands])


@click.group(cls=Pal, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pal")
def cli() -> None:
    """Private analytics over your API's logs.

    Commands work on the project in the current folder (or in DBT_PROJECT_DIR). Commands on AWS use your AWS profile and region
    (AWS_PROFILE, AWS_DEFAULT_REGION).

    \b
    Example:
      pal demo
    """


for commands in SECTIONS.values():
    for command in commands:
        cli.add_command(command)


def main() -> None:
    cli(prog_name="pal")


if __name__ == "__main__":
    main()
