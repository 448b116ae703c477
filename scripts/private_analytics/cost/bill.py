"""Estimates the cost of a month from prices and measured bytes, in dollars, without taxes, free tiers and discounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .scanned import MINIMUM_BYTES, USD_PER_TB

# us-east-1, on-demand, as of 2026-06; most regions differ by 0 to 50 %. One line per price, with the page that states it.
PRICES_DATE = "2026-06"
PRICES_REGION = "us-east-1"
LOGS_INGESTED_GB = 0.50  # aws.amazon.com/cloudwatch/pricing, Logs, Collect (Data Ingestion), Standard
LOGS_STORED_GB_MONTH = 0.03  # the same page, Logs, Store (Archival): for compressed bytes
S3_STORED_GB_MONTH = 0.023  # aws.amazon.com/s3/pricing, Standard, first 50 TB
GLACIER_STORED_GB_MONTH = 0.0036  # the same page, Glacier Flexible Retrieval
S3_PUTS = 0.005 / 1_000  # the same page, PUT, COPY, POST, LIST
S3_GETS = 0.0004 / 1_000  # the same page, GET and all others
TO_GLACIER = 0.03 / 1_000  # the same page, lifecycle transitions into Glacier Flexible Retrieval
LAMBDA_GB_SECOND = 0.0000133334  # aws.amazon.com/lambda/pricing, Arm
CODEBUILD_MINUTE = 0.005  # aws.amazon.com/codebuild/pricing, general1.small
KMS_KEY_MONTH = 1.00  # aws.amazon.com/kms/pricing, a customer managed key
KMS_REQUESTS = 0.03 / 10_000  # the same page
SECRET_MONTH = 0.40  # aws.amazon.com/secrets-manager/pricing
METRIC_MONTH = 0.30  # aws.amazon.com/cloudwatch/pricing, Metrics, custom
ALARM_METRIC_MONTH = 0.10  # the same page, Alarms, standard resolution, per metric in an alarm
DASHBOARD_MONTH = 3.00  # the same page, Dashboards
ATHENA_TB = USD_PER_TB  # aws.amazon.com/athena/pricing, scanned

# Measured on sample logs (see docs/costs.md). Yours differ: the command's options accept your own figures.
GZIP_RATIO = 7.5  # bytes of text for one byte in an export
TABLE_RATIO = 0.05  # bytes of tables for one byte of text
LOGS_STORED_RATIO = 0.15  # AWS's figure for the size after CloudWatch's compression

DAYS = 365 / 12
EXPORTS_A_DAY = 2  # each day is exported, and once more three days later
OBJECT_GB = 0.05  # the size of an exported object, at most
ALARM_METRICS = 27  # metrics in the stack's alarms, without those of check jwt and check uploads
METRICS = 9  # our metrics with data, if the API logs latencies in one unit
# Measured for a daily run (benchmarks/README.md). `scanned` shows yours: pass it as --dbt-gb-per-day.
QUERIES = 124  # billed queries, each for at least 10 MB; more than half of them are data tests
SCANS = 18  # bytes scanned per byte of new exports
SCANS_OF_A_DAY = 0.13  # and this much more for each day in the tables


@dataclass(frozen=True)
class Usage:
    """What is logged and kept. gb_per_day is text, as CloudWatch ingests it. Days are the stack's parameters."""

    gb_per_day: float
    retention_days: int = 60
    glacier_after_days: int = 90
    expire_after_days: int = 730
    gzip_ratio: float = GZIP_RATIO
    query_gb_per_day: float = 0.0  # scanned by people and dashboards
    dbt_gb_per_day: float | None = None  # scanned by a daily run, as `scanned` shows it; None: estimated
    dbt_minutes: float = 10.0  # of a daily run
    has_kms_key: bool = False


@dataclass(frozen=True)
class BillItem:
    """A line of the bill: what, the amount per month, and dollars per month, once the oldest logs expire."""

    name: str
    amount: str
    usd: float


def items(usage: Usage) -> Iterator[BillItem]:
    """The bill of a month in which as much is deleted as is added: the most expensive month."""
    text = usage.gb_per_day * DAYS
    kept_text = usage.gb_per_day * usage.retention_days * LOGS_STORED_RATIO
    yield BillItem("CloudWatch Logs, ingested", f"{text:,.0f} GB", text * LOGS_INGESTED_GB)
    yield BillItem("CloudWatch Logs, kept", f"{kept_text:,.1f} GB", kept_text * LOGS_STORED_GB_MONTH)

    exported_a_day = usage.gb_per_day / usage.gzip_ratio * EXPORTS_A_DAY
    in_standard = exported_a_day * min(usage.glacier_after_days, usage.expire_after_days)
    in_glacier = exported_a_day * max(usage.expire_after_days - usage.glacier_after_days, 0)
    tables = usage.gb_per_day * TABLE_RATIO * usage.expire_after_days
    yield BillItem("S3, raw logs", f"{in_standard:,.1f} GB", in_standard * S3_STORED_GB_MONTH)
    yield BillItem("S3 Glacier, raw logs", f"{in_glacier:,.1f} GB", in_glacier * GLACIER_STORED_GB_MONTH)
    yield BillItem("S3, tables", f"{tables:,.1f} GB", tables * S3_STORED_GB_MONTH)

    objects = (exported_a_day / OBJECT_GB + EXPORTS_A_DAY) * DAYS
    requests = objects * (S3_PUTS + TO_GLACIER + 3 * S3_GETS) + 24 * DAYS * 5 * S3_PUTS
    yield BillItem("S3, requests", f"{objects:,.0f} objects", requests)

    dbt = usage.dbt_gb_per_day
    if dbt is None:
        scans = SCANS + SCANS_OF_A_DAY * usage.expire_after_days
        dbt = max(exported_a_day * scans, QUERIES * MINIMUM_BYTES / 1e9)
    yield BillItem("Athena, daily run", f"{dbt * DAYS:,.1f} GB", dbt * DAYS / 1_000 * ATHENA_TB)
    yield BillItem(
        "Athena, queries", f"{usage.query_gb_per_day * DAYS:,.1f} GB", usage.query_gb_per_day * DAYS / 1_000 * ATHENA_TB
    )

    seconds = 24 * DAYS * 10  # an hourly invocation takes seconds, one that waits for a task takes minutes
    yield BillItem("Lambda, exporter", f"{seconds:,.0f} s", seconds * 0.25 * LAMBDA_GB_SECOND)
    minutes = usage.dbt_minutes * DAYS
    yield BillItem("CodeBuild, daily run", f"{minutes:,.0f} min", minutes * CODEBUILD_MINUTE)
    watching = METRICS * METRIC_MONTH + ALARM_METRICS * ALARM_METRIC_MONTH + DASHBOARD_MONTH
    yield BillItem("Alarms and dashboard", f"{METRICS} metrics", watching)
    yield BillItem("Secrets Manager", "2 secrets", 2 * SECRET_MONTH)
    calls = objects * 4  # fewer with a bucket key
    yield BillItem("KMS", "1 key" if usage.has_kms_key else "no key", (KMS_KEY_MONTH + calls * KMS_REQUESTS) * usage.has_kms_key)


def assumptions(usage: Usage) -> str:
    """The assumptions of the bill."""
    return (
        f"Prices in {PRICES_REGION}, {PRICES_DATE}, without free tiers. {usage.gb_per_day:g} GB of text a day,"
        f" {usage.gzip_ratio:g} to 1 in exports, all of {usage.expire_after_days} days kept."
    )
