"""What all checks have in common on the command line: how what they found is shown, and how one command runs another."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from ..errors import UserError, first_line
from . import results as found
from .results import UNKNOWN, Result


@dataclass(frozen=True)
class Found:
    """What a check looked at, and what it found there."""

    place: str
    results: list[Result]


class Check(click.Command):
    """A command that returns Found, or None where it had something else to do. It ends with 1 where not all is ok."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.params.append(click.Option(["--json", "is_json"], is_flag=True, help="For programs."))

    def invoke(self, ctx: click.Context) -> None:
        is_json = ctx.params.pop("is_json")
        seen: Found | None = super().invoke(ctx)
        if seen is None:
            return
        if is_json:
            as_of = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            click.echo(json.dumps(found.as_json(str(self.name), seen.place, as_of, seen.results), indent=2))
        else:
            for line in found.as_lines(seen.results):
                click.echo(line)
        if not found.is_ok(seen.results):
            ctx.exit(1)

    def look(self) -> Found:
        """Run with the settings of the environment. Whatever keeps it from looking is a result that is unknown."""
        try:
            with self.make_context(str(self.name), []) as ctx:
                ctx.params.pop("is_json")
                return super().invoke(ctx)
        except click.UsageError as error:
            advice = "Set it, or leave this check out of ANALYTICS_CHECKS."
            return Found("", [Result("settings", UNKNOWN, first_line(error.format_message()), advice)])
        except UserError as error:
            return Found("", [Result("check", UNKNOWN, str(error))])
        except Exception as error:  # one check that breaks must not hide what the others found
            detail = f"it broke off: {type(error).__name__}: {first_line(error)}"
            return Found("", [Result("check", UNKNOWN, detail, f"Run it alone: scripts/bootstrap.py check {self.name}")])


def canary_options(command: Callable) -> Callable:
    """The options of checks in which a canary signs in: pool_id, client_id, token_use (docs/checks.md)."""
    for option in (
        click.option(
            "--token-use",
            envvar="CANARY_TOKEN_USE",
            show_envvar=True,
            type=click.Choice(["access", "id"]),
            default="access",
            show_default=True,
            help="The kind of token that the API wants.",
        ),
        click.option("--client-id", envvar="CANARY_CLIENT_ID", show_envvar=True, required=True, help="The app client."),
        click.option("--pool-id", envvar="CANARY_POOL_ID", show_envvar=True, required=True, help="The user pool."),
    ):
        command = option(command)
    return command
