"""The validated `vars` of dbt_project.yml: for alarms, checks, the report, and values given by --vars."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .. import event_fields
from ..errors import UserError, closest
from . import paths

AbsentFields = Callable[[str], Collection[str]]  # log group, or "" for those without a setting of their own -> fields


class Thresholds(BaseModel):
    """`vars: thresholds`; dbt_project.yml describes each."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    min_requests: float = Field(gt=0)
    server_error_rate: float = Field(gt=0, le=1)
    latency_p95_ms: float = Field(gt=0)
    auth_failure_rate: float = Field(gt=0, le=1)
    auth_failure_burst: float = Field(gt=0)
    athena_gb_per_day: float = Field(gt=0)
    upload_url_seconds: float = Field(gt=0)
    rejected_rate: float = Field(gt=0, le=1)
    latency_median_min_ms: float = Field(gt=0)
    latency_median_max_ms: float = Field(gt=0)


def _time_zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        near = closest(name, zoneinfo.available_timezones())
        raise ValueError(f"{name!r} is not a time zone{near or '. Use a name such as Europe/Berlin'}")
    return name


class Vars(BaseModel):
    """All vars that the project reads. Those about fields are checked and read by event_fields.read()."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    event_fields: dict[str, Any]
    log_groups: dict[str, Any]
    default_event_fields: dict[str, Any]
    loggers: dict[str, dict[str, Any]]
    bot_user_agents: str
    reporting_timezone: Annotated[str, AfterValidator(_time_zone)]
    session_gap_minutes: float = Field(gt=0)
    dedupe_horizon_days: int = Field(ge=0)
    max_days_from_log_time: int = Field(gt=0)
    export_late_after_hours: int = Field(gt=0)
    run_lock_hours: float = Field(gt=0)
    thresholds: Thresholds
    meanings: list[str]


# Given for one run, these would not reach alarms and checks, so a run must not seem to accept them.
NOT_FOR_ONE_RUN = {"thresholds": "they also apply to alarms and checks"}


def read_vars(file: Path | None = None) -> dict[str, Any]:
    """All vars as written in the file. Raises UserError if the file cannot be read."""
    file = file or paths.dbt_project()
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))["vars"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"The vars in {file} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise UserError(f"{file}: vars must map names to values.")
    return found


def checked_vars(file: Path | None = None) -> Vars:
    """The vars of the file. Raises UserError that names each one that is missing, unknown or invalid."""
    file = file or paths.dbt_project()
    return _checked(read_vars(file), f"{file}, vars")


def thresholds(file: Path | None = None) -> Thresholds:
    """The thresholds. Raises UserError that names the one that is missing, unknown or not a number above 0."""
    file = file or paths.dbt_project()
    try:
        return Thresholds.model_validate(read_vars(file).get("thresholds") or {})
    except ValidationError as error:
        raise UserError(_explained(error, f"{file}, vars: thresholds", Thresholds.model_fields)) from None


def absent_fields(file: Path | None = None) -> AbsentFields:
    """The fields that, by the settings, a log group's lines do not have: those with an empty list of paths."""
    settings = event_fields.read(read_vars(file), f"{file or paths.dbt_project()}, vars")
    return lambda log_group: {name for name, found in settings.of(log_group).items() if not found}


def given_vars(text: str, option: str) -> dict[str, Any]:
    """The value of --vars, as dbt reads it. Raises UserError for names that dbt would ignore and for invalid values."""
    try:
        given = yaml.safe_load(text or "{}")
    except yaml.YAMLError as error:
        raise UserError(f"{option} cannot be read as YAML: {error}") from None
    if not isinstance(given, dict):
        raise UserError(f"{option} is not a mapping. Write it like '{{event_fields: {{user_id: [ctx.uid]}}}}'.")
    for name, why in NOT_FOR_ONE_RUN.items():
        if name in given:
            raise UserError(f"{option}: {name} cannot be set for one run, because {why}. Change them in dbt_project.yml.")
    file = paths.dbt_project()
    own = read_vars(file)
    _checked(own, f"{file}, vars")
    _checked(own | given, option)
    return given


def _checked(values: dict[str, Any], where: str) -> Vars:
    try:
        found = Vars.model_validate(values)
    except ValidationError as error:
        raise UserError(_explained(error, where, Vars.model_fields)) from None
    event_fields.read(values, where)
    return found


def _explained(error: ValidationError, where: str, known: Iterable[str]) -> str:
    """One line for each error: where it is, and what is expected."""
    lines = []
    for fault in error.errors():
        name = ": ".join(str(step) for step in fault["loc"])
        if fault["type"] == "extra_forbidden":
            lines.append(f"{where}: there is no {name}{closest(name, known)}")
        elif fault["type"] == "missing":
            lines.append(f"{where}: {name} is missing")
        else:
            lines.append(f"{where}: {name} is {fault['input']!r}: {fault['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)
