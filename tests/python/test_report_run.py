"""A run first says what it did not read, in one text; and a run that read nothing fails."""

from __future__ import annotations

import json

import pytest

from helpers.project import Project
from private_analytics.project import dbt
from private_analytics.project.variables import read_vars

GOOD = '{"time":"2026-10-01T12:00:00Z","status":200,"duration":12,"method":"GET","url":"/a"}'
PLATFORM = "START RequestId: 0b0e7c52-4c1f-4c0e-9a55-2f6f6f0f9d11 Version: $LATEST"


def load(project: Project, *lines: str, variables: dict | None = None) -> tuple[dbt.DbtOutcome, list[str]]:
    """The loading models alone; how they ended, and what the project's macros said."""
    said: list[str] = []
    project.fresh()
    project.export({"s": [f"2026-10-01T12:00:00.{n:03}Z {line}" for n, line in enumerate(lines)]}, task_id=f"t{len(lines)}")
    outcome = dbt.run("run", "--select", "tag:loads", "--vars", json.dumps(variables or {}), say=said.append)
    return outcome, [line for line in said if not line.startswith("  ")]


@pytest.mark.parametrize(
    ("lines", "warning"),
    [
        ([GOOD] * 20, None),
        ([GOOD] * 20 + ["text"], None),  # 1 of 21
        ([GOOD] * 19 + ["text"], "1 of 20 lines are not events: 1 not_json."),
        ([GOOD] * 19 + [PLATFORM] * 5, None),  # what Lambda writes is not expected to be read
        ([GOOD.replace('"duration":12,', "")] * 3, "No event has a value for latency_ms."),
        (
            [GOOD.replace("12,", "0.002,")] * 3,
            "The median latency is 0.002 ms, so its unit is probably s: latency_ms: [{path: ..., unit: s}].",
        ),
        (
            [GOOD.replace("12,", "12000000,")] * 3,
            "The median latency is 1.2e+07 ms, so its unit is probably us or ns: latency_ms:",
        ),
    ],
)
def test_what_was_not_read_is_said_first(project: Project, lines: list[str], warning: str | None) -> None:
    outcome, said = load(project, *lines)
    assert outcome.succeeded, outcome
    assert said[0].startswith(f"Warning: {warning}" if warning else "Loaded ")
    assert sum(line.startswith("Warning") for line in said) == (warning is not None)


def test_the_settings_say_how_much_is_rejected_and_what_logs_do_not_have(project: Project) -> None:
    settings = {"event_fields": {"latency_ms": []}, "thresholds": read_vars()["thresholds"] | {"rejected_rate": 0.25}}
    outcome, said = load(project, *[GOOD] * 4, "text", variables=settings)  # 20 %
    assert outcome.succeeded, outcome
    assert said[0].startswith("Loaded 5 lines")


def test_a_load_without_any_event_fails_and_says_why(project: Project) -> None:
    outcome, _ = load(project, '["a"]', "text", "text", PLATFORM)
    assert not outcome.succeeded
    assert outcome.error.startswith("No event was read. 3 of 3 lines are not events: 2 not_json, 1 not_an_object. `pal")
    assert "> in macro" not in outcome.error


def test_a_quiet_load_does_not_fail_a_project_that_has_events(project: Project) -> None:
    load(project, GOOD)
    project.export({"s": ["2026-10-02T12:00:00.000Z text"]}, task_id="quiet")
    assert dbt.run("run", "--select", "tag:loads").succeeded


def test_a_lake_without_exports_is_no_success(project: Project) -> None:
    outcome = project.dbt("run", "--select", "tag:loads")
    assert not outcome.succeeded
    assert outcome.error.startswith(
        f"There are no exports in {project.lake}/exports, so all tables are empty. Set ANALYTICS_LAKE"
    )


def test_a_log_group_of_the_settings_that_is_not_there_is_named(project: Project) -> None:
    said: list[str] = []
    project.export({"s": [f"2026-10-01T12:00:00.000Z {GOOD}"]})
    variables = "{log_groups: {/storefront/apy: zap, /storefront/api: {user_id: [uid]}}}"
    assert dbt.run("run", "--select", "tag:loads", "--vars", variables, say=said.append).succeeded
    (warning,) = [line for line in said if line.startswith("Warning")]
    assert warning == "Warning: vars: log_groups: no line was ever loaded from /storefront/apy. Log groups: /storefront/api."
