"""The Lambda function with its role's permissions and no others, within the time that Lambda gives it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from helpers import REPOSITORY
from helpers.exporter_iam import ACCOUNT, guard, one_by_one
from helpers.moto_server import BUCKET, POLICY, REGION, TODAY, Server, objects
from local_aws.export_tasks import Course
from private_analytics import days
from private_analytics.errors import UserError
from private_analytics.exports import handler
from private_analytics.exports.clients import ExportClients
from private_analytics.exports.reconcile import Clock

GROUPS = ("/shop/api", "/shop/auth")
DAY = TODAY - 2
LIMIT_MS = 15 * 60_000
CALL_MS = 2_000  # each call takes so long
TASK = Course(pending_ms=10_000, running_ms=20 * 60_000)  # longer than an invocation


def exporter_policy() -> list[dict]:
    """The statements of the role's policy. To check another one, read it here."""
    text = (REPOSITORY / "tests" / "helpers" / "exporter_policy.json").read_text()
    for name, value in {"Region": REGION, "Account": ACCOUNT, "Bucket": BUCKET}.items():
        text = text.replace(f"${{{name}}}", value)
    return json.loads(text)["Statement"]


class TimedOut(BaseException):
    """Lambda ends the process."""


class Lambda:
    """Runs the handler on the server's time, which moves on when a call is made or when somebody waits."""

    def __init__(self, server: Server, statements: list[dict], monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.ends_ms = 0
        clock = Clock(server.tasks.now_ms, lambda ms: server.tasks.skip_ms(int(ms)))
        monkeypatch.setattr(handler, "Clock", lambda: clock)
        guarded = SimpleNamespace(client=lambda service, config: guard(server.client(service), statements, self.let_a_call_pass))
        monkeypatch.setattr(handler, "boto3", guarded)
        settings = {
            "ANALYTICS_BUCKET": BUCKET,
            "EXPORT_LOG_GROUPS": ",".join(GROUPS),
            "EXPORT_FIRST_DAY": days.as_date(DAY).isoformat(),
            "EXPORT_LATE_AFTER_HOURS": "100",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    def get_remaining_time_in_millis(self) -> int:
        return self.ends_ms - self.server.tasks.now_ms()

    def let_a_call_pass(self) -> None:
        self.server.tasks.skip_ms(CALL_MS)
        if self.get_remaining_time_in_millis() < 0:
            raise TimedOut

    def invoke(self) -> dict:
        self.ends_ms = self.server.tasks.now_ms() + LIMIT_MS
        answer = handler.handler({}, self)
        if self.get_remaining_time_in_millis() < 0:
            raise TimedOut
        self.server.tasks.skip_ms(self.get_remaining_time_in_millis())
        return answer


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def account(server: Server) -> Iterator[ExportClients]:
    """Two log groups with an event each; in the bucket the record of another exporter, for a day that is not asked for."""
    aws = ExportClients(server.client("logs"), server.client("s3"))
    aws.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(POLICY))
    theirs = {
        "export_task_id": "theirs",
        "log_group": "/other",
        "export_date": f"{days.as_date(DAY)}",
        "completed_at": days.moment(server.tasks.now_ms()),
        "objects": 1,
        "bytes": 1,
    }
    aws.s3.put_object(Bucket=BUCKET, Key=f"exports/{days.path(DAY)}/theirs.json", Body=json.dumps(theirs).encode())
    for group in GROUPS:
        aws.logs.create_log_group(logGroupName=group)
        server.tasks.make_older(group, days=30)
        aws.logs.create_log_stream(logGroupName=group, logStreamName="s")
        event = {"timestamp": days.start_ms(DAY) + 1, "message": group}
        aws.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])
    server.tasks.tasks.orders.extend([TASK] * 10)
    yield aws
    server.tasks.tasks.forget()
    server.tasks.tasks.orders.clear()
    server.tasks.skip_ms(2 * days.HOUR_MS)  # what is still under way ends
    server.tasks.tasks.advance()
    server.tasks.tasks.forget()
    for group in GROUPS:
        aws.logs.delete_log_group(logGroupName=group)
    for key in objects(aws):
        aws.s3.delete_object(Bucket=BUCKET, Key=key)
    aws.s3.delete_bucket(Bucket=BUCKET)


def export_all(function: Lambda) -> int:
    """Invoke until nothing is left to do; how often that was."""
    for number in range(1, 30):
        answer = function.invoke()
        if not answer["waiting"] and not answer["running"]:
            return number
    raise AssertionError("it does not come to an end")


def exported(aws: ExportClients) -> dict[str, str]:
    """The text of the published exports of the day, by log group."""
    found = objects(aws)
    records = [
        json.loads(body) for key, body in found.items() if key.startswith(f"exports/{days.path(DAY)}/") and "theirs" not in key
    ]
    return {
        content["log_group"]: "".join(
            gzip.decompress(body).decode() for key, body in found.items() if f"/{content['export_task_id']}/s/" in key
        )
        for content in records
    }


def test_with_its_roles_permissions_it_does_all_there_is_to_do_in_time(server: Server, account: ExportClients, monkeypatch):
    assert export_all(Lambda(server, exporter_policy(), monkeypatch)) > 2
    assert exported(account) == {group: f"{days.moment(days.start_ms(DAY) + 1)} {group}\n" for group in GROUPS}


PERMISSIONS = one_by_one(exporter_policy())


def name_of(permission: dict) -> str:
    return " ".join([permission["Action"], permission["Resource"], *map(str, permission.get("Condition", {}).values())])


@pytest.mark.parametrize("left_out", PERMISSIONS, ids=name_of)
def test_without_one_of_them_it_fails_and_says_which(server: Server, account: ExportClients, monkeypatch, left_out: dict):
    statements = [statement for statement in PERMISSIONS if statement is not left_out]
    with pytest.raises((UserError, handler.ExportsNeedAttention), match=left_out["Action"]):
        export_all(Lambda(server, statements, monkeypatch))


def test_a_deny_wins(server: Server, account: ExportClients, monkeypatch):
    deny = {"Effect": "Deny", "Action": "s3:Put*", "Resource": f"arn:aws:s3:::{BUCKET}/exports/*"}
    with pytest.raises(UserError, match="s3:PutObject"):
        export_all(Lambda(server, [*exporter_policy(), deny], monkeypatch))
