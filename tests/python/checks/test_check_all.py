"""`check all` says what every check found, hides nothing where one breaks, and tells CloudWatch in numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import click
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from private_analytics.checks.command import CheckCommand, CheckReport
from private_analytics.checks.commands import Checks, check_all
from private_analytics.checks.results import FAILED, OK, UNKNOWN
from private_analytics.checks.results import Result as Line
from private_analytics.cli import cli
from private_analytics.errors import UserError


@click.command("fine", cls=CheckCommand)
def fine() -> CheckReport:
    return CheckReport("here", [Line("a", OK, "as it should be"), Line("b", OK, "too")])


@click.command("red", cls=CheckCommand)
@click.option("--what", envvar="RED_WHAT", default="nothing")
def red(what: str) -> CheckReport:
    return CheckReport(
        "there", [Line("c", FAILED, what, "Mend it."), Line("d", OK, "well"), Line("e", UNKNOWN, "dark", "Mend it.")]
    )


@click.command("unset", cls=CheckCommand)
@click.option("--place", envvar="UNSET_PLACE", show_envvar=True, required=True)
def unset(place: str) -> CheckReport:
    raise AssertionError


@click.command("refused", cls=CheckCommand)
def refused() -> CheckReport:
    raise UserError("Sign in again.")


@click.command("broken", cls=CheckCommand)
def broken() -> CheckReport:
    raise ZeroDivisionError("by\nzero")


def check(*checks: CheckCommand, options: tuple[str, ...] = ()) -> Result:
    group = Checks("check", commands=[check_all, *checks])
    return CliRunner().invoke(group, ["all", *options])


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANALYTICS_CHECKS", "ANALYTICS_METRICS", "UNSET_PLACE", "RED_WHAT"):
        monkeypatch.delenv(name, raising=False)


def test_all_well_ends_with_0():
    result = check(fine)
    assert (result.exit_code, result.output) == (0, "ok      fine: a  as it should be\nok      fine: b  too\n")


def test_every_check_is_shown_whatever_the_others_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RED_WHAT", "smoke")
    result = check(broken, refused, unset, red, fine)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "unknown broken: check   the check crashed: ZeroDivisionError: by",
        "unknown refused: check  Sign in again.",
        "failed  red: c          smoke",
        "ok      red: d          well",
        "unknown red: e          dark",
        "ok      fine: a         as it should be",
        "ok      fine: b         too",
        "unknown not set up      unset needs UNSET_PLACE",
        "unknown broken: Run it alone: pal check broken",
        "failed  red: Mend it.",
        "unknown red: Mend it.",
        "unknown Set them (docs/checks.md), or run only the others: ANALYTICS_CHECKS=broken,refused,red,fine",
    ]


def test_json_says_the_same():
    found = json.loads(check(red, fine, options=("--json",)).output)
    assert (found["check"], found["ok"]) == ("all", False)
    assert [(line["name"], line["status"]) for line in found["results"]] == [
        ("red: c", "failed"),
        ("red: d", "ok"),
        ("red: e", "unknown"),
        ("fine: a", "ok"),
        ("fine: b", "ok"),
    ]


def test_a_team_chooses_its_checks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANALYTICS_CHECKS", "fine")
    assert check(red, fine).exit_code == 0
    assert check(red, fine, options=("--only", "fine, red")).exit_code == 1
    wrong = check(red, fine, options=("--only", "fine,gren"))
    assert wrong.exit_code == 2
    assert "there is no check gren. Checks: red, fine." in wrong.output


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("cloudwatch")


def test_cloudwatch_hears_of_every_check_also_of_those_that_are_well(cloudwatch):
    check(broken, red, fine, options=("--metrics", "shop"))
    now = datetime.now(UTC)
    period = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=5), "Period": 600}
    told = {}
    for metric in cloudwatch.list_metrics(Namespace="shop")["Metrics"]:
        (point,) = cloudwatch.get_metric_statistics(**metric, **period, Statistics=["Maximum"])["Datapoints"]
        told[metric["MetricName"], metric["Dimensions"][0]["Name"], metric["Dimensions"][0]["Value"]] = point["Maximum"]
    assert told == {
        ("FailedChecks", "Check", "broken"): 1,
        ("FailedChecks", "Check", "red"): 2,
        ("FailedChecks", "Check", "fine"): 0,
    }


def test_what_cloudwatch_did_not_hear_is_a_failure_of_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    result = check(fine, options=("--metrics", "shop"))
    assert result.exit_code == 1
    assert "ok      fine: a  as it should be" in result.output
    assert "failed  metrics  Could not publish the checks' metrics to CloudWatch, namespace shop" in result.output


def test_the_command_line_runs_all_checks_that_it_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ANALYTICS_DB", str(tmp_path / "none.duckdb"))
    found = json.loads(CliRunner().invoke(cli, ["check", "all", "--json"]).output)
    events, line = found["results"]
    assert (events["name"], events["status"]) == ("events: check", "unknown")
    assert events["detail"].startswith("There is no database at ")
    needs = {part.split(" needs ")[0]: part.split(" needs ")[1].split(", ") for part in line["detail"].split("; ")}
    assert needs.keys() == {"exports", "jwt", "uploads", "access"}
    assert needs["jwt"] == ["CANARY_POOL_ID", "CANARY_CLIENT_ID", "CANARY_URL"]
    assert (line["name"], line["status"]) == ("not set up", "unknown")
