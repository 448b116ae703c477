"""The stack is deployed, changed, drifted and destroyed on an emulator, and its commands broken off at every call."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from helpers.alarm_world import EVERY_ALARM
from helpers.emulator import ONLY_LINTED
from helpers.stack_account import Account, deploy, make_settings, resources
from private_analytics.cli import cli
from private_analytics.errors import UserError
from private_analytics.stack import artifacts, deploying, planning, states, target, template

EVERYTHING = {
    "SecondLogGroup": "/shop/worker",
    "ThirdLogGroup": "/shop/auth",
    "GitHubRepository": "shop/analytics",
    "GitHubProvider": "new",
    "QuickSight": "on",
    "QuickSightUserArn": "arn:aws:quicksight:eu-central-1:111122223333:user/default/me",
    "OtherReaders": "arn:aws:iam::111122223333:role/auditor",
    "KmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    **EVERY_ALARM,
}
DATA = {"ExportBucket", "ImageBucket", "ApiLogs", "AnalyticsDatabase", "LakeDatabase", "DatabaseSecret", "BucketSecret"}


def run(account: Account, folder: Path, *arguments: str, stack: str = "shop", monkeypatch: Any, typed: str = "") -> Any:
    """A command as a user types it."""
    for name, value in account.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers credentials
    monkeypatch.setattr(target.time, "sleep", lambda seconds: None)
    return CliRunner().invoke(cli, ["stack", *arguments, "--settings", str(folder / f"{stack}.yaml")], input=typed)


def objects(account: Account, bucket: str) -> list[str]:
    return [item["Key"] for item in account.client("s3").list_objects_v2(Bucket=bucket).get("Contents", ())]


def waiting_change_sets(account: Account) -> list[str]:
    found = account.client("cloudformation").list_change_sets(StackName="shop")["Summaries"]
    return [item["ChangeSetName"] for item in found if not item["ExecutionStatus"].startswith("EXECUTE")]


def put_a_log(account: Account) -> str:
    bucket = f"shop-exports-{account.number}-eu-central-1"
    account.client("s3").put_object(Bucket=bucket, Key="logs/2026/10/01/task/stream/000000.gz", Body=b"line")
    return bucket


def test_everything_is_deployed_and_a_second_deploy_changes_nothing(account: Account, tmp_path: Path):
    wanted = make_settings(tmp_path, **EVERYTHING)
    aws = account.aws()
    deploy(aws, wanted)
    declared = template.merge(template.read_parts())["Resources"]
    assert set(resources(account)) == set(declared)
    assert {item["ResourceType"] for item in resources(account).values()} >= set(ONLY_LINTED)
    again = deploy(aws, wanted)
    assert (again.change_set, again.has_changes) == (None, False)
    assert not waiting_change_sets(account)


def test_by_default_there_is_no_quicksight_no_github_and_no_second_log_group(account: Account, tmp_path: Path):
    deploy(account.aws(), make_settings(tmp_path))
    names = set(resources(account))
    assert not {name for name in names if "QuickSight" in name or "GitHub" in name} | (names & {"DbtRole", "SecondLogs"})
    assert names >= DATA | {"Exporter", "TransformProject", "ImageDistribution"}


def test_what_was_declared_is_there(account: Account, tmp_path: Path):
    deploy(account.aws(), make_settings(tmp_path))
    s3, bucket = account.client("s3"), f"shop-exports-{account.number}-eu-central-1"
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    (readers,) = [s["Condition"]["ArnNotLike"]["aws:PrincipalArn"] for s in policy["Statement"] if s["Sid"] == "OnlyNamedReaders"]
    assert len(readers) == 4
    assert all(reader.startswith("arn:aws:iam::") for reader in readers)
    workgroup = account.client("athena").get_work_group(WorkGroup="shop")["WorkGroup"]["Configuration"]
    assert int(workgroup["BytesScannedCutoffPerQuery"]) == 100_000_000_000
    assert workgroup["ResultConfiguration"]["OutputLocation"] == f"s3://{bucket}/athena-results/transform/"
    function = account.client("lambda").get_function_configuration(FunctionName="shop-exporter")
    variables = function["Environment"]["Variables"]
    assert variables["EXPORT_LOG_GROUPS"] == "/private-analytics/api"
    assert not [name for name in variables if "PASSWORD" in name or "SECRET" in name]
    (group,) = account.client("logs").describe_log_groups(logGroupNamePrefix="/private-analytics/api")["logGroups"]
    assert group["retentionInDays"] == 60
    schedules = account.client("scheduler").list_schedules()["Schedules"]
    assert {schedule["Name"] for schedule in schedules} == {"shop-export", "shop-transform"}


def test_the_exporter_that_was_deployed_runs_there(account: Account, tmp_path: Path):
    """MiniStack runs the function from its zip: it imports, reads its settings, and gets as far as the first call that MiniStack
    does not know."""
    deploy(account.aws(), make_settings(tmp_path))
    answer = account.client("lambda").invoke(FunctionName="shop-exporter")
    assert "Unknown action: DescribeExportTasks" in answer["Payload"].read().decode()


def test_the_password_is_made_up_and_shown_nowhere(account: Account, tmp_path: Path, monkeypatch):
    make_settings(tmp_path)
    result = run(account, tmp_path, "deploy", "--yes", monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    (name,) = [item["PhysicalResourceId"] for key, item in resources(account).items() if key == "DatabaseSecret"]
    secret = json.loads(account.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
    assert secret["username"] == "api"
    assert len(secret["password"]) == 40
    body = account.client("cloudformation").get_template(StackName="shop")["TemplateBody"]
    shown = result.output + json.dumps(body) + run(account, tmp_path, "plan", monkeypatch=monkeypatch).output
    assert secret["password"] not in shown
    artifacts_bucket = f"shop-artifacts-{account.number}-eu-central-1"
    for key in objects(account, artifacts_bucket):
        assert secret["password"].encode() not in account.client("s3").get_object(Bucket=artifacts_bucket, Key=key)["Body"].read()


def test_the_artifacts_bucket_is_private_encrypted_versioned_and_over_tls_only(account: Account, tmp_path: Path):
    deploy(account.aws(), make_settings(tmp_path))
    s3, bucket = account.client("s3"), f"shop-artifacts-{account.number}-eu-central-1"
    assert set(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_plan_of_a_new_stack_lists_what_comes_and_makes_nothing(account: Account, tmp_path: Path, monkeypatch):
    make_settings(tmp_path)
    result = run(account, tmp_path, "plan", monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert "add      ExportBucket (AWS::S3::Bucket)" in result.output
    assert "QuickSight" not in result.output
    assert account.client("s3").list_buckets()["Buckets"] == []
    assert account.client("cloudformation").list_stacks()["StackSummaries"] == []
    deploy(account.aws(), make_settings(tmp_path))
    planned = {line.split()[1] for line in result.output.splitlines() if line.startswith("  add")}
    assert planned == set(resources(account))


def test_plan_of_an_update_shows_changes_and_leaves_no_change_set(account: Account, tmp_path: Path, monkeypatch):
    parts = template.read_parts()
    extra = {
        "Gone": {"Type": "AWS::SQS::Queue"},
        "Left": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": f"left-{account.number}"}},
    }
    monkeypatch.setattr(template, "read_parts", lambda **_: parts | {"extra.yaml": {"Resources": extra}})
    deploy(account.aws(), make_settings(tmp_path))
    extra.clear()
    make_settings(tmp_path, LogRetentionDays="90")
    result = run(account, tmp_path, "plan", monkeypatch=monkeypatch)
    assert re.search(r"change.* ApiLogs \(AWS::Logs::LogGroup\).*: RetentionInDays", result.output)
    assert re.search(r"DELETE +Gone \(AWS::SQS::Queue\)", result.output)
    assert re.search(r"retain +Left \(AWS::S3::Bucket\).*is kept", result.output)
    assert waiting_change_sets(account) == []
    (group,) = account.client("logs").describe_log_groups(logGroupNamePrefix="/private-analytics/api")["logGroups"]
    assert group["retentionInDays"] == 60


def test_an_update_is_made(account: Account, tmp_path: Path):
    deploy(account.aws(), make_settings(tmp_path))
    deploy(account.aws(), make_settings(tmp_path, LogRetentionDays="90", Transform="off"))
    (group,) = account.client("logs").describe_log_groups(logGroupNamePrefix="/private-analytics/api")["logGroups"]
    assert group["retentionInDays"] == 90
    assert "TransformProject" not in resources(account)


def test_deploy_asks_and_no_means_no(account: Account, tmp_path: Path, monkeypatch):
    make_settings(tmp_path)
    result = run(account, tmp_path, "deploy", monkeypatch=monkeypatch, typed="n\n")
    assert result.exit_code == 1
    assert "Nothing was changed" in result.output
    assert f"shop-exports-{account.number}-eu-central-1" not in str(account.client("s3").list_buckets())
    assert run(account, tmp_path, "deploy", monkeypatch=monkeypatch, typed="y\n").exit_code == 0


def test_plan_says_what_was_changed_by_hand(account: Account, tmp_path: Path, monkeypatch):
    deploy(account.aws(), make_settings(tmp_path))
    account.client("s3").put_bucket_versioning(
        Bucket=f"shop-exports-{account.number}-eu-central-1", VersioningConfiguration={"Status": "Suspended"}
    )
    result = run(account, tmp_path, "plan", monkeypatch=monkeypatch)
    assert result.exit_code == 0
    assert "Changed outside the stack" in result.output
    assert "/VersioningConfiguration/Status: should be Enabled, is Suspended" in result.output
    assert "--revert-drift" in result.output


def test_plan_says_what_was_deleted_by_hand(account: Account, tmp_path: Path, monkeypatch):
    deploy(account.aws(), make_settings(tmp_path))
    account.client("lambda").delete_function(FunctionName="shop-exporter")
    result = run(account, tmp_path, "plan", monkeypatch=monkeypatch)
    assert "Exporter (AWS::Lambda::Function) shop-exporter was DELETED outside the stack" in result.output


def test_reverting_drift_asks_for_it_in_the_change_set(account: Account, tmp_path: Path):
    """MiniStack does not carry it out, so what is checked is the call."""
    wanted = make_settings(tmp_path)
    deploy(account.aws(), wanted)
    asked = []
    client = account.client("cloudformation")
    client.meta.events.register("before-parameter-build.cloudformation.CreateChangeSet", lambda params, **_: asked.append(params))
    deploy(account.aws(), wanted, revert_drift=True)
    assert asked[0]["DeploymentMode"] == "REVERT_DRIFT"
    assert "ImportExistingResources" not in asked[0]


def test_destroy_keeps_the_data_and_the_next_deploy_takes_it_over(account: Account, tmp_path: Path, monkeypatch):
    wanted = make_settings(tmp_path)
    deploy(account.aws(), wanted)
    bucket = put_a_log(account)
    result = run(account, tmp_path, "destroy", "--yes", monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert "Kept" in result.output
    assert objects(account, bucket) == ["logs/2026/10/01/task/stream/000000.gz"]
    assert account.client("logs").describe_log_groups(logGroupNamePrefix="/private-analytics/api")["logGroups"]
    assert f"shop-artifacts-{account.number}" not in str(account.client("s3").list_buckets())
    assert account.client("secretsmanager").list_secrets()["SecretList"]
    deploy(account.aws(), wanted)
    assert objects(account, bucket) == ["logs/2026/10/01/task/stream/000000.gz"]
    assert resources(account)["ExportBucket"]["PhysicalResourceId"] == bucket


def test_destroy_asks_and_no_means_no(account: Account, tmp_path: Path, monkeypatch):
    deploy(account.aws(), make_settings(tmp_path))
    result = run(account, tmp_path, "destroy", monkeypatch=monkeypatch, typed="n\n")
    assert (result.exit_code, planning.status(account.aws(), "shop")) == (1, "CREATE_COMPLETE")


@pytest.mark.parametrize("typed", ["", "yes", "shop", "shop-exports-999999999999-eu-central-1"])
def test_logs_are_deleted_only_for_the_buckets_name(account: Account, tmp_path: Path, monkeypatch, typed: str):
    deploy(account.aws(), make_settings(tmp_path))
    bucket = put_a_log(account)
    result = run(account, tmp_path, "destroy", "--yes", "--delete-logs", monkeypatch=monkeypatch, typed=f"{typed}\n")
    assert result.exit_code == 1
    assert "Nothing was deleted" in result.output
    assert objects(account, bucket)
    assert planning.status(account.aws(), "shop") == "CREATE_COMPLETE"


def test_logs_are_deleted_where_told_in_words(account: Account, tmp_path: Path, monkeypatch):
    deploy(account.aws(), make_settings(tmp_path))
    bucket = put_a_log(account)
    put_a_log(account)  # a second version
    result = run(account, tmp_path, "destroy", "--yes", "--delete-logs", "--confirm", bucket, monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert bucket not in str(account.client("s3").list_buckets())
    assert not account.client("logs").describe_log_groups(logGroupNamePrefix="/private-analytics/api")["logGroups"]


def test_the_buckets_name_is_rotated_and_the_old_bucket_stays(account: Account, tmp_path: Path, monkeypatch):
    deploy(account.aws(), make_settings(tmp_path))
    old = put_a_log(account)
    make_settings(tmp_path, BucketSuffix="-b", FormerBucket=old)
    plan = run(account, tmp_path, "plan", monkeypatch=monkeypatch)
    assert re.search(r"REPLACE +ExportBucket .*the old resource is kept", plan.output)
    result = run(account, tmp_path, "deploy", "--yes", monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    new = f"{old}-b"
    secret = resources(account)["BucketSecret"]["PhysicalResourceId"]
    assert json.loads(account.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]) == {"bucket": new}
    variables = account.client("lambda").get_function_configuration(FunctionName="shop-exporter")["Environment"]["Variables"]
    assert variables["ANALYTICS_BUCKET"] == new
    assert objects(account, old) == ["logs/2026/10/01/task/stream/000000.gz"]
    for bucket in (old, new):
        policy = json.loads(account.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
        assert {statement["Sid"] for statement in policy["Statement"]} >= {"OnlyTls", "OnlyNamedReaders"}


def test_two_stacks_in_one_account_do_not_collide(account: Account, tmp_path: Path):
    deploy(account.aws(), make_settings(tmp_path, ApiLogGroup="/shop/api"))
    deploy(account.aws(), make_settings(tmp_path, "store", ApiLogGroup="/store/api"))
    named = [
        {item["PhysicalResourceId"] for key, item in resources(account, stack).items() if item["ResourceType"] not in ONLY_LINTED}
        for stack in ("shop", "store")
    ]
    assert not named[0] & named[1]
    artifacts.delete_bucket(account.client("s3"), f"store-artifacts-{account.number}-eu-central-1")
    assert deploy(account.aws(), make_settings(tmp_path, ApiLogGroup="/shop/api")).change_set is None


def test_a_first_deploy_that_failed_says_why_and_what_to_do(account: Account, tmp_path: Path, monkeypatch):
    parts = template.read_parts()
    # CloudFormation makes no SecureString.
    refused = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/x", "Type": "SecureString", "Value": "x"}}
    extra = {"more.yaml": {"Resources": {"Refused": {**refused, "DependsOn": ["ExportBucket", "Exporter"]}}}}
    monkeypatch.setattr(template, "read_parts", lambda **_: parts | extra)
    make_settings(tmp_path)
    first = run(account, tmp_path, "deploy", "--yes", monkeypatch=monkeypatch)
    assert first.exit_code == 1
    assert "Refused: " in first.output
    assert "stack destroy" in first.output
    assert "Traceback" not in first.output
    plan = run(account, tmp_path, "plan", monkeypatch=monkeypatch)
    assert plan.exit_code == 1
    assert "can only be deleted" in plan.output
    assert "Refused: " in plan.output
    monkeypatch.setattr(template, "read_parts", lambda **_: parts)
    assert run(account, tmp_path, "destroy", "--yes", monkeypatch=monkeypatch).exit_code == 0
    last = run(account, tmp_path, "deploy", "--yes", monkeypatch=monkeypatch)
    assert last.exit_code == 0, last.output


def test_an_update_that_failed_is_undone_and_said(account: Account, tmp_path: Path, monkeypatch):
    deploy(account.aws(), make_settings(tmp_path))
    parts = template.read_parts()
    refused = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/x", "Type": "SecureString", "Value": "x"}}
    monkeypatch.setattr(template, "read_parts", lambda **_: parts | {"more.yaml": {"Resources": {"Refused": refused}}})
    failed = run(account, tmp_path, "deploy", "--yes", monkeypatch=monkeypatch)
    assert failed.exit_code == 1
    assert "UPDATE_ROLLBACK_COMPLETE" in failed.output
    assert "Refused: " in failed.output
    monkeypatch.setattr(template, "read_parts", lambda **_: parts)
    plan = run(account, tmp_path, "plan", monkeypatch=monkeypatch)
    assert plan.exit_code == 0
    assert "The last update failed and was rolled back" in plan.output
    assert deploy(account.aws(), make_settings(tmp_path)).change_set is None


# --- Broken off at every call ---


class Broken(Exception):
    """The process ended here."""


class Breaking:
    """Clients whose n-th call, over all of them, breaks the run off: before it takes effect, or after."""

    def __init__(self, at: int, after: bool) -> None:
        self.left, self.after = at, after
        self.is_over = True

    def around(self, client: Any) -> Any:
        return _Client(client, self)

    def through(self, call: Any, *arguments: Any, **parameters: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            self.is_over = False
            if self.after:
                call(*arguments, **parameters)
            raise Broken
        return call(*arguments, **parameters)


class _Client:
    def __init__(self, client: Any, breaking: Breaking) -> None:
        self._client, self._breaking = client, breaking

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in ("meta", "exceptions") or not callable(found):
            return found
        if name == "get_paginator":
            return lambda operation: _Pages(getattr(self, operation))
        return lambda *arguments, **parameters: self._breaking.through(found, *arguments, **parameters)


class _Pages:
    """One page is enough here, and its call can break too."""

    def __init__(self, call: Any) -> None:
        self.paginate = lambda **parameters: [call(**parameters)]


@pytest.fixture
def few_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack of three resources: the calls are the same, the emulator is quicker."""
    parts = template.read_parts()
    small = {name: parts[name] for name in ("parameters.yaml", "storage.yaml", "logs.yaml")}
    small["storage.yaml"]["Resources"].pop("ExportBucketPolicy")
    monkeypatch.setattr(template, "read_parts", lambda **_: small)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_deploy_broken_off_at_any_call_can_be_run_again(endpoint: str, tmp_path: Path, few_parts, after: bool):
    wanted = make_settings(tmp_path)
    for at in range(1, 1000):
        account = Account(endpoint, f"{800_000_000_000 + 1000 * after + at}")
        breaking = Breaking(at, after)
        with contextlib.suppress(Broken):
            deploy(account.aws(breaking.around), wanted)
        deploy(account.aws(), wanted)
        assert set(resources(account)) == {"ExportBucket", "ApiLogs"}, at
        assert planning.status(account.aws(), "shop").endswith("_COMPLETE"), at
        assert not waiting_change_sets(account), at
        if breaking.is_over:
            break
    assert at > 15


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_destroy_broken_off_at_any_call_can_be_run_again(endpoint: str, tmp_path: Path, few_parts, after: bool):
    wanted = make_settings(tmp_path)
    for at in range(1, 1000):
        account = Account(endpoint, f"{900_000_000_000 + 1000 * after + at}")
        deploy(account.aws(), wanted)
        bucket = put_a_log(account)
        breaking = Breaking(at, after)
        aws = account.aws(breaking.around)
        with contextlib.suppress(Broken):
            deploying.destroy(aws, target.target(aws, wanted), lambda line: None)
        deploying.destroy(account.aws(), target.target(account.aws(), wanted), lambda line: None)
        assert planning.status(account.aws(), "shop") == states.NONE
        assert objects(account, bucket)
        assert [item["Name"] for item in account.client("s3").list_buckets()["Buckets"]] == [bucket]
        if breaking.is_over:
            break
    assert at > 5


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken", "Throttling"])
def test_a_refusal_at_any_call_is_told_in_words(endpoint: str, tmp_path: Path, few_parts, code: str):
    wanted = make_settings(tmp_path)

    class Refusing(Breaking):
        def through(self, call: Any, *arguments: Any, **parameters: Any) -> Any:
            try:
                return super().through(call, *arguments, **parameters)
            except Broken:
                raise ClientError(
                    {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "Call"
                ) from None

    for at in range(1, 1000):
        account = Account(endpoint, f"{700_000_000_000 + at}{ {'AccessDenied': 1, 'ExpiredToken': 2}.get(code, 3) }"[-12:])
        refusing = Refusing(at, after=False)
        try:
            deploy(account.aws(refusing.around), wanted)
        except UserError as error:
            assert str(error).startswith("Could not "), error
        if refusing.is_over:
            break
