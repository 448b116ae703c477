"""Asks IAM whether each role can do its work and nothing that it must not, as listed in roles.py.

IAM simulates a role's own policies, permissions boundary and organization. Bucket policies are not "supported for IAM roles":
the line `readers` checks what the export bucket's policy adds.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from ...errors import UserError
from .roles import MUST, MUST_NOT, NOBODY, PermissionRule
from .stack import AccessCheck, DeployedStack

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef

ADVICE = (
    "Detach what was attached by hand, then: pal stack deploy --revert-drift. If the policies are the template's and a role"
    " cannot do its work, the organization's policies (SCPs) or a permissions boundary deny it."
)


def lines(iam: IAMClient, stack: DeployedStack) -> list[AccessCheck]:
    """A check for each role of the stack. A role that you added must not do what no role may do."""
    names = places(stack)
    found = []
    for role in stack.of_type("AWS::IAM::Role"):
        must, must_not = _resolved(MUST.get(role, []), names), _resolved(MUST_NOT.get(role, []) + NOBODY, names)
        good = f"can do its work ({_count(must)} actions), and none of {_count(must_not)} that it must not"
        found.append(AccessCheck(role, partial(_fault, iam, stack.role(role), must, must_not), good, ADVICE))
    return found


def places(stack: DeployedStack) -> dict[str, str]:
    """What the {names} of the table stand for. Without images or a transform in the stack, their names are missing."""
    ids, outputs, parameters = stack.ids, stack.outputs, stack.parameters
    glue, athena, logs, function, project = (
        f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}"
        for service in ("glue", "athena", "logs", "lambda", "codebuild")
    )
    named = {
        "prefix": parameters["NamePrefix"],
        "database": outputs["AnalyticsDatabaseName"],
        "lake": outputs["LakeDatabaseName"],
        "uploads": parameters["ImageUploadPrefix"],
        "database_secret": outputs["DatabaseSecretArn"],
        "bucket_secret": outputs["BucketSecretArn"],
        "analyst": stack.role("AnalystRole"),
        "exports": f"arn:{stack.partition}:s3:::{ids['ExportBucket']}",
        "glue": glue,
        "athena": athena,
        "logs": logs,
        "api_logs": f"{logs}:log-group:{ids['ApiLogs']}",
        "exporter": f"{function}:function:{ids['Exporter']}",
    }
    if "ImageBucket" in ids:
        named["images"] = f"arn:{stack.partition}:s3:::{ids['ImageBucket']}"
    if "TransformProject" in ids:
        named["transform"] = f"{project}:project/{ids['TransformProject']}"
    return named


def _resolved(rules: list[PermissionRule], names: dict[str, str]) -> list[PermissionRule]:
    """The rules with ARNs for places. A place whose name the stack does not have is left out."""
    found = []
    for rule in rules:
        there = [place.format(**names) for place in rule.places if place[1 : place.index("}")] in names]
        if there:
            found.append(PermissionRule(rule.actions, tuple(there), rule.prefix))
    return found


def _count(rules: list[PermissionRule]) -> int:
    return sum(len(rule.actions) * len(rule.places) for rule in rules)


def _fault(iam: IAMClient, role: str, must: list[PermissionRule], must_not: list[PermissionRule]) -> str:
    """The first thing that is wrong, or ''."""
    for wanted, verb, rules in ((True, "cannot do", must), (False, "can do", must_not)):
        for rule in rules:
            for action, place, may in _simulated(iam, role, rule):
                if may is not wanted:
                    return f"{verb} {action} on {place}"
    return ""


def _simulated(iam: IAMClient, role: str, rule: PermissionRule) -> Iterator[tuple[str, str, bool]]:
    """IAM's answer for each action and place. Raises UserError if one is missing."""
    prefix: ContextEntryTypeDef = {"ContextKeyName": "s3:prefix", "ContextKeyType": "string", "ContextKeyValues": [rule.prefix]}
    answers = 0
    for page in iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role,
        ActionNames=list(rule.actions),
        ResourceArns=list(rule.places),
        ContextEntries=[prefix] if rule.prefix else [],
    ):
        for result in page["EvaluationResults"]:
            # IAM answers either with one result per action that lists the places, or with one result per action and place.
            by_place = [
                (one["EvalResourceName"], one["EvalResourceDecision"]) for one in result.get("ResourceSpecificResults", ())
            ]
            for place, decision in by_place or [(result["EvalResourceName"], result["EvalDecision"])]:
                answers += 1
                yield result["EvalActionName"], place, decision == "allowed"
    if answers < len(rule.actions) * len(rule.places):
        raise UserError(f"IAM did not answer for all of {', '.join(rule.actions)} for {role}.")
