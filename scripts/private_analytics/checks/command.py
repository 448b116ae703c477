"""What all check commands share: how results are shown, and how one command runs another."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from ..console import echo_json
from ..errors import UserError, first_line
from ..options import option
from . import results
from .results import UNKNOWN, Result


@dataclass(frozen=True)
class CheckReport:
    """What a check looked at, and what it found. missing: variables that must be set before it can look."""

    place: str
    results: list[Result]
    missing: tuple[str, ...] = ()


class CheckCommand(click.Command):
    """A command that returns CheckReport, or None if it did something else. Its exit code is 1 if not everything is ok."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.params.append(click.Option(["--json", "is_json"], is_flag=True, help="Print JSON."))

    def invoke(self, ctx: click.Context) -> None:
        is_json = ctx.params.pop("is_json")
        report: CheckReport | None = super().invoke(ctx)
        if report is None:
            return
        if is_json:
            as_of = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            echo_json(results.as_json(str(self.name), report.place, as_of, report.results))
        else:
            results.echo(report.results)
        if not results.is_ok(report.results):
            ctx.exit(1)

    def missing(self) -> tuple[str, ...]:
        """The environment variables of required options that are not set."""
        return tuple(
            str(parameter.envvar)
            for parameter in self.params
            if parameter.required and parameter.envvar and not os.environ.get(str(parameter.envvar))
        )

    def look(self) -> CheckReport:
        """Run with the settings of the environment. If the check cannot run, its result is unknown."""
        if missing := self.missing():
            return CheckReport("", [Result("settings", UNKNOWN, f"not set: {', '.join(missing)}")], missing)
        try:
            with self.make_context(str(self.name), []) as ctx:
                ctx.params.pop("is_json")
                report: CheckReport = super().invoke(ctx)
                return report
        except click.UsageError as error:
            advice = "Set it, or leave this check out of ANALYTICS_CHECKS."
            return CheckReport("", [Result("settings", UNKNOWN, first_line(error.format_message()), advice)])
        except UserError as error:
            return CheckReport("", [Result("check", UNKNOWN, str(error))])
        except Exception as error:  # a check that crashes must not hide what the others found
            detail = f"the check crashed: {type(error).__name__}: {first_line(error)}"
            return CheckReport("", [Result("check", UNKNOWN, detail, f"Run it alone: pal check {self.name}")])


def canary_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of checks in which a canary signs in: pool_id, client_id, token_use (docs/checks.md)."""
    for add in (
        option(
            "--token-use",
            envvar="CANARY_TOKEN_USE",
            type=click.Choice(["access", "id"]),
            default="access",
            help="The kind of token that the API wants.",
        ),
        option("--client-id", envvar="CANARY_CLIENT_ID", required=True, help="The app client."),
        option("--pool-id", envvar="CANARY_POOL_ID", required=True, help="The user pool."),
    ):
        command = add(command)
    return command
