"""What a run loads, whatever else fails in it; lines without a time; clocks that are wrong; selections of a part."""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

from helpers.checkout import NO_UNIT_TESTS, UNTESTED, Checkout, export
from helpers.project import Project, nasty_exports
from helpers.tables import STEPS, assert_equals_oracle, hide_records, line, show_records


def loaded(project: Project) -> list[str]:
    return sorted(row["export_task_id"] for row in project.table("loaded_exports"))


# ------------------------------------------------------------------------------------------------------ the ledger


def test_marts_that_missed_two_loads_are_caught_up(checkout: Checkout) -> None:
    """One has a red test, one fails, one is left out. Meanwhile an earlier copy takes a row away and moves another."""
    project = checkout.project
    export(project, 5)
    copies = [line("2026-10-05", eventName=name, eventId=name, userId="u9", statusCode=200) for name in ("taken", "moved")]
    export(project, 5, *copies, task_id="late", completed_at=datetime(2026, 10, 9))
    checkout.run()

    (checkout.folder / "tests/data/red.sql").write_text("select * from {{ ref('daily_events') }}")
    checkout.fail("int_users__active_days")
    earlier = [line("2026-10-04", eventName=name, eventId=name) for name in ("taken", "moved")]
    export(project, 6)
    first, _ = checkout.dbt("build", *NO_UNIT_TESTS, "--exclude", "hourly_reliability")
    assert loaded(project) == ["late", "task-5", "task-6"]
    export(project, 7, *earlier, task_id="early", completed_at=datetime(2026, 10, 8))
    second, _ = checkout.dbt("build", *NO_UNIT_TESTS, "--exclude", "hourly_reliability")
    assert loaded(project) == ["early", "late", "task-5", "task-6"]
    assert all({"red", "int_users__active_days"} <= {*outcome.failures} for outcome in (first, second)), (first, second)

    checkout.restore()
    assert checkout.run() == set()
    assert project.table("batch_lines") == []
    assert_equals_oracle(project)


def test_sessions_and_their_funnels_miss_loads_separately(checkout: Checkout) -> None:
    project = checkout.project
    nasty_exports(project, 11)
    hidden = hide_records(sorted((project.lake / "exports").rglob("*.json"))[::-1])
    for broken in ((), ("sessions",), ("int_sessions__funnels",), ("sessions", "int_exports__daily_lines")):
        show_records([hidden.pop()])
        checkout.fail(*broken)
        outcome, _ = checkout.dbt("build", *UNTESTED)
        checkout.restore()
        assert {*broken} <= {*outcome.failures}, outcome
    show_records(hidden)
    checkout.run()
    assert len(loaded(project)) == 6
    assert_equals_oracle(project)


def test_the_events_alone_then_all_but_some_marts_build_on_a_new_database(project: Project) -> None:
    nasty_exports(project, 15)
    outcome = project.dbt("build", "--select", "+fct_events", "+rejected_log_lines")
    assert outcome.succeeded, outcome
    assert project.query("select count(*) > 0 as any from fct_events") == [{"any": True}]
    assert loaded(project) == []
    project.run("--exclude", "daily_events", "batch_session_events+")
    assert len(loaded(project)) == 6
    project.run()
    assert project.table("batch_lines") == []
    assert_equals_oracle(project)


def test_a_red_test_of_what_loads_keeps_exports_unloaded(checkout: Checkout) -> None:
    export(checkout.project, 1)
    (checkout.folder / "tests/data/red.sql").write_text("select * from {{ ref('changed_days') }}")
    outcome, _ = checkout.dbt("build", *NO_UNIT_TESTS)
    assert "red" in outcome.failures
    assert loaded(checkout.project) == []
    checkout.restore()
    checkout.run()
    assert loaded(checkout.project) == ["task-1"]
    assert_equals_oracle(checkout.project)


def test_an_interruption_after_missed_loads_is_made_good_by_the_next_run(project: Project, tmp_path: Path) -> None:
    nasty_exports(project, 14)
    records = sorted((project.lake / "exports").rglob("*.json"))
    hidden = hide_records(records[1::3] + records[2::3])
    project.run()
    show_records(hidden[::2])
    project.run("--exclude", "sessions", "daily_events", "int_users__active_days")
    show_records(hidden[1::2])
    before = shutil.copyfile(project.database, tmp_path / "before.duckdb")
    for number in (5, 11):
        shutil.copyfile(before, project.database)
        outcome = project.dbt("run", "--select", *STEPS[:number])
        assert outcome.succeeded, (number, outcome)
        project.run()
        assert_equals_oracle(project)


# ------------------------------------------------------------------------------------------- lines without a time


def test_a_traceback_of_four_days_is_four_rows_and_counts_as_a_copy_only_when_exported_again(project: Project) -> None:
    days = [date(2026, 10, n) for n in range(1, 5)]
    project.export({"s": [line("2026-10-06", eventName="searched")]}, task_id="events", day=date(2026, 10, 6))
    for n, day in enumerate(days):
        project.export({"s": ["Traceback (most recent call last):"]}, task_id=f"task-{n}", day=day)
        if n == 1:
            project.run()
    project.run()
    assert [row["line_at"].date() for row in project.query("from rejected_log_lines order by line_at")] == days
    assert {row["duplicates"] for row in project.table("export_health")} == {0}

    project.export(
        {"s": ["Traceback (most recent call last):"]}, task_id="again", day=days[1], completed_at=datetime(2026, 10, 9)
    )
    project.run()
    assert [row["line_at"].date() for row in project.query("from rejected_log_lines order by line_at")] == days
    health = project.query("select * from export_health order by event_date")
    assert [row["duplicates"] for row in health] == [0, 1, 0, 0, 0, 0]
    assert_equals_oracle(project)


# ------------------------------------------------------------------------------------------------- wrong clocks


def test_a_record_far_from_its_log_time_is_rejected(project: Project) -> None:
    def at(timestamp: str) -> str:
        return line("2026-10-01", eventName="searched", timestamp=timestamp)

    near = [at("2026-11-05T12:00:00Z"), at("2026-08-27T12:00:00Z")]  # 35 days exactly
    far = [at("2026-11-05T12:00:00.001Z"), at("2026-08-27T11:59:59.999Z"), at("2009-10-01T12:00:00Z")]
    project.export({"s": near + far})
    project.run()
    assert len(project.table("fct_events")) == 2
    assert [row["reason"] for row in project.table("rejected_log_lines")] == ["timestamp_far_from_log_time"] * 3
    assert_equals_oracle(project)


def test_a_thousand_scattered_days_in_one_batch(checkout: Checkout) -> None:
    """No query grows with the days: Athena takes 256 KB."""
    project = checkout.project
    export(project, 1)
    export(project, 2)
    checkout.run()
    scattered = []
    for n in range(1000):
        at = datetime(2001, 1, 1, 23, 50) + timedelta(days=17 * n)
        for minutes, session in ((0, None), (20, None), (5, f"s{n % 10}")):
            record = {"timestamp": (at + timedelta(minutes=minutes)).isoformat(), "eventName": "searched", "userId": "u1"}
            scattered.append(
                json.dumps(record | {"sessionId": session, "statusCode": 200, "latencyMs": n, "eventId": f"{n}-{minutes}"})
            )
    project.export({"s": scattered}, task_id="scattered", day=date(2026, 10, 3), line_format="plain")
    outcome, _ = checkout.dbt("build", *NO_UNIT_TESTS)
    assert outcome.succeeded, outcome
    assert_equals_oracle(project)
    compiled = [path for kind in ("run", "compiled") for path in (checkout.folder / "target" / kind).rglob("*.sql")]
    assert len(compiled) > 50
    assert [(path.name, path.stat().st_size) for path in compiled if path.stat().st_size >= 200_000] == []
    export(project, 4)
    checkout.run()
    assert_equals_oracle(project)


# ------------------------------------------------------------------------------------------------ parts of a project


def test_sessions_without_their_work_table_are_refused(project: Project) -> None:
    nasty_exports(project, 16)
    project.run()
    before = project.tables()
    for command, model in (("build", "sessions"), ("run", "int_sessions__funnels"), ("run", "sessions+")):
        outcome = project.dbt(command, "--select", model)
        assert not outcome.succeeded
        assert "--select batch_session_events+" in outcome.failures[model.rstrip("+")]
        assert project.tables() == before


def test_sessions_with_their_work_table_can_be_built_at_any_time(project: Project) -> None:
    part = ("--select", "batch_session_events+")
    nasty_exports(project, 17)
    hidden = hide_records(sorted((project.lake / "exports").rglob("*.json"))[::-1])
    show_records([hidden.pop()])
    project.run("--exclude", *part[1:])
    project.run(*part)
    project.run(*part)
    assert_equals_oracle(project)
    show_records([hidden.pop(), hidden.pop()])
    project.run("--exclude", "sessions")
    project.run(*part)
    assert_equals_oracle(project)
    show_records(hidden)
    assert project.dbt("run", "--select", *STEPS[:7]).succeeded  # loaded as far as the events, and then interrupted
    project.run(*part)
    project.run(*part, "--full-refresh")
    project.run()
    assert_equals_oracle(project)
