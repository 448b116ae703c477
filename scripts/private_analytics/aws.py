"""AWS clients, and what an AWS error means to the person who sees it."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from .errors import UserError

SIGN_IN = {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}
DENIED = {"AccessDenied", "AccessDeniedException", "AccessDeniedFault", "UnauthorizedOperation"}


def client(service: str, **settings: Any) -> Any:
    """A boto3 client from the usual chain of settings, but for those given. Raises UserError where it cannot be made."""
    try:
        return boto3.client(service, **settings)
    except BotoCoreError as error:
        raise unusable(error) from None


def unusable(error: BotoCoreError) -> UserError:
    """Why no client can be made of the settings, with what to do next."""
    if isinstance(error, NoRegionError):
        return UserError("No AWS region is set. Set AWS_DEFAULT_REGION, or a region in your AWS profile.")
    return UserError(f"{error}. Set AWS_PROFILE to one of: aws configure list-profiles")


def explained(error: ClientError | BotoCoreError, doing: str) -> UserError:
    """The error as a sentence with what to do next; `doing` completes 'Could not ...'."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in SIGN_IN or isinstance(error, NoCredentialsError):
        return UserError(f"Could not {doing}: {error}. Sign in again (aws sso login), or set AWS_PROFILE.")
    if code in DENIED:
        return UserError(f"Could not {doing}: {error}. Use a role that may, or have this permission added to yours.")
    return UserError(f"Could not {doing}: {error}")
