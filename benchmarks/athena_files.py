"""How many data files the tables have after 60 daily runs on Athena, with and without weekly maintenance, measured on local_aws.

Each run loads one day more. Counted are the files of a table's current snapshot, which a query opens; those of older snapshots
stay on S3 for five days (Athena's default) and are then removed by maintenance.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from athena_cost import BUCKET, dbt, prepare, upload
from pyathena import connect

from local_aws import LocalAws

RUNS = int(os.environ.get("RUNS", "60"))
TABLES = (
    "fct_events",
    "rejected_log_lines",
    "daily_events",
    "daily_endpoint_reliability",
    "sessions",
    "int_sessions__funnels",
    "int_users__active_days",
)


def main() -> None:
    with tempfile.TemporaryDirectory() as work, LocalAws() as aws:
        lake, days = prepare(aws, Path(work), days=RUNS + 1, events_per_day=200)
        upload(lake, days[:1])
        dbt("build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
        print("| after run | " + " | ".join(TABLES) + " |\n|---|" + "---|" * len(TABLES), flush=True)
        for number, day in enumerate(days[1 : RUNS + 1], 1):
            upload(lake, [day])
            dbt("run")
            if number % 7 == 0 or number == RUNS:
                show(f"{number}")
                dbt("run-operation", "maintain")
                show(f"{number}, maintained")


def show(title: str) -> None:
    cursor = connect(s3_staging_dir=f"s3://{BUCKET}/athena-results/", schema_name="analytics", poll_interval=0.1).cursor()
    counts = [cursor.execute(f'select count(*) from "{name}$files"').fetchall() for name in TABLES]  # noqa: S608
    print(f"| {title} | " + " | ".join(str(count) for ((count,),) in counts) + " |", flush=True)


if __name__ == "__main__":
    main()
