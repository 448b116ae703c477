"""Edited definitions never mix in one table: what changed is computed again for all days, and nothing else is."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from private_analytics import dbt_project
from project import Project
from test_tables import assert_equals_oracle, line

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
    """All that dbt needs, as it is in this checkout."""
    source = dbt_project.PROJECT
    for name in ("models", "macros", "seeds", "tests/data"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(source / name, folder / name)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(source / name, folder / name)


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
    built.project.execute("update daily_uploads set uploads_requested = 0")  # none yet
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    assert built.run() == {"daily_events"}
    assert built.events_by_day() == [(day, 40) for day in days(1, 2, 3)]
    assert built.run() == set()


def test_an_edited_mart_alone_is_computed_again_for_all_days(built: Checkout) -> None:
    built.edit(f"{DAILY_EVENTS}.sql", "count(*) as events", "10 * count(*) as events")
    assert built.run("--select", "daily_events") == {"daily_events"}
    assert built.events_by_day() == [(day, 40) for day in days(1, 2)]
    assert built.run() == set()
    assert built.events_by_day() == [(day, 40) for day in days(1, 2, 3)]


def test_an_edited_comment_computes_nothing_again(built: Checkout) -> None:
    """In SQL, in Jinja and in a macro, of one line and of several; and a description."""
    built.edit(f"{DAILY_EVENTS}.sql", "with counted as (", "-- Counted.\n{# Each\n once. #}\n\nwith counted as (")
    built.edit("models/intermediate/int_events.sql", "select\n    events.event_id", "/* One\nmeaning. */\nselect\n    events.event_id")
    built.edit("macros/engines/time.sql", "{#- A UTC timestamp as", "{#- The UTC timestamp as")
    built.edit(f"{DAILY_EVENTS}.yml", "description: How often.", "description: How many times.")
    assert built.run() == set()


def test_text_that_looks_like_a_comment_or_differs_in_blanks_only_is_an_edit(built: Checkout) -> None:
    name = "'(none)'"
    for text, expected in (("'a--b'", "a--b"), ("'a--c'", "a--c"), ("'a  b'", "a  b"), ("'a b'", "a b")):
        built.edit(f"{DAILY_EVENTS}.sql", f"coalesce(event_name, {name})", f"coalesce(nullif(event_name, 'odd'), {text})")
        if name == "'(none)'":
            built.edit(f"{DAILY_EVENTS}.sql", "nullif(nullif", "nullif(nullif") if False else None
        built.run()
        names = {row["event_name"] for row in built.project.table("daily_events")}
        assert expected in names and len(names) == 4, (text, names)
        built.edit(f"{DAILY_EVENTS}.sql", f"coalesce(nullif(event_name, 'odd'), {text})", f"coalesce(event_name, {name})")
