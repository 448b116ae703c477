"""A stack as CloudFormation knows it, and how one thing about it is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...aws import aws_errors
from ...errors import UserError
from ..results import FAILED, OK, UNKNOWN, Result

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

RESTORE = "Restore what the template says: pal stack deploy --revert-drift"


@dataclass(frozen=True)
class DeployedStack:
    """ids: logical id -> physical id of each resource. template: as it was deployed, with its functions."""

    arn: str
    ids: dict[str, str]
    parameters: dict[str, str]
    outputs: dict[str, str]
    template: dict[str, Any]

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    def role(self, logical_id: str) -> str:
        """The role's ARN."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.ids[logical_id]}"

    def of_type(self, kind: str) -> list[str]:
        """Logical ids of the existing resources of a type."""
        return [name for name, item in self.template["Resources"].items() if item["Type"] == kind and name in self.ids]


def read(cloudformation: CloudFormationClient, name: str) -> DeployedStack:
    """Read the stack. Raises UserError if it cannot be read."""
    with aws_errors(f"read the stack {name}"):
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = [item for page in pages for item in page["StackResourceSummaries"]]
        template = cloudformation.get_template(StackName=name)["TemplateBody"]
    return DeployedStack(
        found["StackId"],
        {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources},
        {item["ParameterKey"]: item["ParameterValue"] for item in found["Parameters"]},
        {item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]},
        template,
    )


@dataclass(frozen=True)
class AccessCheck:
    """Something to check. look: returns what is wrong, or ''. good: what to say if nothing is wrong."""

    name: str
    look: Callable[[], str]
    good: str
    advice: str = RESTORE

    def result(self) -> Result:
        """What was found: unknown if AWS does not say."""
        try:
            with aws_errors("look at it"):
                fault = self.look()
        except UserError as error:
            return Result(self.name, UNKNOWN, str(error))
        return Result(self.name, FAILED, fault, self.advice) if fault else Result(self.name, OK, self.good)
