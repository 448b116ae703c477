"""A project to build in: its own database, lake, dbt target folder."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from private_analytics import dbt_project, demo

TABLES = {
    "events": ("timestamp", "eventName", "userId", "sessionId", "productId"),
    "fct_events": ("event_id", "event_at"),
    "rejected_log_lines": ("line_id",),
    "loaded_exports": ("export_task_id",),
    "daily_events": ("event_date", "event_name"),
    "daily_endpoint_reliability": ("event_date", "method", "route"),
    "hourly_reliability": ("event_hour",),
    "sessions": ("session_id",),
    "export_health": ("event_date", "log_group"),
}


@dataclass
class Project:
    """This dbt project on a database and a lake of the test's own."""

    lake: Path
    database: Path

    def dbt(self, *arguments: str) -> dbt_project.Outcome:
        os.environ["ANALYTICS_LAKE"] = str(self.lake)  # build_from may have pointed it to a view
        return dbt_project.run(*arguments)

    def run(self, *arguments: str) -> None:
        """The seed and all models, without tests; fails the test where dbt fails."""
        outcome = self.dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test", *arguments)
        assert outcome.succeeded, outcome

    def build(self, *arguments: str) -> None:
        """All models and data tests (unit tests have a run of their own); fails the test where dbt fails."""
        outcome = self.dbt("build", "--exclude-resource-type", "unit_test", *arguments)
        assert outcome.succeeded, outcome

    def build_from(self, logs: Path, variables: str = "") -> list[str]:
        """What make demo does before the report; the lines it says."""
        said: list[str] = []
        demo.build_tables(logs, variables, said.append)
        return said

    def query(self, sql: str) -> list[dict]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'; use analytics.analytics")
            result = connection.execute(sql)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def execute(self, sql: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(f"use analytics.analytics; {sql}")

    def table(self, name: str, *leave_out: str) -> list[dict]:
        """The rows of a table; the ledger's loaded_at, the time of a run, is never among them."""
        hidden = [*leave_out, *(["loaded_at"] if name == "loaded_exports" else [])]
        without = f" exclude ({', '.join(hidden)})" if hidden else ""
        return self.query(f"select *{without} from {name}")

    def tables(self) -> dict[str, list[str]]:
        """All that users query, in an order that does not depend on the runs: equal where the rows are equal."""
        return {name: sorted(map(repr, self.table(name))) for name in TABLES}

    def fresh(self) -> None:
        self.database.unlink(missing_ok=True)

    def export(
        self,
        streams: dict[str, Iterable[str] | bytes],
        *,
        task_id: str = "task-1",
        day: date = date(2026, 10, 1),
        completed_at: datetime | None = None,
        published: bool = True,
        log_group: str = "/storefront/api",
        **record: object,
    ) -> None:
        """Put an export into the lake. A stream is its lines, or the bytes of its object just as they are to lie there."""
        folder = self.lake / "logs" / f"{day:%Y/%m/%d}" / task_id
        sizes = []
        for name, content in streams.items():
            path = folder / name / "000000.gz"
            path.parent.mkdir(parents=True)
            if not isinstance(content, bytes):
                content = gzip.compress("".join(line + "\n" for line in content).encode("utf-8", "surrogatepass"))
            path.write_bytes(content)
            sizes.append(len(content))
        if published:
            completed_at = completed_at or datetime.combine(day, datetime.min.time()) + timedelta(hours=36)
            path = self.lake / "exports" / f"{day:%Y/%m/%d}" / f"{task_id}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                json.dumps(
                    {
                        "export_task_id": task_id,
                        "log_group": log_group,
                        "export_date": day.isoformat(),
                        "completed_at": completed_at.isoformat(timespec="milliseconds") + "Z",
                        "objects": len(sizes),
                        "bytes": sum(sizes),
                        **record,
                    }
                )
            )


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One place for all tests, so that dbt parses the project once."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture
def project(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    lake, database = workplace / "lake", workplace / "analytics.duckdb"
    shutil.rmtree(lake, ignore_errors=True)
    lake.mkdir()
    database.unlink(missing_ok=True)
    monkeypatch.setenv("ANALYTICS_LAKE", str(lake))
    monkeypatch.setenv("ANALYTICS_DB", str(database))
    monkeypatch.setenv("DBT_TARGET_PATH", str(workplace / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(workplace / "logs"))
    monkeypatch.setattr(demo, "WORK", workplace / "work")
    return Project(lake, database)
