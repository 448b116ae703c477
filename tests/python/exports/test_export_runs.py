"""Runs against an account in memory: what is written, what is adopted, what is left for later, and what it costs in calls."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from botocore.exceptions import NoCredentialsError, ParamValidationError, ReadTimeoutError

from helpers import REPOSITORY
from helpers.export_account import BUCKET, NOON, REGION, Account, Exporter, a_steady_day, client_error, lines_of
from local_aws.export_tasks import ApiError, Course
from private_analytics import bucket, days
from private_analytics.days import DAY_MS, HOUR_MS
from private_analytics.errors import UserError
from private_analytics.exports import handler
from private_analytics.exports.plan import TaskState
from private_analytics.lake import folder

YESTERDAY = days.day_of(NOON) - 1  # settled at noon


@pytest.fixture
def account() -> Account:
    account = Account()
    account.add_group("/api")
    return account


@pytest.fixture
def exporter(account: Account) -> Exporter:
    """Of one log group and one day, so that one task is all there is to do."""
    return Exporter(account, first_day=YESTERDAY)


def log_at_the_edges(account: Account, log_group: str = "/api") -> None:
    start = days.start_ms(YESTERDAY)
    for timestamp, message in [(start - 1, "before"), (start, "first"), (start + DAY_MS - 1, "last"), (start + DAY_MS, "after")]:
        account.log(log_group, timestamp, message, stream="api/i-1")


def test_a_day_comes_out_whole_and_its_record_says_so(account: Account, exporter: Exporter):
    log_at_the_edges(account)
    account.pass_time(hours=1)
    exporter.run_for(hours=1)
    [(key, body)] = exporter.records().items()
    content = json.loads(body)
    task = account.history[content["export_task_id"]]
    objects = account.objects(f"logs/2026/10/09/{task.id}/")
    assert list(objects) == [f"logs/2026/10/09/{task.id}/api-i-1/000000.gz"]
    assert lines_of(objects) == ["2026-10-09T00:00:00.000Z first", "2026-10-09T23:59:59.999Z last"]
    assert key == f"exports/2026/10/09/{task.id}.{task.created_ms}.{bucket.digest('/api')}.json"
    assert content == {
        "export_task_id": task.id,
        "log_group": "/api",
        "export_date": "2026-10-09",
        "from_ms": days.start_ms(YESTERDAY),
        "to_ms": days.start_ms(YESTERDAY) + DAY_MS - 1,
        "started_at": days.moment(task.created_ms),
        "completed_at": days.moment(task.completed_ms),
        "objects": 1,
        "bytes": len(*objects.values()),
        "exporter_version": content["exporter_version"],
    }


def test_nothing_is_published_before_the_task_is_complete(account: Account, exporter: Exporter):
    log_at_the_edges(account)
    exporter.run()
    account.pass_time(ms=30_000)  # half of its objects are there
    assert account.objects("logs/2026/10/09/")
    exporter.run()
    assert not exporter.records()
    account.pass_time(hours=1)
    exporter.run()
    assert len(exporter.records()) == 1


def test_the_write_test_is_no_log_object_and_a_day_without_events_is_exported_too(account: Account, exporter: Exporter):
    exporter.run_for(hours=1)
    [body] = exporter.records().values()
    assert (json.loads(body)["objects"], json.loads(body)["bytes"]) == (0, 0)
    assert "logs/2026/10/09/aws-logs-write-test" in account.objects("")


def test_a_run_takes_over_what_a_run_that_broke_off_has_started(account: Account, exporter: Exporter):
    account.export_tasks.order(Course(running_ms=3 * HOUR_MS))
    exporter.run()
    account.pass_time(hours=4)
    Exporter(account, first_day=YESTERDAY).run()
    assert len(account.history) == 1
    assert len(exporter.records()) == 1


def test_a_task_that_only_looks_like_ours_is_not_published(account: Account, exporter: Exporter):
    request = {
        "logGroupName": "/api",
        "from": days.start_ms(YESTERDAY),
        "to": days.start_ms(YESTERDAY) + DAY_MS - 1,
        "destination": BUCKET,
        "destinationPrefix": "logs/2026/10/09",
        "logStreamNamePrefix": "one-of-many",
    }
    theirs = account.export_tasks.create(request)["taskId"]
    assert exporter.run().plan.busy
    exporter.run_for(hours=1)
    [key] = exporter.records()
    assert theirs not in key


def test_a_failed_task_costs_no_day(account: Account, exporter: Exporter):
    account.export_tasks.order(Course(ends_as="FAILED", message="internal error"))
    exporter.run_for(hours=0.2)
    assert not exporter.records()
    assert exporter.run().plan.retries[0].detail == "1 of 5 attempts FAILED: internal error"
    account.pass_time(hours=0.25)
    exporter.run_for(hours=0.2)
    assert len(exporter.records()) == 1


def test_what_failed_too_often_is_reported_and_tried_again_when_told_so(account: Account, exporter: Exporter):
    account.export_tasks.order(*[Course(ends_as="FAILED", message="no such key")] * 6)
    outcome = exporter.run(until_ms=float("inf"))
    assert len(account.history) == 5
    assert outcome.wrong(account.now_ms) == ["Days that failed too often to be retried: 1."]
    assert exporter.run(until_ms=float("inf"), retry_failed=True).plan.failed  # once more, not for ever
    assert len(account.history) == 6
    exporter.run(until_ms=float("inf"), retry_failed=True)
    assert len(exporter.records()) == 1


@pytest.mark.parametrize("code", ["LimitExceededException", "ThrottlingException", "ServiceUnavailableException"])
def test_busy_is_no_failure(account: Account, exporter: Exporter, code: str):
    stop(account, "CreateExportTask", client_error(code, "Resource limit exceeded."))
    outcome = exporter.run()
    assert outcome.later and not outcome.wrong(account.now_ms)
    exporter.run_for(hours=1)
    assert len(account.history) == len(exporter.records()) == 1


def test_a_call_that_timed_out_after_it_took_effect_starts_no_second_task(account: Account, exporter: Exporter):
    stop(account, "CreateExportTask", ReadTimeoutError(endpoint_url="https://logs"), side="after")
    exporter.run_for(hours=1)
    assert len(account.history) == len(exporter.records()) == 1


def test_a_record_is_written_once_only(account: Account, exporter: Exporter):
    stop(account, "PutObject", ReadTimeoutError(endpoint_url="https://s3"), side="after")
    exporter.run_for(hours=1)
    assert len(exporter.records()) == 1
    [(_, content_type)] = [value for key, value in account.buckets[BUCKET].items() if key.startswith("exports/")]
    assert content_type == "application/json"


def test_a_record_that_another_run_wrote_a_moment_ago_is_left_as_it_is(account: Account, exporter: Exporter):
    exporter.run()
    account.pass_time(hours=1)
    [task] = account.history.values()
    key = f"exports/2026/10/09/{task.id}.{task.created_ms}.{bucket.digest('/api')}.json"

    def another_writes(operation: str, side: str) -> None:
        if operation == "PutObject":
            account.buckets[BUCKET].setdefault(key, (b"theirs", "application/json"))

    account.calls.boundary = another_writes
    assert not exporter.run().published
    assert exporter.records() == {key: b"theirs"}


def test_the_write_test_would_not_count_in_a_task_folder_either():
    assert not bucket.is_log_object("logs/2026/10/09/task/aws-logs-write-test")
    assert bucket.is_log_object("logs/2026/10/09/task/stream/000000.gz")


def test_forgotten_without_record_is_exported_again(account: Account, exporter: Exporter):
    exporter.run()
    account.pass_time(hours=1)
    account.export_tasks.forget()
    exporter.run_for(hours=1)
    assert len(account.history) == 2
    assert len(exporter.records()) == 1


def test_a_record_by_another_exporter_counts_and_a_broken_one_does_not(account: Account, exporter: Exporter):
    key = "exports/2026/10/09/theirs.json"
    content = {"export_task_id": "theirs", "log_group": "/api", "export_date": "2026-10-09", "objects": 1, "bytes": 20}
    content |= {"started_at": "2026-10-10T12:00:00.000Z", "completed_at": "2026-10-10T12:05:00.000Z", "more": [1]}
    account.buckets[BUCKET][key] = (json.dumps(content).encode(), "")
    assert not exporter.run().plan.queue and not account.history
    del content["log_group"]
    for broken, why in (("{", "Expecting"), (json.dumps(content), "it lacks log_group"), ("[]", "it is not a JSON object")):
        account.buckets[BUCKET][key] = (broken.encode(), "")
        exporter.said.clear()
        exporter.run()
        assert exporter.said[0].startswith(f"{key} is not an export record ({why}")
    assert len(account.history) == 1


def test_what_another_run_publishes_while_this_one_looks_is_not_exported_again(account: Account, exporter: Exporter):
    """Not even where AWS forgets the task in the same moment."""
    exporter.run()
    account.pass_time(hours=1)

    def meanwhile(operation: str, side: str) -> None:
        if operation in ("DescribeExportTasks", "ListObjectsV2") and side == "after":
            account.calls.boundary = lambda operation, side: None
            Exporter(account, first_day=YESTERDAY).run()
            account.export_tasks.forget()

    account.calls.boundary = meanwhile
    exporter.run_for(hours=1)
    assert len(account.history) == len(exporter.records()) == 1


def test_an_export_that_began_before_the_trailing_day_is_followed_by_another_in_the_same_run(account: Account):
    exporter = Exporter(account, first_day=YESTERDAY, trailing_days=(1,))
    account.export_tasks.order(Course(running_ms=10 * 60_000))
    account.pass_time(hours=24, ms=-60_000)
    exporter.run_for(hours=0.5)
    tasks = [task for task in account.history.values() if task.request["from"] == days.start_ms(YESTERDAY)]
    assert len(tasks) == 2


def test_late_events_are_in_the_export_that_comes_after_the_trailing_days(account: Account, exporter: Exporter):
    log_at_the_edges(account)
    exporter.run_for(hours=1)
    account.pass_time(hours=70)
    account.log("/api", days.start_ms(YESTERDAY) + 5, "late")
    account.pass_time(hours=2)
    exporter.run_for(hours=1)
    ids = [json.loads(body)["export_task_id"] for key, body in exporter.records().items() if "2026/10/09" in key]
    assert len(ids) == 2
    assert [lines_of(account.objects(f"logs/2026/10/09/{id_}/")).count("2026-10-09T00:00:00.005Z late") for id_ in ids] in (
        [0, 1],
        [1, 0],
    )


# Log groups that cannot be exported do not stop the others.


def test_a_wrong_log_group_stops_no_other(account: Account):
    account.add_group("/rare", log_class="INFREQUENT_ACCESS")
    exporter = Exporter(account, "/missing", "/rare", "/api", first_day=YESTERDAY)
    outcome = exporter.run_for(hours=1)
    assert len(exporter.records()) == 1
    assert outcome.problems["/missing"].startswith(f"There is no log group /missing in {REGION}. Check EXPORT_LOG_GROUPS")
    assert "has the log class INFREQUENT_ACCESS, which CloudWatch does not export" in outcome.problems["/rare"]
    assert len(outcome.wrong(account.now_ms)) == 2


def test_a_log_group_that_vanished_a_moment_ago_stops_no_other(account: Account):
    account.add_group("/aaa")
    exporter = Exporter(account, first_day=YESTERDAY)
    stop(account, "CreateExportTask", client_error("ResourceNotFoundException", "The specified log group does not exist."))
    outcome = exporter.run_for(hours=1)
    assert len(outcome.problems) == 1
    assert len(exporter.records()) == 1


def test_an_sdk_that_is_older_than_log_group_identifiers_will_do(account: Account, exporter: Exporter):
    account.add_group("/api/2")
    described = account.aws.logs.describe_log_groups

    def old(**parameters):
        if "logGroupIdentifiers" in parameters:
            raise ParamValidationError(report="Unknown parameter in input: logGroupIdentifiers")
        return described(**parameters)

    account.aws.logs.describe_log_groups = old
    exporter.run_for(hours=1)
    assert len(exporter.records()) == 1


# What a person must put right.

DENIED_ACL = (
    "GetBucketAcl call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to perform this"
    " operation."
)


@pytest.mark.parametrize(
    ("operation", "error", "says"),
    [
        ("CreateExportTask", client_error("InvalidParameterException", DENIED_ACL), "stack deploy sets this policy"),
        ("CreateExportTask", client_error("AccessDeniedException", DENIED_ACL), "stack deploy sets this policy"),
        (
            "CreateExportTask",
            client_error(
                "InvalidParameterException",
                "Please ensure that the CreateExportTask caller has been granted s3:PutObject access to the bucket.",
            ),
            "Your own role needs s3:PutObject",
        ),
        (
            "CreateExportTask",
            client_error("AccessDeniedException", "not authorized to perform: logs:CreateExportTask"),
            "add the permission to your role",
        ),
        (
            "CreateExportTask",
            client_error("InvalidParameterException", "Access denied by KMS on the bucket"),
            "kms:GenerateDataKey and kms:Decrypt for logs.eu-central-1.amazonaws.com",
        ),
        ("ListObjectsV2", client_error("NoSuchBucket", "The specified bucket does not exist"), "Check ANALYTICS_BUCKET"),
        ("ListObjectsV2", client_error("PermanentRedirect", "", 301), "in another region"),
        ("ListObjectsV2", client_error("AccessDenied", "Access Denied", 403), "docs/infrastructure.md"),
        ("DescribeExportTasks", client_error("ExpiredTokenException", "The security token is expired"), "aws sso login"),
        ("DescribeExportTasks", NoCredentialsError(), "aws sso login"),
        (
            "PutObject",
            client_error("AccessDenied", "not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:x", 403),
            "The bucket is encrypted with a KMS key",
        ),
    ],
)
def test_an_error_says_what_is_wrong_and_what_to_do(account: Account, exporter: Exporter, operation: str, error, says: str):
    stop(account, operation, error)
    with pytest.raises(UserError, match=says):
        exporter.run_for(hours=1)


def test_a_bucket_elsewhere_or_nowhere_is_told_from_one_that_cannot_be_written(account: Account, exporter: Exporter):
    account.bucket_refusal = ApiError("InvalidParameterException", "The given bucket cannot be used")
    account.bucket_regions[BUCKET] = "us-east-1"
    with pytest.raises(UserError, match=f"is in us-east-1 and the log groups are in {REGION}"):
        exporter.run()
    stop(account, "HeadBucket", client_error("404", "Not Found", 404))
    with pytest.raises(UserError, match="does not exist"):
        exporter.run()


def test_a_bucket_elsewhere_is_known_even_to_those_who_may_not_look_at_it(account: Account, exporter: Exporter):
    account.bucket_refusal = ApiError("InvalidParameterException", "The given bucket cannot be used")
    denied = client_error("403", "Forbidden", 403, "HeadBucket")
    denied.response["ResponseMetadata"]["HTTPHeaders"] = {"x-amz-bucket-region": "us-east-1"}
    stop(account, "HeadBucket", denied)
    with pytest.raises(UserError, match=f"is in us-east-1 and the log groups are in {REGION}"):
        exporter.run()


def test_out_of_reach_is_waited_out_and_said(account: Account, exporter: Exporter):
    stop(account, "DescribeExportTasks", ReadTimeoutError(endpoint_url="https://logs"))
    outcome = exporter.run()
    assert outcome.unreachable and outcome.wrong(account.now_ms)
    assert not exporter.run_for(hours=1).unreachable
    assert len(exporter.records()) == 1


# The Lambda function.


class Context:
    """An invocation with so much time, on the account's clock."""

    def __init__(self, account: Account, minutes: int = 15) -> None:
        self._account = account
        self._ends = account.now_ms + minutes * 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self._ends - self._account.now_ms


@pytest.fixture
def deployed(account: Account, exporter: Exporter, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(handler.boto3, "client", lambda service, config: getattr(account.aws, service))
    monkeypatch.setattr(handler, "Clock", lambda: exporter.clock)
    for name, value in {
        "ANALYTICS_BUCKET": BUCKET,
        "EXPORT_LOG_GROUPS": "/api",
        "EXPORT_FIRST_DAY": "2026-10-09",
        "EXPORT_LATE_AFTER_HOURS": "36",
    }.items():
        monkeypatch.setenv(name, value)
    return account


def test_the_lambda_function_never_outlives_its_time_and_the_next_one_goes_on(deployed: Account, exporter: Exporter):
    deployed.export_tasks.order(Course(running_ms=40 * 60_000))
    for _ in range(4):
        began = deployed.now_ms
        handler.handler({}, Context(deployed))
        assert deployed.now_ms <= began + 15 * 60_000 - handler.SPARE_MS
        deployed.now_ms = began + 15 * 60_000
    assert len(deployed.history) == len(exporter.records()) == 1
    assert handler.handler({}, Context(deployed))["waiting"] == 0


def test_the_lambda_function_is_done_in_time_where_aws_is_slow(deployed: Account, exporter: Exporter):
    deployed.export_tasks.order(Course(running_ms=40 * 60_000))

    def slow(operation: str, side: str) -> None:
        deployed.now_ms += 2_500

    for _ in range(4):
        ends = deployed.now_ms + 15 * 60_000
        deployed.calls.boundary = slow
        handler.handler({}, Context(deployed))
        assert deployed.now_ms <= ends
        deployed.now_ms = ends
    assert len(deployed.history) == len(exporter.records()) == 1


def test_the_lambda_function_fails_where_a_person_should_look(deployed: Account):
    deployed.export_tasks.order(Course(running_ms=50 * HOUR_MS))
    handler.handler({}, Context(deployed))
    deployed.now_ms += 49 * HOUR_MS
    with pytest.raises(handler.ExportsNeedAttention, match="Days that are late: 2"):
        handler.handler({}, Context(deployed))


def test_the_lambda_function_needs_nothing_but_boto3():
    wanted = "import sys, private_analytics.exports.handler; print(*sys.modules)"
    scripts = REPOSITORY / "scripts"
    loaded = subprocess.run(
        [sys.executable, "-c", wanted], cwd=scripts, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"click", "yaml", "duckdb", "dbt", "moto"} & set(loaded)


# What it costs.


def test_a_steady_day_takes_fewer_than_ten_calls_a_log_group():
    """A day in the life of 20 log groups with a year of exports: one new day and one day again, for each."""
    account, exporter = a_steady_day(log_groups=20, past_days=365)
    outcome = exporter.run_for(hours=12)
    assert len(outcome.published) == 40 and not outcome.plan.queue
    calls = sum(account.calls.made.values())
    assert calls / len(account.groups) < 10, account.calls.made
    account.calls.made.clear()
    exporter.run()
    assert sum(account.calls.made.values()) < 20, account.calls.made  # nothing to do: nearly all is the list of 14,600 records


def stop(account: Account, operation: str, error: Exception, *, side: str = "before") -> None:
    """Let the next call of an operation fail."""

    def boundary(called: str, at: str) -> None:
        if (called, at) == (operation, side):
            account.calls.boundary = lambda operation, side: None
            raise error

    account.calls.boundary = boundary


def test_a_synced_bucket_is_a_lake(account: Account, exporter: Exporter, tmp_path: Path):
    log_at_the_edges(account)
    exporter.run_for(hours=1)
    for key, body in account.objects("").items():
        path = tmp_path / "bucket" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    found = folder.open_lake(tmp_path / "bucket", tmp_path / "view")
    assert (found.root, found.notes, found.damaged) == (tmp_path / "bucket", (), ())
    [export] = found.exports
    assert len(export.files) == export.record.objects == 1


def test_days_are_counted_in_utc():
    assert days.as_date(days.day_of(NOON)) == date(2026, 10, 10)
    assert TaskState("PENDING_CANCEL") is TaskState.PENDING_CANCEL
