"""CloudWatch's filter patterns for what the marts count: requests, server errors, auth failures, latencies.

As in the marts, a field's value is at the first of its places that holds one. So each metric has a pattern for each place, which
requires that the places before it hold no value. An event matches at most one of them.
The syntax: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from ..errors import UserError
from ..event_fields import FieldPath
from .log_fields import CatalogRow, LogFields

LIMIT = 1024  # characters that CloudWatch allows
ANY_STATUS, SERVER_ERROR = (1, 5), (5, 5)

Condition = Callable[[str], str]  # selector -> the condition on it


@dataclass(frozen=True)
class Strictness:
    """How closely a pattern follows the marts. The stricter it is, the longer."""

    nothing: tuple[str, ...]  # what counts as no value
    in_order: bool = True  # whether only the first name, method and path of an event count, or any of them
    every_row: bool = True  # whether rows without a status also count for a status that other auth_failure rows name


# From the strictest, which fits if each field has few places, to one that fits with the default lists.
STRICTNESSES = (
    Strictness(("NOT EXISTS", "IS NULL", '= ""', '= "-"')),
    Strictness(("NOT EXISTS", "IS NULL")),
    Strictness(("NOT EXISTS",)),
    Strictness(("NOT EXISTS",), in_order=False),
    Strictness(("NOT EXISTS",), in_order=False, every_row=False),
)


@dataclass(frozen=True)
class Patterns:
    """For each metric a pattern for each place; latencies also say at which place the value is."""

    requests: list[str]
    server_errors: list[str]
    auth_failures: list[str]
    latencies: list[tuple[FieldPath, str]]


def selector(place: FieldPath) -> str:
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
                f"dbt_project.yml, vars: event_fields or log_groups: CloudWatch's metric filters cannot name the key {step!r};"
                " they allow letters, digits, -, _ and dots. Log it under another name, or list only other paths for this field."
            )
    return text


def patterns(fields: LogFields) -> Patterns:
    """The strictest patterns that fit. Raises UserError if a pattern cannot be written or is too long."""
    requests, server_errors, latencies = _strictest(
        "requests", fields, ("status_code", "latency_ms"), lambda strictness: _requests(fields, strictness)
    )
    exceptions = sorted({exception.number for row in fields.auth_failures for exception in row.exceptions})
    advice = ", or fewer auth_failure rows in seeds/event_catalog.csv"
    if exceptions:
        advice += f", or fewer rows that make exceptions to them (now row {', '.join(map(str, exceptions))})"
    (auth_failures,) = _strictest(
        "auth failures",
        fields,
        ("status_code", "event_name", "method", "path"),
        lambda strictness: [_auth_failures(fields, strictness)],
        also=advice,
    )
    return Patterns(requests, server_errors, auth_failures, list(zip(fields.of("latency_ms"), latencies, strict=False)))


def _requests(fields: LogFields, strictness: Strictness) -> list[list[str]]:
    """Requests, server errors and latencies, all equally strict: otherwise errors might exceed requests."""
    places = fields.of("status_code")
    requests, server_errors = (_first(places, _status(*classes), strictness) for classes in (ANY_STATUS, SERVER_ERROR))
    latencies = _first(fields.of("latency_ms"), lambda at: f"{at} >= 0", strictness) if places else []
    has_status = _any(places, lambda at: f"{at} = *")
    return [requests, server_errors, [f"{latency} && ({has_status})" for latency in latencies]]


def _auth_failures(fields: LogFields, strictness: Strictness) -> list[str]:
    """Patterns for each status that the catalog names, for every other status, and for events without a status."""
    places = fields.of("status_code")
    rows = [row for row in fields.auth_failures if all(fields.of_condition(name) for name in _asked(row))]
    others = [row for row in rows if not row.status_code]
    exceptions = [exception for row in others for exception in row.exceptions]
    codes = sorted({row.status_code for row in [*rows, *exceptions] if row.status_code})
    found = []
    for code in codes:
        named = [row for row in rows if row.status_code == code]
        deciding = [*named, *others] if strictness.every_row else named or others
        for start in _first(places, partial(_equals, forms=[code, f'"{code}"']), strictness):
            found += _each(start, code, deciding, fields, strictness)
    no_status = " && ".join(_holds_none(selector(place), strictness) for place in places)
    for start in [*_first(places, _status(*ANY_STATUS, but=codes), strictness), no_status]:
        found += _each(start, None, others, fields, strictness)
    return found


def _each(start: str, code: str | None, rows: list[CatalogRow], fields: LogFields, strictness: Strictness) -> list[str]:
    """Patterns for the events that match `start` with this status (None: a status that no row names) and that a row counts.

    Rows get separate patterns only if they have the same columns, since an event then matches at most one of them.
    """
    counted = [(row, condition) for row in rows if (condition := _row(row, code, fields, strictness)) is not None]
    conditions = [condition for _, condition in counted]
    if "" in conditions:
        return [start]
    if len({tuple(row.values) for row, _ in counted}) > 1:
        conditions = [" || ".join(conditions)]
    packed: list[str] = []
    for condition in conditions:
        if packed and len(start) + len(packed[-1]) + len(condition) + 20 < LIMIT:
            packed[-1] += f" || {condition}"
        else:
            packed.append(condition)
    return [f"{start} && ({one})" if start else one for one in packed]


def _asked(row: CatalogRow) -> list[str]:
    """The conditions of a row, except the status."""
    return [name for name in row.values if name != "status_code"]


def _row(row: CatalogRow, code: str | None, fields: LogFields, strictness: Strictness) -> str | None:
    """The condition under which a row counts an event with this status. '': always. None: never, because of an exception."""
    conditions = [_has(row, name, fields, strictness) for name in _asked(row)]
    for exception in row.exceptions:
        further = [name for name in _asked(exception) if name not in row.values]
        if exception.status_code in (None, code) and all(fields.of_condition(name) for name in further):
            if not further:
                return None
            conditions.append(" || ".join(_lacks(exception, name, fields, strictness) for name in further))
    return " && ".join(f"({one})" for one in conditions) if len(conditions) > 1 else "".join(conditions)


def _has(row: CatalogRow, name: str, fields: LogFields, strictness: Strictness) -> str:
    """Whether an event has the row's value."""
    places = fields.of_condition(name)

    def condition(at: str) -> str:
        return _equals(at, _forms(row, name, at, fields))

    return " || ".join(_first(places, condition, strictness)) if strictness.in_order else _any(places, condition)


def _lacks(row: CatalogRow, name: str, fields: LogFields, strictness: Strictness) -> str:
    """Whether no place of an event has the row's value. A place that contains other places may hold an object."""
    places = fields.of_condition(name)
    found = []
    for place in places:
        at = selector(place)
        differs = " && ".join(f"{at} != {form}" for form in _forms(row, name, at, fields))
        within = [f"{selector(other)} = *" for other in places if other.is_within(place)]
        found.append(f"({' || '.join([_holds_none(at, strictness), differs, *within])})")
    return " && ".join(found)


def _forms(row: CatalogRow, name: str, at: str, fields: LogFields) -> list[str]:
    """The forms of the row's value at a place. If method and path share it, also in a request line: POST /login HTTP/1.1."""
    value = row.values[name]
    if re.search(r'["\\*%]', value):
        raise UserError(
            f"seeds/event_catalog.csv, row {row.number}: a metric filter cannot match {value!r}: it contains one of"
            ' " \\ * %. Rename it.'
        )
    if name == "route" and "/:" in value:
        raise UserError(
            f"seeds/event_catalog.csv, row {row.number}: a metric filter cannot match the route {value}, as it knows no ids."
            " Log an event name for such requests, and use a row with event_name."
        )
    in_request_line = all(at in map(selector, fields.of(field)) for field in ("method", "path"))
    if name == "method":
        forms = [value, value.lower(), *([f"{value} *"] if in_request_line else [])]
    elif name == "route":
        forms = [value, f"{value}?*", *([f"* {value} *", f"* {value}?*"] if in_request_line else [])]
    else:
        forms = [value]
    return [f'"{form}"' for form in forms]


def _equals(at: str, forms: list[str]) -> str:
    either = " || ".join(f"{at} = {form}" for form in forms)
    return f"({either})" if len(forms) > 1 else either


def _first(places: tuple[FieldPath, ...], condition: Condition, strictness: Strictness) -> list[str]:
    """For each place: it matches, and no place before it holds a value. A place that contains it holds an object: no value."""
    found = []
    for number, place in enumerate(places):
        before = [_holds_none(selector(earlier), strictness) for earlier in places[:number] if not place.is_within(earlier)]
        found.append(" && ".join([*before, condition(selector(place))]))
    return found


def _any(places: tuple[FieldPath, ...], condition: Condition) -> str:
    return " || ".join(condition(selector(place)) for place in places)


def _holds_none(at: str, strictness: Strictness) -> str:
    either = " || ".join(f"{at} {nothing}" for nothing in strictness.nothing)
    return f"({either})" if len(strictness.nothing) > 1 else either


def _status(lowest: int, highest: int, but: Iterable[str] = ()) -> Condition:
    """A status of the classes 1xx to 5xx, as a number or as text."""

    def condition(at: str) -> str:
        number = [f"{at} >= {lowest}00", f"{at} <= {highest}99", *(f"{at} != {code}" for code in but)]
        classes = " || ".join(f'{at} = "{digit}*"' for digit in range(lowest, highest + 1))
        text = [f"({classes})" if but else classes, *(f'{at} != "{code}"' for code in but)]
        return f"({' && '.join(number)} || {' && '.join(text)})"

    return condition


def _strictest(
    of: str, fields: LogFields, names: tuple[str, ...], build: Callable[[Strictness], list[list[str]]], also: str = ""
) -> list[list[str]]:
    """The strictest patterns that are all short enough. Raises UserError if there are none."""
    for strictness in STRICTNESSES:
        found = [[f"{{ {pattern} }}" for pattern in patterns] for patterns in build(strictness)]
        longest = max((len(pattern) for patterns in found for pattern in patterns), default=0)
        if longest <= LIMIT:
            return found
    paths = ", ".join(f"{len(fields.of(name))} for {name}" for name in names)
    raise UserError(
        f"A metric filter for {of} would be {longest:,} characters long; CloudWatch allows {LIMIT:,}. In dbt_project.yml, vars:"
        f" event_fields or log_groups, list only the paths that your logs have (now {paths}){also}."
    )
