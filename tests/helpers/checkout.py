"""A copy of the project that a test may edit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from helpers import REPOSITORY
from helpers.project import Project
from helpers.tables import line
from private_analytics.project import dbt

CHANGED = ": its definition has changed since its rows were made"


NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")


UNTESTED = (*NO_UNIT_TESTS, "--exclude-resource-type", "test")


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

    def fail(self, *names: str) -> None:
        """Models that fail, until restore(). Their definitions stay as they are."""
        for name in names:
            (path,) = self.folder.glob(f"models/**/{name}.sql")
            path.write_text("{{ config(pre_hook='this is no SQL') }}\n" + path.read_text())

    def restore(self, *but: str) -> None:
        """All files as they are in this checkout, except those."""
        kept = {self.folder / file: (self.folder / file).read_text() for file in but}
        copy_project(self.folder)
        for path, text in kept.items():
            path.write_text(text)

    def dbt(self, *arguments: str) -> tuple[dbt.DbtOutcome, list[str]]:
        """How the command ended, and the lines that the project's macros said."""
        said: list[str] = []
        return dbt.run(*arguments, say=said.append), said

    def run(self, *arguments: str) -> set[str]:
        """Seeds and models without tests; the names of those that were computed again for all days."""
        outcome, said = self.dbt("build", *UNTESTED, *arguments)
        assert outcome.succeeded, outcome
        return {text.split(":")[0] for text in said if CHANGED in text}

    def kill(self, *command: str) -> None:
        """dbt ends before it has written what it did, as when it is killed after its last model."""
        file, first = "macros/loading/end_of_run.sql", "{% macro write_ledger(results) %}"
        killed = first + "{% if execute %}{{ exceptions.raise_compiler_error('killed') }}{% endif %}"
        self.edit(file, first, killed)
        assert not self.dbt(*command)[0].succeeded
        self.edit(file, killed, first)

    def events_by_day(self) -> list[tuple]:
        rows = self.project.query("select event_date, sum(events) as n from daily_events group by event_date order by event_date")
        return [tuple(row.values()) for row in rows]

    def columns(self, table: str) -> dict[str, str]:
        return {row["column_name"]: row["column_type"] for row in self.project.query(f"describe {table}")}


def copy_project(folder: Path) -> None:
    """All that dbt needs, as it is in this checkout. What is equal stays, so that dbt need not parse it again."""
    expected = {Path(name) for name in ("dbt_project.yml", "profiles.yml")}
    for name in ("models", "macros", "seeds", "tests/data"):
        expected |= {path.relative_to(REPOSITORY) for path in (REPOSITORY / name).rglob("*") if path.is_file()}
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        relative = path.relative_to(folder)
        if relative not in expected and relative.parts[0] in ("models", "macros", "seeds", "tests"):
            path.unlink()
    for relative in expected:
        path, content = folder / relative, (REPOSITORY / relative).read_bytes()
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def export(project: Project, day: int, *lines: str, task_id: str = "", **record: object) -> None:
    """One export of a day in October 2026, of these lines, or of four events: two of them 40 minutes apart, of one user without a
    session, the later one on the next day in Kolkata; two of sessions, one of which never ends."""
    on = f"2026-10-{day:02}"
    of_day = lines or (
        line(on, eventName="searched", userId="u1", timestamp=f"{on}T23:00:00Z", statusCode=200, method="GET", path="/a"),
        line(on, eventName="product_viewed", userId="u1", timestamp=f"{on}T22:20:00Z", productId="p1", latencyMs=5),
        line(on, eventName="purchased", userId="u2", sessionId=f"s{day}", productId="p1", statusCode=401),
        line(on, eventName="odd", userId="u3", sessionId="long", productId="p2"),
    )
    project.export({"s": of_day}, task_id=task_id or f"task-{day}", day=date(2026, 10, day), **record)
