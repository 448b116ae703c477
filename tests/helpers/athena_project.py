"""This dbt project on target athena of local_aws."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pyathena
from pyathena.cursor import DictCursor

from helpers import REPOSITORY
from local_aws import Call, LocalAws
from private_analytics.project import paths

LONG_AGO = [date(2026, 5, 1) + timedelta(days=n) for n in range(120)]  # days of a backfill
SCATTERED = [date(2001, 1, 1) + timedelta(days=3 * n) for n in range(1000)]  # days that one load brings lines of
RUN_DBT = Path(__file__).with_name("run_dbt.py")
DBT_CALLS = REPOSITORY / "tests" / "infra" / "dbt_calls.txt"


@dataclass
class AthenaProject:
    """This dbt project on target athena, with a bucket of its own."""

    aws: LocalAws
    work: Path
    bucket: str = "analytics-exports"
    schema: str = "analytics"
    calls: set[Call] = field(default_factory=set)  # what AWS was asked for while dbt ran

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | self.aws.environment() | {
            "ANALYTICS_TARGET": "athena",
            "ANALYTICS_BUCKET": self.bucket,
            "ATHENA_SCHEMA": self.schema,
            "ATHENA_LAKE_SCHEMA": f"{self.schema}_lake",
            "ATHENA_RESULTS": f"s3://{self.bucket}/athena-results/",
            "ATHENA_DATA": f"s3://{self.bucket}/tables/",
            "DBT_TARGET_PATH": str(self.work / "target"),
            "DBT_LOG_PATH": str(self.work / "logs"),
            "ATHENA_POLL_SECONDS": "0.1",
        }  # fmt: skip

    def client(self, service: str):
        return boto3.client(service, endpoint_url=self.aws.endpoint, region_name="us-east-1")

    def upload(self, lake: Path) -> int:
        """Put the files of a lake into the bucket that are not there yet; the bytes of log objects among them."""
        s3 = self.client("s3")
        there = set(self.objects())
        uploaded = 0
        for path in sorted(lake.rglob("*")):
            key = str(path.relative_to(lake))
            if path.is_file() and key not in there:
                s3.upload_file(str(path), self.bucket, key)
                uploaded += path.stat().st_size if key.startswith("logs/") else 0
        return uploaded

    def objects(self, prefix: str = "") -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, str(RUN_DBT), *arguments]
        with self.aws.recording() as calls:
            done = subprocess.run(command, env=self.environment, cwd=paths.root(), capture_output=True, text=True, check=False)
        self.calls |= calls
        return done

    def build(self, *arguments: str) -> None:
        done = self.dbt("build", *arguments)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

    @cached_property
    def _connection(self) -> Any:
        return pyathena.connect(
            s3_staging_dir=self.environment["ATHENA_RESULTS"],
            schema_name=self.schema,
            region_name="us-east-1",
            endpoint_url=self.aws.endpoint,
            poll_interval=0.05,
        )

    def query(self, sql: str) -> list[dict]:
        with self._connection.cursor(DictCursor) as cursor:
            return cursor.execute(sql).fetchall()

    def table(self, name: str) -> list[dict]:
        rows = self.query(f'select * from "{self.schema}"."{name}"')
        return [{key: value for key, value in row.items() if (name, key) != ("loaded_exports", "loaded_at")} for row in rows]

    def pal(self, *arguments: str) -> str:
        """A command on this project; what it says."""
        command = [sys.executable, "-m", "private_analytics", *arguments]
        done = subprocess.run(command, env=self.environment, cwd=paths.root(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make_tables(self, first_day: date) -> list[str]:
        """What `pal tables` did."""
        done = json.loads(self.pal("tables", "--first-day", first_day.isoformat(), "--json"))
        return [change["action"] for change in done["changes"]]

    def permissions(self) -> set[str]:
        """The calls as lines of tests/infra/dbt_calls.txt: without the names that differ from project to project."""
        return {f"{action} {self._place(place)}" for action, place in self.calls}

    def _place(self, place: str) -> str:
        kind, _, rest = place.partition("/")
        names = {self.schema: "{database}", f"{self.schema}_lake": "{lake}"}
        if kind in ("database", "table"):
            database, _, table = rest.partition("/")
            if table and database == self.schema:
                table = "{table}"
            return "/".join(part for part in (kind, names.get(database, database), table) if part)
        if place.startswith(self.bucket):
            mark, key = place[len(self.bucket) : len(self.bucket) + 1], place[len(self.bucket) + 1 :]
            folder, *deeper = key.split("/")
            within = [folder, names.get(deeper[0], deeper[0]), "{table}"] if folder == "tables" and deeper else [folder]
            return "{bucket}" + mark + "/".join(within) + ("/" if key else "")
        return place
