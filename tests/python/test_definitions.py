"""Edited definitions never mix in one table: what changed is computed again for all days, and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from private_analytics import dbt_project
from project import Project
from test_tables import STEPS, assert_equals_oracle, line

CHANGED = ": its definition has changed since its rows were made"
DAILY_EVENTS = "models/marts/behaviour/daily_events"
UNTESTED = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")


@dataclass
class Checkout:
    """A copy of the project that a test may edit, and the database and lake that it builds with."""

    folder: Path
    project: Project

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, (file, old)
        path.write_text(text.replace(old, new))

    def dbt(self, *arguments: str) -> tuple[dbt_project.Outcome, list[str]]:
        """How the command ended, and the lines that the project's macros said."""
        said: list[str] = []
        return dbt_project.run(*arguments, say=said.append), said

    def run(self, *arguments: str) -> set[str]:
        """Seeds and models without tests; the names of those that were computed again for all days."""
        outcome, said = self.dbt("build", *UNTESTED, *arguments)
        assert outcome.succeeded, outcome
        return {text.split(":")[0] for text in said if CHANGED in text}

    def events_by_day(self, columns: str = "event_date, sum(events)") -> list[tuple]:
        rows = self.project.query(f"select {columns} from daily_events group by event_date order by event_date")
        return [tuple(row.values()) for row in rows]


def copy_project(folder: Path) -> None:
    """All that dbt needs, as it is in this checkout. The copies are new files: dbt knows a changed YAML file by its time."""
    source = dbt_project.PROJECT
    for name in ("models", "macros", "seeds", "tests/data"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(source / name, folder / name, copy_function=shutil.copyfile)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copyfile(source / name, folder / name)


@pytest.fixture
def checkout(project: Project, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    """Every test edits the same folder, so that dbt parses what changed and no more."""
    folder = workplace / "checkout"
    copy_project(folder)
    monkeypatch.setattr(dbt_project, "PROJECT", folder)
    monkeypatch.setenv("DBT_TARGET_PATH", str(folder / "target"))
    yield Checkout(folder, project)


def export(project: Project, day: int, *lines: str, task_id: str = "", **record: object) -> None:
    """One export of a day in October 2026, of these lines, or of a few events of two users."""
    of_day = lines or (
        line(f"2026-10-{day:02}", eventName="searched", userId="u1", statusCode=200, method="GET", path="/a"),
        line(f"2026-10-{day:02}", eventName="product_viewed", userId="u1", productId="p1"),
        line(f"2026-10-{day:02}", eventName="purchased", userId="u2", sessionId=f"s{day}", productId="p1"),
        line(f"2026-10-{day:02}", eventName="odd", userId="u3", sessionId="long"),
    )
    project.export({"s": of_day}, task_id=task_id or f"task-{day}", day=date(2026, 10, day), **record)


@pytest.fixture
def built(checkout: Checkout) -> Checkout:
    """Days 1 and 2 are built; day 3 is published since."""
    export(checkout.project, 1)
    export(checkout.project, 2)
    checkout.run()
    export(checkout.project, 3)
    return checkout


def days(*numbers: int) -> list[date]:
    return [date(2026, 10, number) for number in numbers]


# -------------------------------------------------------------------------------------------- a mart and its SQL


def test_an_edited_mart_is_computed_again_for_all_days_and_the_others_are_not(built: Checkout) -> None:
    built.project.execute("update int_users__active_days set events = 99 where event_date = '2026-10-01'")
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    assert built.run() == {"daily_events"}
    assert built.events_by_day() == [(day, 40) for day in days(1, 2, 3)]
    untouched = built.project.query("select distinct events from int_users__active_days where event_date = '2026-10-01'")
    assert untouched == [{"events": 99}]
    assert built.run() == set()


def test_an_edited_mart_alone_is_computed_again_for_all_days(built: Checkout) -> None:
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    assert built.run("--select", "daily_events") == {"daily_events"}
    assert built.events_by_day() == [(day, 40) for day in days(1, 2)]
    assert built.run() == set()
    assert built.events_by_day() == [(day, 40) for day in days(1, 2, 3)]


def test_an_edit_that_is_taken_back_before_a_run_computes_nothing_again(built: Checkout) -> None:
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    built.run("--select", "daily_uploads")
    built.edit(f"{DAILY_EVENTS}.sql", "10 * count(*) as events", "count(*) as events")
    assert built.run() == set()
    assert_equals_oracle(built.project)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (f"{DAILY_EVENTS}.sql", "with counted as (", "-- Counted, once (each).\n\nwith counted as ("),
        (f"{DAILY_EVENTS}.sql", "with counted as (", "{# Counted,\n once. #}\nwith counted as ("),
        (f"{DAILY_EVENTS}.sql", "with counted as (", "/* Counted,\n once. */\nwith counted as ("),
        ("models/intermediate/int_events.sql", "-- A row is one event", "-- Each row is one event"),
        ("macros/engines/time.sql", "{#- A UTC timestamp as", "{#- The UTC timestamp as"),
        (f"{DAILY_EVENTS}.yml", "description: How often.", "description: How many times."),
    ],
    ids=["SQL", "Jinja", "block", "upstream", "macro", "description"],
)
def test_an_edited_comment_computes_nothing_again(built: Checkout, file: str, old: str, new: str) -> None:
    built.edit(file, old, new)
    assert built.run() == set()
    assert_equals_oracle(built.project)


@pytest.mark.parametrize(("before", "after"), [("'a--b'", "'a--c'"), ("'a  b'", "'a b'"), ("'a /* b */'", "'a /* c */'")])
def test_an_edit_within_a_text_is_one_even_if_it_looks_like_a_comment_or_layout(
    checkout: Checkout, before: str, after: str
) -> None:
    export(checkout.project, 1, line("2026-10-01", userId="u1"))
    checkout.edit(f"{DAILY_EVENTS}.sql", "'(none)'", before)
    checkout.run()
    checkout.edit(f"{DAILY_EVENTS}.sql", before, after)
    checkout.run()
    assert [f"'{row['event_name']}'" for row in checkout.project.table("daily_events")] == [after]


MARTS_OF_ONES_OWN = {
    "is_incremental": "from {{ ref('int_events') }} {% if is_incremental() %}where {{ in_affected_days() }}{% endif %}",
    "double quotes": 'from {{ ref("int_events") }} where {{ in_affected_days("event_at") }}',
    "ref with its package": "from {{ ref('private_analytics', 'int_events') }} where {{ in_affected_days() }}",
    "ref in a variable": "{% set of = ref('int_events') %}from {{ of }} where {{ in_affected_days() }}",
    "blanks in calls": "from {{ ref( 'int_events' ) }} where {{ in_affected_days (column = 'event_at') }}",
    "nested parentheses": "from {{ ref('int_events') }} where {{ in_affected_days('coalesce(event_at, event_at)') }}",
    "a list in parentheses": "from {{ ref('int_events') }} where {{ in_days('event_at', (affected_days())) }}",
    "days in a variable": "from {{ ref('int_events') }} {% set days = affected_days() %}where {{ in_days('event_at', days) }}",
    "this": "from {{ ref('int_events') }} where {{ in_affected_days() }} and '{{ this.identifier }}' = '{{ model.name }}'",
    "of a seed": "from {{ ref('int_events') }} join {{ ref('event_catalog') }} using (event_name) where {{ in_affected_days() }}",
}


@pytest.mark.parametrize("source", MARTS_OF_ONES_OWN.values(), ids=MARTS_OF_ONES_OWN)
def test_a_mart_of_ones_own_is_computed_again_when_it_is_edited_and_only_then(checkout: Checkout, source: str) -> None:
    sql = """
        {{ config(unique_key=['event_date'], **gone_when_null('n')) }}
        with counted as (
            select event_date, cast(FACTOR * count(*) as bigint) as n SOURCE group by event_date
        )
        select * from counted
        {{ gone_rows() }}
    """.replace("SOURCE", source)
    mart = checkout.folder / "models/marts/own.sql"
    mart.write_text(sql.replace("FACTOR", "1"))
    mart.with_suffix(".yml").write_text(
        "models: [{name: own, columns: [{name: event_date, data_type: date}, {name: n, data_type: bigint}]}]"
    )
    export(checkout.project, 1)
    checkout.run()
    export(checkout.project, 2)
    assert checkout.run() == set()
    assert len(checkout.project.table("own")) == 2
    counts = {row["n"] for row in checkout.project.table("own")}
    mart.write_text(sql.replace("FACTOR", "10"))
    export(checkout.project, 3)
    assert checkout.run() == {"own"}
    assert {row["n"] for row in checkout.project.table("own")} == {10 * n for n in counts}


# ----------------------------------------------------------------------------------------- what a mart is made of


def test_an_edited_macro_computes_again_the_marts_that_use_it(built: Checkout) -> None:
    built.edit("macros/engines/aggregates.sql", "quantile_cont(", "0 * quantile_cont(")
    assert built.run() == {"daily_endpoint_reliability", "hourly_reliability"}


@pytest.mark.parametrize("alone", [False, True], ids=["whole run", "alone first"])
def test_an_edited_view_computes_again_what_is_made_of_it(built: Checkout, alone: bool) -> None:
    """The mart alone is either made of the new view, or still of the old one, and then of the new one."""
    built.edit(
        "models/intermediate/int_events.sql",
        "{{ join_meanings(ref('event_catalog')) }}",
        "{{ join_meanings(ref('event_catalog')) }}\nwhere events.event_name != 'odd'",
    )
    if alone:
        built.run("--select", "daily_events")
        assert built.events_by_day() in ([(day, 3) for day in days(1, 2)], [(day, 4) for day in days(1, 2)])
    built.run()
    assert built.events_by_day() == [(day, 3) for day in days(1, 2, 3)]
    assert built.run() == set()


@pytest.mark.parametrize(
    "first", [(), ("--select", "daily_events"), ("--select", "batch_session_events+"), ("--exclude", "daily_events")], ids=repr
)
def test_another_reporting_timezone(checkout: Checkout, first: tuple[str, ...]) -> None:
    """An event at 23:00 of each day is of the next day in Kolkata. A part of the project may be built before all of it."""
    for day in (1, 2, 3):
        export(
            checkout.project,
            day,
            line(f"2026-10-{day:02}", eventName="searched", userId="u1", timestamp=f"2026-10-{day:02}T23:00:00Z", statusCode=200),
        )
    checkout.run()
    export(checkout.project, 4)
    checkout.edit("dbt_project.yml", "reporting_timezone: UTC", "reporting_timezone: Asia/Kolkata")
    if first:
        checkout.run(*first)
    checkout.run()
    assert_equals_oracle(checkout.project)
    export(checkout.project, 5)
    assert checkout.run() == set()
    assert_equals_oracle(checkout.project)


def test_another_session_gap(built: Checkout) -> None:
    """Two events of one user with 40 minutes between them, on each day."""
    for day in (4, 5):
        texts = [
            line(f"2026-10-{day:02}", eventName="searched", userId="u1", timestamp=f"2026-10-{day:02}T{at}Z")
            for at in ("23:30:00", "22:50:00")
        ]
        export(built.project, day, *texts)
    built.run()
    built.edit("dbt_project.yml", "session_gap_minutes: 30", "session_gap_minutes: 45")
    assert built.run() == {"sessions", "int_sessions__funnels"}
    assert_equals_oracle(built.project)
    built.edit("dbt_project.yml", "session_gap_minutes: 45", "session_gap_minutes: 1500")  # longer than a day
    export(built.project, 6)
    built.run()
    assert_equals_oracle(built.project)


# ------------------------------------------------------------------------------------------------------- the seeds


def test_an_edited_catalog_counts_once_it_is_loaded(built: Checkout) -> None:
    old = built.folder.joinpath("seeds/event_catalog.csv").read_text()
    built.edit("seeds/event_catalog.csv", "purchased,,,,purchase", "odd,,,,purchase")
    new = built.folder.joinpath("seeds/event_catalog.csv").read_text()
    outcome, said = built.dbt("run")  # builds no seed
    assert outcome.succeeded and not [text for text in said if CHANGED in text]
    built.folder.joinpath("seeds/event_catalog.csv").write_text(old)
    assert_equals_oracle(built.project)
    built.folder.joinpath("seeds/event_catalog.csv").write_text(new)
    export(built.project, 4)
    again = built.run()
    assert {"sessions", "daily_product_performance"} <= again
    assert_equals_oracle(built.project)
    assert built.run() == set()


def test_a_seed_that_dbt_seed_loaded_counts_from_the_next_run_on(built: Checkout) -> None:
    built.edit("seeds/event_catalog.csv", "purchased,,,,purchase", "odd,,,,purchase")
    assert built.dbt("seed")[0].succeeded
    outcome, said = built.dbt("run")
    assert outcome.succeeded and [text for text in said if text.startswith(f"sessions{CHANGED}")]
    assert_equals_oracle(built.project)


def test_edited_funnels_compute_again_the_funnels_only(built: Checkout) -> None:
    built.edit("seeds/funnels.csv", "search,3,added_to_cart", "search,3,purchased\nodd,1,odd")
    assert built.run() == {"int_sessions__funnels"}
    assert_equals_oracle(built.project)
    built.edit("seeds/funnels.csv", "search,1,searched\nsearch,2,product_viewed\nsearch,3,purchased\n", "")
    export(built.project, 4)
    assert built.run("--select", "funnels") == set()  # nothing that this run builds
    assert built.run() == {"int_sessions__funnels"}
    assert_equals_oracle(built.project)


# --------------------------------------------------------------------------------------------------------- columns


def test_a_mart_has_the_columns_of_its_yaml_and_no_others(built: Checkout) -> None:
    """A column is renamed, then one is added, then one is removed."""

    def columns() -> list[str]:
        return [row["column_name"] for row in built.project.query("describe daily_events")]

    built.edit(f"{DAILY_EVENTS}.sql", "as users", "as people")
    built.edit(f"{DAILY_EVENTS}.yml", "- name: users", "- name: people")
    assert built.run() == {"daily_events"}
    assert columns() == ["event_date", "event_name", "events", "people", "sessions"]
    assert not built.project.query("from daily_events where people is null")

    built.edit(f"{DAILY_EVENTS}.sql", "as people,", "as people,\n        count(status_code) as requests,")
    built.edit(
        f"{DAILY_EVENTS}.yml", "      - name: people", "      - name: requests\n        data_type: bigint\n      - name: people"
    )
    assert built.run() == {"daily_events"}
    assert sorted(columns()) == ["event_date", "event_name", "events", "people", "requests", "sessions"]
    assert built.events_by_day("event_date, sum(requests)") == [(day, 1) for day in days(1, 2, 3)]

    built.edit(f"{DAILY_EVENTS}.sql", "count(distinct user_id) as people,", "")
    text = built.folder.joinpath(f"{DAILY_EVENTS}.yml").read_text()
    at = text.index("      - name: people")
    built.edit(f"{DAILY_EVENTS}.yml", text[at : text.index("      - name: sessions")], "")
    export(built.project, 4)
    assert built.run() == {"daily_events"}
    assert sorted(columns()) == ["event_date", "event_name", "events", "requests", "sessions"]
    assert built.events_by_day("event_date, sum(requests)") == [(day, 1) for day in days(1, 2, 3, 4)]


def test_a_column_of_another_type(built: Checkout) -> None:
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "cast(count(*) as double) as events")
    built.edit(
        f"{DAILY_EVENTS}.yml",
        "description: How often.\n        data_type: bigint",
        "description: How often.\n        data_type: double",
    )
    assert built.run() == {"daily_events"}
    (kind,) = {row["t"] for row in built.project.query("select distinct typeof(events) as t from daily_events")}
    assert kind == "DOUBLE"


def test_the_table_of_a_removed_mart_stays_and_the_others_go_on(built: Checkout) -> None:
    for suffix in ("sql", "yml"):
        (built.folder / f"models/marts/reliability/daily_uploads.{suffix}").unlink()
    assert built.run() == set()
    assert built.project.table("daily_uploads") == []
    assert built.events_by_day() == [(day, 4) for day in days(1, 2, 3)]


def test_a_mart_that_comes_back_has_the_days_it_missed(built: Checkout) -> None:
    files = [built.folder / f"{DAILY_EVENTS}.{suffix}" for suffix in ("sql", "yml")]
    needs_it = built.folder / "tests/data/funnel_steps_that_never_happened.sql"
    texts = [file.read_text() for file in files]
    for file in (*files, needs_it):
        file.unlink()
    built.run()
    export(built.project, 4)
    built.run()
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    built.run()
    assert_equals_oracle(built.project)


# -------------------------------------------------------------------------------------- what is read from log lines


READING = "What is read from log lines has changed"


def users(checkout: Checkout) -> list[tuple]:
    rows = checkout.project.query("select event_date, user_id from fct_events order by event_at")
    return [(row["event_date"].day, row["user_id"]) for row in rows]


@pytest.mark.parametrize("quiet_run", [False, True], ids=["with the next exports", "after a run with nothing to load"])
def test_fields_that_are_read_elsewhere_hold_from_the_next_export_on(checkout: Checkout, quiet_run: bool) -> None:
    project = checkout.project
    export(project, 1, line("2026-10-01", userId="old", uid="new"))
    checkout.run()
    checkout.edit("dbt_project.yml", "event_fields: {}", "event_fields: {user_id: [uid]}")
    if quiet_run:
        checkout.run()
    export(project, 2, line("2026-10-02", userId="old", uid="new"))
    export(project, 3, line("2026-10-03", userId="old", uid="new"))
    outcome, said = checkout.dbt("build", *UNTESTED)
    assert outcome.succeeded
    assert [text for text in said if READING in text and "2026-10-02" in text], said
    assert users(checkout) == [(1, "old"), (2, "new"), (3, "new")]
    outcome, said = checkout.dbt("build", *UNTESTED)
    assert not [text for text in said if READING in text]
    export(project, 4, line("2026-10-04", userId="old", uid="new"))
    outcome, said = checkout.dbt("build", *UNTESTED)
    assert not [text for text in said if READING in text]
    assert checkout.run("--full-refresh") == set()
    assert users(checkout) == [(day, "new") for day in (1, 2, 3, 4)]
    assert_equals_oracle(project)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bot_user_agents: '", "bot_user_agents: 'robot|"),
        ("max_days_from_log_time: 35", "max_days_from_log_time: 400"),
    ],
)
def test_bots_and_limits_hold_from_the_next_export_on(checkout: Checkout, old: str, new: str) -> None:
    project = checkout.project
    texts = {
        day: [
            line(f"2026-10-{day:02}", userId="u", userAgent="robotic"),
            line(f"2026-10-{day:02}", userId="u", timestamp=f"2026-01-{day:02}T00:00:00Z"),
        ]
        for day in (1, 2)
    }
    export(project, 1, *texts[1])
    checkout.run()
    first = project.table("fct_events")
    checkout.edit("dbt_project.yml", old, new)
    export(project, 2, *texts[2])
    outcome, said = checkout.dbt("build", *UNTESTED)
    assert outcome.succeeded and [text for text in said if READING in text and "2026-10-02" in text]
    assert [row for row in project.table("fct_events") if row["export_task_id"] == "task-1"] == first
    checkout.run("--full-refresh")
    assert_equals_oracle(project)


def test_a_full_refresh_of_the_events_alone_reaches_the_marts_with_the_next_run(checkout: Checkout) -> None:
    """What the refusal to refresh fct_events alone says to select. Three loads came before it."""
    project = checkout.project
    for day in (1, 2, 3):
        export(project, day, line(f"2026-10-{day:02}", eventName="searched", userId="old", uid="new", name="viewed"))
        checkout.run()
    checkout.edit("dbt_project.yml", "event_fields: {}", "event_fields: {user_id: [uid], event_name: [name]}")
    checkout.run("--full-refresh", "--select", "+fct_events", "+rejected_log_lines")
    checkout.run()
    assert_equals_oracle(project)
    export(project, 4, line("2026-10-04", uid="new", name="viewed"))
    checkout.run()
    assert_equals_oracle(project)


@pytest.mark.parametrize("failing", ["daily_events", "int_sessions__funnels"])
def test_a_mart_that_fails_in_a_full_refresh_has_all_loads_later(checkout: Checkout, failing: str) -> None:
    project = checkout.project
    for day in (1, 2, 3):
        export(project, day)
        checkout.run()
    checkout.edit("dbt_project.yml", "event_fields: {}", "event_fields: {event_name: [userId]}")
    (path,) = checkout.folder.glob(f"models/**/{failing}.sql")
    text = path.read_text()
    path.write_text(text + "\nthis is no SQL")
    assert not checkout.dbt("build", *UNTESTED, "--full-refresh")[0].succeeded
    path.write_text(text)
    export(project, 4)
    checkout.run()
    assert_equals_oracle(project)


def test_a_column_of_ones_own_comes_and_goes(built: Checkout) -> None:
    before = "      # A field of your own"
    column = "      - {name: country, description: Where from., data_type: varchar, config: {meta: {json_paths: [geo]}}}\n"
    built.edit("models/events/fct_events.yml", before, column + before)
    export(built.project, 4, line("2026-10-04", eventName="searched", geo="DE"))
    outcome, said = built.dbt("build", *UNTESTED)
    assert outcome.succeeded and [text for text in said if READING in text and "2026-10-03" in text]
    countries = built.project.query("select event_date, max(country) as country from fct_events group by 1 order by 1")
    assert [row["country"] for row in countries] == [None, None, None, "DE"]
    export(built.project, 5, line("2026-10-05", eventName="searched", geo="FR"))
    assert built.run() == set()
    outcome, _ = built.dbt("build")
    assert outcome.succeeded, outcome
    built.edit("models/events/fct_events.yml", column, "")
    export(built.project, 6)
    built.run()
    built.run("--full-refresh")
    assert_equals_oracle(built.project)


# -------------------------------------------------------------------------------------------------- interruptions


KILLED = "  - \"{% if execute %}{{ exceptions.raise_compiler_error('killed') }}{% endif %}\"\n"
FIRST_AT_THE_END = '  - "{{ write_ledger(results) }}"'


def kill(checkout: Checkout, *command: str) -> None:
    """dbt ends before it has written what it did, as when it is killed after its last model."""
    checkout.edit("dbt_project.yml", FIRST_AT_THE_END, KILLED + FIRST_AT_THE_END)
    assert not checkout.dbt(*command)[0].succeeded
    checkout.edit("dbt_project.yml", KILLED, "")


def test_an_edit_that_is_taken_back_after_a_killed_run_leaves_nothing_behind(built: Checkout) -> None:
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    kill(built, "build", *UNTESTED)
    built.edit(f"{DAILY_EVENTS}.sql", "10 * count(*) as events", "count(*) as events")
    built.run()
    assert_equals_oracle(built.project)


def test_a_seed_that_a_killed_run_loaded_counts_in_the_next_run(built: Checkout) -> None:
    """dbt run builds no seeds: it has the table, and not the file, to go by."""
    built.edit("seeds/event_catalog.csv", "purchased,,,,purchase", "odd,,,,purchase")
    kill(built, "seed")
    assert built.dbt("run")[0].succeeded
    assert_equals_oracle(built.project)


@pytest.mark.parametrize("steps", [4, 6, 9, 11, 12], ids=lambda n: STEPS[n - 1])
def test_an_interruption_after_an_edit_is_made_good_by_the_next_run(built: Checkout, steps: int) -> None:
    built.edit("dbt_project.yml", "reporting_timezone: UTC", "reporting_timezone: Asia/Kolkata")
    built.edit("dbt_project.yml", "session_gap_minutes: 30", "session_gap_minutes: 1500")
    outcome, _ = built.dbt("run", "--select", *STEPS[:steps])
    assert outcome.succeeded, outcome
    export(built.project, 4)
    built.run()
    assert_equals_oracle(built.project)
    assert built.run() == set()
