"""AWS clients, and AWS errors as messages that say what to do.

Sources of the error codes and texts: the services' API references, and AWS answers that others have published.
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
    """A temporary failure: AWS is busy, throttles, or cannot be reached (`unreachable`). Nothing is wrong or lost."""

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class AlreadyThere(UserError):
    """The object exists already."""


if TYPE_CHECKING:
    from boto3 import client as client  # its stubs know the type of each service's client
else:

    def client(service: str, **settings: object) -> object:
        """A boto3 client from boto3's usual settings and those given. Raises UserError if it cannot be created."""
        with aws_errors(f"create a client for {service}"):
            return boto3.client(service, **settings)


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn an AWS error into a UserError that says what to do next; `doing` completes 'Could not ...'.

    Raises TryLater for a temporary failure, and AlreadyThere if an existing object must not be overwritten. Their cause is the
    boto3 error.
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
    """The AWS error code, or '' if the error did not come from AWS."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def meaning(error: ClientError | BotoCoreError, doing: str) -> UserError:
    """The UserError for an AWS error."""
    text = f"Could not {doing}: {error}"
    if isinstance(error, NoRegionError):
        return UserError("No AWS region is set. Set AWS_DEFAULT_REGION, or a region in your AWS profile.")
    if isinstance(error, ProfileNotFound):
        return UserError(f"{error}. Set AWS_PROFILE to a profile that this lists: aws configure list-profiles")
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
            f"{text}. The bucket is encrypted with a KMS key that cannot be used. In the key policy, allow kms:GenerateDataKey"
            " and kms:Decrypt for this role and for the service principal logs.REGION.amazonaws.com, or use SSE-S3."
        )
    if code == "NoSuchBucket":
        return UserError(f"{text}. Check ANALYTICS_BUCKET, or create the bucket: pal stack deploy")
    if code in BUCKET_ELSEWHERE:
        return UserError(
            f"{text}. The bucket is in another region. Set AWS_DEFAULT_REGION to the region of the log groups and bucket."
        )
    if code in DENIED:
        return UserError(
            f"{text}. Use a role with this permission (see docs/infrastructure.md), or add the permission to your role."
        )
    return UserError(text)
