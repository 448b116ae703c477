"""What a deploy would do: change sets, drift, and what is wrong with a stack as it is."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ..aws import aws_errors
from ..errors import UserError
from . import artifacts, changes, states, template
from .changes import PlanLine
from .target import StackClients, StackTarget, built

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import (
        ChangeTypeDef,
        CreateChangeSetInputTypeDef,
        DescribeStackResourceDriftsInputTypeDef,
        StackEventTypeDef,
        StackResourceDriftTypeDef,
    )

CHANGE_SET = "private-analytics-"  # the beginning of our change sets' names
NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")
BEGINNINGS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}  # as a stack's own event
URL_SUFFIX = {"aws-cn": "amazonaws.com.cn"}


@dataclass
class DeployPlan:
    """What a deploy would do. `change_set` is the ARN of the change set, if one was created and kept."""

    state: states.StackState
    lines: list[PlanLine] = field(default_factory=list)
    drift: list[PlanLine] = field(default_factory=list)
    change_set: str | None = None
    has_changes: bool = True


def status(aws: StackClients, stack: str) -> str:
    """The stack's status, or states.NONE. Raises UserError."""
    with aws_errors(f"look up the stack {stack}"):
        try:
            return aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except ClientError as error:
            if "does not exist" in str(error):
                return states.NONE
            raise


def plan(
    aws: StackClients, goal: StackTarget, *, keep: bool = False, revert_drift: bool = False, drift: bool = True
) -> DeployPlan:
    """What a deploy would do.

    For a new stack, everything is added; AWS is only asked for the stack's status. For an existing stack, AWS computes a change
    set from the template, which is uploaded first. `keep` keeps the change set for execution.
    Raises UserError if the stack cannot be changed in its present state.
    """
    state = states.meaning(status(aws, goal.stack))
    if state.can in ("stuck", "wait"):
        advice = state.advice or "Try again when it ends. Watch: aws cloudformation describe-stack-events --stack-name {stack}"
        raise UserError(f"{goal.stack}: {state.note} {failures(aws, goal.stack)} {advice.replace('{stack}', goal.stack)}")
    goal, found_there = leave_out_databases(aws, goal, state)
    if state.can == "create" and not keep:
        resources = goal.template["Resources"]
        return DeployPlan(
            state, [PlanLine(f"  add      {name} ({resources[name]['Type']})") for name in built(goal)] + found_there
        )
    publish(aws, goal)
    drifted = list(changes.of_drift(detect_drift(aws, goal.stack))) if drift and state.can == "update" else []
    change_set, found = create_change_set(aws, goal, state, revert_drift=revert_drift)
    if not keep and change_set:
        delete_change_set(aws, change_set)
    return DeployPlan(
        state,
        found_there + list(changes.of_change_set(found, template.retained(goal.template))),
        drifted,
        change_set,
        bool(found),
    )


def leave_out_databases(aws: StackClients, goal: StackTarget, state: states.StackState) -> tuple[StackTarget, list[PlanLine]]:
    """The stack without Glue databases that exist and are not its own: an earlier stack left them, or `tables` created them.
    They are used by name. CloudFormation would fail to create them, and is not known to import them."""
    names = {
        logical_id: resource["Properties"]["DatabaseName"]
        for logical_id, resource in goal.template["Resources"].items()
        if resource["Type"] == "AWS::Glue::Database"
    }
    own = set()
    if state.can == "update":
        with aws_errors(f"list the resources of {goal.stack}"):
            for page in aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=goal.stack):
                own |= {item["LogicalResourceId"] for item in page["StackResourceSummaries"]}
    others = []
    for logical_id, name in names.items():
        with aws_errors(f"look up the Glue database {name}"):
            try:
                aws.glue.get_database(Name=name)
            except aws.glue.exceptions.EntityNotFoundException:
                continue
        if logical_id not in own:
            others.append(logical_id)
    lines = [PlanLine(f"  use      {names[logical_id]}, a Glue database that exists already") for logical_id in others]
    return replace(goal, template=template.without(goal.template, others)), lines


def publish(aws: StackClients, goal: StackTarget) -> None:
    """Upload the template and the code to the artifacts bucket, which is created if missing. Raises UserError."""
    with aws_errors(f"create the bucket {goal.artifacts_bucket}"):
        artifacts.ensure_bucket(aws.s3, goal.artifacts_bucket, goal.region, goal.partition)
    with aws_errors(f"upload the code to {goal.artifacts_bucket}"):
        artifacts.upload(aws.s3, goal.artifacts_bucket, (*goal.bundles, goal.body))


def create_change_set(
    aws: StackClients, goal: StackTarget, state: states.StackState, *, revert_drift: bool = False
) -> tuple[str | None, list[ChangeTypeDef]]:
    """A change set's ARN and its changes; (None, []) if nothing changes. Leftovers of interrupted runs are removed first."""
    if state.can == "update" or state.note:
        _delete_left_change_sets(aws, goal.stack)
    suffix = URL_SUFFIX.get(goal.partition, "amazonaws.com")
    wanted: CreateChangeSetInputTypeDef = {
        "StackName": goal.stack,
        "ChangeSetName": CHANGE_SET + hashlib.sha256(f"{goal.body.key}{time.time_ns()}".encode()).hexdigest()[:16],
        "ChangeSetType": "CREATE" if state.can == "create" else "UPDATE",
        "TemplateURL": f"https://s3.{goal.region}.{suffix}/{goal.artifacts_bucket}/{goal.body.key}",
        "Parameters": goal.parameters,
        "Capabilities": ["CAPABILITY_IAM"],
    }
    if revert_drift:
        wanted["DeploymentMode"] = "REVERT_DRIFT"
    else:
        wanted["ImportExistingResources"] = True
    with aws_errors(f"create a change set for {goal.stack}"):
        arn = aws.cloudformation.create_change_set(**wanted)["Id"]
        while True:
            found = aws.cloudformation.describe_change_set(ChangeSetName=arn)
            if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                break
            aws.pause()
    if found["Status"] == "FAILED":
        delete_change_set(aws, arn)
        reason = found.get("StatusReason", "")
        if any(words in reason for words in NOTHING_TO_DO):
            return None, []
        raise UserError(f"{goal.stack}: CloudFormation rejected the change set: {reason}")
    listed = list(found["Changes"])
    with aws_errors(f"read the change set for {goal.stack}"):
        while found.get("NextToken"):
            found = aws.cloudformation.describe_change_set(ChangeSetName=arn, NextToken=found["NextToken"])
            listed += found["Changes"]
    return arn, listed


def delete_change_set(aws: StackClients, arn: str) -> None:
    with aws_errors("delete the change set"):
        aws.cloudformation.delete_change_set(ChangeSetName=arn)


def _delete_left_change_sets(aws: StackClients, stack: str) -> None:
    with aws_errors(f"list the change sets of {stack}"):
        for page in aws.cloudformation.get_paginator("list_change_sets").paginate(StackName=stack):
            for item in page["Summaries"]:
                if item["ChangeSetName"].startswith(CHANGE_SET) and not item.get("ExecutionStatus", "").startswith("EXECUTE"):
                    aws.cloudformation.delete_change_set(ChangeSetName=item["ChangeSetId"])


def detect_drift(aws: StackClients, stack: str) -> list[StackResourceDriftTypeDef]:
    """What was changed outside the stack, as CloudFormation reports it. Raises UserError."""
    with aws_errors(f"look for drift in {stack}"):
        detection = aws.cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
        while True:
            found = aws.cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
            if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                break
            aws.pause()
        drifts: list[StackResourceDriftTypeDef] = []
        asked: DescribeStackResourceDriftsInputTypeDef = {
            "StackName": stack,
            "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"],
        }
        while True:
            page = aws.cloudformation.describe_stack_resource_drifts(**asked)
            drifts += page["StackResourceDrifts"]
            if not page.get("NextToken"):
                return drifts
            asked["NextToken"] = page["NextToken"]


def failures(aws: StackClients, stack: str) -> str:
    """What failed in the stack's latest operation, oldest first."""
    with aws_errors(f"read the events of {stack}"):
        found = list(events(aws, stack))
    failed = [event for event in reversed(found) if event["ResourceStatus"].endswith("_FAILED")]
    reasons = (f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed)
    return " ".join(reason for reason in reasons if "cancelled" not in reason)


def events(aws: StackClients, stack: str) -> Iterator[StackEventTypeDef]:
    """The events of the stack's latest operation, latest first, including its start. Raises ClientError."""
    for page in aws.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            yield event
            if event.get("PhysicalResourceId") == event["StackId"] and event["ResourceStatus"] in BEGINNINGS:
                return
