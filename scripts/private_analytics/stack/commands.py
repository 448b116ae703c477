"""`stack plan|deploy|destroy`: what the user types and sees."""

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
    """The infrastructure on AWS, as one CloudFormation stack (docs/infrastructure.md)."""


def _with_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the clients and the stack that the settings file tells."""

    @click.option(
        "--settings",
        "file",
        type=click.Path(path_type=Path),
        help="The stack's settings.  [default: infra/stack.yaml]",
    )
    @wraps(command)
    def with_target(file: Path | None, **options: object) -> None:
        parameters = template.merge(template.read_parts())["Parameters"]
        wanted = settings.read(file or settings.default_file(), parameters)
        aws = StackClients(
            cloudformation=clients.client("cloudformation"),
            s3=clients.client("s3"),
            sts=clients.client("sts"),
            logs=clients.client("logs"),
            glue=clients.client("glue"),
        )
        command(aws, target(aws, wanted), **options)

    return with_target


@stack.command("plan")
@options.as_json
@_with_target
def show_plan(aws: StackClients, goal: StackTarget, is_json: bool) -> None:
    """Show what a deploy would change.

    Also what was changed by hand, and what is wrong with the stack.

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
        click.echo("A deploy has nothing to change.")


@stack.command("deploy")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--revert-drift", is_flag=True, help="Put back what was changed outside of the stack.")
@_with_target
def deploy(aws: StackClients, goal: StackTarget, yes: bool, revert_drift: bool) -> None:
    """Make the stack what its settings and template say.

    Shows the plan and asks. Run it again if it was interrupted.

    \b
    Example:
      pal stack deploy
    """
    now = planning.status(aws, goal.stack)
    if states.meaning(now).can == "wait":
        click.echo(f"{goal.stack}: {states.meaning(now).note} Waiting for its end ...")
        deploying.wait(aws, goal.stack, click.echo)
    plan = planning.plan(aws, goal, keep=True, revert_drift=revert_drift, drift=not revert_drift)
    _show(goal, plan)
    if plan.change_set is None:
        click.echo(f"{goal.stack} is as it should be.")
    else:
        if not yes and not click.confirm("Do it?"):
            planning.delete_change_set(aws, plan.change_set)
            raise UserError("Nothing was changed.")
        deploying.execute(aws, goal, plan.change_set, click.echo)
        click.echo(f"{goal.stack} is deployed.")
    for name, value, description in deploying.outputs(aws, goal.stack):
        click.echo(f"  {name:<26} {value}   {description}")


@stack.command("destroy")
@click.option("--yes", is_flag=True, help="Do not ask whether to delete the stack.")
@click.option("--delete-logs", is_flag=True, help="Delete the exported logs, the tables and the log groups as well.")
@click.option("--confirm", metavar="BUCKET", help="With --delete-logs: the export bucket's name, instead of typing it.")
@_with_target
def destroy(aws: StackClients, goal: StackTarget, yes: bool, delete_logs: bool, confirm: str | None) -> None:
    """Delete the stack. Logs, tables, images and secrets stay, unless told otherwise in words.

    \b
    Example:
      pal stack destroy
    """
    if confirm and not delete_logs:
        raise click.UsageError("--confirm belongs to --delete-logs.")
    goes, stays = deploying.what_goes(aws, goal)
    _list(f"Deleted with the stack {goal.stack}, account {goal.account}, {goal.region}:", goes)
    if delete_logs:
        erased = [f"{goal.export_bucket} with all exported logs and tables", *goal.log_groups]
        _echo([PlanLine("DELETED FOR EVER:", is_danger=True), *(PlanLine(f"  {name}", is_danger=True) for name in erased)])
        typed = confirm or click.prompt("To delete them, type the bucket's name", default="", show_default=False)
        if typed != goal.export_bucket:
            raise UserError(f"{typed!r} is not {goal.export_bucket}. Nothing was deleted.")
    else:
        _list("Kept (the next deploy takes buckets, log groups and databases over; secrets are made anew):", stays)
    if not yes and not click.confirm("Delete the stack?"):
        raise UserError("Nothing was deleted.")
    deploying.destroy(aws, goal, click.echo, delete_logs=delete_logs)
    click.echo(f"{goal.stack} is gone.")


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
        click.echo("Changed outside of the stack (put it back: stack deploy --revert-drift; or write it into infra/template/):")
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
