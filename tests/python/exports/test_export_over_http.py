"""From PutLogEvents to the record through real boto3 clients: moto, with the export tasks of local_aws in front of it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from datetime import date

import pytest
from botocore.exceptions import ClientError

from helpers.moto_server import BUCKET, POLICY, REGION, TODAY, Server, clock, objects
from local_aws.export_tasks import ApiError, Course
from private_analytics import bucket, days
from private_analytics.errors import UserError
from private_analytics.exports.clients import ExportClients
from private_analytics.exports.plan import ExportRules
from private_analytics.exports.reconcile import reconcile
from private_analytics.exports.settings import ExportSettings

GROUP = "/shop/api"
DAY = TODAY - 2


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def aws(server: Server) -> Iterator[ExportClients]:
    """An account with a bucket that may be written to and a log group that was made a month ago."""
    aws = ExportClients(server.client("logs"), server.client("s3"))
    aws.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
    aws.logs.create_log_group(logGroupName=GROUP)
    server.tasks.make_older(GROUP, days=30)
    yield aws
    aws.logs.delete_log_group(logGroupName=GROUP)
    server.tasks.tasks.forget()
    server.tasks.tasks.orders.clear()
    for item in aws.s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        aws.s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    aws.s3.delete_bucket(Bucket=BUCKET)


def export(aws: ExportClients, *, wait: bool = True, bucket: str = BUCKET, log_group: str = GROUP) -> list[str]:
    said: list[str] = []
    settings = ExportSettings(bucket, (log_group,), ExportRules(first_day=DAY), "team")
    outcome = reconcile(aws, settings, clock(), until_ms=float("inf") if wait else None, say=said.append)
    return [*said, *outcome.problems.values()]


def test_events_arrive_in_the_bucket_just_as_they_were_logged(aws: ExportClients):
    messages = ['{"a": 1}', "two\nlines", 'tab\tnul\0 quote" \u2028 é 🙂', "x" * 1000]
    start = days.start_ms(DAY)
    for stream in ("api/prod/i-1", "worker"):
        aws.logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        events = [{"timestamp": start - 1, "message": "the day before"}]
        aws.logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)
        events = [{"timestamp": start + number, "message": message} for number, message in enumerate(messages)]
        aws.logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)
    export(aws)
    found = objects(aws)
    folder = f"team/logs/{days.path(DAY)}"
    assert f"{folder}/aws-logs-write-test" in found
    published = {key: json.loads(body) for key, body in found.items() if key.startswith(f"team/exports/{days.path(DAY)}/")}
    [content] = published.values()
    task = content["export_task_id"]
    texts = {key: gzip.decompress(found[key]).decode() for key in found if f"/{task}/" in key and "/logs/" in key}
    stamp = date.fromordinal(days.EPOCH + DAY)
    expected = "".join(f"{stamp}T00:00:00.{number:03}Z {message}\n" for number, message in enumerate(messages))
    assert texts == {f"{folder}/{task}/{stream}/000000.gz": expected for stream in ("api-prod-i-1", "worker")}
    assert (content["objects"], content["bytes"]) == (2, sum(len(found[key]) for key in texts))
    [key] = published
    assert aws.s3.head_object(Bucket=BUCKET, Key=key)["ContentType"] == "application/json"
    assert bucket.RECORD_NAME.fullmatch(key.removeprefix("team/exports/"))
    assert export(aws) == []  # nothing is left to do


def test_two_exporters_over_http_do_no_harm(aws: ExportClients):
    threads = [threading.Thread(target=export, args=(aws,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = [json.loads(body) for key, body in objects(aws).items() if "/exports/" in key]
    assert {content["export_date"] for content in records} >= {days.as_date(DAY).isoformat()}
    assert len({content["export_task_id"] for content in records}) == len(records)


def test_a_second_task_is_refused_while_one_is_active(server: Server, aws: ExportClients):
    server.tasks.tasks.order(Course(ends_as=None))
    export(aws, wait=False)
    request = {"logGroupName": GROUP, "fromTime": 0, "to": days.start_ms(TODAY), "destination": BUCKET}
    with pytest.raises(aws.logs.exceptions.LimitExceededException):
        aws.logs.create_export_task(**request)
    [task] = (
        aws.logs.describe_export_tasks(statusCode="RUNNING")["exportTasks"]
        or aws.logs.describe_export_tasks(statusCode="PENDING")["exportTasks"]
    )
    aws.logs.cancel_export_task(taskId=task["taskId"])
    server.tasks.skip_ms(2_000)
    [task] = aws.logs.describe_export_tasks(taskId=task["taskId"])["exportTasks"]
    assert task["status"]["code"] == "CANCELLED"


@pytest.mark.parametrize(
    "statement",
    [
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:logs:us-east-1:*"}}},
        {"Principal": {"Service": "logs.us-east-1.amazonaws.com"}},
        {"Resource": "arn:aws:s3:::another/*"},
        {"Effect": "Deny"},
    ],
    ids=["account", "source", "region", "resource", "deny"],
)
def test_a_bucket_policy_that_does_not_let_cloudwatch_write(aws: ExportClients, statement: dict):
    policy = {"Statement": [{**allowed, **statement} for allowed in POLICY["Statement"]]}
    aws.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    with pytest.raises(UserError, match="The bucket policy must allow logs"):
        export(aws)


def test_a_bucket_that_is_not_there(aws: ExportClients):
    with pytest.raises(UserError, match="Check ANALYTICS_BUCKET, or create the bucket"):
        export(aws, bucket="nobody-has-this")


def test_a_bucket_in_another_region(server: Server, aws: ExportClients):
    there = server.client("s3", region="us-west-2")
    there.create_bucket(Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    with pytest.raises(UserError, match=f"The bucket elsewhere is in us-west-2 and the log groups are in {REGION}"):
        export(aws, bucket="elsewhere")
    there.delete_bucket(Bucket="elsewhere")


def test_a_log_group_that_is_not_there(aws: ExportClients):
    assert f"There is no log group /shop/app in {REGION}" in export(aws, log_group="/shop/app")[0]


def test_faults_to_order(server: Server, aws: ExportClients):
    server.tasks.faults.order("CreateExportTask", ApiError("InternalFailure", "try again", 500), took_effect=True)
    with pytest.raises(ClientError, match="try again"):
        server.client("logs", retries={"total_max_attempts": 1}).create_export_task(
            logGroupName=GROUP, fromTime=0, to=days.start_ms(TODAY), destination=BUCKET
        )
    assert len(aws.logs.describe_export_tasks()["exportTasks"]) == 1
