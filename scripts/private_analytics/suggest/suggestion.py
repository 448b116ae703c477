"""What was found, for each log group and for all together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .. import event_fields
from ..event_fields import FieldPath, Fields
from ..project.variables import read_vars
from . import evidence, presets, text_formats
from .flatten import Record, read
from .guess import CORE, Candidate, Guess, Question, guess

Answer = dict[str, Any]  # as `vars` have it

PRESET_FIELDS = 4  # fewer are no sign of a logger
SEEN = 12
LOG_GROUP = re.compile("[A-Za-z0-9_./#-]{1,512}")


@dataclass(frozen=True)
class Group:
    """A log group. `differing` are the fields that its settings do not read as they were found; `advice` is for text."""

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
    advice: str
    settings: Fields
    records: Sequence[Record]

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

    @property
    def has_settable_name(self) -> bool:
        """Whether it can stand in a setting. CloudWatch allows no other names; a record may have one all the same."""
        return bool(LOG_GROUP.fullmatch(self.name))

    def is_read_right_by(self, fields: Fields) -> bool:
        """Whether these paths read what was found, and all else as the settings read it."""
        right = {**self.settings, **self.differing}
        return all(
            paths == fields[field] or presets.reads_alike(field, paths, fields[field], self.records)
            for field, paths in right.items()
        )


@dataclass(frozen=True)
class Suggestion:
    """What was found in all log groups. `variables` are the project's."""

    groups: list[Group]
    variables: Mapping[str, Any]

    @property
    def is_readable(self) -> bool:
        return any(group.is_readable for group in self.groups)

    @cached_property
    def answer(self) -> Answer:
        """The vars that say what the settings do not read right; empty if there is nothing to say.

        Where possible, log groups share one setting: a field has the paths of all of them, those of the group with most lines
        first. Otherwise, each that is not read right has its own.
        """
        if not (fields := dict.fromkeys(field for group in self._read for field in group.differing)):
            return {}
        shared = {"event_fields": as_vars({field: self._paths(field) for field in fields})}
        if all(self._reads_right(group, shared) for group in self._read):
            return shared
        own = {group.name: self._own(group) for group in self._read if group.differing and group.has_settable_name}
        return {"log_groups": own} if own else {}

    @property
    def unsettable(self) -> list[str]:
        """The log groups that need a setting of their own but have a name that no setting can have."""
        shared = "event_fields" in self.answer
        return [group.name for group in self._read if group.differing and not group.has_settable_name and not shared]

    def applied(self, answer: Answer) -> Answer:
        """The vars of an answer together with what is set already beside it."""
        return {name: (self.variables.get(name) or {}) | values for name, values in answer.items()}

    def answering(self, group: Group, question: Question, place: FieldPath) -> Answer:
        """The vars that answer a question so: for all logs, or for the log group if others, or settings of its own, are there."""
        field, own = as_vars({question.field: [place]}), self._set_for(group, {**self.variables, **self.applied(self.answer)})
        if group.has_settable_name and (own or len(self.groups) > 1):
            return {"log_groups": {group.name: own | field}}
        return {"event_fields": field}

    @property
    def _read(self) -> list[Group]:
        return sorted((group for group in self.groups if group.json_lines), key=lambda group: -group.json_lines)

    def _paths(self, field: str) -> list[FieldPath]:
        paths = (path for group in self._read for path in group.found.get(field, ()))
        return list({path.steps: path for path in reversed(list(paths))}.values())[::-1]

    def _reads_right(self, group: Group, answer: Answer) -> bool:
        settings = event_fields.read({**self.variables, **self.applied(answer)}, "vars")
        return group.is_read_right_by(settings.of(group.name))

    def _own(self, group: Group) -> str | Answer:
        """The setting of one log group: the name of a preset that reads it right, or its own paths."""
        if group.preset and not group.questions and self._reads_right(group, {"log_groups": {group.name: group.preset}}):
            return group.preset
        return self._set_for(group, self.variables) | group.event_fields

    def _set_for(self, group: Group, variables: Mapping[str, Any]) -> Answer:
        """What `log_groups` says of the group, as fields and perhaps a logger."""
        setting: str | Answer = (variables.get("log_groups") or {}).get(group.name) or {}
        return {"logger": setting} if isinstance(setting, str) else setting


def as_vars(fields: Mapping[str, Iterable[FieldPath]]) -> Answer:
    return {field: [place.entry() for place in places] for field, places in fields.items()}


def find(
    lines_by_group: Mapping[str, Iterable[str]], variables: Mapping[str, Any] | None = None, *, keep: bool = False
) -> Suggestion:
    """Where the fields stand in these lines. `variables` are the project's; with `keep`, fields that they set stay so."""
    variables = read_vars() if variables is None else variables
    settings = event_fields.read(variables, "vars")
    groups = []
    for name, lines in lines_by_group.items():
        kept = settings.set_for(name).keys() if keep else ()
        groups.append(_group(name, lines, settings.of(name), settings.loggers, kept))
    return Suggestion(groups, variables)


def _group(name: str, lines: Iterable[str], settings: Fields, loggers: Mapping[str, Fields], kept: Collection[str]) -> Group:
    records = read(lines)
    columns, unnamed = evidence.columns(records.good)
    made: Guess = guess(columns, records.good, settings, loggers)
    differing = {}
    for field, places in made.places.items():
        now = settings.get(field, ())
        alike = presets.reads_alike(field, places, now, records.good)
        optional = field not in CORE and any(presets.read(field, now, record) for record in records.good)
        if not alike and not optional and field not in kept:
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
        questions=[question for question in made.questions if question.field not in kept],
        preset=presets.fitting(needed, loggers, records.good, logger) if len(needed) >= PRESET_FIELDS else None,
        has_log_time=any(record.logged_at for record in records.good),
        unnamed=unnamed,
        seen=[f"{column.path} ({column.examples(1)[0]})" for column in common[:SEEN]],
        nested_text=[column.path for column in columns if _holds_json(column)],
        advice="" if records.good or not records.texts else text_formats.advice(records.texts),
        settings=settings,
        records=records.good,
    )


def _holds_json(column: evidence.Evidence) -> bool:
    values = list(column.values.values())[:50]
    return sum(isinstance(value, str) and value.lstrip().startswith('{"') for value in values) > len(values) / 2
