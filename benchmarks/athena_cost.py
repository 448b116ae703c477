"""What a first load and a daily run of this project scan on Athena, measured on local_aws. make athena-cost"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from private_analytics import aws as aws_client
from private_analytics import samples, scanned, tables

from local_aws import LocalAws

PROJECT = Path(__file__).resolve().parents[1]
BUCKET = "analytics-exports"
DAYS = 14
EVENTS_PER_DAY = int(os.environ.get("EVENTS_PER_DAY", "20000"))


def main() -> None:
    with tempfile.TemporaryDirectory() as work, LocalAws() as aws:
        lake = Path(work) / "lake"
        samples.write_sample_logs(lake, days=DAYS, events_per_day=EVENTS_PER_DAY, seed=1, end_date=date(2026, 10, 31))
        os.environ |= aws.environment() | {
            "ANALYTICS_TARGET": "athena",
            "ATHENA_RESULTS": f"s3://{BUCKET}/athena-results/",
            "ATHENA_DATA": f"s3://{BUCKET}/tables/",
            "DBT_TARGET_PATH": f"{work}/target",
            "DBT_LOG_PATH": f"{work}/logs",
        }
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        last_days = {path.parent.relative_to(lake / "exports") for path in sorted((lake / "exports").rglob("*.json"))[-2:]}
        tables.reconcile(aws_client.client("glue"), "lake", tables.Location(BUCKET, "", date(2026, 10, 1)))
        first = upload(path for path in files(lake) if not is_of(path, last_days))
        run(f"First load: {DAYS - len(last_days)} days, {first:,} bytes of gzip", Path(work))
        daily = upload(path for path in files(lake) if is_of(path, last_days))
        run(f"Daily run: {daily:,} bytes of gzip", Path(work))


def files(lake: Path) -> list[tuple[Path, str]]:
    """Each file with its key in the bucket."""
    return [(path, str(path.relative_to(lake))) for path in sorted(lake.rglob("*")) if path.is_file()]


def is_of(file: tuple[Path, str], days: set[Path]) -> bool:
    return any(f"/{day}/" in file[1] for day in days)


def upload(chosen) -> int:
    """Put files into the bucket; the bytes of the log objects among them."""
    s3, size = boto3.client("s3", region_name="us-east-1"), 0
    for path, key in chosen:
        s3.upload_file(str(path), BUCKET, key)
        size += path.stat().st_size if key.startswith("logs/") else 0
    return size


def run(title: str, work: Path) -> None:
    """dbt build on Athena, and what it scanned."""
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "build", "--exclude-resource-type", "unit_test"]
    subprocess.run(command, cwd=PROJECT, check=True)
    invocation_id, started = scanned.read_run(work / "target" / "run_results.json")
    found = scanned.scans(aws_client.client("athena"), "primary", invocation_id, started)
    tests = [scan for scan in found if scan.node.startswith("test.")]
    total = (sum(getattr(scan, name) for scan in tests) for name in ("queries", "bytes", "billed_bytes"))
    merged = [scan for scan in found if scan not in tests] + [scanned.Scan(f"({len(tests)} data tests)", *total)]
    print(f"\n{title}\n\n{scanned.table(merged)}")


if __name__ == "__main__":
    main()
