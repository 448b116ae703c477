"""What a first load and a daily run of this project scan on Athena, measured on local_aws.

    DAYS="13 60" EVENTS_PER_DAY=20000 make athena-cost

For each number of days: so much history in one load, then one day more, node by node; then how the daily runs compare with the
new raw logs and with each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from local_aws import LocalAws
from private_analytics import aws as aws_client
from private_analytics.cost import scanned
from private_analytics.cost.commands import echo_scans
from private_analytics.external_tables import tables
from private_analytics.samples import writer

PROJECT = Path(__file__).resolve().parents[1]
BUCKET = "analytics-exports"
LAST_DAY = date(2026, 10, 31)
HISTORIES = [int(days) for days in os.environ.get("DAYS", "13 60").split()]
EVENTS_PER_DAY = int(os.environ.get("EVENTS_PER_DAY", "20000"))


def main() -> None:
    # A process for each, since what local_aws keeps is global to its process.
    with ProcessPoolExecutor(max_workers=1, max_tasks_per_child=1) as pool:
        daily = dict(zip(HISTORIES, pool.map(measure, HISTORIES), strict=True))
    print()
    for history, (scan, raw) in daily.items():
        print(
            f"A daily run after {history} days: {scan.queries} queries, {scan.billed_bytes / 1e6:,.0f} MB billed,"
            f" {scan.bytes:,} bytes scanned, {scan.bytes / raw:.1f} x the new raw logs"
        )
    if len(daily) > 1:
        (first, _), (last, _) = daily[HISTORIES[0]], daily[HISTORIES[-1]]
        print(f"After {HISTORIES[-1]} days it scans {last.bytes / first.bytes:.2f} x what it does after {HISTORIES[0]}.")


def measure(history: int) -> tuple[scanned.Scan, int]:
    """So many days in one load, then a day more: what the daily run scanned, and the bytes of its log objects."""
    with tempfile.TemporaryDirectory() as work, LocalAws() as aws:
        lake, days = prepare(aws, Path(work), history + 1, EVENTS_PER_DAY)
        raw = upload(lake, days[:-1])
        run(f"First load: {history} days, {raw:,} bytes of gzip", Path(work))
        raw = upload(lake, days[-1:])
        return run(f"Daily run after {history} days: {raw:,} bytes of gzip", Path(work)), raw


def prepare(aws: LocalAws, work: Path, days: int, events_per_day: int) -> tuple[Path, list[str]]:
    """A bucket, external tables, the environment of dbt, and sample logs not yet uploaded: their folder, days as yyyy/mm/dd."""
    lake = work / "lake"
    writer.write_sample_logs(lake, days=days, events_per_day=events_per_day, seed=1, end_date=LAST_DAY)
    os.environ |= aws.environment() | {
        "ANALYTICS_TARGET": "athena",
        "ATHENA_RESULTS": f"s3://{BUCKET}/athena-results/",
        "ATHENA_DATA": f"s3://{BUCKET}/tables/",
        "ATHENA_POLL_SECONDS": "0.1",
        "DBT_TARGET_PATH": f"{work}/target",
        "DBT_LOG_PATH": f"{work}/logs",
    }
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    first_day = LAST_DAY - timedelta(days=days)
    tables.reconcile(aws_client.client("glue"), "lake", tables.Location(BUCKET, "", first_day))
    return lake, sorted({str(path.parent.relative_to(lake / "exports")) for path in lake.glob("exports/**/*.json")})


def upload(lake: Path, days: list[str]) -> int:
    """Put the exports of some days into the bucket; the bytes of the log objects among them."""
    s3, size = boto3.client("s3"), 0
    for path in [path for day in days for path in sorted(lake.glob(f"*/{day}/**/*")) if path.is_file()]:
        key = str(path.relative_to(lake))
        s3.upload_file(str(path), BUCKET, key)
        size += path.stat().st_size if key.startswith("logs/") else 0
    return size


def dbt(*arguments: str) -> None:
    subprocess.run([str(Path(sys.executable).with_name("dbt")), "--quiet", *arguments], cwd=PROJECT, check=True)


def run(title: str, work: Path) -> scanned.Scan:
    """dbt build on Athena, what it scanned, node by node, and all of it."""
    dbt("build", "--exclude-resource-type", "unit_test")
    invocation_id, started = scanned.read_run(work / "target" / "run_results.json")
    found = scanned.scans(aws_client.client("athena"), "primary", invocation_id, started)
    tests = [scan for scan in found if scan.node.startswith("test.")]
    models = [scan for scan in found if scan not in tests]
    total = added("all", found)
    print(f"\n{title}\n")
    echo_scans([*models, added(f"({len(tests)} data tests)", tests)], total)
    sys.stdout.flush()
    return total


def added(name: str, scans: list[scanned.Scan]) -> scanned.Scan:
    return scanned.Scan(name, *(sum(getattr(scan, column) for scan in scans) for column in ("queries", "bytes", "billed_bytes")))


if __name__ == "__main__":
    main()
