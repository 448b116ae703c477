"""The bucket for the stack's code and template. The commands create it, since the stack needs it for its own creation."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from .bundle import Bundle

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CreateBucketRequestTypeDef, ObjectIdentifierTypeDef

TYPES = {"zip": "application/zip", "json": "application/json"}


def bucket_name(prefix: str, account: str, region: str) -> str:
    return f"{prefix}-artifacts-{account}-{region}"


def ensure_bucket(s3: S3Client, name: str, region: str, partition: str) -> None:
    """Create the bucket, or restore its settings: private, encrypted, versioned, TLS only. Raises ClientError."""
    wanted: CreateBucketRequestTypeDef = {"Bucket": name}
    if region != "us-east-1":
        # The stubs list only the regions known to them; AWS has more.
        wanted["CreateBucketConfiguration"] = {"LocationConstraint": region}  # type: ignore[typeddict-item]
    try:
        s3.create_bucket(**wanted)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
    )
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    arn = f"arn:{partition}:s3:::{name}"
    only_tls = {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [only_tls]}))


def upload(s3: S3Client, bucket: str, bundles: Iterable[Bundle]) -> None:
    """Upload what is missing. A key contains a hash of its content, so existing objects are right. Raises ClientError."""
    for bundle in bundles:
        try:
            s3.head_object(Bucket=bucket, Key=bundle.key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            s3.put_object(Bucket=bucket, Key=bundle.key, Body=bundle.body, ContentType=TYPES[bundle.suffix])


def delete_bucket(s3: S3Client, name: str) -> None:
    """Delete a bucket with all versions of its objects; does nothing if it does not exist. Raises ClientError."""
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            keys: list[ObjectIdentifierTypeDef] = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
            if keys:
                answer = s3.delete_objects(Bucket=name, Delete={"Objects": keys, "Quiet": True})
                if errors := answer.get("Errors"):
                    raise ClientError({"Error": errors[0]}, "DeleteObjects")
        s3.delete_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
