"""An IAM that asks, before each call of a boto3 client, whether a policy allows it; and says no as AWS does.

Written from the Service Authorization Reference (which action and resource a call asks for) and the rules of policy evaluation
(a Deny wins, else one Allow is needed). moto's own does not ask for what its export tasks, and ours, do.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Request:
    """What a call asks for; `keys` are what conditions may look at."""

    action: str
    resource: str
    keys: Mapping[str, str]


def needed(operation: str, region: str, parameters: Mapping[str, Any]) -> list[Request]:
    """All that a call needs. An operation that is not known here is an error: nobody said that an exporter may call it."""
    log_group = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{parameters.get('logGroupName', '')}"
    bucket = f"arn:aws:s3:::{parameters.get('Bucket') or parameters.get('destination')}"
    key = f"{bucket}/{parameters.get('Key')}"
    needs = {
        "DescribeLogGroups": [("logs:DescribeLogGroups", f"arn:aws:logs:{region}:{ACCOUNT}:log-group::log-stream:", {})],
        "DescribeExportTasks": [("logs:DescribeExportTasks", f"arn:aws:logs:{region}:{ACCOUNT}:export-task", {})],
        "CreateExportTask": [
            ("logs:CreateExportTask", f"{log_group}:log-stream:", {}),
            ("s3:PutObject", f"{bucket}/{parameters.get('destinationPrefix')}/task/stream/000000.gz", {}),
        ],
        "ListObjectsV2": [("s3:ListBucket", bucket, {"s3:prefix": parameters.get("Prefix", "")})],
        "HeadBucket": [("s3:ListBucket", bucket, {})],
        "PutObject": [("s3:PutObject", key, {})],
        "GetObject": [("s3:GetObject", key, {})],
    }
    return [Request(*need) for need in needs[operation]]


def allows(statements: list[dict], request: Request) -> bool:
    effects = {statement["Effect"] for statement in statements if _is_about(statement, request)}
    return effects == {"Allow"}


def _is_about(statement: Mapping[str, Any], request: Request) -> bool:
    actions = [action.lower() for action in listed(statement["Action"])]
    return (
        _like(request.action.lower(), actions)
        and _like(request.resource, listed(statement["Resource"]))
        and all(
            key in request.keys
            and {"StringLike": _like, "StringEquals": lambda a, b: a in b}[operator](request.keys[key], listed(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _like(text: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def one_by_one(statements: list[dict]) -> list[dict]:
    """The same as statements of one action on one resource under one value of a condition each."""
    return [
        statement | {"Action": action, "Resource": resource} | condition
        for statement in statements
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        for condition in _conditions(statement)
    ]


def _conditions(statement: Mapping[str, Any]) -> list[dict]:
    tests = [(operator, key, values) for operator, keys in statement.get("Condition", {}).items() for key, values in keys.items()]
    if len(tests) != 1:
        return [{}]
    [(operator, key, values)] = tests
    return [{"Condition": {operator: {key: value}}} for value in listed(values)]


def guard(client: Any, statements: list[dict], before: Callable[[], None]) -> Any:
    """The client, of which each call is asked for first; `before` is called before each."""

    def remember(params: dict, context: dict, **_: Any) -> None:
        context["parameters"] = params

    def judge(model: Any, context: dict, **_: Any) -> Any:
        before()
        for request in needed(model.name, client.meta.region_name, context["parameters"]):
            if not allows(statements, request):
                text = f"User: exporter is not authorized to perform: {request.action} on resource: {request.resource}"
                code = "AccessDenied" if client.meta.service_model.service_name == "s3" else "AccessDeniedException"
                answer = {
                    "Error": {"Code": code, "Message": text},
                    "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": {}},
                }
                return SimpleNamespace(status_code=403), answer
        return None

    client.meta.events.register("provide-client-params", remember)
    client.meta.events.register("before-call", judge)
    return client
