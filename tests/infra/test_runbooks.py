"""The commands of docs/runbooks.md, run one after another as they stand there, in an account of the emulator."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import REPOSITORY
from helpers.stack_account import Account
from private_analytics.stack import bundle

TEXT = (REPOSITORY / "docs" / "runbooks.md").read_text()
LOG, RECORD = "logs/2026/10/01/task/api-1/000000.gz", "exports/2026/10/01/task.json"


def blocks(number: int) -> list[str]:
    """The commands of a section."""
    section = re.search(rf"^## {number}\. .*?(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert section, f"there is no section {number}"
    return re.findall(r"^```sh\n(.*?)^```", section[0], re.MULTILINE | re.DOTALL)


PRELUDE = re.search(r"```sh\n(STACK=.*?)```", TEXT, re.DOTALL)[1]


class Person:
    """Somebody who works through runbooks in a checkout, in one shell for each of them."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account, self.folder = account, folder
        for name in (*bundle.TRANSFORM, "infra/template", "infra/stack.example.yaml"):
            source, target = REPOSITORY / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
            else:
                shutil.copy(source, target)

    def work_through(self, number: int, **variables: str) -> str:
        given = "".join(f"{name}={value}\n" for name, value in variables.items())
        script = "set -euo pipefail\n" + PRELUDE + given + "\n".join(blocks(number))
        environment = self.account.environment | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "AWS_REGION": self.account.region,
            "AWS_PAGER": "",
        }
        result = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
        return result.stdout + result.stderr

    def output(self, name: str) -> str:
        stack = self.account.client("cloudformation").describe_stacks(StackName="private-analytics")["Stacks"][0]
        return next(item["OutputValue"] for item in stack["Outputs"] if item["OutputKey"] == name)

    def put(self, key: str, **how: str) -> None:
        self.account.client("s3").put_object(Bucket=self.output("ExportBucketName"), Key=key, Body=key.encode(), **how)

    def keys(self, bucket: str) -> list[str]:
        return [item["Key"] for item in self.account.client("s3").list_objects_v2(Bucket=bucket).get("Contents", ())]

    def secret(self, name: str) -> dict:
        return json.loads(self.account.client("secretsmanager").get_secret_value(SecretId=self.output(name))["SecretString"])


@pytest.fixture
def person(account: Account, tmp_path: Path) -> Person:
    person = Person(account, tmp_path)
    person.work_through(1)
    person.put(LOG)
    person.put(RECORD)
    return person


def test_first_set_up(person: Person):
    assert person.output("ExporterName") == "private-analytics-exporter"
    assert (person.folder / "infra" / "stack.yaml").exists()
    person.work_through(1)  # a second time does no harm


def test_the_password_is_rotated_and_rotated_back(person: Person):
    before = person.secret("DatabaseSecretArn")
    *rotating, back = blocks(2)
    said = person.work_through(2)
    versions = person.account.client("secretsmanager").list_secret_version_ids(
        SecretId=person.output("DatabaseSecretArn"), IncludeDeprecated=True
    )["Versions"]
    assert "update-secret-version-stage" in back
    assert len(rotating) == 2
    assert len(versions) == 2
    # The last block went back, so what holds is what was there first; what was new is the previous version.
    assert person.secret("DatabaseSecretArn") == before
    rotated = json.loads(
        person.account.client("secretsmanager").get_secret_value(
            SecretId=person.output("DatabaseSecretArn"), VersionStage="AWSPREVIOUS"
        )["SecretString"]
    )
    assert rotated["username"] == "api_b"
    assert len(rotated["password"]) == 40
    assert rotated["password"] != before["password"]
    assert rotated["password"] not in said
    assert not list(person.folder.glob("new-*"))


def test_the_buckets_name_is_rotated(person: Person):
    old = person.output("ExportBucketName")
    person.work_through(3)
    new = person.output("ExportBucketName")
    assert new == f"{old}-b"
    assert sorted(person.keys(new)) == sorted(person.keys(old)) == sorted([LOG, RECORD])
    assert person.secret("BucketSecretArn") == {"bucket": new}
    function = person.account.client("lambda").get_function(FunctionName="private-analytics-exporter")
    assert function.get("Concurrency", {}).get("ReservedConcurrentExecutions") is None
    assert function["Configuration"]["Environment"]["Variables"]["ANALYTICS_BUCKET"] == new


def test_what_lies_in_glacier_is_restored_and_nothing_else(person: Person):
    cold = LOG.replace("000000", "000001")
    person.put(cold, StorageClass="GLACIER")
    person.work_through(4)
    s3, bucket = person.account.client("s3"), person.output("ExportBucketName")
    assert "Restore" in s3.head_object(Bucket=bucket, Key=cold)
    assert "Restore" not in s3.head_object(Bucket=bucket, Key=LOG)


def test_restoring_a_day_without_anything_in_glacier_does_nothing(person: Person):
    person.work_through(4)


def test_moving_to_a_new_account(person: Person, endpoint: str, tmp_path_factory: pytest.TempPathFactory):
    other = Person(Account(endpoint, "600000000001"), tmp_path_factory.mktemp("other"))
    shutil.copy(person.folder / "infra" / "stack.yaml", other.folder / "infra" / "stack.yaml")
    old = person.output("ExportBucketName")
    for key in person.keys(old):  # what the indented commands do with two profiles
        file = other.folder / "data" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(person.account.client("s3").get_object(Bucket=old, Key=key)["Body"].read())
    other.work_through(5)
    assert sorted(other.keys(other.output("ExportBucketName"))) == sorted([LOG, RECORD])


def test_leaving(person: Person):
    bucket = person.output("ExportBucketName")
    person.work_through(6)
    assert (person.folder / "out" / LOG).read_text() == LOG
    assert (person.folder / "out" / RECORD).exists()
    names = [item["Name"] for item in person.account.client("s3").list_buckets()["Buckets"]]
    assert bucket not in names
    assert names == [bucket.replace("-exports-", "-images-")]
    assert len(person.account.client("secretsmanager").list_secrets()["SecretList"]) == 2
