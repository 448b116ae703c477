"""Whether the environment of the exporter or the transform contains a secret in plain text. Only its name is shown."""

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
GOOD = "as in the template, without secrets"
ADVICE = (
    "Everyone who can see these settings can see it. Change the secret, keep the new one in Secrets Manager, and restore the"
    " variables: pal stack deploy --revert-drift"
)


def lines(functions: LambdaClient, builds: CodeBuildClient, stack: DeployedStack) -> list[AccessCheck]:
    """The checks of the variables. `functions` and `builds` are Lambda and CodeBuild clients."""

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
    """The project's variables. One that only names a secret or a parameter has the value ''."""
    name = stack.ids["TransformProject"]
    projects = builds.batch_get_projects(names=[name])["projects"]
    if not projects:
        raise UserError(f"There is no project {name}. Create it again: pal stack deploy --revert-drift")
    variables = projects[0]["environment"].get("environmentVariables", ())
    return {item["name"]: item["value"] if item.get("type", "PLAINTEXT") == "PLAINTEXT" else "" for item in variables}


def _declared(stack: DeployedStack, logical_id: str) -> set[str]:
    properties = stack.template["Resources"][logical_id]["Properties"]["Environment"]
    return set(properties.get("Variables", ())) | set(_names(properties.get("EnvironmentVariables", ())))


def _names(value: object) -> Iterator[str]:
    """The names of a project's variables, also of those within conditions."""
    if isinstance(value, Mapping) and isinstance(value.get("Name"), str):
        yield value["Name"]
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _names(inner)


def _fault(variables: Mapping[str, str], declared: set[str]) -> str:
    wrong = [f"{name} holds {kind}" for name, value in variables.items() if (kind := _secret(name, value))]
    wrong += [f"{name} is not in the template" for name in variables if name not in declared]
    return ", ".join(wrong)


def _secret(name: str, value: str) -> str:
    """Which kind of secret a variable holds; '' if it does not look like one. The ARN of a secret is not a secret."""
    for kind, form in VALUES.items():
        if form.search(value):
            return kind
    return "a secret, by its name" if NAMES.search(name) and value and not value.startswith("arn:") else ""
