"""CloudWatch's filter patterns for what the marts count: requests, server errors, auth failures, latencies.

An event counts by the first of its field's places that holds a value, as in the marts: a pattern for a place asks that the places
before it hold none. So each metric has a pattern for each place, and an event fits one of them at most.
The language: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import UserError
from .log_fields import LogFields, Place, Row

LIMIT = 1024  # characters that CloudWatch takes
ANY_STATUS, SERVER_ERROR = (1, 5), (5, 5)

Condition = Callable[[str], str]  # from a selector to what is asked of it


@dataclass(frozen=True)
class Care:
    """How closely a pattern looks: what holds no value; and whether the first name and path count, or any of them."""

    nothing: tuple[str, ...]
    in_order: bool = True


# From the closest, which fits where each field has few places, to what fits with the default lists.
CARES = (
    Care(("NOT EXISTS", "IS NULL", '= ""', '= "-"')),
    Care(("NOT EXISTS", "IS NULL")),
    Care(("NOT EXISTS",)),
    Care(("NOT EXISTS",), in_order=False),
)


@dataclass(frozen=True)
class Patterns:
    """What to look for. For each metric a pattern for each place; latencies tell at which place the value is."""

    requests: list[str]
    server_errors: list[str]
    auth_failures: list[str]
    latencies: list[tuple[Place, str]]


def selector(place: Place) -> str:
    """$.user.id, $.items[0].id, $.['http.status_code']. Raises UserError for a key that CloudWatch cannot name."""
    text = "$"
    for step in place.steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch("[A-Za-z0-9_-]+", step):
            text += f".{step}"
        elif re.fullmatch("[A-Za-z0-9_.-]+", step):
            text += f".['{step}']"
        else:
            raise UserError(
                f"dbt_project.yml, vars: event_fields: CloudWatch's metric filters cannot name the key {step!r}; they know"
                " letters, digits, -, _ and dots. Log it under another name, or give only other paths for this field."
            )
    return text


def patterns(fields: LogFields) -> Patterns:
    """The patterns, looking as closely as they fit. Raises UserError for what cannot be said, or not shortly enough."""
    of_requests = ("status_code", "latency_ms")
    care = _closest("requests", fields, of_requests, lambda care: [one for some in _requests(fields, care) for one in some])
    requests, server_errors, latencies = _requests(fields, care)
    auth_care = _closest(
        "auth failures",
        fields,
        ("status_code", "event_name", "path"),
        lambda care: _auth_failures(fields, care),
        also=", or fewer auth_failure rows in seeds/event_catalog.csv",
    )
    return Patterns(
        requests=_braced(requests),
        server_errors=_braced(server_errors),
        auth_failures=_braced(_auth_failures(fields, auth_care)),
        latencies=list(zip(fields.of("latency_ms"), _braced(latencies), strict=False)),
    )


def _requests(fields: LogFields, care: Care) -> tuple[list[str], list[str], list[str]]:
    """Requests, server errors and latencies, all with the same care: else there might be more errors than requests."""
    places = fields.of("status_code")
    requests, server_errors = (_first(places, _status(*classes), care) for classes in (ANY_STATUS, SERVER_ERROR))
    latencies = _first(fields.of("latency_ms"), lambda at: f"{at} >= 0", care) if places else []
    has_status = _any(places, lambda at: f"{at} = *")
    return requests, server_errors, [f"{latency} && ({has_status})" for latency in latencies]


def _auth_failures(fields: LogFields, care: Care) -> list[str]:
    """What event_catalog calls so. A status that rows name counts by those rows; every other event by the rows without one."""
    places = fields.of("status_code")
    rows = [row for row in fields.auth_failures if all(fields.of(name) for name in _asked(row))]
    codes = sorted({row.status_code for row in rows if row.status_code})
    found = []
    for code in codes:
        named = [row for row in rows if row.status_code == code]
        for start in _first(places, _is_code(code), care):
            found += _each(start, named, fields, care)
    if others := [row for row in rows if row.status_code is None]:
        no_status = " && ".join(_holds_none(selector(place), care) for place in places)
        for start in [*_first(places, _status(*ANY_STATUS, but=codes), care), no_status]:
            found += _each(start, others, fields, care)
    return found


def _each(start: str, rows: list[Row], fields: LogFields, care: Care) -> list[str]:
    """Patterns for events that fit `start` and a row. Only rows of which an event fits one at most get patterns of their own."""
    if not all(_asked(row) for row in rows):
        return [start]
    conditions = [_row(row, fields, care) for row in rows]
    if len({_asked(row) for row in rows}) > 1:
        conditions = [" || ".join(conditions)]
    packed: list[str] = []
    for condition in conditions:
        if packed and len(start) + len(packed[-1]) + len(condition) + 20 < LIMIT:
            packed[-1] += f" || {condition}"
        else:
            packed.append(condition)
    return [f"{start} && ({one})" if start else one for one in packed]


def _asked(row: Row) -> tuple[str, ...]:
    """The fields that a row asks about, besides the status."""
    return tuple(field for field, value in (("event_name", row.event_name), ("path", row.route)) if value)


def _row(row: Row, fields: LogFields, care: Care) -> str:
    asked = []
    if row.event_name:
        value = _quoted(row.event_name)
        asked.append(_field(fields.of("event_name"), lambda at: f"{at} = {value}", care))
    if row.route:
        request_lines = {selector(place) for place in fields.of("method")}
        asked.append(_field(fields.of("path"), _route(row.route, request_lines), care))
    return " && ".join(f"({one})" for one in asked) if len(asked) > 1 else asked[0]


def _field(places: tuple[Place, ...], condition: Condition, care: Care) -> str:
    return " || ".join(_first(places, condition, care)) if care.in_order else _any(places, condition)


def _first(places: tuple[Place, ...], condition: Condition, care: Care) -> list[str]:
    """For each place: it fits, and no place before it holds a value. What the place is within holds an object, which is none."""
    found = []
    for number, place in enumerate(places):
        before = [_holds_none(selector(earlier), care) for earlier in places[:number] if not place.is_within(earlier)]
        found.append(" && ".join([*before, condition(selector(place))]))
    return found


def _any(places: tuple[Place, ...], condition: Condition) -> str:
    return " || ".join(condition(selector(place)) for place in places)


def _holds_none(at: str, care: Care) -> str:
    either = " || ".join(f"{at} {nothing}" for nothing in care.nothing)
    return f"({either})" if len(care.nothing) > 1 else either


def _status(lowest: int, highest: int, but: Iterable[int] = ()) -> Condition:
    """A status of the classes 1xx to 5xx, as a number or as text."""

    def condition(at: str) -> str:
        number = [f"{at} >= {lowest}00", f"{at} <= {highest}99", *(f"{at} != {code}" for code in but)]
        classes = " || ".join(f'{at} = "{digit}*"' for digit in range(lowest, highest + 1))
        text = [f"({classes})" if but else classes, *(f'{at} != "{code}"' for code in but)]
        return f"({' && '.join(number)} || {' && '.join(text)})"

    return condition


def _is_code(code: int) -> Condition:
    return lambda at: f'({at} = {code} || {at} = "{code}")'


def _route(route: str, request_lines: set[str]) -> Condition:
    """A path, with or without a query. Where methods are read as well, it may be a request line: POST /login HTTP/1.1."""
    if "/:" in route:
        raise UserError(
            f"seeds/event_catalog.csv: a metric filter cannot tell the route {route}: of ids it knows nothing. Let the API name"
            " such events, and give a row with event_name."
        )
    whole, query = _quoted(route), _quoted(f"{route}?")[:-1] + '*"'

    def condition(at: str) -> str:
        forms = [whole, query]
        if at in request_lines:
            forms += [f'"* {route} *"', f'"* {query[1:]}']
        return f"({' || '.join(f'{at} = {form}' for form in forms)})"

    return condition


def _quoted(value: str) -> str:
    if re.search(r'["\\*%]', value):
        raise UserError(
            f'seeds/event_catalog.csv: a metric filter cannot look for {value!r}: it holds one of " \\ * %. Rename it.'
        )
    return f'"{value}"'


def _closest(of: str, fields: LogFields, names: tuple[str, ...], build: Callable[[Care], list[str]], also: str = "") -> Care:
    """The closest look for which all patterns are short enough. Raises UserError where there is none."""
    for care in CARES:
        longest = max(map(len, _braced(build(care))), default=0)
        if longest <= LIMIT:
            return care
    paths = ", ".join(f"{len(fields.of(name))} for {name}" for name in names)
    raise UserError(
        f"A metric filter for {of} would be {longest:,} characters long; CloudWatch takes {LIMIT:,}. In dbt_project.yml, vars:"
        f" event_fields, give only the paths that your logs have (now {paths}){also}."
    )


def _braced(patterns: list[str]) -> list[str]:
    return [f"{{ {pattern} }}" for pattern in patterns]
