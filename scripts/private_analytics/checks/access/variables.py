"""Whether a secret lies in the open: in the environment of the exporter or the transform. What is found is told by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ...errors import UserError
from .stack import AccessCheck, DeployedStack

if TYPE_CHECKING:
    from mypy_boto3_codebuild.client import CodeBuildClient
    from mypy_boto3_lambda.client import LambdaClient

NAMES = re.compile(r"(password|passwd|secret|token|credentials?|(api|access|private|secret)_?key)$", re.IGNORECASE)
VALUES = {
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a password in a URL": re.compile(r"://[^/\s:@]*:[^/\s@]+@"),
    "a token": re.compile(r"\beyJ[\w-]{5,}\.eyJ[\w-]{5,}\.|\bgh[opsur]_\w{36}|\bxox[abp]-\w{10}|\bsk_live_\w{10}"),
}
GOOD = "those of the template, no secret among them"
ADVICE = (
    "Whoever may see these settings has seen it: change the secret, keep the new one in Secrets Manager, and put the variables"
    " back: pal stack deploy --revert-drift"
)


def lines(functions: LambdaClient, builds: CodeBuildClient, stack: DeployedStack) -> list[AccessCheck]:
    """`functions` and `builds` are clients of Lambda and CodeBuild."""

    def of_exporter() -> str:
        return _fault(_of_function(functions, stack), _declared(stack, "Exporter"))

    def of_transform() -> str:
        return _fault(_of_project(builds, stack), _declared(stack, "TransformProject"))

    found = [AccessCheck("exporter: variables", of_exporter, GOOD, ADVICE)]
    if "TransformProject" in stack.ids:
        found.append(AccessCheck("transform: variables", of_transform, GOOD, ADVICE))
    return found


def _of_function(functions: LambdaClient, stack: DeployedStack) -> dict[str, str]:
    environment = functions.get_function_configuration(FunctionName=stack.ids["Exporter"]).get("Environment", {})
    if "Error" in environment:
        raise UserError(f"Lambda cannot show the variables: {environment['Error'].get('Message')}")
    return environment.get("Variables", {})


def _of_project(builds: CodeBuildClient, stack: DeployedStack) -> dict[str, str]:
    """What only names a secret or a parameter kept elsewhere has no value here."""
    name = stack.ids["TransformProject"]
    projects = builds.batch_get_projects(names=[name])["projects"]
    if not projects:
        raise UserError(f"There is no project {name}. Make it again: pal stack deploy --revert-drift")
    variables = projects[0]["environment"].get("environmentVariables", ())
    return {item["name"]: item["value"] if item.get("type", "PLAINTEXT") == "PLAINTEXT" else "" for item in variables}


def _declared(stack: DeployedStack, logical_id: str) -> set[str]:
    properties = stack.template["Resources"][logical_id]["Properties"]["Environment"]
    return set(properties.get("Variables", ())) | set(_names(properties.get("EnvironmentVariables", ())))


def _names(value: object) -> Iterator[str]:
    """Of a project's variables, of which some stand within conditions."""
    if isinstance(value, Mapping) and isinstance(value.get("Name"), str):
        yield value["Name"]
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _names(inner)


def _fault(variables: Mapping[str, str], declared: set[str]) -> str:
    wrong = [f"{name} holds {kind}" for name, value in variables.items() if (kind := _secret(name, value))]
    wrong += [f"{name} is not the template's" for name in variables if name not in declared]
    return ", ".join(wrong)


def _secret(name: str, value: str) -> str:
    """Which kind of secret a variable holds; nothing where it looks like none, as an ARN does that says where one is."""
    for kind, form in VALUES.items():
        if form.search(value):
            return kind
    return "a secret, by its name" if NAMES.search(name) and value and not value.startswith("arn:") else ""
