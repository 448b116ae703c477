"""The command `check access`."""

from __future__ import annotations

import click
from botocore import UNSIGNED
from botocore.config import Config

from ... import aws
from ..command import Check, Found
from .check import Aws, check


@click.command("access", cls=Check)
@click.option("--stack", envvar="ANALYTICS_STACK", show_envvar=True, required=True, help="Its name in CloudFormation.")
def check_access(stack: str) -> Found:
    """Whether the buckets are closed, each role can do its work and nothing else, and no secret lies in the open."""
    return Found(stack, check(_clients(), stack))


def _clients() -> Aws:
    cloudformation = aws.client("cloudformation")
    # boto3 must not add the right checksum to what is sent with a wrong one.
    checksums = {"request_checksum_calculation": "when_required"}
    as_nobody = Config(signature_version=UNSIGNED, connect_timeout=10, read_timeout=10, **checksums)
    return Aws(
        cloudformation=cloudformation,
        s3=aws.client("s3"),
        strangers=aws.client("s3", region_name=cloudformation.meta.region_name, config=as_nobody),
        cloudfront=aws.client("cloudfront"),
        iam=aws.client("iam"),
        functions=aws.client("lambda"),
        builds=aws.client("codebuild"),
    )
