"""Lines as records: the time that CloudWatch put in front, and every value with the steps to it."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..json_path import Steps

Value = str | int | float | bool

LOGGED_AT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ")
PLATFORM = re.compile(r"(START|END|REPORT) RequestId: |(INIT_START|EXTENSION|TELEMETRY)\s|INIT_REPORT|XRAY TraceId: ")
TIME = r"\d{4}-\d\d-\d\dT[\d:.]{12}Z"
LAMBDA_PREFIX = re.compile(rf"^(?:{TIME}\t[^\t]*\t[A-Z]+|\[[A-Z]+\]\t{TIME}\t[^\t]*)\t(?=\{{)")  # as macro read_message
MAX_DEPTH, ITEMS = 32, 4
SOME = 100
NO_VALUES = ("", "-")  # that is how logs write that there is none


@dataclass(frozen=True)
class Record:
    """A line that is a JSON object."""

    logged_at: str | None
    values: dict[Steps, Value]


@dataclass
class Records:
    """The lines of a log group: those that can be read, how many others there are for each reason, and one of them.

    `texts` are some messages that are not JSON.
    """

    lines: int = 0
    good: list[Record] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def reject(self, reason: str, line: str) -> None:
        self.rejected[reason] += 1
        self.examples.setdefault(reason, line)


def read(lines: Iterable[str]) -> Records:
    records = Records()
    for line in lines:
        records.lines += 1
        front = LOGGED_AT.match(line)
        message = LAMBDA_PREFIX.sub("", line[front.end() :] if front else line, count=1)
        if PLATFORM.match(message):
            records.reject("lambda_platform_line", line)
            continue
        try:
            content = _parse(message)
            if isinstance(content, dict) and isinstance(inner := content.get("log"), str) and inner.startswith('{"'):
                content = _parse(inner)  # a log router's
            message.encode()
            values = dict(_walk(content, ())) if isinstance(content, dict) else None
        except (ValueError, RecursionError):
            records.reject("not_json", line)
            records.texts += [message] * (len(records.texts) < SOME)
            continue
        if values is None:
            records.reject("not_an_object", line)
        elif str(content.get("type", "")).startswith("platform.") and isinstance(content.get("record"), dict):
            records.reject("lambda_platform_line", line)
        else:
            records.good.append(Record(front[1] if front else None, values))
    return records


def _parse(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_first_wins, parse_constant=lambda _: None, parse_int=_number)


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def _number(text: str) -> int | float:
    return int(text) if len(text) < 25 else float(text)


def _walk(content: Any, steps: Steps) -> Iterator[tuple[Steps, Value]]:
    """Every value below; of an array, those of its first items. Raises ValueError for half of a surrogate pair."""
    if isinstance(content, dict):
        for key, value in content.items() if len(steps) < MAX_DEPTH else ():
            key.encode()
            yield from _walk(value, (*steps, key))
    elif isinstance(content, list):
        for index, item in enumerate(content[:ITEMS]) if len(steps) < MAX_DEPTH else ():
            yield from _walk(item, (*steps, index))
    elif isinstance(content, str):
        content.encode()
        if content not in NO_VALUES:
            yield steps, content
    elif content is not None and math.isfinite(content):
        yield steps, content
