"""Every AWS call in dbt-athena's source is either allowed to dbt's roles or known not to be made here: a new version with a new
call fails this test before it fails in an account."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from private_analytics.project import paths
from private_analytics.stack import template

# What the adapter's Python calls, by file; Spark (python_submissions, session) and Lake Formation are not used here.
NOT_USED = {"python_submissions.py", "session.py", "lakeformation.py"}
CALLS = {
    "athena:StartQueryExecution": "start_query_execution",
    "athena:StopQueryExecution": "stop_query_execution",
    "athena:GetQueryExecution": "get_query_execution",
    "athena:GetQueryResults": "get_query_results",
    "athena:GetWorkGroup": "get_work_group",
    "glue:GetDatabase": "get_database",
    "glue:GetDatabases": "get_databases",
    "glue:GetTable": "get_table",
    "glue:GetTables": "get_tables",
    "glue:GetTableVersions": "get_table_versions",
    "glue:GetPartitions": "get_partitions",
    "glue:UpdateTable": "update_table",
    "glue:DeleteTable": "delete_table",
    "glue:DeleteTableVersion": "delete_table_version",
    "s3:PutObject": "upload_file",
}
NOT_NEEDED = {
    "batch_create_partition": "only for Hive tables with partitions; ours are Iceberg, and seeds have none",
    "batch_delete_partition": "as batch_create_partition",
    "delete_database": "only drop schema, which nobody does here",
    "list_table_metadata": "only for catalogs that are not Glue",
    "list_data_catalogs": "only for catalogs that are not Glue",
    "get_data_catalog": "only for catalogs other than awsdatacatalog",
    "get_caller_identity": "asks for no permission",
    "assume_role": "only where the profile names a role",
    "get_paginator": "see what it pages through",
}


def called() -> set[str]:
    folder = Path(find_spec("dbt.adapters.athena").origin).parent
    found: set[str] = set()
    for file in folder.glob("*.py"):
        if file.name not in NOT_USED:
            text = file.read_text()
            found |= set(re.findall(r"\b_?(?:athena_client|glue_client|s3_client|sts|client)\.([a-z]+_[a-z_]+)\b", text))
            found -= {"region_name"}
            found |= set(re.findall(r"get_paginator\(\s*\"([a-z_]+)\"", text))
    return found


def actions_of_dbt() -> set[str]:
    policy = template.merge(template.read_parts())["Resources"]["DbtPolicy"]["Properties"]["PolicyDocument"]
    allowed: set[str] = set()
    for statement in policy["Statement"]:
        if "Action" in statement:
            allowed |= {statement["Action"]} if isinstance(statement["Action"], str) else set(statement["Action"])
    return allowed


def test_every_call_is_allowed_or_not_needed():
    found = called()
    assert "start_query_execution" in found
    assert "get_databases" in found
    unknown = found - set(CALLS.values()) - NOT_NEEDED.keys()
    assert unknown == set()


def test_what_the_adapter_calls_dbt_may_do():
    assert set(CALLS) <= actions_of_dbt()


def test_analysts_read_every_table_but_those_with_raw_lines():
    """What the policy denies by name, against the models that have a column with a raw line."""
    statements = template.merge(template.read_parts())["Resources"]["ReadTables"]["Properties"]["PolicyDocument"]["Statement"]
    resources = {s["Sid"]: s["Resource"] for s in statements if "Sid" in s}
    denied = [re.search(r"/\$\{Database\}/([\w*]+)$", item["Fn::Sub"][0])[1] for item in resources["SeeNoRawLines"]]
    assert denied == [re.search(r"/([\w*]+)$", item["Fn::Sub"][0])[1] for item in resources["ReadNoRawLines"]]
    models = paths.root() / "models"
    with_raw_lines = {
        path.stem for path in models.rglob("*.sql") if re.search(r"(?m)^ +(.+ end as |\w+\.)?line,?$", path.read_text())
    }
    assert with_raw_lines == {"batch_lines", "batch_copies", "batch_identified", "rejected_log_lines"}
    for path in models.rglob("*.sql"):
        is_denied = any(re.fullmatch(name.replace("*", ".*"), path.stem) for name in denied)
        assert is_denied is (path.stem in with_raw_lines or path.stem.startswith("batch_")), path.stem
