"""Reads what is in the account: log groups, published exports, export tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ParamValidationError

from .. import bucket, days
from ..aws import ask, error_code, pages
from ..errors import UserError
from ..export_record import ExportRecord
from .clients import ExportClients
from .plan import ACTIVE, AccountState, LogGroup, Task, TaskState
from .refusals import unknown_log_group
from .settings import ExportSettings

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import ExportTaskTypeDef, LogGroupTypeDef

TASK_NAME = "private-analytics-layer"
STANDARD = "STANDARD"
IDENTIFIERS_A_CALL = 50


def observe(aws: ExportClients, settings: ExportSettings, say: Callable[[str], None]) -> AccountState:
    """Everything that planning needs; `say` gets a note on anything odd. Raises TryLater and UserError.

    Tasks are read first, so that an export that another run publishes meanwhile is at least in the list of records.
    """
    seen = AccountState()
    for task in pages("list export tasks", aws.logs.describe_export_tasks):
        take_tasks(seen, settings, task["exportTasks"])
    read_log_groups(seen, aws, settings)
    read_exports(seen, aws, settings, say)
    return seen


def take_tasks(seen: AccountState, settings: ExportSettings, described: Iterable[ExportTaskTypeDef]) -> None:
    """Add tasks as DescribeExportTasks shows them."""
    for item in described:
        task = own_task(item, settings)
        if task:
            seen.tasks[task.id] = task
        elif item["status"]["code"] in ACTIVE:
            seen.others.add(item["taskId"])
        else:
            seen.others.discard(item["taskId"])


def own_task(item: ExportTaskTypeDef, settings: ExportSettings) -> Task | None:
    """The task if it is ours, whoever started it: an interrupted run, or a person with the same settings.

    It must have both our name and our destination. A task's description does not show whether it exported only some streams, so
    a task that someone else started into our folder may be incomplete.
    """
    from_ms, log_group = item["from"], item["logGroupName"]
    day = days.day_of(from_ms)
    is_ours = (
        item.get("taskName") == TASK_NAME
        and item["destination"] == settings.bucket
        and item.get("destinationPrefix") == bucket.log_prefix(settings.prefix, day)
        and from_ms == days.start_ms(day)
        and item["to"] == days.start_ms(day + 1) - 1
        and log_group in settings.log_groups
    )
    if not is_ours:
        return None
    times = item.get("executionInfo", {})
    return Task(
        item["taskId"],
        log_group,
        day,
        TaskState(item["status"]["code"]),
        times["creationTime"],
        times.get("completionTime"),
        item["status"].get("message", ""),
    )


def read_log_groups(seen: AccountState, aws: ExportClients, settings: ExportSettings) -> None:
    """Read the configured log groups; those that are missing or cannot be exported go to `problems`."""
    found: dict[str, LogGroupTypeDef] = {}
    for start in range(0, len(settings.log_groups), IDENTIFIERS_A_CALL):
        names = settings.log_groups[start : start + IDENTIFIERS_A_CALL]
        found.update(_describe(aws, names))
    for name in settings.log_groups:
        group = found.get(name)
        if group is None:
            seen.problems[name] = unknown_log_group(name, aws.region)
        elif group.get("logGroupClass", STANDARD) != STANDARD:
            seen.problems[name] = (
                f"{name} has the log class {group['logGroupClass']}, which CloudWatch does not export. A log group's class cannot"
                " be changed: log to a new log group of the Standard class, or remove this one from EXPORT_LOG_GROUPS."
            )
        else:
            seen.groups[name] = LogGroup(name, group["creationTime"], group.get("retentionInDays"))


def _describe(aws: ExportClients, names: tuple[str, ...]) -> dict[str, LogGroupTypeDef]:
    """Log groups by name, in one call if possible. If the SDK does not know logGroupIdentifiers, or if a name does not exist, it
    takes one call for each name."""
    doing = "look up the log groups"
    try:
        answers = list(pages(doing, aws.logs.describe_log_groups, logGroupIdentifiers=list(names)))
    except UserError as error:
        cause = error.__cause__
        is_about_names = error_code(cause) in {"ResourceNotFoundException", "InvalidParameterException", "ValidationException"}
        if not is_about_names and not isinstance(cause, ParamValidationError):
            raise
        # Names are listed in ASCII order, so the name that equals the prefix comes first.
        answers = [ask(doing, aws.logs.describe_log_groups, logGroupNamePrefix=name, limit=1) for name in names]
    return {group["logGroupName"]: group for answer in answers for group in answer["logGroups"]}


def read_exports(seen: AccountState, aws: ExportClients, settings: ExportSettings, say: Callable[[str], None]) -> None:
    """Read the published exports from the first day on, from the names of their records only."""
    folder = bucket.records_folder(settings.prefix)
    by_digest = {bucket.digest(name): name for name in settings.log_groups}
    listing = pages(
        f"list the export records in {settings.place}",
        aws.s3.list_objects_v2,
        "ContinuationToken",
        "NextContinuationToken",
        Bucket=settings.bucket,
        Prefix=folder,
        StartAfter=f"{folder}{days.path(settings.rules.first_day)}",
    )
    for page in listing:
        for item in page.get("Contents", ()):
            _take_record(seen, aws, settings, item["Key"], by_digest, say)


def _take_record(
    seen: AccountState,
    aws: ExportClients,
    settings: ExportSettings,
    key: str,
    by_digest: dict[str, str],
    say: Callable[[str], None],
) -> None:
    name = bucket.RECORD_NAME.fullmatch(key, len(bucket.records_folder(settings.prefix)))
    if not name:
        return
    day_path, task_id, started, group_digest = name.groups()
    if started is None:  # from elsewhere (samples, another exporter): the record says what the name does not
        try:
            record = read_record(aws, settings, key)
            started_ms = round(datetime.fromisoformat(record.started_at or record.completed_at).timestamp() * 1000)
        except ValueError as error:
            say(f"{key} is not an export record ({error}): its day counts as not exported.")
            return
        seen.add_export(record.log_group, days.number(date.fromisoformat(record.export_date)), task_id, started_ms, key)
        return
    log_group = by_digest.get(group_digest)
    if log_group:
        seen.add_export(log_group, days.number(date.fromisoformat(day_path.replace("/", "-"))), task_id, int(started), key)


def read_record(aws: ExportClients, settings: ExportSettings, key: str) -> ExportRecord:
    """Read a record. Raises ValueError if it is not a record, and UserError if it cannot be read."""
    answer = ask(f"read s3://{settings.bucket}/{key}", aws.s3.get_object, Bucket=settings.bucket, Key=key)
    return ExportRecord.from_json(answer["Body"].read())


def object_sizes(aws: ExportClients, settings: ExportSettings, task: Task) -> list[int]:
    """The sizes in bytes of the log objects that a task wrote. Raises TryLater and UserError."""
    listing = pages(
        f"list the objects of task {task.id}",
        aws.s3.list_objects_v2,
        "ContinuationToken",
        "NextContinuationToken",
        Bucket=settings.bucket,
        Prefix=bucket.task_folder(settings.prefix, task.day, task.id),
    )
    return [item["Size"] for page in listing for item in page.get("Contents", ()) if bucket.is_log_object(item["Key"])]
