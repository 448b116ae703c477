"""Which alarms go off in which situation: the definitions as deployed, evaluated as CloudWatch does, against a table by hand."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from helpers import REPOSITORY, filter_pattern
from helpers.alarm_evaluator import ALARM, OK, Alarm, Metrics, Reading, alarm, rings, states
from helpers.alarm_situations import TABLE, THEN, THRESHOLDS, Situation
from helpers.alarm_world import DAY, DBT, EVERY_ALARM, HOUR, START, UNITS, Run, World
from helpers.stack_account import Account, deploy, make_settings, resources
from private_analytics.project import variables
from private_analytics.stack import template

TEXT = (REPOSITORY / "docs" / "alarms.md").read_text()
# What the table says holds in both readings of what the guide leaves open.
READINGS = (
    Reading(missing_is_zero=True, fills_unknown=False, max_skips_missing=True, more_points=2),
    Reading(missing_is_zero=False, fills_unknown=True, max_skips_missing=False, more_points=7),
)
OF_THE_API = ("ServerErrors", "ServerErrorsHourly", "SlowRequests", "AuthFailures", "AuthFailureBurst")


@dataclass
class Deployed:
    account: Account
    properties: dict[str, dict]  # by logical id, all functions carried out

    @property
    def alarms(self) -> dict[str, Alarm]:
        return {name: alarm(item) for name, item in self.properties.items()}


def carried_out(value: Any, values: dict[str, Any]) -> Any:
    """The functions in a definition. MiniStack keeps no metric math, so it cannot be asked for what they come to."""
    match value:
        case {"Fn::Sub": [text, own]}:
            return carried_out({"Fn::Sub": text}, values | own)
        case {"Fn::GetAtt": ["ExporterFailures", "QueueName"]}:
            return values["ExporterFailures"].rsplit("/", 1)[1]
        case {"Ref": _} | {"Fn::Sub": _}:
            return template.evaluate(value, values)
        case dict():
            assert not any(key.startswith("Fn::") for key in value), value
            return {key: carried_out(item, values) for key, item in value.items()}
        case list():
            return [carried_out(item, values) for item in value]
    return value


@pytest.fixture(scope="module")
def deployed(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    account = Account(endpoint, "500000000001")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variables, "thresholds", lambda: THRESHOLDS)
        deploy(account.aws(), make_settings(tmp_path_factory.mktemp("stack"), **EVERY_ALARM))
    cloudformation = account.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="shop")["Stacks"]
    values = {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}
    values |= {name: item["PhysicalResourceId"] for name, item in resources(account).items()}
    body = cloudformation.get_template(StackName="shop")["TemplateBody"]["Resources"]
    found = {name: item["Properties"] for name, item in body.items() if item["Type"] == "AWS::CloudWatch::Alarm"}
    return Deployed(account, {name: carried_out(item, values) for name, item in found.items()})


def history(watched: Alarm, world: World, reading: Reading) -> list[tuple[int, str]]:
    return list(states(watched, world.metrics, range(START, world.end), reading))


def situation(name: str) -> Situation:
    (row,) = [row for row in TABLE if row.name == name]
    return row


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_what_goes_off(deployed: Deployed, row: Situation):
    world = row.world()
    for reading in READINGS:
        found = {name: history(watched, world, reading) for name, watched in deployed.alarms.items()}
        assert +Counter({name: len(rings(seen)) for name, seen in found.items()}) == row.goes_off
        assert not [name for name, seen in found.items() if seen[-1][1] == ALARM], "it is over, but the alarm is not"


def test_every_alarm_goes_off_in_some_situation_and_keeps_quiet_in_others(deployed: Deployed):
    assert {name for row in TABLE for name in row.goes_off} == set(deployed.alarms)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("milliseconds", "share", "is_slow"), [(900, 1, False), (1000.5, 1, True), (3000, 1 / 10, True), (3000, 1 / 30, False)]
)
def test_latency_is_judged_alike_in_every_unit(deployed: Deployed, unit: str, milliseconds: float, share: float, is_slow: bool):
    world = World(unit=unit)
    world.slow(THEN, HOUR, milliseconds, share)
    for reading in READINGS:
        assert bool(rings(history(deployed.alarms["SlowRequests"], world, reading))) == is_slow


def test_log_groups_in_different_units_are_not_added_up(deployed: Deployed):
    world = World()
    world.slow(THEN, HOUR, 600)
    for minute in range(THEN, THEN + HOUR):
        world.metrics.put(minute, "shop", "LatencySeconds", 0.6, 30)
    for reading in READINGS:
        assert not rings(history(deployed.alarms["SlowRequests"], world, reading))


def test_after_the_first_deploy_only_what_has_not_run_yet_is_told(deployed: Deployed):
    world = World(hours=0)
    for reading in READINGS:
        found = {
            name: list(states(watched, world.metrics, range(6 * HOUR), reading)) for name, watched in deployed.alarms.items()
        }
        assert {name for name, seen in found.items() if rings(seen)} == {"ExporterSilent", "TransformNotRun", "ChecksNotRun"}
        assert {name for name, seen in found.items() if seen[-1][1] == ALARM} == {"TransformNotRun", "ChecksNotRun"}


def test_where_nothing_was_ever_published_traffic_is_good_and_what_should_run_is_missed(deployed: Deployed):
    for reading in READINGS:
        found = {name: list(states(watched, Metrics(), range(3 * HOUR), reading)) for name, watched in deployed.alarms.items()}
        by_state = {state: {name for name, seen in found.items() if seen[-1][1] == state} for state in (OK, ALARM)}
        assert by_state[ALARM] == {"ExporterSilent", "TransformNotRun", "ChecksNotRun"}
        assert by_state[OK] == {*OF_THE_API, "AthenaBytes"}


# What the last run said holds until the next one.
HOLDS = {
    "a_day_is_late_and_the_exporter_runs_once_a_day": (("ExportsLate", "ExporterErrors"), START + DAY + 12 * HOUR),
    "a_call_could_not_be_started": (("CallsNotStarted",), THEN + 15 * HOUR),
    "dbt_fails_on_two_days": (("TransformFailed",), START + DAY + 12 * HOUR),
    "check_exports_is_not_ok": (("CheckExportsFailed",), START + DAY + 12 * HOUR),
    "check_events_is_not_ok": (("CheckEventsFailed",), START + DAY + 12 * HOUR),
    "check_access_is_not_ok": (("CheckAccessFailed",), START + DAY + 12 * HOUR),
    "check_jwt_is_not_ok": (("CheckJwtFailed",), START + DAY + 12 * HOUR),
    "check_uploads_is_not_ok": (("CheckUploadsFailed",), START + DAY + 12 * HOUR),
}


@pytest.mark.parametrize("name", HOLDS)
def test_it_holds_until_the_next_run(deployed: Deployed, name: str):
    alarms, minute = HOLDS[name]
    world = situation(name).world()
    for reading, alarm_name in itertools.product(READINGS, alarms):
        assert dict(history(deployed.alarms[alarm_name], world, reading))[minute] == ALARM


def test_an_error_that_is_known_a_quarter_of_an_hour_after_its_call_is_seen(deployed: Deployed):
    """Lambda counts an error at the time of the call. Only what is in the period itself is looked at here."""
    world = World()
    world.exporter[THEN + 7] = Run(None, None, is_error=True)
    for reading in READINGS:
        looked_at = replace(reading, more_points=0)
        found = states(deployed.alarms["ExporterErrors"], world.metrics, range(THEN + 7 + 15, THEN + HOUR), looked_at)
        assert next(found)[1] == ALARM


# An incident is told within a quarter of an hour; what runs once an hour or a day, when it has run.
SOON = {
    "every_tenth_request_fails_for_hours": ("ServerErrors", THEN, 15),
    "the_api_is_down_for_half_an_hour": ("ServerErrorsHourly", THEN, 5),
    "a_slow_hour": ("SlowRequests", THEN, 15),
    "four_in_ten_requests_fail_to_log_in": ("AuthFailures", THEN, 15),
    "a_burst_of_failed_logins": ("AuthFailureBurst", THEN, 5),
    "a_day_is_late": ("ExportsLate", THEN + 7, 5),
    "one_run_of_the_exporter_breaks_off": ("ExporterErrors", THEN + 7, 5),
    "the_exporter_is_dead": ("ExporterSilent", START + HOUR + 7, 27 * HOUR),
    "a_call_could_not_be_started": ("CallsNotStarted", THEN, 5),
    "dbt_fails_once": ("TransformFailed", START + DBT + 30, 5),
    "dbt_is_not_started_on_one_day_and_late_on_the_next": ("TransformNotRun", DBT, 27 * HOUR),
    "checks_do_not_run_for_three_days": ("ChecksNotRun", DBT + 25, 51 * HOUR),
    "check_jwt_is_not_ok": ("CheckJwtFailed", START + DBT + 25, 5),
    "an_expensive_day": ("AthenaBytes", THEN, 5),
}


@pytest.mark.parametrize("name", SOON)
def test_it_is_told_soon(deployed: Deployed, name: str):
    alarm_name, since, minutes = SOON[name]
    world = situation(name).world()
    for reading in READINGS:
        first, *_ = rings(history(deployed.alarms[alarm_name], world, reading))
        assert since < first <= since + minutes


def test_a_build_that_succeeds_at_last_ends_the_alarm_at_once(deployed: Deployed):
    world = situation("dbt_fails_twice_and_succeeds_at_last").world()
    for reading in READINGS:
        found = dict(history(deployed.alarms["TransformFailed"], world, reading))
        assert found[START + DBT + 2 * HOUR + 30] == ALARM
        assert found[START + DBT + 2 * HOUR + 31] == OK


# --- What is deployed ---


def test_the_emulator_has_the_same_numbers(deployed: Deployed):
    """All but metric math, which it does not keep: a second opinion on what the functions in the template come to."""
    made = {item["AlarmName"]: item for item in deployed.account.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    numbers = ("EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData")
    single = ("Namespace", "MetricName", "Dimensions", "Statistic", "Period")
    for properties in deployed.properties.values():
        other = made.pop(properties["AlarmName"])
        for name in numbers if "Metrics" in properties else numbers + single:
            expected = properties.get(name, [] if name == "Dimensions" else None)
            assert other.get(name) == (float(expected) if name == "Threshold" else expected), (properties["AlarmName"], name)
    assert not made


def test_all_alarms_tell_one_topic_when_they_begin_and_when_they_end(deployed: Deployed):
    topic = resources(deployed.account)["AlarmTopic"]["PhysicalResourceId"]
    for properties in deployed.properties.values():
        assert properties["AlarmActions"] == properties["OKActions"] == [topic]
        assert properties["AlarmName"].startswith("shop-")


def test_the_topic_takes_alarms_of_this_stack_and_the_mail_is_subscribed(deployed: Deployed):
    sns = deployed.account.client("sns")
    topic = resources(deployed.account)["AlarmTopic"]["PhysicalResourceId"]
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    (allowed,) = [item for item in json.loads(attributes["Policy"])["Statement"] if item["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"]["StringEquals"] == {"aws:SourceAccount": "500000000001"}
    assert allowed["Condition"]["ArnLike"] == {"aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:500000000001:alarm:shop-*"}
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "me@example.com")


def test_checks_that_are_off_and_dbt_that_runs_elsewhere_have_no_alarm(account: Account, tmp_path: Path):
    deploy(account.aws(), make_settings(tmp_path, Transform="off"))
    missing = {"CheckJwtFailed", "CheckUploadsFailed", "TransformFailed", "TransformNotRun", "AlarmMail"}
    declared = template.merge(template.read_parts())["Resources"]
    assert missing == {name for name in declared if name in missing} - set(resources(account))


# --- One whole way: log lines, the deployed metric filters, the alarms ---

GOOD = '{"eventName": "searched", "statusCode": 200, "responseTime": 80, "method": "GET", "path": "/search"}'
LINES = {
    "all is well": (GOOD, 12, set()),
    "no JSON": ("503 Service Unavailable, took 5000 ms, 401", 12, set()),
    "two of twelve fail": (GOOD.replace("200", "503"), 2, {"ServerErrors", "ServerErrorsHourly"}),
    "all are slow": (GOOD.replace("80", "2500"), 12, {"SlowRequests"}),
    "all are slow, in seconds": (GOOD.replace('"responseTime": 80', '"request_time": 2.5'), 12, {"SlowRequests"}),
    "five of twelve are not let in": (GOOD.replace("searched", "login_failed").replace("200", "401"), 5, {"AuthFailures"}),
}


def publish(deployed: Deployed, metrics: Metrics, log_group: str, lines: dict[int, list[str]]) -> None:
    """What the filters of a log group publish: of a minute's lines those that fit, or the default where none does."""
    pages = deployed.account.client("logs").get_paginator("describe_metric_filters").paginate(logGroupName=log_group)
    filters = [item for page in pages for item in page["metricFilters"]]
    assert filters
    for item in filters:
        pattern, (made,) = filter_pattern.understand(item["filterPattern"]), item["metricTransformations"]
        put = partial(metrics.put, namespace=made["metricNamespace"], name=made["metricName"])
        fitting = {line for line in itertools.chain(*lines.values()) if pattern.fits(line)}
        for minute, of_minute in lines.items():
            found = Counter(line for line in of_minute if line in fitting)
            for line, times in found.items():
                value = made["metricValue"]
                put(minute, value=float(filter_pattern.value(value, line) if value.startswith("$") else value), times=times)
            if of_minute and not found and "defaultValue" in made:
                put(minute, value=made["defaultValue"])


@pytest.mark.parametrize("what", LINES)
def test_log_lines_become_alarms(deployed: Deployed, what: str):
    line, times, expected = LINES[what]
    odd = {minute: [line] * times + [GOOD] * (12 - times) for minute in range(THEN, THEN + HOUR)}
    metrics = Metrics()
    publish(deployed, metrics, "/private-analytics/api", {minute: [GOOD] * 12 for minute in range(START, THEN)} | odd)
    for reading in READINGS:
        found = {name: rings(states(deployed.alarms[name], metrics, range(START, THEN + HOUR), reading)) for name in OF_THE_API}
        assert {name for name, minutes in found.items() if minutes} == expected


@pytest.mark.parametrize(("late", "failed", "expected"), [(0, 0, False), (2, 0, True), (0, 1, True)])
def test_the_exporters_summary_becomes_an_alarm(deployed: Deployed, late: int, failed: int, expected: bool):
    summary = {"started": 0, "published": 1, "waiting": 0, "running": None, "late": late, "failed": failed, "lost": 0}
    lines = {minute: ["exporting /shop/api 2026-10-01", json.dumps(summary)] for minute in range(START, START + 5 * HOUR, HOUR)}
    metrics = Metrics()
    publish(deployed, metrics, "/aws/lambda/shop-exporter", lines)
    for reading in READINGS:
        assert bool(rings(states(deployed.alarms["ExportsLate"], metrics, range(START, START + 5 * HOUR), reading))) == expected
        silent = dict(states(deployed.alarms["ExporterSilent"], metrics, range(START, START + 5 * HOUR), reading))
        assert silent[START + HOUR] == OK


# --- The runbooks ---


def anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def test_every_alarm_names_a_runbook_that_is_there_and_every_runbook_has_an_alarm(deployed: Deployed):
    named = {re.search(r"docs/alarms\.md#([a-z-]+)$", item["AlarmDescription"])[1] for item in deployed.properties.values()}
    assert named == {anchor(heading) for heading in re.findall(r"^#{2,} (.+)$", TEXT, re.MULTILINE)}


def test_the_table_of_alarms_is_complete(deployed: Deployed):
    cells = re.findall(r"^\| (`[a-z-]+`.*?) \|", TEXT, re.MULTILINE)
    names = [item["AlarmName"].removeprefix("shop-") for item in deployed.properties.values()]
    assert sorted(re.findall(r"`([a-z-]+)`", " ".join(cells))) == sorted(names)
