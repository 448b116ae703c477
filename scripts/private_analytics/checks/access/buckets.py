"""Whether the buckets are as closed as the template made them: their settings, their policies, and real requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ParamSpec, TypedDict, TypeVar

from botocore.exceptions import ClientError

from . import policies
from .policies import AllowedService, Statement
from .stack import AccessCheck, DeployedStack

if TYPE_CHECKING:
    from mypy_boto3_cloudfront.client import CloudFrontClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import PublicAccessBlockConfigurationTypeDef, ResponseMetadataTypeDef

    class Answered(TypedDict):
        """What all answers contain."""

        ResponseMetadata: ResponseMetadataTypeDef


Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
READERS = ("ExporterRole", "AnalystRole", "DashboardsRole", "TransformRole", "DbtRole")
ANOTHER_DIGEST = "AAAAAAAAAAAAAAAAAAAAAA=="  # not an empty object's digest: even if a stranger may write, nothing is written


@dataclass(frozen=True)
class Bucket:
    """key: the KMS key, if any. folder: where its objects are. readers: the only principals that may read, if limited."""

    kind: str
    name: str
    arn: str
    key: str
    folder: str
    guest: AllowedService
    readers: frozenset[str]


def export_bucket(stack: DeployedStack) -> Bucket:
    name, parameters = stack.ids["ExportBucket"], stack.parameters
    readers = [stack.role(role) for role in READERS if role in stack.ids]
    readers += [arn for arn in parameters["OtherReaders"].split(",") if arn]
    if parameters["QuickSight"] == "on":
        readers.append(f"arn:{stack.partition}:iam::{stack.account}:role/service-role/aws-quicksight-*")
    domain = "amazonaws.com.cn" if stack.partition == "aws-cn" else "amazonaws.com"
    arn = f"arn:{stack.partition}:s3:::{name}"
    may = frozenset({"s3:GetBucketAcl", "s3:PutObject"})
    logs = AllowedService(
        f"logs.{stack.region}.{domain}", may, frozenset({arn, f"{arn}/logs/*"}), ("aws:SourceAccount", stack.account)
    )
    return Bucket("export bucket", name, arn, parameters["KmsKeyArn"], "exports/", logs, frozenset(readers))


def image_bucket(stack: DeployedStack) -> Bucket:
    name = stack.ids["ImageBucket"]
    distribution = f"arn:{stack.partition}:cloudfront::{stack.account}:distribution/{stack.ids['ImageDistribution']}"
    arn, folder = f"arn:{stack.partition}:s3:::{name}", f"{stack.parameters['ImageUploadPrefix']}/"
    may = frozenset({"s3:GetObject"})
    cloudfront = AllowedService("cloudfront.amazonaws.com", may, frozenset({f"{arn}/*"}), ("aws:SourceArn", distribution))
    return Bucket("image bucket", name, arn, "", folder, cloudfront, frozenset())


def lines(s3: S3Client, strangers: S3Client, bucket: Bucket) -> list[AccessCheck]:
    """The checks of a bucket. `strangers` is an S3 client without credentials."""
    policy = cache(lambda: _policy(s3, bucket))
    key, service, readers = "the stack's key" if bucket.key else "S3's key", bucket.guest.service, len(bucket.readers)
    found = {
        "public access": (lambda: _public_access(s3, bucket), "blocked in all four ways"),
        "ownership": (lambda: _ownership(s3, bucket), "the account owns all objects, ACLs are off"),
        "encryption": (lambda: _encryption(s3, bucket), f"by default, with {key}"),
        "versions": (lambda: _versions(s3, bucket), "kept"),
        "TLS": (lambda: policies.tls(policy(), bucket.arn), "plain HTTP is refused"),
        "policy status": (lambda: _status(s3, bucket), "not public"),
        "let in": (lambda: policies.let_in(policy(), bucket.guest), f"only {service}, as in the template"),
        "readers": (lambda: policies.readers(policy(), bucket.arn, bucket.readers), f"only the {readers} that the stack names"),
        "strangers": (lambda: _strangers(s3, strangers, bucket), "list, read and write refused (403)"),
    }
    if not bucket.readers:
        del found["readers"]
    return [AccessCheck(f"{bucket.kind}: {name}", look, good) for name, (look, good) in found.items()]


def origins(cloudfront: CloudFrontClient, stack: DeployedStack) -> AccessCheck:
    """Whether the image distribution reads only the image bucket, and not, for example, the export bucket."""

    def look() -> str:
        config = cloudfront.get_distribution_config(Id=stack.ids["ImageDistribution"])["DistributionConfig"]
        for origin in config["Origins"]["Items"]:
            if not origin["DomainName"].startswith(f"{stack.ids['ImageBucket']}.s3."):
                return f"it also reads {origin['DomainName']}"
            if not origin.get("OriginAccessControlId"):
                return "it reads the image bucket with unsigned requests"
        return ""

    return AccessCheck("image distribution: origins", look, "only the image bucket, with signed requests")


def _public_access(s3: S3Client, bucket: Bucket) -> str:
    found = _setting(s3.get_public_access_block, bucket, "NoSuchPublicAccessBlockConfiguration")
    blocked: PublicAccessBlockConfigurationTypeDef = found["PublicAccessBlockConfiguration"] if found else {}
    return policies.sentence("not set: ", [name for name in BLOCKS if not blocked.get(name)])


def _ownership(s3: S3Client, bucket: Bucket) -> str:
    found = _setting(s3.get_bucket_ownership_controls, bucket, "OwnershipControlsNotFoundError")
    rules = [rule["ObjectOwnership"] for rule in found["OwnershipControls"]["Rules"]] if found else []
    return "" if rules == ["BucketOwnerEnforced"] else "objects may belong to others, and ACLs may open them"


def _encryption(s3: S3Client, bucket: Bucket) -> str:
    rules = s3.get_bucket_encryption(Bucket=bucket.name)["ServerSideEncryptionConfiguration"]["Rules"]
    defaults = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules]
    used = {(default.get("SSEAlgorithm"), default.get("KMSMasterKeyID", "")) for default in defaults}
    wanted = ("aws:kms", bucket.key) if bucket.key else ("AES256", "")
    return "" if used == {wanted} else f"not with {bucket.key or 'the key of S3'}"


def _versions(s3: S3Client, bucket: Bucket) -> str:
    status = s3.get_bucket_versioning(Bucket=bucket.name).get("Status", "never turned on")
    return "" if status == "Enabled" else f"not kept ({status}): overwritten or deleted objects are lost"


def _status(s3: S3Client, bucket: Bucket) -> str:
    found = _setting(s3.get_bucket_policy_status, bucket, "NoSuchBucketPolicy")
    return "S3 says that its policy is public" if found and found["PolicyStatus"]["IsPublic"] else ""


def _policy(s3: S3Client, bucket: Bucket) -> list[Statement]:
    found = _setting(s3.get_bucket_policy, bucket, "NoSuchBucketPolicy")
    return policies.statements(found["Policy"]) if found else []


def _strangers(s3: S3Client, strangers: S3Client, bucket: Bucket) -> str:
    there = s3.list_objects_v2(Bucket=bucket.name, Prefix=bucket.folder, MaxKeys=1).get("Contents")
    # S3 also refuses to read a missing object, so a made-up key serves for a bucket that is still empty.
    key = there[0]["Key"] if there else f"{bucket.folder}check-access"
    answers = {
        "list": _answer(strangers.list_objects_v2, Bucket=bucket.name, MaxKeys=1),
        "read": _answer(strangers.get_object, Bucket=bucket.name, Key=key),
        "write": _answer(strangers.put_object, Bucket=bucket.name, Key="check-access", ContentMD5=ANOTHER_DIGEST),
    }
    return policies.sentence("not refused: ", [f"{what} ({status})" for what, status in answers.items() if status != 403])


def _answer(call: Callable[Parameters, Answered], *arguments: Parameters.args, **parameters: Parameters.kwargs) -> int:
    """The HTTP status. Raises if S3 could not decide because it is busy or has an error."""
    try:
        return call(*arguments, **parameters)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status >= 500:
            raise
        return status


def _setting(call: Callable[..., Answer], bucket: Bucket, absent: str) -> Answer | None:
    """S3's answer, or None if it says that the setting does not exist."""
    try:
        return call(Bucket=bucket.name)
    except ClientError as error:
        if error.response["Error"]["Code"] == absent:
            return None
        raise
