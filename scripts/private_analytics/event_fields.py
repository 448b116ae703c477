"""Which paths of a record are read for each field: the vars event_fields, log_groups, loggers and default_event_fields.

The macro event_fields() reads them in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import json_path
from .errors import UserError, closest
from .json_path import Steps

UNITS = ("ms", "s", "us", "ns")


@dataclass(frozen=True)
class FieldPath:
    """A JSON path at which a field may be. `unit` is that of a latency."""

    steps: Steps
    unit: str = "ms"

    @property
    def path(self) -> str:
        return json_path.write(self.steps)

    def entry(self) -> str | dict[str, str]:
        """As the project's vars have it."""
        return self.path if self.unit == "ms" else {"path": self.path, "unit": self.unit}

    def is_within(self, other: FieldPath) -> bool:
        """Whether this path can only exist if the other holds an object or an array."""
        return len(other.steps) < len(self.steps) and self.steps[: len(other.steps)] == other.steps


Fields = Mapping[str, tuple[FieldPath, ...]]  # the first path with a value wins


@dataclass(frozen=True)
class FieldSettings:
    """What the vars say: `chosen` by event_fields, `log_groups` of single log groups, `loggers` the presets."""

    defaults: Fields
    chosen: Fields
    log_groups: Mapping[str, Fields]
    loggers: Mapping[str, Fields]

    def of(self, log_group: str) -> Fields:
        """Every field of this log group's lines."""
        return {**self.defaults, **self.set_for(log_group)}

    def set_for(self, log_group: str) -> Fields:
        """The fields of this log group that are not left to the defaults."""
        return {**self.chosen, **self.log_groups.get(log_group, {})}


def read(variables: Mapping[str, Any], where: str) -> FieldSettings:
    """The settings of the vars. Raises UserError that says which entry is wrong; `where` says where the vars are."""
    sections = {name: _mapping(where, name, variables.get(name)) for name in ("default_event_fields", "loggers", "log_groups")}
    known = sections["default_event_fields"]
    loggers = {
        str(name): _fields(f"{where}: loggers: {name}", _mapping(f"{where}: loggers", name, fields), known)
        for name, fields in sections["loggers"].items()
    }
    return FieldSettings(
        _fields(f"{where}: default_event_fields", known, known),
        _setting(f"{where}: event_fields", variables.get("event_fields") or {}, loggers, known),
        {
            str(name): _setting(f"{where}: log_groups: {name}", setting, loggers, known)
            for name, setting in sections["log_groups"].items()
        },
        loggers,
    )


def _mapping(where: str, name: object, value: object) -> dict[str, Any]:
    if not isinstance(value or {}, dict):
        raise UserError(f"{where}: {name} is {value!r}, which is not a mapping.")
    return value or {}  # type: ignore[return-value]


def _setting(where: str, setting: object, loggers: Mapping[str, Fields], known: Mapping[str, Any]) -> Fields:
    """The fields of a setting: a logger's name, or fields and perhaps the logger of those that it does not name."""
    own = {"logger": setting} if isinstance(setting, str) else setting
    if not isinstance(own, dict):
        raise UserError(f"{where}: cannot use {setting!r}. Write the name of a logger, or {{field: path, ...}}.")
    logger = own.get("logger")
    if logger and str(logger) not in loggers:
        near = closest(str(logger), loggers) or f". Loggers: {', '.join(loggers)}"
        raise UserError(f"{where}: there is no logger {str(logger)!r}{near}")
    preset = loggers[str(logger)] if logger else {}
    return {**preset, **_fields(where, {name: entries for name, entries in own.items() if name != "logger"}, known)}


def _fields(where: str, entries: Mapping[str, Any], known: Mapping[str, Any]) -> Fields:
    for name in entries:
        if name not in known:
            near = closest(str(name), known) or f". Fields: {', '.join(known)}"
            raise UserError(f"{where}: there is no field {str(name)!r}{near}")
    return {name: _paths(f"{where}: {name}", entry, name == "latency_ms") for name, entry in entries.items()}


def _paths(where: str, entries: object, has_unit: bool) -> tuple[FieldPath, ...]:
    """Of a path, {path, unit}, or a list of these."""
    found: dict[Steps, FieldPath] = {}
    for entry in entries if isinstance(entries, list) else [entries] if entries else []:
        asked = entry if isinstance(entry, dict) else {"path": entry}
        unit = asked.get("unit", "ms")
        try:
            if asked.keys() - {"path", "unit"} or unit not in UNITS or ("unit" in asked and not has_unit):
                raise ValueError("that is no entry of this field")
            path = FieldPath(json_path.parse(asked["path"]), unit)
        except (KeyError, TypeError, ValueError):
            raise UserError(
                f"{where}: cannot use {entry!r}. An entry is a JSON path, or for latency_ms {{path: ..., unit: ms|s|us|ns}}."
            ) from None
        found.setdefault(path.steps, path)
    return tuple(found.values())
