"""Where a stack goes: the account and region of the caller, and all that will be deployed there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..aws import explained
from . import artifacts, bundle, template
from .bundle import Bundle
from .settings import Settings


@dataclass(frozen=True)
class Aws:
    """boto3 clients of one account and region, and how to wait between two looks."""

    cloudformation: Any
    s3: Any
    sts: Any
    logs: Any
    glue: Any
    pause: Callable[[], None] = lambda: time.sleep(5)

    @property
    def region(self) -> str:
        return self.cloudformation.meta.region_name


@dataclass(frozen=True)
class Target:
    """A stack in an account: its settings, its template with names written out, and its code."""

    settings: Settings
    account: str
    region: str
    partition: str
    template: dict
    bundles: tuple[Bundle, ...]

    @property
    def body(self) -> Bundle:
        return Bundle("template", "json", template.to_json(self.template).encode())

    @property
    def stack(self) -> str:
        return self.settings.stack

    @property
    def artifacts_bucket(self) -> str:
        return artifacts.bucket_name(self.settings.parameters["NamePrefix"], self.account, self.region)

    @property
    def parameters(self) -> list[dict]:
        exporter, project = self.bundles
        ours = {"ArtifactsBucket": self.artifacts_bucket, "ExporterZip": exporter.key, "ProjectZip": project.key}
        return [{"ParameterKey": k, "ParameterValue": v} for k, v in (self.settings.parameters | ours).items()]

    @property
    def export_bucket(self) -> str:
        return self.template["Resources"]["ExportBucket"]["Properties"]["BucketName"]

    @property
    def log_groups(self) -> list[str]:
        keys = ("ApiLogGroup", "SecondLogGroup", "ThirdLogGroup")
        return [self.settings.parameters[key] for key in keys if self.settings.parameters[key]]


@contextmanager
def telling(doing: str) -> Iterator[None]:
    """Errors of AWS in words; `doing` completes 'Could not ...'."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise explained(error, doing) from error


def target(aws: Aws, settings: Settings) -> Target:
    """Where the stack goes: the account and region of the caller. Raises UserError."""
    with telling("find out who you are"):
        arn = aws.sts.get_caller_identity()["Arn"]
    partition, account = arn.split(":")[1], arn.split(":")[4]
    values = settings.parameters | {"AWS::AccountId": account, "AWS::Region": aws.region, "AWS::Partition": partition}
    whole = template.pin_names(template.merge(template.read_parts()), values)
    return Target(settings, account, aws.region, partition, whole, (bundle.exporter(), bundle.project()))


def built(goal: Target) -> list[str]:
    """Logical ids of the resources that the conditions let in."""
    conditions, values = goal.template["Conditions"], goal.settings.parameters

    def holds(condition: Any) -> bool:
        match condition:
            case {"Condition": str(name)}:
                return holds(conditions[name])
            case {"Fn::Not": [inner]}:
                return not holds(inner)
            case {"Fn::And": inner}:
                return all(holds(one) for one in inner)
            case {"Fn::Equals": [left, right]}:
                return template.evaluate(left, values) == template.evaluate(right, values)
        raise ValueError(f"cannot evaluate the condition {condition!r}")

    resources = goal.template["Resources"].items()
    return [name for name, item in resources if "Condition" not in item or holds(conditions[item["Condition"]])]
