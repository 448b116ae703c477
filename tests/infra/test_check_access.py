"""`check access` finds a stack as it was deployed in order, and each thing that is broken in it by the line that is for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from click.testing import CliRunner

from helpers.access_world import (
    Break,
    Strangers,
    World,
    blocks,
    by_hand,
    encrypted,
    exporters,
    origins,
    owned,
    policy,
    readers,
    setting,
    sid,
    suspended,
    transforms,
    with_statement,
    without,
)
from helpers.iam import Iam, Simulator, read
from helpers.stack_account import Account, deploy, make_settings
from private_analytics.checks.access import command, policies, roles, simulated, stack
from private_analytics.checks.access.check import check
from private_analytics.checks.results import FAILED, OK, UNKNOWN
from private_analytics.cli import cli
from private_analytics.stack import template

NUMBER, REGION = "222222222222", "eu-central-1"
EXPORTS, IMAGES = f"shop-exports-{NUMBER}-{REGION}", f"shop-images-{NUMBER}-{REGION}"
BUCKETS = {"export bucket": EXPORTS, "image bucket": IMAGES}
AUDITOR = f"arn:aws:iam::{NUMBER}:role/auditor"
SETTINGS = {
    "ApiLogGroup": "/shop/api",
    "GitHubRepository": "shop/analytics",
    "OtherReaders": AUDITOR,
    "QuickSight": "on",
    "QuickSightUserArn": f"arn:aws:quicksight:{REGION}:{NUMBER}:user/default/me",
}
ROLES = ["AnalystRole", "ApiRole", "DashboardsRole", "DbtRole", "ExporterRole", "SchedulerRole", "TransformRole"]
OF_BUCKETS = ["public access", "ownership", "encryption", "versions", "TLS", "policy status", "let in", "strangers"]
LINES = {
    *(f"{kind}: {line}" for kind in BUCKETS for line in OF_BUCKETS),
    "export bucket: readers",
    "image distribution: origins",
    *ROLES,
    "exporter: variables",
    "transform: variables",
}


def as_nobody(endpoint: str) -> Any:
    config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return boto3.client("s3", endpoint_url=endpoint, region_name=REGION, config=config)


@pytest.fixture(scope="module")
def deployed(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    account = Account(endpoint, NUMBER)
    deploy(account.aws(), make_settings(tmp_path_factory.mktemp("settings"), **SETTINGS))
    account.client("s3").put_object(Bucket=EXPORTS, Key="exports/2026/10/01/task.json", Body=b"{}")
    account.client("s3").put_object(Bucket=IMAGES, Key="uploads/cat.png", Body=b"cat")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Strangers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    simulator = Simulator()
    yield World(account, simulator, as_nobody(f"http://127.0.0.1:{server.server_port}"))
    simulator.close()
    server.shutdown()
    server.server_close()


@pytest.fixture
def world(deployed: World) -> Iterator[World]:
    yield deployed
    while deployed.mending:
        deployed.mending.pop()()
    deployed.denied.clear()
    Strangers.answers.clear()
    Strangers.seen.clear()


def test_a_stack_as_it_was_deployed_is_in_order(world: World):
    found = world.look()
    assert found.keys() == LINES
    assert [line for line in found.values() if line.status != OK] == []
    # What is there was tried, as S3 refuses also to read what is not there.
    assert [path.split("?")[0] for path in Strangers.seen] == [
        f"/{EXPORTS}",
        f"/{EXPORTS}/exports/2026/10/01/task.json",
        f"/{EXPORTS}/check-access",
        f"/{IMAGES}",
        f"/{IMAGES}/uploads/cat.png",
        f"/{IMAGES}/check-access",
    ]


# --- Buckets ---

CLOUDFRONT = {"Service": "cloudfront.amazonaws.com"}
IDENTITY = {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}
IN_EVERY_BUCKET = [
    ("public access", "not set: BlockPublicPolicy", lambda b: setting("public_access_block", b, blocks(BlockPublicPolicy=False))),
    ("public access", "not set: BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets",
     lambda b: setting("public_access_block", b, lambda s3, name: s3.delete_public_access_block(Bucket=name))),
    ("ownership", "ACLs may open them", lambda b: setting("bucket_ownership_controls", b, owned)),
    ("ownership", "ACLs may open them",
     lambda b: setting("bucket_ownership_controls", b, lambda s3, name: s3.delete_bucket_ownership_controls(Bucket=name))),
    ("encryption", "not with the key of S3", lambda b: setting("bucket_encryption", b, encrypted("aws:kms"))),
    ("versions", "not kept (Suspended)", lambda b: setting("bucket_versioning", b, suspended)),
    ("TLS", "does not refuse plain HTTP", lambda b: policy(b, without("OnlyTls"))),
    ("TLS", "does not refuse plain HTTP", lambda b: policy(b, lambda s: sid(s, "OnlyTls").update(Action="s3:GetObject"))),
    ("TLS", "does not refuse plain HTTP",
     lambda b: policy(b, lambda s: sid(s, "OnlyTls").update(Resource=f"arn:aws:s3:::{b}/*"))),
    ("TLS", "does not refuse plain HTTP", lambda b: policy(b, lambda s: sid(s, "OnlyTls").update(Principal={"AWS": AUDITOR}))),
    ("TLS", "does not refuse plain HTTP",
     lambda b: policy(b, lambda s: sid(s, "OnlyTls").update(Condition={"Bool": {"aws:SecureTransport": "true"}}))),
    ("TLS", "does not refuse plain HTTP", lambda b: policy(b, lambda s: sid(s, "OnlyTls")["Condition"].update(
        {"StringEquals": {"aws:PrincipalAccount": "1"}}))),
    ("let in", "allows arn:aws:iam::999988887777:root to use s3:GetObject",
     lambda b: with_statement(b, Principal={"AWS": "arn:aws:iam::999988887777:root"}, Action="s3:GetObject")),
    ("let in", "allows arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1 to use s3:GetObject",
     lambda b: with_statement(b, Principal=IDENTITY, Action=["s3:GetObject"])),
    ("let in", "allows cloudfront.amazonaws.com to use s3:GetObject",
     lambda b: with_statement(b, Principal=CLOUDFRONT, Action="s3:GetObject")),
    ("let in", "to use all but some actions", lambda b: with_statement(b, Principal=CLOUDFRONT, NotAction="s3:DeleteBucket")),
]  # fmt: skip
IN_ONE = [
    ("export bucket: let in", "allows logs.eu-central-1.amazonaws.com to use s3:GetObject",
     policy(EXPORTS, lambda s: sid(s, "LogsWriteExports").update(Action="s3:GetObject"))),
    ("export bucket: let in", "allows logs.eu-central-1.amazonaws.com to use s3:PutObject",
     policy(EXPORTS, lambda s: sid(s, "LogsWriteExports").pop("Condition"))),
    ("export bucket: let in", "allows cloudfront.amazonaws.com to use s3:PutObject",
     policy(EXPORTS, lambda s: sid(s, "LogsWriteExports").update(Principal=CLOUDFRONT))),
    ("export bucket: let in", "allows logs.eu-central-1.amazonaws.com to use s3:PutObject",
     policy(EXPORTS, lambda s: sid(s, "LogsWriteExports").update(Resource=f"arn:aws:s3:::{EXPORTS}/*"))),
    ("image bucket: let in", "allows cloudfront.amazonaws.com to use s3:PutObject",
     policy(IMAGES, lambda s: sid(s, "OnlyOurDistributionReads").update(Action=["s3:PutObject"]))),
    ("image bucket: let in", "allows cloudfront.amazonaws.com to use s3:GetObject",
     policy(IMAGES, lambda s: sid(s, "OnlyOurDistributionReads").update(
         Condition={"StringEquals": {"aws:SourceArn": f"arn:aws:cloudfront::{NUMBER}:distribution/E0"}}))),
    ("export bucket: readers", "does not limit who may read", policy(EXPORTS, without("OnlyNamedReaders"))),
    ("export bucket: readers", "does not limit who may read",
     policy(EXPORTS, lambda s: sid(s, "OnlyNamedReaders").update(Action="s3:GetObject"))),
    ("export bucket: readers", "does not limit who may read",
     policy(EXPORTS, lambda s: sid(s, "OnlyNamedReaders")["Condition"].update({"Bool": {"aws:SecureTransport": "true"}}))),
    ("export bucket: readers", "does not limit who may read",
     policy(EXPORTS, lambda s: sid(s, "OnlyNamedReaders").pop("Condition"))),
    ("export bucket: readers", "does not limit who may read",
     policy(EXPORTS, lambda s: sid(s, "OnlyNamedReaders").update(NotResource=sid(s, "OnlyNamedReaders").pop("Resource")))),
    ("export bucket: readers", "its policy lets in arn:aws:iam::222222222222:user/curious",
     readers(EXPORTS, lambda arns: arns.append(f"arn:aws:iam::{NUMBER}:user/curious"))),
    ("export bucket: readers", f"its policy keeps out {AUDITOR}", readers(EXPORTS, lambda arns: arns.remove(AUDITOR))),
]  # fmt: skip


FAULTS_OF_BUCKETS = [
    *((f"{kind}: {line}", words, make(bucket)) for line, words, make in IN_EVERY_BUCKET for kind, bucket in BUCKETS.items()),
    *IN_ONE,
]


@pytest.mark.parametrize(
    ("name", "words", "break_it"), [pytest.param(*fault, id=f"{fault[0]}: {fault[1]}") for fault in FAULTS_OF_BUCKETS]
)
def test_what_is_broken_at_a_bucket_turns_just_its_line_red(world: World, name: str, words: str, break_it: Break):
    break_it(world)
    found = world.look()
    assert [line.name for line in found.values() if line.status != OK] == [name]
    assert found[name].status == FAILED
    assert words in found[name].detail
    assert "stack deploy --revert-drift" in found[name].advice


@pytest.mark.parametrize(("answers", "words"), [
    ({"list": 200}, "not refused: list (200)"),
    ({"read": 200}, "not refused: read (200)"),
    ({"read": 404}, "not refused: read (404)"),
    ({"list": 301, "write": 400}, "not refused: list (301), write (400)"),
])  # fmt: skip
def test_only_403_is_a_refusal_of_strangers(world: World, answers: dict[str, int], words: str):
    Strangers.answers.update(answers)
    found = world.look()
    wrong = {line.name: (line.status, line.detail) for line in found.values() if line.status != OK}
    assert wrong == {f"{kind}: strangers": (FAILED, words) for kind in BUCKETS}


def test_a_busy_s3_has_not_judged_strangers(world: World):
    Strangers.answers.update(read=503)
    wrong = {line.name: line.status for line in world.look().values() if line.status != OK}
    assert wrong == {f"{kind}: strangers": UNKNOWN for kind in BUCKETS}


def test_a_bucket_that_is_empty_still_is_looked_at(world: World):
    s3 = world.client("s3")
    s3.delete_object(Bucket=EXPORTS, Key="exports/2026/10/01/task.json")
    world.mending.append(lambda: s3.put_object(Bucket=EXPORTS, Key="exports/2026/10/01/task.json", Body=b"{}"))
    assert world.look()["export bucket: strangers"].status == OK
    assert f"/{EXPORTS}/exports/check-access" in Strangers.seen


@pytest.mark.parametrize("principal", [{"Principal": "*"}, {"NotPrincipal": {"AWS": AUDITOR}}], ids=str)
def test_a_bucket_that_is_opened_to_everybody_shows_in_each_way(world: World, principal: dict):
    setting("public_access_block", EXPORTS, lambda s3, bucket: s3.delete_public_access_block(Bucket=bucket))(world)
    with_statement(EXPORTS, Action="s3:GetObject", **principal)(world)
    wrong = {line.name: line.detail for line in world.look().values() if line.status != OK}
    who = "all but some" if "NotPrincipal" in principal else "*"
    assert wrong == {
        "export bucket: public access": "not set: BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets",
        "export bucket: policy status": "S3 says that its policy is public",
        "export bucket: let in": f"its policy allows {who} to use s3:GetObject, which the template does not",
    }


def test_a_bucket_without_a_policy_is_neither_closed_to_http_nor_to_the_account(world: World):
    setting("bucket_policy", EXPORTS, lambda s3, bucket: s3.delete_bucket_policy(Bucket=bucket))(world)
    wrong = {line.name for line in world.look().values() if line.status != OK}
    assert wrong == {"export bucket: TLS", "export bucket: readers"}


def test_a_statement_that_allows_plain_http_does_not_refuse_it():
    """S3 does not take this policy while public ones are blocked."""
    arn = f"arn:aws:s3:::{EXPORTS}"
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    statement = {"Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"], "Condition": plain}
    assert policies.tls([statement | {"Effect": "Deny"}], arn) == ""
    assert policies.tls([statement | {"Effect": "Allow"}], arn) == "its policy does not refuse plain HTTP"


# --- The images' distribution ---


@pytest.mark.parametrize(("words", "change"), [
    (f"it also reads {EXPORTS}.s3.{REGION}.amazonaws.com",
     lambda items: items.append(items[0] | {"Id": "raw", "DomainName": f"{EXPORTS}.s3.{REGION}.amazonaws.com"})),
    ("it reads the image bucket with unsigned requests", lambda items: items[0].update(OriginAccessControlId="")),
])  # fmt: skip
def test_another_origin_of_the_images_is_red(world: World, words: str, change: Callable[[list[dict]], None]):
    origins(change)(world)
    wrong = {line.name: line.detail for line in world.look().values() if line.status != OK}
    assert wrong == {"image distribution: origins": words}


# --- Roles ---


EXPORTED = f"arn:aws:s3:::{EXPORTS}"
RAW = f"{EXPORTED}/logs/2026/10/01/task/stream/000000.gz"
REJECTED = f"{EXPORTED}/tables/shop/rejected_log_lines/x.parquet"


@pytest.mark.parametrize(("role", "effect", "action", "resource", "words"), [
    ("AnalystRole", "Allow", "s3:Get*", "*", f"can do s3:GetObject on {RAW}"),
    ("AnalystRole", "Allow", "s3:ListBucket", EXPORTED, f"can do s3:ListBucket on {EXPORTED}"),
    ("DashboardsRole", "Allow", "glue:GetTable", "*", "can do glue:GetTable on "),
    ("DashboardsRole", "Deny", "athena:*", "*", "cannot do athena:StartQueryExecution on "),
    ("ApiRole", "Allow", "s3:GetObject", "*", f"can do s3:GetObject on {RAW}"),
    ("ApiRole", "Allow", "s3:*", "arn:aws:s3:::shop-images-*", "can do s3:GetObject on arn:aws:s3:::shop-images-"),
    ("ApiRole", "Deny", "secretsmanager:*", "*", "cannot do secretsmanager:GetSecretValue on "),
    ("ExporterRole", "Deny", "s3:PutObject", f"{EXPORTED}/exports/*", f"cannot do s3:PutObject on {EXPORTED}/exports/"),
    ("ExporterRole", "Allow", "s3:PutObject", f"{EXPORTED}/*", f"can do s3:PutObject on {EXPORTED}/tables/"),
    ("ExporterRole", "Allow", "s3:Delete*", f"{EXPORTED}/logs/*", f"can do s3:DeleteObject on {RAW}"),
    ("TransformRole", "Allow", "secretsmanager:GetSecretValue", "*", "can do secretsmanager:GetSecretValue on "),
    ("DbtRole", "Allow", "s3:*", "*", f"can do s3:PutObject on {RAW}"),
    ("SchedulerRole", "Allow", "iam:PassRole", "*", "can do iam:PassRole on "),
    ("SchedulerRole", "Allow", "logs:*", "*", "can do logs:DeleteLogGroup on "),
    ("SchedulerRole", "Deny", "lambda:InvokeFunction", "*", "cannot do lambda:InvokeFunction on "),
])  # fmt: skip
def test_a_role_that_may_more_or_less_is_told_with_the_first_wrong_thing(
    world: World, role: str, effect: str, action: str, resource: str, words: str
):
    by_hand(role, effect, action, resource)(world)
    found = world.look()
    assert [line.name for line in found.values() if line.status != OK] == [role]
    assert found[role].status == FAILED
    assert words in found[role].detail
    assert "Detach what was attached by hand" in found[role].advice


def test_the_table_knows_the_roles_of_the_template():
    resources = template.merge(template.read_parts())["Resources"]
    declared = {name for name, item in resources.items() if item["Type"] == "AWS::IAM::Role"}
    assert declared == set(ROLES) == roles.MUST.keys() == roles.MUST_NOT.keys()


@pytest.mark.parametrize("role", ROLES)
def test_every_line_of_the_table_can_turn_red(world: World, role: str):
    """Each thing that a role must do is denied to it, and each that it must not do is allowed to it, by nothing denied."""
    world.look()
    whole = stack.read(world.client("cloudformation"), "shop")
    names = simulated.places(whole)
    line = next(line for line in simulated.lines(world.client("iam"), whole) if line.name == role)
    held = world.iam.roles[role]
    own = held.policies
    duties = [("Deny", "cannot do", rule) for rule in roles.MUST[role]]
    duties += [("Allow", "can do", rule) for rule in roles.MUST_NOT[role] + roles.NOBODY]
    for effect, verb, rule in duties:
        for action in rule.actions:
            for place in rule.places:
                arn = place.format(**names)
                statement = {"Effect": effect, "Action": action, "Resource": arn}
                by_hand = {"by-hand": {"Version": "2012-10-17", "Statement": [statement]}}
                held.policies = own | by_hand
                if not line.look():  # denied by name
                    held.policies = without_denials(own, action) | by_hand
                assert line.look() == f"{verb} {action} on {arn}"
    held.policies = own
    assert line.look() == ""


def without_denials(policies: dict[str, dict], action: str) -> dict[str, dict]:
    """The policies without statements that deny the action."""
    return {
        name: policy | {"Statement": [s for s in policy["Statement"] if s["Effect"] == "Allow" or action not in s["Action"]]}
        for name, policy in policies.items()
    }


def test_iam_may_answer_with_one_result_for_each_action_and_resource(world: World, monkeypatch: pytest.MonkeyPatch):
    """As it did before it told resources apart within a result."""

    def answered(self: Iam, parameters: dict, whole: Any = Iam.simulated) -> dict:
        flat = [
            result | {"EvalResourceName": one["EvalResourceName"], "EvalDecision": one["EvalResourceDecision"]}
            for result in whole(self, parameters)["EvaluationResults"]
            for one in result.pop("ResourceSpecificResults")
        ]
        return {"EvaluationResults": flat, "IsTruncated": False}

    monkeypatch.setattr(Iam, "simulated", answered)
    assert {line.status for line in world.look().values()} == {OK}
    by_hand("AnalystRole", "Allow", "s3:*", "*")(world)
    assert world.look()["AnalystRole"].detail == f"can do s3:GetObject on {RAW}"


def test_what_iam_leaves_out_is_unknown(world: World, monkeypatch: pytest.MonkeyPatch):
    def answered(self: Iam, parameters: dict, whole: Any = Iam.simulated) -> dict:
        answer = whole(self, parameters)
        for result in answer["EvaluationResults"]:
            del result["ResourceSpecificResults"][1:]
        return answer

    monkeypatch.setattr(Iam, "simulated", answered)
    found = world.look()
    assert {name: found[name].status for name in ROLES} == dict.fromkeys(ROLES, UNKNOWN)
    assert "IAM did not answer for all of s3:GetObject" in found["AnalystRole"].detail


# --- Variables ---

PROBABLE = "hunter2-hunter2"


KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"
PEM = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE"


@pytest.mark.parametrize("make", [exporters, transforms])
@pytest.mark.parametrize(("variables", "words"), [
    ({"DEBUG": "1"}, "DEBUG is not in the template"),
    ({"DB_PASSWORD": PROBABLE}, "DB_PASSWORD holds a secret, by its name, DB_PASSWORD is not in the template"),
    ({"apikey": PROBABLE}, "apikey holds a secret, by its name, apikey is not in the template"),
    ({"EXPORT_LOG_GROUPS": KEY_ID}, "EXPORT_LOG_GROUPS holds an AWS access key"),
    ({"EXPORT_LOG_GROUPS": PEM}, "EXPORT_LOG_GROUPS holds a private key"),
    ({"EXPORT_LOG_GROUPS": f"postgres://api:{PROBABLE}@db/shop"}, "EXPORT_LOG_GROUPS holds a password in a URL"),
    ({"EXPORT_LOG_GROUPS": "eyJhbGciOiJ9.eyJzdWIiOiJ9.c2ln"}, "EXPORT_LOG_GROUPS holds a token"),
    ({"EXPORT_LOG_GROUPS": "ghp_" + "a" * 36}, "EXPORT_LOG_GROUPS holds a token"),
])  # fmt: skip
def test_a_secret_in_the_open_is_told_by_its_name_alone(world: World, make: Callable[..., Break], variables: dict, words: str):
    make(**variables)(world)
    found = world.look()
    name = "exporter: variables" if make is exporters else "transform: variables"
    assert [(line.name, line.detail) for line in found.values() if line.status != OK] == [(name, words)]
    assert found[name].status == FAILED
    assert "Secrets Manager" in found[name].advice
    said = str(found)
    assert not [value for value in variables.values() if len(value) > 1 and value in said]
    assert PROBABLE not in said


def test_what_codebuild_takes_from_secrets_manager_is_no_secret_but_is_not_the_templates(world: World):
    transforms("SECRETS_MANAGER", DB_PASSWORD="shop:password")(world)  # noqa: S106
    assert world.look()["transform: variables"].detail == "DB_PASSWORD is not in the template"


def test_variables_that_lambda_cannot_show_are_unknown(world: World, monkeypatch: pytest.MonkeyPatch):
    refused = {"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt"}}}
    monkeypatch.setattr(world.client("lambda"), "get_function_configuration", lambda **_: refused)
    found = world.look()["exporter: variables"]
    assert (found.status, found.detail) == (UNKNOWN, "Lambda cannot show the variables: Lambda was unable to decrypt")


def test_a_project_that_is_gone_is_unknown(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(world.client("codebuild"), "batch_get_projects", lambda **_: {"projects": []})
    found = world.look()["transform: variables"]
    assert found.status == UNKNOWN
    assert "There is no project shop-transform" in found.detail


# --- What cannot be known ---


@pytest.mark.parametrize(("call", "lines"), [
    ("GetPublicAccessBlock", {f"{kind}: public access" for kind in BUCKETS}),
    ("GetBucketOwnershipControls", {f"{kind}: ownership" for kind in BUCKETS}),
    ("GetBucketEncryption", {f"{kind}: encryption" for kind in BUCKETS}),
    ("GetBucketVersioning", {f"{kind}: versions" for kind in BUCKETS}),
    ("GetBucketPolicyStatus", {f"{kind}: policy status" for kind in BUCKETS}),
    ("GetBucketPolicy",
     {"export bucket: readers", *(f"{kind}: {line}" for kind in BUCKETS for line in ("TLS", "let in", "policy status"))}),
    ("ListObjectsV2", {f"{kind}: strangers" for kind in BUCKETS}),
    ("GetDistributionConfig", {"image distribution: origins"}),
    ("SimulatePrincipalPolicy", set(ROLES)),
    ("GetFunctionConfiguration", {"exporter: variables"}),
    ("BatchGetProjects", {"transform: variables"}),
])  # fmt: skip
def test_what_aws_does_not_show_is_unknown_and_hides_nothing_else(world: World, call: str, lines: set[str]):
    world.iam = read(world.simulator, world.account, "shop", [])
    world.denied.add(call)
    found = {line.name: line for line in check(world.aws(), "shop")}
    assert found.keys() == LINES
    assert {line.name for line in found.values() if line.status != OK} == lines
    for name in lines:
        assert found[name].status == UNKNOWN
        assert "Could not look at it" in found[name].detail
        assert "add the permission to your role" in found[name].detail


@pytest.mark.parametrize("call", ["DescribeStacks", "ListStackResources", "GetTemplate"])
def test_a_stack_that_cannot_be_read_is_unknown(world: World, call: str):
    world.denied.add(call)
    (line,) = check(world.aws(), "shop")
    assert (line.name, line.status) == ("stack", UNKNOWN)
    assert "Could not read the stack shop" in line.detail


def test_a_stack_that_there_is_not_is_unknown(world: World):
    (line,) = check(world.aws(), "store")
    assert (line.name, line.status) == ("stack", UNKNOWN)
    assert "store" in line.detail
    assert "ANALYTICS_STACK" in line.advice


def test_an_s3_that_does_not_answer_strangers_is_unknown(world: World):
    world.iam = read(world.simulator, world.account, "shop", [])
    found = {line.name: line.status for line in check(replace(world.aws(), strangers=as_nobody("http://127.0.0.1:1")), "shop")}
    wrong = {name: status for name, status in found.items() if status != OK}
    assert wrong == {f"{kind}: strangers": UNKNOWN for kind in BUCKETS}


# --- Other stacks, and the command ---


def test_a_stack_without_images_transform_and_github_has_fewer_lines(world: World, endpoint: str, tmp_path: Path):
    account = Account(endpoint, "222222222223")
    deploy(account.aws(), make_settings(tmp_path, Images="off", Transform="off"))
    found = World(account, world.simulator, world.strangers).look()
    gone = {name for name in LINES if name.startswith("image ")} | {"TransformRole", "DbtRole", "transform: variables"}
    assert {name: line.status for name, line in found.items()} == dict.fromkeys(LINES - gone, OK)


def test_with_a_key_of_yours_the_export_bucket_must_use_just_that(world: World, endpoint: str, tmp_path: Path):
    account, key = Account(endpoint, "222222222224"), f"arn:aws:kms:{REGION}:222222222224:key/1234abcd"
    deploy(account.aws(), make_settings(tmp_path, KmsKeyArn=key))
    other = World(account, world.simulator, world.strangers)
    for used, status in ((key, OK), (f"{key}5", FAILED)):  # the emulator takes no key from a template
        encrypted("aws:kms", KMSMasterKeyID=used)(account.client("s3"), f"shop-exports-222222222224-{REGION}")
        found = other.look()
        assert found["export bucket: encryption"].status == status
        assert found["image bucket: encryption"].status == OK
    assert key in found["export bucket: encryption"].detail


def transform_variables(account: Account) -> dict[str, str]:
    (project,) = account.client("codebuild").batch_get_projects(names=["shop-transform"])["projects"]
    return {item["name"]: item["value"] for item in project["environment"]["environmentVariables"]}


def test_the_transform_runs_the_checks_that_are_on_with_the_settings_that_they_read(world: World, endpoint: str, tmp_path: Path):
    assert transform_variables(world.account)["ANALYTICS_CHECKS"] == "exports,events,access"
    account, secret = Account(endpoint, "222222222225"), f"arn:aws:secretsmanager:{REGION}:222222222225:secret:canary-AbCdEf"
    canary = {"CanaryPoolId": f"{REGION}_Ab12Cd34E", "CanaryClientId": "client", "CanarySecretArn": secret}
    urls = {"CanaryUrl": "https://api.example.com/me", "UploadsUrl": "https://api.example.com/uploads"}
    deploy(account.aws(), make_settings(tmp_path, CheckJwt="on", CheckUploads="on", **canary, **urls))
    found = transform_variables(account)
    assert found["ANALYTICS_CHECKS"] == "exports,events,access,jwt,uploads"
    assert (found["ANALYTICS_STACK"], found["ANALYTICS_METRICS"], found["CANARY_SECRET"]) == ("shop", "shop", secret)
    read_by_checks = {option.envvar for each in cli.commands["check"].commands.values() for option in each.params} | {
        "CANARY_SECRET"
    }
    for_checks = found.keys() - transform_variables(world.account).keys()
    wanted = {name for name in read_by_checks if name and name.startswith(("CANARY_", "UPLOADS_"))}
    assert for_checks == wanted - {"CANARY_JWKS_URL"}  # the stack's canary is in a pool whose keys are where they always are
    assert World(account, world.simulator, world.strangers).look()["transform: variables"].status == OK


def test_the_command_ends_with_1_where_something_is_wrong(world: World, monkeypatch: pytest.MonkeyPatch):
    world.look()
    monkeypatch.setattr(command, "_clients", world.aws)
    monkeypatch.setenv("ANALYTICS_STACK", "shop")
    for arguments in (["access"], ["all", "--only", "access"]):
        well = CliRunner().invoke(cli, ["check", *arguments])
        assert well.exit_code == 0, well.output
        assert "export bucket: public access" in well.output
    setting("bucket_versioning", EXPORTS, suspended)(world)
    result = CliRunner().invoke(cli, ["check", "access", "--json"])
    assert result.exit_code == 1
    wrong = [line["name"] for line in json.loads(result.output)["results"] if line["status"] != OK]
    assert wrong == ["export bucket: versions"]


def test_the_commands_own_clients_show_an_s3_that_lets_strangers_in(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The emulator takes who does not sign for its first account. It simulates no policies, and judges none as public."""
    account, bucket = Account(endpoint, "000000000000"), f"shop-exports-000000000000-{REGION}"
    deploy(account.aws(), make_settings(tmp_path))
    account.client("s3").put_object(Bucket=bucket, Key="exports/2026/10/01/task.json", Body=b"{}")
    for name, value in (account.environment | {"AWS_MAX_ATTEMPTS": "1"}).items():
        monkeypatch.setenv(name, value)
    session = boto3.Session()
    private = {"IsPublic": False}
    session.events.register("after-call.s3.GetBucketPolicyStatus", lambda parsed, **_: parsed["PolicyStatus"].update(private))
    signed: list[bool] = []
    for call in ("ListObjectsV2", "GetObject", "PutObject"):
        session.events.register(f"before-send.s3.{call}", lambda request, **_: signed.append("Authorization" in request.headers))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    result = CliRunner().invoke(cli, ["check", "access", "--stack", "shop", "--json"])
    assert result.exit_code == 1
    assert signed == [True, False, False, False] * 2  # for each bucket: which object is there; then list, read and write
    found = {line["name"]: line for line in json.loads(result.output)["results"]}
    assert found["export bucket: TLS"]["status"] == OK
    assert found["export bucket: strangers"]["status"] == FAILED
    assert found["export bucket: strangers"]["detail"] == "not refused: list (200), read (200), write (400)"
    assert found["ExporterRole"]["status"] == UNKNOWN
    keys = [item["Key"] for item in account.client("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["exports/2026/10/01/task.json"]
