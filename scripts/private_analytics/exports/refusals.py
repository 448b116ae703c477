"""Why CloudWatch refused to start an export task: a problem of one log group, or of the bucket."""

from __future__ import annotations

from botocore.exceptions import ClientError

from ..aws import AlreadyThere, TryLater, ask, error_code
from ..errors import UserError
from .clients import ExportClients


class LogGroupProblem(UserError):
    """One log group cannot be exported; the others can."""


def refusal_of_task(error: Exception, clients: ExportClients, bucket: str, log_group: str) -> Exception:
    """Why CreateExportTask was refused; `error` is what `ask` raised.

    A problem of one log group is a LogGroupProblem. A problem of the bucket affects all log groups: it is a UserError.
    """
    cause = error.__cause__
    if not isinstance(cause, ClientError) or isinstance(error, TryLater | AlreadyThere):
        return error
    code = cause.response["Error"]["Code"]
    words = cause.response["Error"].get("Message", "").lower()
    if code == "ResourceNotFoundException":
        return LogGroupProblem(unknown_log_group(log_group, clients.region))
    if "bucket" in words or "kms" in words or "access denied" in words:
        return _bucket_refused(str(cause), words, clients, bucket)
    if code == "InvalidParameterException":
        return LogGroupProblem(f"AWS refuses to export {log_group}: {cause}")
    return error


def _bucket_refused(cause: str, words: str, clients: ExportClients, bucket: str) -> Exception:
    """AWS's messages do not say clearly what is wrong with a bucket, so look at it."""
    try:
        head = ask(f"look at the bucket {bucket}", clients.s3.head_bucket, Bucket=bucket)
        headers = head.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        where = head.get("BucketRegion") or headers.get("x-amz-bucket-region")
    except UserError as error:
        if error_code(error.__cause__) in {"404", "NoSuchBucket"}:
            return UserError(f"The bucket {bucket} does not exist. Check ANALYTICS_BUCKET, or create it: pal stack deploy")
        # S3 tells a bucket's region even to callers without access.
        refusal = error.__cause__.response if isinstance(error.__cause__, ClientError) else {}
        where = refusal.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region")
    if where and where != clients.region:
        return UserError(
            f"The bucket {bucket} is in {where} and the log groups are in {clients.region}: CloudWatch exports only within a"
            f" region. Use a bucket in {clients.region}."
        )
    if "kms" in words:
        return UserError(
            f"CloudWatch Logs cannot use the KMS key of {bucket}: {cause}. In the key policy, allow kms:GenerateDataKey and"
            f" kms:Decrypt for logs.{clients.region}.amazonaws.com, or use SSE-S3."
        )
    if "caller" in words:
        return UserError(f"{cause} Your own role needs s3:PutObject on arn:aws:s3:::{bucket}/* to start an export.")
    return UserError(
        f"CloudWatch Logs cannot write to {bucket}: {cause} The bucket policy must allow logs.{clients.region}.amazonaws.com"
        " s3:GetBucketAcl on the bucket and s3:PutObject on its objects, for your account (aws:SourceAccount) and log groups"
        " (aws:SourceArn). pal stack deploy sets this policy."
    )


def unknown_log_group(name: str, region: str, setting: str = "EXPORT_LOG_GROUPS") -> str:
    return (
        f"There is no log group {name} in {region}. Check {setting} and AWS_DEFAULT_REGION:"
        f" aws logs describe-log-groups --log-group-name-prefix {name[: max(name.rfind('/'), 1)]}"
    )
