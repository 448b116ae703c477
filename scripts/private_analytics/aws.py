"""AWS clients, and what an AWS error means to the person who sees it."""

from __future__ import annotations

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from .errors import UserError

SIGN_IN = {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"}
DENIED = {"AccessDenied", "AccessDeniedException", "AccessDeniedFault", "UnauthorizedOperation"}


def client(service: str):
    """A boto3 client from the usual chain of settings. Raises UserError where no region is set."""
    try:
        return boto3.client(service)
    except NoRegionError:
        raise UserError("No AWS region is set. Set AWS_DEFAULT_REGION, or a region in your AWS profile.") from None
    except BotoCoreError as error:
        raise UserError(f"{error}. Set AWS_PROFILE to one of: aws configure list-profiles") from None


def explained(error: ClientError | BotoCoreError, doing: str) -> UserError:
    """The error as a sentence with what to do next; `doing` completes 'Could not ...'."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in SIGN_IN or isinstance(error, NoCredentialsError):
        return UserError(f"Could not {doing}: {error}. Sign in again (aws sso login), or set AWS_PROFILE.")
    if code in DENIED:
        return UserError(f"Could not {doing}: {error}. Use a role that may, or have this permission added to yours.")
    return UserError(f"Could not {doing}: {error}")
