"""The metric filters on the log groups of the API and the exporter, as part of the template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from .filter_patterns import patterns, selector
from .log_fields import LogFields

LOG_GROUPS = {"ApiLogs": None, "SecondLogs": "HasSecondLogGroup", "ThirdLogs": "HasThirdLogGroup"}  # with their conditions
LIMIT = 100  # AWS's quota of metric filters per log group
LATENCIES = {  # unit in event_fields -> metric, unit of CloudWatch
    "s": ("LatencySeconds", "Seconds"),
    "ms": ("LatencyMilliseconds", "Milliseconds"),
    "us": ("LatencyMicroseconds", "Microseconds"),
    "ns": ("LatencyNanoseconds", "None"),
}


def part(fields: LogFields, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The filters by logical id. Raises UserError for what CloudWatch's filters cannot express.

    `names` has the names of the log groups, by logical id.
    """
    resources = {}
    for log_group, condition in LOG_GROUPS.items():
        numbers: Counter[str] = Counter()
        more = {"Condition": condition} if condition else {}
        for pattern, transformation in _transformations(fields.in_log_group((names or {}).get(log_group, ""))):
            metric = transformation["MetricName"]
            numbers[metric] += 1
            name = f"{log_group}{metric}{numbers[metric]}"
            resources[name] = _filter(log_group, pattern, transformation, more)
            more = more | {"DependsOn": name}  # one after another: CloudWatch Logs aborts one of two changes to a log group
    # There is no metric for `lost`: it also counts what was lost long ago. Recent losses make the exporter fail.
    late = _filter("ExporterLogs", "{ $.late >= 0 }", _value("ExportDaysLate", "Count", "$.late"), {})
    failed = _filter(
        "ExporterLogs", "{ $.failed >= 0 }", _value("ExportDaysFailed", "Count", "$.failed"), {"DependsOn": "ExportDaysLate"}
    )
    return {"Resources": resources | {"ExportDaysLate": late, "ExportDaysFailed": failed}}


def _transformations(fields: LogFields) -> list[tuple[str, dict[str, Any]]]:
    """The filters of a log group: the pattern of each, and what it publishes."""
    found = patterns(fields)
    counted = {"Requests": found.requests, "ServerErrors": found.server_errors, "AuthFailures": found.auth_failures}
    transformations = [(pattern, _count(metric)) for metric, ones in counted.items() for pattern in ones]
    transformations += [(pattern, _value(*LATENCIES[at.unit], selector(at))) for at, pattern in found.latencies]
    if len(transformations) > LIMIT:
        raise UserError(
            f"The metrics need {len(transformations)} metric filters; a log group can have {LIMIT}. In dbt_project.yml, vars:"
            " event_fields or log_groups, list only the paths that your logs have, or use fewer auth_failure rows in"
            " seeds/event_catalog.csv."
        )
    return transformations


def _filter(log_group: str, pattern: str, transformation: dict[str, Any], more: dict[str, str]) -> dict[str, Any]:
    properties = {"LogGroupName": {"Ref": log_group}, "FilterPattern": pattern, "MetricTransformations": [transformation]}
    return {"Type": "AWS::Logs::MetricFilter", **more, "Properties": properties}


def _count(metric: str) -> dict[str, Any]:
    """1 for each event, and 0 for a minute without a match: so alarms can tell `nothing wrong` from `nothing logged`."""
    return {**_value(metric, "Count", "1"), "DefaultValue": 0}


def _value(metric: str, unit: str, value: str) -> dict[str, Any]:
    return {"MetricNamespace": {"Ref": "NamePrefix"}, "MetricName": metric, "MetricValue": value, "Unit": unit}
