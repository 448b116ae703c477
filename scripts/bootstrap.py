#!/usr/bin/env python
"""The command line of the Private Analytics Layer."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

from private_analytics import samples
from private_analytics.checks.access.command import check_access
from private_analytics.checks.all import check_all
from private_analytics.checks.tokens.command import check_jwt
from private_analytics.checks.uploads.command import check_uploads
from private_analytics.cost_command import cost
from private_analytics.diff.command import diff
from private_analytics.errors import UserError
from private_analytics.exports.commands import check_exports, export
from private_analytics.publish.command import publish
from private_analytics.stack.commands import stack


class Commands(click.Group):
    """Turns an error that the user can put right into a message and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=Commands)
def cli() -> None:
    """Set up and run private analytics over your API's logs."""


cli.add_command(export)
cli.add_command(stack)
cli.add_command(cost)
cli.add_command(publish)
cli.add_command(diff)


@cli.group("check")
def check() -> None:
    """Look whether all is well: exit code 1 where it is not, or where that cannot be known."""


for each in (check_exports, check_jwt, check_uploads, check_access):
    check.add_command(each)
check.add_command(check_all(lambda: {name: each for name, each in check.commands.items() if name != "all"}))


@cli.command("sample-logs")
@click.option("--days", type=click.IntRange(min=1), default=samples.DEFAULT_DAYS, show_default=True, help="How many days.")
@click.option(
    "--events-per-day", type=click.IntRange(min=1), default=samples.DEFAULT_EVENTS_PER_DAY, show_default=True, help="On average."
)
@click.option("--seed", type=int, default=samples.DEFAULT_SEED, show_default=True, help="The same seed gives the same bytes.")
@click.option(
    "--end-date", type=click.DateTime(["%Y-%m-%d"]), default=str(samples.DEFAULT_END_DATE), show_default=True, help="Last day."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new or empty folder.")
def sample_logs(days: int, events_per_day: int, seed: int, end_date: datetime, out: Path) -> None:
    """Write the logs of an invented storefront as an export bucket would hold them."""
    last_day: date = end_date.date()
    try:
        summary = samples.write_sample_logs(out, days=days, events_per_day=events_per_day, seed=seed, end_date=last_day)
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{summary.lines:,} lines in {summary.exports} exports, {summary.bytes / 1e6:.1f} MB gzip: {out}")


@cli.command("demo")
@click.option("--logs", envvar="LOGS", type=click.Path(path_type=Path), help="A synced export bucket, or a folder of log files.")
@click.option(
    "--vars", "variables", envvar="VARS", default="", help="Passed to dbt, e.g. '{event_fields: {user_id: [ctx.uid]}}'."
)
def demo(logs: Path | None, variables: str) -> None:
    """Build tables, report and docs site on DuckDB, from sample logs or from yours."""
    try:
        if variables and not isinstance(yaml.safe_load(variables), dict):
            raise yaml.YAMLError("not a mapping")
    except yaml.YAMLError as error:
        raise click.UsageError(f"VARS is no YAML mapping such as '{{event_fields: {{user_id: [ctx.uid]}}}}': {error}") from None
    from private_analytics.demo import run_demo

    run_demo(logs, variables, click.echo)


@cli.command("tables")
@click.option("--bucket", envvar="ANALYTICS_BUCKET", required=True, help="The bucket that holds logs/ and exports/.")
@click.option("--prefix", envvar="ANALYTICS_PREFIX", default="", help="What stands before them in the bucket, if anything.")
@click.option("--database", envvar="ATHENA_LAKE_SCHEMA", default="lake", show_default=True, help="The Glue database.")
@click.option(
    "--first-day",
    envvar="EXPORT_FIRST_DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="Day (UTC) of the oldest export.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def tables(bucket: str, prefix: str, database: str, first_day: datetime, dry_run: bool) -> None:
    """Create the external tables over the export bucket, or mend them."""
    from private_analytics import aws
    from private_analytics import tables as external

    glue = aws.client("glue")
    changes = external.reconcile(glue, database, external.Location(bucket, prefix.strip("/"), first_day.date()), dry_run=dry_run)
    for change in changes:
        click.echo(f"{change.action} {change.name}")
        for difference in change.differences:
            click.echo(f"  {difference}")
    if not changes:
        click.echo(f"{database}.log_lines and {database}.export_records are as they should be.")
    elif dry_run:
        click.echo("Nothing was done (--dry-run).")


@cli.command("pull")
@click.option("--log-group", required=True, help="Its name.")
@click.option("--from", "first", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First day (UTC).")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day (UTC).  [default: today]")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new or empty folder, or that of an earlier pull.")
@click.option("--again", is_flag=True, help="Days that are there already too, for events that came late.")
def pull(log_group: str, first: datetime, last: datetime | None, out: Path, again: bool) -> None:
    """Read a log group into a folder for make demo LOGS=DIR. It needs logs:FilterLogEvents alone. Broken off, it goes on."""
    from private_analytics import aws
    from private_analytics.exports import pull as pulling
    from private_analytics.exports.progress import Progress

    today = datetime.now(UTC).date()
    last_day = last.date() if last else today
    if max(first.date(), last_day) > today:
        raise click.UsageError(f"--from and --to may not be in the future: in UTC today is {today}.")
    if first.date() > last_day:
        raise click.UsageError(f"--from {first:%Y-%m-%d} is after --to {last_day}.")
    progress = Progress()
    pulled = pulling.pull(
        aws.client("logs"), log_group, first.date(), last_day, out, say=progress.say, show=progress.show, again=again
    )
    click.echo(f"{pulled.days:,} days pulled, {pulled.events:,} events. Next: make demo LOGS={shlex.quote(str(out))}")


@cli.command("scanned")
@click.option("--workgroup", envvar="ATHENA_WORKGROUP", default="primary", show_default=True, help="The run's workgroup.")
@click.option(
    "--run-results", type=click.Path(path_type=Path), default="target/run_results.json", show_default=True, help="Of which run."
)
def scanned(workgroup: str, run_results: Path) -> None:
    """Show what a dbt run on Athena scanned, node by node, and its price."""
    from private_analytics import aws
    from private_analytics import scanned as scans

    invocation_id, started = scans.read_run(run_results)
    click.echo(scans.table(scans.scans(aws.client("athena"), workgroup, invocation_id, started)))


@cli.command("report")
@click.option("--out", type=click.Path(path_type=Path), help="The HTML file to write.  [default: site/report.html]")
def report(out: Path | None) -> None:
    """Write the report from the tables of the current dbt target: DuckDB, or with ANALYTICS_TARGET=athena those of Athena."""
    from private_analytics.demo import build_report

    click.echo(f"Report     {build_report(out)}")


if __name__ == "__main__":
    cli()
