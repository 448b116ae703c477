"""Where the API's logs hold what alarms and saved queries look at: vars event_fields and seed event_catalog, read as dbt does."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..project_vars import FILE, read_vars

CATALOG = FILE.parent / "seeds" / "event_catalog.csv"
COLUMNS = ["event_name", "status_code", "route", "meaning"]
UNITS = ("ms", "s", "us", "ns")


@dataclass(frozen=True)
class Place:
    """A JSON path at which a field may stand. `unit` is that of a latency."""

    steps: tuple[str | int, ...]
    unit: str = "ms"

    def is_within(self, other: Place) -> bool:
        """Whether this one can only be there where the other holds an object or an array."""
        return len(other.steps) < len(self.steps) and self.steps[: len(other.steps)] == other.steps


@dataclass(frozen=True)
class Row:
    """A row of event_catalog: the events that fit all that is not None."""

    event_name: str | None
    status_code: int | None
    route: str | None


@dataclass(frozen=True)
class LogFields:
    """For each field the places it may stand at, the first that holds a value wins; and what counts as an auth failure."""

    places: Mapping[str, tuple[Place, ...]]
    auth_failures: tuple[Row, ...]

    def of(self, field: str) -> tuple[Place, ...]:
        return self.places.get(field, ())


def read(project: Path = FILE, catalog: Path = CATALOG) -> LogFields:
    """What the two files say. Raises UserError that names the entry or the line at fault."""
    variables = read_vars(project)
    defaults, chosen = variables.get("default_event_fields"), variables.get("event_fields") or {}
    if not isinstance(defaults, dict) or not isinstance(chosen, dict):
        raise UserError(f"{project}, vars: event_fields and default_event_fields must be fields with lists of JSON paths.")
    if unknown := sorted(str(name) for name in chosen.keys() - defaults.keys()):
        raise UserError(f"{project}, vars: event_fields: there is no field {', '.join(unknown)}. Fields: {', '.join(defaults)}.")
    fields = {name: _places(project, name, entries) for name, entries in (defaults | chosen).items()}
    return LogFields(fields, _auth_failures(catalog))


def _places(project: Path, name: str, entries: Any) -> tuple[Place, ...]:
    entries = entries if isinstance(entries, list) else [entries] if entries else []
    places = []
    for entry in entries:
        asked = entry if isinstance(entry, dict) else {"path": entry}
        path, unit = str(asked.get("path") or ""), asked.get("unit", "ms")
        found = re.findall(r'"([^"]+)"|([^.\[\]"]+)|\[([0-9]+)\]', path)
        steps = tuple(int(index) if index else quoted or plain for quoted, plain, index in found)
        if not steps or isinstance(steps[0], int) or unit not in UNITS or ("unit" in asked and name != "latency_ms"):
            raise UserError(
                f"{project}, vars: event_fields: {name}: cannot use {entry!r}. An entry is a JSON path, or for latency_ms"
                " {path: ..., unit: ms|s|us|ns}."
            )
        places.append(Place(steps, unit))
    return tuple(place for number, place in enumerate(places) if place.steps not in {other.steps for other in places[:number]})


def _auth_failures(catalog: Path) -> tuple[Row, ...]:
    try:
        with catalog.open(encoding="utf-8", newline="") as file:
            header, *lines = list(csv.reader(file, strict=True)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{catalog} cannot be read: {error}") from None
    if header != COLUMNS:
        raise UserError(f"{catalog}: the first line must be {','.join(COLUMNS)}.")
    rows = []
    for number, line in enumerate(lines, 2):
        if line and len(line) != len(COLUMNS):
            raise UserError(f"{catalog}, row {number}: {len(line)} columns; each row has {len(COLUMNS)}: {', '.join(COLUMNS)}.")
        if line and line[3] == "auth_failure":
            rows.append(_row(catalog, number, line))
    return tuple(rows)


def _row(catalog: Path, number: int, line: list[str]) -> Row:
    name, status, route, _ = line
    if not (name or status or route):
        raise UserError(f"{catalog}, row {number} makes every event an auth failure. Give a name, a status or a route.")
    if status and not re.fullmatch("[1-5][0-9][0-9]", status):
        raise UserError(f"{catalog}, row {number}: the status_code {status!r} is no HTTP status.")
    return Row(name or None, int(status) if status else None, route or None)
