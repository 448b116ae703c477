"""The cases of tests/rules/*.yml, and a check of any engine's tables against them.

A file is a list of rules, each with its cases. A case is one line, given as
    message: after the CloudWatch time 2026-10-01T12:00:00.000Z
    line: whole, of an export in CloudWatch's format
    plain_line: whole, of an export in plain format
and what becomes of it: `event` or `rejected`, with columns of its row in fct_events or rejected_log_lines. YAML
takes every character in single quotes as it is and reads escapes in double quotes. `encoding` is that of the
line, by default UTF-8. The exported day is 2026-10-01.
"""

from __future__ import annotations

import gzip
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from helpers import REPOSITORY

RULES = REPOSITORY / "tests" / "rules"
TABLES = {"event": "fct_events", "rejected": "rejected_log_lines"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A line and the row that becomes of it."""

    stream: str  # the log stream that holds the line and nothing else
    rule: str
    line: bytes
    line_format: str
    table: str
    expected: Row

    def __str__(self) -> str:
        return f"{self.stream}: {self.rule}"


@cache
def cases() -> list[Case]:
    found = []
    for path in sorted(RULES.glob("*.yml")):
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))
        examples = [(rule["rule"], example) for rule in rules for example in rule["cases"]]
        found += [read_case(f"{path.stem}-{n}", rule, example) for n, (rule, example) in enumerate(examples, start=1)]
    return found


def read_case(stream: str, rule: str, example: Row) -> Case:
    """A key that is missing, unknown or one too many is an error."""
    match example:
        case {"message": message, **rest}:
            line, line_format = f"2026-10-01T12:00:00.000Z {message}", "cloudwatch"
        case {"line": line, **rest}:
            line_format = "cloudwatch"
        case {"plain_line": line, **rest}:
            line_format = "plain"
    encoding = rest.pop("encoding", "utf-8")
    ((outcome, expected),) = rest.items()
    return Case(stream, rule, line.encode(encoding), line_format, TABLES[outcome], expected)


def utf8_cases() -> list[Case]:
    """The cases that every engine reads from the file itself; others are prepared for DuckDB (private_analytics.lake)."""
    return [case for case in cases() if case.line.decode(errors="ignore").encode() == case.line]


def exports(chosen: list[Case]) -> dict[str, dict[str, bytes]]:
    """The log streams of each line format, as Project.export takes them."""
    streams: dict[str, dict[str, bytes]] = defaultdict(dict)
    for case in chosen:
        streams[case.line_format][case.stream] = gzip.compress(case.line + b"\n")
    return streams


def check(case: Case, tables: Mapping[str, list[Row]]) -> None:
    """Fails unless the case's line is one row, of the right table, with the expected values."""
    rows = [(name, row) for name in TABLES.values() for row in tables[name] if row["log_stream"] == case.stream]
    found = [(name, {column: row.get(column, "no such column") for column in case.expected}) for name, row in rows]
    one_row = [name for name, _ in found] == [case.table]
    fits = one_row and all(is_same(value, found[0][1][column]) for column, value in case.expected.items())
    assert fits, f"{case.line!r}: expected {case.table} {case.expected}, found {found}"


def is_same(expected: object, found: object) -> bool:
    if isinstance(expected, (int, float)) and isinstance(found, float):
        return math.isclose(expected, found, rel_tol=1e-9)
    return type(expected) is type(found) and expected == found
