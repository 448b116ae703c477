"""The part of the CloudWatch Logs Insights language that saved queries use, as documented. Anything else is an error.

docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html; CWL_AnalyzeLogData-discoverable-fields.html names fields.
"""

from __future__ import annotations

import contextlib
import json
import math
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from helpers.scanner import cut

Row = dict[str, Any]
Expression = Callable[[Row], Any]

TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[0-9]+(?:\.[0-9]+)?(?![A-Za-z0-9_.]))
    | (?P<period>[0-9]+[a-z]+)
    | (?P<name>[A-Za-z_@][A-Za-z0-9_@.]*)
    | `(?P<quoted_name>[^`]+)`
    | "(?P<text>[^"\\]*)"
    | (?P<sign><=|>=|!=|=|<|>|[(),|*/+-])
    )""",
    re.VERBOSE,
)
ACCOUNT = "123456789012"
COMPARED = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
PERIODS_MS = {"m": 60_000, "h": 3_600_000}
WORDS = {"by", "as", "and", "or", "not", "asc", "desc", "like"}


@dataclass(frozen=True)
class LogEvent:
    timestamp_ms: int
    message: str
    log_stream: str = "stream"
    log_group: str = "/api"


def run(query: str, events: Iterable[LogEvent]) -> list[Row]:
    """The rows that a query gives, each with the fields that it shows. Raises ValueError for what is not understood."""
    rows = [discovered(event) for event in events]
    shown: list[str] = []
    tokens = cut("\n".join(line for line in query.splitlines() if not line.lstrip().startswith("#")), TOKEN)
    for command in _commands(tokens):
        name = _next(command, "name")
        if name not in COMMANDS:
            raise ValueError(f"no such command: {name}")
        rows, shown = COMMANDS[name](command, rows, shown)
        if command:
            raise ValueError(f"not understood after {name}: {command}")
    return [{name: row.get(name) for name in shown} for row in rows]


def discovered(event: LogEvent) -> Row:
    """An event's fields: those of Insights, and the values in its JSON by their names: a.b, items.0.c, @@t for a key @t."""
    row: Row = {"@timestamp": event.timestamp_ms, "@message": event.message, "@logStream": event.log_stream}
    row["@log"] = f"{ACCOUNT}:{event.log_group}"

    def no_json(word: str) -> None:
        raise ValueError(word)

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict | list):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                walk(inner, f"{name}.{key}" if name else str(key))
        elif value is not None:
            row.setdefault(f"@{name}" if name.startswith("@") else name, value)

    with contextlib.suppress(ValueError):  # what is no JSON has no fields
        walk(json.loads(event.message, parse_constant=no_json), "")
    return row


# --- Commands ---


def _fields(tokens: list, rows: list[Row], shown: list[str]) -> tuple[list[Row], list[str]]:
    for expression, name in _named(tokens):
        rows = [{**row, name: expression(row)} for row in rows]
        shown = [*shown, name]
    return rows, shown


def _parse(tokens: list, rows: list[Row], shown: list[str]) -> tuple[list[Row], list[str]]:
    """Each * of a glob as a field; none of them where the text does not fit. Fields are not shown by being parsed."""
    field, glob = _next(tokens, "name"), _next(tokens, "text")
    if _next(tokens, "name") != "as":
        raise ValueError("what is parsed has no name")
    names = [_next(tokens, "name")]
    while tokens and tokens[0] == ("sign", ","):
        tokens.pop(0)
        names.append(_next(tokens, "name"))
    if glob.count("*") != len(names) or "**" in glob:
        raise ValueError(f"{glob!r} has not one * for each of {names}")
    pattern = re.compile("(.*?)".join(map(re.escape, glob.split("*"))), re.DOTALL)

    def parsed(row: Row) -> Row:
        match = pattern.fullmatch(_text(row.get(field)) or "")
        return dict(zip(names, match.groups(), strict=True)) if match else {}

    return [{**row, **parsed(row)} for row in rows], shown


def _filter(tokens: list, rows: list[Row], shown: list[str]) -> tuple[list[Row], list[str]]:
    condition = _or(tokens)
    return [row for row in rows if condition(row)], shown


def _sort(tokens: list, rows: list[Row], shown: list[str]) -> tuple[list[Row], list[str]]:
    name, way = _next(tokens, "name"), _next(tokens, "name")
    if way not in ("asc", "desc"):
        raise ValueError(f"sorted how? {way}")
    present = [row for row in rows if row.get(name) is not None]
    absent = [row for row in rows if row.get(name) is None]
    return sorted(present, key=lambda row: row[name], reverse=way == "desc") + absent, shown


def _limit(tokens: list, rows: list[Row], shown: list[str]) -> tuple[list[Row], list[str]]:
    return rows[: int(_next(tokens, "number"))], shown


def _display(tokens: list, rows: list[Row], shown: list[str]) -> tuple[list[Row], list[str]]:
    return rows, [name for _, name in _named(tokens)]


def _stats(tokens: list, rows: list[Row], shown: list[str]) -> tuple[list[Row], list[str]]:
    aggregates = [_aggregate(tokens)]
    while tokens and tokens[0] == ("sign", ","):
        tokens.pop(0)
        aggregates.append(_aggregate(tokens))
    if _next(tokens, "name") != "by":
        raise ValueError("stats without by")
    by = _named(tokens)
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(expression(row) for expression, _ in by), []).append(row)
    names = [name for _, name in by]
    found = [
        {**dict(zip(names, key, strict=True)), **{name: aggregate(group) for aggregate, name in aggregates}}
        for key, group in groups.items()
    ]
    return found, [*names, *(name for _, name in aggregates)]


COMMANDS = {
    "fields": _fields,
    "parse": _parse,
    "filter": _filter,
    "sort": _sort,
    "limit": _limit,
    "display": _display,
    "stats": _stats,
}


def _named(tokens: list) -> list[tuple[Expression, str]]:
    """Expressions with their names, or fields by their own."""
    found = []
    while True:
        own_name = tokens[0][1] if tokens and tokens[0][0] in ("name", "quoted_name") else None
        expression = _sum(tokens)
        if tokens and tokens[0] == ("name", "as"):
            tokens.pop(0)
            own_name = _next(tokens, "name")
        if own_name is None or own_name in FUNCTIONS:
            raise ValueError("an expression without a name")
        found.append((expression, own_name))
        if not tokens or tokens[0] != ("sign", ","):
            return found
        tokens.pop(0)


def _aggregate(tokens: list) -> tuple[Callable[[list[Row]], Any], str]:
    function = _next(tokens, "name")
    _sign(tokens, "(")
    if function == "count" and tokens[0] == ("sign", "*"):
        tokens.pop(0)
        aggregate: Callable = len
    else:
        inner = _sum(tokens)
        percent = None
        if function == "pct":
            _sign(tokens, ",")
            percent = float(_next(tokens, "number"))

        def aggregate(rows: list[Row]) -> Any:
            values = [value for value in map(inner, rows) if value is not None]
            match function:
                case "count_distinct":
                    return len(set(values))
                case "max":
                    return max(values, default=None)
                case "sum":
                    return sum(map(_number, values))
                case "pct":
                    return _percentile([number for number in map(_number, values) if number is not None], percent)
            raise ValueError(f"no such aggregation: {function}")

    _sign(tokens, ")")
    if _next(tokens, "name") != "as":
        raise ValueError("an aggregation without a name")
    return aggregate, _next(tokens, "name")


def _percentile(values: list[float], percent: float) -> float | None:
    """The value below which so many percent lie; which of two neighbours is not documented."""
    return sorted(values)[max(math.ceil(percent / 100 * len(values)) - 1, 0)] if values else None


# --- Expressions ---


def _or(tokens: list) -> Expression:
    return _joined(tokens, "or", _and, any)


def _and(tokens: list) -> Expression:
    return _joined(tokens, "and", _condition, all)


def _joined(tokens: list, word: str, inner: Callable, together: Callable) -> Expression:
    conditions = [inner(tokens)]
    while tokens and tokens[0] == ("name", word):
        tokens.pop(0)
        conditions.append(inner(tokens))
    return lambda row: together(condition(row) for condition in conditions)


def _condition(tokens: list) -> Expression:
    if tokens and tokens[0] == ("sign", "("):
        tokens.pop(0)
        inner = _or(tokens)
        _sign(tokens, ")")
        return inner
    return _comparison(tokens)


def _comparison(tokens: list) -> Expression:
    left = _sum(tokens)
    if tokens and tokens[0] == ("name", "like"):
        tokens.pop(0)
        part = _next(tokens, "text")
        return lambda row: part in (_text(left(row)) or "")
    sign = _next(tokens, "sign")
    if sign not in COMPARED:
        raise ValueError(f"no comparison: {sign}")
    right = _sum(tokens)

    def holds(row: Row) -> bool:
        a, b = left(row), right(row)
        if a is None or b is None:
            return False
        if isinstance(b, int | float):  # a text that holds a number is compared as one, as in AWS's own examples
            a = _number(a)
        return a is not None and COMPARED[sign](a, b)

    return holds


def _sum(tokens: list) -> Expression:
    """A value, or a value times or divided by a number."""
    left = _value(tokens)
    if tokens and tokens[0] in (("sign", "*"), ("sign", "/")):
        sign, factor = tokens.pop(0)[1], float(_next(tokens, "number"))

        def product(row: Row) -> float | None:
            number = _number(left(row))
            return None if number is None else number * factor if sign == "*" else number / factor

        return product
    return left


def _value(tokens: list) -> Expression:
    kind, text = tokens.pop(0) if tokens else ("end", "")
    if kind == "number":
        number = float(text) if "." in text else int(text)
        return lambda row: number
    if kind == "text":
        return lambda row: text
    if kind == "quoted_name" or (kind == "name" and text not in WORDS and text not in FUNCTIONS):
        return lambda row: row.get(text)
    if kind != "name" or text in WORDS:
        raise ValueError(f"no value: {text!r}")
    _sign(tokens, "(")
    if text == "bin":
        length, unit = re.fullmatch("([0-9]+)([mh])", _next(tokens, "period")).groups()
        _sign(tokens, ")")
        period = int(length) * PERIODS_MS[unit]
        return lambda row: row["@timestamp"] // period * period
    arguments = [_comparison(tokens) if text == "if" else _sum(tokens)]
    while tokens and tokens[0] == ("sign", ","):
        tokens.pop(0)
        arguments.append(_sum(tokens))
    _sign(tokens, ")")
    return FUNCTIONS[text](*arguments)


def _coalesce(*arguments: Expression) -> Expression:
    return lambda row: next((value for argument in arguments if (value := argument(row)) is not None), None)


def _if(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    return lambda row: then(row) if condition(row) else otherwise(row)


def _upper(text: Expression) -> Expression:
    return lambda row: None if (found := _text(text(row))) is None else found.upper()


def _replace(text: Expression, old: Expression, new: Expression) -> Expression:
    return lambda row: None if (found := _text(text(row))) is None else found.replace(old(row), new(row))


def _regex_replace(text: Expression, pattern: Expression, new: Expression) -> Expression:
    def replaced(row: Row) -> str | None:
        if "\\" in new(row) or "$" in new(row):
            raise ValueError("how a replacement names a group is not documented")
        found = _text(text(row))
        return None if found is None else re.sub(pattern(row), new(row), found)

    return replaced


FUNCTIONS = {
    "coalesce": _coalesce,
    "if": _if,
    "toupper": _upper,
    "replace": _replace,
    "regexReplace": _regex_replace,
    "bin": None,  # takes a period, not values
}


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    return float(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


# --- Tokens ---


def _commands(tokens: list) -> list[list]:
    commands: list[list] = [[]]
    for token in tokens:
        if token == ("sign", "|"):
            commands.append([])
        else:
            commands[-1].append(token)
    return commands


def _next(tokens: list, kind: str) -> str:
    if not tokens or tokens[0][0] != kind:
        raise ValueError(f"a {kind} was expected before {tokens}")
    return tokens.pop(0)[1]


def _sign(tokens: list, sign: str) -> None:
    if _next(tokens, "sign") != sign:
        raise ValueError(f"{sign} was expected before {tokens}")
