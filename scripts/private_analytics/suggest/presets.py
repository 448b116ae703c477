"""Loggers: where each writes the fields (`vars: loggers` of dbt_project.yml), and by what else its lines can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..event_fields import FieldPath, Fields
from ..json_path import Steps
from .flatten import Record, Value
from .values import as_latency, as_time, reader


@dataclass(frozen=True)
class Mark:
    """What the lines of a logger have in common, and the unit and kind of its durations where it writes them itself.

    Keys are at the top of a line. Their values: a number, a text, a text in LOWER or UPPER case, or anything.
    """

    keys: Mapping[str, str]
    unit: str | None = None
    whole: bool | None = None


# In this order: the first that fits a line has written it.
MARKS = {
    "echo": Mark({"latency": "number", "latency_human": "text", "bytes_in": "any"}, "ns", whole=True),
    "bunyan": Mark({"v": "number", "name": "text", "hostname": "text", "level": "number", "time": "text"}, "ms"),
    "pino": Mark({"level": "number", "time": "number"}, "ms"),
    "caddy": Mark({"ts": "any", "logger": "text", "resp_headers": "any"}, "s", whole=False),
    "zap": Mark({"ts": "number", "level": "lower", "msg": "text"}, "s", whole=False),
    "slog": Mark({"time": "text", "level": "upper", "msg": "text"}, "ns", whole=True),
    "logrus": Mark({"time": "text", "level": "lower", "msg": "text"}, "ns", whole=True),
    "zerolog": Mark({"time": "any", "level": "lower"}, "ms"),
    "serilog": Mark({"@t": "text", "@mt": "text"}, "ms"),
    "monolog": Mark({"level": "number", "level_name": "upper", "channel": "text"}),
}


def read(field: str, where: Sequence[FieldPath], record: Record) -> Any:
    """What a record holds for a field: at the first place with a value. A latency in ms; None if it cannot be read."""
    for place in where:
        value = record.values.get(place.steps)
        if value is not None:
            found = as_latency(value) if field == "latency_ms" else reader(field)(value)
            return found.in_ms(place.unit) if hasattr(found, "in_ms") else found
    return None


def same(field: str, one: Any, other: Any) -> bool:
    if other is None or field not in ("event_at", "latency_ms"):
        return bool(one == other)
    allowed: float = 1 if field == "event_at" else 0.001 + 0.001 * one
    return bool(abs(one - other) <= allowed)


def reads_alike(field: str, mine: Sequence[FieldPath], other: Sequence[FieldPath], records: Sequence[Record]) -> bool:
    """Whether the other places hold what mine hold, wherever mine hold something."""
    pairs = [(found, record) for record in records if (found := read(field, mine, record)) is not None]
    equal = sum(same(field, found, read(field, other, record)) for found, record in pairs)
    return equal >= 0.99 * len(pairs)


def fitting(found: Fields, presets: Mapping[str, Fields], records: Sequence[Record], logger: str) -> str | None:
    """The preset that reads each of these fields as found. Of several the logger's own, then the one with most paths."""
    fits = [
        name
        for name, preset in presets.items()
        if all(field in preset and reads_alike(field, mine, preset[field], records) for field, mine in found.items())
    ]
    held = {steps for record in records for steps in record.values}
    share = {name: sum(place.steps in held for field in presets[name].values() for place in field) for name in fits}
    return max(fits, key=lambda name: (name == logger, share[name], -len(presets[name])), default=None)


def units(steps: Steps, presets: Mapping[str, Fields], records: Sequence[Record], whole: bool) -> dict[str, str]:
    """The loggers that may have written these lines, with the unit that each writes at this path."""
    logger = logger_of(records)
    found = {
        name: place.unit
        for name, preset in presets.items()
        for place in preset.get("latency_ms", ())
        if place.steps == steps
        and (name.split("-")[-1] not in MARKS or name.split("-")[-1] == logger)  # gin-zap's lines are zap's
        and all(_hold(where, records) for field, where in preset.items() if field in NEEDED)
    }
    mark = MARKS.get(logger)
    if mark and mark.unit and logger not in found and mark.whole in (None, whole):
        found[logger] = mark.unit
    return found


NEEDED = ("event_at", "status_code", "method", "path")


def _hold(where: Sequence[FieldPath], records: Sequence[Record]) -> bool:
    return all(any(place.steps in record.values for place in where) for record in records)


def logger_of(records: Sequence[Record]) -> str:
    """The logger that wrote them all, or ''."""
    names = {shape(record) for record in records}
    return names.pop() if len(names) == 1 and not any(" " in name for name in names) else ""


def shape(record: Record) -> str:
    """The name of the logger, or the keys by which its lines can be told from another's."""
    tops = {str(steps[0]): value for steps, value in record.values.items() if len(steps) == 1}
    for name, mark in MARKS.items():
        if all(_is(kind, tops.get(key)) or (kind == "any" and _has(record, key)) for key, kind in mark.keys.items()):
            return name
    times = [key for key, value in tops.items() if as_time(value) is not None]
    levels = [key for key in tops if key.lower() in ("level", "severity", "log.level", "levelname", "level_name", "lvl")]
    return f"keys {', '.join([*times[:2], *levels[:1]]) or 'of its own'}"


def _has(record: Record, key: str) -> bool:
    return any(steps[0] == key for steps in record.values)


def _is(kind: str, value: Value | None) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and {"lower": value.islower(), "upper": value.isupper()}.get(kind, kind == "text")
