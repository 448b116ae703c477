"""`check uploads` against an HTTP API and a server that verifies S3's signatures, IAM and bucket policies, behind TLS.

Bucket, bucket policy and the role that signs are those of this project's stack. Break any of it, and the check says what.
"""

from __future__ import annotations

import ipaddress
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from helpers.running_emulator import emulator
from helpers.s3_front import S3Front
from helpers.stack_account import REGION, Account, deploy, make_settings, resources
from helpers.upload_api import KEY, MAX_BYTES, UploadApi
from private_analytics.checks.uploads import check as uploads
from private_analytics.checks.uploads import command as upload_commands
from private_analytics.checks.uploads import endpoint as upload_endpoint
from private_analytics.checks.uploads import presigned
from private_analytics.cli import cli
from private_analytics.project import variables

WAIT, LONGEST_S = upload_commands.wait, int(variables.thresholds().upload_url_seconds)
NUMBER, PASSWORD = "000000000000", "Correct-horse-7-battery"
NAMES = (
    "no token",
    "url",
    "upload",
    "other key",
    "other prefix",
    "other content type",
    "other method",
    "no signature",
    "changed signature",
    "http",
    "larger than allowed",
    "expired",
)
VERIFY = "return URLs of the bucket"
FAULTS = {  # -> the lines that turn red, and what is said to do
    "gives URLs to everybody": ({"no token"}, "Attach the authorizer"),
    "does not sign the content type": ({"url", "other content type"}, "Sign the content type"),
    "does not look at the size": ({"larger than allowed"}, "refuse more than UPLOADS_MAX_BYTES"),
    "does not sign the size": ({"larger than allowed"}, "sign the size"),
    "does not look at the key": ({"other key"}, VERIFY),
    "does not look at the prefix": ({"other prefix"}, VERIFY),
    "does not look at the method": ({"other method"}, VERIFY),
    "does not look at the signature": ({"changed signature"}, VERIFY),
    "does not look at what else is signed": ({"changed signature"}, VERIFY),
    "does not look at the time": ({"expired"}, VERIFY),
}


@dataclass
class Stack:
    """The stack in an account of its own, a user pool, and a certificate for loopback."""

    account: Account
    bucket: str
    role_arn: str
    pool_id: str
    client_id: str
    certificate: Path
    tls: ssl.SSLContext

    def s3(self, endpoint: str, key: str, secret: str, token: str | None = None, version: str = "s3v4") -> Any:
        config = Config(s3={"addressing_style": "path"}, signature_version=version)
        names = {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}
        return boto3.client("s3", endpoint_url=endpoint, region_name=REGION, config=config, **names)


@dataclass
class World:
    stack: Stack
    api: UploadApi
    s3: S3Front
    waited: list[float]

    def objects(self) -> dict[str, tuple[bytes, str]]:
        """What is in the bucket: content and content type by key."""
        s3, bucket = self.stack.account.client("s3"), self.stack.bucket
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
        found = {key: s3.get_object(Bucket=bucket, Key=key) for key in keys}
        return {key: (item["Body"].read(), item["ContentType"]) for key, item in found.items()}

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.s3.later = seconds


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("uploads")
    variables = {"AUTH": "true", "AWS_SECRET_ACCESS_KEY": "local", "STATE_DIR": str(folder)}
    with emulator(**variables) as endpoint:
        account = Account(endpoint, NUMBER)
        deploy(account.aws(), make_settings(folder))
        made = resources(account)
        role, bucket = (made[name]["PhysicalResourceId"] for name in ("ApiRole", "ImageBucket"))
        anyone = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{NUMBER}:root"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})  # as there is no EC2 here to take it
        account.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=trust)
        cognito = account.client("cognito-idp")
        pool_id = cognito.create_user_pool(PoolName="customers")["UserPool"]["Id"]
        client = cognito.create_user_pool_client(
            UserPoolId=pool_id, ClientName="shop", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        )
        cognito.admin_create_user(UserPoolId=pool_id, Username="canary")
        cognito.admin_set_user_password(UserPoolId=pool_id, Username="canary", Password=PASSWORD, Permanent=True)
        client_id, arn = client["UserPoolClient"]["ClientId"], f"arn:aws:iam::{NUMBER}:role/{role}"
        yield Stack(account, bucket, arn, pool_id, client_id, *certificate(folder / "ca.pem"))


def certificate(file: Path) -> tuple[Path, ssl.SSLContext]:
    """Of loopback, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    both = file.with_name("server.pem")
    both.write_bytes(secret + file.read_bytes())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(both)
    return file, tls


@pytest.fixture
def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    account = stack.account
    owner = stack.s3(account.endpoint, NUMBER, "local")
    for version in owner.list_object_versions(Bucket=stack.bucket).get("Versions", ()):
        owner.delete_object(Bucket=stack.bucket, Key=version["Key"], VersionId=version["VersionId"])
    front = S3Front(account.endpoint, stack.tls, owner)
    keys = account.client("sts").assume_role(RoleArn=stack.role_arn, RoleSessionName="api")["Credentials"]
    role = (f"https://127.0.0.1:{front.server_port}", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    jwks = f"{account.endpoint}/{stack.pool_id}/.well-known/jwks.json"
    api = UploadApi(stack.bucket, stack.s3(*role), stack.s3(*role, version="s3"), jwks, stack.client_id)
    api.seconds = LONGEST_S
    front.api, front.faults = api, api.faults
    world = World(stack, api, front, [])
    monkeypatch.setattr(upload_commands, "wait", world.wait)
    for name in ("AWS_PROFILE", "CANARY_SECRET", "CANARY_TOKEN_USE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": account.endpoint,
        "CANARY_POOL_ID": stack.pool_id,
        "CANARY_CLIENT_ID": stack.client_id,
        "CANARY_USERNAME": "canary",
        "CANARY_PASSWORD": PASSWORD,
        "UPLOADS_URL": api.endpoint,
        "UPLOADS_MAX_BYTES": str(MAX_BYTES),
        "SSL_CERT_FILE": str(stack.certificate),
    }.items():
        monkeypatch.setenv(name, value)
    yield world
    api.close()
    front.close()


def check(world: World, *arguments: str) -> Result:
    """Run on the command line; whatever happens, it shows no secret, no signature and no traceback."""
    world.s3.later, world.s3.seen = 0, 0
    result = CliRunner().invoke(cli, ["check", "uploads", *arguments])
    assert PASSWORD not in result.output
    assert "eyJ" not in result.output  # how every token begins
    assert "X-Amz-" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def found(world: World, *arguments: str) -> dict[str, str]:
    """Name -> status, where it is not ok; this agrees with the exit code, and every failure has its line of advice."""
    result = check(world, "--json", *arguments)
    answer = json.loads(result.stdout)
    statuses = {line["name"]: line["status"] for line in answer["results"]}
    assert tuple(statuses) == NAMES
    assert answer["ok"] == (set(statuses.values()) == {"ok"}) == (result.exit_code == 0)
    assert all(line["advice"] for line in answer["results"] if line["status"] == "failed")
    return {name: status for name, status in statuses.items() if status != "ok"}


def test_a_sound_api(world: World) -> None:
    assert found(world) == {}
    assert world.objects() == {KEY: (uploads.PICTURE, "image/png")}
    result = check(world)
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ok"] * len(NAMES)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_turns_its_line_red(world: World, fault: str) -> None:
    lines, advice = FAULTS[fault]
    world.api.faults.add(fault)
    assert found(world) == dict.fromkeys(lines, "failed")
    assert advice in check(world).output.splitlines()[-1]


@pytest.fixture
def open_bucket(world: World) -> Iterator[Any]:
    """Its settings, which are put back afterwards."""
    s3, bucket = world.stack.account.client("s3"), world.stack.bucket
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    yield s3
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject"])
def test_a_bucket_that_all_may_write_to(world: World, open_bucket: Any, action: str) -> None:
    name = world.stack.bucket
    policy = json.loads(open_bucket.get_bucket_policy(Bucket=name)["Policy"])
    policy["Statement"] += [{"Effect": "Allow", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{name}/*"}]
    open_bucket.delete_public_access_block(Bucket=name)
    open_bucket.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    assert found(world) == {"no signature": "failed"}
    assert "Block Public Access" in check(world).output.splitlines()[-1]


def test_a_bucket_that_takes_plain_http(world: World, open_bucket: Any) -> None:
    open_bucket.delete_bucket_policy(Bucket=world.stack.bucket)
    assert found(world) == {"http": "failed"}
    assert "aws:SecureTransport" in check(world).output.splitlines()[-1]


def test_what_is_let_in_leaves_two_pictures_behind_however_often(world: World) -> None:
    """The upload itself was deleted, as that was let in too."""
    world.api.faults |= {"does not look at the key", "does not look at the prefix", "does not look at the method"}
    for _ in range(2):
        assert found(world) == dict.fromkeys(("other key", "other prefix", "other method"), "failed")
    others = ("uploads/canary/check-uploads-other-key.png", "check-uploads-other-prefix.png")
    assert world.objects() == dict.fromkeys(others, (uploads.PICTURE, "image/png"))


def test_a_url_that_is_good_for_a_week_is_not_waited_for(world: World) -> None:
    world.api.seconds = 604800
    assert found(world) == {"url": "failed", "expired": "unknown"}
    assert not world.waited
    assert f"Sign for at most {LONGEST_S} s" in check(world).output


def test_a_url_for_a_key_elsewhere(world: World) -> None:
    assert found(world, "--prefix", "pictures") == {"url": "failed"}
    assert "its key is not below pictures/" in check(world, "--prefix", "pictures").output
    assert found(world, "--prefix", "uploads/canary/") == {}


def test_a_role_that_may_not_write_there(world: World) -> None:
    """Then S3 refuses all, and that shows nothing."""
    world.api.key = "elsewhere/picture.png"
    assert found(world) == {"url": "failed", "upload": "failed"} | dict.fromkeys(NAMES[3:], "unknown")
    assert "not accepted (403 AccessDenied)" in check(world).output
    assert not world.objects()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda url: url.replace("https://", "http://"), "does not begin with https://"),
        (lambda url: url.partition("?")[0], "it is not signed with Signature Version 4"),
        (lambda url: url.replace("AWS4-HMAC-SHA256", "AWS4"), "it is not signed with Signature Version 4"),
        (lambda url: url.replace("X-Amz-Signature", "Signature"), "it is not signed with Signature Version 4"),
        (lambda url: url.replace("X-Amz-Expires=", "X-Amz-Expires=x"), "it is not signed with Signature Version 4"),
        (lambda url: "https://[", "it is not signed with Signature Version 4"),
        (lambda url: None, "the API's answer has no string at url"),
    ],
    ids=["http", "no signature", "algorithm", "no SigV4", "no number", "no URL", "nothing"],
)
def test_what_is_not_tried_at_all(world: World, answer: Any, says: str) -> None:
    world.api.answer = lambda url: {"url": answer(url)}
    assert found(world) == {"url": "failed"} | dict.fromkeys(NAMES[2:], "unknown")
    assert says in check(world).output
    assert not world.s3.seen


def test_signature_version_2_is_not_tried(world: World) -> None:
    world.api.faults.add("signs with version 2")
    assert found(world) == {"url": "failed"} | dict.fromkeys(NAMES[2:], "unknown")
    assert not world.s3.seen


@pytest.mark.parametrize("status", [500, 404, 302])
def test_an_api_that_does_not_answer_as_one(world: World, status: int) -> None:
    world.api.status = status
    assert found(world) == dict.fromkeys(NAMES[:2], "failed") | dict.fromkeys(NAMES[2:], "unknown")


def test_an_api_that_lets_nobody_in(world: World) -> None:
    world.api.status = 401
    assert found(world) == {"url": "failed"} | dict.fromkeys(NAMES[2:], "unknown")
    assert "the API does not return a URL (401)" in check(world).output


def test_an_api_that_answers_no_json(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UploadApi, "judge", lambda self, token, size: (200 if token else 401, b"<html>"))
    assert found(world) == {"url": "failed"} | dict.fromkeys(NAMES[2:], "unknown")
    assert "not JSON" in check(world).output


@pytest.mark.parametrize("status", [429, 503])
def test_an_api_that_cannot_answer_now(world: World, status: int) -> None:
    world.api.status = status
    assert found(world) == dict.fromkeys(NAMES, "unknown")


def test_an_api_that_takes_too_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_endpoint, "TIMEOUT_S", 0.1)
    world.api.is_awake.clear()
    assert found(world) == dict.fromkeys(NAMES, "unknown")
    world.api.is_awake.set()


def test_an_api_that_is_not_there(world: World) -> None:
    world.api.close()
    assert found(world) == dict.fromkeys(NAMES, "unknown")


def test_a_canary_that_cannot_sign_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_PASSWORD", "wrong")
    assert found(world) == dict.fromkeys(NAMES, "unknown")
    assert "NotAuthorizedException" in check(world).output


def test_s3_that_is_busy_or_not_there(world: World) -> None:
    world.s3.status = 503
    assert found(world) == dict.fromkeys(NAMES[2:], "unknown")
    assert "S3 answers 503" in check(world).output
    world.s3.close()
    assert found(world) == dict.fromkeys(NAMES[2:], "unknown")


def test_s3_that_becomes_busy_after_the_upload(world: World) -> None:
    world.s3.status, world.s3.sound = 503, 1
    assert found(world) == dict.fromkeys(NAMES[3:], "unknown")


@pytest.mark.parametrize("status", [404, 405, 301, 500])
def test_an_answer_that_is_neither_a_yes_nor_a_no(world: World, status: int) -> None:
    world.s3.status, world.s3.sound = status, 1
    assert found(world) == dict.fromkeys(NAMES[3:], "failed")
    assert "S3 refuses with 403" in check(world).output.splitlines()[-1]


@pytest.mark.parametrize(
    ("status", "code", "is_refusal"),
    [
        (403, "SignatureDoesNotMatch", True),
        (400, "AuthorizationQueryParametersError", True),
        (400, "EntityTooLarge", True),
        (405, "MethodNotAllowed", True),
        (400, "RequestTimeout", False),
        (400, "ExpiredToken", False),
        (404, "NoSuchBucket", False),
        (307, "TemporaryRedirect", False),
    ],
)
def test_what_s3_says_that_is_a_refusal(status: int, code: str, is_refusal: bool) -> None:
    """As in AWS's list of S3's error codes."""
    xml = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>No.</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>'
    answer = upload_endpoint.Answer(upload_endpoint.S3, status, xml.encode())
    assert (answer.is_refused_by_s3, str(answer)) == (is_refusal, f"{status} {code}")


def test_a_certificate_that_is_not_trusted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert found(world) == dict.fromkeys(NAMES[2:], "unknown")
    assert not world.objects()


def test_a_url_that_expires_before_all_is_tried(world: World) -> None:
    """What is refused since it has expired shows nothing else."""
    world.s3.jumps = LONGEST_S + 1
    lines = ("other key", "other content type", "other method", "changed signature", "larger than allowed")
    assert found(world) == dict.fromkeys(lines, "unknown")


def test_it_waits_by_the_clock_of_s3(world: World) -> None:
    world.s3.clock = format_datetime(datetime.now(UTC) - timedelta(seconds=100), usegmt=True)
    assert found(world) == {}
    assert LONGEST_S + 101 <= world.waited[-1] <= LONGEST_S + 103
    world.s3.clock = "noon"
    assert found(world) == {}
    assert LONGEST_S <= world.waited[-1] <= LONGEST_S + 3


def test_a_url_that_is_refused_later_for_another_reason(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The role that signed has lost its rights: this shows nothing of the time."""
    iam, role = world.stack.account.client("iam"), world.stack.role_arn.partition("/")[2]
    policy = json.dumps(iam.get_role_policy(RoleName=role, PolicyName="api")["PolicyDocument"])
    monkeypatch.setattr(upload_commands, "wait", lambda seconds: iam.delete_role_policy(RoleName=role, PolicyName="api"))
    try:
        assert found(world) == {"expired": "unknown"}
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="api", PolicyDocument=policy)


def test_a_url_of_three_seconds_really_expires(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_commands, "wait", WAIT)
    world.api.seconds = 3
    begun = time.monotonic()
    result = check(world)
    assert result.exit_code == 0, result.output
    assert time.monotonic() - begun >= 3
    assert result.stderr.startswith("Waiting ")


def test_without_a_limit_sizes_are_not_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UPLOADS_MAX_BYTES")
    world.api.faults |= {"does not look at the size", "does not sign the size"}
    result = check(world)
    assert result.exit_code == 0
    assert "larger than allowed" not in result.output
    world.api.status = 503
    assert "larger than allowed" not in check(world).output


def test_apis_that_are_asked_in_other_ways(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"x-amz-meta-by": "canary", "content-type": "image/png"}
    world.api.answer = lambda url: {"data": {"upload": {"uploadUrl": url}, "send": headers}}
    monkeypatch.setenv("UPLOADS_URL_AT", "data.upload.uploadUrl")
    monkeypatch.setenv("UPLOADS_HEADERS_AT", "data.send")
    monkeypatch.setenv("UPLOADS_BODY", '{"file": {"type": "image/png"}, "size": "<size>"}')
    assert found(world) == {}
    whole = world.stack.account.client("s3").head_object(Bucket=world.stack.bucket, Key=KEY)
    assert whole["Metadata"] == {"by": "canary"}
    sizes = [json.loads(body)["size"] for _, _, body in world.api.asked]
    assert sizes == [len(uploads.PICTURE), len(uploads.PICTURE), MAX_BYTES + 1]
    assert json.loads(world.api.asked[0][2])["file"] == {"type": "image/png"}


def test_an_api_that_is_asked_by_get(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOADS_METHOD", "GET")
    monkeypatch.setenv("UPLOADS_URL", f"{world.api.endpoint}?type=png&size=<size>")
    world.api.faults.add("does not look at the size")
    assert found(world) == {"larger than allowed": "failed"}
    assert world.api.asked[0] == ("GET", "/upload-urls?type=png&size=67", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--url", "http://api.example.com/upload-urls"),
        ("--body", '{"size": "<size>"'),
        ("--body", '{"size": 1}'),
        ("--method", "GET"),
        ("--pool-id", "x"),
    ],
    ids=["plain http", "no JSON", "no size", "no size in a GET", "pool"],
)
def test_settings_that_cannot_be_right(world: World, arguments: tuple[str, str]) -> None:
    result = check(world, *arguments)
    assert (result.exit_code, result.output.startswith("Error: ")) == (1, True)


@pytest.mark.parametrize(
    ("url", "key", "other_prefix"),
    [
        ("https://shop.s3.eu-central-1.amazonaws.com/uploads/a%20b.png", "uploads/a b.png", "/"),
        ("https://shop.s3.amazonaws.com/uploads/a.png", "uploads/a.png", "/"),
        ("https://s3.eu-central-1.amazonaws.com/shop/uploads/a.png", "uploads/a.png", "/shop/"),
        ("https://s3-eu-west-1.amazonaws.com/shop/uploads/a.png", "uploads/a.png", "/shop/"),
        ("https://localhost:9000/shop/uploads/a.png", "uploads/a.png", "/shop/"),
        ("https://images.example.com/uploads/a.png", "uploads/a.png", "/"),
    ],
)
def test_bucket_and_key_are_told_apart_by_the_host(url: str, key: str, other_prefix: str) -> None:
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261001T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host"
    upload = presigned.read(f"{url}?{query}&X-Amz-Signature=abc", {})
    assert upload.key == key
    assert f"{other_prefix}check-uploads-other-prefix.png?" in upload.for_other_prefix()
    assert "/uploads/check-uploads-other-key.png?" in upload.for_other_key()
