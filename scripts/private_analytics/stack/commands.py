"""The commands `stack plan`, `stack deploy` and `stack destroy`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from .. import aws as clients
from .. import console, options
from ..errors import UserError
from . import deploying, planning, settings, states, template
from .changes import PlanLine
from .target import StackClients, StackTarget, target


@click.group("stack")
def stack() -> None:
    """Manage the infrastructure as a CloudFormation stack (docs/infrastructure.md)."""


def _with_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Pass the clients and the stack of the settings file to a command."""

    @options.option("--settings", "file", type=options.PATH, help="The stack's settings file.  [default: infra/stack.yaml]")
    @wraps(command)
    def with_target(file: Path | None, **others: object) -> None:
        parameters = template.merge(template.read_parts())["Parameters"]
        wanted = settings.read(file or settings.default_file(), parameters)
        aws = StackClients(
            cloudformation=clients.client("cloudformation"),
            s3=clients.client("s3"),
            sts=clients.client("sts"),
            logs=clients.client("logs"),
            glue=clients.client("glue"),
        )
        command(aws, target(aws, wanted), **others)

    return with_target


@stack.command("plan")
@options.as_json
@_with_target
def show_plan(aws: StackClients, goal: StackTarget, is_json: bool) -> None:
    """Show what a deploy would change.

    Also shows what was changed by hand, and what is wrong with the stack.

    \b
    Example:
      pal stack plan
    """
    plan = planning.plan(aws, goal)
    if is_json:
        console.echo_json(_as_data(goal, plan))
        return
    _show(goal, plan)
    if not plan.has_changes:
        click.echo("A deploy would change nothing.")


@stack.command("deploy")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--revert-drift", is_flag=True, help="Undo changes that were made outside the stack.")
@_with_target
def deploy(aws: StackClients, goal: StackTarget, yes: bool, revert_drift: bool) -> None:
    """Create or update the stack from its settings and template.

    Shows the plan and asks. If it was interrupted, run it again.

    \b
    Example:
      pal stack deploy
    """
    now = planning.status(aws, goal.stack)
    if states.meaning(now).can == "wait":
        click.echo(f"{goal.stack}: {states.meaning(now).note} Waiting until it ends ...")
        deploying.wait(aws, goal.stack, click.echo)
    plan = planning.plan(aws, goal, keep=True, revert_drift=revert_drift, drift=not revert_drift)
    _show(goal, plan)
    if plan.change_set is None:
        click.echo(f"{goal.stack} is up to date.")
    else:
        if not yes and not click.confirm("Deploy these changes?"):
            planning.delete_change_set(aws, plan.change_set)
            raise UserError("Nothing was changed.")
        deploying.execute(aws, goal, plan.change_set, click.echo)
        click.echo(f"{goal.stack} is deployed.")
    for name, value, description in deploying.outputs(aws, goal.stack):
        click.echo(f"  {name:<26} {value}   {description}")


@stack.command("destroy")
@click.option("--yes", is_flag=True, help="Do not ask whether to delete the stack.")
@click.option("--delete-logs", is_flag=True, help="Delete the exported logs, the tables and the log groups as well.")
@click.option("--confirm", metavar="BUCKET", help="With --delete-logs: the export bucket's name, to skip the prompt.")
@_with_target
def destroy(aws: StackClients, goal: StackTarget, yes: bool, delete_logs: bool, confirm: str | None) -> None:
    """Delete the stack. Keeps logs, tables, images and secrets, unless you confirm their deletion.

    \b
    Example:
      pal stack destroy
    """
    if confirm and not delete_logs:
        raise click.UsageError("--confirm needs --delete-logs.")
    goes, stays = deploying.what_goes(aws, goal)
    _list(f"Deleted with the stack {goal.stack}, account {goal.account}, {goal.region}:", goes)
    if delete_logs:
        erased = [f"{goal.export_bucket} with all exported logs and tables", *goal.log_groups]
        _echo([PlanLine("DELETED FOREVER:", is_danger=True), *(PlanLine(f"  {name}", is_danger=True) for name in erased)])
        typed = confirm or click.prompt("To delete them, type the name of the bucket", default="", show_default=False)
        if typed != goal.export_bucket:
            raise UserError(f"{typed!r} is not {goal.export_bucket}. Nothing was deleted.")
    else:
        _list("Kept (the next deploy reuses buckets, log groups and databases; it creates new secrets):", stays)
    if not yes and not click.confirm("Delete the stack?"):
        raise UserError("Nothing was deleted.")
    deploying.destroy(aws, goal, click.echo, delete_logs=delete_logs)
    click.echo(f"{goal.stack} is deleted.")


def _as_data(goal: StackTarget, plan: planning.DeployPlan) -> dict[str, object]:
    lines = [{"text": line.text.strip(), "danger": line.is_danger} for line in plan.lines]
    drift = [line.text.strip() for line in plan.drift]
    place = {"stack": goal.stack, "account": goal.account, "region": goal.region}
    return place | {"note": plan.state.note, "has_changes": plan.has_changes, "changes": lines, "drift": drift}


def _show(goal: StackTarget, plan: planning.DeployPlan) -> None:
    click.echo(f"Stack {goal.stack}, account {goal.account}, {goal.region}")
    if plan.state.note:
        click.echo(f"Note: {plan.state.note}")
    if plan.drift:
        click.echo("Changed outside the stack (to undo it: stack deploy --revert-drift; to keep it: add it to infra/template/):")
        _echo(plan.drift)
    _echo(plan.lines)


def _list(title: str, names: list[str]) -> None:
    if names:
        click.echo(title)
        for name in names:
            click.echo(f"  {name}")


def _echo(lines: Iterable[PlanLine]) -> None:
    for line in lines:
        click.secho(line.text, fg="red" if line.is_danger else None)
