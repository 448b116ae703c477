"""Export tasks in front of moto: the API's operations over HTTP, with log groups, events and buckets that moto keeps."""

import fnmatch
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from local_aws import clients
from local_aws.export_tasks import ApiError, Course, Event, ExportTasks, Faults, LogGroup

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

ACCOUNT = "123456789012"  # moto's
QUICK = Course(pending_ms=500, running_ms=1_000)


class ExportTaskApi:
    """Answers the operations in `operations`; all else of CloudWatch Logs is moto's.

    `tasks` takes orders on how tasks go and `faults` on calls that fail; `skip_ms` moves the time on without waiting for it.
    """

    def __init__(self, aws_endpoint: str, region: str, course: Course = QUICK) -> None:
        made_with = clients.settings(aws_endpoint, region)
        logs, s3 = boto3.client("logs", **made_with), boto3.client("s3", **made_with)
        self.skipped_ms = 0
        self._region = region
        self.tasks = ExportTasks(MotoLogs(logs), MotoBucket(s3, region), self.now_ms, course=course)
        self.faults = Faults()
        self._answers: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateExportTask": self.tasks.create,
            "DescribeExportTasks": self.tasks.describe,
            "CancelExportTask": self.tasks.cancel,
        }
        self.operations = frozenset(self._answers)

    def now_ms(self) -> int:
        """The time as tasks see it."""
        return time.time_ns() // 1_000_000 + self.skipped_ms

    def skip_ms(self, ms: int) -> None:
        """Let that much time pass for tasks. moto keeps its own time, so tasks cannot go back: they would not see new events."""
        if ms < 0:
            raise ValueError(f"time does not go back: {ms} ms")
        self.skipped_ms += ms

    def make_older(self, log_group: str, days: int) -> None:
        """Let a log group have been made so many days earlier: AWS exports nothing from before it was. In moto's process only."""
        from moto.logs.models import logs_backends

        logs_backends[ACCOUNT][self._region].groups[log_group].creation_time -= timedelta(days=days)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an operation. Raises ApiError."""
        answer: dict[str, Any] = self.faults.meet(operation, lambda: self._answers[operation](request))
        return answer


class MotoLogs:
    """moto's log groups and events, through its API."""

    def __init__(self, logs: "CloudWatchLogsClient") -> None:
        self._logs = logs

    def log_group(self, name: str) -> LogGroup | None:
        found = self._logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        group = next((group for group in found if group["logGroupName"] == name), None)
        if group is None:
            return None
        return LogGroup(name, group["creationTime"], group.get("retentionInDays"), group.get("logGroupClass", "STANDARD"))

    def events(self, log_group: str, from_ms: int, to_ms: int) -> Iterator[Event]:
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=log_group, startTime=from_ms, endTime=to_ms)
        for page in pages:
            for event in page["events"]:
                yield Event(event["logStreamName"], event["timestamp"], event["message"], event["ingestionTime"])


class MotoBucket:
    """moto's buckets, and whether their policies let CloudWatch Logs write."""

    def __init__(self, s3: "S3Client", region: str) -> None:
        self._s3 = s3
        self._region = region

    def refusal(self, bucket: str, prefix: str, log_group: str) -> ApiError | None:
        try:
            location = self._s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1"
        except ClientError:
            return ApiError("InvalidParameterException", "The given bucket does not exist. Please make sure the bucket is valid.")
        if location != self._region:
            return ApiError("InvalidParameterException", "The given bucket is not in the same region as the log group.")
        try:
            policy = json.loads(self._s3.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError:
            policy = {"Statement": []}
        arn = f"arn:aws:s3:::{bucket}"
        for action, resource in (("s3:GetBucketAcl", arn), ("s3:PutObject", f"{arn}/{prefix}/x")):
            if not allows(policy, action, resource, self._region, log_group):
                call = action.removeprefix("s3:")
                return ApiError(
                    "InvalidParameterException",
                    f"{call} call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to"
                    " perform this operation.",
                )
        return None

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self._s3.put_object(Bucket=bucket, Key=key, Body=body)


def allows(policy: Mapping[str, Any], action: str, resource: str, region: str, log_group: str) -> bool:
    """Whether a bucket policy lets CloudWatch Logs do something for a log group of this account. A condition that is not one of
    those which AWS's guide to exports uses does not hold."""
    verdict = False
    for statement in _listed(policy["Statement"]):
        principal = statement.get("Principal", {})
        names = ["*"] if principal == "*" else _listed(principal.get("Service", [])) + _listed(principal.get("AWS", []))
        is_meant = (
            any(name in ("*", f"logs.{region}.amazonaws.com", "logs.amazonaws.com") for name in names)
            and _matches(action.lower(), [pattern.lower() for pattern in _listed(statement.get("Action", []))])
            and _matches(resource, _listed(statement.get("Resource", [])))
            and _conditions_hold(statement.get("Condition", {}), region, log_group)
        )
        if is_meant and statement["Effect"] == "Deny":
            return False
        verdict = verdict or is_meant
    return verdict


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], region: str, log_group: str) -> bool:
    context = {
        "aws:sourceaccount": ACCOUNT,
        "aws:sourcearn": f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{log_group}:*",
        "s3:x-amz-acl": "bucket-owner-full-control",
        "aws:securetransport": "true",
    }
    tests: dict[str, Callable[[str, list[str]], bool]] = {
        "StringEquals": lambda value, wanted: value in wanted,
        "StringLike": _matches,
        "ArnEquals": _matches,
        "ArnLike": _matches,
        "Bool": lambda value, wanted: value in wanted,
    }
    return all(
        operator in tests and key.lower() in context and tests[operator](context[key.lower()], _listed(wanted))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _matches(text: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
