"""What was found, for each log group and for all together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..project.variables import read_vars
from . import evidence, presets
from .flatten import read
from .guess import CORE, Candidate, Guess, Question, guess
from .presets import FieldPath

Answer = dict[str, Any]  # as `vars` have it

PRESET_FIELDS = 4  # fewer are no sign of a logger
SEEN = 12


@dataclass(frozen=True)
class Group:
    """A log group. `differing` are the fields that the settings do not read as they were found."""

    name: str
    lines: int
    json_lines: int
    rejected: Mapping[str, int]
    examples: Mapping[str, str]
    shapes: Mapping[str, int]
    found: Mapping[str, tuple[FieldPath, ...]]
    differing: Mapping[str, tuple[FieldPath, ...]]
    candidates: Mapping[str, list[Candidate]]
    questions: list[Question]
    preset: str | None
    has_log_time: bool
    unnamed: list[str]
    seen: list[str]
    nested_text: list[str]

    @property
    def missing(self) -> list[str]:
        asked = {question.field for question in self.questions}
        return [field for field in CORE if field not in self.found and field not in asked]

    @property
    def is_readable(self) -> bool:
        return "status_code" not in self.missing and ("event_at" not in self.missing or self.has_log_time)

    @property
    def event_fields(self) -> Answer:
        return as_vars(self.differing)


@dataclass(frozen=True)
class Suggestion:
    """What was found in all log groups."""

    groups: list[Group]

    @property
    def is_readable(self) -> bool:
        return any(group.is_readable for group in self.groups)

    @property
    def answer(self) -> Answer:
        """The vars that say what the settings do not read right; empty if there is nothing to say.

        Log groups share one setting: a field has the paths of all of them, those of the group with most lines first.
        """
        fields = dict.fromkeys(field for group in self._read for field in group.differing)
        return {"event_fields": as_vars({field: self._places(field) for field in fields})} if fields else {}

    @property
    def conflicts(self) -> list[str]:
        """Paths that hold a latency in one unit in one log group and in another unit in another, which one setting cannot say."""
        units: dict[str, dict[str, str]] = defaultdict(dict)
        for group in self._read:
            for place in group.found.get("latency_ms", ()):
                units[place.path].setdefault(place.unit, group.name)
        return [
            f"{path} is in {', '.join(f'{unit} in {name}' for unit, name in found.items())}. One setting cannot say both: log it"
            " under two names, or build these log groups apart."
            for path, found in units.items()
            if len(found) > 1
        ]

    @property
    def _read(self) -> list[Group]:
        return sorted((group for group in self.groups if group.json_lines), key=lambda group: -group.json_lines)

    def _places(self, field: str) -> list[FieldPath]:
        places = (place for group in self._read for place in group.found.get(field, ()))
        return list({place.steps: place for place in reversed(list(places))}.values())[::-1]


def as_vars(fields: Mapping[str, Iterable[FieldPath]]) -> Answer:
    return {field: [place.entry() for place in places] for field, places in fields.items()}


def find(lines_by_group: Mapping[str, Iterable[str]], variables: Mapping[str, Any] | None = None) -> Suggestion:
    """Where the fields stand in these lines. `variables` are the project's, with its defaults and presets."""
    variables = read_vars() if variables is None else variables
    settings = presets.fields(variables["default_event_fields"] | (variables.get("event_fields") or {}))
    loggers = {name: presets.fields(fields) for name, fields in (variables.get("loggers") or {}).items()}
    return Suggestion([_group(name, lines, settings, loggers) for name, lines in lines_by_group.items()])


def _group(name: str, lines: Iterable[str], settings: presets.Fields, loggers: Mapping[str, presets.Fields]) -> Group:
    records = read(lines)
    columns, unnamed = evidence.columns(records.good)
    made: Guess = guess(columns, records.good, settings, loggers)
    differing = {}
    for field, places in made.places.items():
        alike = presets.reads_alike(field, places, settings.get(field, ()), records.good)
        optional = field not in CORE and any(presets.read(field, settings.get(field, ()), record) for record in records.good)
        if not alike and not optional:
            differing[field] = places
    shapes = Counter(map(presets.shape, records.good))
    needed = {field: places for field, places in made.places.items() if field in CORE or field in differing}
    logger = max(shapes, key=lambda shape: shapes[shape], default="")
    common = sorted(columns, key=lambda column: -len(column.values))
    return Group(
        name=name,
        lines=records.lines,
        json_lines=len(records.good),
        rejected=dict(records.rejected),
        examples={reason: evidence.shown(line, 100) for reason, line in records.examples.items()},
        shapes=shapes,
        found=made.places,
        differing=differing,
        candidates=made.candidates,
        questions=made.questions,
        preset=presets.fitting(needed, loggers, records.good, logger) if len(needed) >= PRESET_FIELDS else None,
        has_log_time=any(record.logged_at for record in records.good),
        unnamed=unnamed,
        seen=[f"{column.path} ({column.examples(1)[0]})" for column in common[:SEEN]],
        nested_text=[column.path for column in columns if _holds_json(column)],
    )


def _holds_json(column: evidence.Evidence) -> bool:
    values = list(column.values.values())[:50]
    return sum(isinstance(value, str) and value.lstrip().startswith('{"') for value in values) > len(values) / 2
