"""What is suggested for real loggers reads every line of theirs as expected."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from helpers.line_reader import read_line
from helpers.written_logs import KNOWN, MORE, NOT_READ
from private_analytics import event_fields
from private_analytics.project.variables import read_vars
from private_analytics.suggest import find

FIELDS = ("event_at", "status_code", "latency_ms", "method", "route")


def is_right(field: str, found: Any, expected: dict[str, Any]) -> bool:
    right = [expected[field], expected.get("also", {}).get(field, expected[field])]
    if found is None or None in right:
        return found in right
    if field == "event_at":
        found, *right = (datetime.fromisoformat(text).timestamp() for text in (found, *right))
    if field in ("event_at", "latency_ms"):
        return any(abs(found - value) < 1e-5 for value in right)
    return found in right


@pytest.mark.parametrize("knows_presets", [True, False], ids=["presets", "no presets"])
@pytest.mark.parametrize("recording", KNOWN, ids=lambda path: path.stem)
def test_every_field_of_every_line(recording: Path, knows_presets: bool):
    variables = read_vars() if knows_presets else read_vars() | {"loggers": {}}
    lines = recording.read_bytes().decode().split("\n")[:-1]
    suggestion = find({"/api": lines}, variables)
    assert suggestion.is_readable
    assert not suggestion.groups[0].questions

    fields = variables["default_event_fields"] | suggestion.answer.get("event_fields", {})
    expected = [json.loads(line) for line in recording.with_name(f"{recording.stem}.expected.jsonl").read_text().splitlines()]
    wrong = []
    for line, row in zip(lines, expected, strict=True):
        found = read_line(line, fields)
        assert (found is None) == ("rejected" in row)
        wrong += [(field, found[field], row[field]) for field in FIELDS if found and not is_right(field, found[field], row)]
    assert not wrong


@pytest.mark.parametrize("recording", KNOWN, ids=lambda path: path.stem)
def test_a_preset_that_is_named_reads_the_same(recording: Path):
    variables = read_vars()
    lines = recording.read_bytes().decode().split("\n")[:-1]
    suggestion = find({"/api": lines}, variables)
    (group,) = suggestion.groups
    if not group.preset:
        pytest.skip("no preset fits")
    suggested = variables["default_event_fields"] | suggestion.answer.get("event_fields", {})
    preset = variables["default_event_fields"] | variables["loggers"][group.preset]
    for line in lines:
        one, other = read_line(line, suggested), read_line(line, preset)
        if one and one["status_code"]:
            assert other
            assert {**one, "event_at": None} == {**other, "event_at": None}


@pytest.mark.parametrize("name", read_vars()["loggers"])
def test_a_preset_has_fields_that_there_are(name: str):
    preset = event_fields.read(read_vars(), "vars").loggers[name]
    assert preset.keys() <= read_vars()["default_event_fields"].keys()
    assert {"event_at", "status_code", "method", "path"} <= preset.keys()
    units = {place.unit for field, places in preset.items() for place in places if field == "latency_ms"}
    assert units <= {"ms", "s", "us", "ns"}
    assert all(place.unit == "ms" for field, places in preset.items() for place in places if field != "latency_ms")


@pytest.mark.parametrize("name", NOT_READ)
def test_what_is_not_read_is_not_guessed_wrong(name: str):
    """The status, the method and the path are found; the time or the latency is missing or asked for, never another one."""
    lines = (MORE / f"{name}.jsonl").read_bytes().decode().split("\n")[:-1]
    (group,) = find({"/api": lines}).groups
    assert not {"status_code", "method", "path"} & set(group.missing)
    assert name == "log4j2-json" or {"event_at", "latency_ms"} & {
        *group.missing,
        *(question.field for question in group.questions),
    }
