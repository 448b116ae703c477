"""What each role of a stack must be able to do, and what it must not. `check access` asks IAM (simulated.py)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PermissionRule:
    """Actions on places. A place begins with a {name} of simulated.places(). prefix: the prefix of the keys to list."""

    actions: tuple[str, ...]
    places: tuple[str, ...]
    prefix: str = ""


def rule(actions: str, *places: str, prefix: str = "") -> PermissionRule:
    """`actions` are separated by spaces."""
    return PermissionRule(tuple(actions.split()), places, prefix)


RAW = "{exports}/logs/2026/10/01/task/stream/000000.gz"
RECORD = "{exports}/exports/2026/10/01/task.json"
MART = "{exports}/tables/{database}/daily_events/x.parquet"
REJECTED = "{exports}/tables/{database}/rejected_log_lines/x.parquet"
IMAGE = "{images}/{uploads}/cat.png"
RESULTS = "{exports}/athena-results"
SECRETS = ("{database_secret}", "{bucket_secret}")
DELETING = "s3:DeleteObject s3:DeleteObjectVersion"

DBT_MUST = [
    rule("s3:GetObject", RAW, RECORD, MART, REJECTED),
    rule("s3:PutObject s3:DeleteObject", MART, REJECTED),
    rule("s3:PutObject", f"{RESULTS}/transform/x.csv", "{exports}/report/report.html"),
    rule("athena:StartQueryExecution athena:GetQueryResults", "{athena}:workgroup/{prefix}"),
    rule("glue:CreateTable glue:UpdateTable", "{glue}:table/{database}/daily_events", "{glue}:table/{lake}/log_lines"),
]
DBT_MUST_NOT = [
    rule("s3:PutObject", RAW, RECORD),
    rule("s3:GetObject s3:PutObject s3:DeleteObject", IMAGE),
    rule("s3:GetObject", f"{RESULTS}/analysts/x.csv"),
    rule("s3:DeleteObjectVersion", MART),
    rule("glue:DeleteDatabase", "{glue}:database/{database}"),
    rule("secretsmanager:GetSecretValue", *SECRETS),
]
READER_MUST_NOT = [
    rule("s3:GetObject", RAW, RECORD, REJECTED, f"{RESULTS}/transform/x.csv"),
    rule("s3:ListBucket", "{exports}", prefix="logs/"),
    rule("glue:GetTable", "{glue}:table/{database}/rejected_log_lines", "{glue}:table/{lake}/log_lines"),
    rule("s3:PutObject s3:DeleteObject", MART),
    rule("athena:StartQueryExecution", "{athena}:workgroup/{prefix}"),
    rule("secretsmanager:GetSecretValue", *SECRETS),
]

MUST = {
    "ApiRole": [
        rule("secretsmanager:GetSecretValue", *SECRETS),
        rule("s3:PutObject", RAW, RECORD, IMAGE),
        rule("logs:CreateLogStream logs:PutLogEvents", "{api_logs}:log-stream:one"),
    ],
    "ExporterRole": [
        rule("logs:CreateExportTask", "{api_logs}:log-stream:"),
        rule("s3:PutObject", RAW, RECORD),
        rule("s3:GetObject", RECORD),
        rule("s3:ListBucket", "{exports}", prefix="exports/"),
    ],
    "SchedulerRole": [rule("lambda:InvokeFunction", "{exporter}"), rule("codebuild:StartBuild", "{transform}")],
    "TransformRole": [*DBT_MUST, rule("logs:PutLogEvents", "{logs}:log-group:/aws/codebuild/{prefix}-transform:log-stream:one")],
    "DbtRole": DBT_MUST,
    "AnalystRole": [
        rule("s3:GetObject", MART, "{exports}/report/report.html"),
        rule("glue:GetTable", "{glue}:table/{database}/events"),
        rule("athena:StartQueryExecution athena:GetQueryResults", "{athena}:workgroup/{prefix}-analysts"),
        rule("s3:PutObject", f"{RESULTS}/analysts/x.csv"),
    ],
    "DashboardsRole": [
        rule("s3:GetObject", MART),
        rule("glue:GetTable", "{glue}:table/{database}/events"),
        rule("athena:StartQueryExecution athena:GetQueryResults", "{athena}:workgroup/{prefix}-dashboards"),
        rule("s3:PutObject", f"{RESULTS}/dashboards/x.csv"),
    ],
}
MUST_NOT = {
    "ApiRole": [
        rule("s3:GetObject", RAW, RECORD, MART, REJECTED, IMAGE),
        rule("s3:ListBucket", "{exports}", prefix="logs/"),
        rule("s3:PutObject", MART, "{images}/index.html"),
        rule(DELETING, IMAGE, MART),
        rule("secretsmanager:PutSecretValue", *SECRETS),
        rule("athena:StartQueryExecution", "{athena}:workgroup/{prefix}"),
    ],
    "ExporterRole": [
        rule("s3:GetObject", RAW, MART, REJECTED),
        rule("s3:PutObject", MART),
        rule(DELETING, MART),
        rule("logs:GetLogEvents", "{api_logs}:log-stream:one"),
        rule("secretsmanager:GetSecretValue", *SECRETS),
    ],
    "SchedulerRole": [rule("s3:GetObject", RAW, MART), rule("secretsmanager:GetSecretValue", *SECRETS)],
    "TransformRole": DBT_MUST_NOT,
    "DbtRole": DBT_MUST_NOT,
    "AnalystRole": [*READER_MUST_NOT, rule("s3:GetObject", f"{RESULTS}/dashboards/x.csv")],
    "DashboardsRole": [*READER_MUST_NOT, rule("s3:GetObject", f"{RESULTS}/analysts/x.csv")],
}
NOBODY = [
    rule(DELETING, RAW, RECORD),
    rule("s3:PutBucketPolicy s3:DeleteBucketPolicy s3:PutBucketPublicAccessBlock", "{exports}", "{images}"),
    rule("s3:PutEncryptionConfiguration s3:PutLifecycleConfiguration s3:DeleteBucket", "{exports}", "{images}"),
    rule("logs:DeleteLogGroup logs:PutRetentionPolicy", "{api_logs}", "{api_logs}:log-stream:"),
    rule("iam:PutRolePolicy iam:AttachRolePolicy iam:UpdateAssumeRolePolicy iam:PassRole", "{analyst}"),
    rule("lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration", "{exporter}"),
    rule("codebuild:UpdateProject", "{transform}"),
]
