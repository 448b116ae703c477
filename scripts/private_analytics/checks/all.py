"""The command `check all`: every check one after another, as one table and as metrics to put alarms on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from .. import aws
from ..errors import UserError
from . import results as found
from .command import Check, Found
from .results import Result

METRIC, DIMENSION = "FailedChecks", "Check"


def check_all(checks: Callable[[], dict[str, Check]]) -> click.Command:
    """The command that runs `checks`, which are asked for when it runs."""

    def names(ctx: click.Context, parameter: click.Parameter, value: str) -> list[str]:
        chosen = [name for name in value.replace(",", " ").split() if name]
        if unknown := [name for name in chosen if name not in checks()]:
            raise click.BadParameter(f"there is no check {', '.join(unknown)}, only {', '.join(checks())}.")
        return chosen or list(checks())

    @click.command("all", cls=Check)
    @click.option(
        "--only", envvar="ANALYTICS_CHECKS", show_envvar=True, default="", callback=names, help="Their names.  [default: all]"
    )
    @click.option(
        "--metrics", metavar="NAMESPACE", envvar="ANALYTICS_METRICS", show_envvar=True, help="Also tell CloudWatch, for alarms."
    )
    def run_all(only: list[str], metrics: str | None) -> Found:
        """All checks, with the settings of the environment. One that cannot run is unknown, never ok, and hides no other."""
        by_check = {name: checks()[name].look().results for name in only}
        together = [
            replace(result, name=f"{check}: {result.name}", advice=result.advice and f"{check}: {result.advice}")
            for check, results in by_check.items()
            for result in results
        ]
        try:
            if metrics:
                publish(aws.client("cloudwatch"), metrics, by_check)
        except UserError as error:
            together.append(Result("metrics", found.FAILED, str(error), "Without it, the alarm on missing checks goes off."))
        return Found(", ".join(only), together)

    return run_all


def publish(cloudwatch: Any, namespace: str, by_check: dict[str, list[Result]]) -> None:
    """For each check how many of its results are not ok; 0 too, as silence means that nobody looked. Raises UserError."""
    data = [
        {
            "MetricName": METRIC,
            "Dimensions": [{"Name": DIMENSION, "Value": name}],
            "Value": sum(result.status != found.OK for result in results),
            "Unit": "Count",
        }
        for name, results in by_check.items()
    ]
    try:
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    except (ClientError, BotoCoreError) as error:
        raise aws.explained(error, f"tell CloudWatch, namespace {namespace}, what the checks found") from None
