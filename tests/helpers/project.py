"""A project to build in: its own database, lake, dbt target folder; and exports to build from."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import yaml

from private_analytics.demo import build
from private_analytics.project import dbt, paths

FOLDERS = ("events", "marts", "ledger/loaded_exports")  # of models/: what users query


def declared_tables() -> dict[str, tuple[str, ...]]:
    """The tables for users and their keys, as their YAML files declare them: name -> the columns that a test holds unique."""
    tables = {}
    for path in sorted((paths.root() / "models").rglob("*.yml")):
        if str(path.relative_to(paths.root() / "models")).startswith(FOLDERS):
            for model in yaml.safe_load(path.read_text())["models"]:
                tables[model["name"]] = key_of(model)
    return tables


def key_of(model: dict) -> tuple[str, ...]:
    """All columns, where no test holds some of them unique."""
    for test in model.get("data_tests", []):
        if "unique_combination" in test:
            return tuple(test["unique_combination"]["arguments"]["columns"])
    columns = model["columns"]
    unique = tuple(column["name"] for column in columns if "unique" in column.get("data_tests", []))
    return unique or tuple(column["name"] for column in columns)


TABLES = declared_tables()


@dataclass
class Project:
    """This dbt project on a database and a lake of the test's own."""

    lake: Path
    database: Path

    def dbt(self, *arguments: str) -> dbt.DbtOutcome:
        os.environ["ANALYTICS_LAKE"] = str(self.lake)  # build_from may have pointed it to a view
        return dbt.run(*arguments)

    def run(self, *arguments: str) -> None:
        """The seed and all models, without tests; fails the test where dbt fails."""
        outcome = self.dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test", *arguments)
        assert outcome.succeeded, outcome

    def build(self, *arguments: str) -> None:
        """All models and data tests (unit tests have a run of their own); fails the test where dbt fails."""
        outcome = self.dbt("build", "--exclude-resource-type", "unit_test", *arguments)
        assert outcome.succeeded, outcome

    def build_from(self, logs: Path, variables: str = "", *, suggest: bool = False) -> list[str]:
        """What make demo does before the report, with the settings as they are unless `suggest`; the lines it says."""
        said: list[str] = []
        lake, given = build.lake_of(logs, said.append), yaml.safe_load(variables or "{}")
        build.build_from(lake, build.with_suggestion(lake, given, said.append) if suggest else given, said.append)
        return said

    def query(self, sql: str) -> list[dict]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            result = connection.execute(sql)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def execute(self, sql: str) -> None:
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(sql)

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


def nasty_exports(project: Project, seed: int) -> None:
    """Exports of three days that overlap in every way, some of whose lines are copies of others."""
    rng = random.Random(seed)
    start = datetime(2026, 10, 1)
    lines: list[tuple[datetime, str, str]] = []
    for n in range(150):
        at = start + timedelta(seconds=rng.randrange(3 * 86_400), milliseconds=rng.randrange(1000))
        record: dict = {
            "timestamp": at.isoformat(timespec="milliseconds") + "Z",
            "eventName": rng.choice(["searched", "product_viewed", "added_to_cart", "purchased", "upload_requested", "odd"]),
            "productId": rng.choice([None, "p1", "p2"]),
            "statusCode": rng.choice([200, 401, 503, None, "abc"]),
            "latencyMs": rng.choice([1, 2.5, None, -1]),
            "path": rng.choice(["/a", "/products/7"]),
            "userId": rng.choice([None, "u1", "u2"]),
            "sessionId": rng.choice([None, None, "s1", "s2"]),
            "userAgent": rng.choice([None, "Googlebot/2.1"]),
        }
        if n % 5 == 0:  # a producer that sends twice: the same id, other content, up to ten hours later
            record["eventId"] = f"e{n % 3}-{at:%d}"
            at = at.replace(hour=rng.randrange(10))
            record["timestamp"] = at.isoformat(timespec="milliseconds") + "Z"
        stream = rng.choice(["x", "y"])
        prefix = at.isoformat(timespec="milliseconds") + "Z "
        lines.append((at, stream, prefix + json.dumps(record)))
        if n % 7 == 0:
            lines.append((at, stream, prefix + json.dumps(record)))
        if n % 11 == 0:
            lines += [(at, stream, "  at frame (file.js:1)"), (at, stream, prefix + "plain text"), (at, stream, "")]
    for n in range(6):
        day = date(2026, 10, 1 + n % 3)
        streams = {
            stream: [text for at, of, text in lines if of == stream and at.date() == day and rng.random() < 0.8]
            for stream in ("x", "y")
        }
        completed = datetime(2026, 10, 5, rng.randrange(3))  # ties on purpose
        project.export(streams, task_id=f"task-{rng.randrange(1000):03d}-{n}", day=day, completed_at=completed)
