"""The AWS services that exports need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ExportClients:
    """boto3 clients of one account and region."""

    logs: Any
    s3: Any

    @property
    def region(self) -> str:
        return self.logs.meta.region_name
