"""Plan, deploy and destroy: the calls, in an order that can be broken off anywhere and begun again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..aws import explained
from ..errors import UserError
from . import artifacts, bundle, changes, states, template
from .bundle import Bundle
from .changes import Line
from .settings import Settings

CHANGE_SET = "private-analytics-"  # change sets of ours begin so
NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")
URL_SUFFIX = {"aws-cn": "amazonaws.com.cn"}


@dataclass(frozen=True)
class Aws:
    """boto3 clients of one account and region, and how to wait between two looks."""

    cloudformation: Any
    s3: Any
    sts: Any
    logs: Any
    glue: Any
    pause: Callable[[], None] = lambda: time.sleep(5)

    @property
    def region(self) -> str:
        return self.cloudformation.meta.region_name


@dataclass(frozen=True)
class Target:
    """A stack in an account: its settings, its template with names written out, and its code."""

    settings: Settings
    account: str
    region: str
    partition: str
    template: dict
    bundles: tuple[Bundle, ...]

    @property
    def body(self) -> Bundle:
        return Bundle("template", "json", template.to_json(self.template).encode())

    @property
    def stack(self) -> str:
        return self.settings.stack

    @property
    def artifacts_bucket(self) -> str:
        return artifacts.bucket_name(self.settings.parameters["NamePrefix"], self.account, self.region)

    @property
    def parameters(self) -> list[dict]:
        exporter, project = self.bundles
        ours = {"ArtifactsBucket": self.artifacts_bucket, "ExporterZip": exporter.key, "ProjectZip": project.key}
        return [{"ParameterKey": k, "ParameterValue": v} for k, v in (self.settings.parameters | ours).items()]

    @property
    def export_bucket(self) -> str:
        return self.template["Resources"]["ExportBucket"]["Properties"]["BucketName"]

    @property
    def log_groups(self) -> list[str]:
        keys = ("ApiLogGroup", "SecondLogGroup", "ThirdLogGroup")
        return [self.settings.parameters[key] for key in keys if self.settings.parameters[key]]


@dataclass
class Plan:
    """What a deploy would do. `change_set` is its ARN, where AWS worked it out and it was kept."""

    state: states.State
    lines: list[Line] = field(default_factory=list)
    drift: list[Line] = field(default_factory=list)
    change_set: str | None = None
    has_changes: bool = True


@contextmanager
def telling(doing: str) -> Iterator[None]:
    """Errors of AWS in words; `doing` completes 'Could not ...'."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise explained(error, doing) from error


def target(aws: Aws, settings: Settings) -> Target:
    """Where the stack goes: the account and region of the caller. Raises UserError."""
    with telling("find out who you are"):
        arn = aws.sts.get_caller_identity()["Arn"]
    partition, account = arn.split(":")[1], arn.split(":")[4]
    values = settings.parameters | {"AWS::AccountId": account, "AWS::Region": aws.region, "AWS::Partition": partition}
    whole = template.pin_names(template.merge(template.read_parts()), values)
    return Target(settings, account, aws.region, partition, whole, (bundle.exporter(), bundle.project()))


def status(aws: Aws, stack: str) -> str:
    """The stack's status, or states.NONE. Raises UserError."""
    with telling(f"look up the stack {stack}"):
        try:
            return aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except ClientError as error:
            if "does not exist" in str(error):
                return states.NONE
            raise


def plan(aws: Aws, goal: Target, *, keep: bool = False, revert_drift: bool = False, drift: bool = True) -> Plan:
    """What a deploy would do.

    For a stack that is not there everything is new, and nothing is called but a look. For one that is there, AWS works it out
    from the template, which must be uploaded for that. `keep` leaves the change set, to be executed.
    Raises UserError where the stack cannot be changed as it is.
    """
    state = states.meaning(status(aws, goal.stack))
    if state.can in ("stuck", "wait"):
        advice = state.advice or "Wait for its end, then again: aws cloudformation describe-stack-events --stack-name {stack}"
        raise UserError(f"{goal.stack}: {state.note} {failures(aws, goal.stack)} {advice.replace('{stack}', goal.stack)}")
    goal, found_there = leave_out_databases(aws, goal, state)
    if state.can == "create" and not keep:
        resources = goal.template["Resources"]
        return Plan(state, [Line(f"  add      {name} ({resources[name]['Type']})") for name in _built(goal)] + found_there)
    publish(aws, goal)
    drifted = list(changes.of_drift(detect_drift(aws, goal.stack))) if drift and state.can == "update" else []
    change_set, found = create_change_set(aws, goal, state, revert_drift=revert_drift)
    if not keep and change_set:
        delete_change_set(aws, change_set)
    return Plan(
        state,
        found_there + list(changes.of_change_set(found, template.retained(goal.template))),
        drifted,
        change_set,
        bool(found),
    )


def leave_out_databases(aws: Aws, goal: Target, state: states.State) -> tuple[Target, list[Line]]:
    """The stack without Glue databases that exist already and are not its own: an earlier stack left them, or `tables` made them.
    They are used by their names; CloudFormation would fail to make them, and is not known to take them over."""
    names = {
        logical_id: resource["Properties"]["DatabaseName"]
        for logical_id, resource in goal.template["Resources"].items()
        if resource["Type"] == "AWS::Glue::Database"
    }
    own = set()
    if state.can == "update":
        with telling(f"list what {goal.stack} holds"):
            for page in aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=goal.stack):
                own |= {item["LogicalResourceId"] for item in page["StackResourceSummaries"]}
    others = []
    for logical_id, name in names.items():
        with telling(f"look up the Glue database {name}"):
            try:
                aws.glue.get_database(Name=name)
            except aws.glue.exceptions.EntityNotFoundException:
                continue
        if logical_id not in own:
            others.append(logical_id)
    lines = [Line(f"  use      {names[logical_id]}, a Glue database that is there already") for logical_id in others]
    return replace(goal, template=template.without(goal.template, others)), lines


def publish(aws: Aws, goal: Target) -> None:
    """Bring template and code to the artifacts bucket, which is made where it is missing. Raises UserError."""
    with telling(f"make the bucket {goal.artifacts_bucket}"):
        artifacts.ensure_bucket(aws.s3, goal.artifacts_bucket, goal.region, goal.partition)
    with telling(f"upload the code to {goal.artifacts_bucket}"):
        artifacts.upload(aws.s3, goal.artifacts_bucket, (*goal.bundles, goal.body))


def create_change_set(
    aws: Aws, goal: Target, state: states.State, *, revert_drift: bool = False
) -> tuple[str | None, list[dict]]:
    """A change set's ARN and its changes; (None, []) where there is nothing to do. What broken-off runs left is removed first."""
    if state.can == "update" or state.note:
        _delete_left_change_sets(aws, goal.stack)
    suffix = URL_SUFFIX.get(goal.partition, "amazonaws.com")
    how = {"DeploymentMode": "REVERT_DRIFT"} if revert_drift else {"ImportExistingResources": True}
    with telling(f"create a change set for {goal.stack}"):
        arn = aws.cloudformation.create_change_set(
            StackName=goal.stack,
            ChangeSetName=CHANGE_SET + hashlib.sha256(f"{goal.body.key}{time.time_ns()}".encode()).hexdigest()[:16],
            ChangeSetType="CREATE" if state.can == "create" else "UPDATE",
            TemplateURL=f"https://s3.{goal.region}.{suffix}/{goal.artifacts_bucket}/{goal.body.key}",
            Parameters=goal.parameters,
            Capabilities=["CAPABILITY_IAM"],
            **how,
        )["Id"]
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
        raise UserError(f"{goal.stack}: CloudFormation does not take the change set: {reason}")
    listed = list(found["Changes"])
    with telling(f"read the change set for {goal.stack}"):
        while found.get("NextToken"):
            found = aws.cloudformation.describe_change_set(ChangeSetName=arn, NextToken=found["NextToken"])
            listed += found["Changes"]
    return arn, listed


def delete_change_set(aws: Aws, arn: str) -> None:
    with telling("delete the change set"):
        aws.cloudformation.delete_change_set(ChangeSetName=arn)


def _delete_left_change_sets(aws: Aws, stack: str) -> None:
    with telling(f"list the change sets of {stack}"):
        for page in aws.cloudformation.get_paginator("list_change_sets").paginate(StackName=stack):
            for item in page["Summaries"]:
                if item["ChangeSetName"].startswith(CHANGE_SET) and not item.get("ExecutionStatus", "").startswith("EXECUTE"):
                    aws.cloudformation.delete_change_set(ChangeSetName=item["ChangeSetId"])


def detect_drift(aws: Aws, stack: str) -> list[dict]:
    """What was changed outside of the stack, as CloudFormation tells it. Raises UserError."""
    with telling(f"look for drift in {stack}"):
        detection = aws.cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
        while True:
            found = aws.cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
            if found["DetectionStatus"] != "DETECTION_IN_PROGRESS":
                break
            aws.pause()
        drifts, more = [], {}
        while True:
            page = aws.cloudformation.describe_stack_resource_drifts(
                StackName=stack, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], **more
            )
            drifts += page["StackResourceDrifts"]
            if not page.get("NextToken"):
                return drifts
            more = {"NextToken": page["NextToken"]}


def execute(aws: Aws, goal: Target, change_set: str, say: Callable[[str], None]) -> None:
    """Carry out a change set and wait for its end. Raises UserError with what failed."""
    events = _Events(aws, goal.stack)
    with telling(f"execute the change set of {goal.stack}"):
        aws.cloudformation.execute_change_set(ChangeSetName=change_set)
    ended = wait(aws, goal.stack, say, events)
    if ended not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        state = states.meaning(ended)
        raise UserError(
            f"{goal.stack}: {ended}. {events.reasons()} {state.note} {state.advice.replace('{stack}', goal.stack)}".rstrip()
        )


def wait(aws: Aws, stack: str, say: Callable[[str], None], events: _Events | None = None) -> str:
    """Wait until nothing is under way, telling what happens; the status then."""
    events = events or _Events(aws, stack)
    while True:
        now = status(aws, stack)
        for line in events.new():
            say(line)
        # REVIEW_IN_PROGRESS is no work under way, but a change set that nobody has executed.
        if not now.endswith("_IN_PROGRESS") or now == "REVIEW_IN_PROGRESS":
            return now
        aws.pause()


def failures(aws: Aws, stack: str) -> str:
    """What the stack's latest events say went wrong, oldest first."""
    with telling(f"read the events of {stack}"):
        events = aws.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]
    reasons = (f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed)
    return " ".join(reason for reason in reasons if "cancelled" not in reason)


def outputs(aws: Aws, stack: str) -> list[tuple[str, str, str]]:
    """Name, value and description of each output."""
    with telling(f"look up the stack {stack}"):
        found = aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return sorted((item["OutputKey"], item["OutputValue"], item.get("Description", "")) for item in found)


def what_goes(aws: Aws, goal: Target) -> tuple[list[str], list[str]]:
    """What deleting the stack deletes and what it leaves, by type and name. Nothing where there is no stack."""
    kept_ids = set(template.retained(goal.template))
    goes, stays = [], []
    if status(aws, goal.stack) == states.NONE:
        return goes, stays
    with telling(f"list what {goal.stack} holds"):
        for page in aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=goal.stack):
            for item in page["StackResourceSummaries"]:
                if item["ResourceStatus"] == "DELETE_COMPLETE":
                    continue
                line = f"{item['LogicalResourceId']} ({item['ResourceType']}) {item.get('PhysicalResourceId', '')}".rstrip()
                (stays if item["LogicalResourceId"] in kept_ids else goes).append(line)
    return goes, stays


def destroy(aws: Aws, goal: Target, say: Callable[[str], None], *, delete_logs: bool = False) -> None:
    """Delete the stack and its code; with `delete_logs` the export bucket and the log groups too. Raises UserError."""
    before = status(aws, goal.stack)
    if states.meaning(before).can == "wait":
        wait(aws, goal.stack, say)
        before = status(aws, goal.stack)
    if before not in (states.NONE, "DELETE_COMPLETE"):
        with telling(f"look up the stack {goal.stack}"):
            # By its ARN a deleted stack can still be asked for.
            arn = aws.cloudformation.describe_stacks(StackName=goal.stack)["Stacks"][0]["StackId"]
        events = _Events(aws, arn)
        with telling(f"delete the stack {goal.stack}"):
            aws.cloudformation.delete_stack(StackName=arn)
        ended = wait(aws, arn, say, events)
        if ended not in (states.NONE, "DELETE_COMPLETE"):
            raise UserError(f"{goal.stack}: {ended}. {events.reasons()} {states.meaning(ended).advice}")
    with telling(f"delete the bucket {goal.artifacts_bucket}"):
        artifacts.delete_bucket(aws.s3, goal.artifacts_bucket)
    if delete_logs:
        with telling(f"delete the bucket {goal.export_bucket}"):
            artifacts.delete_bucket(aws.s3, goal.export_bucket)
        say(f"deleted {goal.export_bucket}")
        for name in goal.log_groups:
            with telling(f"delete the log group {name}"):
                try:
                    aws.logs.delete_log_group(logGroupName=name)
                except aws.logs.exceptions.ResourceNotFoundException:
                    continue
            say(f"deleted {name}")


class _Events:
    """The stack's events from now on."""

    def __init__(self, aws: Aws, stack: str) -> None:
        self._aws = aws
        self._stack = stack
        self._seen = {event["EventId"] for event in self._read()}
        self._failures: list[str] = []

    def new(self) -> Iterator[str]:
        """Lines for what happened since the last look, oldest first."""
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
        """What failed, without what was only cancelled because of it."""
        first = [text for text in self._failures if "cancelled" not in text]
        if any("DescribeEvents" in text for text in first):
            first = self._refusals() or first
        return " ".join(first or self._failures)

    def _refusals(self) -> list[str]:
        """What CloudFormation found wrong before it began; it stands in events of another kind."""
        with telling(f"read the events of {self._stack}"):
            found = self._aws.cloudformation.describe_events(StackName=self._stack)["OperationEvents"]
        refused = [event for event in found if event.get("ValidationStatus") == "FAILED"]
        return [
            f"{event['LogicalResourceId']}: {event['ValidationStatusReason']}"
            for event in refused
            if event["OperationId"] == refused[0]["OperationId"]
        ]

    def _read(self) -> list[dict]:
        """The latest page is enough: we look every few seconds."""
        try:
            return self._aws.cloudformation.describe_stack_events(StackName=self._stack)["StackEvents"]
        except ClientError as error:
            if "does not exist" in str(error):
                return []
            raise explained(error, f"read the events of {self._stack}") from error


def _built(goal: Target) -> list[str]:
    """Logical ids of the resources that the conditions let in."""
    conditions, values = goal.template["Conditions"], goal.settings.parameters

    def holds(condition: Any) -> bool:
        match condition:
            case {"Condition": str(name)}:
                return holds(conditions[name])
            case {"Fn::Not": [inner]}:
                return not holds(inner)
            case {"Fn::And": inner}:
                return all(holds(one) for one in inner)
            case {"Fn::Equals": [left, right]}:
                return _value(left, values) == _value(right, values)
        raise ValueError(f"cannot evaluate the condition {condition!r}")

    resources = goal.template["Resources"].items()
    return [name for name, item in resources if "Condition" not in item or holds(conditions[item["Condition"]])]


def _value(value: Any, values: dict[str, str]) -> str:
    """As template.evaluate, where a Ref of a list inside a Join is its text."""
    return (
        values[value["Fn::Join"][1]["Ref"]]
        if isinstance(value, dict) and "Fn::Join" in value
        else template.evaluate(value, values)
    )
