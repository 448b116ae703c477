"""The command `check access`."""

from __future__ import annotations

import click
from botocore import UNSIGNED
from botocore.config import Config

from ... import aws
from ...options import option
from ..command import CheckCommand, CheckReport
from .check import AccessClients, check


@click.command("access", cls=CheckCommand)
@option("--stack", envvar="ANALYTICS_STACK", required=True, help="The stack's name in CloudFormation.")
def check_access(stack: str) -> CheckReport:
    """Check that the stack is as closed as its template made it.

    The buckets are private, each role can do its work and nothing more, and no secret is in plain text.

    \b
    Example:
      pal check access --stack private-analytics
    """
    return CheckReport(stack, check(_clients(), stack))


def _clients() -> AccessClients:
    cloudformation = aws.client("cloudformation")
    as_nobody = Config(
        signature_version=UNSIGNED,
        connect_timeout=10,
        read_timeout=10,
        request_checksum_calculation="when_required",  # boto3 must not add the right checksum to a request with a wrong one
    )
    return AccessClients(
        cloudformation=cloudformation,
        s3=aws.client("s3"),
        strangers=aws.client("s3", region_name=cloudformation.meta.region_name, config=as_nobody),
        cloudfront=aws.client("cloudfront"),
        iam=aws.client("iam"),
        functions=aws.client("lambda"),
        builds=aws.client("codebuild"),
    )
