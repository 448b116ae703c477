"""Saved queries for CloudWatch Logs Insights, as part of the template: what people ask first when something is wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import UserError
from ..event_fields import FieldPath
from .log_fields import CatalogRow, LogFields

LOG_GROUPS = [
    {"Ref": "ApiLogs"},
    {"Fn::If": ["HasSecondLogGroup", {"Ref": "SecondLogs"}, {"Ref": "AWS::NoValue"}]},
    {"Fn::If": ["HasThirdLogGroup", {"Ref": "ThirdLogs"}, {"Ref": "AWS::NoValue"}]},
]
TO_MS = {"ms": "", "s": " * 1000", "us": " / 1000", "ns": " / 1000000"}
NAMES = {  # field -> what the queries call it
    "event_name": "api_event",
    "user_id": "api_user",
    "session_id": "api_session",
    "status_code": "api_status",
    "latency_ms": "api_latency_ms",
    "method": "api_method",
    "path": "api_path",
    "user_agent": "api_user_agent",
}
CONDITIONS = {"event_name": "api_event", "status_code": "api_status", "route": "endpoint", "method": "method_of_request"}
# As macro route() has them.
IDS = (
    "[0-9]+",
    "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "[0-9a-fA-F]{16,}",
    "[0-9A-Z]{26}",
    "[A-Za-z]+[-_][0-9]+",
)
LIMIT = 10_000  # characters that CloudWatch allows
OF_LOG_GROUP = 'parse @log "*:*" as api_account, api_log_group'  # @log is account:name
NOTHING = "api_nothing"  # no log has such a field
IS_REQUEST = "| filter api_status >= 100 and api_status < 600"


def part(fields: LogFields, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The queries by logical id. Raises UserError for what Insights cannot express.

    `names` has the names of the log groups, by logical id.
    """
    fields = replace(fields, log_groups={name: fields.in_log_group(name).places for name in (names or {}).values()})
    queries = {
        "Traffic": ("traffic", traffic(fields)),
        "Errors": ("server errors", errors(fields)),
        "SlowEndpoints": ("slow endpoints", slow_endpoints(fields)),
        "Session": ("one session", session(fields)),
        "Request": ("one request", request(fields)),
    }
    if fields.auth_failures:
        queries["AuthFailures"] = ("auth failures", auth_failures(fields))
    for title, query in queries.values():
        if len(query) > LIMIT:
            raise UserError(
                f"The saved query {title!r} would be {len(query):,} characters long; CloudWatch allows {LIMIT:,}. In"
                " dbt_project.yml, vars: event_fields or log_groups, list only the paths that your logs have."
            )
    return {
        "Resources": {
            f"Insights{name}": {
                "Type": "AWS::Logs::QueryDefinition",
                "Properties": {
                    "Name": {"Fn::Sub": f"${{NamePrefix}}/{title}"},
                    "QueryString": query,
                    "LogGroupNames": LOG_GROUPS,
                },
            }
            for name, (title, query) in queries.items()
        }
    }


def traffic(fields: LogFields) -> str:
    return _lines(
        "# Requests, server errors and slowness, for each 5 minutes.",
        _read(fields, "status_code", "latency_ms"),
        IS_REQUEST,
        "| fields if(api_status >= 500, 1, 0) as is_server_error",
        "| stats count(*) as requests, sum(is_server_error) as server_errors, pct(api_latency_ms, 95) as latency_p95_ms",
        "    by bin(5m) as period",
        "| sort period asc",
    )


def errors(fields: LogFields) -> str:
    return _lines(
        "# The latest requests that failed with a server error.",
        _read(fields, "status_code", "method", "path", "latency_ms", "event_name", "user_id", "session_id"),
        "| filter api_status >= 500 and api_status < 600",
        "| sort @timestamp desc",
        "| limit 100",
        "| display @timestamp, api_status, api_method, api_path, api_latency_ms, api_event, api_user, api_session, @message",
    )


def slow_endpoints(fields: LogFields) -> str:
    return _lines(
        "# The endpoints whose slowest 5 % of requests take longest. Ids in paths are :id, as in the marts.",
        _read(fields, "status_code", "latency_ms", "method", "path"),
        IS_REQUEST,
        *_endpoint(),
        "| stats count(*) as requests, pct(api_latency_ms, 50) as latency_p50_ms, pct(api_latency_ms, 95) as latency_p95_ms",
        "    by method_of_request, endpoint",
        "| sort latency_p95_ms desc",
        "| limit 50",
    )


def auth_failures(fields: LogFields) -> str:
    return _lines(
        "# Auth failures as in seeds/event_catalog.csv: where, how often, with which client, for how many users.",
        _read(fields, "event_name", "status_code", "method", "path", "user_id", "user_agent"),
        *_endpoint(),
        f"| filter {' or '.join(f'({_fits(row)})' for row in fields.auth_failures)}",
        "| stats count(*) as failures, count_distinct(api_user) as users, max(@timestamp) as latest",
        "    by method_of_request, endpoint, api_status, api_event, api_user_agent",
        "| sort failures desc",
        "| limit 100",
    )


def _fits(row: CatalogRow) -> str:
    """Whether an event matches the row and none of its exceptions. A missing field differs from every value."""
    conditions = [f"{CONDITIONS[name]} = {_literal(row, name)}" for name in row.values]
    for exception in row.exceptions:
        differs = []
        for name in exception.values.keys() - row.values.keys():
            nothing = "0" if name == "status_code" else '""'
            differs.append(f"coalesce({CONDITIONS[name]}, {nothing}) != {_literal(exception, name)}")
        conditions.append(f"({' or '.join(sorted(differs))})")
    return " and ".join(conditions)


def session(fields: LogFields) -> str:
    return _lines(
        "# All that happened in one session, in order. Put its id in place of SESSION_ID.",
        _read(fields, "session_id", "event_name", "status_code", "method", "path", "latency_ms", "user_id"),
        '| filter api_session = "SESSION_ID"',
        "| sort @timestamp asc",
        "| limit 1000",
        "| display @timestamp, api_event, api_status, api_method, api_path, api_latency_ms, api_user",
    )


def request(fields: LogFields) -> str:
    return _lines(
        "# All lines of one request, in order, also lines that are not JSON. Put its id in place of REQUEST_ID.",
        "# The whole line is searched, so it does not matter how your logger names the id.",
        _read(fields, "event_name", "status_code", "latency_ms"),
        '| filter @message like "REQUEST_ID"',
        "| sort @timestamp asc",
        "| limit 1000",
        "| display @timestamp, api_event, api_status, api_latency_ms, @logStream, @message",
    )


def _lines(*lines: str) -> str:
    return "\n".join(lines)


def _read(fields: LogFields, *names: str) -> str:
    """Each field as the first of its places that exists. A field without places is left out, so it is empty."""
    read = ",\n    ".join(f"{value} as {NAMES[name]}" for name in names if (value := _in_each_log_group(fields, name)) != NOTHING)
    return f"{OF_LOG_GROUP}\n| fields {read}" if "api_log_group" in read else f"fields {read}"


def _in_each_log_group(fields: LogFields, name: str) -> str:
    """The value of a field. What most log groups have stands last, so that the others alone are asked for by name."""
    values = {log_group: _first(places.get(name, ())) for log_group, places in fields.log_groups.items()}
    (usual, _), *_ = Counter(values.values() or [_first(fields.of(name))]).most_common(1)
    found = usual
    for log_group, value in values.items():
        if value != usual:
            found = f'if(api_log_group = "{log_group}", {value}, {found})'
    return found


def _first(places: Iterable[FieldPath]) -> str:
    values = dict.fromkeys(f"{_name(place)}{TO_MS[place.unit]}" for place in places)
    return f"coalesce({', '.join(values)})" if values else NOTHING


def _name(place: FieldPath) -> str:
    """The name that Insights finds a field by: res.statusCode, items.0.id, `user-agent`, @@t for a key @t."""
    name = ".".join(map(str, place.steps))
    if name.startswith("@"):
        name = f"@{name}"
    if "`" in name:
        raise UserError(
            f"dbt_project.yml, vars: event_fields or log_groups: CloudWatch Logs Insights cannot name the key {name!r}."
            " Rename it."
        )
    is_plain = re.fullmatch("[A-Za-z0-9_@.]+", name) and not any("." in str(step) for step in place.steps)
    return name if is_plain else f"`{name}`"


def _endpoint() -> list[str]:
    """Method and route, also from a request line or a whole URL. Slashes are doubled so that adjacent ids are both found."""
    ids = "|".join(IDS)
    return [
        '| fields toupper(regexReplace(api_method, " .*$", "")) as method_of_request,',
        '    regexReplace(api_path, "^[A-Za-z]+ |[? ].*$", "") as path_or_url',
        '| fields replace(regexReplace(path_or_url, "^[A-Za-z][A-Za-z0-9+.-]*://[^/]*", ""), "/", "//") as parted',
        f'| fields regexReplace(regexReplace(parted, "/(?:{ids})/", "/:id/"), "/(?:{ids})$", "/:id") as with_ids',
        '| fields replace(with_ids, "//", "/") as endpoint',
    ]


def _literal(row: CatalogRow, name: str) -> str:
    value = row.values[name]
    if '"' in value or "\\" in value:
        raise UserError(
            f"seeds/event_catalog.csv, row {row.number}: CloudWatch Logs Insights cannot match {value!r}, because of its"
            ' " or \\. Rename it.'
        )
    return value if name == "status_code" else f'"{value}"'
