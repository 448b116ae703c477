"""Calls to AWS, and what their errors mean: something to try again later, one log group's problem, or a person's to put right.

Sources of the error codes and texts: the API references of CloudWatch Logs and S3, and what AWS has answered to others in public.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
)

from ..aws import DENIED, SIGN_IN
from ..errors import UserError

THROTTLED = {
    "LimitExceededException",
    "OperationAbortedException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "ConditionalRequestConflict",
    "OperationAborted",
    "RequestTimeout",
}
EXPIRED = SIGN_IN | {"RequestExpired", "InvalidToken", "TokenRefreshRequired", "SignatureDoesNotMatch"}
BUCKET_MISSING = {"NoSuchBucket"}
BUCKET_ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
ALREADY_THERE = {"PreconditionFailed"}


class TryLater(Exception):
    """AWS cannot do it now: busy, throttled, or out of reach (`unreachable`). Nothing is wrong, and nothing was lost."""

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class LogGroupProblem(UserError):
    """One log group cannot be exported; the others can."""


class AlreadyThere(Exception):
    """The object was there before."""


@dataclass(frozen=True)
class Aws:
    """boto3 clients of one account and region."""

    logs: Any
    s3: Any

    @property
    def region(self) -> str:
        return self.logs.meta.region_name


def ask(doing: str, call: Callable[..., dict], **parameters: Any) -> dict:
    """Make a call; `doing` completes 'Could not ...'. Raises TryLater, AlreadyThere, or UserError with what to do next."""
    try:
        return call(**parameters)
    except (ClientError, BotoCoreError) as error:
        raise meaning(error, doing) from error


def pages(
    doing: str, call: Callable[..., dict], ask_by: str = "nextToken", answered_by: str = "nextToken", **parameters: Any
) -> Iterator[dict]:
    """All pages of a listing. Raises as `ask` does."""
    page = ask(doing, call, **parameters)
    yield page
    while page.get(answered_by):
        page = ask(doing, call, **parameters, **{ask_by: page[answered_by]})
        yield page


def meaning(error: ClientError | BotoCoreError, doing: str) -> Exception:
    """What an AWS error means to us."""
    text = f"Could not {doing}: {error}"
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, SSOError)):
        return UserError(f"{text}. Sign in (aws sso login, or aws configure), or set AWS_PROFILE.")
    if isinstance(error, (HTTPClientError, ConnectionError)):
        return TryLater(text, unreachable=True)
    if not isinstance(error, ClientError):
        return UserError(text)
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if code in ALREADY_THERE:
        return AlreadyThere(text)
    if code in EXPIRED:
        return UserError(
            f"{text}. Your credentials have expired or are not valid: sign in again (aws sso login), or set AWS_PROFILE."
        )
    if code in THROTTLED or status >= 500:
        return TryLater(text)
    if "kms" in code.lower() or "kms:" in str(error).lower():
        return UserError(
            f"{text}. The bucket is encrypted with a KMS key that may not be used. Let the key's policy allow kms:GenerateDataKey"
            " and kms:Decrypt to this role and to the service principal logs.REGION.amazonaws.com, or use SSE-S3."
        )
    if code in BUCKET_MISSING:
        return UserError(f"{text}. Check ANALYTICS_BUCKET, or make the bucket: scripts/bootstrap.py stack deploy")
    if code in BUCKET_ELSEWHERE:
        return UserError(
            f"{text}. The bucket is in another region. Set AWS_DEFAULT_REGION to the region of the log groups and bucket."
        )
    if code in DENIED or code == "403":
        return UserError(f"{text}. Use a role that may, or have this permission added to yours (docs/exports.md lists them).")
    return UserError(text)


def refusal_of_task(error: Exception, aws: Aws, bucket: str, log_group: str) -> Exception:
    """What it means that CreateExportTask was refused: `error` is what `ask` raised.

    A log group's own problem is a LogGroupProblem. What is wrong with the bucket is the same for all log groups: a UserError.
    """
    cause = error.__cause__
    if not isinstance(cause, ClientError) or isinstance(error, (TryLater, AlreadyThere)):
        return error
    code = cause.response["Error"]["Code"]
    words = cause.response["Error"].get("Message", "").lower()
    if code == "ResourceNotFoundException":
        return LogGroupProblem(unknown_log_group(log_group, aws.region))
    if "bucket" in words or "kms" in words or "access denied" in words:
        return _bucket_refused(str(cause), words, aws, bucket)
    if code == "InvalidParameterException":
        return LogGroupProblem(f"AWS does not take an export of {log_group}: {cause}")
    return error


def _bucket_refused(cause: str, words: str, aws: Aws, bucket: str) -> Exception:
    """The texts do not tell well what is wrong with a bucket, so look at it."""
    try:
        head = ask(f"look at the bucket {bucket}", aws.s3.head_bucket, Bucket=bucket)
    except (TryLater, UserError) as error:
        # S3 says where a bucket is even to those who may not look at it.
        head = error.__cause__.response if isinstance(error.__cause__, ClientError) else {}
        if head.get("Error", {}).get("Code") in {"404", "NoSuchBucket"}:
            return UserError(
                f"The bucket {bucket} does not exist. Check ANALYTICS_BUCKET, or make it: scripts/bootstrap.py stack deploy"
            )
    where = head.get("BucketRegion") or head.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region")
    if where and where != aws.region:
        return UserError(
            f"The bucket {bucket} is in {where} and the log groups are in {aws.region}: CloudWatch exports only within a region."
            f" Use a bucket in {aws.region}."
        )
    if "kms" in words:
        return UserError(
            f"CloudWatch Logs may not use the KMS key of {bucket}: {cause}. Let the key's policy allow kms:GenerateDataKey and"
            f" kms:Decrypt to logs.{aws.region}.amazonaws.com, or use SSE-S3."
        )
    if "caller" in words:
        return UserError(f"{cause} Your own role needs s3:PutObject on arn:aws:s3:::{bucket}/* to start an export.")
    return UserError(
        f"CloudWatch Logs may not write to {bucket}: {cause} The bucket's policy must allow logs.{aws.region}.amazonaws.com"
        " s3:GetBucketAcl on the bucket and s3:PutObject on its objects, for your account (aws:SourceAccount) and log groups"
        " (aws:SourceArn). scripts/bootstrap.py stack deploy puts it in place."
    )


def unknown_log_group(name: str, region: str, setting: str = "EXPORT_LOG_GROUPS") -> str:
    return (
        f"There is no log group {name} in {region}. Check {setting} and AWS_DEFAULT_REGION:"
        f" aws logs describe-log-groups --log-group-name-prefix {name[: max(name.rfind('/'), 1)]}"
    )
