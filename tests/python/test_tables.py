"""The tables, against figures that share no code with the models; and the three rules: published or invisible, a line is its own
identity, load what is new."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from helpers.project import Project, nasty_exports
from helpers.tables import STEPS, assert_equals_oracle, hide_records, line, show_records
from private_analytics.samples.writer import write_sample_logs


@pytest.fixture
def sample(project: Project) -> Project:
    """A small storefront with all its stories."""
    shutil.rmtree(project.lake)
    write_sample_logs(project.lake, days=15, events_per_day=700, seed=7, end_date=date(2026, 11, 1))
    return project


def test_all_tables_equal_the_oracle_and_a_second_run_changes_nothing(sample: Project) -> None:
    sample.build()
    assert_equals_oracle(sample)
    before = sample.tables()
    sample.build()
    assert sample.tables() == before
    assert sample.query("select count(*) as n from batch_lines") == [{"n": 0}]


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Europe/Berlin"])
def test_marts_keep_the_days_of_the_reporting_timezone(sample: Project, zone: str) -> None:
    """Kolkata is half an hour off the full hour; Berlin's clocks change on 25 October 2026. The second run is incremental."""
    hidden = hide_records(sorted((sample.lake / "exports").rglob("*.json"))[::2])
    sample.run("--vars", f"{{reporting_timezone: {zone}}}")
    show_records(hidden)
    sample.run("--vars", f"{{reporting_timezone: {zone}}}")
    assert_equals_oracle(sample, reporting_timezone=zone)


def test_unit_tests_hold_whatever_is_configured(sample: Project) -> None:
    sample.run()
    assert sample.dbt("test", "--select", "test_type:unit").succeeded
    theirs = (
        "{reporting_timezone: Asia/Tokyo, session_gap_minutes: 5, dedupe_horizon_days: 3, event_fields: {user_id: [ctx.uid]}}"
    )
    outcome = sample.dbt("test", "--select", "test_type:unit", "--vars", theirs)
    assert outcome.succeeded, outcome


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_and_split_of_loads_gives_equal_tables(project: Project, seed: int) -> None:
    rng = random.Random(seed)
    nasty_exports(project, seed)
    project.build()
    assert_equals_oracle(project)
    at_once = project.tables()

    project.fresh()
    hidden = hide_records(sorted((project.lake / "exports").rglob("*.json")))
    rng.shuffle(hidden)
    while hidden:
        show_records([hidden.pop() for _ in range(min(len(hidden), rng.randint(1, 2)))])
        project.run()
    assert project.tables() == at_once


def test_an_interruption_between_any_two_steps_is_made_good_by_the_next_run(project: Project) -> None:
    nasty_exports(project, 4)
    project.run()
    expected = project.tables()

    project.fresh()
    hidden = hide_records(sorted((project.lake / "exports").rglob("*.json"))[::2])
    project.run()
    first_half = project.database.with_name("first_half.duckdb")
    shutil.copy(project.database, first_half)
    show_records(hidden)
    for number in range(1, len(STEPS)):
        refresh = ["--full-refresh"] if number % 2 else []
        shutil.copy(first_half, project.database)
        outcome = project.dbt("run", "--select", *STEPS[:number], *refresh)
        assert outcome.succeeded, (number, refresh, outcome)
        project.run()
        assert project.tables() == expected, (STEPS[:number], refresh)


def sessions_in_funnel(project: Project) -> list[tuple]:
    """(day, event, sessions) of the funnel search."""
    rows = project.query("select * from daily_funnel where funnel = 'search' order by event_date, step_number")
    return [(row["event_date"].day, row["event_name"], row["sessions"]) for row in rows]


def test_a_session_that_enters_a_funnel_later_counts_on_the_day_it_began(project: Project) -> None:
    project.export({"s": [line("2026-10-01", eventName="logged_in", sessionId="s1")]}, task_id="a", day=date(2026, 10, 1))
    project.run()
    assert sessions_in_funnel(project) == []
    project.export({"s": [line("2026-10-04", eventName="searched", sessionId="s1")]}, task_id="b", day=date(2026, 10, 4))
    project.run()
    assert sessions_in_funnel(project) == [(1, "searched", 1), (1, "product_viewed", 0), (1, "added_to_cart", 0)]
    assert_equals_oracle(project)


def test_a_session_beside_one_that_is_computed_again_stays_whole(project: Project) -> None:
    """The second run reads day 2 for the sake of s2, and sees only a part of s1 there."""
    s1 = [
        line("2026-10-01", eventName="searched", sessionId="s1"),
        line("2026-10-02", eventName="product_viewed", sessionId="s1"),
    ]
    project.export({"s": [*s1, line("2026-10-02", eventName="searched", sessionId="s2")]}, task_id="a")
    project.run()
    project.export({"s": [line("2026-10-03", eventName="product_viewed", sessionId="s2")]}, task_id="b", day=date(2026, 10, 3))
    project.run()
    assert [funnel for funnel in sessions_in_funnel(project) if funnel[0] == 1][1] == (1, "product_viewed", 1)
    assert_equals_oracle(project)


def test_a_session_that_loses_a_step_to_an_earlier_copy_keeps_the_others(project: Project) -> None:
    searched = line("2026-10-01", eventName="searched", sessionId="s1")
    viewed = line("2026-10-05", eventName="product_viewed", sessionId="s1", eventId="e")
    project.export({"s": [searched, viewed]}, task_id="a", completed_at=datetime(2026, 10, 7))
    project.run()
    assert sessions_in_funnel(project) == [(1, "searched", 1), (1, "product_viewed", 1), (1, "added_to_cart", 0)]
    earlier = line("2026-10-05", eventName="product_viewed", sessionId="s2", eventId="e")
    project.export({"s": [earlier]}, task_id="b", completed_at=datetime(2026, 10, 6))
    project.run()
    assert sessions_in_funnel(project) == [(1, "searched", 1), (1, "product_viewed", 0), (1, "added_to_cart", 0)]
    assert_equals_oracle(project)


def test_rows_of_events_that_an_earlier_copy_took_away_are_gone(project: Project) -> None:
    """The earlier copies are of another day, user, product, endpoint and name: nothing is left of the later ones in any mart."""
    seen = {"userId": "u1", "productId": "p1", "sessionId": "s1", "method": "POST", "path": "/a"}
    later = [
        line("2026-10-05", eventName="product_viewed", eventId="e", statusCode=200, **seen),
        line("2026-10-05", eventName="upload_requested", eventId="f", statusCode=200, **seen),
        line("2026-10-05", eventName="login_failed", eventId="g", statusCode=401, **seen),
    ]
    project.export({"s": later}, task_id="a", day=date(2026, 10, 5), completed_at=datetime(2026, 10, 7))
    project.run()
    gone = ("daily_product_performance", "daily_auth_failures", "daily_uploads", "daily_active_users", "weekly_user_retention")
    gone += ("daily_funnel", "sessions", "hourly_reliability", "daily_endpoint_reliability")
    assert all(project.table(name) for name in gone)
    earlier = [line("2026-10-04", eventName="odd", eventId=own_id) for own_id in "efg"]
    project.export({"s": earlier}, task_id="b", day=date(2026, 10, 4), completed_at=datetime(2026, 10, 6))
    project.run()
    assert not any(project.table(name) for name in gone)
    assert_equals_oracle(project)


def test_a_run_of_a_part_writes_no_ledger(project: Project) -> None:
    nasty_exports(project, 5)
    assert project.dbt("run", "--select", "+fct_events").succeeded
    assert project.table("loaded_exports") == []


def test_a_run_with_a_failing_test_writes_no_ledger(project: Project) -> None:
    nasty_exports(project, 5)
    project.run()
    project.execute("insert into fct_events from fct_events limit 1")
    project.execute("delete from loaded_exports")
    assert not project.dbt("build").succeeded
    assert project.table("loaded_exports") == []


def test_a_table_cannot_be_refreshed_without_what_it_is_loaded_from(project: Project) -> None:
    nasty_exports(project, 5)
    project.build()
    before = project.tables()
    outcome = project.dbt("run", "--full-refresh", "--select", "fct_events")
    assert not outcome.succeeded
    assert "select +fct_events" in outcome.failures["fct_events"]
    assert project.tables() == before


def test_an_export_without_record_is_invisible(project: Project) -> None:
    project.export({"s": ['2026-10-01T00:00:00.000Z {"eventName":"searched"}']}, task_id="published")
    project.export({"s": ['2026-10-01T00:00:01.000Z {"eventName":"searched"}']}, task_id="half-done", published=False)
    project.build()
    assert [row["export_task_id"] for row in project.table("fct_events")] == ["published"]


@pytest.mark.parametrize(
    ("damage", "test"),
    [
        (
            "delete from fct_events where event_id = (select min(event_id) from fct_events)",
            "every_batch_line_is_accounted_for",
        ),
        ("delete from rejected_log_lines", "every_batch_line_is_accounted_for"),
        (
            "insert into fct_events from fct_events limit 1",
            "unique_combination_fct_events_event_id__event_at",
        ),
        ("update fct_events set latency_ms = -1", "always_true_fct_events_status_code_between_100_and_599__latency_ms_0"),
        ("update fct_events set status_code = 999", "always_true_fct_events_status_code_between_100_and_599__latency_ms_0"),
        ("update export_health set duplicates = -1", "no_export_kept_more_than_it_had"),
        ("update sessions set session_id = 's'", "unique_sessions_session_id"),
        (
            "update weekly_user_retention set retention_rate = 1.01",
            "always_true_weekly_user_retention_week_number_0__cohort_users_1__retention_rate_between_0_and_1",
        ),
        ("insert into daily_uploads from daily_uploads limit 1", "unique_daily_uploads_event_date"),
        ("delete from batch_lines where export_task_id like 'task-%-3'", "every_export_gave_lines"),
    ],
)
def test_data_tests_notice_damage(broken: Project, damage: str, test: str) -> None:
    broken.execute(damage)
    outcome = broken.dbt("test", "--select", test)
    assert list(outcome.failures) == [test], outcome


@pytest.fixture
def broken(project: Project, workplace: Path) -> Project:
    """A small project that is built and whole, about to be damaged."""
    kept = workplace / "whole.duckdb"
    if kept.exists():
        shutil.copy(kept, project.database)
    else:
        nasty_exports(project, 6)
        project.build()
        shutil.copy(project.database, kept)
    return project


def test_freshness_tells_late_exports(project: Project) -> None:
    line = ['2026-10-01T00:00:00.000Z {"eventName":"searched"}']
    project.export({"s": line}, task_id="old")
    assert not project.dbt("source", "freshness").succeeded
    project.export({"s": line}, task_id="new", completed_at=datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=3))
    assert project.dbt("source", "freshness").succeeded
