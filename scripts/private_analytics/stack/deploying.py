"""Executes a plan, and deletes a stack. Both can be interrupted at any point and run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ..aws import aws_errors
from ..errors import UserError
from . import artifacts, planning, states, template
from .target import StackClients, StackTarget

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef


def execute(aws: StackClients, goal: StackTarget, change_set: str, say: Callable[[str], None]) -> None:
    """Execute a change set and wait until it ends. Raises UserError with what failed."""
    events = _Events(aws, goal.stack)
    with aws_errors(f"execute the change set of {goal.stack}"):
        aws.cloudformation.execute_change_set(ChangeSetName=change_set)
    ended = wait(aws, goal.stack, say, events)
    if ended not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        state = states.meaning(ended)
        raise UserError(
            f"{goal.stack}: {ended}. {events.reasons()} {state.note} {state.advice.replace('{stack}', goal.stack)}".rstrip()
        )


def wait(aws: StackClients, stack: str, say: Callable[[str], None], events: _Events | None = None) -> str:
    """Wait until no operation is in progress, reporting events. Returns the final status."""
    events = events or _Events(aws, stack)
    while True:
        now = planning.status(aws, stack)
        for line in events.new():
            say(line)
        # REVIEW_IN_PROGRESS is not an operation in progress, but a change set that nobody has executed.
        if not now.endswith("_IN_PROGRESS") or now == "REVIEW_IN_PROGRESS":
            return now
        aws.pause()


def outputs(aws: StackClients, stack: str) -> list[tuple[str, str, str]]:
    """Name, value and description of each output."""
    with aws_errors(f"look up the stack {stack}"):
        found = aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return sorted((item["OutputKey"], item["OutputValue"], item.get("Description", "")) for item in found)


def what_goes(aws: StackClients, goal: StackTarget) -> tuple[list[str], list[str]]:
    """What deleting the stack deletes and what it keeps, by type and name; empty if there is no stack."""
    kept_ids = set(template.retained(goal.template))
    goes: list[str] = []
    stays: list[str] = []
    if planning.status(aws, goal.stack) == states.NONE:
        return goes, stays
    with aws_errors(f"list the resources of {goal.stack}"):
        for page in aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=goal.stack):
            for item in page["StackResourceSummaries"]:
                if item["ResourceStatus"] == "DELETE_COMPLETE":
                    continue
                line = f"{item['LogicalResourceId']} ({item['ResourceType']}) {item.get('PhysicalResourceId', '')}".rstrip()
                (stays if item["LogicalResourceId"] in kept_ids else goes).append(line)
    return goes, stays


def destroy(aws: StackClients, goal: StackTarget, say: Callable[[str], None], *, delete_logs: bool = False) -> None:
    """Delete the stack and its code; with `delete_logs` the export bucket and the log groups too. Raises UserError."""
    before = planning.status(aws, goal.stack)
    if states.meaning(before).can == "wait":
        wait(aws, goal.stack, say)
        before = planning.status(aws, goal.stack)
    if before not in (states.NONE, "DELETE_COMPLETE"):
        with aws_errors(f"look up the stack {goal.stack}"):
            # A deleted stack can still be described by its ARN.
            arn = aws.cloudformation.describe_stacks(StackName=goal.stack)["Stacks"][0]["StackId"]
        events = _Events(aws, arn)
        with aws_errors(f"delete the stack {goal.stack}"):
            aws.cloudformation.delete_stack(StackName=arn)
        ended = wait(aws, arn, say, events)
        if ended not in (states.NONE, "DELETE_COMPLETE"):
            raise UserError(f"{goal.stack}: {ended}. {events.reasons()} {states.meaning(ended).advice}")
    with aws_errors(f"delete the bucket {goal.artifacts_bucket}"):
        artifacts.delete_bucket(aws.s3, goal.artifacts_bucket)
    if delete_logs:
        with aws_errors(f"delete the bucket {goal.export_bucket}"):
            artifacts.delete_bucket(aws.s3, goal.export_bucket)
        say(f"deleted {goal.export_bucket}")
        for name in goal.log_groups:
            with aws_errors(f"delete the log group {name}"):
                try:
                    aws.logs.delete_log_group(logGroupName=name)
                except aws.logs.exceptions.ResourceNotFoundException:
                    continue
            say(f"deleted {name}")


class _Events:
    """The stack's events from now on."""

    def __init__(self, aws: StackClients, stack: str) -> None:
        self._aws = aws
        self._stack = stack
        self._seen = {event["EventId"] for event in self._read()}
        self._failures: list[str] = []

    def new(self) -> Iterator[str]:
        """Lines for the events since the last look, oldest first."""
        for event in reversed(self._read()):
            if event["EventId"] in self._seen:
                continue
            self._seen.add(event["EventId"])
            result, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
            if result.endswith("_FAILED"):
                self._failures.append(f"{event['LogicalResourceId']}: {reason}")
            if not result.endswith("_IN_PROGRESS"):
                yield f"{result.lower().replace('_', ' ')}: {event['LogicalResourceId']} {reason}".rstrip()

    def reasons(self) -> str:
        """What failed, without what was only cancelled as a result."""
        first = [text for text in self._failures if "cancelled" not in text]
        if any("DescribeEvents" in text for text in first):
            first = self._refusals() or first
        return " ".join(first or self._failures)

    def _refusals(self) -> list[str]:
        """What CloudFormation's validation found wrong before the operation; it is in events of another kind."""
        with aws_errors(f"read the events of {self._stack}"):
            found = self._aws.cloudformation.describe_events(StackName=self._stack)["OperationEvents"]
        refused = [event for event in found if event.get("ValidationStatus") == "FAILED"]
        return [
            f"{event['LogicalResourceId']}: {event['ValidationStatusReason']}"
            for event in refused
            if event["OperationId"] == refused[0]["OperationId"]
        ]

    def _read(self) -> list[StackEventTypeDef]:
        with aws_errors(f"read the events of {self._stack}"):
            try:
                return list(planning.events(self._aws, self._stack))
            except ClientError as error:
                if "does not exist" in str(error):
                    return []
                raise
