"""The dashboard as deployed is JSON that CloudWatch reads, and shows what the alarms look at."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from helpers.alarm_world import EVERY_ALARM
from helpers.stack_account import Account, deploy, make_settings, resources
from private_analytics.project import variables
from private_analytics.stack import template


def widgets(account: Account) -> list[dict]:
    return json.loads(account.client("cloudwatch").get_dashboard(DashboardName="shop")["DashboardBody"])["widgets"]


@pytest.mark.parametrize(
    ("parameters", "without"),
    [
        (EVERY_ALARM, set()),
        ({"Transform": "off"}, {"TransformFailed", "TransformNotRun", "CheckJwtFailed", "CheckUploadsFailed"}),
    ],
    ids=["everything", "little"],
)
def test_it_shows_all_alarms_and_what_they_look_at(account: Account, tmp_path: Path, parameters: dict, without: set[str]):
    deploy(account.aws(), make_settings(tmp_path, **parameters))
    alarms, *graphs = widgets(account)
    made = resources(account)
    declared = template.merge(template.read_parts())["Resources"]
    expected = {name for name, item in declared.items() if item["Type"] == "AWS::CloudWatch::Alarm"} - without
    shown = [arn.rsplit(":", 1)[1] for arn in alarms["properties"]["alarms"]]
    assert sorted(shown) == sorted(made[name]["PhysicalResourceId"] for name in expected)
    metrics = {
        tuple(part for part in metric if isinstance(part, str)) for graph in graphs for metric in graph["properties"]["metrics"]
    }
    assert metrics - {()} == wanted(bool({"TransformFailed"} - without), bool(parameters.get("CheckJwt")))


def wanted(with_transform: bool, with_canary: bool) -> set[tuple[str, ...]]:
    """By hand: namespace, name, dimensions."""
    latencies = [f"Latency{unit}" for unit in ("Seconds", "Milliseconds", "Microseconds", "Nanoseconds")]
    ours = ["Requests", "ServerErrors", "AuthFailures", "ExportDaysLate", "ExportDaysFailed", *latencies]
    checks = ["exports", "events", "access", *(["jwt", "uploads"] if with_canary else [])]
    builds = ["SucceededBuilds", "FailedBuilds"] if with_transform else []
    return {
        *(("shop", name) for name in ours),
        *(("shop", "FailedChecks", "Check", check) for check in checks),
        *(("AWS/CodeBuild", name, "ProjectName", "shop-transform") for name in builds),
        *(("AWS/Athena", "ProcessedBytes", "WorkGroup", group) for group in ("shop", "shop-analysts", "shop-dashboards")),
        ("AWS/Lambda", "Errors", "FunctionName", "shop-exporter"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "shop-exporter-failures"),
    }


def test_widgets_do_not_overlap_and_formulas_use_metrics_of_their_own_graph(account: Account, tmp_path: Path):
    deploy(account.aws(), make_settings(tmp_path))
    _, *graphs = shown = widgets(account)
    cells = [
        (x, y)
        for widget in shown
        for x, y in itertools.product(
            range(widget["x"], widget["x"] + widget["width"]), range(widget["y"], widget["y"] + widget["height"])
        )
    ]
    assert len(cells) == len(set(cells)) == 24 * 19
    for graph in graphs:
        assert graph["properties"]["region"] == account.region
        options = [metric[-1] for metric in graph["properties"]["metrics"]]
        for option in options:
            words = set(re.findall(r"\b[a-z]\w*", option.get("expression", "")))
            assert words <= {other["id"] for other in options if "id" in other}


def test_the_red_lines_are_the_thresholds(account: Account, tmp_path: Path):
    deploy(account.aws(), make_settings(tmp_path))
    _, *graphs = widgets(account)
    lines = {graph["properties"]["title"]: graph["properties"].get("annotations") for graph in graphs}
    limits = variables.thresholds()
    expected = {
        "Share of requests answered with 5xx": limits.server_error_rate,
        "Latency, p95, milliseconds": limits.latency_p95_ms,
        "Auth failures in five minutes": limits.auth_failure_burst,
        "Scanned by Athena, GB a day": limits.athena_gb_per_day,
    }
    for title, value in expected.items():
        assert [line["value"] for line in lines[title]["horizontal"]] == [value]
