"""An AWS account in memory: log groups, buckets, export tasks, and clients like boto3's. Its time moves when told to."""

from __future__ import annotations

import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from local_aws.export_tasks import ApiError, Course, Event, ExportTasks, LogGroup, Task
from private_analytics import bucket, days
from private_analytics.exports.clients import ExportClients
from private_analytics.exports.plan import AccountState, ExportRules
from private_analytics.exports.reconcile import Clock, ExportOutcome, reconcile
from private_analytics.exports.settings import ExportSettings

BUCKET = "analytics-bucket"
REGION = "eu-central-1"
NOON = days.start_ms(days.number(date(2026, 10, 10))) + 12 * days.HOUR_MS


@dataclass
class Calls:
    """What every call of every client goes through: counted, and stopped before or after its effect where a test says so."""

    made: Counter[str] = field(default_factory=Counter)
    boundary: Callable[[str, str], None] = lambda operation, side: None

    def through(self, operation: str, effect: Callable[[], Any]) -> Any:
        self.made[operation] += 1
        self.boundary(operation, "before")
        try:
            answer = effect()
        except ApiError as error:
            raise client_error(error.code, error.message, error.status, operation) from None
        self.boundary(operation, "after")
        return answer


def client_error(code: str, message: str = "", status: int = 400, operation: str = "Call") -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


@cache
def _input_shape(service: str, operation: str) -> Any:
    return ServiceModel(Loader().load_service_model(service, "service-2")).operation_model(operation).input_shape


def check_parameters(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """As botocore does before it sends anything."""
    report = ParamValidator().validate(parameters, _input_shape(service, operation))
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())


class Account:
    """The account itself: what AWS knows, which no client can look into."""

    def __init__(self, *, page: int = 1000, **tasks: Any) -> None:
        self.now_ms = NOON
        self.calls = Calls()
        self.groups: dict[str, LogGroup] = {}
        self.logged: dict[str, list[Event]] = {}
        self.buckets: dict[str, dict[str, tuple[bytes, str]]] = {BUCKET: {}}
        self.bucket_regions: dict[str, str] = {}
        self.bucket_refusal: ApiError | None = None
        self.history: dict[str, Task] = {}
        self.page = page
        self.export_tasks = ExportTasks(self, self, lambda: self.now_ms, **tasks)
        self.aws = ExportClients(FakeLogs(self), FakeS3(self))

    # What a test does to the account.

    def add_group(
        self, name: str, *, created_ms: int = 0, retention_days: int | None = None, log_class: str = "STANDARD"
    ) -> None:
        self.groups[name] = LogGroup(name, created_ms, retention_days, log_class)
        self.logged[name] = []

    def log(self, log_group: str, timestamp: int, message: str = "{}", stream: str = "api/i-1") -> Event:
        """An event that comes in now."""
        event = Event(stream, timestamp, message, self.now_ms)
        self.logged[log_group].append(event)
        return event

    def pass_time(self, *, hours: float = 0, ms: float = 0) -> None:
        self.now_ms += int(hours * days.HOUR_MS + ms)
        self.export_tasks.advance()

    def objects(self, prefix: str) -> dict[str, bytes]:
        return {key: body for key, (body, _) in self.buckets[BUCKET].items() if key.startswith(prefix)}

    # What export tasks see of it.

    def log_group(self, name: str) -> LogGroup | None:
        return self.groups.get(name)

    def events(self, log_group: str, from_ms: int, to_ms: int) -> Iterable[Event]:
        return [event for event in self.logged[log_group] if from_ms <= event.timestamp <= to_ms]

    def refusal(self, bucket: str, prefix: str, log_group: str) -> ApiError | None:
        if bucket not in self.buckets:
            return ApiError("InvalidParameterException", "The given bucket does not exist. Please make sure the bucket is valid.")
        return self.bucket_refusal

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self.buckets[bucket][key] = (body, "binary/octet-stream")


class FakeLogs:
    """The part of boto3's client for CloudWatch Logs that an exporter may use."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.meta = SimpleNamespace(region_name=REGION)

    def create_export_task(self, **parameters: Any) -> dict:
        request = {"from" if name == "fromTime" else name: value for name, value in parameters.items()}
        return self._call("CreateExportTask", request, self._create)

    def describe_export_tasks(self, **parameters: Any) -> dict:
        return self._call("DescribeExportTasks", parameters, self._account.export_tasks.describe)

    def describe_log_groups(self, **parameters: Any) -> dict:
        return self._call("DescribeLogGroups", parameters, self._describe_log_groups)

    def filter_log_events(self, **parameters: Any) -> dict:
        return self._call("FilterLogEvents", parameters, self._filter_log_events)

    def _filter_log_events(self, request: Mapping[str, Any]) -> dict:
        """As AWS does: streams mixed, by time and then as they came in; each second page is empty."""
        if request["logGroupName"] not in self._account.groups:
            raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
        found = list(self._account.events(request["logGroupName"], request["startTime"], request["endTime"]))
        found.sort(key=lambda event: (event.timestamp, event.ingested_ms))
        start, is_empty = map(int, request.get("nextToken", "0 1").split())
        end = start if is_empty else start + self._account.page
        shown = [
            {"logStreamName": event.stream, "timestamp": event.timestamp, "message": event.message} for event in found[start:end]
        ]
        more = {"nextToken": f"{end} {1 - is_empty}"} if end < len(found) else {}
        return {"events": shown, "searchedLogStreams": [], **more}

    def _create(self, request: Mapping[str, Any]) -> dict:
        answer = self._account.export_tasks.create(request)
        self._account.history[answer["taskId"]] = self._account.export_tasks.tasks[answer["taskId"]]
        return answer

    def _describe_log_groups(self, request: Mapping[str, Any]) -> dict:
        wanted = request.get("logGroupIdentifiers")
        prefix = request.get("logGroupNamePrefix", "")
        if wanted and not all(name in self._account.groups for name in wanted):
            raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
        names = sorted(name for name in self._account.groups if (name in wanted if wanted else name.startswith(prefix)))
        start, limit = int(request.get("nextToken", 0)), request.get("limit", 50)
        shown = []
        for name in names[start : start + limit]:
            group = self._account.groups[name]
            item = {"logGroupName": name, "creationTime": group.created_ms, "logGroupClass": group.log_class}
            shown.append(item | ({"retentionInDays": group.retention_days} if group.retention_days else {}))
        more = {"nextToken": str(start + limit)} if start + limit < len(names) else {}
        return {"logGroups": shown, **more}

    def _call(self, operation: str, parameters: Mapping[str, Any], effect: Callable[[Mapping[str, Any]], dict]) -> dict:
        check_parameters("logs", operation, parameters)
        return self._account.calls.through(operation, lambda: effect(parameters))


class FakeS3:
    """The part of boto3's client for S3 that an exporter may use."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def list_objects_v2(self, **parameters: Any) -> dict:
        return self._call("ListObjectsV2", parameters, self._list)

    def put_object(self, **parameters: Any) -> dict:
        return self._call("PutObject", parameters, self._put)

    def get_object(self, **parameters: Any) -> dict:
        return self._call("GetObject", parameters, self._get)

    def head_bucket(self, **parameters: Any) -> dict:
        return self._call("HeadBucket", parameters, self._head)

    def _list(self, request: Mapping[str, Any]) -> dict:
        after = request.get("ContinuationToken") or request.get("StartAfter", "")
        objects = self._bucket(request)
        keys = sorted(key for key in objects if key.startswith(request.get("Prefix", "")) and key > after)
        shown = keys[: min(request.get("MaxKeys", 1000), self._account.page)]
        more = {"NextContinuationToken": shown[-1]} if len(shown) < len(keys) else {}
        return {"Contents": [{"Key": key, "Size": len(objects[key][0])} for key in shown], "IsTruncated": bool(more), **more}

    def _put(self, request: Mapping[str, Any]) -> dict:
        objects = self._bucket(request)
        if request.get("IfNoneMatch") == "*" and request["Key"] in objects:
            raise ApiError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)
        objects[request["Key"]] = (request["Body"], request.get("ContentType", ""))
        return {}

    def _get(self, request: Mapping[str, Any]) -> dict:
        objects = self._bucket(request)
        if request["Key"] not in objects:
            raise ApiError("NoSuchKey", "The specified key does not exist.", 404)
        return {"Body": io.BytesIO(objects[request["Key"]][0])}

    def _head(self, request: Mapping[str, Any]) -> dict:
        if request["Bucket"] not in self._account.buckets:
            raise ApiError("404", "Not Found", 404)
        return {"BucketRegion": self._account.bucket_regions.get(request["Bucket"], REGION)}

    def _bucket(self, request: Mapping[str, Any]) -> dict[str, tuple[bytes, str]]:
        if request["Bucket"] not in self._account.buckets:
            raise ApiError("NoSuchBucket", "The specified bucket does not exist", 404)
        return self._account.buckets[request["Bucket"]]

    def _call(self, operation: str, parameters: Mapping[str, Any], effect: Callable[[Mapping[str, Any]], dict]) -> dict:
        check_parameters("s3", operation, parameters)
        return self._account.calls.through(operation, lambda: effect(parameters))


class Exporter:
    """An exporter of an account: settings, and runs of it on the account's time."""

    def __init__(self, account: Account, *log_groups: str, prefix: str = "", **rules: Any) -> None:
        first_day = rules.pop("first_day", days.day_of(NOON) - 3)
        self.account = account
        self.settings = ExportSettings(
            BUCKET, log_groups or tuple(account.groups), ExportRules(first_day=first_day, **rules), prefix
        )
        self.clock = Clock(lambda: account.now_ms, lambda ms: account.pass_time(ms=ms))
        self.said: list[str] = []

    def run(self, **options: Any) -> ExportOutcome:
        return reconcile(self.account.aws, self.settings, self.clock, say=self.said.append, **options)

    def run_for(self, *, hours: float, **options: Any) -> ExportOutcome:
        """A run that waits as long as there is something to do, for so many hours."""
        return self.run(until_ms=self.account.now_ms + hours * days.HOUR_MS, **options)

    def records(self) -> dict[str, bytes]:
        return self.account.objects(bucket.records_folder(self.settings.prefix))

    def world(self) -> AccountState:
        from private_analytics.exports.account import observe

        return observe(self.account.aws, self.settings, self.said.append)


def a_steady_day(log_groups: int, past_days: int) -> tuple[Account, Exporter]:
    """An account at noon, all exported but what is wanted from now on: a new day of each log group, and an old one again."""
    account = Account(course=Course(pending_ms=5_000, running_ms=60_000))
    for number in range(log_groups):
        account.add_group(f"/service-{number:02}/api", retention_days=90)
    today = days.day_of(NOON)
    exporter = Exporter(account, first_day=today - 1 - past_days)
    rules = exporter.settings.rules
    for number, name in enumerate(account.groups):
        for day in range(rules.first_day, today - 1):
            for wait in (0, *rules.trailing_days):
                started = days.start_ms(day + 1) + rules.settle_ms + wait * days.DAY_MS
                if started < NOON:
                    key = f"exports/{days.path(day)}/{number}-{day}-{wait}.{started}.{bucket.digest(name)}.json"
                    account.buckets[BUCKET][key] = (b"{}", "application/json")
    return account, exporter


def lines_of(objects: Mapping[str, bytes]) -> list[str]:
    """All lines in gzip objects."""
    return [line for body in objects.values() for line in gzip.decompress(body).decode().split("\n")[:-1]]
