"""`check access`: everything it looks at, one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import UserError
from ..results import UNKNOWN, Result
from . import buckets, simulated, stack, variables

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudfront.client import CloudFrontClient
    from mypy_boto3_codebuild.client import CodeBuildClient
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_s3.client import S3Client


@dataclass(frozen=True)
class AccessClients:
    """boto3 clients. strangers: an S3 client without credentials."""

    cloudformation: CloudFormationClient
    s3: S3Client
    strangers: S3Client
    cloudfront: CloudFrontClient
    iam: IAMClient
    functions: LambdaClient
    builds: CodeBuildClient


def check(aws: AccessClients, name: str) -> list[Result]:
    """What AWS says about a stack. What AWS does not say is unknown."""
    try:
        found = stack.read(aws.cloudformation, name)
    except UserError as error:
        return [Result("stack", UNKNOWN, str(error), "Set ANALYTICS_STACK to the stack's name; stack deploy shows it.")]
    lines = buckets.lines(aws.s3, aws.strangers, buckets.export_bucket(found))
    if "ImageBucket" in found.ids:
        lines += buckets.lines(aws.s3, aws.strangers, buckets.image_bucket(found))
        lines.append(buckets.origins(aws.cloudfront, found))
    lines += simulated.lines(aws.iam, found)
    lines += variables.lines(aws.functions, aws.builds, found)
    return [line.result() for line in lines]
