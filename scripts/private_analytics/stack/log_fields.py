"""Where the API's logs hold the fields of alarms and saved queries: vars event_fields and seed event_catalog, read as by dbt."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .. import json_path
from ..errors import UserError
from ..json_path import Steps
from ..project import paths
from ..project.variables import read_vars

COLUMNS = ["event_name", "method", "status_code", "route", "meaning"]
CONDITIONS = ("status_code", "event_name", "route", "method")  # which column decides between equally many
FIELDS = {"route": "path"}  # condition -> its field, if the names differ
AUTH_FAILURE = "auth_failure"
UNITS = ("ms", "s", "us", "ns")


@dataclass(frozen=True)
class Place:
    """A JSON path at which a field may be. `unit` is that of a latency."""

    steps: Steps
    unit: str = "ms"

    def is_within(self, other: Place) -> bool:
        """Whether this place can only exist if the other holds an object or an array."""
        return len(other.steps) < len(self.steps) and self.steps[: len(other.steps)] == other.steps


@dataclass(frozen=True)
class CatalogRow:
    """A row of event_catalog. It matches an event that has all its values: those of its columns that are not blank.

    `exceptions` are more specific rows with another meaning: an event that matches one of them does not belong to this row.
    """

    number: int
    values: Mapping[str, str]
    meaning: str
    exceptions: tuple[CatalogRow, ...] = ()

    @property
    def status_code(self) -> str | None:
        return self.values.get("status_code")

    @property
    def rank(self) -> tuple[int, ...]:
        """If several rows match an event, the one with the highest rank decides its meaning."""
        return (len(self.values), *(name in self.values for name in CONDITIONS))

    def agrees_with(self, other: CatalogRow) -> bool:
        """Whether an event can match both."""
        return all(self.values[name] == other.values[name] for name in self.values.keys() & other.values.keys())


@dataclass(frozen=True)
class LogFields:
    """The places of each field, of which the first that holds a value counts; and the rows that mean auth_failure."""

    places: Mapping[str, tuple[Place, ...]]
    auth_failures: tuple[CatalogRow, ...]

    def of(self, field: str) -> tuple[Place, ...]:
        return self.places.get(field, ())

    def of_condition(self, name: str) -> tuple[Place, ...]:
        """The places of the field that a row's condition is about."""
        return self.of(FIELDS.get(name, name))


def read(project: Path | None = None, catalog: Path | None = None) -> LogFields:
    """Read the two files. Raises UserError that names the entry or the row at fault."""
    project, catalog = project or paths.dbt_project(), catalog or paths.root() / "seeds" / "event_catalog.csv"
    variables = read_vars(project)
    defaults, chosen = variables.get("default_event_fields"), variables.get("event_fields") or {}
    if not isinstance(defaults, dict) or not isinstance(chosen, dict):
        raise UserError(f"{project}, vars: event_fields and default_event_fields must map fields to lists of JSON paths.")
    if unknown := sorted(str(name) for name in chosen.keys() - defaults.keys()):
        raise UserError(f"{project}, vars: event_fields: there is no field {', '.join(unknown)}. Fields: {', '.join(defaults)}.")
    fields = {name: _places(project, name, entries) for name, entries in (defaults | chosen).items()}
    return LogFields(fields, _auth_failures(catalog))


def _places(project: Path, name: str, entries: object) -> tuple[Place, ...]:
    entries = entries if isinstance(entries, list) else [entries] if entries else []
    places = []
    for entry in entries:
        asked = entry if isinstance(entry, dict) else {"path": entry}
        unit = asked.get("unit", "ms")
        try:
            if unit not in UNITS or ("unit" in asked and name != "latency_ms"):
                raise ValueError("that is no unit of it")
            places.append(Place(json_path.parse(str(asked.get("path") or "")), unit))
        except ValueError:
            raise UserError(
                f"{project}, vars: event_fields: {name}: cannot use {entry!r}. An entry is a JSON path, or for latency_ms"
                " {path: ..., unit: ms|s|us|ns}."
            ) from None
    return tuple(place for number, place in enumerate(places) if place.steps not in {other.steps for other in places[:number]})


def _auth_failures(catalog: Path) -> tuple[CatalogRow, ...]:
    rows = _rows(catalog)
    return tuple(replace(row, exceptions=_exceptions(row, rows)) for row in rows if row.meaning == AUTH_FAILURE)


def _exceptions(row: CatalogRow, rows: list[CatalogRow]) -> tuple[CatalogRow, ...]:
    found = [other for other in rows if other.meaning != row.meaning and other.rank > row.rank and other.agrees_with(row)]
    # Events that match one of these also match any wider one, so the widest are enough.
    return tuple(other for other in found if not any(wider.values.items() < other.values.items() for wider in found))


def _rows(catalog: Path) -> list[CatalogRow]:
    try:
        with catalog.open(encoding="utf-8", newline="") as file:
            header, *lines = list(csv.reader(file, strict=True)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{catalog} cannot be read: {error}") from None
    if header not in (COLUMNS, [name for name in COLUMNS if name != "method"]):
        raise UserError(f"{catalog}: the first line must be {','.join(COLUMNS)}.")
    return [_row(catalog, number, header, line) for number, line in enumerate(lines, 2) if line]


def _row(catalog: Path, number: int, header: list[str], line: list[str]) -> CatalogRow:
    if len(line) != len(header):
        raise UserError(f"{catalog}, row {number}: {len(line)} columns; each row must have {len(header)}: {', '.join(header)}.")
    values = {name: value for name, value in zip(header, line, strict=True) if value}
    meaning = values.pop("meaning", "")
    if meaning == AUTH_FAILURE and not values:
        raise UserError(f"{catalog}, row {number} makes every event an auth failure. Add a name, a method, a status or a route.")
    if not re.fullmatch("[1-5][0-9][0-9]", status := values.get("status_code", "200")):
        raise UserError(f"{catalog}, row {number}: the status_code {status!r} is not an HTTP status.")
    if not re.fullmatch("[A-Z]+", method := values.get("method", "GET")):
        raise UserError(f"{catalog}, row {number}: the method {method!r} matches no event. Write it in capitals, like GET.")
    return CatalogRow(number, values, meaning)
