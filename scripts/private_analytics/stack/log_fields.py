"""What alarms and saved queries know of the API's logs: where each log group has its fields, and the seed event_catalog."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import event_fields
from ..errors import UserError
from ..event_fields import FieldPath, Fields
from ..project import paths
from ..project.variables import read_vars

COLUMNS = ["event_name", "method", "status_code", "route", "meaning"]
CONDITIONS = ("status_code", "event_name", "route", "method")  # which column decides between equally many
FIELDS = {"route": "path"}  # condition -> its field, if the names differ
AUTH_FAILURE = "auth_failure"


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
    """The places of each field, and the rows that mean auth_failure. `log_groups` has the places in log groups that differ."""

    places: Fields
    auth_failures: tuple[CatalogRow, ...]
    log_groups: Mapping[str, Fields] = field(default_factory=dict)

    def of(self, field: str) -> tuple[FieldPath, ...]:
        return self.places.get(field, ())

    def of_condition(self, name: str) -> tuple[FieldPath, ...]:
        """The places of the field that a row's condition is about."""
        return self.of(FIELDS.get(name, name))

    def in_log_group(self, name: str) -> LogFields:
        """The fields of one log group."""
        return LogFields(self.log_groups.get(name, self.places), self.auth_failures)


def read(project: Path | None = None, catalog: Path | None = None) -> LogFields:
    """Read the two files. Raises UserError that names the entry or the row at fault."""
    project, catalog = project or paths.dbt_project(), catalog or paths.root() / "seeds" / "event_catalog.csv"
    settings = event_fields.read(read_vars(project), f"{project}, vars")
    return LogFields(
        settings.of(""), _auth_failures(catalog), {log_group: settings.of(log_group) for log_group in settings.log_groups}
    )


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
