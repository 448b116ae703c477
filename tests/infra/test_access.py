"""The roles' policies, as deployed, are executed: each role can do its work, with any permission less it cannot, and it can do
nothing of a list of what it must not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cloudsplaining.scan.policy_document import PolicyDocument

from helpers import export_account as memory
from helpers import exporter_iam
from helpers.access_world import World
from helpers.iam import Guarded, Iam, Request, Simulator, read, weakened
from helpers.stack_account import Account, deploy, make_settings
from private_analytics import days
from private_analytics.checks.access.check import check
from private_analytics.checks.results import UNKNOWN
from private_analytics.exports import handler
from private_analytics.exports.reconcile import Clock
from private_analytics.external_tables import tables

NUMBER = "123456789012"
REGION = "eu-central-1"
KEY = f"arn:aws:kms:{REGION}:{NUMBER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CANARY = f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:canary-AbCdEf"
GROUPS = ("/shop/api", "/shop/worker", "/shop/auth")
SETTINGS = {
    "ApiLogGroup": GROUPS[0],
    "SecondLogGroup": GROUPS[1],
    "ThirdLogGroup": GROUPS[2],
    "GitHubRepository": "shop/analytics",
    "KmsKeyArn": KEY,
    "FormerBucket": "shop-exports-former",
    "OtherReaders": f"arn:aws:iam::{NUMBER}:role/auditor",
    "CheckJwt": "on",
    "CanaryPoolId": f"{REGION}_Ab12Cd34E",
    "CanaryClientId": "client",
    "CanaryUrl": "https://api.example.com/me",
    "CanarySecretArn": CANARY,
}
BUCKET, IMAGES, ARTIFACTS = (f"shop-{kind}-{NUMBER}-{REGION}" for kind in ("exports", "images", "artifacts"))
S3, UPLOADS = f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{IMAGES}"
GLUE, ATHENA, LOGS = (f"arn:aws:{service}:{REGION}:{NUMBER}" for service in ("glue", "athena", "logs"))
FORMER = "arn:aws:s3:::shop-exports-former"
QUEUE = f"arn:aws:sqs:{REGION}:{NUMBER}:shop-exporter-failures"
FUNCTION = f"arn:aws:lambda:{REGION}:{NUMBER}:function:shop-exporter"
PROJECT = f"arn:aws:codebuild:{REGION}:{NUMBER}:project/shop-transform"
STACK = f"arn:aws:cloudformation:{REGION}:{NUMBER}:stack/shop/80cdb683"
REPORT = f"{S3}/report/report.html"
MARTS = (
    "daily_events",
    "hourly_reliability",
    "weekly_user_retention",
    "sessions",
    "export_health",
)


def stream(group: str) -> str:
    return f"{LOGS}:log-group:{group}:log-stream:one"


def in_group(group: str) -> str:
    """What calls about a whole log group are checked against."""
    return f"{LOGS}:log-group:{group}:log-stream:"


def listing(prefix: str, bucket: str = S3) -> Request:
    return Request("s3:ListBucket", bucket, {"s3:prefix": prefix})


def on_table(action: str, database: str, table: str) -> list[Request]:
    """Glue asks for the table and for all that it stands in."""
    return [Request(action, f"{GLUE}:{where}") for where in ("catalog", f"database/{database}", f"table/{database}/{table}")]


def resource_of(access: Iam, policy: str, sid: str) -> str:
    """What a statement of TransformRole's names, where that is made up by AWS."""
    (found,) = [document for name, document in access.roles["TransformRole"].policies.items() if policy in name]
    return next(statement["Resource"] for statement in found["Statement"] if statement["Sid"] == sid)


DBT_CALLS = Path(__file__).with_name("dbt_calls.txt")
KMS = [Request("kms:Decrypt", KEY), Request("kms:GenerateDataKey", KEY)]
WORKING_WITH_TASKS = [
    Request("logs:DescribeLogGroups", "*"),
    Request("logs:DescribeExportTasks", "*"),
]


def needs_of_dbt() -> list[Request]:
    """What dbt and Athena were seen to ask for (dbt_calls.txt), and what they may ask for besides: by the calls of dbt-athena
    (tests/python/infra/test_dbt_calls.py names them all) and Athena's guide. A query reads Glue and S3 as its caller."""
    workgroup = f"{ATHENA}:workgroup/shop"
    queries = ["StartQueryExecution", "StopQueryExecution", "GetQueryExecution", "GetQueryResults", "GetWorkGroup"]
    scanned = ["ListQueryExecutions", "BatchGetQueryExecution"]  # pal scanned
    found = [Request(f"athena:{action}", workgroup) for action in queries + scanned]
    for database in ("default", "shop", "shop_lake"):
        found.append(Request("glue:GetDatabase", f"{GLUE}:database/{database}"))
    found += [Request("glue:GetDatabase", f"{GLUE}:catalog"), Request("glue:GetDatabases", f"{GLUE}:catalog")]
    found.append(Request("glue:GetDatabases", f"{GLUE}:database/shop"))
    own = ["GetTable", "GetTables", "GetTableVersions", "GetPartitions", "CreateTable", "UpdateTable", "DeleteTable"]
    for action in [*own, "DeleteTableVersion"]:
        found += on_table(f"glue:{action}", "shop", "fct_events")
    for table in ("log_lines", "export_records"):
        for action in ("GetTable", "GetTables", "GetPartitions", "CreateTable", "UpdateTable"):  # models, and bootstrap.py tables
            found += on_table(f"glue:{action}", "shop_lake", table)
    found += [Request("s3:GetBucketLocation", S3), Request("s3:ListBucketMultipartUploads", S3)]
    found += [listing(f"{prefix}/x") for prefix in ("logs", "exports", "tables", "athena-results/transform")]
    found += [
        Request("s3:GetObject", f"{S3}/logs/2026/10/01/t/s/000000.gz"),
        Request("s3:GetObject", f"{S3}/exports/2026/10/01/t.json"),
    ]
    for place in ("tables/shop/fct_events/u/data/x.parquet", "athena-results/transform/x.csv"):
        for action in ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"):
            found.append(Request(f"s3:{action}", f"{S3}/{place}"))
    found += [listing("tables/shop/fct_events/u", FORMER)]
    found += [
        Request(f"s3:{action}", f"{FORMER}/tables/shop/fct_events/u/data/x.parquet") for action in ("GetObject", "DeleteObject")
    ]
    return found + seen_of_dbt() + WORKING_WITH_TASKS + KMS


def seen_of_dbt() -> list[Request]:
    """The calls of dbt builds on local_aws, which `make test-athena` holds to the same list."""
    names = {"{database}": "shop", "{lake}": "shop_lake", "{table}": "fct_events", "athena-results/": "athena-results/transform/"}
    found = []
    for line in DBT_CALLS.read_text().splitlines():
        for name, value in names.items():
            line = line.replace(name, value)
        action, place = line.split(" ")
        kind, _, rest = place.partition("/")
        if kind == "workgroup":
            found.append(Request(action, f"{ATHENA}:workgroup/shop"))
        elif kind == "table":
            found += on_table(action, *rest.split("/"))
        elif kind == "database":
            found += [Request(action, f"{GLUE}:catalog"), Request(action, f"{GLUE}:database/{rest.replace('*', 'shop')}")]
        elif place.startswith("{bucket}?"):
            found.append(listing(place.removeprefix("{bucket}?") + "x"))
        else:
            found.append(Request(action, place.replace("{bucket}", S3) + ("x" if place.endswith("/") else "")))
    return found


def needs_of_checks(access: Iam) -> list[Request]:
    """What `check all` asks for beside what dbt needs, and the report that is put beside the tables."""
    found = [Request(f"cloudformation:{action}", STACK) for action in ("DescribeStacks", "ListStackResources", "GetTemplate")]
    settings = ["BucketPublicAccessBlock", "BucketOwnershipControls", "EncryptionConfiguration", "BucketVersioning"]
    for name in [*settings, "BucketPolicy", "BucketPolicyStatus"]:
        found += [Request(f"s3:Get{name}", bucket) for bucket in (S3, UPLOADS)]
    found += [listing("exports/"), listing("uploads/", UPLOADS)]
    found.append(Request("cloudfront:GetDistributionConfig", resource_of(access, "ChecksPolicy", "LookAtTheDistribution")))
    found += [Request("iam:SimulatePrincipalPolicy", role.arn) for role in access.roles.values()]
    found += [Request("lambda:GetFunctionConfiguration", FUNCTION), Request("codebuild:BatchGetProjects", PROJECT)]
    found += [Request("secretsmanager:GetSecretValue", CANARY), Request("s3:PutObject", REPORT)]
    return [*found, Request("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "shop"})]


def needs_of_reader(kind: str) -> list[Request]:
    """A query over a mart and over `events`, a view over fct_events, from Athena's console or a driver."""
    workgroup = f"{ATHENA}:workgroup/shop-{kind}"
    actions = ["StartQueryExecution", "StopQueryExecution", "GetQueryExecution", "GetQueryResults", "GetQueryResultsStream"]
    actions.append("GetWorkGroup")
    if kind == "analysts":
        actions += ["ListQueryExecutions", "BatchGetQueryExecution", "ListNamedQueries", "BatchGetNamedQuery", "GetNamedQuery"]
    found = [Request(f"athena:{action}", workgroup) for action in actions]
    for action in ("GetDataCatalog", "ListDatabases", "GetDatabase", "ListTableMetadata", "GetTableMetadata"):
        found.append(Request(f"athena:{action}", f"{ATHENA}:datacatalog/AwsDataCatalog"))
    found += [Request("glue:GetDatabase", f"{GLUE}:{where}") for where in ("catalog", "database/default", "database/shop")]
    for table in (*MARTS, "events", "fct_events"):
        for action in ("GetTable", "GetTables", "GetPartitions"):
            found += on_table(f"glue:{action}", "shop", table)
        if table != "events":
            found += [Request("s3:GetObject", f"{S3}/tables/shop/{table}/u/data/x.parquet"), listing(f"tables/shop/{table}/")]
    result = f"{S3}/athena-results/{kind}/x.csv"
    for action in ("GetObject", "PutObject", "AbortMultipartUpload", "ListMultipartUploadParts"):
        found.append(Request(f"s3:{action}", result))
    found.append(listing(f"athena-results/{kind}/x"))
    if kind == "analysts":
        found.append(Request("s3:GetObject", REPORT))
    return [*found, Request("s3:GetBucketLocation", S3), Request("s3:ListBucketMultipartUploads", S3), *KMS]


def needs(access: Iam, role: str) -> list[Request]:
    match role:
        case "ApiRole":
            secrets = next(s for s in access.roles[role].policies["api"]["Statement"] if s["Sid"] == "ReadItsSecrets")["Resource"]
            assert len(secrets) == 2
            found = [Request("secretsmanager:GetSecretValue", arn) for arn in secrets]
            for group in GROUPS:
                found += [Request("logs:CreateLogStream", stream(group)), Request("logs:DescribeLogStreams", in_group(group))]
                found.append(Request("logs:PutLogEvents", stream(group)))
            found += [
                Request("s3:PutObject", f"{S3}/{key}") for key in ("logs/2026/10/01/a/b/000000.gz", "exports/2026/10/01/a.json")
            ]
            found += [Request("s3:PutObject", f"{FORMER}/{folder}/2026/10/01/a") for folder in ("logs", "exports")]
            return [*found, Request("s3:PutObject", f"{UPLOADS}/uploads/cat.png"), *KMS]
        case "ExporterRole":
            own = "/aws/lambda/shop-exporter"
            found = [Request("logs:CreateExportTask", in_group(group)) for group in GROUPS]
            found += [
                Request("s3:PutObject", f"{S3}/{key}") for key in ("logs/2026/10/01/t/s/000000.gz", "exports/2026/10/01/t.json")
            ]
            found += [
                listing("logs/2026/10/01/t/"),
                listing("exports/"),
                Request("s3:GetObject", f"{S3}/exports/2026/10/01/t.json"),
            ]
            found += [Request("logs:CreateLogStream", stream(own)), Request("logs:PutLogEvents", stream(own))]
            return [*found, Request("sqs:SendMessage", QUEUE), *WORKING_WITH_TASKS, *KMS]
        case "SchedulerRole":
            return [
                Request("lambda:InvokeFunction", FUNCTION),
                Request("sqs:SendMessage", QUEUE),
                Request("codebuild:StartBuild", PROJECT),
            ]
        case "DbtRole":
            return needs_of_dbt() + needs_of_checks(access)
        case "TransformRole":
            own = "/aws/codebuild/shop-transform"
            found = [Request("logs:CreateLogStream", stream(own)), Request("logs:PutLogEvents", stream(own))]
            zip_file = resource_of(access, "build", "FetchTheProject")
            found += [Request("s3:GetObject", zip_file), Request("s3:GetObjectVersion", zip_file)]
            return found + needs_of_dbt() + needs_of_checks(access)
        case "AnalystRole":
            return needs_of_reader("analysts")
        case "DashboardsRole":
            return needs_of_reader("dashboards")
    raise AssertionError(f"nobody said what {role} is for")


ROLES = ("ApiRole", "ExporterRole", "SchedulerRole", "DbtRole", "TransformRole", "AnalystRole", "DashboardsRole")


@pytest.fixture(scope="module")
def account(endpoint: str) -> Account:
    return Account(endpoint, NUMBER)


@pytest.fixture(scope="module")
def access(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iam]:
    deploy(account.aws(), make_settings(tmp_path_factory.mktemp("settings"), **SETTINGS))
    simulator = Simulator()
    found = read(simulator, account, "shop", [BUCKET, IMAGES, ARTIFACTS])
    # The old bucket keeps its policy when the name is rotated (test_stack.py).
    former = FORMER.removeprefix("arn:aws:s3:::")
    found.buckets[former] = json.loads(json.dumps(found.buckets[BUCKET]).replace(BUCKET, former))
    yield found
    simulator.close()


def test_the_roles_are_these(access: Iam):
    assert set(access.roles) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_can_do_its_work(access: Iam, role: str):
    assert [str(need) for need in needs(access, role) if not access.allows(role, need)] == []


@pytest.mark.parametrize("role", ROLES)
def test_with_any_permission_less_it_cannot(access: Iam, role: str):
    wanted = needs(access, role)
    idle = [title for title, less in weakened(access.roles[role].policies) if all(access.allows(role, n, less) for n in wanted)]
    assert idle == []


@pytest.mark.parametrize("role", ROLES)
def test_cloudsplaining_finds_nothing_to_complain_about(access: Iam, role: str):
    for name, policy in access.roles[role].policies.items():
        found = PolicyDocument(policy)
        assert found.allows_privilege_escalation == [], name
        assert found.permissions_management_without_constraints == [], name
        assert found.write_actions_without_constraints == [], name
        assert found.allows_data_exfiltration_actions == [], name
        assert found.service_wildcard == [], name
        assert found.credentials_exposure in ([], ["secretsmanager:GetSecretValue"]), name


@pytest.mark.parametrize("role", ROLES)
def test_policies_are_within_the_quotas_of_iam(access: Iam, role: str):
    sizes = {name: len(json.dumps(policy, separators=(",", ":"))) for name, policy in access.roles[role].policies.items()}
    assert all(size <= 6144 for size in sizes.values()), sizes  # a managed policy's; inline ones together may have 10,240


RAW = f"{S3}/logs/2026/10/01/t/s/000000.gz"
RECORD = f"{S3}/exports/2026/10/01/t.json"
REJECTED = f"{S3}/tables/shop/rejected_log_lines/u/data/x.parquet"
BATCH = f"{S3}/tables/shop/batch_lines/u/data/x.parquet"
PAYROLL = "arn:aws:s3:::payroll/may.csv"
FORBIDDEN: dict[str, list[Request]] = {
    "ApiRole": [
        Request("s3:GetObject", RAW),
        Request("s3:GetObject", RECORD),
        Request("s3:GetObject", REJECTED),
        Request("s3:DeleteObject", RAW),
        Request("s3:DeleteObjectVersion", RAW),
        listing("logs/"),
        Request("s3:PutObject", f"{S3}/tables/shop/fct_events/u/data/x.parquet"),
        Request("s3:PutObject", f"{UPLOADS}/index.html"),
        Request("s3:PutObject", f"{UPLOADS}/uploads-elsewhere/cat.png"),
        Request("s3:GetObject", f"{UPLOADS}/uploads/cat.png"),
        Request("s3:DeleteObject", f"{UPLOADS}/uploads/cat.png"),
        Request("s3:PutBucketPolicy", S3),
        Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:payroll-AbCdEf"),
        Request("secretsmanager:PutSecretValue", f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:shop-DatabaseSecret-AbCdEf"),
        Request("logs:PutLogEvents", stream("/payroll")),
        Request("logs:GetLogEvents", stream("/shop/api")),
        Request("logs:DeleteLogGroup", in_group("/shop/api")),
        Request("logs:PutRetentionPolicy", in_group("/shop/api")),
        Request("athena:StartQueryExecution", f"{ATHENA}:workgroup/shop"),
        Request("glue:GetTable", f"{GLUE}:table/shop/fct_events"),
    ],
    "ExporterRole": [
        Request("s3:GetObject", RAW),
        Request("s3:DeleteObject", RAW),
        Request("s3:DeleteObject", RECORD),
        Request("s3:PutObject", f"{S3}/tables/shop/fct_events/u/data/x.parquet"),
        Request("s3:PutObject", PAYROLL),
        listing("tables/"),
        listing(""),
        Request("logs:CreateExportTask", in_group("/payroll")),
        Request("logs:CreateExportTask", in_group("/shop/api-admin")),
        Request("logs:GetLogEvents", stream("/shop/api")),
        Request("logs:DeleteLogGroup", in_group("/shop/api")),
        Request("logs:CancelExportTask", "*"),
        Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:shop-DatabaseSecret-AbCdEf"),
        Request("lambda:UpdateFunctionCode", FUNCTION),
        Request("sqs:ReceiveMessage", QUEUE),
    ],
    "SchedulerRole": [
        Request("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{NUMBER}:function:payroll"),
        Request("codebuild:StartBuild", f"arn:aws:codebuild:{REGION}:{NUMBER}:project/payroll"),
        Request("codebuild:UpdateProject", PROJECT),
        Request("s3:GetObject", RAW),
    ],
    "DbtRole": [
        Request("s3:PutObject", RAW),
        Request("s3:DeleteObject", RAW),
        Request("s3:GetObject", f"{FORMER}/logs/2026/10/01/t/s/000000.gz"),
        Request("s3:DeleteObject", f"{FORMER}/logs/2026/10/01/t/s/000000.gz"),
        Request("s3:DeleteObjectVersion", f"{S3}/tables/shop/fct_events/u/data/x.parquet"),
        Request("s3:PutObject", RECORD),
        Request("s3:DeleteObject", RECORD),
        Request("s3:GetObject", f"{S3}/athena-results/analysts/x.csv"),
        Request("s3:GetObject", PAYROLL),
        Request("s3:PutBucketPolicy", S3),
        Request("s3:PutLifecycleConfiguration", S3),
        Request("athena:StartQueryExecution", f"{ATHENA}:workgroup/primary"),
        Request("athena:UpdateWorkGroup", f"{ATHENA}:workgroup/shop"),
        Request("glue:DeleteDatabase", f"{GLUE}:database/shop"),
        Request("glue:DeleteTable", f"{GLUE}:table/shop_lake/log_lines"),
        Request("glue:CreateTable", f"{GLUE}:table/payroll/x"),
        Request("glue:GetTable", f"{GLUE}:table/payroll/x"),
        Request("logs:CreateExportTask", in_group("/shop/api")),
        Request("logs:GetLogEvents", stream("/shop/api")),
        Request("iam:PassRole", f"arn:aws:iam::{NUMBER}:role/shop-ExporterRole"),
        Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:shop-DatabaseSecret-AbCdEf"),
        Request("secretsmanager:PutSecretValue", CANARY),
        Request("iam:SimulatePrincipalPolicy", f"arn:aws:iam::{NUMBER}:role/payroll"),
        Request("iam:GetRolePolicy", f"arn:aws:iam::{NUMBER}:role/shop-ExporterRole"),
        Request("iam:PutRolePolicy", f"arn:aws:iam::{NUMBER}:role/shop-ExporterRole"),
        Request("cloudformation:GetTemplate", STACK.replace("shop", "payroll")),
        Request("cloudformation:UpdateStack", STACK),
        Request("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "AWS/Lambda"}),
        Request("cloudwatch:PutMetricData", "*"),
        Request("cloudwatch:DeleteAlarms", f"arn:aws:cloudwatch:{REGION}:{NUMBER}:alarm:shop-errors"),
        Request("s3:PutBucketPublicAccessBlock", S3),
        Request("s3:PutEncryptionConfiguration", S3),
        Request("s3:GetObject", f"{UPLOADS}/uploads/cat.png"),
        Request("s3:PutObject", f"{UPLOADS}/uploads/cat.png"),
        listing("", UPLOADS),
        Request("s3:DeleteObject", REPORT),
        Request("lambda:UpdateFunctionConfiguration", FUNCTION),
        Request("lambda:GetFunction", FUNCTION),
        Request("codebuild:StartBuild", PROJECT),
        Request("cloudfront:UpdateDistribution", f"arn:aws:cloudfront::{NUMBER}:distribution/E000000000"),
    ],
    "AnalystRole": [
        Request("s3:GetObject", RAW),
        Request("s3:GetObject", RECORD),
        Request("s3:GetObject", REJECTED),
        Request("s3:GetObject", BATCH),
        Request("s3:GetObject", f"{S3}/tables/shop/batch_copies/u/data/x.parquet"),
        Request("s3:GetObject", f"{S3}/tables/shop/rejected_log_lines__dbt_tmp/u/data/x.parquet"),
        Request("s3:GetObject", f"{S3}/tables/other/daily_events/u/data/x.parquet"),
        Request("s3:GetObject", f"{S3}/athena-results/transform/x.csv"),
        Request("s3:GetObject", f"{S3}/athena-results/dashboards/x.csv"),
        Request("s3:PutObject", f"{S3}/tables/shop/daily_events/u/data/x.parquet"),
        Request("s3:DeleteObject", f"{S3}/tables/shop/daily_events/u/data/x.parquet"),
        Request("s3:PutObject", REPORT),
        listing("logs/"),
        listing("athena-results/transform/"),
        Request("glue:GetTable", f"{GLUE}:table/shop/rejected_log_lines"),
        Request("glue:GetTable", f"{GLUE}:table/shop/batch_lines"),
        Request("glue:GetTable", f"{GLUE}:table/shop_lake/log_lines"),
        Request("glue:DeleteTable", f"{GLUE}:table/shop/daily_events"),
        Request("glue:UpdateTable", f"{GLUE}:table/shop/events"),
        Request("athena:StartQueryExecution", f"{ATHENA}:workgroup/shop"),
        Request("athena:StartQueryExecution", f"{ATHENA}:workgroup/primary"),
        Request("athena:UpdateWorkGroup", f"{ATHENA}:workgroup/shop-analysts"),
        Request("logs:StartQuery", in_group("/shop/api")),
        Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{NUMBER}:secret:shop-DatabaseSecret-AbCdEf"),
    ],
}
FORBIDDEN["TransformRole"] = [
    *FORBIDDEN["DbtRole"],
    Request("s3:PutObject", f"arn:aws:s3:::{ARTIFACTS}/project/x.zip"),
    Request("s3:GetObject", f"arn:aws:s3:::{ARTIFACTS}/template/x.json"),
    Request("codebuild:UpdateProject", PROJECT),
]
FORBIDDEN["DashboardsRole"] = [
    *(one for one in FORBIDDEN["AnalystRole"] if "dashboards" not in one.resource),
    Request("s3:GetObject", f"{S3}/athena-results/analysts/x.csv"),
    Request("athena:StartQueryExecution", f"{ATHENA}:workgroup/shop-analysts"),
    Request("s3:GetObject", REPORT),
]


@pytest.mark.parametrize(
    ("role", "request_"), [pytest.param(role, one, id=f"{role} {one}") for role, all_ in FORBIDDEN.items() for one in all_]
)
def test_a_role_can_do_nothing_else(access: Iam, role: str, request_: Request):
    assert not access.allows(role, request_)


def test_nobody_gets_anything_over_plain_http(access: Iam):
    over_http = {"aws:SecureTransport": "false"}
    for role in ROLES:
        for need in needs(access, role):
            if need.resource.startswith("arn:aws:s3:::shop"):
                assert not access.allows(role, Request(need.action, need.resource, dict(need.keys) | over_http)), need


ALL_OF_S3 = {"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}}


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        (f"arn:aws:iam::{NUMBER}:role/auditor", True),
        (f"arn:aws:iam::{NUMBER}:role/somebody", False),
        (f"arn:aws:iam::{NUMBER}:user/somebody", False),
    ],
)
def test_the_export_bucket_is_read_by_named_roles_only_whatever_others_may(access: Iam, principal: str, may: bool):
    for key in (RAW, RECORD, REJECTED):
        assert access.allows_anyone(principal, Request("s3:GetObject", key), ALL_OF_S3) is may
        assert access.allows_anyone(principal, Request("s3:GetObjectVersion", key), ALL_OF_S3) is may


LOGS_SERVICE, CLOUDFRONT = f"logs.{REGION}.amazonaws.com", "cloudfront.amazonaws.com"


def from_logs(account: str = NUMBER, group: str = GROUPS[0]) -> dict[str, str]:
    return {"aws:SourceAccount": account, "aws:SourceArn": f"arn:aws:logs:{REGION}:{account}:log-group:{group}:*"}


@pytest.mark.parametrize(
    ("request_", "may"),
    [
        *((Request("s3:PutObject", RAW, from_logs(group=group)), True) for group in GROUPS),
        *((Request("s3:GetBucketAcl", S3, from_logs(group=group)), True) for group in GROUPS),
        (Request("s3:PutObject", RAW), False),
        (Request("s3:PutObject", RAW, from_logs(group="/payroll")), False),
        (Request("s3:PutObject", RAW, from_logs("999988887777")), False),
        (Request("s3:PutObject", RECORD, from_logs()), False),
        (Request("s3:GetObject", RAW, from_logs()), False),
        (Request("s3:PutObject", f"{UPLOADS}/uploads/cat.png", from_logs()), False),
    ],
    ids=str,
)
def test_cloudwatch_logs_writes_exports_of_our_log_groups_and_nothing_else(access: Iam, request_: Request, may: bool):
    assert access.allows_anyone(LOGS_SERVICE, request_) is may


def test_cloudfront_reads_images_for_our_distribution_and_nothing_else(access: Iam, account: Account):
    resources = account.client("cloudformation").describe_stack_resources(StackName="shop")["StackResources"]
    (distribution,) = [r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] == "ImageDistribution"]
    ours = {"aws:SourceArn": f"arn:aws:cloudfront::{NUMBER}:distribution/{distribution}"}
    theirs = {"aws:SourceArn": f"arn:aws:cloudfront::{NUMBER}:distribution/E000000000"}
    assert access.allows_anyone(CLOUDFRONT, Request("s3:GetObject", f"{UPLOADS}/uploads/cat.png", ours))
    assert not access.allows_anyone(CLOUDFRONT, Request("s3:GetObject", f"{UPLOADS}/uploads/cat.png", theirs))
    assert not access.allows_anyone(CLOUDFRONT, Request("s3:GetObject", f"{UPLOADS}/uploads/cat.png"))
    assert not access.allows_anyone(CLOUDFRONT, Request("s3:GetObject", RAW, ours))
    assert not access.allows_anyone(CLOUDFRONT, Request("s3:PutObject", f"{UPLOADS}/uploads/cat.png", ours))


GITHUB = "token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("subject", "audience", "may"),
    [
        ("repo:shop/analytics:ref:refs/heads/main", "sts.amazonaws.com", True),
        ("repo:shop/analytics:ref:refs/heads/mine", "sts.amazonaws.com", False),
        ("repo:shop/analytics:pull_request", "sts.amazonaws.com", False),
        ("repo:shop/other:ref:refs/heads/main", "sts.amazonaws.com", False),
        ("repo:shop/analytics2:ref:refs/heads/main", "sts.amazonaws.com", False),
        ("repo:shop/analytics:ref:refs/heads/main", "elsewhere", False),
    ],
)
def test_github_actions_of_one_branch_of_one_repository_become_dbt(access: Iam, subject: str, audience: str, may: bool):
    keys = {f"{GITHUB}:sub": subject, f"{GITHUB}:aud": audience}
    provider = f"arn:aws:iam::{NUMBER}:oidc-provider/{GITHUB}"
    assert access.trusts("DbtRole", provider, "sts:AssumeRoleWithWebIdentity", keys) is may


@pytest.mark.parametrize(
    ("role", "service", "keys"),
    [
        ("ApiRole", "ec2.amazonaws.com", {}),
        ("ExporterRole", "lambda.amazonaws.com", {}),
        ("SchedulerRole", "scheduler.amazonaws.com", {"aws:SourceAccount": NUMBER}),
        ("TransformRole", "codebuild.amazonaws.com", {"aws:SourceAccount": NUMBER}),
    ],
)
def test_a_services_role_is_taken_by_that_service_only(access: Iam, role: str, service: str, keys: dict[str, str]):
    assert access.trusts(role, service, "sts:AssumeRole", keys)
    assert not access.trusts(role, "glue.amazonaws.com", "sts:AssumeRole", keys)
    assert not access.trusts(role, "arn:aws:iam::999988887777:role/x", "sts:AssumeRole", keys)
    if keys:
        assert not access.trusts(role, service, "sts:AssumeRole", {"aws:SourceAccount": "999988887777"})


# --- The roles' real code, asked before each call ---


def refusing(access: Iam, role: str, made: list[Request]) -> Any:
    def refuse(request: Request) -> None:
        made.append(request)
        if not access.allows(role, request):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": f"{role} may not {request}"}}, request.action)

    return refuse


def exporters_needs(operation: str, parameters: dict) -> list[Request]:
    if "fromTime" in parameters:
        parameters = parameters | {"from": parameters["fromTime"]}
    found = exporter_iam.needed(operation, REGION, parameters)
    # What lists the account names no resource.
    return [Request(n.action, "*" if n.action.startswith("logs:Describe") else n.resource, n.keys) for n in found]


def test_the_exporters_code_runs_as_its_role(access: Iam, monkeypatch: pytest.MonkeyPatch):
    aws = memory.Account()
    aws.buckets[BUCKET] = {}
    for group in GROUPS:
        aws.add_group(group, retention_days=60)
        aws.log(group, aws.now_ms - 24 * days.HOUR_MS)
    made: list[Request] = []
    refuse = refusing(access, "ExporterRole", made)
    clients = {"logs": Guarded(aws.aws.logs, exporters_needs, refuse), "s3": Guarded(aws.aws.s3, exporters_needs, refuse)}
    monkeypatch.setattr(boto3, "client", lambda service, **_: clients[service])
    monkeypatch.setattr(handler, "Clock", lambda: Clock(lambda: aws.now_ms, lambda ms: aws.pass_time(ms=ms)))
    for name, value in {
        "ANALYTICS_BUCKET": BUCKET,
        "EXPORT_LOG_GROUPS": ",".join(GROUPS),
        "EXPORT_FIRST_DAY": days.as_date(days.day_of(aws.now_ms) - 1).isoformat(),
    }.items():
        monkeypatch.setenv(name, value)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)
    aws.pass_time(hours=20)
    done = handler.handler({}, context)
    assert done["published"] >= len(GROUPS), done
    assert done["problems"] == {}
    assert {request.action for request in made} >= {"logs:CreateExportTask", "s3:PutObject", "s3:ListBucket"}


def glues_needs(operation: str, parameters: dict) -> list[Request]:
    database = parameters.get("Name") if operation == "GetDatabase" else parameters["DatabaseName"]
    if operation == "GetDatabase":
        return [Request("glue:GetDatabase", f"{GLUE}:{where}") for where in ("catalog", f"database/{database}")]
    return on_table(f"glue:{operation}", database, parameters.get("Name") or parameters["TableInput"]["Name"])


@pytest.mark.parametrize("role", ["DbtRole", "TransformRole"])
def test_the_code_of_tables_runs_as_the_roles_of_dbt(access: Iam, account: Account, role: str):
    made: list[Request] = []
    glue = Guarded(account.client("glue"), glues_needs, refusing(access, role, made))
    where = tables.Location(BUCKET, "", days.as_date(20_000))
    tables.reconcile(glue, "shop_lake", where)
    tables.reconcile(glue, "shop_lake", tables.Location(BUCKET, "", days.as_date(20_001)))
    assert tables.reconcile(glue, "shop_lake", tables.Location(BUCKET, "", days.as_date(20_001))) == []
    assert "glue:UpdateTable" in {request.action for request in made}
    for table in ("log_lines", "export_records"):
        account.client("glue").delete_table(DatabaseName="shop_lake", Name=table)


def needs_of_check_access(operation: str, parameters: dict) -> list[Request]:
    match operation:
        case "DescribeStacks" | "ListStackResources" | "GetTemplate":
            return [Request(f"cloudformation:{operation}", STACK)]
        case "ListObjectsV2":
            return [listing(parameters["Prefix"], f"arn:aws:s3:::{parameters['Bucket']}")]
        case "SimulatePrincipalPolicy":
            return [Request("iam:SimulatePrincipalPolicy", parameters["PolicySourceArn"])]
        case "GetDistributionConfig":
            return [Request("cloudfront:GetDistributionConfig", f"arn:aws:cloudfront::{NUMBER}:distribution/{parameters['Id']}")]
        case "GetFunctionConfiguration":
            return [Request("lambda:GetFunctionConfiguration", FUNCTION)]
        case "BatchGetProjects":
            return [Request("codebuild:BatchGetProjects", PROJECT)]
    renamed = {"GetPublicAccessBlock": "GetBucketPublicAccessBlock", "GetBucketEncryption": "GetEncryptionConfiguration"}
    return [Request(f"s3:{renamed.get(operation, operation)}", f"arn:aws:s3:::{parameters['Bucket']}")]


@pytest.mark.parametrize("role", ["DbtRole", "TransformRole"])
def test_the_code_of_check_access_runs_as_the_roles_that_check(access: Iam, account: Account, role: str):
    made: list[Request] = []
    refuse = refusing(access, role, made)
    nowhere = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    strangers = boto3.client("s3", endpoint_url="http://127.0.0.1:1", region_name=REGION, config=nowhere)
    world = World(account, access.simulator, strangers, access)
    world.before_each = lambda operation, parameters: [refuse(need) for need in needs_of_check_access(operation, parameters)]
    unknown = {line.name: line.detail for line in check(world.aws(), "shop") if line.status == UNKNOWN}
    world.before_each = None
    assert unknown.keys() == {"export bucket: strangers", "image bucket: strangers"}
    assert all("Could not connect" in detail for detail in unknown.values())
    services = {request.action.split(":")[0] for request in made}
    assert services == {"cloudformation", "s3", "iam", "cloudfront", "lambda", "codebuild"}


def test_the_code_of_tables_does_not_run_as_an_analyst(access: Iam, account: Account):
    glue = Guarded(account.client("glue"), glues_needs, refusing(access, "AnalystRole", []))
    with pytest.raises(Exception, match="AnalystRole may not"):
        tables.reconcile(glue, "shop_lake", tables.Location(BUCKET, "", days.as_date(20_000)))


def test_there_are_enough_refusals():
    assert sum(len(all_) for all_ in FORBIDDEN.values()) >= 40
