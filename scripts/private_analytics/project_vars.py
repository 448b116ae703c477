"""What `vars` of dbt_project.yml say to what is not dbt: alarms, checks, the report, and the exporter's command line."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from .errors import UserError

FILE = Path(__file__).resolve().parents[2] / "dbt_project.yml"


@dataclass(frozen=True)
class Thresholds:
    """`vars: thresholds`; dbt_project.yml says what each is."""

    min_requests: float
    server_error_rate: float
    latency_p95_ms: float
    auth_failure_rate: float
    auth_failure_burst: float
    athena_gb_per_day: float
    upload_url_seconds: float


def read_vars(file: Path = FILE) -> dict[str, Any]:
    """All vars. Raises UserError where the file cannot be read."""
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))["vars"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"{file} has no vars that can be read: {error}") from None


def thresholds(file: Path = FILE) -> Thresholds:
    """When something is wrong. Raises UserError that names the threshold that is missing, unknown or no number above 0."""
    found = read_vars(file).get("thresholds") or {}
    names = {field.name for field in fields(Thresholds)}
    if odd := sorted(names ^ found.keys()):
        raise UserError(f"{file}, vars: thresholds: {', '.join(odd)}: expected just these: {', '.join(sorted(names))}.")
    for name, value in found.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not value > 0 or (name.endswith("_rate") and value > 1):
            raise UserError(f"{file}, vars: thresholds: {name} is {value!r}: give a number above 0, of a rate up to 1.")
    return Thresholds(**found)
