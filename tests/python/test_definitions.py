"""Edited definitions never mix in one table: what changed is computed again for all days, and nothing else is. Edits that do not
depend on one another share a run."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from helpers.checkout import CHANGED, NO_UNIT_TESTS, UNTESTED, Checkout, export
from helpers.tables import STEPS, assert_equals_oracle, line

READING = "What is read from log lines has changed"
DAILY_EVENTS = "models/marts/behaviour/daily_events"


@pytest.fixture
def built(checkout: Checkout, workplace: Path) -> Checkout:
    """Days 1 and 2 are built; day 3 is published since."""
    kept = workplace / "two_days.duckdb"
    export(checkout.project, 1)
    export(checkout.project, 2)
    if not kept.exists():
        checkout.run()
        shutil.copyfile(checkout.project.database, kept)
    shutil.copyfile(kept, checkout.project.database)
    export(checkout.project, 3)
    return checkout


def days(*numbers: int) -> list[date]:
    return [date(2026, 10, number) for number in numbers]


# ------------------------------------------------------------------------------------------------ what an edit reaches


def test_what_is_edited_is_computed_again_for_all_days_and_nothing_else_is(built: Checkout) -> None:
    """A mart, a macro that two others use, and a seed; then all of it is taken back."""
    built.project.execute("update int_users__active_days set events = 99 where event_date = '2026-10-01'")
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    built.edit("macros/engines/aggregates.sql", "quantile_cont(", "0 * quantile_cont(")
    built.edit("seeds/funnels.csv", "search,3,added_to_cart", "search,3,purchased\nodd,1,odd")
    edited = {"daily_events", "daily_endpoint_reliability", "hourly_reliability", "int_sessions__funnels"}
    assert built.run() == edited
    assert built.events_by_day() == [(day, 40) for day in days(1, 2, 3)]
    steps = built.project.query("from daily_funnel where funnel = 'odd' and sessions > 0")
    assert [row["event_date"] for row in steps] == days(1)
    untouched = built.project.query("select distinct events from int_users__active_days where event_date = '2026-10-01'")
    assert untouched == [{"events": 99}]
    assert built.run() == set()
    built.restore()
    assert built.run() == edited
    built.project.execute("update int_users__active_days set events = 1 where event_date = '2026-10-01'")
    assert_equals_oracle(built.project)


def test_an_edited_mart_alone_then_an_edited_view_and_a_mart_of_it_alone(built: Checkout) -> None:
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    assert built.run("--select", "daily_events") == {"daily_events"}
    assert built.events_by_day() == [(day, 40) for day in days(1, 2)]
    assert built.run() == set()
    assert built.events_by_day() == [(day, 40) for day in days(1, 2, 3)]

    joined = "{{ join_meanings(ref('event_catalog')) }}"
    built.edit("models/intermediate/int_events.sql", joined, joined + "\nwhere events.event_name != 'odd'")
    export(built.project, 4)
    built.run("--select", "daily_events")
    # Made of the new view, or still of the old one, and then of the new one.
    assert built.events_by_day() in ([(day, 30) for day in days(1, 2, 3)], [(day, 40) for day in days(1, 2, 3)])
    assert "sessions" in built.run()
    assert built.events_by_day() == [(day, 30) for day in days(1, 2, 3, 4)]
    assert built.run() == set()


def test_edited_comments_and_an_edit_that_is_taken_back_compute_nothing_again(built: Checkout) -> None:
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    built.run("--select", "daily_uploads")
    built.restore()
    comments = "-- Counted, once (each).\n\n{# Counted,\n once. #}\n/* Counted,\n once. */\n"
    built.edit(f"{DAILY_EVENTS}.sql", "with counted as (", comments + "with  counted as (")
    built.edit(f"{DAILY_EVENTS}.yml", "description: Number of events.", "description: How many times.")
    built.edit("models/intermediate/int_events.sql", "-- A row is one event", "-- Each row is one event")
    built.edit("macros/engines/time.sql", "{#- A UTC timestamp as", "{#- The UTC timestamp as")
    assert built.run() == set()
    assert_equals_oracle(built.project)


OF_EVENTS = "from {{ ref('int_events') }} where {{ in_affected_days() }}"
MARTS_OF_ONES_OWN = {  # name: (source, an expression of int_events before the edit and after it)
    "is_incremental": (
        "from {{ ref('int_events') }} {% if is_incremental() %}where {{ in_affected_days() }}{% endif %}",
        "1",
        "2",
    ),
    "double_quotes": ('from {{ ref("int_events") }} where {{ in_affected_days("event_at") }}', "1", "2"),
    "package": ("from {{ ref('private_analytics', 'int_events') }} where {{ in_affected_days() }}", "1", "2"),
    "ref_in_a_variable": ("{% set of = ref('int_events') %}from {{ of }} where {{ in_affected_days() }}", "1", "2"),
    "blanks": ("from {{ ref( 'int_events' ) }} where {{ in_affected_days (column = 'event_at') }}", "1", "2"),
    "parentheses": ("from {{ ref('int_events') }} where {{ in_affected_days('coalesce(event_at, event_at)') }}", "1", "2"),
    "list": ("from {{ ref('int_events') }} where {{ in_days('event_at', (affected_days())) }}", "1", "2"),
    "days": ("from {{ ref('int_events') }} {% set days = affected_days() %}where {{ in_days('event_at', days) }}", "1", "2"),
    "this": (OF_EVENTS + " and '{{ this.identifier }}' = '{{ model.name }}'", "1", "2"),
    "seed": (
        "from {{ ref('int_events') }} join {{ ref('event_catalog') }} using (event_name) where {{ in_affected_days() }}",
        "1",
        "2",
    ),
    "like_a_comment": (OF_EVENTS, "'a--b'", "'a--c'"),
    "like_layout": (OF_EVENTS, "'a  b'", "'a b'"),
    "like_a_block": (OF_EVENTS, "'a /* b */'", "'a /* c */'"),
    "never_edited": (OF_EVENTS, "1", "1"),
}


def test_a_mart_of_ones_own_is_computed_again_when_it_is_edited_and_only_then(checkout: Checkout) -> None:
    """However it is written; also where the edit is in a text that looks like a comment or layout."""

    def write(edited: bool) -> None:
        for name, (source, before, after) in MARTS_OF_ONES_OWN.items():
            (checkout.folder / f"models/marts/own_{name}.sql").write_text(f"""
                {{{{ config(unique_key=['event_date'], **gone_when_null('value')) }}}}
                with counted as (
                    select event_date, cast(max({after if edited else before}) as varchar) as value {source} group by event_date
                )
                select * from counted
                {{{{ gone_rows() }}}}
            """)

    columns = "columns: [{name: event_date, data_type: date}, {name: value, data_type: varchar}]"
    (checkout.folder / "models/marts/own.yml").write_text(
        "models:\n" + "".join(f"  - {{name: own_{name}, {columns}}}\n" for name in MARTS_OF_ONES_OWN)
    )
    write(edited=False)
    for day in (1, 2):
        export(checkout.project, day)
        assert checkout.run() == set()
    write(edited=True)
    export(checkout.project, 3)
    assert checkout.run() == {f"own_{name}" for name in MARTS_OF_ONES_OWN} - {"own_never_edited"}
    for name, (_, _, after) in MARTS_OF_ONES_OWN.items():
        rows = checkout.project.query(f"from own_{name} order by event_date")
        assert [row["event_date"] for row in rows] == days(1, 2, 3), name
        assert {row["value"] for row in rows} == {after.strip("'")}, name


def test_another_session_gap_and_another_reporting_timezone(built: Checkout) -> None:
    """First the days and sessions of a part of the project are in the new zone."""
    built.edit("dbt_project.yml", "session_gap_minutes: 30", "session_gap_minutes: 45")
    assert built.run() == {"sessions", "int_sessions__funnels"}
    assert_equals_oracle(built.project)
    built.edit("dbt_project.yml", "session_gap_minutes: 45", "session_gap_minutes: 1500")  # longer than a day
    built.edit("dbt_project.yml", "reporting_timezone: UTC", "reporting_timezone: Asia/Kolkata")
    export(built.project, 4)
    built.run("--select", "daily_events", "batch_session_events+")
    built.run()
    assert_equals_oracle(built.project)
    export(built.project, 5)
    assert built.run() == set()
    assert_equals_oracle(built.project)


def test_an_edited_catalog_counts_once_it_is_loaded(built: Checkout) -> None:
    """dbt run builds no seed: it has the table, and not the file, to go by. The run that loads the seed is killed."""
    built.edit("seeds/event_catalog.csv", "purchased,,,,purchase", "odd,GET,,,login\nodd,,,,purchase")
    outcome, said = built.dbt("run")
    assert outcome.succeeded and not [text for text in said if CHANGED in text]
    edited = (built.folder / "seeds/event_catalog.csv").read_text()
    built.restore()
    assert_equals_oracle(built.project)
    (built.folder / "seeds/event_catalog.csv").write_text(edited)
    built.kill("seed")
    outcome, said = built.dbt("run")
    assert outcome.succeeded and [text for text in said if text.startswith(f"sessions{CHANGED}")]
    assert_equals_oracle(built.project)
    built.restore()
    assert {"sessions", "daily_product_performance"} <= built.run()
    assert_equals_oracle(built.project)


def test_columns_are_those_of_the_yaml_and_marts_come_and_go(built: Checkout) -> None:
    """One mart has a column renamed, one has one more, one has one less, one has another type; one is gone for two loads."""
    models = "models/marts/reliability"
    built.edit(f"{DAILY_EVENTS}.sql", "as users", "as people")
    built.edit(f"{DAILY_EVENTS}.yml", "- name: users", "- name: people")
    count = "count(status_code) as requests,"
    built.edit(f"{models}/hourly_reliability.sql", count, "count(*) as lines,\n        " + count)
    column = "      - name: requests\n"
    built.edit(f"{models}/hourly_reliability.yml", column, "      - name: lines\n        data_type: bigint\n" + column)
    built.edit(f"{models}/daily_endpoint_reliability.sql", "as latency_p50_ms", "as median")
    built.edit(f"{models}/daily_endpoint_reliability.yml", "- name: latency_p50_ms", "- name: median")
    built.edit(f"{models}/daily_auth_failures.sql", "cast(failures as double) / attempts as failure_rate", "'x' as failure_rate")
    built.edit(
        f"{models}/daily_auth_failures.yml",
        "fraction of attempts.\n        data_type: double",
        "fraction of attempts.\n        data_type: varchar",
    )
    product = built.folder / "models/marts/behaviour/daily_product_performance.sql"
    product.unlink()
    product.with_suffix(".yml").unlink()
    before = built.project.table("daily_product_performance")
    assert built.run() == {"daily_events", "hourly_reliability", "daily_endpoint_reliability", "daily_auth_failures"}
    assert list(built.columns("daily_events")) == ["event_date", "event_name", "events", "people", "sessions"]
    assert not built.project.query("from daily_events where people is null")
    assert "lines" in built.columns("hourly_reliability")
    assert not built.project.query("from hourly_reliability where lines is null")
    assert built.columns("daily_auth_failures")["failure_rate"] == "VARCHAR"
    assert built.project.table("daily_product_performance") == before
    export(built.project, 4)
    built.run()
    built.restore()
    assert built.run() == {"daily_events", "hourly_reliability", "daily_endpoint_reliability", "daily_auth_failures"}
    assert built.columns("daily_auth_failures")["failure_rate"] == "DOUBLE"
    assert_equals_oracle(built.project)


# -------------------------------------------------------------------------------------- what is read from log lines


def test_what_is_read_from_lines_holds_from_the_next_exports_on(checkout: Checkout) -> None:
    """Fields, a column of one's own, bots and limits; also if a run had nothing to load after the edit."""
    project = checkout.project

    def build(day: int, *arguments: str) -> list[str]:
        """What a run that loads a day says of the edit."""
        far = line(f"2026-10-{day:02}", userAgent="robotic", timestamp=f"2026-01-{day:02}T00:00:00Z")
        export(project, day, line(f"2026-10-{day:02}", userId="old", uid="new", geo="DE", userAgent="robotic"), far)
        outcome, said = checkout.dbt("build", *arguments)
        assert outcome.succeeded, outcome
        return [text for text in said if READING in text and f"2026-10-{day:02}" in text]

    def events() -> list[tuple]:
        rows = project.query("from fct_events order by event_date")
        return [(row["event_date"].month, row["user_id"], row.get("country"), row["is_bot"]) for row in rows]

    assert not build(1, *UNTESTED)
    checkout.edit("dbt_project.yml", "event_fields: {}", "event_fields: {user_id: [uid, userId]}")
    checkout.run()
    assert build(2, *UNTESTED)
    before = "      # A field of your own"
    column = "      - {name: country, description: Where from., data_type: varchar, config: {meta: {json_paths: [geo]}}}\n"
    checkout.edit("models/events/fct_events.yml", before, column + before)
    assert build(3, *NO_UNIT_TESTS)
    assert not build(4, *UNTESTED)
    assert events() == [(10, "old", None, False), (10, "new", None, False), *[(10, "new", "DE", False)] * 2]
    checkout.edit("models/events/fct_events.yml", column, "")
    checkout.edit("dbt_project.yml", "bot_user_agents: '", "bot_user_agents: 'robot|")
    checkout.edit("dbt_project.yml", "max_days_from_log_time: 35", "max_days_from_log_time: 400")
    earlier = events()
    assert build(5, *UNTESTED)
    assert [(month, user, bot) for month, user, _, bot in events()] == [
        (1, None, True),
        *[(month, user, bot) for month, user, _, bot in earlier],
        (10, "new", False),  # a user
    ]
    checkout.run("--full-refresh")
    assert_equals_oracle(project)


def test_full_refreshes_reach_the_marts_by_the_next_run_at_the_latest(built: Checkout) -> None:
    """Marts that fail in one; then a full refresh of the events alone, as the refusal to refresh only fct_events says."""
    built.edit("dbt_project.yml", "event_fields: {}", "event_fields: {event_name: [userId]}")
    built.fail("daily_events", "int_sessions__funnels")
    assert not built.dbt("build", *UNTESTED, "--full-refresh")[0].succeeded
    built.restore("dbt_project.yml")
    export(built.project, 4)
    built.run()
    assert_equals_oracle(built.project)
    built.restore()
    export(built.project, 5)
    built.run("--full-refresh", "--select", "+fct_events", "+rejected_log_lines")
    built.run()
    assert_equals_oracle(built.project)


# -------------------------------------------------------------------------------------------------- interruptions


def test_an_edit_that_is_taken_back_after_a_killed_run_leaves_nothing_behind(built: Checkout) -> None:
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    built.kill("build", *UNTESTED)
    assert built.events_by_day() == [(day, 40) for day in days(1, 2, 3)]
    built.restore()
    built.run()
    assert_equals_oracle(built.project)


def test_an_interruption_after_an_edit_is_made_good_by_the_next_run(built: Checkout, tmp_path: Path) -> None:
    built.edit("dbt_project.yml", "reporting_timezone: UTC", "reporting_timezone: Asia/Kolkata")
    built.edit("dbt_project.yml", "session_gap_minutes: 30", "session_gap_minutes: 1500")
    shutil.copyfile(built.project.database, tmp_path / "before.duckdb")
    for steps in (6, 11):
        shutil.copyfile(tmp_path / "before.duckdb", built.project.database)
        assert built.dbt("run", "--select", *STEPS[:steps])[0].succeeded
        built.run()
        assert_equals_oracle(built.project)
