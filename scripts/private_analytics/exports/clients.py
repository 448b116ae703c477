"""The AWS services that exports need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_s3.client import S3Client


@dataclass(frozen=True)
class ExportClients:
    """boto3 clients of one account and region."""

    logs: CloudWatchLogsClient
    s3: S3Client

    @property
    def region(self) -> str:
        return self.logs.meta.region_name
