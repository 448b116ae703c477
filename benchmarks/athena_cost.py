"""What a first load and a daily run of this project scan on Athena, measured on local_aws. make athena-cost"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from private_analytics import aws as aws_client
from private_analytics import samples, scanned, tables

from local_aws import LocalAws

PROJECT = Path(__file__).resolve().parents[1]
BUCKET = "analytics-exports"
LAST_DAY = date(2026, 10, 31)
DAYS = 14
EVENTS_PER_DAY = int(os.environ.get("EVENTS_PER_DAY", "20000"))


def main() -> None:
    with tempfile.TemporaryDirectory() as work, LocalAws() as aws:
        lake, days = prepare(aws, Path(work), DAYS, EVENTS_PER_DAY)
        *history, new = days
        first = upload(lake, history)
        run(f"First load: {len(history)} days, {first:,} bytes of gzip", Path(work))
        daily = upload(lake, [new])
        run(f"Daily run: {daily:,} bytes of gzip", Path(work))


def prepare(aws: LocalAws, work: Path, days: int, events_per_day: int) -> tuple[Path, list[str]]:
    """A bucket, external tables, the environment of dbt, and sample logs not yet uploaded: their folder, days as yyyy/mm/dd."""
    lake = work / "lake"
    samples.write_sample_logs(lake, days=days, events_per_day=events_per_day, seed=1, end_date=LAST_DAY)
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


def run(title: str, work: Path) -> None:
    """dbt build on Athena, and what it scanned."""
    dbt("build", "--exclude-resource-type", "unit_test")
    invocation_id, started = scanned.read_run(work / "target" / "run_results.json")
    found = scanned.scans(aws_client.client("athena"), "primary", invocation_id, started)
    tests = [scan for scan in found if scan.node.startswith("test.")]
    total = (sum(getattr(scan, name) for scan in tests) for name in ("queries", "bytes", "billed_bytes"))
    merged = [scan for scan in found if scan not in tests] + [scanned.Scan(f"({len(tests)} data tests)", *total)]
    print(f"\n{title}\n\n{scanned.table(merged)}")


if __name__ == "__main__":
    main()
