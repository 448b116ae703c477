"""IAM as AWS evaluates it, over the policies of a stack that is deployed."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from helpers import REPOSITORY
from helpers.stack_account import Account

SIMULATOR = REPOSITORY / "tests" / "infra" / "simulate.mjs"

# A key's usual policy: the account's own policies decide.
KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}


@dataclass(frozen=True)
class Request:
    """What somebody wants to do; `keys` are what conditions look at."""

    action: str
    resource: str
    keys: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource} {dict(self.keys) or ''}".rstrip()


class Simulator:
    """The library that evaluates, in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", str(SIMULATOR)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=SIMULATOR.parent
        )

    def ask(self, question: dict) -> str:
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert not answer.get("errors"), f"{question['request']}: {answer['errors']}"
        return answer["result"]

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)


@dataclass
class Role:
    """A role's ARN, the policies that are attached to it in any way, and its trust policy."""

    arn: str
    policies: dict[str, dict]
    trust: dict


@dataclass
class Iam:
    """The roles of a stack by logical id, and the policies of buckets by name."""

    simulator: Simulator
    account: str
    roles: dict[str, Role]
    buckets: dict[str, dict]

    def allows(self, role: str, request: Request, policies: dict[str, dict] | None = None) -> bool:
        """Whether a role may; `policies` take the place of its own."""
        held = self.roles[role].policies if policies is None else policies
        return self._result(self.roles[role].arn, request, held) == "Allowed"

    def allows_anyone(self, principal: str, request: Request, policies: dict[str, dict] | None = None) -> bool:
        """Whether a principal that is none of the stack's may: a service, or somebody with policies of their own."""
        return self._result(principal, request, policies or {}) == "Allowed"

    def trusts(self, role: str, principal: str, action: str, keys: Mapping[str, str]) -> bool:
        question = self._question(principal, Request(action, self.roles[role].arn, keys), {})
        question["resourcePolicy"] = self.roles[role].trust
        # Of identity providers' keys the library knows Google's; GitHub's mean the same, so they go by that name.
        renamed = json.dumps(question).replace('"token.actions.githubusercontent.com:', '"accounts.google.com:')
        return self.simulator.ask(json.loads(renamed)) == "Allowed"

    def simulated(self, parameters: Mapping[str, Any]) -> dict:
        """What iam:SimulatePrincipalPolicy answers: of the role's own policies, as it takes no bucket's policy for a role."""
        (role,) = [role for role in self.roles.values() if role.arn == parameters["PolicySourceArn"]]
        keys = {entry["ContextKeyName"]: entry["ContextKeyValues"][0] for entry in parameters.get("ContextEntries", ())}
        decisions = {"Allowed": "allowed", "ImplicitlyDenied": "implicitDeny", "ExplicitlyDenied": "explicitDeny"}
        results = []
        for action in parameters["ActionNames"]:
            by_place = []
            for arn in parameters["ResourceArns"]:
                decision = self.simulator.ask(self._question(role.arn, Request(action, arn, keys), role.policies))
                by_place.append({"EvalResourceName": arn, "EvalResourceDecision": decisions[decision]})
            whole = {one["EvalResourceDecision"] for one in by_place}
            overall = next(iter(whole)) if len(whole) == 1 else "implicitDeny"
            result = {"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": overall}
            results.append(result | {"ResourceSpecificResults": by_place})
        return {"EvaluationResults": results, "IsTruncated": False}

    def _result(self, principal: str, request: Request, policies: dict[str, dict]) -> str:
        question = self._question(principal, request, policies)
        if request.resource.startswith("arn:aws:s3:::"):
            bucket = request.resource.removeprefix("arn:aws:s3:::").split("/")[0]
            if bucket in self.buckets:
                question["resourcePolicy"] = self.buckets[bucket]
        if request.resource.startswith("arn:aws:kms:"):
            question["resourcePolicy"] = KEY_POLICY
        return self.simulator.ask(question)

    def _question(self, principal: str, request: Request, policies: dict[str, dict]) -> dict:
        keys = {"aws:SecureTransport": "true"} | dict(request.keys)
        if principal.startswith("arn:"):
            keys |= {"aws:PrincipalArn": principal, "aws:PrincipalAccount": self.account}
        return {
            "request": {
                "principal": principal,
                "action": request.action,
                "resource": {"resource": request.resource, "accountId": self.account},
                "contextVariables": keys,
            },
            "identityPolicies": [{"name": name, "policy": policy} for name, policy in policies.items()],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
        }


def read(simulator: Simulator, account: Account, stack: str, buckets: list[str]) -> Iam:
    """The policies as they were deployed, asked of IAM and S3."""
    iam, s3 = account.client("iam"), account.client("s3")
    pages = account.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    roles = {}
    for item in (item for page in pages for item in page["StackResourceSummaries"]):
        if item["ResourceType"] == "AWS::IAM::Role":
            name = item["PhysicalResourceId"]
            found = iam.get_role(RoleName=name)["Role"]
            inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
            policies = {policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in inline}
            for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
                document = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"]
                policies[attached["PolicyName"]] = document
            roles[item["LogicalResourceId"]] = Role(found["Arn"], policies, found["AssumeRolePolicyDocument"])
    return Iam(
        simulator,
        account.number,
        roles,
        {name: json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]) for name in buckets},
    )


def weakened(policies: dict[str, dict]) -> Iterator[tuple[str, dict[str, dict]]]:
    """The policies with one permission less, in every way: an action, resource, or condition's value is taken out."""
    for name, policy in policies.items():
        for number, statement in enumerate(policy["Statement"]):
            if statement["Effect"] == "Deny":
                continue
            for title, path in _parts(statement):
                less = copy.deepcopy(policies)
                changed = less[name]["Statement"][number]
                if _take_out(changed, path):
                    yield f"{statement.get('Sid', number)} without {title}", less
                else:
                    del less[name]["Statement"][number]
                    yield f"no {statement.get('Sid', number)}, which is for {title} alone", less


def _parts(statement: dict) -> Iterator[tuple[str, tuple]]:
    for key in ("Action", "Resource"):
        for value in listed(statement[key]):
            yield value, (key, value)
    for operator, conditions in statement.get("Condition", {}).items():
        for condition, values in conditions.items():
            for value in listed(values):
                yield f"{condition} {value}", ("Condition", operator, condition, value)


def _take_out(statement: dict, path: tuple) -> bool:
    """Take a value out; whether anything is left of its list."""
    *way, value = path
    holder: Any = statement
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = [other for other in listed(holder[way[-1]]) if other != value]
    return bool(holder[way[-1]])


def listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


class Guarded:
    """A client that asks before each call; `needs` tells what an operation with these parameters asks for."""

    def __init__(self, client: Any, needs: Callable[[str, dict], list[Request]], refuse: Callable[[Request], None]) -> None:
        self._client, self._needs, self._refuse = client, needs, refuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in ("meta", "exceptions") or not callable(found):
            return found

        def call(**parameters: Any) -> Any:
            for request in self._needs("".join(part.capitalize() for part in name.split("_")), parameters):
                self._refuse(request)
            return found(**parameters)

        return call
