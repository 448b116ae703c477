"""What suggest can read as a status or a latency is what the tables read, by the cases of tests/rules/."""

from __future__ import annotations

import json

import pytest

from helpers.rule_cases import Case, cases
from private_analytics.suggest.values import as_latency, as_status

READERS = {"statusCode": "status_code", "latencyMs": "latency_ms"}


def texts_of(key: str) -> list[tuple[str, object]]:
    """The texts that a case has at this key and nothing else, each with the value expected."""
    found = []
    for case in cases():
        if case.stream.startswith("requests-") and (text := text_of(case, key)) is not None:
            found.append((text, case.expected[READERS[key]]))
    return found


def text_of(case: Case, key: str) -> str | None:
    record = json.loads(case.line.decode().partition(" ")[2])
    return record[key] if list(record) == [key] and isinstance(record[key], str) else None


@pytest.mark.parametrize(("text", "expected"), texts_of("statusCode"))
def test_a_status_is_read_as_the_rules_say(text: str, expected: int | None) -> None:
    assert as_status(text) == expected


@pytest.mark.parametrize(("text", "expected"), texts_of("latencyMs"))
def test_a_latency_is_read_as_the_rules_say(text: str, expected: float | None) -> None:
    found = as_latency(text)
    assert found is None if expected is None else found and found.in_ms("ms") == pytest.approx(expected)
