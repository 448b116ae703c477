"""The group `check`, and `check all`: runs every check, prints one table, and publishes metrics for alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from .. import aws
from ..errors import UserError
from ..options import option
from .access.command import check_access
from .command import CheckCommand, CheckReport
from .events.command import check_events
from .exports.command import check_exports
from .jwt.command import check_jwt
from .results import FAILED, OK, UNKNOWN, Result
from .uploads.command import check_uploads

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

METRIC, DIMENSION = "FailedChecks", "Check"
NOT_SET_UP = "not set up"


class Checks(click.Group):
    """A group of checks, and the command `all`, which runs them."""

    @property
    def each(self) -> dict[str, CheckCommand]:
        return {name: command for name, command in self.commands.items() if isinstance(command, CheckCommand) and name != "all"}


def _chosen(ctx: click.Context, parameter: click.Parameter, value: str) -> list[str]:
    checks = _checks(ctx)
    chosen = value.replace(",", " ").split()
    if unknown := [name for name in chosen if name not in checks]:
        raise click.BadParameter(f"there is no check {', '.join(unknown)}. Checks: {', '.join(checks)}.")
    return chosen or list(checks)


def _checks(ctx: click.Context) -> dict[str, CheckCommand]:
    group = ctx.parent.command if ctx.parent else None
    return group.each if isinstance(group, Checks) else {}


@click.command("all", cls=CheckCommand)
@option("--only", envvar="ANALYTICS_CHECKS", default="", callback=_chosen, help="The checks to run.  [default: all]")
@option("--metrics", metavar="NAMESPACE", envvar="ANALYTICS_METRICS", help="Also publish metrics to CloudWatch, for alarms.")
@click.pass_context
def check_all(ctx: click.Context, only: list[str], metrics: str | None) -> CheckReport:
    """Run all checks, with the settings of the environment.

    A check that cannot run is unknown, never ok, and does not stop the others.

    \b
    Example:
      pal check all --only exports,access
    """
    reports = {name: _checks(ctx)[name].look() for name in only}
    together = [
        replace(result, name=f"{check}: {result.name}", advice=result.advice and f"{check}: {result.advice}")
        for check, report in reports.items()
        if not report.missing
        for result in report.results
    ]
    if unset := {check: report.missing for check, report in reports.items() if report.missing}:
        needs = "; ".join(f"{check} needs {', '.join(missing)}" for check, missing in unset.items())
        others = ",".join(check for check in reports if check not in unset)
        advice = "Set them (docs/checks.md)" + (f", or run only the others: ANALYTICS_CHECKS={others}" if others else ".")
        together.append(Result(NOT_SET_UP, UNKNOWN, needs, advice))
    try:
        if metrics:
            publish(aws.client("cloudwatch"), metrics, {check: report.results for check, report in reports.items()})
    except UserError as error:
        together.append(Result("metrics", FAILED, str(error), "Without these metrics, the alarm on missing checks goes off."))
    return CheckReport(", ".join(only), together)


def publish(cloudwatch: CloudWatchClient, namespace: str, by_check: dict[str, list[Result]]) -> None:
    """Publish how many results of each check are not ok. 0 is published too: no data means no check. Raises UserError."""
    data: list[MetricDatumTypeDef] = [
        {
            "MetricName": METRIC,
            "Dimensions": [{"Name": DIMENSION, "Value": name}],
            "Value": sum(result.status != OK for result in results),
            "Unit": "Count",
        }
        for name, results in by_check.items()
    ]
    aws.ask(
        f"publish the checks' metrics to CloudWatch, namespace {namespace}",
        cloudwatch.put_metric_data,
        Namespace=namespace,
        MetricData=data,
    )


@click.group("check", cls=Checks)
def check() -> None:
    """Check that everything works. Exit code 1 if something is wrong, or if a check cannot tell."""


for command in (check_all, check_exports, check_events, check_jwt, check_uploads, check_access):
    check.add_command(command)
