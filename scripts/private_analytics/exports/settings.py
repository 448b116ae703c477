"""The exporter's settings: from environment variables (Lambda), or from the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from .. import days
from ..bucket import BUCKET_NAME, LOG_GROUP_NAME, PREFIX
from ..errors import UserError
from .plan import ExportRules


@dataclass(frozen=True)
class ExportSettings:
    """Which log groups go where, and by which rules. `prefix` comes before logs/ and exports/: '' or 'a/b'."""

    bucket: str
    log_groups: tuple[str, ...]
    rules: ExportRules
    prefix: str = ""

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}" if self.prefix else f"s3://{self.bucket}"


def from_environment(variables: Mapping[str, str]) -> ExportSettings:
    """Settings from environment variables (docs/exports.md lists them). Raises UserError that names the variable at fault."""
    first_day = variables.get("EXPORT_FIRST_DAY", "").strip()
    try:
        first = days.number(date.fromisoformat(first_day))
    except ValueError:
        raise UserError(
            f"EXPORT_FIRST_DAY is {first_day!r}. Set it to the first day (UTC) to export, for example 2026-10-01. Days that"
            " retention has already removed cannot be exported; they are listed as lost."
        ) from None
    return make_settings(
        bucket=variables.get("ANALYTICS_BUCKET", "").strip(),
        prefix=variables.get("ANALYTICS_PREFIX", "").strip(),
        log_groups=re.split(r"[,\s]+", variables.get("EXPORT_LOG_GROUPS", "").strip(", \t\n")),
        rules=ExportRules(
            first_day=first,
            settle_ms=_whole(variables, "EXPORT_SETTLE_HOURS", 12, 0, 14 * 24) * days.HOUR_MS,
            trailing_days=_trailing_days(variables.get("EXPORT_TRAILING_DAYS", "3")),
            late_after_ms=_whole(variables, "EXPORT_LATE_AFTER_HOURS", 36, 1, 10_000) * days.HOUR_MS,
            max_attempts=_whole(variables, "EXPORT_MAX_ATTEMPTS", 5, 1, 100),
        ),
    )


def make_settings(*, bucket: str, prefix: str, log_groups: list[str], rules: ExportRules) -> ExportSettings:
    """Checked settings. Raises UserError."""
    if not BUCKET_NAME.fullmatch(bucket):
        raise UserError(f"{bucket!r} is not a bucket name. Set ANALYTICS_BUCKET to the name only, without s3://.")
    prefix = prefix.strip("/")
    if not PREFIX.fullmatch(prefix):
        raise UserError(
            f"The prefix {prefix!r} is not valid. Set ANALYTICS_PREFIX to letters, digits, dots, _ and -, separated by slashes."
        )
    names = tuple(dict.fromkeys(name for name in log_groups if name))
    if not names:
        raise UserError("No log group to export. Set EXPORT_LOG_GROUPS to their names, separated by commas.")
    for name in names:
        if not LOG_GROUP_NAME.fullmatch(name):
            raise UserError(f"{name!r} is not a log group name. Give names, not ARNs, in EXPORT_LOG_GROUPS.")
    return ExportSettings(bucket, names, rules, prefix)


def _whole(variables: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = variables.get(name, "").strip() or str(default)
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise UserError(f"{name} is {text!r}. Set it to a whole number from {lowest} to {highest}.")
    return int(text)


def _trailing_days(text: str) -> tuple[int, ...]:
    numbers = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() and 1 <= int(part) <= 30 for part in numbers):
        raise UserError(f"EXPORT_TRAILING_DAYS is {text!r}. Set the days after which to export a day again, e.g. 3 or 1,2,3.")
    return tuple(sorted({int(part) for part in numbers}))
