"""What a month costs, against a calculation by hand, and the table in docs against the command."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from helpers import REPOSITORY
from private_analytics.cli import cli
from private_analytics.cost import bill
from private_analytics.stack import template

DOCS = REPOSITORY / "docs" / "costs.md"


def month(**usage: float) -> dict[str, float]:
    return {item.name: item.usd for item in bill.items(bill.Usage(**usage))}


def test_by_hand():
    """10 GB a day, gzip 10 to 1, exports kept 100 days of which 40 in Standard; a month is 30.41667 days."""
    found = month(gb_per_day=10, gzip_ratio=10, retention_days=30, glacier_after_days=40, expire_after_days=100, dbt_gb_per_day=4)
    by_hand = {
        "CloudWatch Logs, ingested": 304.1667 * 0.50,
        "CloudWatch Logs, kept": 10 * 30 * 0.15 * 0.03,
        "S3, raw logs": 2 * 40 * 0.023,  # 1 GB exported twice
        "S3 Glacier, raw logs": 2 * 60 * 0.0036,
        "S3, tables": 10 * 0.05 * 100 * 0.023,
        "Athena, daily run": 4 * 30.41667 / 1000 * 5,
        "Athena, queries": 0,
        "Lambda, exporter": 24 * 30.41667 * 10 * 0.25 * 0.0000133334,
        "CodeBuild, daily run": 10 * 30.41667 * 0.005,
        "Alarms and dashboard": 9 * 0.30 + 27 * 0.10 + 3,
        "Secrets Manager": 0.80,
        "KMS": 0,
    }
    # 40 objects of 50 MB and one more each export: 42 a day, each put, moved, read three times; five listings an hour.
    by_hand["S3, requests"] = 42 * 30.41667 * (0.000005 + 0.00003 + 3 * 0.0000004) + 24 * 30.41667 * 5 * 0.000005
    assert found == pytest.approx(by_hand, rel=1e-4)


def test_alarms_and_metrics_are_as_many_as_in_the_template():
    resources = template.merge(template.read_parts())["Resources"].values()
    alarms = [item["Properties"] for item in resources if item["Type"] == "AWS::CloudWatch::Alarm"]
    always = [alarm for alarm in alarms if not str(alarm["AlarmName"]).endswith(("check-jwt'}", "check-uploads'}"))]
    assert len(always) == len(alarms) - 2
    looked_at = [metric for alarm in always for metric in alarm.get("Metrics", [{"MetricStat": alarm}]) if "MetricStat" in metric]
    assert len(looked_at) == bill.ALARM_METRICS
    filters = [item["Properties"] for item in resources if item["Type"] == "AWS::Logs::MetricFilter"]
    names = {transformation["MetricName"] for item in filters for transformation in item["MetricTransformations"]}
    of_one_unit = {name for name in names if not name.startswith("Latency")} | {"LatencyMilliseconds"}
    assert len(of_one_unit) + len(("check exports", "check events", "check access")) == bill.METRICS


def test_twice_the_logs_cost_twice_what_grows_with_logs():
    one, two = month(gb_per_day=50), month(gb_per_day=100)
    for name in ("CloudWatch Logs, ingested", "CloudWatch Logs, kept", "S3, raw logs", "S3, tables", "Athena, daily run"):
        assert two[name] == pytest.approx(2 * one[name])
    assert two["Secrets Manager"] == one["Secrets Manager"]


def test_a_key_of_yours_costs_its_month():
    assert month(gb_per_day=0, has_kms_key=True)["KMS"] > 1
    assert month(gb_per_day=0)["KMS"] == 0


def test_a_small_run_is_billed_ten_megabytes_a_query():
    assert month(gb_per_day=0)["Athena, daily run"] == pytest.approx(124 * 0.01 * 30.41667 / 1000 * 5, rel=1e-4)


@pytest.mark.parametrize("gb", ["1", "10", "100"])
def test_the_table_in_docs_is_what_the_command_says(gb: str):
    shown = CliRunner().invoke(cli, ["cost", "--gb-per-day", gb]).output
    column = {"1": 1, "10": 2, "100": 3}[gb]
    rows = [
        line.strip("|").split("|") for line in DOCS.read_text().splitlines() if re.match(r"\| [\w ,]+\|( [\d,.]+ \|){3}$", line)
    ]
    assert len(rows) >= 10
    for row in rows:
        line = next(line for line in shown.splitlines() if line.startswith(f"{row[0].strip()}  "))
        assert line.split()[-1] == row[column].strip(), row


@pytest.mark.parametrize(
    "options", [[], ["--gb-per-day", "-1"], ["--gb-per-day", "much"], ["--gb-per-day", "1", "--gzip-ratio", "0"]]
)
def test_what_cannot_be_is_a_usage_error(options: list[str]):
    assert CliRunner().invoke(cli, ["cost", *options]).exit_code == 2


def test_prices_tell_their_date_and_region():
    shown = CliRunner().invoke(cli, ["cost", "--gb-per-day", "1"]).output
    assert bill.PRICES_DATE in shown
    assert bill.PRICES_REGION in shown


def test_json_is_the_same_bill():
    found = json.loads(CliRunner().invoke(cli, ["cost", "--gb-per-day", "10", "--json"]).output)
    assert {item["name"]: item["usd"] for item in found["items"]} == month(gb_per_day=10)
    assert found["usd"] == pytest.approx(sum(month(gb_per_day=10).values()))
    assert found["usage"]["gb_per_day"] == 10
