"""`check events` finds what was planted in the logs of three days, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from helpers.project import Project
from private_analytics.cli import cli
from private_analytics.project.variables import Thresholds, absent_fields, thresholds
from private_analytics.unread.counts import Counts
from private_analytics.unread.findings import find

FIRST = date(2026, 10, 1)
WEEK = [FIRST + timedelta(days=number) for number in range(7)]
DAYS = WEEK[:3]
GOOD = {"status": 200, "duration": 12, "method": "GET", "url": "/a"}
TEXT, ARRAY = "GET /a 200", "[1]"
PLATFORM = "START RequestId: 0b0e7c52-4c1f-4c0e-9a55-2f6f6f0f9d11 Version: $LATEST"


def records(times: int, **changed: object) -> list[str]:
    """Records that differ from GOOD; a field that is None is left out."""
    record = {name: value for name, value in (GOOD | changed).items() if value is not None}
    return [json.dumps(record)] * times


# Log group -> the messages of each day.
PLANTED = {
    "/well": [records(100), records(100), records(100) + [TEXT] * 4 + [PLATFORM] * 50 + records(1, time="2026-10-20T12:00:00Z")],
    "/rejected": [records(100), records(100), records(94) + [TEXT] * 5 + [ARRAY]],
    "/text": [[], [TEXT] * 3, []],
    "/lost": [records(60, userId="u"), records(60, userId="u"), records(60, duration=None)],
    "/never": [records(60, duration=None), [], []],
    "/worker": [records(60, status=None, duration=None, method=None, url=None, event="mailed"), [], []],
    "/seconds": [records(60, duration=0.002), [], []],
    "/nano\x1b[31m": [records(100), records(100), records(60, duration=12_000_000)],
}
FOUND = {
    "/rejected": ["2026-10-03: 6 of 100 lines are not events: 5 not_json, 1 not_an_object"],
    "/text": ["2026-10-02: none of 3 lines is an event: 3 not_json"],
    "/lost": [
        "none of 60 events since 2026-10-03 has a value for latency_ms; before, 100.0% had one",
    ],
    "/never": ["2026-10-01: none of 60 requests has a value for latency_ms; other log groups have it"],
    "/seconds": ["2026-10-01: most latencies are below 0.05 ms, so their unit is probably s"],
    "/nano\ufffd[31m": ["2026-10-03: most latencies are above 600000 ms, so their unit is probably us or ns"],
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    work = tmp_path_factory.mktemp("planted")
    project = Project(work / "lake", work / "analytics.duckdb")
    for number, (log_group, by_day) in enumerate(PLANTED.items()):
        for day, messages in zip(DAYS, by_day, strict=True):
            lines = [f"{day}T12:00:{n // 1000:02}.{n % 1000:03}Z {message}" for n, message in enumerate(messages)]
            project.export({"s": lines} if lines else {}, task_id=f"t{number}-{day:%d}", day=day, log_group=log_group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICS_DB", str(project.database))
        patch.setenv("DBT_TARGET_PATH", str(work / "target"))
        patch.setenv("DBT_LOG_PATH", str(work / "logs"))
        project.run("--select", "+export_health")
        yield project


def check(*options: str) -> tuple[int, dict[str, list[str]], dict[str, str]]:
    """Exit code, what is failed, and what is ok."""
    result = CliRunner().invoke(cli, ["check", "events", "--json", *options])
    failed: dict[str, list[str]] = {}
    fine = {}
    for line in json.loads(result.output)["results"]:
        if line["status"] == "failed":
            failed.setdefault(line["name"], []).append(line["detail"])
        else:
            fine[line["name"]] = line["detail"]
    return result.exit_code, failed, fine


def test_what_was_planted_is_found_and_nothing_else(planted: Project) -> None:
    """The event of 20 October is of a day that is not exported yet, so it moves no window."""
    assert check() == (
        1,
        FOUND,
        {
            "/well": "2026-10-01 to 2026-10-03: 300 of 304 lines are events",
            "/worker": "2026-10-01: 60 of 60 lines are events",
        },
    )


def test_only_the_last_days_are_looked_at(planted: Project) -> None:
    code, failed, fine = check("--days", "1")
    assert code == 1
    assert failed.keys() == {"/rejected", "/lost", "/nano\ufffd[31m"}
    assert failed["/lost"] == ["2026-10-03: none of 60 requests has a value for latency_ms; other log groups have it"]
    assert fine == {"/well": "2026-10-03: 100 of 104 lines are events"}


def test_it_says_what_to_do_in_words_that_no_terminal_obeys(planted: Project) -> None:
    result = CliRunner().invoke(cli, ["check", "events"])
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert result.output.splitlines()[-1].startswith("failed  Rejected lines are in the table rejected_log_lines.")


def test_nothing_loaded_is_not_ok(project: Project) -> None:
    missing = CliRunner().invoke(cli, ["check", "events"])
    assert (missing.exit_code, "There is no database" in missing.output) == (1, True)
    project.export({})
    project.run("--select", "+export_health")
    result = CliRunner().invoke(cli, ["check", "events"])
    assert (result.exit_code, result.output.splitlines()[0]) == (1, "unknown events  no line has been loaded yet")


# --- Which counts are findings ---

LIMITS = thresholds()


def counts(events: int, rejected: int = 0, **having: int) -> Counts:
    return Counts(events, events, {"not_json": rejected}, having)


def every_field(events: int, **changed: int) -> Counts:
    return counts(events, **(dict.fromkeys(("status_code", "latency_ms", "method", "route"), events) | changed))


def texts(*days: Counts, limits: Thresholds = LIMITS, absent: frozenset[str] = frozenset()) -> list[str]:
    return [finding.text for finding in find({"/api": dict(zip(WEEK, days, strict=False))}, limits, lambda _: absent)]


@pytest.mark.parametrize(("rejected", "found"), [(0, False), (4, False), (5, True)])
def test_the_threshold_is_that_of_the_settings(rejected: int, found: bool) -> None:
    day = every_field(100 - rejected)
    day = Counts(day.events, day.requests, {"not_json": rejected}, day.having)
    assert bool(texts(day)) == found
    assert not texts(day, limits=LIMITS.model_copy(update={"rejected_rate": 0.06}))


def test_a_field_that_no_log_group_has_is_said_once() -> None:
    day = every_field(60, latency_ms=0, route=0)
    assert texts(day) == ["no event has a value for latency_ms, path"]
    two = find({"/a": {FIRST: day}, "/b": {FIRST: day}}, LIMITS, lambda _: ())
    assert [(finding.log_group, finding.text) for finding in two] == [
        ("all log groups", "no event has a value for latency_ms, path")
    ]


def test_a_field_that_logs_do_not_have_by_the_settings_is_not_expected(tmp_path: Path) -> None:
    settings = tmp_path / "dbt_project.yml"
    settings.write_text(
        "vars: {default_event_fields: {latency_ms: ms, path: path, user_id: u}, event_fields: {latency_ms: [], path: [uri]},"
        " log_groups: {/other: {latency_ms: ns, user_id: []}}}"
    )
    absent = absent_fields(settings)
    assert (set(absent("/api")), set(absent("/other"))) == ({"latency_ms"}, {"user_id"})
    of_one = find({"/a": {FIRST: every_field(60)}, "/b": {FIRST: every_field(60, latency_ms=0)}}, LIMITS, absent)
    assert not of_one
    assert not texts(every_field(60, latency_ms=0), absent=frozenset({"latency_ms"}))
    assert not texts(every_field(60), every_field(60, latency_ms=0), absent=frozenset({"latency_ms"}))


@pytest.mark.parametrize(
    ("before", "since", "found"),
    [
        (every_field(1000, latency_ms=1000), every_field(49, latency_ms=0), False),  # too few to judge
        (every_field(1000, latency_ms=1000), every_field(50, latency_ms=0), True),
        (every_field(1000, latency_ms=10), every_field(4999, latency_ms=0), False),  # 1 in 100: 49.99 were to be expected
        (every_field(1000, latency_ms=10), every_field(5000, latency_ms=0), True),
        (every_field(1000, latency_ms=1000), every_field(5000, latency_ms=1), False),
        (every_field(1000, latency_ms=0), every_field(5000, latency_ms=5000), False),  # it came, it did not go
    ],
)
def test_a_lost_field_is_one_that_chance_does_not_explain(before: Counts, since: Counts, found: bool) -> None:
    assert bool(texts(before, since)) == found


@pytest.mark.parametrize(("days", "found"), [(2, False), (3, True)])
def test_users_may_be_away_for_a_weekend(days: int, found: bool) -> None:
    with_users = every_field(1000, user_id=600)
    says = "none of 3,000 events since 2026-10-03 has a value for user_id; before, 60.0% had one"
    assert texts(with_users, with_users, *[every_field(1000)] * days) == ([says] if found else [])


@pytest.mark.parametrize(("slow", "fast", "found"), [(30, 0, False), (31, 0, True), (0, 30, False), (0, 31, True)])
def test_the_median_is_outside_if_more_than_half_are(slow: int, fast: int, found: bool) -> None:
    day = every_field(60)
    assert bool(texts(Counts(60, 60, {}, day.having, fast, slow))) == found


def test_few_latencies_are_not_judged() -> None:
    assert not texts(Counts(60, 60, {}, every_field(60, latency_ms=49).having, slow=49))
    assert texts(Counts(60, 60, {}, every_field(60, latency_ms=50).having, slow=50))
