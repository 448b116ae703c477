"""Where a stack goes: the caller's account and region, and everything that will be deployed there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..aws import aws_errors
from . import artifacts, bundle, template
from .bundle import Bundle
from .settings import StackSettings

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef
    from mypy_boto3_glue.client import GlueClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sts.client import STSClient


@dataclass(frozen=True)
class StackClients:
    """boto3 clients of one account and region, and how to wait between two calls."""

    cloudformation: CloudFormationClient
    s3: S3Client
    sts: STSClient
    logs: CloudWatchLogsClient
    glue: GlueClient
    pause: Callable[[], None] = lambda: time.sleep(5)

    @property
    def region(self) -> str:
        return self.cloudformation.meta.region_name


@dataclass(frozen=True)
class StackTarget:
    """A stack in an account: its settings, its template with names written out, and its code."""

    settings: StackSettings
    account: str
    region: str
    partition: str
    template: dict[str, Any]
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
    def parameters(self) -> list[ParameterTypeDef]:
        exporter, project = self.bundles
        ours = {"ArtifactsBucket": self.artifacts_bucket, "ExporterZip": exporter.key, "ProjectZip": project.key}
        return [{"ParameterKey": k, "ParameterValue": v} for k, v in (self.settings.parameters | ours).items()]

    @property
    def export_bucket(self) -> str:
        name: str = self.template["Resources"]["ExportBucket"]["Properties"]["BucketName"]
        return name

    @property
    def log_groups(self) -> list[str]:
        return list(self.settings.log_groups.values())


def target(aws: StackClients, settings: StackSettings) -> StackTarget:
    """The target in the caller's account and region. Raises UserError."""
    with aws_errors("find out who you are"):
        arn = aws.sts.get_caller_identity()["Arn"]
    partition, account = arn.split(":")[1], arn.split(":")[4]
    values = settings.parameters | {"AWS::AccountId": account, "AWS::Region": aws.region, "AWS::Partition": partition}
    whole = template.pin_names(template.merge(template.read_parts(log_groups=settings.log_groups)), values)
    return StackTarget(settings, account, aws.region, partition, whole, (bundle.exporter(), bundle.project()))


def built(goal: StackTarget) -> list[str]:
    """Logical ids of the resources whose conditions are true."""
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
                return bool(template.evaluate(left, values) == template.evaluate(right, values))
        raise ValueError(f"cannot evaluate the condition {condition!r}")

    resources = goal.template["Resources"].items()
    return [name for name, item in resources if "Condition" not in item or holds(conditions[item["Condition"]])]
