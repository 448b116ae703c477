"""AWS clients, and what an AWS error means to the person who sees it.

Sources of the error codes and texts: the API references of the services, and what AWS has answered to others in public.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)

from .errors import UserError

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Page = TypeVar("Page", bound=Mapping[str, object])

SIGN_IN = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
}
DENIED = {"403", "AccessDenied", "AccessDeniedException", "AccessDeniedFault", "UnauthorizedOperation"}
THROTTLED = {
    "ConditionalRequestConflict",
    "LimitExceededException",
    "OperationAborted",
    "OperationAbortedException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
BUCKET_ELSEWHERE = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}


class TryLater(UserError):
    """AWS cannot do it now: busy, throttled, or out of reach (`unreachable`). Nothing is wrong, and nothing was lost."""

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class AlreadyThere(UserError):
    """The object was there before."""


if TYPE_CHECKING:
    from boto3 import client as client  # its stubs tell the type of each service's client
else:

    def client(service: str, **settings: object) -> object:
        """A boto3 client from the usual chain of settings, but for those given. Raises UserError where it cannot be made."""
        with aws_errors(f"make a client of {service}"):
            return boto3.client(service, **settings)


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn an error of AWS into a UserError with what to do next; `doing` completes 'Could not ...'.

    Raises TryLater where nothing is wrong but the time, and AlreadyThere where an object must not be overwritten. The error of
    boto3 is the cause of either.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise meaning(error, doing) from error


def ask(doing: str, call: Callable[Parameters, Answer], *arguments: Parameters.args, **parameters: Parameters.kwargs) -> Answer:
    """Make one call. Raises as `aws_errors` does."""
    with aws_errors(doing):
        return call(*arguments, **parameters)


def pages(
    doing: str, call: Callable[..., Page], ask_by: str = "nextToken", answered_by: str = "nextToken", **parameters: object
) -> Iterator[Page]:
    """All pages of a listing. Raises as `aws_errors` does."""
    page = ask(doing, call, **parameters)
    yield page
    while page.get(answered_by):
        page = ask(doing, call, **parameters, **{ask_by: page[answered_by]})
        yield page


def error_code(error: BaseException | None) -> str:
    """AWS's code of an error, or nothing where it is none of AWS's answers."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def meaning(error: ClientError | BotoCoreError, doing: str) -> UserError:
    """What an error of AWS means to us."""
    text = f"Could not {doing}: {error}"
    if isinstance(error, NoRegionError):
        return UserError("No AWS region is set. Set AWS_DEFAULT_REGION, or a region in your AWS profile.")
    if isinstance(error, ProfileNotFound):
        return UserError(f"{error}. Set AWS_PROFILE to one of: aws configure list-profiles")
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, SSOError)):
        return UserError(f"{text}. Sign in (aws sso login, or aws configure), or set AWS_PROFILE.")
    if isinstance(error, (HTTPClientError, ConnectionError)):
        return TryLater(text, unreachable=True)
    if not isinstance(error, ClientError):
        return UserError(text)
    code = error_code(error)
    if code == "PreconditionFailed":
        return AlreadyThere(text)
    if code in SIGN_IN:
        return UserError(f"{text}. Your credentials are not valid or have expired: sign in (aws sso login), or set AWS_PROFILE.")
    if code in THROTTLED or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400) >= 500:
        return TryLater(text)
    if "kms" in code.lower() or "kms:" in str(error).lower():
        return UserError(
            f"{text}. The bucket is encrypted with a KMS key that may not be used. Let the key's policy allow kms:GenerateDataKey"
            " and kms:Decrypt to this role and to the service principal logs.REGION.amazonaws.com, or use SSE-S3."
        )
    if code == "NoSuchBucket":
        return UserError(f"{text}. Check ANALYTICS_BUCKET, or make the bucket: pal stack deploy")
    if code in BUCKET_ELSEWHERE:
        return UserError(
            f"{text}. The bucket is in another region. Set AWS_DEFAULT_REGION to the region of the log groups and bucket."
        )
    if code in DENIED:
        return UserError(
            f"{text}. Use a role that may (docs/infrastructure.md lists them), or have this permission added to yours."
        )
    return UserError(text)
